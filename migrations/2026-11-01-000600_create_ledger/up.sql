-- Masses that are counted against a limit, the ledger of each site, and the one mass graph beneath it.

-- One row per account and calendar year; year 0 where the limit is not yearly.
CREATE TABLE mass_accounts (
    kind       text NOT NULL CONSTRAINT mass_accounts_kind_known CHECK (kind IN ('plan_flow', 'approval', 'licence_line')),
    owner_id   uuid NOT NULL,
    year       int  NOT NULL,
    reserved_g bigint NOT NULL,
    settled_g  bigint NOT NULL,
    PRIMARY KEY (kind, owner_id, year)
) WITH (fillfactor = 70);

-- An entry of the ledger (台账记录) is never changed: a correction is a row that reverses it, and perhaps a new one.
CREATE TABLE ledger_entries (
    id            uuid PRIMARY KEY,
    site_id       uuid NOT NULL REFERENCES sites,
    unit_id       uuid NOT NULL REFERENCES units,
    kind          text NOT NULL CONSTRAINT ledger_entries_kind_known CHECK (kind IN ('generated', 'stored', 'taken_out', 'used_on_site',
        'disposed_on_site', 'sent', 'received', 'counted', 'corrected')),
    batch         text NOT NULL,
    waste_code    text NOT NULL,
    edition       text NOT NULL,
    common_name   text,
    -- What was measured; what the books said differs by difference_g, and short_g of it they did not hold at all.
    mass_g        bigint NOT NULL CONSTRAINT ledger_entries_mass_not_negative CHECK (mass_g >= 0),
    difference_g  bigint NOT NULL,
    short_g       bigint NOT NULL CONSTRAINT ledger_entries_short_within_mass CHECK (short_g BETWEEN 0 AND mass_g),
    happened_at   timestamptz NOT NULL,
    recorded_at   timestamptz NOT NULL,
    is_late       boolean NOT NULL,
    is_piped      boolean NOT NULL,
    facility_id   uuid REFERENCES facilities,
    method        text,
    done_at       timestamptz,
    destination   text,
    receiver      jsonb,
    manifest_id   uuid,
    line          int,
    handler       text NOT NULL,
    carried_by    text,
    store_keeper  text,
    note          text,
    fillings      jsonb NOT NULL,
    sources       uuid[] NOT NULL,
    found_code    text,
    reverses      uuid UNIQUE REFERENCES ledger_entries,
    replaces      uuid UNIQUE REFERENCES ledger_entries,
    -- A correction of the manifest changes by how much: the entry stands, less or more of it.
    adjusts       uuid REFERENCES ledger_entries,
    CONSTRAINT ledger_entries_correction_names_its_entry CHECK ((kind = 'corrected') = (num_nonnulls(reverses, adjusts) = 1))
);
CREATE INDEX ledger_entries_by_site ON ledger_entries (site_id, id);
CREATE INDEX ledger_entries_by_unit ON ledger_entries (unit_id, id);
CREATE INDEX ledger_entries_by_day ON ledger_entries (site_id, happened_at);
CREATE INDEX ledger_entries_by_manifest ON ledger_entries (manifest_id) WHERE manifest_id IS NOT NULL;
-- A correction shows the batch that it corrects.
CREATE UNIQUE INDEX ledger_entries_batch_once ON ledger_entries (site_id, batch) WHERE kind <> 'corrected';
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_never_truncated BEFORE TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- The last NNN of each prefix, site and day.
CREATE TABLE ledger_batches (
    site_id uuid NOT NULL REFERENCES sites,
    prefix  text NOT NULL,
    day     date NOT NULL,
    last    int  NOT NULL,
    PRIMARY KEY (site_id, prefix, day)
) WITH (fillfactor = 70);

