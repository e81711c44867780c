//! What was signed stays as it was signed, and anybody can check it.

use diesel::QueryableByName;
use diesel::sql_types::{Binary, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use ed25519_dalek::{Signature, VerifyingKey};
use futures_util::future::join_all;
use liandan::evidence::{GENESIS, event_hash, events_of, run_feed};
use serde_json::{Value, json};

use crate::harness::{JINZHOU, World, id};

#[derive(QueryableByName)]
struct Guarded {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    column: String,
    /// What `refuse_change` covers: 16 update, 8 delete, 32 truncate.
    #[diesel(sql_type = SmallInt)]
    covered: i16,
}

/// Every table that only grows, with its first column.
async fn guarded(owner: &mut AsyncPgConnection) -> Vec<Guarded> {
    diesel::sql_query(
        "SELECT c.relname::text AS name, (SELECT quote_ident(a.attname) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum = 1) AS column, \
         bit_or(g.tgtype) & 56::int2 AS covered \
         FROM pg_class c JOIN pg_trigger g ON g.tgrelid = c.oid JOIN pg_proc p ON p.oid = g.tgfoid \
         WHERE p.proname = 'refuse_change' AND g.tgenabled <> 'D' AND NOT c.relispartition GROUP BY c.oid, c.relname ORDER BY 1",
    )
    .load(owner)
    .await
    .unwrap()
}

/// The error of a statement that must fail.
async fn refusal(conn: &mut AsyncPgConnection, statement: &str) -> String {
    match conn.batch_execute(statement).await {
        Ok(()) => panic!("{statement} was allowed"),
        Err(error) => error.to_string(),
    }
}

#[actix_web::test]
async fn the_application_cannot_change_what_only_grows() {
    let world = World::new().await;
    world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let mut owner = world.owner().await;
    let tables = guarded(&mut owner).await;
    assert!(tables.iter().any(|table| table.name == "events"));
    owner.batch_execute("SET ROLE liandan_app").await.unwrap();
    for Guarded { name, column, .. } in tables {
        for statement in [format!("UPDATE {name} SET {column} = {column}"), format!("DELETE FROM {name}"), format!("TRUNCATE {name} CASCADE")] {
            let error = refusal(&mut owner, &statement).await;
            assert!(error.contains("permission denied"), "{statement}: {error}");
        }
    }
}

#[actix_web::test]
async fn the_application_cannot_change_the_schema() {
    let world = World::new().await;
    let mut owner = world.owner().await;
    owner.batch_execute("SET ROLE liandan_app").await.unwrap();
    for statement in [
        "CREATE TABLE mine (n int)",
        "DROP TABLE events",
        "ALTER TABLE events DISABLE TRIGGER ALL",
        "DROP TRIGGER events_append_only ON events",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
        "SET session_replication_role = replica",
        "UPDATE __diesel_schema_migrations SET version = version",
    ] {
        let error = refusal(&mut owner, statement).await;
        assert!(error.contains("permission denied") || error.contains("must be owner"), "{statement}: {error}");
    }
}

#[actix_web::test]
async fn even_the_owner_meets_the_triggers() {
    let world = World::new().await;
    world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let mut owner = world.owner().await;
    for statement in ["UPDATE events SET bytes = bytes", "DELETE FROM events", "TRUNCATE events CASCADE"] {
        let error = refusal(&mut owner, statement).await;
        assert!(error.contains("is append-only"), "{statement}: {error}");
    }
    for table in guarded(&mut owner).await {
        assert_eq!(table.covered, 56, "{} must refuse UPDATE, DELETE and TRUNCATE", table.name);
    }
    assert_eq!(world.number("SELECT count(*) AS n FROM pg_trigger WHERE tgenabled = 'D'").await, 0);
}

#[actix_web::test]
async fn a_hash_that_does_not_fit_cannot_be_stored() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let mut owner = world.owner().await;
    let statement = format!(
        "INSERT INTO events (id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at) \
         SELECT gen_random_uuid(), '{}', 'unit', 2, 2, 'forged', hash, hash, 'x', now() FROM events WHERE subject_id = '{0}'",
        unit.id
    );
    assert!(refusal(&mut owner, &statement).await.contains("events_hash_is_chained"));
}

