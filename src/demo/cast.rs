//! Who lives in the district: units, people, papers. Every name is invented and begins with 演示; every code of a unit has
//! a right check digit over a number that no authority gives.

use chrono::{Datelike, Duration, NaiveDate};
use serde_json::{Value, json};

use super::random::Random;
use super::script::{Script, at};
use crate::identity::Uscc;
use crate::platform::calendar::legal_day;

/// Days before the first manifest in which papers are brought in order.
const SETTING_UP_DAYS: i64 = 12;
/// Units of each kind.
const GENERATORS: usize = 40;
const CARRIERS: usize = 8;
/// Receivers, the last of which lies in another province.
const RECEIVERS: usize = 11;
const DRIVERS: usize = 2;
const TRUCKS: usize = 3;

/// A kind of waste with those who take it.
#[derive(Debug)]
pub struct Stream {
    /// 废物代码.
    pub code: &'static str,
    /// 有害成分.
    pub harmful: &'static str,
    /// 形态.
    pub form: &'static str,
    /// 包装.
    pub packaging: &'static str,
    /// 利用处置方式.
    pub method: &'static str,
    /// Receivers licensed for it, by number.
    pub takers: &'static [usize],
}

macro_rules! streams { ($($code:literal $harmful:literal $form:literal $packaging:literal $method:literal $takers:expr;)*) => {
    /// The wastes of the district.
    pub const STREAMS: &[Stream] = &[$(Stream { code: $code, harmful: $harmful, form: $form, packaging: $packaging, method: $method, takers: &$takers }),*];
} }
streams! {
    "900-249-08" "石油烃" "liquid" "200 L 铁桶" "R9" [1, 2];
    "900-214-08" "石油烃、重金属" "liquid" "200 L 铁桶" "R9" [1, 2];
    "900-041-49" "有机物、重金属" "solid" "吨袋" "D10" [0, 3];
    "900-047-49" "酸、碱、有机溶剂" "liquid" "25 L 塑料桶" "D10" [0, 3];
    "900-402-06" "苯系物" "liquid" "200 L 铁桶" "R2" [4, 5];
    "900-404-06" "丙酮、乙酸乙酯" "liquid" "IBC 吨桶" "R2" [4, 5];
    "900-252-12" "甲苯、二甲苯" "semi_solid" "200 L 铁桶" "D10" [0, 3];
    "900-299-12" "有机溶剂" "semi_solid" "200 L 铁桶" "D10" [0, 3];
    "336-064-17" "镍、铬、石油烃" "semi_solid" "吨袋" "D9" [6, 7];
    "336-054-17" "镍" "semi_solid" "吨袋" "R4" [6, 7];
    "900-300-34" "硫酸、盐酸" "liquid" "IBC 吨桶" "R6" [8];
    "900-352-35" "氢氧化钠" "liquid" "IBC 吨桶" "D9" [8];
    "900-052-31" "铅、硫酸" "solid" "耐酸托盘箱" "R4" [9];
    "900-039-49" "挥发性有机物" "solid" "吨袋" "D10" [0, 3, 10];
    "900-014-13" "树脂、有机溶剂" "semi_solid" "200 L 铁桶" "D10" [0, 3, 10];
}

/// What receivers are licensed for: name, categories, methods, yearly scale in tonnes.
const WORKS: [(&str, &[&str], &[&str], i64); RECEIVERS] = [
    ("综合处置中心", &["HW06", "HW08", "HW12", "HW13", "HW49"], &["D10"], 60_000),
    ("废油再生", &["HW08"], &["R9"], 20_000),
    ("矿物油循环利用", &["HW08"], &["R9"], 15_000),
    ("焚烧发电环保", &["HW12", "HW13", "HW49"], &["D10"], 45_000),
    ("溶剂回收", &["HW06"], &["R2"], 12_000),
    ("精馏再生", &["HW06"], &["R2"], 8_000),
    ("表面处理废物利用", &["HW17"], &["R4", "D9"], 18_000),
    ("重金属污泥处置", &["HW17"], &["R4", "D9"], 10_000),
    ("酸碱资源化", &["HW34", "HW35"], &["R6", "D9"], 16_000),
    ("铅资源再生", &["HW31"], &["R4"], 25_000),
    ("胶州湾环境科技", &["HW13", "HW49"], &["D10"], 30_000),
];

const PLACES: [&str; 8] = ["海岚", "云澜", "松屿", "北辰", "望海", "金石", "湾里", "临港"];
const TRADES: [&str; 10] = ["精细化工", "汽车零部件", "电镀", "船舶修造", "涂料", "制药", "印刷", "电子", "机床", "轴承"];
const SURNAMES: [&str; 12] = ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"];
const GIVEN: [&str; 12] = ["伟", "敏", "静", "磊", "洋", "艳", "勇", "杰", "娟", "涛", "明", "霞"];
const LEAVES: [&str; 10] = ["210213", "210213", "210213", "210213", "210213", "210213", "210213", "210211", "210212", "210281"];
/// Of the receiver in another province.
const OTHER_PROVINCE: &str = "370211";

