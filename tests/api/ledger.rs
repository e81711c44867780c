//! The ledger of a site: entries, balances to the gram, breaks by name, corrections.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, OIL, site, warnings};
use crate::harness::{Answer, JINZHOU, Person, World, id, text};

/// Another waste.
pub const ACID: &str = "900-300-34";

/// A site with its facilities and the people who keep its ledger.
pub struct Books<'w> {
    pub world: &'w World,
    pub clerk: &'w Person,
    pub site: Uuid,
    pub store: Uuid,
    pub burner: Uuid,
    pub still: Uuid,
}

pub async fn facility(world: &World, who: &Person, site: Uuid, kind: &str, capacity_g: i64) -> Uuid {
    let body = json!({ "code": format!("{kind}-{}", world.next()), "name": "设施", "kind": kind, "capacity_g": capacity_g });
    id(&world.post(who, &format!("/api/v1/sites/{site}/facilities"), body).await.ok()["done"][0]["subject_id"])
}

impl<'w> Books<'w> {
    /// Of a site whose unit has an administrator and a clerk.
    pub async fn of(world: &'w World, admin: &'w Person, clerk: &'w Person, site: Uuid) -> Self {
        let store = facility(world, admin, site, "storage", 5_000_000).await;
        let burner = facility(world, admin, site, "disposal", 1_000_000_000).await;
        let still = facility(world, admin, site, "use", 1_000_000_000).await;
        Self { world, clerk, site, store, burner, still }
    }

