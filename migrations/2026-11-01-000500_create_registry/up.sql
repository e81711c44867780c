-- All else of a unit: sites, licences, vehicles, papers, contracts. Divisions and waste codes are text without a
-- foreign key: they are reference data by edition, and a record outlives an edition.

-- Class, plan and stock belong to the site, not to the unit.
CREATE TABLE sites (
    id             uuid PRIMARY KEY,
    unit_id        uuid NOT NULL REFERENCES units,
    name           text NOT NULL,
    division       text NOT NULL,
    address        text NOT NULL,
    contact_phone  text,
    lon_e7         int CONSTRAINT sites_lon_on_earth CHECK (lon_e7 BETWEEN -1800000000 AND 1800000000),
    lat_e7         int CONSTRAINT sites_lat_on_earth CHECK (lat_e7 BETWEEN -900000000 AND 900000000),
    industry       text,
    permit_no      text,
    eia_no         text,
    yearly         jsonb NOT NULL,
    eia_g          bigint CONSTRAINT sites_eia_sane CHECK (eia_g >= 0),
    permit_g       bigint CONSTRAINT sites_permit_sane CHECK (permit_g >= 0),
    is_long_cycle  boolean NOT NULL,
    own_facility   boolean NOT NULL,
    -- By amount and own facility; whether a licence makes it key-supervised is a fact of the day.
    class_by_figures text CONSTRAINT sites_class_by_figures_known CHECK (class_by_figures IN ('key_supervised', 'simplified', 'registered')),
    decided_class  text CONSTRAINT sites_decided_class_known CHECK (decided_class IN ('key_supervised', 'simplified', 'registered')),
    decided_reason text,
    decided_at     timestamptz,
    created_at     timestamptz NOT NULL,
    CONSTRAINT sites_point_whole CHECK ((lon_e7 IS NULL) = (lat_e7 IS NULL)),
    CONSTRAINT sites_decision_whole CHECK ((decided_class IS NULL) = (decided_at IS NULL) AND (decided_class IS NULL) = (decided_reason IS NULL))
);
CREATE INDEX sites_by_unit ON sites (unit_id, id);
CREATE INDEX sites_by_division ON sites (division, id);

CREATE TABLE facilities (
    id         uuid PRIMARY KEY,
    site_id    uuid NOT NULL REFERENCES sites,
    code       text NOT NULL,
    name       text NOT NULL,
    kind       text NOT NULL CONSTRAINT facilities_kind_known CHECK (kind IN ('generation', 'storage', 'use', 'disposal')),
    capacity_g bigint CONSTRAINT facilities_capacity_sane CHECK (capacity_g >= 0),
    created_at timestamptz NOT NULL,
    CONSTRAINT facilities_code_once_per_site UNIQUE (site_id, code)
);

CREATE TABLE closures (
    id         uuid PRIMARY KEY,
    site_id    uuid NOT NULL REFERENCES sites,
    from_on    date NOT NULL,
    until_on   date,
    reason     text NOT NULL,
    created_at timestamptz NOT NULL,
    -- One given by mistake is withdrawn from its first day: its last one is the day before.
    CONSTRAINT closures_days_ordered CHECK (until_on IS NULL OR from_on <= until_on + 1)
);
CREATE INDEX closures_by_site ON closures (site_id, from_on);

CREATE TABLE licences (
    id          uuid PRIMARY KEY,
    unit_id     uuid NOT NULL REFERENCES units,
    site_id     uuid NOT NULL REFERENCES sites,
    number      text NOT NULL,
    kind        text NOT NULL CONSTRAINT licences_kind_known CHECK (kind IN ('comprehensive', 'collection')),
    issuer      text NOT NULL,
    issued_on   date NOT NULL,
    valid_from  date NOT NULL,
    valid_to    date NOT NULL,
    verified_at timestamptz,
    verified_by uuid REFERENCES units,
    -- Whence somebody else knows a licence of a unit outside the system; it warns until an officer verified it.
    claim_source text,
    created_at  timestamptz NOT NULL,
    CONSTRAINT licences_days_ordered CHECK (valid_from <= valid_to),
    CONSTRAINT licences_verification_whole CHECK ((verified_at IS NULL) = (verified_by IS NULL))
);
CREATE INDEX licences_by_unit ON licences (unit_id, id);
CREATE INDEX licences_by_site ON licences (site_id);
-- Only what an officer verified is unique: a mistyped or false entry must not keep the true holder out.
CREATE UNIQUE INDEX licences_verified_once ON licences (number, valid_from) WHERE verified_at IS NOT NULL;