/// A generator's way to a receiver.
#[derive(Debug, Clone, Copy)]
pub struct Way {
    /// Index in [`STREAMS`].
    pub stream: usize,
    /// Receiver.
    pub receiver: usize,
}

/// A generator of the cast.
#[derive(Debug)]
pub struct Generator {
    /// Where it lies.
    pub division: &'static str,
    /// What it may move where.
    pub ways: Vec<Way>,
}

/// The cast: what stories need to know of it. Names of units: `g01`, `c01`, `r01`.
#[derive(Debug)]
pub struct Cast {
    /// Generators.
    pub generators: Vec<Generator>,
    /// First day of manifests.
    pub first_day: NaiveDate,
    /// The day the world is seen from; everything lies before it.
    pub as_of: NaiveDate,
}

/// Name of a generator, from 0.
#[must_use]
pub fn g(index: usize) -> String {
    format!("g{:02}", index + 1)
}
/// Name of a carrier, from 0.
#[must_use]
pub fn c(index: usize) -> String {
    format!("c{:02}", index + 1)
}
/// Name of a receiver, from 0.
#[must_use]
pub fn r(index: usize) -> String {
    format!("r{:02}", index + 1)
}

/// How many carriers there are; the stories choose among them.
#[must_use]
pub const fn carriers() -> usize {
    CARRIERS
}

/// A truck's plate.
#[must_use]
pub fn plate(carrier: usize, truck: usize) -> String {
    format!("辽B{}{:04}", ["A", "B", "D", "E", "F", "G", "H", "J"][carrier % 8], 1_001 + truck * 111)
}

/// An escort's name, the same on his certificate and on the trip.
#[must_use]
pub fn escort(carrier: usize, number: usize) -> String {
    format!("{}{}", SURNAMES[(carrier * 3 + number) % 12], GIVEN[(carrier + number * 5) % 12])
}

/// The authority that sees a division.
fn officer_of(division: &str) -> &'static str {
    match division {
        "210213" => "jinpu",
        OTHER_PROVINCE => "qingdao",
        _ => "dalian",
    }
}

/// Code of the n-th unit: eight zeros in a row stand where an authority puts a unit's own number.
fn uscc(number: usize) -> String {
    Uscc::from_stem(&format!("91210213{number:09}")).map(|uscc| uscc.to_string()).unwrap_or_default()
}

struct Making<'s> {
    script: &'s mut Script,
    day: NaiveDate,
    minute: i64,
    units: usize,
    people: usize,
    random: Random,
}

impl Making<'_> {
    fn now(&mut self) -> chrono::DateTime<chrono::Utc> {
        self.minute += 1;
        at(self.day, 8, 0) + Duration::seconds(self.minute * 20)
    }

    fn name_of_person(&mut self) -> String {
        self.people += 1;
        let (surname, given, second) = (*self.random.one(&SURNAMES), *self.random.one(&GIVEN), *self.random.one(&["", "", "晓", "文", "志"]));
        format!("{surname}{second}{given}")
    }

    fn unit_body(&mut self, name: &str, division: &str) -> Value {
        self.units += 1;
        let (number, house) = (self.units, self.random.from(1, 99));
        json!({
            "uscc": uscc(number), "name": format!("演示·{name}"), "division": division, "address": format!("演示路 {house} 号"),
            "contact_phone": format!("0411-0000{number:04}"),
        })
    }

    fn person(&mut self, unit: &str, login: &str, roles: &[&str]) {
        let (now, name) = (self.now(), self.name_of_person());
        let body = json!({ "person": { "login": login, "name": name }, "roles": roles });
        self.script.make(now, &format!("{unit}-admin"), "/users", body, vec![("/done/0/result/user_id", format!("user:{login}"))]);
    }

    /// Registers and has it verified.
    fn enterprise(&mut self, unit: &str, name: &str, division: &str, people: &[(&str, &str)]) {
        let (now, admin, body) = (self.now(), self.name_of_person(), self.unit_body(name, division));
        let login = format!("{unit}-admin");
        let body = json!({ "unit": body, "person": { "login": login, "name": admin }, "password": "$password" });
        let binds = vec![("/done/0/subject_id", format!("unit:{unit}")), ("/done/0/result/user_id", format!("user:{login}"))];
        self.script.make(now, "", "/registrations", body, binds);
        let now = self.now();
        self.script.act(now, &format!("{}-inspector", officer_of(division)), "units", &format!("unit:{unit}"), "verify", json!({}));
        for (suffix, role) in people {
            self.person(unit, &format!("{unit}-{suffix}"), &[role]);
        }
    }

    fn site(&mut self, unit: &str, name: &str, division: &str, yearly_t: i64) {
        let (now, lon, lat) = (self.now(), self.random.from(0, 3_000_000), self.random.from(0, 2_000_000));
        // The last full year of the day on which it is recorded: the setting-up may lie in the year before the first story.
        let last_year = legal_day(now).year() - 1;
        let yearly: Vec<Value> = (0..3).map(|back| json!({ "year": last_year - back, "g": (yearly_t - i64::from(back)) * 1_000_000 })).collect();
        let body = json!({
            "name": name, "division": division, "address": format!("演示工业园 {} 号", self.units), "lon_e7": 1_217_000_000 + lon, "lat_e7": 390_000_000 + lat,
            "permit_no": format!("DEMO-PWXK-{unit}"), "eia_no": format!("演示环评〔2020〕{} 号", self.units), "yearly": yearly,
        });
        self.script.make(now, &format!("{unit}-admin"), "/sites", body, vec![("/done/0/subject_id", format!("site:{unit}"))]);
    }

    fn record(&mut self, unit: &str, path: &str, body: Value) {
        let now = self.now();
        self.script.make(now, &format!("{unit}-admin"), path, body, Vec::new());
    }
}