    /// The body of an entry.
    pub fn entry(&self, kind: &str, more: Value) -> Value {
        let mut body = json!({ "site_id": self.site, "kind": kind, "code": OIL, "handler": "赵师傅" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    }

    /// Records.
    pub async fn record(&self, kind: &str, more: Value) -> Answer {
        self.world.post(self.clerk, "/api/v1/ledger/entries", self.entry(kind, more)).await
    }

    /// Records; the facts of the entry.
    pub async fn done(&self, kind: &str, more: Value) -> Value {
        self.record(kind, more).await.ok()["done"][0]["result"].clone()
    }

    /// Containers, all alike: their ids.
    pub async fn containers(&self, count: u32, is_reusable: bool) -> Vec<Uuid> {
        let body = json!({ "site_id": self.site, "kind": "drum", "count": count, "capacity_ml": 200_000, "is_reusable": is_reusable });
        let made = self.world.post(self.clerk, "/api/v1/containers:batch", body).await.ok();
        made["done"][0]["result"]["containers"].as_array().unwrap().iter().map(|one| id(&one["container_id"])).collect()
    }

    /// Fills a drum; the code on its label.
    pub async fn fill(&self, container: Uuid, mass_g: i64) -> String {
        let facts = self.done("generated", json!({ "containers": [{ "container_id": container, "mass_g": mass_g }] })).await;
        text(&facts["fillings"][0]["filling"])
    }

    /// The balance of the month so far, or of other days.
    pub async fn balance(&self, query: &str) -> Vec<Value> {
        let answer = self.world.get(self.clerk, &format!("/api/v1/ledger/balance?site_id={}{query}", self.site)).await.ok();
        answer["rows"].as_array().unwrap().clone()
    }

    /// What is left of a waste by the balance of today; every sum must agree with the lots, to the gram.
    pub async fn closing(&self, code: &str) -> i64 {
        let rows = self.balance("").await;
        for row in &rows {
            let g = |name: &str| row[name].as_i64().unwrap();
            let came = g("opening_g") + g("generated_g") + g("received_g") + g("moved_g") + g("adjusted_g");
            assert_eq!(came - g("used_g") - g("disposed_g") - g("sent_g"), g("closing_g"), "{row}");
            assert_eq!(g("moved_g"), 0, "{row}");
        }
        let closing = rows.iter().find(|row| row["code"] == code).map_or(0, |row| row["closing_g"].as_i64().unwrap());
        for table in ["lot_stocks", "ledger_stocks"] {
            let sum = format!("SELECT coalesce(sum(left_g), 0)::bigint AS n FROM {table} WHERE site_id = '{}' AND waste_code = '{code}'", self.site);
            assert_eq!(self.world.number(&sum).await, closing, "{table}");
        }
        let in_drums = format!(
            "SELECT count(*) AS n FROM lot_stocks s WHERE s.left_g < (SELECT coalesce(sum(f.left_g), 0) FROM fillings f WHERE f.lot_id = s.lot_id AND f.site_id = '{}')",
            self.site
        );
        assert_eq!(self.world.number(&in_drums).await, 0, "more in containers than in their lot");
        closing
    }

    /// Kinds of the breaks of today.
    pub async fn breaks(&self) -> Vec<Value> {
        let answer = self.world.get(self.clerk, &format!("/api/v1/ledger/breaks?site_id={}", self.site)).await.ok();
        answer["breaks"].as_array().unwrap().clone()
    }
}

/// Kinds of some breaks.
pub fn kinds(breaks: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = breaks.iter().map(|one| one["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    kinds
}

#[actix_web::test]
async fn what_arose_is_stored_used_burnt_and_counted_to_the_gram() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    let facts = books.done("generated", json!({ "mass_g": { "v": "1.25", "u": "t" }, "stored": { "facility_id": books.store } })).await;
    assert_eq!(facts["batch"], "HWCS20261123001");
    assert_eq!(books.closing(OIL).await, 1_250_000);
    let batches = books.balance("&by=batch").await;
    assert_eq!(
        batches.iter().map(|row| (text(&row["batch"]), row["closing_g"].as_i64().unwrap())).collect::<Vec<_>>(),
        [("HWCS20261123001".to_owned(), 0), ("HWRK20261123001".to_owned(), 1_250_000)]
    );
    let used = books.done("used_on_site", json!({ "mass_g": 250_000, "facility_id": books.still, "method": "R9" })).await;
    assert_eq!(used["batch"], "HWZXLY20261123001");
    let burnt = books.done("disposed_on_site", json!({ "mass_g": 400_000, "facility_id": books.burner, "method": "D10" })).await;
    assert_eq!(burnt["batch"], "HWZXCZ20261123001");
    let sent = json!({ "mass_g": 100_000, "method": "D10", "receiver": { "kind": "licence_holder", "name": "大连东泰", "number": "LN-1" } });
    assert_eq!(books.done("sent", sent).await["batch"], "HWWWCZ20261123001");
    assert_eq!(books.closing(OIL).await, 500_000);
    books.record("taken_out", json!({ "mass_g": 600_000 })).await.refused(422, "more-than-is-there");
    books.done("taken_out", json!({ "mass_g": 200_000, "facility_id": books.store })).await;
    assert_eq!(books.closing(OIL).await, 500_000);
    // A count finds less: nobody refuses it, and the balance says by how much.
    let counted = books.done("counted", json!({ "mass_g": 485_000 })).await;
    assert_eq!(counted["difference_g"], -15_000);
    assert_eq!(books.closing(OIL).await, 485_000);
    let row = books.balance("").await.pop().unwrap();
    assert_eq!(
        (&row["generated_g"], &row["used_g"], &row["disposed_g"], &row["sent_g"], &row["adjusted_g"]),
        (&json!(1_250_000), &json!(250_000), &json!(400_000), &json!(100_000), &json!(-15_000))
    );
    let breaks = books.breaks().await;
    assert_eq!(kinds(&breaks), ["counted_short"]);
    assert_eq!((&breaks[0]["mass_g"], &breaks[0]["batch"]), (&json!(15_000), &json!("HWPD20261123001")));
    // Yesterday nothing was there.
    assert_eq!(books.balance("&from=2026-11-01&on=2026-11-22").await[0]["closing_g"], 0);
    // Declarations read the same totals by their ways.
    let mut conn = world.app.db.get().await.unwrap();
    let day = |text: &str| text.parse().unwrap();
    let totals = liandan::ledger::totals(&mut conn, books.site, day("2026-11-01"), day("2026-11-30")).await.unwrap();
    assert_eq!((totals[0].generated_g, totals[0].adjusted_g, totals[0].closing_g), (1_250_000, -15_000, 485_000));
    let flows: Vec<_> = totals[0].flows.iter().map(|flow| (flow.column.as_str(), flow.method.as_deref(), flow.mass_g)).collect();
    assert_eq!(flows, [("disposed", Some("D10"), 400_000), ("sent", Some("D10"), 100_000), ("used", Some("R9"), 250_000)]);
    assert_eq!(totals[0].flows[1].receiver.as_ref().unwrap()["number"], "LN-1");
}

#[actix_web::test]
async fn two_who_take_the_same_mass_at_once_do_not_both_get_it() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk", "signatory"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    books.done("generated", json!({ "mass_g": 1_000 })).await;
    let body = || books.entry("used_on_site", json!({ "mass_g": 700, "facility_id": books.still, "method": "R9" }));
    world.token(unit.who("signatory")).await;
    let (a, b) = futures_util::join!(
        world.post(unit.who("clerk"), "/api/v1/ledger/entries", body()),
        world.post(unit.who("signatory"), "/api/v1/ledger/entries", body())
    );
    let refused = if a.status == 201 { b } else { a };
    let problem = refused.refused(422, "more-than-is-there");
    assert!(text(&problem["detail"]).contains("HWZXLY20261123001"), "{problem}");
    assert_eq!(books.closing(OIL).await, 300);
}

#[actix_web::test]
async fn an_entry_that_cannot_be_is_refused_with_every_fault_at_its_place() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk", "driver"]).await;
    let other = world.unit("大连开发区电镀厂", JINZHOU, &[]).await;
    let home = site(&world, &unit, "一号厂区").await;
    let away = site(&world, &other, "别家").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), home).await;
    let pointers = |problem: &Value| {
        let mut all: Vec<String> = problem["errors"].as_array().unwrap().iter().map(|one| text(&one["pointer"])).collect();
        all.sort();
        all
    };
    let wrong = json!({ "mass_g": 0, "method": "R9", "stored": { "facility_id": books.burner }, "happened_at": "2026-11-23T02:00:01Z" });
    let problem = books.record("generated", wrong).await.refused(422, "rules-refuse");
    assert_eq!(pointers(&problem), ["/happened_at", "/mass_g", "/method", "/stored/facility_id"]);
    let problem =
        books.record("used_on_site", json!({ "mass_g": 5, "facility_id": books.store, "method": "D10" })).await.refused(422, "rules-refuse");
    assert_eq!(pointers(&problem), ["/facility_id", "/method"]);
    books.record("stored", json!({ "mass_g": 5 })).await.refused(422, "facility-missing");
    books.record("generated", json!({})).await.refused(422, "mass-missing");
    books.record("generated", json!({ "mass_g": 5, "sources": [Uuid::nil()] })).await.refused(422, "source-unknown");
    let mut foreign = books.entry("generated", json!({ "mass_g": 5 }));
    foreign["site_id"] = json!(away);
    world.post(unit.who("clerk"), "/api/v1/ledger/entries", foreign).await.refused(422, "ledger-site-not-own");
    world.post(unit.who("driver"), "/api/v1/ledger/entries", books.entry("generated", json!({ "mass_g": 5 }))).await.refused(403, "forbidden");
    let odd = books.entry("generated", json!({ "mass_g": 5, "colour": "红" }));
    world.post(unit.who("clerk"), "/api/v1/ledger/entries", odd).await.refused(400, "bad-shape");
    assert_eq!(world.number("SELECT count(*) AS n FROM ledger_entries").await, 0);
    assert_eq!(world.number("SELECT coalesce(sum(last), 0)::bigint AS n FROM ledger_batches").await, 0, "a refusal takes no number");
}

