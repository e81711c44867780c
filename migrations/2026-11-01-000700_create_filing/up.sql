-- What a unit files and an authority decides: plans and their flows, declarations, approvals for another province, notices,
-- papers, and the files that these name.

-- A management plan (管理计划) of a site and year. A draft until it is filed: then each filing is a revision that stays.
CREATE TABLE plans (
    id            uuid PRIMARY KEY,
    site_id       uuid NOT NULL REFERENCES sites,
    unit_id       uuid NOT NULL REFERENCES units,
    year          int NOT NULL,
    state         text NOT NULL CONSTRAINT plans_state_known CHECK (state IN ('prepared', 'sent', 'acknowledged')),
    revision      int NOT NULL CONSTRAINT plans_revision_counts CHECK (revision >= 0),
    -- For `If-Match` while it is a draft; once filed its chain counts.
    draft_version bigint NOT NULL,
    -- As last written: the draft, or the revision in force.
    tables        jsonb NOT NULL,
    filed_at      timestamptz,
    is_late       boolean NOT NULL,
    -- 备案编号: the authority's number, never ours.
    official_filing_no text,
    created_at    timestamptz NOT NULL,
    updated_at    timestamptz NOT NULL,
    CONSTRAINT plans_one_per_site_and_year UNIQUE (site_id, year),
    CONSTRAINT plans_filed_whole CHECK ((state = 'prepared') = (revision = 0) AND (state = 'prepared') = (filed_at IS NULL)),
    CONSTRAINT plans_acknowledged_whole CHECK (state <> 'acknowledged' OR official_filing_no IS NOT NULL)
);
CREATE INDEX plans_by_unit ON plans (unit_id, id);

CREATE TABLE plan_revisions (
    plan_id          uuid NOT NULL REFERENCES plans,
    revision         int NOT NULL CONSTRAINT plan_revisions_count_from_one CHECK (revision >= 1),
    management_class text CONSTRAINT plan_revisions_class_known CHECK (management_class IN ('key_supervised', 'simplified', 'registered')),
    -- Why a plan was filed again; the first filing needs no reason.
    reason           text,
    bytes            bytea NOT NULL,
    content_hash     bytea NOT NULL,
    filed_at         timestamptz NOT NULL,
    is_late          boolean NOT NULL,
    PRIMARY KEY (plan_id, revision),
    CONSTRAINT plan_revisions_hash_fits CHECK (content_hash = sha256('\x00'::bytea || bytes)),
    CONSTRAINT plan_revisions_change_has_reason CHECK ((revision = 1) = (reason IS NULL))
);
CREATE TRIGGER plan_revisions_append_only BEFORE UPDATE OR DELETE ON plan_revisions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plan_revisions_never_truncated BEFORE TRUNCATE ON plan_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE plan_acknowledgements (
    plan_id            uuid NOT NULL,
    revision           int NOT NULL,
    official_filing_no text NOT NULL,
    by_unit            uuid NOT NULL REFERENCES units,
    made_at            timestamptz NOT NULL,
    PRIMARY KEY (plan_id, revision),
    FOREIGN KEY (plan_id, revision) REFERENCES plan_revisions
);
CREATE TRIGGER plan_acknowledgements_append_only BEFORE UPDATE OR DELETE ON plan_acknowledgements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plan_acknowledgements_never_truncated BEFORE TRUNCATE ON plan_acknowledgements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE plan_comments (
    id       uuid PRIMARY KEY,
    plan_id  uuid NOT NULL REFERENCES plans,
    revision int NOT NULL,
    by_unit  uuid NOT NULL REFERENCES units,
    comment  text NOT NULL,
    made_at  timestamptz NOT NULL
);
CREATE INDEX plan_comments_by_plan ON plan_comments (plan_id, id);
CREATE TRIGGER plan_comments_append_only BEFORE UPDATE OR DELETE ON plan_comments FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER plan_comments_never_truncated BEFORE TRUNCATE ON plan_comments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE plan_flows (
    id               uuid PRIMARY KEY,
    site_id          uuid NOT NULL REFERENCES sites,
    unit_id          uuid NOT NULL REFERENCES units,
    year             int NOT NULL,
    code             text NOT NULL,
    receiver_id      uuid NOT NULL REFERENCES units,
    receiver_site_id uuid REFERENCES sites,
    method           text NOT NULL,
    planned_g        bigint NOT NULL CONSTRAINT plan_flows_planned_sane CHECK (planned_g >= 0),
    filing_no        text,
    -- The filed plan that names it; none for a flow recorded by itself.
    plan_id          uuid REFERENCES plans,
    -- A later filing left it out. The row stays, for its account and the manifests that rest on it.
    withdrawn_at     timestamptz,
    created_at       timestamptz NOT NULL,
    CONSTRAINT plan_flows_one_per_way UNIQUE (site_id, year, receiver_id, code, method)
);
CREATE INDEX plan_flows_by_unit ON plan_flows (unit_id, id);
CREATE INDEX plan_flows_by_receiver ON plan_flows (receiver_id, id);