/// Writes the setting-up into the script and gives the cast.
#[must_use]
pub fn set_up(script: &mut Script, seed: u64, as_of: NaiveDate, days: i64) -> Cast {
    let first_day = as_of - Duration::days(days);
    let mut making = Making { script, day: first_day - Duration::days(SETTING_UP_DAYS), minute: 0, units: 1, people: 0, random: Random::of(seed, 0) };
    // What is planned may depart after the day that the world is seen from, in a new year too.
    let mut years = vec![first_day.year(), (as_of + Duration::days(30)).year()];
    years.dedup();
    authorities(&mut making);
    receivers(&mut making, &years);
    let valid_to = as_of + Duration::days(400);
    carriers_with_papers(&mut making, valid_to);
    let external = making.unit_body("省外物流（系统外）", "210100");
    let now = making.now();
    making.script.make(now, "c01-dispatcher", "/units:external", external, vec![("/done/0/subject_id", "unit:x01".to_owned())]);
    let generators = (0..GENERATORS).map(|index| generator(&mut making, index, &years, as_of)).collect();
    Cast { generators, first_day, as_of }
}

fn authorities(making: &mut Making<'_>) {
    for (name, title, division, node) in [
        ("jinpu", "金普新区生态环境分局", "210213", "JINPU"),
        ("dalian", "大连市生态环境局", "210202", "210200"),
        ("qingdao", "青岛市生态环境局", "370202", "370200"),
    ] {
        let (now, chief, body) = (making.now(), making.name_of_person(), making.unit_body(title, division));
        let login = format!("{name}-admin");
        let body = json!({ "unit": body, "divisions": [node], "person": { "login": login, "name": chief } });
        let binds = vec![("/done/0/subject_id", format!("unit:{name}")), ("/done/0/result/user_id", format!("user:{login}"))];
        making.script.make(now, "platform", "/authorities", body, binds);
        for role in ["viewer", "inspector", "manager"] {
            making.person(name, &format!("{name}-{role}"), &[role]);
        }
    }
}

fn receivers(making: &mut Making<'_>, years: &[i32]) {
    for (index, (name, categories, methods, scale_t)) in WORKS.iter().enumerate() {
        let unit = r(index);
        let division = if index + 1 == RECEIVERS { OTHER_PROVINCE } else { LEAVES[index % LEAVES.len()] };
        let place = PLACES[index % PLACES.len()];
        let people = [("clerk", "clerk"), ("signatory", "signatory"), ("weigher", "weigher")];
        making.enterprise(&unit, &format!("{place}{name}有限公司"), division, &people);
        // One who weighs and signs, for the gate in one call.
        making.person(&unit, &format!("{unit}-gate"), &["weigher", "signatory"]);
        making.site(&unit, "处置场", division, 50);
        let lines: Vec<Value> = categories
            .iter()
            .map(|category| json!({ "categories": [category], "methods": methods, "year_g": scale_t * 1_000_000 / i64::try_from(categories.len()).unwrap_or(1) }))
            .collect();
        let (from, to) = (format!("{}-01-01", years[0] - 1), format!("{}-12-31", years[0] + 3));
        let body = json!({
            "site_id": format!("$site:{unit}"), "number": format!("DEMO{:06}", index + 1), "kind": "comprehensive", "issuer": "演示省生态环境厅",
            "issued_on": from, "valid_from": from, "valid_to": to, "lines": lines,
        });
        let now = making.now();
        making.script.make(now, &format!("{unit}-admin"), "/licences", body, vec![("/done/0/subject_id", format!("licence:{unit}"))]);
        let now = making.now();
        making.script.act(now, &format!("{}-inspector", officer_of(division)), "licences", &format!("licence:{unit}"), "verify", json!({}));
    }
}