#[actix_web::test]
async fn a_batch_of_rows_stands_alone_row_by_row_and_finishes_when_it_is_sent_again() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    let row = |name: &str, mass_g: i64| json!({ "client_id": name, "entry": books.entry("generated", json!({ "mass_g": mass_g })) });
    let path = "/api/v1/ledger/entries:batch";
    let first = world.act(unit.who("clerk"), path, None, "november", json!({ "items": [row("a", 100), row("b", 0), row("c", 300)] })).await.ok();
    let statuses = |answer: &Value| answer["results"].as_array().unwrap().iter().map(|one| one["status"].as_u64().unwrap()).collect::<Vec<_>>();
    assert_eq!(statuses(&first), [201, 422, 201]);
    assert_eq!(first["results"][1]["problem"]["errors"][0]["code"], "nothing-entered");
    let again = world.act(unit.who("clerk"), path, None, "november", json!({ "items": [row("a", 100), row("b", 200), row("c", 300)] })).await.ok();
    assert_eq!(statuses(&again), [201, 201, 201]);
    assert_eq!(again["results"][0]["answer"], first["results"][0]["answer"]);
    assert_eq!(books.closing(OIL).await, 600);
    let twice = json!({ "items": [row("a", 1), row("a", 2)] });
    world.post(unit.who("clerk"), path, twice).await.refused(422, "client-id-twice");
    // Check mode keeps nothing.
    let check = world.post(unit.who("clerk"), "/api/v1/ledger/entries?mode=check", books.entry("generated", json!({ "mass_g": 5 }))).await.ok();
    assert_eq!(check["would"][0]["result"]["mass_g"], 5);
    assert_eq!(books.closing(OIL).await, 600);
}

