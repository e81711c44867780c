-- Which row of a unit's own numbering became which document, so that a file sent again finds it.
CREATE TABLE import_rows (
    unit_id    uuid NOT NULL REFERENCES units,
    kind       text NOT NULL,
    ref        text NOT NULL CONSTRAINT import_rows_ref_short CHECK (length(ref) BETWEEN 1 AND 60),
    subject_id uuid NOT NULL,
    -- What the row said when it was last written, by whom, and the version that came of it.
    content    bytea NOT NULL CONSTRAINT import_rows_content_is_sha256 CHECK (length(content) = 32),
    user_id    uuid NOT NULL,
    version    bigint NOT NULL,
    written_at timestamptz NOT NULL,
    PRIMARY KEY (unit_id, kind, ref)
);