-- Who may declare for a unit (委托申报): a third party that the unit named.
CREATE TABLE filing_agents (
    id         uuid PRIMARY KEY,
    unit_id    uuid NOT NULL REFERENCES units,
    agent_id   uuid NOT NULL REFERENCES units,
    from_on    date NOT NULL,
    until_on   date NOT NULL,
    ended_at   timestamptz,
    created_at timestamptz NOT NULL,
    CONSTRAINT filing_agents_days_ordered CHECK (from_on <= until_on),
    CONSTRAINT filing_agents_two_units CHECK (unit_id <> agent_id)
);
CREATE INDEX filing_agents_by_unit ON filing_agents (unit_id, id);
CREATE INDEX filing_agents_by_agent ON filing_agents (agent_id, id);

-- A declaration (申报) of a site and period. Each revision stays as filed; a later one restates it.
CREATE TABLE declarations (
    id                 uuid PRIMARY KEY,
    site_id            uuid NOT NULL REFERENCES sites,
    unit_id            uuid NOT NULL REFERENCES units,
    period             text NOT NULL,
    from_on            date NOT NULL,
    until_on           date NOT NULL,
    due_on             date NOT NULL,
    state              text NOT NULL CONSTRAINT declarations_state_known CHECK (state IN ('sent', 'acknowledged')),
    revision           int NOT NULL CONSTRAINT declarations_revision_counts CHECK (revision >= 1),
    filed_at           timestamptz NOT NULL,
    is_late            boolean NOT NULL,
    official_filing_no text,
    created_at         timestamptz NOT NULL,
    CONSTRAINT declarations_one_per_site_and_period UNIQUE (site_id, period),
    CONSTRAINT declarations_days_ordered CHECK (from_on <= until_on AND until_on < due_on),
    CONSTRAINT declarations_acknowledged_whole CHECK (state <> 'acknowledged' OR official_filing_no IS NOT NULL)
);
CREATE INDEX declarations_by_unit ON declarations (unit_id, id);

CREATE TABLE declaration_revisions (
    declaration_id uuid NOT NULL REFERENCES declarations,
    revision       int NOT NULL CONSTRAINT declaration_revisions_count_from_one CHECK (revision >= 1),
    -- Who filed: the unit itself, or the third party that it named.
    filer_id       uuid NOT NULL REFERENCES units,
    reason         text,
    rows           jsonb NOT NULL,
    bytes          bytea NOT NULL,
    content_hash   bytea NOT NULL,
    filed_at       timestamptz NOT NULL,
    PRIMARY KEY (declaration_id, revision),
    CONSTRAINT declaration_revisions_hash_fits CHECK (content_hash = sha256('\x00'::bytea || bytes)),
    CONSTRAINT declaration_revisions_restating_has_reason CHECK ((revision = 1) = (reason IS NULL))
);
CREATE TRIGGER declaration_revisions_append_only BEFORE UPDATE OR DELETE ON declaration_revisions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER declaration_revisions_never_truncated BEFORE TRUNCATE ON declaration_revisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE declaration_acknowledgements (
    declaration_id     uuid NOT NULL,
    revision           int NOT NULL,
    official_filing_no text NOT NULL,
    by_unit            uuid NOT NULL REFERENCES units,
    made_at            timestamptz NOT NULL,
    PRIMARY KEY (declaration_id, revision),
    FOREIGN KEY (declaration_id, revision) REFERENCES declaration_revisions
);
CREATE TRIGGER declaration_acknowledgements_append_only BEFORE UPDATE OR DELETE ON declaration_acknowledgements
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER declaration_acknowledgements_never_truncated BEFORE TRUNCATE ON declaration_acknowledgements
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

