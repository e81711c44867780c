-- Masses that are counted against a limit, and the one mass graph.

-- One row per account and calendar year; year 0 where the limit is not yearly.
CREATE TABLE mass_accounts (
    kind       text NOT NULL CONSTRAINT mass_accounts_kind_known CHECK (kind IN ('plan_flow', 'approval', 'licence_line')),
    owner_id   uuid NOT NULL,
    year       int  NOT NULL,
    reserved_g bigint NOT NULL,
    settled_g  bigint NOT NULL,
    PRIMARY KEY (kind, owner_id, year)
) WITH (fillfactor = 70);

-- A lot (批) is any mass with a history; an edge moves mass from one lot to another. A correction never changes a lot:
-- its mass today is mass_g plus what `adjust` edges bring and less what they take.
CREATE TABLE lots (
    id          uuid PRIMARY KEY,
    site_id     uuid,
    manifest_id uuid,
    line        int,
    waste_code  text NOT NULL,
    kind        text NOT NULL CONSTRAINT lots_kind_known CHECK (kind IN ('released', 'received', 'refused', 'treated', 'adjusted')),
    mass_g      bigint NOT NULL CONSTRAINT lots_mass_not_negative CHECK (mass_g >= 0),
    made_at     timestamptz NOT NULL
);
CREATE INDEX lots_by_manifest ON lots (manifest_id, line);
CREATE TABLE lot_edges (
    id      uuid PRIMARY KEY,
    from_id uuid NOT NULL REFERENCES lots,
    to_id   uuid NOT NULL REFERENCES lots,
    mass_g  bigint NOT NULL CONSTRAINT lot_edges_mass_not_negative CHECK (mass_g >= 0),
    kind    text NOT NULL CONSTRAINT lot_edges_kind_known CHECK (kind IN ('accept', 'refuse', 'treat', 'move', 'adjust')),
    made_at timestamptz NOT NULL,
    CONSTRAINT lot_edges_not_to_itself CHECK (from_id <> to_id)
);
CREATE INDEX lot_edges_by_from ON lot_edges (from_id);
CREATE INDEX lot_edges_by_to ON lot_edges (to_id);
CREATE TRIGGER lots_append_only BEFORE UPDATE OR DELETE ON lots FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lots_never_truncated BEFORE TRUNCATE ON lots
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lot_edges_append_only BEFORE UPDATE OR DELETE ON lot_edges FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER lot_edges_never_truncated BEFORE TRUNCATE ON lot_edges
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
