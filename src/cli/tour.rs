//! `liandan demo tour`: one manifest over HTTP, played as each of its people in turn. Each step says what it expects, and
//! the tour fails where something else comes.

use std::net::SocketAddr;
use std::path::PathBuf;

use chrono::{Datelike, Duration};
use clap::Args;
use serde_json::{Value, json};

use super::Failure;
use super::demo::{self, PASSWORD_FILE, data_dir};
use crate::evidence::{Evidence, KeySet, Verdict, verify};
use crate::platform::calendar::legal_day;
use crate::platform::clock::Clock;

/// A code of the works' licence that is in nobody's plan here.
const OUTSIDE_PLAN: &str = "900-217-08";
const CODE: &str = "900-249-08";
const GRAMS: i64 = 1_250_000;
const WRONG_PLATE: &str = "辽B99999";
const PLATE: &str = "辽BA1001";

/// Options of `demo tour`.
#[derive(Args, Debug)]
pub struct Options {
    /// The running demonstration. Without it: the one on port 8080, or one that is started for the time of the tour.
    #[arg(long)]
    url: Option<String>,
    /// Password of all accounts; read from the data folder without it.
    #[arg(long, env = "LIANDAN_DEMO_PASSWORD")]
    password: Option<String>,
    /// Data folder of the demonstration.
    #[arg(long, env = "LIANDAN_DATA")]
    data: Option<PathBuf>,
    /// Language of the sentences: zh-CN or en.
    #[arg(long, default_value = "zh-CN")]
    lang: String,
}

/// Plays the tour.
///
/// # Errors
/// The first step that was not answered as expected.
pub fn run(options: &Options) -> Result<(), Failure> {
    let url = options.url.as_deref().unwrap_or("http://127.0.0.1:8080").trim_end_matches('/').to_owned();
    let answers = actix_web::rt::System::new().block_on(async { reqwest::get(format!("{url}/health/live")).await.is_ok() });
    if answers {
        let password = match &options.password {
            Some(password) => password.clone(),
            None => {
                let path = data_dir(options.data.as_ref()).join(PASSWORD_FILE);
                std::fs::read_to_string(&path)
                    .map_err(|error| Failure::new(format!("{}: {error}; give --password or --data of the running demo", path.display())))?
            }
        };
        return actix_web::rt::System::new().block_on(tour(&url, password.trim(), &options.lang));
    }
    let listen: SocketAddr = url
        .strip_prefix("http://")
        .and_then(|rest| rest.parse().ok())
        // Who names an address wants what runs there: a slip of the pen must not make a district.
        .filter(|address: &SocketAddr| options.url.is_none() && address.ip().is_loopback())
        .ok_or_else(|| Failure::new(format!("nothing answers at {url}")))?;
    println!("nothing answers at {url}: starting the demo there for the time of the tour");
    demo::with_demo(&demo::Options::at(listen, options.data.clone()), async |up: &demo::Up| {
        tour(&format!("http://{}", up.running.address), &up.password, &options.lang).await
    })
}

struct Person {
    login: &'static str,
    token: String,
    unit: Value,
    user: Value,
}

struct Tour<'a> {
    client: reqwest::Client,
    url: &'a str,
    password: &'a str,
    lang: &'a str,
    keys: u32,
    run: String,
    manifest: String,
    version: i64,
}

impl Tour<'_> {
    async fn request(&self, request: reqwest::RequestBuilder) -> Result<(u16, Value), Failure> {
        let response = request.header("Accept-Language", self.lang).send().await?;
        Ok((response.status().as_u16(), response.json().await.unwrap_or_default()))
    }

    async fn log_in(&self, login: &'static str) -> Result<Person, Failure> {
        let body = json!({ "login": login, "password": self.password });
        let (status, session) = self.request(self.client.post(format!("{}/api/v1/sessions", self.url)).json(&body)).await?;
        let token = session["access_token"].as_str().unwrap_or_default().to_owned();
        expect(login, status, 200, &session)?;
        let (_, me) = self.request(self.client.get(format!("{}/api/v1/me", self.url)).bearer_auth(&token)).await?;
        println!("\n● {login}  {} · {}", text(&me["name"]), text(&me["unit_name"]));
        Ok(Person { login, token, unit: me["unit_id"].clone(), user: me["user_id"].clone() })
    }

    async fn read(&self, person: &Person, path: &str) -> Result<Value, Failure> {
        let (status, answer) = self.request(self.client.get(format!("{}{path}", self.url)).bearer_auth(&person.token)).await?;
        println!("  GET  {path} → {status}");
        expect(path, status, 200, &answer)?;
        Ok(answer)
    }

    /// Acts, prints request and answer in short, and compares the status.
    async fn act(&mut self, person: &Person, path: &str, seen: bool, body: Value, expected: u16) -> Result<Value, Failure> {
        self.keys += 1;
        let mut request = self
            .client
            .post(format!("{}{path}", self.url))
            .bearer_auth(&person.token)
            .header("Idempotency-Key", format!("tour-{}-{}", self.run, self.keys))
            .json(&body);
        if seen {
            request = request.header("If-Match", format!("\"{}\"", self.version));
        }
        let (status, answer) = self.request(request).await?;
        println!("  POST {path} → {status}");
        println!("       {}", short(&body));
        for line in sentences(&answer, self.lang) {
            println!("       {line}");
        }
        expect(&format!("{} POST {path}", person.login), status, expected, &answer)?;
        let done = answer["done"].as_array().into_iter().flatten().filter(|done| done["subject_id"].as_str() == Some(&self.manifest));
        if let Some(version) = done.filter_map(|done| done["version"].as_i64()).next_back() {
            self.version = version;
        }
        Ok(answer)
    }

    async fn step(&mut self, person: &Person, act: &str, body: Value, expected: u16) -> Result<Value, Failure> {
        let path = format!("/api/v1/manifests/{}/{act}", self.manifest);
        self.act(person, &path, true, body, expected).await
    }
}

