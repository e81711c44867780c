-- Units and people. A membership ties one person to one unit with roles; a person may have several.

CREATE TABLE units (
    id          uuid PRIMARY KEY,
    uscc        text NOT NULL CONSTRAINT units_uscc_is_18 CHECK (length(uscc) = 18),
    name        text NOT NULL,
    kind        text NOT NULL CONSTRAINT units_kind_known CHECK (kind IN ('enterprise', 'authority', 'platform')),
    is_external boolean NOT NULL,
    -- ISO 3166. Waste from abroad may not come in at all, so where a unit sits is said, not guessed.
    country     text NOT NULL CONSTRAINT units_country_is_a_code CHECK (country ~ '^[A-Z]{2}$'),
    -- The partner that recorded a unit outside the system.
    recorded_by uuid REFERENCES units,
    division    text NOT NULL,
    address     text NOT NULL,
    contact_phone text NOT NULL,
    verified_at timestamptz,
    created_at  timestamptz NOT NULL,
    -- A claim that lost: another one for the same code was verified.
    ended_at    timestamptz,
    CONSTRAINT units_members_are_domestic CHECK (country = 'CN' OR is_external),
    CONSTRAINT units_only_a_claim_ends CHECK (ended_at IS NULL OR verified_at IS NULL)
);
-- Unique is what an officer verified or a partner recorded. A registration is a claim, and several may stand beside each
-- other: nobody may keep a firm out by registering its code first.
CREATE UNIQUE INDEX units_uscc_of_one_unit ON units (uscc) WHERE verified_at IS NOT NULL OR is_external;
CREATE INDEX units_by_uscc ON units (uscc);

-- All that a claim holds goes over to the unit that stands already. Read from the foreign keys, since rooms to the right
-- have tables of which this one knows nothing; what only grows is left out, and a claim has nothing there.
CREATE FUNCTION move_to_unit(claim uuid, unit uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    place record;
BEGIN
    FOR place IN
        SELECT c.conrelid::regclass AS held_in, a.attname AS held_as
        FROM pg_constraint c JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1]
        WHERE c.contype = 'f' AND c.confrelid = 'units'::regclass AND cardinality(c.conkey) = 1
          AND has_table_privilege(c.conrelid, 'UPDATE')
        ORDER BY 1, 2
    LOOP
        EXECUTE format('UPDATE %s SET %I = $2 WHERE %I = $1', place.held_in, place.held_as, place.held_as) USING claim, unit;
    END LOOP;
END $$;

-- The nodes of the division tree that an authority answers for, by date.
CREATE TABLE jurisdictions (
    unit_id    uuid NOT NULL REFERENCES units,
    division   text NOT NULL,
    from_on    date NOT NULL,
    until_on   date,
    PRIMARY KEY (unit_id, division, from_on)
);

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    login         text NOT NULL CONSTRAINT users_login_unique UNIQUE,
    name          text NOT NULL,
    phone         text,
    password_hash text,
    pin_hash      text,
    rights_epoch  bigint NOT NULL DEFAULT 1,
    -- The password was chosen for him and told by another: he must take one of his own first.
    has_first_password boolean NOT NULL,
    created_at    timestamptz NOT NULL
);
CREATE INDEX users_by_phone ON users (phone);

-- Events hold ids; a reader sees the name that the person had on the day, whatever he is called since. A new name is a new
-- row beside the change of `users`.
CREATE TABLE user_names (
    user_id uuid NOT NULL REFERENCES users,
    from_at timestamptz NOT NULL,
    name    text NOT NULL,
    PRIMARY KEY (user_id, from_at)
);
CREATE FUNCTION keep_first_name() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO user_names (user_id, from_at, name) VALUES (NEW.id, NEW.created_at, NEW.name);
    RETURN NULL;
END $$;
CREATE TRIGGER users_keep_first_name AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION keep_first_name();

CREATE TABLE memberships (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL REFERENCES users,
    unit_id    uuid NOT NULL REFERENCES units,
    roles      text[] NOT NULL CONSTRAINT memberships_roles_known CHECK (roles <@ ARRAY[
        'unit_admin','clerk','signatory','dispatcher','driver','weigher',
        'viewer','inspector','manager','platform_admin']),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz
);
CREATE INDEX memberships_by_user ON memberships (user_id);
CREATE INDEX memberships_by_unit ON memberships (unit_id);