CREATE TABLE licence_lines (
    id         uuid PRIMARY KEY,
    licence_id uuid NOT NULL REFERENCES licences,
    line_no    int NOT NULL CONSTRAINT licence_lines_count_from_one CHECK (line_no >= 1),
    codes      text[] NOT NULL,
    categories text[] NOT NULL,
    methods    text[] NOT NULL CONSTRAINT licence_lines_have_a_method CHECK (cardinality(methods) > 0),
    year_g     bigint NOT NULL CONSTRAINT licence_lines_year_sane CHECK (year_g >= 0),
    CONSTRAINT licence_lines_once UNIQUE (licence_id, line_no),
    CONSTRAINT licence_lines_have_a_waste CHECK (cardinality(codes) + cardinality(categories) > 0)
);
CREATE TRIGGER licence_lines_append_only BEFORE UPDATE OR DELETE ON licence_lines
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER licence_lines_never_truncated BEFORE TRUNCATE ON licence_lines
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- A licence may be suspended more than once and then revoked: rows, not a state.
CREATE TABLE licence_withdrawals (
    id         uuid PRIMARY KEY,
    licence_id uuid NOT NULL REFERENCES licences,
    kind       text NOT NULL CONSTRAINT licence_withdrawals_kind_known CHECK (kind IN ('revoked', 'cancelled', 'suspended')),
    from_on    date NOT NULL,
    until_on   date,
    reason     text NOT NULL,
    decided_at timestamptz NOT NULL,
    CONSTRAINT licence_withdrawals_only_suspension_ends CHECK ((kind = 'suspended') = (until_on IS NOT NULL)),
    CONSTRAINT licence_withdrawals_days_ordered CHECK (until_on IS NULL OR from_on <= until_on)
);
CREATE INDEX licence_withdrawals_by_licence ON licence_withdrawals (licence_id);
CREATE TRIGGER licence_withdrawals_append_only BEFORE UPDATE OR DELETE ON licence_withdrawals
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER licence_withdrawals_never_truncated BEFORE TRUNCATE ON licence_withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE exempt_receivers (
    id            uuid PRIMARY KEY,
    unit_id       uuid NOT NULL REFERENCES units,
    stages        text[] NOT NULL CONSTRAINT exempt_receivers_stages_known CHECK (cardinality(stages) > 0
        AND stages <@ ARRAY['collection', 'transport', 'use', 'disposal']),
    exemption_seq int NOT NULL CONSTRAINT exempt_receivers_seq_positive CHECK (exemption_seq >= 1),
    codes         text[] NOT NULL,
    categories    text[] NOT NULL,
    condition     text NOT NULL,
    evidence      text NOT NULL,
    valid_from    date NOT NULL,
    valid_to      date NOT NULL,
    verified_at   timestamptz,
    created_at    timestamptz NOT NULL,
    CONSTRAINT exempt_receivers_days_ordered CHECK (valid_from <= valid_to),
    CONSTRAINT exempt_receivers_have_a_waste CHECK (cardinality(codes) + cardinality(categories) > 0)
);
CREATE INDEX exempt_receivers_by_unit ON exempt_receivers (unit_id, id);

CREATE TABLE vehicles (
    id              uuid PRIMARY KEY,
    unit_id         uuid NOT NULL REFERENCES units,
    plate           text NOT NULL,
    kind            text NOT NULL CONSTRAINT vehicles_kind_known CHECK (kind IN ('truck', 'trailer', 'tanker')),
    permit_no       text NOT NULL,
    permit_classes  text[] NOT NULL,
    permit_valid_to date NOT NULL,
    rated_load_g    bigint NOT NULL CONSTRAINT vehicles_rated_load_positive CHECK (rated_load_g > 0),
    gb19217         boolean NOT NULL,
    -- Whence a partner knows it, of a unit outside the system: a claim, here and in the two tables below.
    claim_source    text,
    retired_on      date,
    created_at      timestamptz NOT NULL
);
-- Unique within the unit only: nobody may keep the owner out by naming his plate first.
-- What a partner claimed stands beside what the unit says itself once it has joined.
CREATE UNIQUE INDEX vehicles_plate_once_per_unit ON vehicles (unit_id, plate) WHERE retired_on IS NULL AND claim_source IS NULL;
CREATE UNIQUE INDEX vehicles_plate_claimed_once ON vehicles (unit_id, plate) WHERE retired_on IS NULL AND claim_source IS NOT NULL;
CREATE INDEX vehicles_by_unit ON vehicles (unit_id, id);

CREATE TABLE certificates (
    id         uuid PRIMARY KEY,
    unit_id    uuid NOT NULL REFERENCES units,
    user_id    uuid REFERENCES users,
    name       text,
    kind       text NOT NULL CONSTRAINT certificates_kind_known CHECK (kind IN ('driver', 'escort', 'loader')),
    number     text NOT NULL,
    classes    text[] NOT NULL,
    valid_to   date NOT NULL,
    claim_source text,
    retired_on date,
    created_at timestamptz NOT NULL,
    CONSTRAINT certificates_name_one_person CHECK ((user_id IS NULL) <> (name IS NULL))
);
CREATE INDEX certificates_by_unit ON certificates (unit_id, id);

CREATE TABLE carrier_permits (
    id                 uuid PRIMARY KEY,
    unit_id            uuid NOT NULL REFERENCES units,
    number             text NOT NULL,
    classes            text[] NOT NULL,
    is_dangerous_goods boolean NOT NULL,
    valid_to           date NOT NULL,
    claim_source       text,
    retired_on         date,
    created_at         timestamptz NOT NULL
);
CREATE INDEX carrier_permits_by_unit ON carrier_permits (unit_id, id);

CREATE TABLE contracts (
    id           uuid PRIMARY KEY,
    consignor_id uuid NOT NULL REFERENCES units,
    other_id     uuid NOT NULL REFERENCES units,
    number       text NOT NULL,
    from_on      date NOT NULL,
    until_on     date NOT NULL,
    recorded_by  uuid NOT NULL REFERENCES units,
    created_at   timestamptz NOT NULL,
    CONSTRAINT contracts_days_ordered CHECK (from_on <= until_on),
    CONSTRAINT contracts_two_parties CHECK (consignor_id <> other_id)
);
CREATE INDEX contracts_by_consignor ON contracts (consignor_id, id);
CREATE INDEX contracts_by_other ON contracts (other_id, id);