async fn tour(url: &str, password: &str, lang: &str) -> Result<(), Failure> {
    let clock = Clock::system();
    let today = legal_day(clock.now());
    let client = reqwest::Client::new();
    let run = clock.new_id().to_string();
    let mut tour = Tour { client, url, password, lang, keys: 0, run, manifest: String::new(), version: 0 };
    println!("One manifest from hand to hand, over {url}");

    let clerk = tour.log_in("g01-clerk").await?;
    let signatory = tour.log_in("r02-signatory").await?;
    let flows = tour.read(&clerk, "/api/v1/plan_flows?limit=500").await?;
    let flow = flows["items"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|flow| flow["code"] == CODE && flow["receiver_id"] == signatory.unit && flow["year"] == today.year())
        .cloned()
        .ok_or_else(|| Failure::new(format!("g01 has no flow of {CODE} to r02 in the plan of {}; make the demo anew with --reset", today.year())))?;
    let dispatcher = tour.log_in("c01-dispatcher").await?;
    let driver = tour.log_in("c01-driver1").await?;

    println!("\n● {}  files the manifest: first with a code that is not in the plan", clerk.login);
    let mut body = json!({
        "consignor_site_id": flow["site_id"], "receiver_site_id": flow["receiver_site_id"], "carrier_id": dispatcher.unit, "hirer": "consignor",
        "lines": [{ "waste_code": OUTSIDE_PLAN, "harmful": "石油烃", "form": "liquid", "packaging": "200 L 铁桶", "packages": 6,
            "declared_g": { "v": "1.25", "u": "t" }, "method": "R9" }],
        "planned_departure_on": today, "planned_receipt_on": today + Duration::days(1), "emergency_measures": "吸附棉围堵，报告 12369",
    });
    let refusal = tour.act(&clerk, "/api/v1/manifests:issue", false, body.clone(), 422).await?;
    must(refusal["type"] == "/problems/plan-flow-missing", "the refusal is not about the plan")?;
    must(refusal["legal"].as_array().is_some_and(|legal| !legal.is_empty()), "the refusal names no article")?;
    must(refusal["help"][0]["body"].is_object(), "the refusal brings no help")?;
    body["lines"][0]["waste_code"] = json!(CODE);
    let issued = tour.act(&clerk, "/api/v1/manifests:issue", false, body, 201).await?;
    tour.manifest = text(&issued["done"][0]["subject_id"]);
    tour.version = issued["done"][0]["version"].as_i64().unwrap_or_default();

    println!("\n● {}  names lorry, driver and escort", dispatcher.login);
    let vehicles = tour.read(&dispatcher, "/api/v1/vehicles?limit=50").await?;
    must(vehicles["items"].as_array().is_some_and(|all| all.iter().any(|one| one["plate"] == PLATE)), "c01 has no lorry of that plate")?;
    let trip = json!({ "plate": PLATE, "driver_id": driver.user, "escort_name": crate::demo::escort(0, 0), "waybill_no": "YD-TOUR" });
    let assigned = tour.step(&dispatcher, "assign", json!({ "trip": trip }), 200).await?;
    let trip = text(&assigned["done"][0]["result"]["facts"]["trip_id"]);

    let consignor = tour.log_in("g01-signatory").await?;
    let line = json!({ "line": 1, "released_g": GRAMS, "basis": "scale", "containers": [{ "code": "TOUR-1", "mass_g": GRAMS }] });
    tour.step(&consignor, "release", json!({ "lines": [line] }), 200).await?;

    println!("\n● {}  stands before another lorry than the one named", driver.login);
    let refusal = tour.step(&driver, "take_over", json!({ "plate": WRONG_PLATE }), 422).await?;
    must(refusal["type"] == "/problems/plate-differs", "the refusal is not about the plate")?;
    tour.step(&driver, "take_over", json!({ "plate": PLATE }), 200).await?;
    tour.step(&driver, "arrive", json!({ "plate": PLATE }), 200).await?;

    let weigher = tour.log_in("r02-weigher").await?;
    let weighing = json!({ "gross_g": { "v": "10.245", "u": "t" }, "tare_g": { "v": "9", "u": "t" }, "side": "receipt", "scale": "1 号地磅" });
    tour.act(&weigher, &format!("/api/v1/trips/{trip}/weigh"), false, weighing, 200).await?;
    tour.step(&weigher, "receive", json!({ "containers_seen": ["TOUR-1"] }), 200).await?;

    println!("\n● {}  accepts all of it", signatory.login);
    tour.step(&signatory, "confirm", json!({}), 200).await?;

    let treater = tour.log_in("r02-clerk").await?;
    let treatment = json!({ "line": 1, "method": "R9", "treated_g": { "v": "1.245", "u": "t" }, "batch": "P-TOUR" });
    let treated = tour.step(&treater, "record_treatment", treatment, 200).await?;
    must(treated["done"][0]["result"]["state"] == "treated", "the manifest is not treated")?;

    println!("\n● {}  looks what became of it", consignor.login);
    let document = tour.read(&consignor, &format!("/api/v1/manifests/{}", tour.manifest)).await?;
    println!("       {} · {} · accepted {} g", text(&document["number"]), text(&document["state"]), document["accepted_g"]);
    must(document["state"] == "treated" && document["accepted_g"] == 1_245_000, "the consignor sees something else")?;

    let officer = tour.log_in("jinpu-viewer").await?;
    let document = tour.read(&officer, &format!("/api/v1/manifests/{}", tour.manifest)).await?;
    must(document["state"] == "treated", "the officer sees something else")?;

    let path = format!("/api/v1/manifests/{}/evidence", tour.manifest);
    let evidence: Evidence = serde_json::from_value(tour.read(&officer, &path).await?)?;
    let (_, keys) = tour.request(tour.client.get(format!("{url}/.well-known/liandan-keys"))).await?;
    let verdict = verify(&evidence, Some(&KeySet::parse(&keys)));
    let events: usize = evidence.chains.iter().map(|chain| chain.events.len()).sum();
    println!("       {events} events, {} sealed parts: {verdict:?}", evidence.parts.len());
    must(verdict == Verdict::Valid, "the evidence does not verify")?;
    println!("\nDone: every step came as expected, two refusals included.");
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// A body in one line of bearable length.
fn short(body: &Value) -> String {
    let text = body.to_string();
    if text.chars().count() <= 160 { text } else { text.chars().take(157).chain("…".chars()).collect() }
}

/// What an answer says to a person.
fn sentences(answer: &Value, lang: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for done in answer["done"].as_array().into_iter().flatten() {
        let result = &done["result"];
        let number = result["number"].as_str().map(|number| format!(" · number {number}")).unwrap_or_default();
        let state = result["state"].as_str().map(|state| format!(" → {state}")).unwrap_or_default();
        lines.push(format!("✓ {}{state}{number}", text(&done["act"])));
    }
    for warning in answer["warnings"].as_array().into_iter().flatten() {
        lines.push(format!("! {} {}", text(&warning["code"]), text(&warning["message"][if lang.starts_with("en") { "en" } else { "zh-CN" }])));
    }
    if answer["type"].is_string() {
        lines.push(format!("✗ {}", text(&answer["title"])));
        for error in answer["errors"].as_array().into_iter().flatten() {
            lines.push(format!("  {} {}", text(&error["pointer"]), text(&error["message"])));
        }
        for legal in answer["legal"].as_array().into_iter().flatten() {
            lines.push(format!("  law: {}/{}", text(&legal["law"]), text(&legal["article"])));
        }
        for help in answer["help"].as_array().into_iter().flatten() {
            lines.push(format!("  help: {} {} {}", text(&help["method"]), text(&help["path"]), short(&help["body"])));
        }
    }
    lines
}

fn must(holds: bool, otherwise: &str) -> Result<(), Failure> {
    if holds { Ok(()) } else { Err(Failure::new(format!("the tour stopped: {otherwise}"))) }
}

fn expect(what: &str, status: u16, expected: u16, answer: &Value) -> Result<(), Failure> {
    must(status == expected, &format!("{what}: {expected} expected, {status} came: {answer}"))
}
