-- One chain of events per subject. The head is the only row of evidence that changes.

CREATE TABLE streams (
    subject_id   uuid PRIMARY KEY,
    subject_kind text NOT NULL,
    seq          bigint NOT NULL CONSTRAINT streams_seq_counts_from_one CHECK (seq >= 1),
    version      bigint NOT NULL CONSTRAINT streams_version_counts_from_one CHECK (version >= 1),
    head         bytea NOT NULL CONSTRAINT streams_head_is_sha256 CHECK (length(head) = 32)
) WITH (fillfactor = 70);

CREATE TABLE events (
    id           uuid PRIMARY KEY,
    subject_id   uuid NOT NULL REFERENCES streams DEFERRABLE INITIALLY DEFERRED,
    subject_kind text NOT NULL,
    seq          bigint NOT NULL,
    version      bigint NOT NULL,
    act          text NOT NULL,
    prev_hash    bytea NOT NULL CONSTRAINT events_prev_hash_is_sha256 CHECK (length(prev_hash) = 32),
    hash         bytea NOT NULL CONSTRAINT events_hash_is_chained CHECK (hash = sha256('\x01'::bytea || prev_hash || bytes)),
    bytes        bytea NOT NULL,
    attestation  bytea,
    recorded_at  timestamptz NOT NULL,
    CONSTRAINT events_one_per_place UNIQUE (subject_id, seq)
);
CREATE TRIGGER events_append_only BEFORE UPDATE OR DELETE ON events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_never_truncated BEFORE TRUNCATE ON events
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Sent in one message with COMMIT: without its event an act is not committed.
CREATE FUNCTION must_have_event(wanted uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM events WHERE id = wanted) THEN
        RAISE EXCEPTION 'event % is not there', wanted;
    END IF;
END $$;

-- Written by the event's own statement, emptied by the one job that numbers the feed.
CREATE TABLE unfed (
    event_id uuid PRIMARY KEY
);
CREATE TABLE feed (
    feed_no  bigint PRIMARY KEY,
    event_id uuid NOT NULL UNIQUE REFERENCES events
);
CREATE TABLE feed_cursors (
    subscriber text PRIMARY KEY,
    feed_no    bigint NOT NULL
);

-- Who looked: officers' look-ups of one subject.
CREATE TABLE access_log (
    id         uuid PRIMARY KEY,
    user_id    uuid NOT NULL,
    unit_id    uuid,
    subject_id uuid NOT NULL,
    what       text NOT NULL,
    request_id uuid NOT NULL,
    looked_at  timestamptz NOT NULL
);
CREATE INDEX access_log_by_subject ON access_log (subject_id, looked_at);
CREATE TRIGGER access_log_append_only BEFORE UPDATE OR DELETE ON access_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER access_log_never_truncated BEFORE TRUNCATE ON access_log
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