#[actix_web::test]
async fn a_late_entry_is_taken_and_marked() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    for (at, is_piped, is_late) in [
        // Today is Monday the 23rd, 10:00.
        ("2026-11-18T02:00:00Z", false, false),
        ("2026-11-17T15:59:59Z", false, true),
        ("2026-11-22T02:00:00Z", true, false),
        ("2026-11-21T02:00:00Z", true, true),
    ] {
        let answer = books.record("generated", json!({ "mass_g": 10, "happened_at": at, "is_piped": is_piped })).await.ok();
        assert_eq!(warnings(&answer).contains(&"late-entry".to_owned()), is_late, "{at}");
        assert_eq!(answer["done"][0]["result"]["is_late"], is_late);
    }
    assert_eq!(kinds(&books.breaks().await), ["late_entry", "late_entry"]);
    // It counts on the day on which it happened.
    assert_eq!(books.balance("&from=2026-11-01&on=2026-11-20").await[0]["closing_g"], 20);
}

#[actix_web::test]
async fn a_correction_reverses_what_was_entered_and_is_stopped_by_what_took_it() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let stranger = world.unit("大连开发区电镀厂", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    let clerk = unit.who("clerk");
    let wrong = books.done("generated", json!({ "mass_g": 1_000, "happened_at": "2026-11-20T02:00:00Z" })).await;
    let used = books.done("used_on_site", json!({ "mass_g": 400, "facility_id": books.still, "method": "R9" })).await;
    let path = |facts: &Value| format!("/api/v1/ledger/entries/{}/correct", text(&facts["entry_id"]));
    let right = |mass_g: i64| books.entry("generated", json!({ "mass_g": mass_g, "happened_at": "2026-11-20T02:00:00Z" }));
    let body = json!({ "reason": "多写一个零", "entry": right(100) });
    let problem = world.post_seen(clerk, &path(&wrong), 1, body.clone()).await.refused(409, "entry-in-the-way");
    assert!(text(&problem["detail"]).contains("HWZXLY20261123001"), "{problem}");
    world.post_seen(stranger.who("clerk"), &path(&wrong), 1, body.clone()).await.refused(404, "not-found");
    world.post(clerk, &path(&wrong), body.clone()).await.refused(428, "if-match-missing");
    world.post_seen(clerk, &path(&used), 1, json!({ "reason": "未使用" })).await.ok();
    assert_eq!(books.closing(OIL).await, 1_000);
    world.post_seen(clerk, &path(&wrong), 1, body.clone()).await.ok();
    assert_eq!(books.closing(OIL).await, 100);
    // The books of that day are right, and nothing is gone: the entry, its reversal and the new entry stand.
    let row = books.balance("&from=2026-11-01&on=2026-11-20").await.pop().unwrap();
    assert_eq!((&row["generated_g"], &row["closing_g"]), (&json!(100), &json!(100)));
    let list = world.get(clerk, &format!("/api/v1/ledger/entries?site_id={}", books.site)).await.ok();
    let listed: Vec<(&str, i64)> =
        list["items"].as_array().unwrap().iter().map(|one| (one["kind"].as_str().unwrap(), one["mass_g"].as_i64().unwrap())).collect();
    assert_eq!(listed, [("generated", 100), ("corrected", 1_000), ("corrected", 400), ("used_on_site", 400), ("generated", 1_000)]);
    world.post_seen(clerk, &path(&wrong), 2, body).await.refused(409, "entry-reversed");
    let reversal = json!({ "entry_id": list["items"][1]["id"] });
    world.post_seen(clerk, &path(&reversal), 1, json!({ "reason": "再改" })).await.refused(409, "entry-is-reversal");
}