fn carriers_with_papers(making: &mut Making<'_>, valid_to: NaiveDate) {
    let classes = ["3", "6.1", "8", "9"];
    for index in 0..CARRIERS {
        let unit = c(index);
        let people = [("dispatcher", "dispatcher"), ("driver1", "driver"), ("driver2", "driver")];
        making.enterprise(&unit, &format!("{}危货运输有限公司", PLACES[index % 8]), "210213", &people);
        let body = json!({ "number": format!("演示交运管许可 {index} 号"), "classes": classes, "is_dangerous_goods": true, "valid_to": valid_to });
        making.record(&unit, "/carrier_permits", body);
        for truck in 0..TRUCKS {
            let body = json!({
                "plate": plate(index, truck), "kind": "truck", "permit_no": format!("演示运证 {index}-{truck}"), "permit_classes": classes,
                "permit_valid_to": valid_to, "rated_load_g": 15_000_000, "gb19217": false,
            });
            making.record(&unit, "/vehicles", body);
        }
        for number in 0..DRIVERS {
            let driver = json!({
                "user_id": format!("$user:{unit}-driver{}", number + 1), "kind": "driver", "number": format!("DEMO-J{index}{number}"), "classes": classes,
                "valid_to": valid_to,
            });
            making.record(&unit, "/certificates", driver);
            let escort = json!({
                "name": escort(index, number), "kind": "escort", "number": format!("DEMO-Y{index}{number}"), "classes": classes, "valid_to": valid_to,
            });
            making.record(&unit, "/certificates", escort);
        }
    }
}

fn generator(making: &mut Making<'_>, index: usize, years: &[i32], as_of: NaiveDate) -> Generator {
    let (unit, division) = (g(index), LEAVES[index % LEAVES.len()]);
    let (place, trade) = (PLACES[(index / 5) % 8], TRADES[(index + index / 10) % 10]);
    making.enterprise(&unit, &format!("{place}{trade}有限公司"), division, &[("clerk", "clerk"), ("signatory", "signatory"), ("weigher", "weigher")]);
    let yearly_t = making.random.from(8, 300);
    making.site(&unit, "一号厂区", division, yearly_t);
    let mut ways = Vec::new();
    // Neighbouring streams, so that some generator has two that go to the same works.
    for step in 0..3 {
        let stream = (index * 2 + step) % STREAMS.len();
        let takers = STREAMS[stream].takers;
        let first = takers[(index + step) % takers.len()];
        for taker in [first, takers[(index + step + 1) % takers.len()]] {
            if !ways.iter().any(|way: &Way| way.stream == stream && way.receiver == taker) {
                ways.push(Way { stream, receiver: taker });
            }
        }
    }
    let mut partners: Vec<usize> = ways.iter().map(|way| way.receiver).collect();
    partners.sort_unstable();
    partners.dedup();
    for receiver in partners {
        let body = json!({
            "consignor_id": format!("$unit:{unit}"), "other_id": format!("$unit:{}", r(receiver)), "number": format!("演示合同 {unit}-{}", r(receiver)),
            "from_on": format!("{}-01-01", years[0]), "until_on": as_of + Duration::days(400),
        });
        making.record(&unit, "/contracts", body);
    }
    for way in &ways {
        let stream = &STREAMS[way.stream];
        for year in years {
            let body = json!({
                "site_id": format!("$site:{unit}"), "year": year, "code": stream.code, "receiver_id": format!("$unit:{}", r(way.receiver)),
                "receiver_site_id": format!("$site:{}", r(way.receiver)), "method": stream.method, "planned_g": 400_000_000,
                "filing_no": format!("演示备案 {year}-{unit}"),
            });
            making.record(&unit, "/plan_flows", body);
        }
        if way.receiver + 1 == RECEIVERS {
            let body = json!({
                "site_id": format!("$site:{unit}"), "receiver_id": format!("$unit:{}", r(way.receiver)), "code": stream.code, "method": stream.method,
                "approved_g": 200_000_000, "decision_no": format!("演示跨省批〔{}〕{unit}-{}", years[0], way.stream), "decided_on": making.day,
                "applied_until": as_of + Duration::days(200), "licence_valid_to": format!("{}-12-31", years[0] + 3),
            });
            let (now, approval) = (making.now(), format!("approval:{unit}-{}", way.stream));
            making.script.make(now, &format!("{unit}-admin"), "/approvals", body, vec![("/done/0/subject_id", approval.clone())]);
            let now = making.now();
            making.script.act(now, &format!("{}-inspector", officer_of(division)), "approvals", &approval, "verify", json!({}));
        }
    }
    Generator { division, ways }
}