-- A lot (批) is any mass with a history; an edge moves mass from one lot to another. A correction never changes a lot:
-- its mass today is mass_g plus what `adjust` edges bring and less what they take.
CREATE TABLE lots (
    id          uuid PRIMARY KEY,
    site_id     uuid,
    manifest_id uuid,
    line        int,
    waste_code  text NOT NULL,
    kind        text NOT NULL CONSTRAINT lots_kind_known CHECK (kind IN ('generated', 'counted', 'moved', 'sent', 'released', 'received',
        'refused', 'treated', 'adjusted')),
    mass_g      bigint NOT NULL CONSTRAINT lots_mass_not_negative CHECK (mass_g >= 0),
    made_at     timestamptz NOT NULL,
    -- The entry that made it; without one it lies in nobody's ledger.
    entry_id    uuid REFERENCES ledger_entries
);
CREATE INDEX lots_by_manifest ON lots (manifest_id, line);
CREATE INDEX lots_by_entry ON lots (entry_id) WHERE entry_id IS NOT NULL;
CREATE TABLE lot_edges (
    id        uuid PRIMARY KEY,
    from_id   uuid NOT NULL REFERENCES lots,
    to_id     uuid NOT NULL REFERENCES lots,
    mass_g    bigint NOT NULL CONSTRAINT lot_edges_mass_not_negative CHECK (mass_g >= 0),
    kind      text NOT NULL CONSTRAINT lot_edges_kind_known CHECK (kind IN ('accept', 'refuse', 'treat', 'move', 'send', 'adjust')),
    made_at   timestamptz NOT NULL,
    entry_id  uuid REFERENCES ledger_entries,
    -- The column of the balance that it belongs to, seen from the lot that lies in a ledger; none where no ledger sees it.
    counts_as text CONSTRAINT lot_edges_counts_as_known CHECK (counts_as IN ('generated', 'received', 'used', 'disposed', 'sent', 'moved', 'adjusted')),
    CONSTRAINT lot_edges_not_to_itself CHECK (from_id <> to_id),
    CONSTRAINT lot_edges_counted_by_an_entry CHECK (counts_as IS NULL OR entry_id IS NOT NULL)
);
CREATE INDEX lot_edges_by_from ON lot_edges (from_id);
CREATE INDEX lot_edges_by_to ON lot_edges (to_id);
CREATE INDEX lot_edges_by_entry ON lot_edges (entry_id) WHERE entry_id IS NOT NULL;
CREATE TRIGGER lots_append_only BEFORE UPDATE OR DELETE ON lots FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lots_never_truncated BEFORE TRUNCATE ON lots
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lot_edges_append_only BEFORE UPDATE OR DELETE ON lot_edges FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lot_edges_never_truncated BEFORE TRUNCATE ON lot_edges
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- What a site holds of a waste. Its row is locked before any lot of the two is read, so that two acts never share a gram.
CREATE TABLE ledger_stocks (
    site_id    uuid NOT NULL REFERENCES sites,
    waste_code text NOT NULL,
    left_g     bigint NOT NULL CONSTRAINT ledger_stocks_not_negative CHECK (left_g >= 0),
    PRIMARY KEY (site_id, waste_code)
) WITH (fillfactor = 70);