-- An application for another province (跨省转移申请) and what the two provinces did with it.
CREATE TABLE approval_applications (
    id               uuid PRIMARY KEY,
    consignor_id     uuid NOT NULL REFERENCES units,
    site_id          uuid NOT NULL REFERENCES sites,
    receiver_id      uuid NOT NULL REFERENCES units,
    receiver_site_id uuid NOT NULL REFERENCES sites,
    code             text NOT NULL,
    method           text NOT NULL,
    applied_g        bigint NOT NULL CONSTRAINT approval_applications_mass_positive CHECK (applied_g > 0),
    applied_on       date NOT NULL,
    wished_from      date NOT NULL,
    wished_until     date NOT NULL,
    licence_valid_to date NOT NULL,
    state            text NOT NULL CONSTRAINT approval_applications_state_known CHECK (state IN ('open', 'approved', 'refused', 'withdrawn')),
    approval_id      uuid,
    created_at       timestamptz NOT NULL,
    CONSTRAINT approval_applications_days_ordered CHECK (wished_from <= wished_until),
    CONSTRAINT approval_applications_approved_whole CHECK ((state = 'approved') = (approval_id IS NOT NULL))
);
CREATE INDEX approval_applications_by_consignor ON approval_applications (consignor_id, id);
CREATE INDEX approval_applications_by_receiver ON approval_applications (receiver_id, id);

CREATE TABLE application_steps (
    id             uuid PRIMARY KEY,
    application_id uuid NOT NULL REFERENCES approval_applications,
    kind           text NOT NULL CONSTRAINT application_steps_kind_known CHECK (kind IN
        ('completeness_notice', 'supplemented', 'accepted', 'consulted', 'answered', 'approved', 'refused', 'withdrawn')),
    happened_on    date NOT NULL,
    number         text,
    says           text,
    by_unit        uuid NOT NULL REFERENCES units,
    recorded_at    timestamptz NOT NULL
);
CREATE INDEX application_steps_by_application ON application_steps (application_id, happened_on, id);
CREATE TRIGGER application_steps_append_only BEFORE UPDATE OR DELETE ON application_steps FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER application_steps_never_truncated BEFORE TRUNCATE ON application_steps
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE approvals (
    id              uuid PRIMARY KEY,
    consignor_id    uuid NOT NULL REFERENCES units,
    site_id         uuid NOT NULL REFERENCES sites,
    receiver_id     uuid NOT NULL REFERENCES units,
    code            text NOT NULL,
    method          text NOT NULL,
    approved_g      bigint NOT NULL CONSTRAINT approvals_approved_positive CHECK (approved_g > 0),
    decision_no     text NOT NULL,
    decided_on      date NOT NULL,
    applied_until   date NOT NULL,
    licence_valid_to date NOT NULL,
    -- The minimum of three, fixed by the decision: computed once, so that it can be searched.
    valid_to        date NOT NULL,
    created_at      timestamptz NOT NULL,
    verified_at     timestamptz,
    verified_by     uuid REFERENCES units,
    CONSTRAINT approvals_verification_whole CHECK ((verified_at IS NULL) = (verified_by IS NULL)),
    CONSTRAINT approvals_within_all_three CHECK (valid_to <= applied_until AND valid_to <= licence_valid_to
        AND valid_to <= (decided_on + interval '12 months')::date),
    CONSTRAINT approvals_decision_once UNIQUE (consignor_id, decision_no, code, method, receiver_id)
);
CREATE INDEX approvals_by_consignor ON approvals (consignor_id, receiver_id, code);
CREATE INDEX approvals_by_receiver ON approvals (receiver_id, id);
ALTER TABLE approval_applications ADD CONSTRAINT approval_applications_approval_known FOREIGN KEY (approval_id) REFERENCES approvals;

-- Industrial solid waste for another province: approved for storage or disposal, told beforehand for use.
CREATE TABLE general_transfers (
    id               uuid PRIMARY KEY,
    kind             text NOT NULL CONSTRAINT general_transfers_kind_known CHECK (kind IN ('general_approval', 'general_notice')),
    consignor_id     uuid NOT NULL REFERENCES units,
    site_id          uuid NOT NULL REFERENCES sites,
    receiver_id      uuid NOT NULL REFERENCES units,
    code             text NOT NULL,
    purpose          text NOT NULL CONSTRAINT general_transfers_purpose_known CHECK (purpose IN ('storage', 'disposal', 'use')),
    mass_g           bigint NOT NULL CONSTRAINT general_transfers_mass_positive CHECK (mass_g > 0),
    from_on          date NOT NULL,
    until_on         date NOT NULL,
    decision_no      text,
    decided_on       date,
    told_origin_on   date,
    told_destination_on date,
    created_at       timestamptz NOT NULL,
    CONSTRAINT general_transfers_days_ordered CHECK (from_on <= until_on),
    CONSTRAINT general_transfers_use_is_told CHECK ((kind = 'general_notice') = (purpose = 'use')),
    CONSTRAINT general_transfers_approval_whole CHECK ((kind = 'general_approval') = (decision_no IS NOT NULL)
        AND (kind = 'general_approval') = (decided_on IS NOT NULL)),
    CONSTRAINT general_transfers_notice_whole CHECK ((kind = 'general_notice') = (told_origin_on IS NOT NULL)
        AND (kind = 'general_notice') = (told_destination_on IS NOT NULL))
);
CREATE INDEX general_transfers_by_consignor ON general_transfers (consignor_id, id);
CREATE INDEX general_transfers_by_receiver ON general_transfers (receiver_id, id);

