-- Files by their content: one backup holds all, and what an event names by its hash stays what it was.

CREATE TABLE blobs (
    sha256     bytea PRIMARY KEY,
    media_type text NOT NULL CONSTRAINT blobs_media_type_known CHECK (media_type IN ('application/pdf', 'image/png', 'image/jpeg')),
    bytes      bytea NOT NULL CONSTRAINT blobs_small CHECK (octet_length(bytes) BETWEEN 1 AND 10485760),
    created_at timestamptz NOT NULL,
    CONSTRAINT blobs_key_is_the_hash CHECK (sha256 = sha256(bytes))
);
-- Out of line and not compressed: such files are packed already, and a piece is read without the whole.
ALTER TABLE blobs ALTER COLUMN bytes SET STORAGE EXTERNAL;
CREATE TRIGGER blobs_append_only BEFORE UPDATE OR DELETE ON blobs FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER blobs_never_truncated BEFORE TRUNCATE ON blobs
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
