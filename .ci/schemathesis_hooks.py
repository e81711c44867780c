"""What Schemathesis cannot know: how to log in, and that a 503 with Retry-After is an honest answer."""

import os
import threading
import uuid

import requests
import schemathesis
from hypothesis import strategies as st

API = os.environ["LIANDAN_URL"] + "/api/v1"
PASSWORD = "a long password"
ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
WEIGHTS = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28]


def uscc(stem):
    """Completes 17 characters with the check digit of GB 32100-2015."""
    total = sum(ALPHABET.index(character) * weight for character, weight in zip(stem, WEIGHTS))
    return stem + ALPHABET[-total % 31]


def new_uscc():
    number, digits = uuid.uuid4().int, ""
    for _ in range(9):
        number, digit = divmod(number, len(ALPHABET))
        digits += ALPHABET[digit]
    return uscc("91210213" + digits)


schemathesis.openapi.format("uscc", st.text(ALPHABET, min_size=9, max_size=9).map(lambda tail: uscc("91210213" + tail)))


def post(path, body, token=None, **headers):
    if token:
        headers["Authorization"] = "Bearer " + token
    headers = {"Idempotency-Key": uuid.uuid4().hex, **headers}
    response = requests.post(API + path, json=body, headers=headers, timeout=30)
    assert response.status_code < 300, f"{path}: {response.status_code} {response.text}"
    return response.json()


def log_in(login, password=PASSWORD):
    return post("/sessions", {"login": login, "password": password})["access_token"]


def own_password(login, first):
    """Changes a first password, which opens nothing else."""
    post("/me/change_secret", {"current_password": first, "password": PASSWORD}, log_in(login, first))
    return PASSWORD


def unit(name):
    return {"uscc": new_uscc(), "name": name, "division": "210213", "address": "大连市金州区", "contact_phone": "0411-87000000"}


def person(login):
    return {"login": login, "name": "模糊测试"}


class Party:
    """A verified unit with a person of every role. Fuzzed acts may end any of it, so it can be made again."""

    def __init__(self):
        self.lock = threading.Lock()
        self.officer = None
        self.login = None
        self.password = None

    def make(self):
        if self.officer is None:
            login = "officer_" + uuid.uuid4().hex[:8]
            body = {"unit": unit("金普新区生态环境分局"), "divisions": ["210213"], "person": person(login)}
            first = post("/authorities", body, log_in("platform"))["secret"]["password"]
            self.officer = (login, own_password(login, first))
        admin = "admin_" + uuid.uuid4().hex[:8]
        made = post("/registrations", {"unit": unit("模糊测试化工有限公司"), "person": person(admin), "password": PASSWORD})
        unit_id = made["done"][0]["subject_id"]
        post(f"/units/{unit_id}/verify", {}, log_in(*self.officer), **{"If-Match": '"1"'})
        self.login = "fuzzer_" + uuid.uuid4().hex[:8]
        roles = ["unit_admin", "clerk", "signatory", "dispatcher", "driver", "weigher"]
        first = post("/users", {"person": person(self.login), "roles": roles}, log_in(admin))["secret"]["password"]
        self.password = own_password(self.login, first)

    def token(self):
        with self.lock:
            if self.login is None:
                self.make()
            for _ in range(3):
                try:
                    token = log_in(self.login, self.password)
                    me = requests.get(API + "/me", headers={"Authorization": "Bearer " + token}, timeout=30).json()
                    if me.get("is_verified") and len(me["roles"]) == 6:
                        return token
                except AssertionError:
                    pass
                self.make()
        raise RuntimeError("no token")


PARTY = Party()


@schemathesis.auth(refresh_interval=10)
class Login:
    def get(self, case, context):
        return PARTY.token()

    def set(self, case, data, context):
        case.headers = case.headers or {}
        case.headers["Authorization"] = "Bearer " + data


@schemathesis.check
def no_server_error(ctx, response, case):
    if response.status_code >= 500 and not (response.status_code == 503 and "retry-after" in response.headers):
        raise AssertionError(f"{response.status_code} where none may be")
