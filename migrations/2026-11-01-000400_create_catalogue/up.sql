-- Reference data of law by edition, loaded from the files in src/catalogue/data, and what a division may set.
-- Rows that a file brought are replaced when the file changes; rows that an act set stay.

CREATE TABLE loaded_files (
    file      text PRIMARY KEY,
    edition   text NOT NULL,
    sha256    bytea NOT NULL CONSTRAINT loaded_files_hash_is_sha256 CHECK (length(sha256) = 32),
    rows      int NOT NULL CONSTRAINT loaded_files_not_empty CHECK (rows > 0),
    loaded_at timestamptz NOT NULL
);

-- Which edition is in force when, and whether its table is here.
CREATE TABLE editions (
    kind          text NOT NULL CONSTRAINT editions_kind_known CHECK (kind IN ('hazardous', 'exemptions', 'methods', 'medical')),
    edition       text NOT NULL,
    in_force_from date NOT NULL,
    in_force_to   date,
    is_loaded     boolean NOT NULL,
    source        text NOT NULL,
    PRIMARY KEY (kind, edition),
    CONSTRAINT editions_days_ordered CHECK (in_force_from <= in_force_to)
);

CREATE TABLE waste_codes (
    edition       text NOT NULL,
    code          text NOT NULL CONSTRAINT waste_codes_code_formed CHECK (code ~ '^[0-9]{3}-[0-9]{3}-[0-9]{2}$'),
    category      text NOT NULL,
    category_name text NOT NULL,
    industry      text NOT NULL,
    name          text NOT NULL,
    hazards       text NOT NULL CONSTRAINT waste_codes_hazards_formed CHECK (hazards ~ '^(T|C|I|R|In)([,/](T|C|I|R|In))*$'),
    PRIMARY KEY (edition, code),
    CONSTRAINT waste_codes_category_ends_code CHECK (category = 'HW' || right(code, 2))
);

-- One row of the printed list each; an item (seq) has one or more.
CREATE TABLE exemptions (
    edition     text NOT NULL,
    row_no      int NOT NULL,
    seq         int NOT NULL,
    waste_codes text[] NOT NULL,
    categories  text[] NOT NULL,
    code_kind   text NOT NULL CONSTRAINT exemptions_code_kind_known CHECK (code_kind IN ('code', 'category', 'description', 'other')),
    wastes      text NOT NULL,
    description text NOT NULL,
    stage       text NOT NULL,
    stages      text[] NOT NULL,
    condition   text NOT NULL,
    content     text NOT NULL,
    PRIMARY KEY (edition, row_no),
    CONSTRAINT exemptions_stages_known CHECK (stages <@ ARRAY['collection', 'transport', 'use', 'disposal'] AND cardinality(stages) > 0),
    CONSTRAINT exemptions_codes_as_kind CHECK ((code_kind = 'code') = (cardinality(waste_codes) > 0) AND (code_kind = 'category') = (cardinality(categories) > 0))
);

CREATE TABLE methods (
    code         text PRIMARY KEY,
    method_group text NOT NULL CONSTRAINT methods_group_known CHECK (method_group IN ('利用', '处置', '其他', '医疗废物处置', '铬渣')),
    name         text NOT NULL
);

CREATE TABLE medical_categories (
    code            text PRIMARY KEY,
    name            text NOT NULL,
    hazards         text NOT NULL,
    features        text NOT NULL,
    common_items    text NOT NULL,
    collection      text NOT NULL,
    feature_edition text NOT NULL
);

-- GB/T 2260, local nodes and one root. `prefecture` holds the digits of a manifest number.
CREATE TABLE divisions (
    code        text PRIMARY KEY,
    name        text NOT NULL,
    level       text NOT NULL CONSTRAINT divisions_level_known CHECK (level IN ('country', 'province', 'prefecture', 'county', 'local')),
    parent_code text REFERENCES divisions DEFERRABLE INITIALLY DEFERRED,
    prefecture  text CONSTRAINT divisions_prefecture_is_four_digits CHECK (prefecture ~ '^[0-9]{4}$'),
    CONSTRAINT divisions_one_root CHECK ((parent_code IS NULL) = (code = '000000'))
);
CREATE INDEX divisions_by_parent ON divisions (parent_code);

