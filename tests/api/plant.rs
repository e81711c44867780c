//! A plant that lives through a year by a seeded generator, through the API: its balance agrees with a plain model to the gram
//! at every month end, and each planted fault is named by what it broke.
//!
//! The size is 8 wastes and 120 containers; `LIANDAN_PLANT=40x2000` runs the large one.

use std::collections::BTreeMap;

use chrono::{Datelike, Duration, NaiveDate};
use liandan::platform::calendar::{legal_day, start_of};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::district::{District, Manifest, OIL, site};
use crate::harness::{JINZHOU, World, id, text};
use crate::ledger::{ACID, Books, kinds};

const CODES: [&str; 8] = [OIL, ACID, "900-039-49", "900-041-49", "900-214-08", "900-404-06", "900-252-12", "336-064-17"];
const MONTHS: u32 = 12;

/// SplitMix64: the same year for everybody.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % limit
    }
    fn grams(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(u64::try_from(to - from).unwrap())).unwrap()
    }
    fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        (!all.is_empty()).then(|| &all[usize::try_from(self.below(all.len() as u64)).unwrap()])
    }
}

/// What the plain model says of a waste in a month. Unit: grams.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Sums {
    opening: i64,
    generated: i64,
    used: i64,
    disposed: i64,
    sent: i64,
    adjusted: i64,
}

impl Sums {
    fn closing(&self) -> i64 {
        self.opening + self.generated + self.adjusted - self.used - self.disposed - self.sent
    }
}

/// A filled drum of the model.
#[derive(Debug, Clone)]
struct Drum {
    container: Uuid,
    filling: String,
    code: String,
    left_g: i64,
}

/// Codes of many wastes: the eight above, and others that stand in the catalogue.
fn wastes(count: usize) -> Vec<String> {
    let listed = include_str!("../../src/catalogue/data/hw_catalogue_2021.csv");
    let others =
        listed.lines().filter_map(|line| line.split(',').find(|cell| cell.parse::<liandan::catalogue::WasteCode>().is_ok()).map(str::to_owned));
    let mut all: Vec<String> = CODES.iter().map(|code| (*code).to_owned()).collect();
    for code in others {
        if all.len() >= count {
            break;
        }
        if !all.contains(&code) {
            all.push(code);
        }
    }
    all.truncate(count);
    all
}

struct Year<'w> {
    books: Books<'w>,
    random: Random,
    wastes: Vec<String>,
    empty: Vec<Uuid>,
    drums: Vec<Drum>,
    /// Bulk in no drum, by waste.
    bulk: BTreeMap<String, i64>,
    sums: BTreeMap<String, Sums>,
    past: Vec<(NaiveDate, NaiveDate, BTreeMap<String, Sums>)>,
}

impl<'w> Year<'w> {
    async fn new(books: Books<'w>, wastes: Vec<String>, containers: u32) -> Self {
        let mut empty = Vec::new();
        while u32::try_from(empty.len()).unwrap() < containers {
            empty.extend(books.containers((containers - u32::try_from(empty.len()).unwrap()).min(2_000), true).await);
        }
        Self { books, random: Random(2026), wastes, empty, drums: Vec::new(), bulk: BTreeMap::new(), sums: BTreeMap::new(), past: Vec::new() }
    }

    fn sum(&mut self, code: &str) -> &mut Sums {
        self.sums.entry(code.to_owned()).or_default()
    }

