-- What a unit files and an authority decides: flows of the yearly plan, approvals for another province.

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
    created_at       timestamptz NOT NULL,
    CONSTRAINT plan_flows_one_per_way UNIQUE (site_id, year, receiver_id, code, method)
);
CREATE INDEX plan_flows_by_unit ON plan_flows (unit_id, id);
CREATE INDEX plan_flows_by_receiver ON plan_flows (receiver_id, id);

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
