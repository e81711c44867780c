-- What every feature shares: who this installation is, what was already done, who holds a lease.

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TABLE installation (
    only_row    boolean PRIMARY KEY DEFAULT true CONSTRAINT installation_has_one_row CHECK (only_row),
    number_mode text NOT NULL CONSTRAINT installation_number_mode_known CHECK (number_mode IN ('local', 'national')),
    purpose     text NOT NULL CONSTRAINT installation_purpose_known CHECK (purpose IN ('serve', 'demo', 'bench', 'test')),
    created_at  timestamptz NOT NULL
);

-- Public halves only; the private ones lie in the keys folder and never enter the database.
CREATE TABLE signing_keys (
    kid         text PRIMARY KEY,
    purpose     text NOT NULL CONSTRAINT signing_keys_purpose_known CHECK (purpose IN ('token', 'proof')),
    public_key  bytea NOT NULL CONSTRAINT signing_keys_is_ed25519 CHECK (length(public_key) = 32),
    valid_from  timestamptz NOT NULL,
    valid_until timestamptz
);

CREATE TABLE idempotency_keys (
    user_id     uuid NOT NULL,
    key         text NOT NULL CONSTRAINT idempotency_keys_short CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint bytea NOT NULL CONSTRAINT idempotency_keys_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
    event_ids   uuid[] NOT NULL,
    secret      boolean NOT NULL,
    created_at  timestamptz NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

CREATE TABLE leases (
    name       text PRIMARY KEY,
    holder     uuid NOT NULL,
    held_until timestamptz NOT NULL
);