    /// One thing that happens on a day.
    async fn step(&mut self) {
        let code = self.random.pick(&self.wastes).unwrap().clone();
        let (store, still, burner) = (self.books.store, self.books.still, self.books.burner);
        match self.random.below(10) {
            0..=3 => {
                let Some(container) = self.empty.pop() else { return };
                let mass_g = self.random.grams(1_000, 190_000);
                let mut body = json!({ "code": code, "containers": [{ "container_id": container, "mass_g": mass_g }] });
                if self.random.below(2) == 0 {
                    body["stored"] = json!({ "facility_id": store });
                }
                let facts = self.books.done("generated", body).await;
                self.sum(&code).generated += mass_g;
                self.drums.push(Drum { container, filling: text(&facts["fillings"][0]["filling"]), code, left_g: mass_g });
            }
            4 => {
                let mass_g = self.random.grams(1_000, 2_000_000);
                self.books.done("generated", json!({ "code": code, "mass_g": mass_g, "is_piped": true })).await;
                self.sum(&code).generated += mass_g;
                *self.bulk.entry(code).or_default() += mass_g;
            }
            5 => {
                let held_g = self.bulk.get(&code).copied().unwrap_or(0);
                if held_g > 0 {
                    let mass_g = self.random.grams(1, held_g + 1);
                    self.books.done("disposed_on_site", json!({ "code": code, "mass_g": mass_g, "facility_id": burner, "method": "D10" })).await;
                    self.sum(&code).disposed += mass_g;
                    *self.bulk.entry(code).or_default() -= mass_g;
                }
            }
            6 => {
                let Some(drum) = self.take_drum() else { return };
                let mass_g = self.random.grams(1, drum.left_g + 1);
                let body =
                    json!({ "code": drum.code, "containers": [{ "filling": drum.filling, "mass_g": mass_g }], "facility_id": still, "method": "R9" });
                self.books.done("used_on_site", body).await;
                self.sum(&drum.code).used += mass_g;
                self.put_back(Drum { left_g: drum.left_g - mass_g, ..drum });
            }
            7 => {
                // Weighed again on the way into the store, a few grams off.
                let Some(drum) = self.take_drum() else { return };
                let weighed_g = (drum.left_g + self.random.grams(-20, 21)).max(1);
                let body =
                    json!({ "code": drum.code, "containers": [{ "container_id": drum.container, "mass_g": weighed_g }], "facility_id": store });
                self.books.done("stored", body).await;
                self.sum(&drum.code).adjusted += weighed_g - drum.left_g;
                self.put_back(Drum { left_g: weighed_g, ..drum });
            }
            8 => {
                let Some(drum) = self.take_drum() else { return };
                let receiver = json!({ "kind": "licence_holder", "name": "大连东泰", "number": "LN-1" });
                let body = json!({ "code": drum.code, "containers": [{ "filling": drum.filling }], "method": "D10", "receiver": receiver });
                self.books.done("sent", body).await;
                self.sum(&drum.code).sent += drum.left_g;
            }
            _ => {
                let Some(drum) = self.take_drum() else { return };
                let body = json!({ "code": drum.code, "containers": [{ "filling": drum.filling, "mass_g": drum.left_g }] });
                self.books.done("counted", body).await;
                self.put_back(drum);
            }
        }
    }

    fn take_drum(&mut self) -> Option<Drum> {
        let at = usize::try_from(self.random.below(self.drums.len().max(1) as u64)).unwrap();
        (at < self.drums.len()).then(|| self.drums.swap_remove(at))
    }

    fn put_back(&mut self, drum: Drum) {
        if drum.left_g == 0 { self.empty.push(drum.container) } else { self.drums.push(drum) }
    }

    /// Everything that the balance of some days says, against the model.
    async fn agrees(&self, from: NaiveDate, on: NaiveDate, sums: &BTreeMap<String, Sums>) {
        let rows = self.books.balance(&format!("&from={from}&on={on}")).await;
        let said: BTreeMap<String, Sums> = rows
            .iter()
            .map(|row| {
                let g = |name: &str| row[name].as_i64().unwrap();
                let sums = Sums {
                    opening: g("opening_g"),
                    generated: g("generated_g"),
                    used: g("used_g"),
                    disposed: g("disposed_g"),
                    sent: g("sent_g"),
                    adjusted: g("adjusted_g"),
                };
                assert_eq!((sums.closing(), g("received_g"), g("moved_g")), (g("closing_g"), 0, 0), "{row}");
                (text(&row["code"]), sums)
            })
            .filter(|(_, sums)| *sums != Sums::default())
            .collect();
        let expected: BTreeMap<String, Sums> =
            sums.iter().filter(|(_, sums)| **sums != Sums::default()).map(|(code, sums)| (code.clone(), sums.clone())).collect();
        assert_eq!(said, expected, "{from} to {on}");
    }

    /// Lives through the rest of a month, and looks at its end.
    async fn month(&mut self, world: &World, steps: u32) {
        let first = legal_day(world.clock.now()).with_day(1).unwrap();
        let next = first + chrono::Months::new(1);
        let ends = start_of(next);
        for step in 0..steps {
            let left = ends - world.clock.now();
            world.clock.advance(left / i32::try_from(steps - step + 1).unwrap());
            self.step().await;
        }
        let on = legal_day(world.clock.now());
        self.agrees(first, on, &self.sums).await;
        for code in &self.wastes {
            let closing = self.sums.get(code).map_or(0, Sums::closing);
            assert_eq!(self.books.closing(code).await, closing, "{code} on {on}");
        }
        self.past.push((first, next - Duration::days(1), self.sums.clone()));
        self.sums = self.sums.iter().map(|(code, sums)| (code.clone(), Sums { opening: sums.closing(), ..Sums::default() })).collect();
        world.clock.advance(ends - world.clock.now() + Duration::hours(1));
    }
}