-- An invitation names a log-in and asks no account: whether one exists is not told. Only its holder can accept.
CREATE TABLE invitations (
    id         uuid PRIMARY KEY,
    unit_id    uuid NOT NULL REFERENCES units,
    login      text NOT NULL,
    roles      text[] NOT NULL,
    made_at    timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    ended_at   timestamptz,
    ended_as   text CONSTRAINT invitations_ended_as_known CHECK (ended_as IN ('accepted', 'declined', 'withdrawn', 'expired')),
    CONSTRAINT invitations_end_whole CHECK ((ended_at IS NULL) = (ended_as IS NULL))
);
CREATE INDEX invitations_by_login ON invitations (login) WHERE ended_at IS NULL;
-- Nobody is invited twice at a time; one that expired is ended by the next.
CREATE UNIQUE INDEX invitations_one_open ON invitations (unit_id, login) WHERE ended_at IS NULL;
CREATE INDEX invitations_by_unit ON invitations (unit_id, id);

-- A deputy signs in a signatory's place between two days.
CREATE TABLE deputies (
    id            uuid PRIMARY KEY,
    membership_id uuid NOT NULL REFERENCES memberships,
    deputy_id     uuid NOT NULL REFERENCES memberships,
    from_on       date NOT NULL,
    until_on      date NOT NULL,
    -- Ended before its last day.
    ended_at      timestamptz,
    CONSTRAINT deputies_are_others CHECK (membership_id <> deputy_id),
    CONSTRAINT deputies_dates_ordered CHECK (from_on <= until_on)
);

CREATE INDEX deputies_by_membership ON deputies (membership_id);
CREATE INDEX deputies_by_deputy ON deputies (deputy_id);

-- One family per login; rotation keeps the family, reuse ends it.
CREATE TABLE sessions (
    id            uuid PRIMARY KEY,
    user_id       uuid NOT NULL REFERENCES users,
    membership_id uuid REFERENCES memberships,
    by_pin        boolean NOT NULL,
    by_first_password boolean NOT NULL,
    device        text,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    ended_at      timestamptz,
    ended_because text
);
CREATE INDEX sessions_by_user ON sessions (user_id);
CREATE TABLE refresh_tokens (
    token_hash   bytea PRIMARY KEY,
    session_id   uuid NOT NULL REFERENCES sessions,
    issued_at    timestamptz NOT NULL,
    used_at      timestamptz,
    successor    bytea
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- Counted per account AND source, so that a stranger cannot lock a user out.
CREATE TABLE login_failures (
    account_hash bytea NOT NULL,
    source       text NOT NULL,
    failures     int NOT NULL,
    next_try_at  timestamptz NOT NULL,
    PRIMARY KEY (account_hash, source)
);

CREATE TABLE api_keys (
    id            uuid PRIMARY KEY,
    unit_id       uuid NOT NULL REFERENCES units,
    name          text NOT NULL,
    key_hash      bytea NOT NULL UNIQUE,
    roles         text[] NOT NULL,
    created_by    uuid NOT NULL REFERENCES users,
    created_at    timestamptz NOT NULL,
    expires_at    timestamptz NOT NULL,
    revoked_at    timestamptz,
    last_used_at  timestamptz
);

-- A named signatory lets a key sign: which acts, until when.
CREATE TABLE signing_delegations (
    id            uuid PRIMARY KEY,
    api_key_id    uuid NOT NULL REFERENCES api_keys,
    signatory_id  uuid NOT NULL REFERENCES memberships,
    acts          text[] NOT NULL,
    from_at       timestamptz NOT NULL,
    until_at      timestamptz NOT NULL,
    revoked_at    timestamptz
);

-- Told by voice to somebody without a device: ten minutes, five tries, one act.
CREATE TABLE one_time_codes (
    id           uuid PRIMARY KEY,
    code_hash    bytea NOT NULL,
    manifest_id  uuid NOT NULL,
    act          text NOT NULL,
    user_id      uuid NOT NULL REFERENCES users,
    unit_id      uuid NOT NULL REFERENCES units,
    made_by      uuid NOT NULL REFERENCES users,
    made_at      timestamptz NOT NULL,
    expires_at   timestamptz NOT NULL,
    tries        int NOT NULL DEFAULT 0,
    used_at      timestamptz
);
CREATE INDEX one_time_codes_by_manifest ON one_time_codes (manifest_id, act);
-- Counted for each person who tried, so that nobody's wrong digits keep another waiting.
CREATE TABLE one_time_tries (
    code_id      uuid NOT NULL REFERENCES one_time_codes,
    user_id      uuid NOT NULL REFERENCES users,
    tries        int NOT NULL,
    next_try_at  timestamptz,
    PRIMARY KEY (code_id, user_id)
);