-- 危险废物出口核准通知单.
CREATE TABLE export_notices (
    id           uuid PRIMARY KEY,
    unit_id      uuid NOT NULL REFERENCES units,
    site_id      uuid NOT NULL REFERENCES sites,
    receiver_id  uuid NOT NULL REFERENCES units,
    approval_no  text NOT NULL,
    notice_no    text NOT NULL,
    codes        text[] NOT NULL CONSTRAINT export_notices_have_a_waste CHECK (cardinality(codes) > 0),
    importing_country text NOT NULL CONSTRAINT export_notices_country_is_a_code CHECK (importing_country ~ '^[A-Z]{2}$'),
    transit_countries text[] NOT NULL,
    importer     text NOT NULL,
    disposer     text NOT NULL,
    shipments    int NOT NULL CONSTRAINT export_notices_ship_something CHECK (shipments >= 1),
    total_g      bigint NOT NULL CONSTRAINT export_notices_mass_positive CHECK (total_g > 0),
    valid_from   date NOT NULL,
    valid_to     date NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT export_notices_days_ordered CHECK (valid_from <= valid_to),
    CONSTRAINT export_notices_number_once UNIQUE (unit_id, approval_no)
);
CREATE INDEX export_notices_by_unit ON export_notices (unit_id, id);

-- Papers that a unit keeps beside its plan: contingency plan, drills, equipment, insurance, training.
CREATE TABLE papers (
    id               uuid PRIMARY KEY,
    unit_id          uuid NOT NULL REFERENCES units,
    site_id          uuid NOT NULL REFERENCES sites,
    kind             text NOT NULL CONSTRAINT papers_kind_known CHECK (kind IN
        ('contingency_plan', 'drill', 'emergency_equipment', 'liability_insurance', 'training')),
    number           text,
    issuer           text,
    issued_on        date NOT NULL,
    valid_to         date,
    says             text,
    retired_on       date,
    created_at       timestamptz NOT NULL,
    CONSTRAINT papers_days_ordered CHECK (valid_to IS NULL OR issued_on <= valid_to)
);
CREATE INDEX papers_by_unit ON papers (unit_id, id);
CREATE INDEX papers_by_site ON papers (site_id, kind);

-- Who brought a file in, and which things name it: whoever may see one of these may see the file.
CREATE TABLE attachments (
    id          uuid PRIMARY KEY,
    sha256      bytea NOT NULL REFERENCES blobs,
    unit_id     uuid NOT NULL REFERENCES units,
    uploaded_at timestamptz NOT NULL
);
CREATE INDEX attachments_by_hash ON attachments (sha256, unit_id);
CREATE INDEX attachments_by_unit ON attachments (unit_id, uploaded_at);
CREATE TRIGGER attachments_append_only BEFORE UPDATE OR DELETE ON attachments FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attachments_never_truncated BEFORE TRUNCATE ON attachments
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();

CREATE TABLE attachment_uses (
    sha256       bytea NOT NULL REFERENCES blobs,
    subject_kind text NOT NULL,
    subject_id   uuid NOT NULL,
    -- The parties of the thing, and the division whose officers see it.
    unit_ids     uuid[] NOT NULL,
    division     text NOT NULL,
    named_at     timestamptz NOT NULL,
    PRIMARY KEY (sha256, subject_id)
);
CREATE INDEX attachment_uses_by_subject ON attachment_uses (subject_id);
CREATE TRIGGER attachment_uses_append_only BEFORE UPDATE OR DELETE ON attachment_uses FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER attachment_uses_never_truncated BEFORE TRUNCATE ON attachment_uses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
