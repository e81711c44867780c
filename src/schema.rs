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
    deputies (id) {
        id -> Uuid,
        membership_id -> Uuid,
        deputy_id -> Uuid,
        from_on -> Date,
        until_on -> Date,
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
    installation (only_row) {
        only_row -> Bool,
        number_mode -> Text,
        purpose -> Text,
        created_at -> Timestamptz,
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
    leases (name) {
        name -> Text,
        holder -> Uuid,
        held_until -> Timestamptz,
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
        next_try_at -> Nullable<Timestamptz>,
        used_at -> Nullable<Timestamptz>,
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
    streams (subject_id) {
        subject_id -> Uuid,
        subject_kind -> Text,
        seq -> Int8,
        version -> Int8,
        head -> Bytea,
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
        division -> Text,
        address -> Text,
        contact_phone -> Text,
        verified_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
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
        created_at -> Timestamptz,
    }
}