-- Every division with each of its ancestors and itself.
CREATE TABLE division_paths (
    code     text NOT NULL,
    ancestor text NOT NULL,
    distance int NOT NULL CONSTRAINT division_paths_self_is_zero CHECK ((distance = 0) = (code = ancestor) AND distance >= 0),
    PRIMARY KEY (code, ancestor)
);
CREATE INDEX division_paths_by_ancestor ON division_paths (ancestor, code);

CREATE TABLE laws (
    law_id        text PRIMARY KEY,
    title         text NOT NULL,
    text_held     boolean NOT NULL,
    grade         text CONSTRAINT laws_grade_known CHECK (grade IN ('official', 'two_copies', 'single_copy')),
    in_force_from date,
    in_force_to   date,
    note          text NOT NULL,
    CONSTRAINT laws_held_text_is_graded CHECK (text_held = (grade IS NOT NULL)),
    CONSTRAINT laws_days_ordered CHECK (in_force_from <= in_force_to)
);

CREATE TABLE legal_articles (
    law_id         text NOT NULL,
    article        text NOT NULL,
    effective_from date NOT NULL,
    effective_to   date,
    text           text NOT NULL,
    PRIMARY KEY (law_id, article, effective_from),
    CONSTRAINT legal_articles_days_ordered CHECK (effective_from <= effective_to)
);

CREATE TABLE penalties (
    row_no                     int PRIMARY KEY,
    offence_key                text NOT NULL,
    offence                    text NOT NULL,
    law_id                     text NOT NULL,
    article                    text NOT NULL,
    item                       text NOT NULL,
    duty_article               text NOT NULL,
    effective_from             date NOT NULL,
    effective_to               date,
    fine_min_fen               bigint,
    fine_max_fen               bigint,
    fine_formula               text NOT NULL,
    is_correction_first        boolean NOT NULL,
    fine_after_refusal_min_fen bigint,
    fine_after_refusal_max_fen bigint,
    person_fine_min_fen        bigint,
    person_fine_max_fen        bigint,
    detention                  text NOT NULL CONSTRAINT penalties_detention_known CHECK (detention IN ('no', 'if_serious', 'yes')),
    other_measures             text NOT NULL,
    CONSTRAINT penalties_days_ordered CHECK (effective_from <= effective_to),
    CONSTRAINT penalties_fine_ordered CHECK (fine_min_fen <= fine_max_fen),
    CONSTRAINT penalties_fine_after_refusal_ordered CHECK (fine_after_refusal_min_fen <= fine_after_refusal_max_fen),
    CONSTRAINT penalties_person_fine_ordered CHECK (person_fine_min_fen <= person_fine_max_fen)
);
CREATE INDEX penalties_by_offence ON penalties (offence_key);

-- Days that differ from the plain week, and the years whose notice is here.
CREATE TABLE calendar_days (
    day  date PRIMARY KEY,
    kind text NOT NULL CONSTRAINT calendar_days_kind_known CHECK (kind IN ('holiday', 'workday')),
    name text NOT NULL
);
CREATE TABLE calendar_years (
    year int PRIMARY KEY
);

-- The nearest division wins, then the latest day. `event_seq` is the place in the chain of the parameter's subject;
-- a row without it came with a file.
CREATE TABLE parameters (
    key        text NOT NULL,
    division   text NOT NULL,
    from_on    date NOT NULL,
    value      text NOT NULL,
    decided_by text NOT NULL,
    note       text NOT NULL,
    event_seq  bigint CONSTRAINT parameters_event_seq_counts_from_one CHECK (event_seq >= 1),
    PRIMARY KEY (key, division, from_on)
);