#[actix_web::test]
async fn the_events_of_a_subject_form_a_chain() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    let events = events_of(&mut world.owner().await, unit.id, 0, 100).await.unwrap();
    assert_eq!(events.iter().map(|event| event.act.as_str()).collect::<Vec<_>>(), ["register_unit", "verify_unit"]);
    let mut before = GENESIS.to_vec();
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!((event.seq, &event.prev_hash), (seq, &before));
        assert_eq!(event.hash, event_hash(&before, &event.bytes));
        let document = event.document().unwrap();
        assert_eq!((&document["seq"], &document["subject"]["id"]), (&json!(seq), &json!(unit.id)));
        assert_eq!(document.to_string().as_bytes(), event.bytes, "canonical");
        before.clone_from(&event.hash);
    }
}

#[actix_web::test]
async fn a_proof_verifies_with_the_published_keys() {
    let world = World::new().await;
    let unit = world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    let officer = world.authority(JINZHOU).await;
    let done = world.post_seen(&officer.admin, &format!("/api/v1/units/{}/verify", unit.id), 1, json!({})).await.ok();
    let mut proof = done["done"][0]["proof"].clone();
    let keys = world.get((), "/.well-known/liandan-keys").await.ok();
    let key = keys["keys"].as_array().unwrap().iter().find(|key| key["kid"] == proof["kid"]).unwrap();
    assert_eq!((&key["purpose"], &key["alg"]), (&json!("proof"), &json!("Ed25519")));
    let bytes = |value: &Value| hex::decode(value.as_str().unwrap()).unwrap();
    let public = VerifyingKey::from_bytes(&bytes(&key["public_key"]).try_into().unwrap()).unwrap();
    let signature = Signature::from_slice(&bytes(&proof["signature"])).unwrap();
    proof.as_object_mut().unwrap().remove("signature");
    // Sorted keys, no blanks, integers and ASCII only: what RFC 8785 gives.
    public.verify_strict(proof.to_string().as_bytes(), &signature).unwrap();
    proof["seq"] = json!(3);
    public.verify_strict(proof.to_string().as_bytes(), &signature).unwrap_err();

    let events = events_of(&mut world.owner().await, unit.id, 0, 100).await.unwrap();
    assert_eq!(proof["hash"], json!(hex::encode(&events.last().unwrap().hash)));
    assert_eq!(id(&proof["subject_id"]), unit.id);
}

#[actix_web::test]
async fn the_feed_numbers_every_event_once_without_a_gap() {
    let world = World::new().await;
    world.unit("大连金州化工有限公司", JINZHOU, &["clerk", "driver"]).await;
    let events = world.events().await;
    let rounds = join_all((0..3).map(|_| run_feed(&world.app))).await;
    assert_eq!(rounds.into_iter().map(Result::unwrap).sum::<usize>(), usize::try_from(events).unwrap());
    world.run_jobs().await;
    assert_eq!(world.number("SELECT count(*) AS n FROM feed").await, events);
    assert_eq!(world.number("SELECT max(feed_no) AS n FROM feed").await, events);
    assert_eq!(world.number("SELECT count(*) AS n FROM unfed").await, 0);
}

#[actix_web::test]
async fn a_late_committer_is_not_skipped() {
    let world = World::new().await;
    let subject = world.clock.new_id();
    // Older than everything that follows, by its id, and visible only after it was fed.
    let (mut late, mut event) = (world.owner().await, world.clock.new_id());
    let hash = |bytes: &[u8]| event_hash(&GENESIS, bytes);
    late.batch_execute("BEGIN").await.unwrap();
    diesel::sql_query(
        "WITH s AS (INSERT INTO streams (subject_id, subject_kind, seq, version, head) VALUES ($1::text::uuid, 'unit', 1, 1, $3)), \
         u AS (INSERT INTO unfed (event_id) VALUES ($2::text::uuid)) \
         INSERT INTO events (id, subject_id, subject_kind, seq, version, act, prev_hash, hash, bytes, recorded_at) \
         VALUES ($2::text::uuid, $1::text::uuid, 'unit', 1, 1, 'late', $4, $3, 'late', '2026-11-23T02:00:00Z')",
    )
    .bind::<Text, _>(subject.to_string())
    .bind::<Text, _>(event.to_string())
    .bind::<Binary, _>(hash(b"late").to_vec())
    .bind::<Binary, _>(GENESIS.to_vec())
    .execute(&mut late)
    .await
    .unwrap();
    world.unverified_unit("大连金州化工有限公司", JINZHOU).await;
    world.run_jobs().await;
    assert_eq!(world.number("SELECT count(*) AS n FROM feed").await, 1);
    late.batch_execute("COMMIT").await.unwrap();
    world.run_jobs().await;
    event = event.to_owned();
    assert_eq!(world.number(&format!("SELECT feed_no AS n FROM feed WHERE event_id = '{event}'")).await, 2);
}
