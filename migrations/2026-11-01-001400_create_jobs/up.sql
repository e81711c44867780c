-- Work that outlives its request: a file sent in, row by row, and the answer to it.

CREATE TABLE jobs (
    id          uuid PRIMARY KEY,
    unit_id     uuid NOT NULL,
    user_id     uuid NOT NULL,
    kind        text NOT NULL,
    -- What the runner needs beside the file: by whose right, in which language and mode.
    request     jsonb NOT NULL,
    key         text NOT NULL CONSTRAINT jobs_key_short CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint bytea NOT NULL CONSTRAINT jobs_fingerprint_is_sha256 CHECK (length(fingerprint) = 32),
    state       text NOT NULL CONSTRAINT jobs_state_known CHECK (state IN ('queued', 'running', 'done', 'failed')),
    done_rows   int NOT NULL CONSTRAINT jobs_done_sane CHECK (done_rows >= 0),
    total_rows  int NOT NULL CONSTRAINT jobs_total_sane CHECK (total_rows >= 0),
    attempts    int NOT NULL CONSTRAINT jobs_attempts_sane CHECK (attempts >= 0),
    -- While it runs: by whom, and until when that is believed without a sign of life.
    runner      uuid,
    held_until  timestamptz,
    input       bytea,
    result      jsonb,
    output      bytea,
    output_name text,
    created_at  timestamptz NOT NULL,
    finished_at timestamptz,
    CONSTRAINT jobs_once_per_key UNIQUE (user_id, key),
    CONSTRAINT jobs_running_is_held CHECK ((state = 'running') = (runner IS NOT NULL) AND (runner IS NULL) = (held_until IS NULL)),
    CONSTRAINT jobs_end_has_a_time CHECK ((state IN ('done', 'failed')) = (finished_at IS NOT NULL)),
    CONSTRAINT jobs_keep_no_file_behind CHECK ((state IN ('queued', 'running')) = (input IS NOT NULL)),
    CONSTRAINT jobs_output_has_a_name CHECK ((output IS NULL) = (output_name IS NULL))
);
CREATE INDEX jobs_by_unit ON jobs (unit_id, id);
CREATE INDEX jobs_waiting ON jobs (id) WHERE state IN ('queued', 'running');
CREATE INDEX jobs_by_end ON jobs (finished_at) WHERE finished_at IS NOT NULL;
