//! The district that measurements run in: consignors in four prefectures, receivers, one carrier; all of it made through
//! the API, as its users would.

use std::net::SocketAddr;
use std::time::Duration;

use chrono::Datelike;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::Failure;
use super::http::{Client, Reply, get, post};
use super::server::ADMIN;
use crate::identity::Uscc;
use crate::platform::calendar::legal_day;
use crate::platform::clock::Clock;

/// The waste that is moved: 废矿物油.
const OIL: &str = "900-249-08";
const PLATE: &str = "辽B12345";
const ESCORT: &str = "押运员甲";
/// How many consignors there are.
pub const COUNTIES_COUNT: usize = 4;
/// One consignor in a county of each: Dalian, Shenyang, Anshan, Fushun.
const COUNTIES: [&str; COUNTIES_COUNT] = ["210213", "210102", "210302", "210402"];

/// Somebody with an account.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    /// Log-in name.
    pub login: String,
    /// Password.
    pub password: String,
}

/// A unit with one site and somebody who may do everything for it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Party {
    /// Unit.
    pub id: Uuid,
    /// Its site.
    pub site: Uuid,
    /// Administrator, clerk and signatory.
    pub account: Account,
}

/// Everybody.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct District {
    /// Officers of the first county.
    pub officer: Account,
    /// One in each prefecture.
    pub consignors: Vec<Party>,
    /// Licensed for the oil.
    pub receivers: Vec<Party>,
    /// The weigher of each receiver, in the same order.
    pub weighers: Vec<Account>,
    /// The carrier.
    pub carrier: Uuid,
    /// Who names vehicle and crew.
    pub dispatcher: Account,
    /// Who drives.
    pub driver: Account,
    /// The driver's user.
    pub driver_id: Uuid,
}

/// Tokens of everybody, good for a quarter of an hour.
#[derive(Debug, Clone, Default)]
pub struct Tokens {
    /// Of the officer.
    pub officer: String,
    /// Of the consignors.
    pub consignors: Vec<String>,
    /// Of the receivers' signatories.
    pub receivers: Vec<String>,
    /// Of the weighers.
    pub weighers: Vec<String>,
    /// Of the dispatcher.
    pub dispatcher: String,
    /// Of the driver.
    pub driver: String,
}

impl Tokens {
    /// Of a consignor.
    #[must_use]
    pub fn consignor(&self, index: usize) -> &str {
        self.consignors.get(index).map_or("", String::as_str)
    }
    /// Of a receiver's signatory.
    #[must_use]
    pub fn receiver(&self, index: usize) -> &str {
        self.receivers.get(index).map_or("", String::as_str)
    }
    /// Of a receiver's weigher.
    #[must_use]
    pub fn weigher(&self, index: usize) -> &str {
        self.weighers.get(index).map_or("", String::as_str)
    }
}

struct Maker {
    client: Client,
    count: u32,
}

impl Maker {
    async fn act(&mut self, token: Option<&str>, path: &str, seen: Option<i64>, body: Value) -> Result<Value, Failure> {
        self.count += 1;
        let request = post(token, path, &format!("district-{}", self.count), seen, &body);
        patient(&mut self.client, &request).await?.json(path)
    }

    async fn log_in(&mut self, account: &Account) -> Result<String, Failure> {
        log_in(&mut self.client, account).await
    }

    fn uscc(&mut self) -> Result<String, Failure> {
        self.count += 1;
        Ok(Uscc::from_stem(&format!("91210213MA{:07}", self.count)).map_err(|error| Failure::of(&error))?.to_string())
    }

    async fn authority(&mut self, token: &str, name: &str, division: &str, login: &str) -> Result<Account, Failure> {
        let body = json!({
            "unit": unit_body(&self.uscc()?, name, division), "divisions": [division], "person": { "login": login, "name": "王科长" },
        });
        let made = self.act(Some(token), "/api/v1/authorities", None, body).await?;
        self.settle(login, text(&made["secret"]["password"])?).await
    }

    /// A first password opens nothing but the change to an own one.
    async fn settle(&mut self, login: &str, first: String) -> Result<Account, Failure> {
        let account = Account { login: login.to_owned(), password: format!("{first}!") };
        let token = self.log_in(&Account { login: login.to_owned(), password: first.clone() }).await?;
        let body = json!({ "current_password": first, "password": account.password });
        self.act(Some(&token), "/api/v1/me/change_secret", None, body).await?;
        Ok(account)
    }

