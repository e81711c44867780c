//! The tables. Printed by `liandan print-schema`; never edited.

#![expect(missing_docs, reason = "the migrations say what each table and column is for")]

diesel::table! {
    access_log (id) {
        id -> Uuid,
        user_id -> Uuid,
        unit_id -> Nullable<Uuid>,
        subject_id -> Uuid,
        what -> Text,
        request_id -> Uuid,
        looked_at -> Timestamptz,
    }
}

diesel::table! {
    api_keys (id) {
        id -> Uuid,
        unit_id -> Uuid,
        name -> Text,
        key_hash -> Bytea,
        roles -> Array<Text>,
        created_by -> Uuid,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        last_used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    application_steps (id) {
        id -> Uuid,
        application_id -> Uuid,
        kind -> Text,
        happened_on -> Date,
        number -> Nullable<Text>,
        says -> Nullable<Text>,
        by_unit -> Uuid,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    approval_applications (id) {
        id -> Uuid,
        consignor_id -> Uuid,
        site_id -> Uuid,
        receiver_id -> Uuid,
        receiver_site_id -> Uuid,
        code -> Text,
        method -> Text,
        applied_g -> Int8,
        applied_on -> Date,
        wished_from -> Date,
        wished_until -> Date,
        licence_valid_to -> Date,
        state -> Text,
        approval_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    approvals (id) {
        id -> Uuid,
        consignor_id -> Uuid,
        site_id -> Uuid,
        receiver_id -> Uuid,
        code -> Text,
        method -> Text,
        approved_g -> Int8,
        decision_no -> Text,
        decided_on -> Date,
        applied_until -> Date,
        licence_valid_to -> Date,
        valid_to -> Date,
        created_at -> Timestamptz,
        verified_at -> Nullable<Timestamptz>,
        verified_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    attachment_uses (sha256, subject_id) {
        sha256 -> Bytea,
        subject_kind -> Text,
        subject_id -> Uuid,
        unit_ids -> Array<Uuid>,
        division -> Text,
        named_at -> Timestamptz,
    }
}

diesel::table! {
    attachments (id) {
        id -> Uuid,
        sha256 -> Bytea,
        unit_id -> Uuid,
        uploaded_at -> Timestamptz,
    }
}

diesel::table! {
    blobs (sha256) {
        sha256 -> Bytea,
        media_type -> Text,
        bytes -> Bytea,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    calendar_days (day) {
        day -> Date,
        kind -> Text,
        name -> Text,
    }
}

diesel::table! {
    calendar_years (year) {
        year -> Int4,
    }
}

diesel::table! {
    carrier_permits (id) {
        id -> Uuid,
        unit_id -> Uuid,
        number -> Text,
        classes -> Array<Text>,
        is_dangerous_goods -> Bool,
        valid_to -> Date,
        claim_source -> Nullable<Text>,
        retired_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    certificates (id) {
        id -> Uuid,
        unit_id -> Uuid,
        user_id -> Nullable<Uuid>,
        name -> Nullable<Text>,
        kind -> Text,
        number -> Text,
        classes -> Array<Text>,
        valid_to -> Date,
        claim_source -> Nullable<Text>,
        retired_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    closures (id) {
        id -> Uuid,
        site_id -> Uuid,
        from_on -> Date,
        until_on -> Nullable<Date>,
        reason -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    container_serials (unit_id) {
        unit_id -> Uuid,
        last -> Int8,
    }
}

diesel::table! {
    containers (id) {
        id -> Uuid,
        unit_id -> Uuid,
        site_id -> Uuid,
        code -> Text,
        kind -> Text,
        capacity_ml -> Int8,
        is_reusable -> Bool,
        state -> Text,
        material -> Nullable<Text>,
        filling_id -> Nullable<Uuid>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    contracts (id) {
        id -> Uuid,
        consignor_id -> Uuid,
        other_id -> Uuid,
        number -> Text,
        from_on -> Date,
        until_on -> Date,
        recorded_by -> Uuid,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    correction_voices (correction_id, unit_id) {
        correction_id -> Uuid,
        unit_id -> Uuid,
        agreed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    corrections (id) {
        id -> Uuid,
        manifest_id -> Uuid,
        proposed_by -> Uuid,
        proposed_at -> Timestamptz,
        due_on -> Date,
        document -> Jsonb,
        state -> Text,
        remind_on -> Nullable<Date>,
        reminded -> Int4,
    }
}

diesel::table! {
    custody_containers (note_id, container_id) {
        note_id -> Uuid,
        container_id -> Uuid,
        has_come -> Nullable<Bool>,
    }
}

diesel::table! {
    custody_notes (id) {
        id -> Uuid,
        unit_id -> Uuid,
        site_id -> Uuid,
        to_unit_id -> Uuid,
        to_site_id -> Uuid,
        plate -> Text,
        sent_on -> Date,
        created_at -> Timestamptz,
        received_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    declaration_acknowledgements (declaration_id, revision) {
        declaration_id -> Uuid,
        revision -> Int4,
        official_filing_no -> Text,
        by_unit -> Uuid,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    declaration_revisions (declaration_id, revision) {
        declaration_id -> Uuid,
        revision -> Int4,
        filer_id -> Uuid,
        reason -> Nullable<Text>,
        rows -> Jsonb,
        bytes -> Bytea,
        content_hash -> Bytea,
        filed_at -> Timestamptz,
    }
}

diesel::table! {
    declarations (id) {
        id -> Uuid,
        site_id -> Uuid,
        unit_id -> Uuid,
        period -> Text,
        from_on -> Date,
        until_on -> Date,
        due_on -> Date,
        state -> Text,
        revision -> Int4,
        filed_at -> Timestamptz,
        is_late -> Bool,
        official_filing_no -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    deputies (id) {
        id -> Uuid,
        membership_id -> Uuid,
        deputy_id -> Uuid,
        from_on -> Date,
        until_on -> Date,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    discrepancy_tasks (manifest_id, duty, unit_id) {
        manifest_id -> Uuid,
        duty -> Text,
        unit_id -> Uuid,
        reported_by -> Uuid,
        reported_at -> Timestamptz,
        acknowledged_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    division_paths (code, ancestor) {
        code -> Text,
        ancestor -> Text,
        distance -> Int4,
    }
}

diesel::table! {
    divisions (code) {
        code -> Text,
        name -> Text,
        level -> Text,
        parent_code -> Nullable<Text>,
        prefecture -> Nullable<Text>,
    }
}

diesel::table! {
    editions (kind, edition) {
        kind -> Text,
        edition -> Text,
        in_force_from -> Date,
        in_force_to -> Nullable<Date>,
        is_loaded -> Bool,
        source -> Text,
    }
}

diesel::table! {
    events (id) {
        id -> Uuid,
        subject_id -> Uuid,
        subject_kind -> Text,
        seq -> Int8,
        version -> Int8,
        act -> Text,
        prev_hash -> Bytea,
        hash -> Bytea,
        bytes -> Bytea,
        attestation -> Nullable<Bytea>,
        recorded_at -> Timestamptz,
    }
}

diesel::table! {
    exempt_receivers (id) {
        id -> Uuid,
        unit_id -> Uuid,
        stages -> Array<Text>,
        exemption_seq -> Int4,
        codes -> Array<Text>,
        categories -> Array<Text>,
        condition -> Text,
        evidence -> Text,
        valid_from -> Date,
        valid_to -> Date,
        verified_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    exemptions (edition, row_no) {
        edition -> Text,
        row_no -> Int4,
        seq -> Int4,
        waste_codes -> Array<Text>,
        categories -> Array<Text>,
        code_kind -> Text,
        wastes -> Text,
        description -> Text,
        stage -> Text,
        stages -> Array<Text>,
        condition -> Text,
        content -> Text,
    }
}

diesel::table! {
    export_notices (id) {
        id -> Uuid,
        unit_id -> Uuid,
        site_id -> Uuid,
        receiver_id -> Uuid,
        approval_no -> Text,
        notice_no -> Text,
        codes -> Array<Text>,
        importing_country -> Text,
        transit_countries -> Array<Text>,
        importer -> Text,
        disposer -> Text,
        shipments -> Int4,
        total_g -> Int8,
        valid_from -> Date,
        valid_to -> Date,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    facilities (id) {
        id -> Uuid,
        site_id -> Uuid,
        code -> Text,
        name -> Text,
        kind -> Text,
        capacity_g -> Nullable<Int8>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    fate_checks (id) {
        id -> Uuid,
        manifest_id -> Uuid,
        unit_id -> Uuid,
        checked_at -> Timestamptz,
        note -> Nullable<Text>,
    }
}

diesel::table! {
    feed (feed_no) {
        feed_no -> Int8,
        event_id -> Uuid,
    }
}

diesel::table! {
    feed_cursors (subscriber) {
        subscriber -> Text,
        feed_no -> Int8,
    }
}

diesel::table! {
    filing_agents (id) {
        id -> Uuid,
        unit_id -> Uuid,
        agent_id -> Uuid,
        from_on -> Date,
        until_on -> Date,
        ended_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    filling_serials (unit_id, waste_code, day) {
        unit_id -> Uuid,
        waste_code -> Text,
        day -> Date,
        last -> Int4,
    }
}

diesel::table! {
    fillings (id) {
        id -> Uuid,
        container_id -> Uuid,
        unit_id -> Uuid,
        entry_id -> Uuid,
        code -> Text,
        waste_code -> Text,
        filled_on -> Date,
        filled_g -> Int8,
        label -> Jsonb,
        site_id -> Nullable<Uuid>,
        lot_id -> Nullable<Uuid>,
        left_g -> Int8,
        taken_by -> Nullable<Uuid>,
    }
}

diesel::table! {
    general_transfers (id) {
        id -> Uuid,
        kind -> Text,
        consignor_id -> Uuid,
        site_id -> Uuid,
        receiver_id -> Uuid,
        code -> Text,
        purpose -> Text,
        mass_g -> Int8,
        from_on -> Date,
        until_on -> Date,
        decision_no -> Nullable<Text>,
        decided_on -> Nullable<Date>,
        told_origin_on -> Nullable<Date>,
        told_destination_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (user_id, key) {
        user_id -> Uuid,
        key -> Text,
        fingerprint -> Bytea,
        event_ids -> Array<Uuid>,
        secret -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    import_rows (unit_id, kind, ref) {
        unit_id -> Uuid,
        kind -> Text,
        #[sql_name = "ref"]
        ref_ -> Text,
        subject_id -> Uuid,
        content -> Bytea,
        user_id -> Uuid,
        version -> Int8,
        written_at -> Timestamptz,
    }
}

diesel::table! {
    incident_tasks (incident_id, duty, unit_id) {
        incident_id -> Uuid,
        duty -> Text,
        unit_id -> Uuid,
        acknowledged_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    incidents (id) {
        id -> Uuid,
        manifest_id -> Uuid,
        kind -> Text,
        place -> Text,
        division -> Text,
        reported_by -> Uuid,
        reported_at -> Timestamptz,
    }
}

diesel::table! {
    incompatible_pairs (division) {
        division -> Text,
        source -> Text,
        categories_a -> Array<Text>,
        categories_b -> Array<Text>,
        loaded_at -> Timestamptz,
    }
}

diesel::table! {
    installation (only_row) {
        only_row -> Bool,
        number_mode -> Text,
        purpose -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    invitations (id) {
        id -> Uuid,
        unit_id -> Uuid,
        login -> Text,
        roles -> Array<Text>,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        ended_as -> Nullable<Text>,
    }
}

diesel::table! {
    jobs (id) {
        id -> Uuid,
        unit_id -> Uuid,
        user_id -> Uuid,
        kind -> Text,
        request -> Jsonb,
        key -> Text,
        fingerprint -> Bytea,
        state -> Text,
        done_rows -> Int4,
        total_rows -> Int4,
        attempts -> Int4,
        runner -> Nullable<Uuid>,
        held_until -> Nullable<Timestamptz>,
        input -> Nullable<Bytea>,
        result -> Nullable<Jsonb>,
        output -> Nullable<Bytea>,
        output_name -> Nullable<Text>,
        created_at -> Timestamptz,
        finished_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    jurisdictions (unit_id, division, from_on) {
        unit_id -> Uuid,
        division -> Text,
        from_on -> Date,
        until_on -> Nullable<Date>,
    }
}

diesel::table! {
    laws (law_id) {
        law_id -> Text,
        title -> Text,
        text_held -> Bool,
        grade -> Nullable<Text>,
        in_force_from -> Nullable<Date>,
        in_force_to -> Nullable<Date>,
        note -> Text,
    }
}

diesel::table! {
    leases (name) {
        name -> Text,
        holder -> Uuid,
        held_until -> Timestamptz,
    }
}

diesel::table! {
    ledger_batches (site_id, prefix, day) {
        site_id -> Uuid,
        prefix -> Text,
        day -> Date,
        last -> Int4,
    }
}

diesel::table! {
    ledger_entries (id) {
        id -> Uuid,
        site_id -> Uuid,
        unit_id -> Uuid,
        kind -> Text,
        batch -> Text,
        waste_code -> Text,
        edition -> Text,
        common_name -> Nullable<Text>,
        mass_g -> Int8,
        difference_g -> Int8,
        short_g -> Int8,
        happened_at -> Timestamptz,
        recorded_at -> Timestamptz,
        is_late -> Bool,
        is_piped -> Bool,
        facility_id -> Nullable<Uuid>,
        method -> Nullable<Text>,
        done_at -> Nullable<Timestamptz>,
        destination -> Nullable<Text>,
        receiver -> Nullable<Jsonb>,
        manifest_id -> Nullable<Uuid>,
        line -> Nullable<Int4>,
        handler -> Text,
        carried_by -> Nullable<Text>,
        store_keeper -> Nullable<Text>,
        note -> Nullable<Text>,
        fillings -> Jsonb,
        sources -> Array<Uuid>,
        found_code -> Nullable<Text>,
        reverses -> Nullable<Uuid>,
        replaces -> Nullable<Uuid>,
        adjusts -> Nullable<Uuid>,
    }
}

diesel::table! {
    ledger_shorts (entry_id) {
        entry_id -> Uuid,
        site_id -> Uuid,
        waste_code -> Text,
        counts_as -> Text,
        happened_at -> Timestamptz,
        left_g -> Int8,
        manifest_id -> Nullable<Uuid>,
        line -> Nullable<Int4>,
    }
}

diesel::table! {
    ledger_stocks (site_id, waste_code) {
        site_id -> Uuid,
        waste_code -> Text,
        left_g -> Int8,
    }
}

diesel::table! {
    legal_articles (law_id, article, effective_from) {
        law_id -> Text,
        article -> Text,
        effective_from -> Date,
        effective_to -> Nullable<Date>,
        text -> Text,
    }
}

diesel::table! {
    licence_lines (id) {
        id -> Uuid,
        licence_id -> Uuid,
        line_no -> Int4,
        codes -> Array<Text>,
        categories -> Array<Text>,
        methods -> Array<Text>,
        year_g -> Int8,
    }
}

diesel::table! {
    licence_withdrawals (id) {
        id -> Uuid,
        licence_id -> Uuid,
        kind -> Text,
        from_on -> Date,
        until_on -> Nullable<Date>,
        reason -> Text,
        decided_at -> Timestamptz,
    }
}

diesel::table! {
    licences (id) {
        id -> Uuid,
        unit_id -> Uuid,
        site_id -> Uuid,
        number -> Text,
        kind -> Text,
        issuer -> Text,
        issued_on -> Date,
        valid_from -> Date,
        valid_to -> Date,
        verified_at -> Nullable<Timestamptz>,
        verified_by -> Nullable<Uuid>,
        claim_source -> Nullable<Text>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    loaded_files (file) {
        file -> Text,
        edition -> Text,
        sha256 -> Bytea,
        rows -> Int4,
        loaded_at -> Timestamptz,
    }
}

diesel::table! {
    loaded_fillings (id) {
        id -> Uuid,
        filling_id -> Uuid,
        manifest_id -> Uuid,
        line -> Int4,
        mass_g -> Int8,
        loaded_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    login_failures (account_hash, source) {
        account_hash -> Bytea,
        source -> Text,
        failures -> Int4,
        next_try_at -> Timestamptz,
    }
}

diesel::table! {
    lot_edges (id) {
        id -> Uuid,
        from_id -> Uuid,
        to_id -> Uuid,
        mass_g -> Int8,
        kind -> Text,
        made_at -> Timestamptz,
        entry_id -> Nullable<Uuid>,
        counts_as -> Nullable<Text>,
    }
}

diesel::table! {
    lot_stocks (lot_id) {
        lot_id -> Uuid,
        site_id -> Uuid,
        waste_code -> Text,
        batch -> Text,
        left_g -> Int8,
        facility_id -> Nullable<Uuid>,
        since_at -> Timestamptz,
    }
}

diesel::table! {
    lots (id) {
        id -> Uuid,
        site_id -> Nullable<Uuid>,
        manifest_id -> Nullable<Uuid>,
        line -> Nullable<Int4>,
        waste_code -> Text,
        kind -> Text,
        mass_g -> Int8,
        made_at -> Timestamptz,
        entry_id -> Nullable<Uuid>,
    }
}

diesel::table! {
    manifest_drafts (id) {
        id -> Uuid,
        unit_id -> Uuid,
        version -> Int8,
        document -> Jsonb,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    manifest_numbers (prefecture, year) {
        prefecture -> Text,
        year -> Int4,
        last_serial -> Int4,
    }
}

diesel::table! {
    manifest_parties (unit_id, manifest_id, relation, leg_no) {
        unit_id -> Uuid,
        manifest_id -> Uuid,
        relation -> Text,
        leg_no -> Int4,
    }
}

diesel::table! {
    manifest_parts (manifest_id, part, part_no, revision) {
        manifest_id -> Uuid,
        part -> Text,
        part_no -> Int4,
        revision -> Int4,
        v -> Int4,
        bytes -> Bytea,
        content_hash -> Bytea,
    }
}

diesel::table! {
    manifest_places (division, manifest_id) {
        division -> Text,
        manifest_id -> Uuid,
    }
}

diesel::table! {
    manifest_tasks (unit_id, manifest_id, act) {
        unit_id -> Uuid,
        manifest_id -> Uuid,
        act -> Text,
        due_on -> Nullable<Date>,
        reminded_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    manifests (id) {
        id -> Uuid,
        stream -> Text,
        carriage -> Text,
        state -> Text,
        number -> Nullable<Text>,
        official_no -> Nullable<Text>,
        paper_no -> Nullable<Text>,
        consignor_id -> Uuid,
        consignor_name -> Text,
        receiver_id -> Uuid,
        receiver_name -> Text,
        departure_division -> Text,
        destination_division -> Text,
        issued_at -> Timestamptz,
        planned_departure_on -> Date,
        planned_receipt_on -> Date,
        received_on -> Nullable<Date>,
        confirm_due_on -> Nullable<Date>,
        confirm_due_provisional -> Bool,
        declared_g -> Int8,
        released_g -> Nullable<Int8>,
        accepted_g -> Nullable<Int8>,
        codes -> Array<Text>,
        plates -> Array<Text>,
        flags -> Array<Text>,
        voided_at -> Nullable<Timestamptz>,
        link_kind -> Nullable<Text>,
        linked_from -> Nullable<Uuid>,
    }
}

diesel::table! {
    mass_accounts (kind, owner_id, year) {
        kind -> Text,
        owner_id -> Uuid,
        year -> Int4,
        reserved_g -> Int8,
        settled_g -> Int8,
    }
}

diesel::table! {
    medical_categories (code) {
        code -> Text,
        name -> Text,
        hazards -> Text,
        features -> Text,
        common_items -> Text,
        collection -> Text,
        feature_edition -> Text,
    }
}

diesel::table! {
    memberships (id) {
        id -> Uuid,
        user_id -> Uuid,
        unit_id -> Uuid,
        roles -> Array<Text>,
        started_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    methods (code) {
        code -> Text,
        method_group -> Text,
        name -> Text,
    }
}

diesel::table! {
    one_time_codes (id) {
        id -> Uuid,
        code_hash -> Bytea,
        manifest_id -> Uuid,
        act -> Text,
        user_id -> Uuid,
        unit_id -> Uuid,
        made_by -> Uuid,
        made_at -> Timestamptz,
        expires_at -> Timestamptz,
        tries -> Int4,
        used_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    one_time_tries (code_id, user_id) {
        code_id -> Uuid,
        user_id -> Uuid,
        tries -> Int4,
        next_try_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    outages (id) {
        id -> Uuid,
        opened_by -> Uuid,
        opened_at -> Timestamptz,
        reason -> Text,
        closed_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    papers (id) {
        id -> Uuid,
        unit_id -> Uuid,
        site_id -> Uuid,
        kind -> Text,
        number -> Nullable<Text>,
        issuer -> Nullable<Text>,
        issued_on -> Date,
        valid_to -> Nullable<Date>,
        says -> Nullable<Text>,
        retired_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    parameters (key, division, from_on) {
        key -> Text,
        division -> Text,
        from_on -> Date,
        value -> Text,
        decided_by -> Text,
        note -> Text,
        event_seq -> Nullable<Int8>,
    }
}

diesel::table! {
    penalties (row_no) {
        row_no -> Int4,
        offence_key -> Text,
        offence -> Text,
        law_id -> Text,
        article -> Text,
        item -> Text,
        duty_article -> Text,
        effective_from -> Date,
        effective_to -> Nullable<Date>,
        fine_min_fen -> Nullable<Int8>,
        fine_max_fen -> Nullable<Int8>,
        fine_formula -> Text,
        is_correction_first -> Bool,
        fine_after_refusal_min_fen -> Nullable<Int8>,
        fine_after_refusal_max_fen -> Nullable<Int8>,
        person_fine_min_fen -> Nullable<Int8>,
        person_fine_max_fen -> Nullable<Int8>,
        detention -> Text,
        other_measures -> Text,
    }
}

diesel::table! {
    plan_acknowledgements (plan_id, revision) {
        plan_id -> Uuid,
        revision -> Int4,
        official_filing_no -> Text,
        by_unit -> Uuid,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    plan_comments (id) {
        id -> Uuid,
        plan_id -> Uuid,
        revision -> Int4,
        by_unit -> Uuid,
        comment -> Text,
        made_at -> Timestamptz,
    }
}

diesel::table! {
    plan_flows (id) {
        id -> Uuid,
        site_id -> Uuid,
        unit_id -> Uuid,
        year -> Int4,
        code -> Text,
        receiver_id -> Uuid,
        receiver_site_id -> Nullable<Uuid>,
        method -> Text,
        planned_g -> Int8,
        filing_no -> Nullable<Text>,
        plan_id -> Nullable<Uuid>,
        withdrawn_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    plan_revisions (plan_id, revision) {
        plan_id -> Uuid,
        revision -> Int4,
        management_class -> Nullable<Text>,
        reason -> Nullable<Text>,
        bytes -> Bytea,
        content_hash -> Bytea,
        filed_at -> Timestamptz,
        is_late -> Bool,
    }
}

diesel::table! {
    plans (id) {
        id -> Uuid,
        site_id -> Uuid,
        unit_id -> Uuid,
        year -> Int4,
        state -> Text,
        revision -> Int4,
        draft_version -> Int8,
        tables -> Jsonb,
        filed_at -> Nullable<Timestamptz>,
        is_late -> Bool,
        official_filing_no -> Nullable<Text>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    refresh_tokens (token_hash) {
        token_hash -> Bytea,
        session_id -> Uuid,
        issued_at -> Timestamptz,
        used_at -> Nullable<Timestamptz>,
        successor -> Nullable<Bytea>,
    }
}

diesel::table! {
    sessions (id) {
        id -> Uuid,
        user_id -> Uuid,
        membership_id -> Nullable<Uuid>,
        by_pin -> Bool,
        by_first_password -> Bool,
        device -> Nullable<Text>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
        ended_because -> Nullable<Text>,
    }
}

diesel::table! {
    signing_delegations (id) {
        id -> Uuid,
        api_key_id -> Uuid,
        signatory_id -> Uuid,
        acts -> Array<Text>,
        from_at -> Timestamptz,
        until_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    signing_keys (kid) {
        kid -> Text,
        purpose -> Text,
        public_key -> Bytea,
        valid_from -> Timestamptz,
        valid_until -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    sites (id) {
        id -> Uuid,
        unit_id -> Uuid,
        name -> Text,
        division -> Text,
        address -> Text,
        contact_phone -> Nullable<Text>,
        lon_e7 -> Nullable<Int4>,
        lat_e7 -> Nullable<Int4>,
        industry -> Nullable<Text>,
        permit_no -> Nullable<Text>,
        eia_no -> Nullable<Text>,
        yearly -> Jsonb,
        eia_g -> Nullable<Int8>,
        permit_g -> Nullable<Int8>,
        is_long_cycle -> Bool,
        own_facility -> Bool,
        class_by_figures -> Nullable<Text>,
        decided_class -> Nullable<Text>,
        decided_reason -> Nullable<Text>,
        decided_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    streams (subject_id) {
        subject_id -> Uuid,
        subject_kind -> Text,
        seq -> Int8,
        version -> Int8,
        head -> Bytea,
    }
}

diesel::table! {
    token_looks (id) {
        id -> Uuid,
        manifest_id -> Uuid,
        looked_at -> Timestamptz,
        looked_on -> Date,
        shown -> Text,
        source_hash -> Bytea,
    }
}

diesel::table! {
    trip_legs (trip_id, manifest_id, leg_no) {
        trip_id -> Uuid,
        manifest_id -> Uuid,
        leg_no -> Int4,
    }
}

diesel::table! {
    trips (id) {
        id -> Uuid,
        carrier_id -> Uuid,
        plate -> Text,
        started_at -> Timestamptz,
    }
}

diesel::table! {
    unfed (event_id) {
        event_id -> Uuid,
    }
}

diesel::table! {
    units (id) {
        id -> Uuid,
        uscc -> Text,
        name -> Text,
        kind -> Text,
        is_external -> Bool,
        country -> Text,
        recorded_by -> Nullable<Uuid>,
        division -> Text,
        address -> Text,
        contact_phone -> Text,
        verified_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        ended_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    user_names (user_id, from_at) {
        user_id -> Uuid,
        from_at -> Timestamptz,
        name -> Text,
    }
}

diesel::table! {
    users (id) {
        id -> Uuid,
        login -> Text,
        name -> Text,
        phone -> Nullable<Text>,
        password_hash -> Nullable<Text>,
        pin_hash -> Nullable<Text>,
        rights_epoch -> Int8,
        has_first_password -> Bool,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    vehicles (id) {
        id -> Uuid,
        unit_id -> Uuid,
        plate -> Text,
        kind -> Text,
        permit_no -> Text,
        permit_classes -> Array<Text>,
        permit_valid_to -> Date,
        rated_load_g -> Int8,
        gb19217 -> Bool,
        claim_source -> Nullable<Text>,
        retired_on -> Nullable<Date>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    waste_codes (edition, code) {
        edition -> Text,
        code -> Text,
        category -> Text,
        category_name -> Text,
        industry -> Text,
        name -> Text,
        hazards -> Text,
    }
}

diesel::table! {
    weighings (trip_id, seq) {
        trip_id -> Uuid,
        seq -> Int8,
        gross_g -> Int8,
        tare_g -> Int8,
        side -> Text,
        weighed_by -> Uuid,
        weighed_at -> Timestamptz,
        hash -> Bytea,
        struck_at -> Nullable<Timestamptz>,
    }
}
