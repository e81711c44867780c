-- Looks at the public page of a manifest, by whoever holds its sheet. Nobody's address is kept: the source is a keyed hash that
-- is another one every day, so that looks of one day can be told apart and those of two days cannot be joined.
CREATE TABLE token_looks (
    id          uuid  PRIMARY KEY,
    manifest_id uuid  NOT NULL REFERENCES manifests,
    looked_at   timestamptz NOT NULL,
    -- The legal day, counted on the page.
    looked_on   date  NOT NULL,
    shown       text  NOT NULL CONSTRAINT token_looks_shown_known CHECK (shown IN
        ('valid', 'in_transit', 'delivered', 'refused', 'void', 'expired', 'unnumbered', 'demonstration')),
    source_hash bytea NOT NULL CONSTRAINT token_looks_source_hash_is_short CHECK (length(source_hash) = 16)
);
CREATE INDEX token_looks_by_day ON token_looks (manifest_id, looked_on);
CREATE TRIGGER token_looks_append_only BEFORE UPDATE OR DELETE ON token_looks
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER token_looks_never_truncated BEFORE TRUNCATE ON token_looks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