#[actix_web::test]
async fn entries_are_seen_by_the_unit_and_the_officers_of_its_division_only() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let stranger = world.unit("大连开发区电镀厂", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    let entry = text(&books.done("generated", json!({ "mass_g": 1_000 })).await["entry_id"]);
    let (officer, elsewhere) = (world.authority(JINZHOU).await, world.authority("210202").await);
    for path in
        [format!("/api/v1/ledger/entries/{entry}"), format!("/api/v1/ledger/balance?site_id={site}"), format!("/api/v1/ledger/breaks?site_id={site}")]
    {
        world.get(unit.who("clerk"), &path).await.ok();
        world.get(&officer.admin, &path).await.ok();
        world.get(stranger.who("clerk"), &path).await.refused(404, "not-found");
        world.get(&elsewhere.admin, &path).await.refused(404, "not-found");
    }
    let list = |items: Value| items["items"].as_array().unwrap().len();
    let all = format!("/api/v1/ledger/entries?unit_id={}", unit.id);
    assert_eq!(list(world.get(&officer.admin, &all).await.ok()), 1);
    assert_eq!(list(world.get(stranger.who("clerk"), &all).await.ok()), 0);
    assert_eq!(list(world.get(unit.who("clerk"), "/api/v1/ledger/entries?kind=stored").await.ok()), 0);
    // No person's name is in the chain.
    let events = liandan::evidence::events_of(&mut world.owner().await, entry.parse().unwrap(), 0, 5).await.unwrap();
    assert!(!events[0].document().unwrap().to_string().contains("赵师傅"));
}

#[actix_web::test]
async fn what_a_store_holds_beyond_its_capacity_or_too_long_is_told_and_never_refused() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    books.done("generated", json!({ "mass_g": 5_000_000, "stored": { "facility_id": books.store } })).await;
    assert_eq!(kinds(&books.breaks().await), [] as [&str; 0]);
    let answer = books.record("generated", json!({ "mass_g": 1, "stored": { "facility_id": books.store } })).await.ok();
    assert_eq!(warnings(&json!({ "done": [answer["done"][0]] })), ["over-capacity"]);
    let breaks = books.breaks().await;
    assert_eq!((kinds(&breaks), &breaks[0]["mass_g"]), (vec!["over_capacity"], &json!(1)));
    // A generator's limit is a parameter; the law's year binds licence holders.
    world.clock.advance(chrono::Duration::days(365));
    assert_eq!(kinds(&books.breaks().await), ["over_capacity"]);
    world.clock.advance(chrono::Duration::days(1));
    assert_eq!(kinds(&books.breaks().await), ["over_age", "over_age", "over_capacity"]);
}