fn size() -> (usize, u32) {
    let named = std::env::var("LIANDAN_PLANT").ok();
    let named =
        named.as_deref().and_then(|text| text.split_once('x')).map(|(wastes, containers)| (wastes.parse().unwrap(), containers.parse().unwrap()));
    named.unwrap_or((CODES.len(), 120))
}

#[actix_web::test]
async fn a_year_of_a_plant_balances_to_the_gram_at_every_month_end() {
    let world = World::new().await;
    let unit = world.unit("演示·年度工厂", JINZHOU, &["clerk"]).await;
    let site = site(&world, &unit, "一号厂区").await;
    let (wastes_count, containers) = size();
    let books = Books::of(&world, &unit.admin, unit.who("clerk"), site).await;
    let mut year = Year::new(books, wastes(wastes_count), containers).await;
    for _ in 0..MONTHS {
        year.month(&world, containers / 3).await;
    }
    // What was right at a month's end is right for ever.
    for (from, on, sums) in &year.past {
        year.agrees(*from, *on, sums).await;
    }
    let breaks = year.books.breaks().await;
    assert!(breaks.iter().all(|one| one["kind"] != "late_entry" && one["kind"] != "counted_short"), "{breaks:#?}");
}

#[actix_web::test]
async fn each_planted_fault_is_named_by_what_it_broke() {
    let world = World::new().await;
    let district = District::new(&world).await;
    let plant = &district.plant;
    let books = Books::of(&world, &plant.admin, plant.who("clerk"), district.plant_site).await;
    let drums = books.containers(6, true).await;
    let mut codes = Vec::new();
    for drum in &drums {
        codes.push(books.fill(*drum, 200_000).await);
    }
    assert_eq!(kinds(&books.breaks().await), [] as [&str; 0]);

    // A container counted twice: refused, with the entry that has it.
    let twice = books.record("generated", json!({ "containers": [{ "container_id": drums[0], "mass_g": 200_000 }] })).await;
    let problem = twice.refused(409, "counted-twice");
    let detail = text(&problem["detail"]);
    assert!(detail.contains(&codes[0]) && detail.contains("HWCS20261123001"), "{detail}");

    // A leak of 3 %, found by a count: the batch, the drum and the grams.
    books.done("counted", json!({ "containers": [{ "filling": codes[1], "mass_g": 194_000 }] })).await;
    let breaks = books.breaks().await;
    assert_eq!((kinds(&breaks), &breaks[0]["filling"], &breaks[0]["mass_g"]), (vec!["counted_short"], &json!(codes[1]), &json!(6_000)));

    // A leak of 3 %, found by the scale at the gate.
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let load =
        json!({ "lines": [{ "line": 1, "released_g": 194_000, "basis": "containers", "containers": [{ "code": codes[2], "mass_g": 194_000 }] }] });
    manifest.act(&world, plant.who("signatory"), "release", load).await.ok();
    let breaks = of_kind(&books, "released_less_than_content").await;
    assert_eq!((&breaks[0]["filling"], &breaks[0]["mass_g"], id(&breaks[0]["manifest_id"])), (&json!(codes[2]), &json!(6_000), manifest.id));

    // A wrong code: refused where the label speaks against it, named where a count finds it.
    let wrong = json!({ "code": ACID, "containers": [{ "filling": codes[3] }], "facility_id": books.store });
    let problem = books.record("stored", wrong).await.refused(422, "filling-of-other-code");
    assert!(text(&problem["detail"]).contains(&codes[3]), "{problem}");
    let mut other: Manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut other, "assigned").await;
    books.done("counted", json!({ "code": ACID, "containers": [{ "filling": codes[3], "mass_g": 200_000 }] })).await;
    let breaks = of_kind(&books, "wrong_code").await;
    assert_eq!((&breaks[0]["filling"], &breaks[0]["code"], &breaks[0]["instead"]), (&json!(codes[3]), &json!(OIL), &json!(ACID)));

    // A late entry: the entry, with its two days.
    books.done("generated", json!({ "mass_g": 1_000, "happened_at": "2026-11-10T02:00:00Z" })).await;
    let breaks = of_kind(&books, "late_entry").await;
    assert_eq!(
        (&breaks[0]["batch"], &breaks[0]["on"], &breaks[0]["instead"]),
        (&json!("HWCS20261110001"), &json!("2026-11-10"), &json!("2026-11-23"))
    );

    // Each is named once, and nothing else is.
    assert_eq!(kinds(&books.breaks().await), ["counted_short", "late_entry", "released_less_than_content", "wrong_code"]);
    assert_eq!(books.closing(OIL).await, 6 * 200_000 - 6_000 - 200_000 + 1_000);
}

async fn of_kind(books: &Books<'_>, kind: &str) -> Vec<Value> {
    books.breaks().await.into_iter().filter(|one| one["kind"] == kind).collect()
}
