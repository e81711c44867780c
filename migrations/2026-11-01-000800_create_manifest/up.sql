-- The manifest core. The header is what changes; a part is what one act sealed and never changes.

CREATE TABLE manifest_numbers (
    prefecture  text NOT NULL CONSTRAINT manifest_numbers_prefecture_is_4_digits CHECK (prefecture ~ '^[0-9]{4}$'),
    year        int  NOT NULL,
    last_serial int  NOT NULL CONSTRAINT manifest_numbers_six_digits CHECK (last_serial BETWEEN 1 AND 999999),
    PRIMARY KEY (prefecture, year)
) WITH (fillfactor = 50);

CREATE TABLE manifests (
    id                   uuid PRIMARY KEY,
    stream               text NOT NULL CONSTRAINT manifests_stream_known CHECK (stream IN ('hazardous', 'medical', 'general')),
    carriage             text NOT NULL CONSTRAINT manifests_carriage_known CHECK (carriage IN ('vehicle', 'pipeline')),
    state                text NOT NULL CONSTRAINT manifests_state_known CHECK (state IN (
                             'issued', 'offered', 'in_transit', 'arrived', 'received', 'confirmed', 'partly_confirmed', 'refused', 'treated', 'cancelled')),
    number               text CONSTRAINT manifests_number_unique UNIQUE CONSTRAINT manifests_number_is_14_digits CHECK (number ~ '^[0-9]{14}$'),
    official_no          text CONSTRAINT manifests_official_no_unique UNIQUE,
    paper_no             text,
    -- Names as sealed at issue: the list reads no other table for them.
    consignor_id         uuid NOT NULL REFERENCES units,
    consignor_name       text NOT NULL,
    receiver_id          uuid NOT NULL REFERENCES units,
    receiver_name        text NOT NULL,
    departure_division   text NOT NULL,
    destination_division text NOT NULL,
    issued_at            timestamptz NOT NULL,
    planned_departure_on date NOT NULL,
    planned_receipt_on   date NOT NULL,
    received_on          date,
    confirm_due_on       date,
    confirm_due_provisional boolean NOT NULL DEFAULT false,
    declared_g           bigint NOT NULL CONSTRAINT manifests_declared_positive CHECK (declared_g > 0),
    released_g           bigint,
    accepted_g           bigint,
    codes                text[] NOT NULL,
    plates               text[] NOT NULL DEFAULT '{}',
    flags                text[] NOT NULL DEFAULT '{}',
    -- Where incidents were reported: the authority of such a place sees the manifest too.
    voided_at            timestamptz,
    link_kind            text CONSTRAINT manifests_link_known CHECK (link_kind IN ('return', 're_consignment')),
    linked_from          uuid REFERENCES manifests,
    CONSTRAINT manifests_link_whole CHECK ((link_kind IS NULL) = (linked_from IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX manifests_by_link ON manifests (linked_from) WHERE linked_from IS NOT NULL;
CREATE INDEX manifests_by_paper_no ON manifests (paper_no) WHERE paper_no IS NOT NULL;
-- One paper of a consignor is one manifest; a void one frees its paper. A cancelled one names none, so that no change of
-- state touches this index.
CREATE UNIQUE INDEX manifests_paper_no_of_one_manifest ON manifests (consignor_id, paper_no) WHERE paper_no IS NOT NULL AND voided_at IS NULL;

CREATE TABLE manifest_parts (
    manifest_id  uuid NOT NULL REFERENCES manifests,
    part         text NOT NULL CONSTRAINT manifest_parts_part_known CHECK (part IN (
                     'consignment', 'assignment', 'release', 'take_over', 'hand_over', 'arrival', 'receipt', 'verdict', 'treatment')),
    part_no      int  NOT NULL CONSTRAINT manifest_parts_no_from_one CHECK (part_no >= 1),
    revision     int  NOT NULL CONSTRAINT manifest_parts_revision_from_one CHECK (revision >= 1),
    v            int  NOT NULL,
    bytes        bytea NOT NULL,
    content_hash bytea NOT NULL CONSTRAINT manifest_parts_hash_fits CHECK (content_hash = sha256('\x00'::bytea || bytes)),
    PRIMARY KEY (manifest_id, part, part_no, revision)
);
CREATE TRIGGER manifest_parts_append_only BEFORE UPDATE OR DELETE ON manifest_parts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER manifest_parts_never_truncated BEFORE TRUNCATE ON manifest_parts FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- Who may see a manifest and in what relation; written by each act.
CREATE TABLE manifest_parties (
    unit_id     uuid NOT NULL,
    manifest_id uuid NOT NULL REFERENCES manifests,
    relation    text NOT NULL CONSTRAINT manifest_parties_relation_known CHECK (relation IN ('consignor', 'carrier', 'receiver', 'holder')),
    leg_no      int  NOT NULL,
    PRIMARY KEY (unit_id, manifest_id, relation, leg_no)
);
CREATE INDEX manifest_parties_by_manifest ON manifest_parties (manifest_id);

-- Whose officers may see a manifest: the divisions of departure, of destination and of its incidents.
CREATE TABLE manifest_places (
    division    text NOT NULL,
    manifest_id uuid NOT NULL REFERENCES manifests,
    PRIMARY KEY (division, manifest_id)
);
CREATE INDEX manifest_places_by_manifest ON manifest_places (manifest_id);

-- Who must do what next; rewritten by each act.
CREATE TABLE manifest_tasks (
    unit_id     uuid NOT NULL,
    manifest_id uuid NOT NULL REFERENCES manifests,
    act         text NOT NULL,
    due_on      date,
    reminded_at timestamptz,
    PRIMARY KEY (unit_id, manifest_id, act)
);
CREATE INDEX manifest_tasks_by_manifest ON manifest_tasks (manifest_id);

CREATE TABLE manifest_drafts (
    id         uuid PRIMARY KEY,
    unit_id    uuid NOT NULL REFERENCES units,
    version    bigint NOT NULL,
    document   jsonb NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX manifest_drafts_by_unit ON manifest_drafts (unit_id, id);

-- One vehicle journey; carries legs of any number of manifests.
CREATE TABLE trips (
    id         uuid PRIMARY KEY,
    carrier_id uuid NOT NULL REFERENCES units,
    plate      text NOT NULL,
    started_at timestamptz NOT NULL
);
CREATE INDEX trips_by_carrier ON trips (carrier_id, id);
CREATE TABLE trip_legs (
    trip_id     uuid NOT NULL REFERENCES trips,
    -- Deferred: a back-entered manifest has its trip before its header is written.
    manifest_id uuid NOT NULL REFERENCES manifests DEFERRABLE INITIALLY DEFERRED,
    leg_no      int  NOT NULL,
    PRIMARY KEY (trip_id, manifest_id, leg_no)
);
CREATE INDEX trip_legs_by_manifest ON trip_legs (manifest_id, leg_no);
CREATE TABLE weighings (
    trip_id    uuid NOT NULL REFERENCES trips,
    seq        bigint NOT NULL,
    gross_g    bigint NOT NULL,
    tare_g     bigint NOT NULL,
    side       text NOT NULL CONSTRAINT weighings_side_known CHECK (side IN ('departure', 'receipt', 'public')),
    weighed_by uuid NOT NULL,
    weighed_at timestamptz NOT NULL,
    hash       bytea NOT NULL,
    struck_at  timestamptz,
    PRIMARY KEY (trip_id, seq),
    CONSTRAINT weighings_net_positive CHECK (gross_g > tare_g AND tare_g >= 0)
);

CREATE TABLE corrections (
    id          uuid PRIMARY KEY,
    manifest_id uuid NOT NULL REFERENCES manifests,
    proposed_by uuid NOT NULL,
    proposed_at timestamptz NOT NULL,
    due_on      date NOT NULL,
    document    jsonb NOT NULL,
    state       text NOT NULL CONSTRAINT corrections_state_known CHECK (state IN ('open', 'applied', 'rejected')),
    -- The day of the next reminder, and how many there were.
    remind_on   date,
    reminded    int  NOT NULL DEFAULT 0
);
CREATE INDEX corrections_by_manifest ON corrections (manifest_id);
CREATE INDEX corrections_to_remind ON corrections (remind_on) WHERE state = 'open';
CREATE TABLE correction_voices (
    correction_id uuid NOT NULL REFERENCES corrections,
    unit_id       uuid NOT NULL,
    agreed_at     timestamptz,
    PRIMARY KEY (correction_id, unit_id)
);

CREATE TABLE incidents (
    id          uuid PRIMARY KEY,
    manifest_id uuid NOT NULL REFERENCES manifests,
    kind        text NOT NULL,
    place       text NOT NULL,
    division    text NOT NULL,
    reported_by uuid NOT NULL,
    reported_at timestamptz NOT NULL
);
CREATE INDEX incidents_by_division ON incidents (division, id);
CREATE INDEX incidents_by_place ON incidents (division, manifest_id);
CREATE INDEX incidents_by_manifest ON incidents (manifest_id);
-- Who must take note of an incident: the authority of its place, and the consignor.
CREATE TABLE incident_tasks (
    incident_id     uuid NOT NULL REFERENCES incidents,
    duty            text NOT NULL CONSTRAINT incident_tasks_duty_known CHECK (duty IN ('authority', 'consignor')),
    unit_id         uuid NOT NULL,
    acknowledged_at timestamptz,
    PRIMARY KEY (incident_id, duty, unit_id)
);

-- Who must take note of a reported discrepancy (差异报告): the authority of the place of receipt, and the consignor.
CREATE TABLE discrepancy_tasks (
    manifest_id     uuid NOT NULL REFERENCES manifests,
    duty            text NOT NULL CONSTRAINT discrepancy_tasks_duty_known CHECK (duty IN ('authority', 'consignor')),
    unit_id         uuid NOT NULL,
    reported_by     uuid NOT NULL,
    reported_at     timestamptz NOT NULL,
    acknowledged_at timestamptz,
    PRIMARY KEY (manifest_id, duty, unit_id)
);

-- A consignor asked what became of what was accepted (去向核实).
CREATE TABLE fate_checks (
    id          uuid PRIMARY KEY,
    manifest_id uuid NOT NULL REFERENCES manifests,
    unit_id     uuid NOT NULL,
    checked_at  timestamptz NOT NULL,
    note        text
);
CREATE INDEX fate_checks_by_manifest ON fate_checks (manifest_id, checked_at);
CREATE INDEX manifests_untreated ON manifests (consignor_id, id) WHERE state IN ('confirmed', 'partly_confirmed') AND voided_at IS NULL;
CREATE TRIGGER fate_checks_append_only BEFORE UPDATE OR DELETE ON fate_checks FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER fate_checks_never_truncated BEFORE TRUNCATE ON fate_checks
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An administrator opens outage mode with a reason: release goes on without the national number.
CREATE TABLE outages (
    id        uuid PRIMARY KEY,
    opened_by uuid NOT NULL,
    opened_at timestamptz NOT NULL,
    reason    text NOT NULL,
    closed_at timestamptz
);
CREATE UNIQUE INDEX outages_one_open ON outages ((true)) WHERE closed_at IS NULL;

-- Pairs of categories that may not ride together, one list a division. Ships empty: no table of pairs is held, and none
-- is invented.
CREATE TABLE incompatible_pairs (
    division     text PRIMARY KEY,
    source       text NOT NULL,
    categories_a text[] NOT NULL,
    categories_b text[] NOT NULL,
    loaded_at    timestamptz NOT NULL,
    CONSTRAINT incompatible_pairs_whole CHECK (cardinality(categories_a) = cardinality(categories_b))
);