    /// Registered, verified by an officer, with a site.
    async fn party(&mut self, officer: &str, name: &str, division: &str, login: &str, password: &str) -> Result<(Party, String), Failure> {
        let body = json!({
            "unit": unit_body(&self.uscc()?, name, division), "password": password,
            "person": { "login": login, "name": "张三", "phone": "13800000000" },
        });
        let id = subject(&self.act(None, "/api/v1/registrations", None, body).await?)?;
        self.act(Some(officer), &format!("/api/v1/units/{id}/verify"), Some(1), json!({})).await?;
        let account = Account { login: login.to_owned(), password: password.to_owned() };
        let token = self.log_in(&account).await?;
        let body = json!({ "name": "一号场所", "division": division, "address": "五一路 1 号", "yearly": [], "is_long_cycle": false, "own_facility": false });
        let site = subject(&self.act(Some(&token), "/api/v1/sites", None, body).await?)?;
        Ok((Party { id, site, account }, token))
    }

    async fn person(&mut self, admin: &str, login: &str, role: &str) -> Result<Account, Failure> {
        let body = json!({ "person": { "login": login, "name": "李四" }, "roles": [role] });
        let made = self.act(Some(admin), "/api/v1/users", None, body).await?;
        self.settle(login, text(&made["secret"]["password"])?).await
    }
}