-- What is left of a lot in a ledger, and in which store it stands.
CREATE TABLE lot_stocks (
    lot_id      uuid PRIMARY KEY REFERENCES lots,
    site_id     uuid NOT NULL REFERENCES sites,
    waste_code  text NOT NULL,
    batch       text NOT NULL,
    left_g      bigint NOT NULL CONSTRAINT lot_stocks_not_negative CHECK (left_g >= 0),
    facility_id uuid REFERENCES facilities,
    -- Since when the mass is on the site: a lot that was divided keeps its age.
    since_at    timestamptz NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX lot_stocks_by_site ON lot_stocks (site_id, waste_code, since_at, lot_id);

-- What was sent before the ledger held it, until a late entry covers it.
CREATE TABLE ledger_shorts (
    entry_id    uuid PRIMARY KEY REFERENCES ledger_entries,
    site_id     uuid NOT NULL REFERENCES sites,
    waste_code  text NOT NULL,
    counts_as   text NOT NULL CONSTRAINT ledger_shorts_counts_as_known CHECK (counts_as IN ('sent', 'used', 'disposed')),
    happened_at timestamptz NOT NULL,
    left_g      bigint NOT NULL CONSTRAINT ledger_shorts_not_negative CHECK (left_g >= 0),
    manifest_id uuid,
    line        int
);
CREATE INDEX ledger_shorts_open ON ledger_shorts (site_id, waste_code, happened_at) WHERE left_g > 0;

-- A vessel of a unit (容器). What is in it is a filling.
CREATE TABLE containers (
    id          uuid PRIMARY KEY,
    unit_id     uuid NOT NULL REFERENCES units,
    site_id     uuid NOT NULL REFERENCES sites,
    code        text NOT NULL,
    kind        text NOT NULL CONSTRAINT containers_kind_known CHECK (kind IN ('drum', 'bag', 'box', 'ibc', 'tank', 'heap', 'pipe')),
    capacity_ml bigint NOT NULL CONSTRAINT containers_capacity_positive CHECK (capacity_ml > 0),
    is_reusable boolean NOT NULL,
    state       text NOT NULL CONSTRAINT containers_state_known CHECK (state IN ('empty', 'filled', 'away', 'retired')),
    material    text,
    filling_id  uuid,
    created_at  timestamptz NOT NULL,
    CONSTRAINT containers_code_once UNIQUE (unit_id, code),
    CONSTRAINT containers_filled_with_something CHECK (state <> 'filled' OR filling_id IS NOT NULL)
);
CREATE INDEX containers_by_site ON containers (site_id, id);
CREATE TABLE container_serials (
    unit_id uuid PRIMARY KEY REFERENCES units,
    last    bigint NOT NULL
) WITH (fillfactor = 70);

-- One content of a container (一次装填), under one label and one 数字识别码 for as long as it exists, wherever it goes.
CREATE TABLE fillings (
    id           uuid PRIMARY KEY,
    container_id uuid NOT NULL REFERENCES containers,
    unit_id      uuid NOT NULL REFERENCES units,
    entry_id     uuid NOT NULL REFERENCES ledger_entries,
    code         text NOT NULL UNIQUE,
    waste_code   text NOT NULL,
    filled_on    date NOT NULL,
    filled_g     bigint NOT NULL CONSTRAINT fillings_filled_positive CHECK (filled_g > 0),
    label        jsonb NOT NULL,
    -- Where it is now: in a lot of a site's ledger, or on the road.
    site_id      uuid REFERENCES sites,
    lot_id       uuid REFERENCES lots,
    left_g       bigint NOT NULL CONSTRAINT fillings_not_negative CHECK (left_g >= 0),
    -- The entry that took the last of it, or took it away.
    taken_by     uuid REFERENCES ledger_entries,
    CONSTRAINT fillings_here_or_on_the_road CHECK ((site_id IS NULL) = (lot_id IS NULL))
);
CREATE INDEX fillings_by_site ON fillings (site_id, id);
CREATE INDEX fillings_by_lot ON fillings (lot_id);
CREATE INDEX fillings_by_unit ON fillings (unit_id, id);
CREATE INDEX fillings_by_container ON fillings (container_id);
CREATE TABLE filling_serials (
    unit_id    uuid NOT NULL REFERENCES units,
    waste_code text NOT NULL,
    day        date NOT NULL,
    last       int  NOT NULL,
    PRIMARY KEY (unit_id, waste_code, day)
) WITH (fillfactor = 70);

-- The way of a filling over manifests; it is on at most one that has not ended.
CREATE TABLE loaded_fillings (
    id          uuid PRIMARY KEY,
    filling_id  uuid NOT NULL REFERENCES fillings,
    manifest_id uuid NOT NULL,
    line        int NOT NULL,
    mass_g      bigint NOT NULL CONSTRAINT loaded_fillings_mass_not_negative CHECK (mass_g >= 0),
    loaded_at   timestamptz NOT NULL,
    ended_at    timestamptz
);
CREATE UNIQUE INDEX loaded_fillings_on_one_manifest ON loaded_fillings (filling_id) WHERE ended_at IS NULL;
CREATE INDEX loaded_fillings_by_filling ON loaded_fillings (filling_id, id);
CREATE INDEX loaded_fillings_by_manifest ON loaded_fillings (manifest_id);

-- Reusable empties go home on a custody note (空桶交接单): they are no waste, and on no manifest.
CREATE TABLE custody_notes (
    id           uuid PRIMARY KEY,
    unit_id      uuid NOT NULL REFERENCES units,
    site_id      uuid NOT NULL REFERENCES sites,
    to_unit_id   uuid NOT NULL REFERENCES units,
    to_site_id   uuid NOT NULL REFERENCES sites,
    plate        text NOT NULL,
    sent_on      date NOT NULL,
    created_at   timestamptz NOT NULL,
    received_at  timestamptz
);
CREATE INDEX custody_notes_by_unit ON custody_notes (unit_id, id);
CREATE INDEX custody_notes_by_receiver ON custody_notes (to_unit_id, id);
CREATE TABLE custody_containers (
    note_id      uuid NOT NULL REFERENCES custody_notes,
    container_id uuid NOT NULL REFERENCES containers,
    -- Set by the receipt; one that did not come stays away.
    has_come     boolean,
    PRIMARY KEY (note_id, container_id)
);
CREATE INDEX custody_containers_by_container ON custody_containers (container_id);