#[actix_web::test]
async fn the_ledger_only_grows() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let books = Books::of(&world, &district.plant.admin, district.plant.who("clerk"), district.plant_site).await;
    books.done("generated", json!({ "mass_g": 1_000 })).await;
    let mut owner = world.owner().await;
    for statement in ["UPDATE ledger_entries SET mass_g = 1", "DELETE FROM ledger_entries", "TRUNCATE ledger_entries CASCADE"] {
        assert!(diesel_async::SimpleAsyncConnection::batch_execute(&mut owner, statement).await.is_err(), "{statement}");
    }
}

#[actix_web::test]
async fn a_licence_holder_stores_a_year_wherever_it_stands_and_a_collector_ninety_working_days() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let collector = world.unit("演示·收集点", JINZHOU, &["clerk"]).await;
    let yard = site(&world, &collector, "收集点").await;
    let licence = json!({
        "site_id": yard, "number": "LN-S1", "kind": "collection", "issuer": "金州区生态环境分局", "issued_on": "2026-01-01", "valid_from": "2026-01-01",
        "valid_to": "2028-12-31", "lines": [{ "codes": [OIL], "categories": [], "methods": ["C5"], "year_g": 1_000_000_000 }],
    });
    let licence = id(&world.post(&collector.admin, "/api/v1/licences", licence).await.ok()["done"][0]["subject_id"]);
    world.post_seen(&world.authority(JINZHOU).await.admin, &format!("/api/v1/licences/{licence}/verify"), 1, json!({})).await.ok();
    let works = Books::of(&world, &district.works.admin, district.works.who("clerk"), district.works_site).await;
    let yard = Books::of(&world, &collector.admin, collector.who("clerk"), yard).await;
    for books in [&works, &yard] {
        // Put away ten days later it is no younger.
        books.done("received", json!({ "mass_g": 1_000 })).await;
    }
    world.clock.advance(chrono::Duration::days(10));
    works.done("stored", json!({ "mass_g": 1_000, "facility_id": works.store })).await;
    let age = async |books: &Books<'_>, on: &str| {
        let path = format!("/api/v1/ledger/breaks?site_id={}&on={on}", books.site);
        let breaks = world.get(books.clerk, &path).await.ok()["breaks"].clone();
        breaks.as_array().unwrap().iter().map(|one| (text(&one["kind"]), text(&one["batch"]), text(&one["instead"]))).collect::<Vec<_>>()
    };
    assert_eq!(age(&works, "2027-11-23").await, []);
    assert_eq!(age(&works, "2027-11-24").await, [("over_age".to_owned(), "HWRK20261203001".to_owned(), "2027-11-23".to_owned())]);
    let last: chrono::NaiveDate = world.app.working_days().add_working_days("2026-11-23".parse().unwrap(), 90).last_day;
    assert_eq!(age(&yard, &last.to_string()).await, []);
    let day_after = last.succ_opt().unwrap().to_string();
    assert_eq!(age(&yard, &day_after).await, [("over_age".to_owned(), "HWJS20261123001".to_owned(), last.to_string())]);
}

#[actix_web::test]
async fn what_happened_before_the_first_parameter_is_still_entered_and_asked_for() {
    let world = World::new().await;
    let unit = world.unit("大连金州化工有限公司", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    // Parameters begin on 2022-01-01, in Dalian.
    for at in ["2021-06-01T02:00:00Z", "2021-12-31T15:59:59Z", "2021-12-31T16:00:00Z"] {
        books.record("generated", json!({ "mass_g": 1_000, "happened_at": at })).await.ok();
    }
    assert_eq!(books.closing(OIL).await, 3_000);
    for on in ["2021-12-31", "2022-01-01"] {
        let path = format!("/api/v1/ledger/breaks?site_id={site}&on={on}");
        assert_eq!(world.get(unit.who("clerk"), &path).await.status, 200, "{on}");
    }
}