/// A busy machine may answer 503 while the district is made; nothing is measured yet.
async fn patient(client: &mut Client, request: &[u8]) -> Result<Reply, Failure> {
    for _ in 0..20 {
        let reply = client.send(request).await?;
        if reply.status != 503 {
            return Ok(reply);
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    client.send(request).await
}

async fn log_in(client: &mut Client, account: &Account) -> Result<String, Failure> {
    let session = patient(client, &log_in_request(account)).await?.json("log-in")?;
    text(&session["access_token"])
}

/// The request of a log-in.
#[must_use]
pub fn log_in_request(account: &Account) -> Vec<u8> {
    post(None, "/api/v1/sessions", "", None, &json!({ "login": account.login, "password": account.password }))
}

fn unit_body(uscc: &str, name: &str, division: &str) -> Value {
    json!({ "uscc": uscc, "name": name, "division": division, "address": "五一路 1 号", "contact_phone": "0411-87000000" })
}

fn text(value: &Value) -> Result<String, Failure> {
    value.as_str().map(str::to_owned).ok_or_else(|| Failure::new(format!("a text was expected, not {value}")))
}

fn subject(answer: &Value) -> Result<Uuid, Failure> {
    answer["done"][0]["subject_id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| Failure::new(format!("no subject in {answer}")))
}

impl District {
    /// Makes it in an installation that has nothing but its administrator.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn make(address: SocketAddr, password: &str, receivers: usize) -> Result<Self, Failure> {
        let mut maker = Maker { client: Client::connect(address).await?, count: 0 };
        let today = legal_day(Clock::system().now());
        let (begins, ends) = (format!("{}-01-01", today.year()), format!("{}-12-31", today.year() + 2));
        let admin = maker.log_in(&Account { login: ADMIN.to_owned(), password: password.to_owned() }).await?;
        let province = maker.authority(&admin, "演示·省厅", "210000", "province").await?;
        let province = maker.log_in(&province).await?;
        let officer = maker.authority(&admin, "演示·区分局", "210213", "officer").await?;

        let mut consignors = Vec::new();
        for (index, county) in COUNTIES.iter().enumerate() {
            consignors.push(maker.party(&province, &format!("演示·化工厂 {index}"), county, &format!("plant_{index}"), password).await?);
        }
        let (carrier, hauler) = maker.party(&province, "演示·运输", "210213", "carrier", password).await?;
        let dispatcher = maker.person(&hauler, "dispatcher", "dispatcher").await?;
        let driver = maker.person(&hauler, "driver", "driver").await?;
        let session = patient(&mut maker.client, &log_in_request(&driver)).await?.json("log-in")?;
        let driver_id: Uuid = text(&session["user_id"])?.parse()?;
        let truck = json!({
            "plate": PLATE, "kind": "truck", "permit_no": "大运 1", "permit_classes": ["9"], "permit_valid_to": ends, "rated_load_g": 15_000_000, "gb19217": false,
        });
        maker.act(Some(&hauler), "/api/v1/vehicles", None, truck).await?;
        let permit = json!({ "number": "辽交运管许可危货 1 号", "classes": ["9"], "is_dangerous_goods": true, "valid_to": ends });
        maker.act(Some(&hauler), "/api/v1/carrier_permits", None, permit).await?;
        let certificate = |kind: &str| json!({ "kind": kind, "number": format!("{kind}-1"), "classes": ["9"], "valid_to": ends });
        let mut drives = certificate("driver");
        drives["user_id"] = json!(driver_id);
        maker.act(Some(&hauler), "/api/v1/certificates", None, drives).await?;
        let mut escorts = certificate("escort");
        escorts["name"] = json!(ESCORT);
        maker.act(Some(&hauler), "/api/v1/certificates", None, escorts).await?;

        let (mut works, mut weighers) = (Vec::new(), Vec::new());
        for index in 0..receivers {
            let (party, token) = maker.party(&province, &format!("演示·处置中心 {index}"), "210213", &format!("works_{index}"), password).await?;
            weighers.push(maker.person(&token, &format!("weigher_{index}"), "weigher").await?);
            let lines = json!([{ "codes": [OIL], "categories": [], "methods": ["R9"], "year_g": 1_000_000_000_000_i64 }]);
            let licence = json!({
                "site_id": party.site, "number": format!("LN{index}"), "kind": "comprehensive", "issuer": "辽宁省生态环境厅",
                "issued_on": begins, "valid_from": begins, "valid_to": ends, "lines": lines,
            });
            let licence = subject(&maker.act(Some(&token), "/api/v1/licences", None, licence).await?)?;
            maker.act(Some(&province), &format!("/api/v1/licences/{licence}/verify"), Some(1), json!({})).await?;
            for (consignor, plant) in &consignors {
                let flow = json!({
                    "site_id": consignor.site, "year": today.year(), "code": OIL, "receiver_id": party.id, "method": "R9", "planned_g": 100_000_000_000_i64,
                });
                maker.act(Some(plant), "/api/v1/plan_flows", None, flow).await?;
                let contract = json!({
                    "consignor_id": consignor.id, "other_id": party.id, "number": format!("HT-{index}"), "from_on": begins, "until_on": ends,
                });
                maker.act(Some(plant), "/api/v1/contracts", None, contract).await?;
            }
            works.push(party);
        }
        let consignors = consignors.into_iter().map(|(party, _)| party).collect();
        Ok(Self { officer, consignors, receivers: works, weighers, carrier: carrier.id, dispatcher, driver, driver_id })
    }

    /// Logs everybody in.
    ///
    /// # Errors
    /// The first refusal.
    pub async fn tokens(&self, address: SocketAddr) -> Result<Tokens, Failure> {
        let mut client = Client::connect(address).await?;
        let mut tokens = Tokens {
            officer: log_in(&mut client, &self.officer).await?,
            dispatcher: log_in(&mut client, &self.dispatcher).await?,
            driver: log_in(&mut client, &self.driver).await?,
            ..Tokens::default()
        };
        for party in &self.consignors {
            tokens.consignors.push(log_in(&mut client, &party.account).await?);
        }
        for party in &self.receivers {
            tokens.receivers.push(log_in(&mut client, &party.account).await?);
        }
        for account in &self.weighers {
            tokens.weighers.push(log_in(&mut client, account).await?);
        }
        Ok(tokens)
    }

    /// The body of an issue.
    #[must_use]
    pub fn manifest(&self, consignor: usize, receiver: usize, declared_g: i64) -> Value {
        let site = |parties: &[Party], index: usize| parties.get(index).map(|party| party.site);
        let today = legal_day(Clock::system().now());
        json!({
            "consignor_site_id": site(&self.consignors, consignor), "receiver_site_id": site(&self.receivers, receiver),
            "carrier_id": self.carrier, "hirer": "consignor",
            "lines": [{
                "waste_code": OIL, "harmful": "石油烃", "form": "liquid", "packaging": "200 L 铁桶", "packages": 6, "declared_g": declared_g, "method": "R9",
            }],
            "planned_departure_on": today, "planned_receipt_on": today.succ_opt().unwrap_or(today), "emergency_measures": "吸附棉、围堵、报告 0411-12369",
        })
    }

    /// The body that names vehicle and crew.
    #[must_use]
    pub fn trip(&self) -> Value {
        json!({ "trip": { "plate": PLATE, "driver_id": self.driver_id, "escort_name": ESCORT, "waybill_no": "YD-1" } })
    }

    /// The body of the driver's acts.
    #[must_use]
    pub fn plate() -> Value {
        json!({ "plate": PLATE })
    }

    /// The body of a release.
    #[must_use]
    pub fn release(declared_g: i64) -> Value {
        json!({ "lines": [{ "line": 1, "released_g": declared_g, "basis": "scale", "containers": [{ "code": "C1", "mass_g": declared_g }] }] })
    }
}

/// A manifest as somebody sees it.
///
/// # Errors
/// The refusal.
pub async fn read(address: SocketAddr, token: &str, path: &str) -> Result<Value, Failure> {
    Client::connect(address).await?.send(&get(token, path)).await?.json(path)
}
