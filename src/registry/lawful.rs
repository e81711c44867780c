//! What is lawful on a day: the evidence that other rooms demand. The fields are private, so whoever holds one of these
//! types had it from a query here. Expiry is a fact of the day asked for, never a stored flag.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use uuid::Uuid;

use super::domain::{CertificateKind, ManagementClass};
use super::plate::Plate;
use crate::catalogue::{MethodCode, Stage, WasteCode};
use crate::platform::db::Sql;
use crate::platform::mass::Grams;
use crate::platform::problem::Problem;

fn grams(g: i64) -> Result<Grams, Problem> {
    Grams::try_from(g).map_err(|error| Problem::internal(&error))
}

/// A site with its unit.
#[derive(Debug, Clone)]
pub struct SiteFacts {
    row: SiteRow,
    closures: Vec<ClosureFacts>,
}

#[derive(Debug, Clone, diesel::QueryableByName)]
struct SiteRow {
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = Text)]
    uscc: String,
    #[diesel(sql_type = Bool)]
    is_external: bool,
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Bool)]
    is_verified: bool,
    #[diesel(sql_type = Text)]
    site_name: String,
    #[diesel(sql_type = Text)]
    division: String,
    #[diesel(sql_type = Nullable<Text>)]
    prefecture: Option<String>,
    #[diesel(sql_type = Text)]
    address: String,
    #[diesel(sql_type = Text)]
    contact_phone: String,
    #[diesel(sql_type = Jsonb)]
    closures: serde_json::Value,
}

#[derive(Debug, Clone, Deserialize)]
struct ClosureFacts {
    from_on: NaiveDate,
    until_on: Option<NaiveDate>,
    reason: String,
}

impl SiteFacts {
    /// The site.
    #[must_use]
    pub const fn site_id(&self) -> Uuid {
        self.row.site_id
    }
    /// Its unit.
    #[must_use]
    pub const fn unit_id(&self) -> Uuid {
        self.row.unit_id
    }
    /// The four digits of its prefecture; none for a site whose division is not in the tree.
    #[must_use]
    pub fn prefecture(&self) -> Option<&str> {
        self.row.prefecture.as_deref()
    }
    /// The unit's name.
    #[must_use]
    pub fn unit_name(&self) -> &str {
        &self.row.unit_name
    }
    /// The unit's 统一社会信用代码.
    #[must_use]
    pub fn uscc(&self) -> &str {
        &self.row.uscc
    }
    /// A unit outside the system.
    #[must_use]
    pub const fn is_external(&self) -> bool {
        self.row.is_external
    }
    /// Whether the unit sits abroad (境外).
    #[must_use]
    pub fn is_foreign(&self) -> bool {
        self.row.country != "CN"
    }
    /// Whether an officer verified the unit.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.row.is_verified
    }
    /// The site's name.
    #[must_use]
    pub fn site_name(&self) -> &str {
        &self.row.site_name
    }
    /// The site's division.
    #[must_use]
    pub fn division(&self) -> &str {
        &self.row.division
    }
    /// The site's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.row.address
    }
    /// The site's phone, else the unit's.
    #[must_use]
    pub fn contact_phone(&self) -> &str {
        &self.row.contact_phone
    }
    /// Why the site is closed on a day; `None` when it is open.
    #[must_use]
    pub fn closed_on(&self, day: NaiveDate) -> Option<&str> {
        let covers = |closure: &&ClosureFacts| closure.from_on <= day && closure.until_on.is_none_or(|until| until >= day);
        self.closures.iter().find(covers).map(|closure| closure.reason.as_str())
    }
}

const SITE_FACTS: Sql = Sql("SELECT s.id AS site_id, u.id AS unit_id, u.name AS unit_name, u.uscc, u.is_external, u.country, \
     u.verified_at IS NOT NULL AS is_verified, s.name AS site_name, s.division, d.prefecture, s.address, coalesce(s.contact_phone, u.contact_phone) AS contact_phone, \
     coalesce((SELECT jsonb_agg(jsonb_build_object('from_on', c.from_on, 'until_on', c.until_on, 'reason', c.reason) ORDER BY c.from_on, c.id) \
     FROM closures c WHERE c.site_id = s.id), '[]') AS closures \
     FROM unnest($1) WITH ORDINALITY AS wanted (id, place) JOIN sites s ON s.id = wanted.id JOIN units u ON u.id = s.unit_id \
     LEFT JOIN divisions d ON d.code = s.division ORDER BY wanted.place");

#[derive(diesel::QueryableByName)]
struct ClosedRow {
    #[diesel(sql_type = Text)]
    reason: String,
}

const CLOSED_ON: Sql = Sql("SELECT c.reason FROM closures c WHERE c.site_id = $1 AND c.from_on <= $2 AND (c.until_on IS NULL OR c.until_on >= $2) \
     ORDER BY c.from_on, c.id LIMIT 1");

/// Why a site is closed on a day; `None` when it is open.
///
/// # Errors
/// As the database.
pub async fn closed_on(mut conn: &AsyncPgConnection, site: Uuid, day: NaiveDate) -> Result<Option<String>, Problem> {
    let row: Option<ClosedRow> = CLOSED_ON.bind::<SqlUuid, _>(site).bind::<Date, _>(day).load(&mut conn).await?.pop();
    Ok(row.map(|row| row.reason))
}

/// The sites of these ids in their order; unknown ids are left out.
///
/// # Errors
/// As the database.
pub async fn sites(mut conn: &AsyncPgConnection, ids: &[Uuid]) -> Result<Vec<SiteFacts>, Problem> {
    let rows: Vec<SiteRow> = SITE_FACTS.bind::<Array<SqlUuid>, _>(ids).load(&mut conn).await?;
    rows.into_iter()
        .map(|mut row| {
            let closures = serde_json::from_value(row.closures.take()).map_err(|error| Problem::internal(&error))?;
            Ok(SiteFacts { row, closures })
        })
        .collect()
}

/// A site as a filing states it (场所基本情况): what table A.1 of a plan says of unit and site, and the class of a day.
#[derive(Debug, Clone, diesel::QueryableByName)]
pub struct SiteProfile {
    /// The unit.
    #[diesel(sql_type = SqlUuid)]
    pub unit_id: Uuid,
    /// 单位名称.
    #[diesel(sql_type = Text)]
    pub unit_name: String,
    /// 统一社会信用代码.
    #[diesel(sql_type = Text)]
    pub uscc: String,
    /// 注册地址.
    #[diesel(sql_type = Text)]
    pub unit_address: String,
    /// 场所名称.
    #[diesel(sql_type = Text)]
    pub name: String,
    /// 生产经营场所地址.
    #[diesel(sql_type = Text)]
    pub address: String,
    /// 行政区划.
    #[diesel(sql_type = Text)]
    pub division: String,
    /// Four digits of the prefecture; none for a division that is not in the tree.
    #[diesel(sql_type = Nullable<Text>)]
    pub prefecture: Option<String>,
    /// Unit: 1e-7 degrees, WGS-84.
    #[diesel(sql_type = Nullable<Integer>)]
    pub lon_e7: Option<i32>,
    /// Unit: 1e-7 degrees, WGS-84.
    #[diesel(sql_type = Nullable<Integer>)]
    pub lat_e7: Option<i32>,
    /// 行业代码.
    #[diesel(sql_type = Nullable<Text>)]
    pub industry: Option<String>,
    /// 排污许可证编号 or 登记表编号.
    #[diesel(sql_type = Nullable<Text>)]
    pub permit_no: Option<String>,
    /// 环评批复文号 or 备案编号.
    #[diesel(sql_type = Nullable<Text>)]
    pub eia_no: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    class: Option<String>,
    /// Codes of its facilities.
    #[diesel(sql_type = Array<Text>)]
    pub facility_codes: Vec<String>,
}

impl SiteProfile {
    /// The class that counts on the day (管理类别): decided, else computed; none without any figure.
    #[must_use]
    pub fn class(&self) -> Option<ManagementClass> {
        self.class.as_deref().and_then(ManagementClass::parse)
    }
}

const SITE_PROFILE: Sql = Sql("SELECT u.id AS unit_id, u.name AS unit_name, u.uscc, u.address AS unit_address, s.name, s.address, s.division, \
     d.prefecture, s.lon_e7, s.lat_e7, s.industry, s.permit_no, s.eia_no, \
     coalesce(s.decided_class, CASE WHEN EXISTS (SELECT FROM licences l WHERE l.site_id = s.id AND l.verified_at IS NOT NULL AND l.valid_from <= $2 \
     AND l.valid_to >= $2 AND NOT EXISTS (SELECT FROM licence_withdrawals w WHERE w.licence_id = l.id AND w.from_on <= $2 \
     AND (w.until_on IS NULL OR w.until_on >= $2))) THEN 'key_supervised' ELSE s.class_by_figures END) AS class, \
     ARRAY(SELECT f.code FROM facilities f WHERE f.site_id = s.id ORDER BY f.code) AS facility_codes \
     FROM sites s JOIN units u ON u.id = s.unit_id LEFT JOIN divisions d ON d.code = s.division WHERE s.id = $1");

/// A site with what a filing states of it, its class on a day included.
///
/// Legal source: `hj_1259_2022/4.2.1`.
///
/// # Errors
/// As the database.
pub async fn site_profile(mut conn: &AsyncPgConnection, site: Uuid, day: NaiveDate) -> Result<Option<SiteProfile>, Problem> {
    Ok(SITE_PROFILE.bind::<SqlUuid, _>(site).bind::<Date, _>(day).load(&mut conn).await?.pop())
}

/// Proof that a verified licence of the receiver covers a waste and a method on a day.
///
/// Legal source: `hw_licence_2016/15/para3`, `eco_code_2026/534/para3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LicenceInForce {
    licence_id: Uuid,
    licence_no: String,
    line_id: Uuid,
    year_g: Grams,
    valid_to: NaiveDate,
}

impl LicenceInForce {
    /// The licence.
    #[must_use]
    pub const fn licence_id(&self) -> Uuid {
        self.licence_id
    }
    /// 许可证编号.
    #[must_use]
    pub fn licence_no(&self) -> &str {
        &self.licence_no
    }
    /// The scope line that covers; the account of accepted mass is its.
    #[must_use]
    pub const fn line_id(&self) -> Uuid {
        self.line_id
    }
    /// The line's yearly scale.
    #[must_use]
    pub const fn year_g(&self) -> Grams {
        self.year_g
    }
    /// Last day of the licence.
    #[must_use]
    pub const fn valid_to(&self) -> NaiveDate {
        self.valid_to
    }
}

/// Why no licence covers: the reason that is nearest to a cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoLicence {
    /// The site has no licence at all.
    None,
    /// The licence that would cover ran out before the day.
    Expired {
        /// Its last day.
        valid_to: NaiveDate,
    },
    /// The licence that would cover begins after the day.
    NotYet,
    /// Revoked, cancelled or suspended on the day.
    Withdrawn,
    /// No licence of the site names the waste.
    CodeNotInScope,
    /// The waste is in scope, but for other methods.
    MethodNotInScope,
    /// The licence that would cover was not verified by an officer.
    NotVerified,
    /// So it is, and it is another's claim of a unit outside the system.
    Claimed {
        /// The licence.
        licence_id: Uuid,
        /// 许可证编号.
        licence_no: String,
        /// Whence it is known.
        source: String,
    },
}

#[derive(diesel::QueryableByName)]
struct CoverRow {
    #[diesel(sql_type = Integer)]
    rank: i32,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    licence_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    licence_no: Option<String>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    line_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    year_g: Option<i64>,
    #[diesel(sql_type = Nullable<Date>)]
    valid_to: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    claim_source: Option<String>,
}

// Every line of every licence of the site is ranked against every pair, nearest to a cover first; then an exact code
// before a category, the licence that lasts longest, the older entry. So equal facts give equal answers.
const LICENCE_COVER: Sql = Sql("SELECT DISTINCT ON (p.place) \
     CASE WHEN l.id IS NULL THEN 8 \
     WHEN NOT c.code_fits THEN 7 WHEN NOT c.method_fits THEN 6 \
     WHEN l.valid_to < $3 THEN 5 WHEN l.valid_from > $3 THEN 4 \
     WHEN c.is_withdrawn THEN 3 WHEN l.verified_at IS NULL THEN 2 ELSE 1 END AS rank, \
     l.id AS licence_id, l.number AS licence_no, n.id AS line_id, n.year_g, l.valid_to, l.claim_source \
     FROM unnest($4, $5, $6) WITH ORDINALITY AS p (code, category, method, place) \
     LEFT JOIN (licences l JOIN licence_lines n ON n.licence_id = l.id) ON l.unit_id = $1 AND l.site_id = $2 \
     CROSS JOIN LATERAL (SELECT p.code = ANY(n.codes) OR p.category = ANY(n.categories) AS code_fits, p.method = ANY(n.methods) AS method_fits, \
     EXISTS (SELECT FROM licence_withdrawals w WHERE w.licence_id = l.id AND w.from_on <= $3 AND (w.until_on IS NULL OR w.until_on >= $3)) AS is_withdrawn) c \
     ORDER BY p.place, 1, (p.code = ANY(n.codes)) DESC NULLS LAST, l.valid_to DESC NULLS LAST, l.id, n.line_no");

/// For each pair of waste and method: the licence line of the receiver's site that covers it on the day, or why none does.
///
/// Legal source: `hw_licence_2016/15/para3`, `eco_code_2026/534/para3`.
///
/// # Errors
/// As the database.
pub async fn licence_cover(
    mut conn: &AsyncPgConnection,
    receiver_unit: Uuid,
    receiver_site: Uuid,
    day: NaiveDate,
    pairs: &[(WasteCode, MethodCode)],
) -> Result<Vec<Result<LicenceInForce, NoLicence>>, Problem> {
    let rows: Vec<CoverRow> = LICENCE_COVER
        .bind::<SqlUuid, _>(receiver_unit)
        .bind::<SqlUuid, _>(receiver_site)
        .bind::<Date, _>(day)
        .bind::<Array<Text>, _>(pairs.iter().map(|(code, _)| code.to_string()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(pairs.iter().map(|(code, _)| code.category()).collect::<Vec<_>>())
        .bind::<Array<Text>, _>(pairs.iter().map(|(_, method)| method.to_string()).collect::<Vec<_>>())
        .load(&mut conn)
        .await?;
    if rows.len() != pairs.len() {
        return Err(Problem::broken("a pair without an answer"));
    }
    rows.into_iter()
        .map(|row| match (row.rank, row.licence_id, row.licence_no, row.line_id, row.year_g, row.valid_to) {
            (1, Some(licence_id), Some(licence_no), Some(line_id), Some(year_g), Some(valid_to)) => {
                Ok(Ok(LicenceInForce { licence_id, licence_no, line_id, year_g: grams(year_g)?, valid_to }))
            }
            (2, Some(licence_id), Some(licence_no), ..) => Ok(Err(match row.claim_source {
                Some(source) => NoLicence::Claimed { licence_id, licence_no, source },
                None => NoLicence::NotVerified,
            })),
            (3, ..) => Ok(Err(NoLicence::Withdrawn)),
            (4, ..) => Ok(Err(NoLicence::NotYet)),
            (5, .., Some(valid_to)) => Ok(Err(NoLicence::Expired { valid_to })),
            (6, ..) => Ok(Err(NoLicence::MethodNotInScope)),
            (7, ..) => Ok(Err(NoLicence::CodeNotInScope)),
            (8, ..) => Ok(Err(NoLicence::None)),
            _ => Err(Problem::broken("a licence line without its facts")),
        })
        .collect()
}

/// Proof that a unit may receive at an exempt stage on a day, the condition confirmed and verified.
///
/// Legal source: `decree_23_2021/2/para2`.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct ExemptStage {
    #[diesel(sql_type = SqlUuid)]
    exempt_receiver_id: Uuid,
    #[diesel(sql_type = Integer)]
    exemption_seq: i32,
    #[diesel(sql_type = Text)]
    condition: String,
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
}

impl ExemptStage {
    /// The record.
    #[must_use]
    pub const fn exempt_receiver_id(&self) -> Uuid {
        self.exempt_receiver_id
    }
    /// Number in the exemption list.
    #[must_use]
    pub const fn exemption_seq(&self) -> i32 {
        self.exemption_seq
    }
    /// The condition that the unit confirmed.
    #[must_use]
    pub fn condition(&self) -> &str {
        &self.condition
    }
    /// Last day.
    #[must_use]
    pub const fn valid_to(&self) -> NaiveDate {
        self.valid_to
    }
}

const EXEMPT_RECEIVER: Sql = Sql("SELECT id AS exempt_receiver_id, exemption_seq, condition, valid_to FROM exempt_receivers \
     WHERE unit_id = $1 AND ($2 = ANY(codes) OR $3 = ANY(categories)) AND $4 = ANY(stages) AND verified_at IS NOT NULL \
     AND valid_from <= $5 AND valid_to >= $5 ORDER BY valid_to DESC, id LIMIT 1");

/// Whether a unit may receive a waste at an exempt stage on a day.
///
/// Legal source: `decree_23_2021/2/para2`.
///
/// # Errors
/// As the database.
pub async fn exempt_receiver(
    conn: &mut AsyncPgConnection,
    unit: Uuid,
    code: WasteCode,
    stage: Stage,
    day: NaiveDate,
) -> Result<Option<ExemptStage>, Problem> {
    Ok(EXEMPT_RECEIVER
        .bind::<SqlUuid, _>(unit)
        .bind::<Text, _>(code.to_string())
        .bind::<Text, _>(code.category())
        .bind::<Text, _>(stage.as_str())
        .bind::<Date, _>(day)
        .load(conn)
        .await?
        .pop())
}

/// A paper on a day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Paper {
    /// In force on the day.
    Held {
        /// Its number.
        no: String,
        /// Its last day.
        valid_to: NaiveDate,
    },
    /// In force on the day as a partner says of a unit outside the system.
    Claimed {
        /// Its number.
        no: String,
        /// Its last day.
        valid_to: NaiveDate,
    },
    /// It ran out before the day.
    Expired {
        /// Its number.
        no: String,
        /// Its last day.
        valid_to: NaiveDate,
    },
    /// There is none.
    Missing,
}

impl Paper {
    fn on(day: NaiveDate, no: Option<String>, valid_to: Option<NaiveDate>, is_claim: Option<bool>) -> Self {
        match (no, valid_to) {
            (Some(no), Some(valid_to)) if valid_to >= day && is_claim == Some(true) => Self::Claimed { no, valid_to },
            (Some(no), Some(valid_to)) if valid_to >= day => Self::Held { no, valid_to },
            (Some(no), Some(valid_to)) => Self::Expired { no, valid_to },
            _ => Self::Missing,
        }
    }
    /// Whether it is in force on the day.
    #[must_use]
    pub const fn is_held(&self) -> bool {
        matches!(self, Self::Held { .. })
    }
}

/// A person on a vehicle: an account, or a bare name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Person<'a> {
    /// By account.
    User(Uuid),
    /// By name.
    Named(&'a str),
}

impl<'a> Person<'a> {
    const fn split(who: Option<Self>) -> (Option<Uuid>, Option<&'a str>) {
        match who {
            Some(Self::User(user)) => (Some(user), None),
            Some(Self::Named(name)) => (None, Some(name)),
            None => (None, None),
        }
    }
}

/// The papers of one vehicle and its people on a day.
///
/// Legal source: `road_transport_regulation/23`, `decree_23_2021/13/para3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Papers {
    vehicle_id: Option<Uuid>,
    vehicle: Paper,
    vehicle_classes: Vec<String>,
    rated_load_g: Option<Grams>,
    gb19217: bool,
    carrier: Paper,
    driver: Paper,
    escort: Paper,
}

impl Papers {
    /// The carrier's vehicle; `None` when it has none with this plate in use.
    #[must_use]
    pub const fn vehicle_id(&self) -> Option<Uuid> {
        self.vehicle_id
    }
    /// 道路运输证.
    #[must_use]
    pub const fn vehicle(&self) -> &Paper {
        &self.vehicle
    }
    /// Classes and items on the vehicle's permit.
    #[must_use]
    pub fn vehicle_classes(&self) -> &[String] {
        &self.vehicle_classes
    }
    /// 核定载质量.
    #[must_use]
    pub const fn rated_load_g(&self) -> Option<Grams> {
        self.rated_load_g
    }
    /// Whether the vehicle meets the requirements for medical waste.
    #[must_use]
    pub const fn is_for_medical(&self) -> bool {
        self.gb19217
    }
    /// The carrier's 道路运输经营许可证 for dangerous goods.
    #[must_use]
    pub const fn carrier(&self) -> &Paper {
        &self.carrier
    }
    /// The driver's 从业资格证.
    #[must_use]
    pub const fn driver(&self) -> &Paper {
        &self.driver
    }
    /// The escort's 从业资格证.
    #[must_use]
    pub const fn escort(&self) -> &Paper {
        &self.escort
    }
}

#[derive(diesel::QueryableByName)]
struct PapersRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    vehicle_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<Text>)]
    vehicle_no: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    vehicle_to: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Bool>)]
    vehicle_claim: Option<bool>,
    #[diesel(sql_type = Nullable<Array<Text>>)]
    vehicle_classes: Option<Vec<String>>,
    #[diesel(sql_type = Nullable<BigInt>)]
    rated_load_g: Option<i64>,
    #[diesel(sql_type = Nullable<Bool>)]
    gb19217: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    carrier_no: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    carrier_to: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Bool>)]
    carrier_claim: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    driver_no: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    driver_to: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Bool>)]
    driver_claim: Option<bool>,
    #[diesel(sql_type = Nullable<Text>)]
    escort_no: Option<String>,
    #[diesel(sql_type = Nullable<Date>)]
    escort_to: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Bool>)]
    escort_claim: Option<bool>,
}

#[derive(diesel::QueryableByName)]
struct RatedRow {
    #[diesel(sql_type = Text)]
    plate: String,
    #[diesel(sql_type = BigInt)]
    rated_load_g: i64,
}

/// 核定载质量 of a carrier's vehicles in use, by their plates; of a vehicle that is not recorded nothing. Unit: grams.
///
/// # Errors
/// As the database.
pub async fn rated_loads(mut conn: &AsyncPgConnection, carrier: Uuid, plates: &[String]) -> Result<BTreeMap<String, i64>, Problem> {
    let rows: Vec<RatedRow> = Sql(
        "SELECT plate, max(rated_load_g) AS rated_load_g FROM vehicles WHERE unit_id = $1 AND plate = ANY($2) AND retired_on IS NULL GROUP BY plate",
    )
    .bind::<SqlUuid, _>(carrier)
    .bind::<Array<Text>, _>(plates)
    .load(&mut conn)
    .await?;
    Ok(rows.into_iter().map(|row| (row.plate, row.rated_load_g)).collect())
}

// What a unit says of itself goes before what a partner says of it; of several papers the one that lasts longest speaks. Out
// of use on a day means from that day on.
const TRANSPORT_PAPERS: Sql = Sql(
    "SELECT v.id AS vehicle_id, v.permit_no AS vehicle_no, v.permit_valid_to AS vehicle_to, v.is_claim AS vehicle_claim, \
     v.permit_classes AS vehicle_classes, v.rated_load_g, v.gb19217, c.number AS carrier_no, c.valid_to AS carrier_to, c.is_claim AS carrier_claim, \
     d.number AS driver_no, d.valid_to AS driver_to, d.is_claim AS driver_claim, e.number AS escort_no, e.valid_to AS escort_to, e.is_claim AS escort_claim \
     FROM (SELECT) one \
     LEFT JOIN LATERAL (SELECT *, claim_source IS NOT NULL AS is_claim FROM vehicles WHERE unit_id = $1 AND plate = $2 AND (retired_on IS NULL OR retired_on > $3) \
       ORDER BY claim_source IS NOT NULL, permit_valid_to DESC, id LIMIT 1) v ON true \
     LEFT JOIN LATERAL (SELECT number, valid_to, claim_source IS NOT NULL AS is_claim FROM carrier_permits WHERE unit_id = $1 AND is_dangerous_goods \
       AND (retired_on IS NULL OR retired_on > $3) ORDER BY claim_source IS NOT NULL, valid_to DESC, id LIMIT 1) c ON true \
     LEFT JOIN LATERAL (SELECT number, valid_to, claim_source IS NOT NULL AS is_claim FROM certificates WHERE unit_id = $1 AND kind = $4 AND (user_id = $6 OR name = $7) \
       AND (retired_on IS NULL OR retired_on > $3) ORDER BY claim_source IS NOT NULL, valid_to DESC, id LIMIT 1) d ON true \
     LEFT JOIN LATERAL (SELECT number, valid_to, claim_source IS NOT NULL AS is_claim FROM certificates WHERE unit_id = $1 AND kind = $5 AND (user_id = $8 OR name = $9) \
       AND (retired_on IS NULL OR retired_on > $3) ORDER BY claim_source IS NOT NULL, valid_to DESC, id LIMIT 1) e ON true",
);

/// The operating permit of a carrier on a day, before anybody knows which vehicle will come.
///
/// Legal source: `road_transport_regulation/23`, `decree_23_2021/13/para1`.
///
/// # Errors
/// As the database.
pub async fn carrier_permit(mut conn: &AsyncPgConnection, carrier_unit: Uuid, day: NaiveDate) -> Result<Paper, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        number: String,
        #[diesel(sql_type = Date)]
        valid_to: NaiveDate,
        #[diesel(sql_type = Bool)]
        is_claim: bool,
    }
    const PERMIT: Sql =
        Sql("SELECT number, valid_to, claim_source IS NOT NULL AS is_claim FROM carrier_permits WHERE unit_id = $1 AND is_dangerous_goods \
         AND (retired_on IS NULL OR retired_on > $2) ORDER BY claim_source IS NOT NULL, valid_to DESC, id LIMIT 1");
    let row: Option<Row> = PERMIT.bind::<SqlUuid, _>(carrier_unit).bind::<Date, _>(day).load(&mut conn).await?.pop();
    Ok(row.map_or(Paper::Missing, |row| Paper::on(day, Some(row.number), Some(row.valid_to), Some(row.is_claim))))
}

/// The papers of a carrier, its vehicle, driver and escort on a day.
///
/// Legal source: `road_transport_regulation/23`, `decree_23_2021/13/para3`.
///
/// # Errors
/// As the database.
pub async fn transport_papers(
    mut conn: &AsyncPgConnection,
    carrier_unit: Uuid,
    plate: &Plate,
    driver: Option<Person<'_>>,
    escort: Option<Person<'_>>,
    day: NaiveDate,
) -> Result<Papers, Problem> {
    let (driver_user, driver_name) = Person::split(driver);
    let (escort_user, escort_name) = Person::split(escort);
    let row: Option<PapersRow> = TRANSPORT_PAPERS
        .bind::<SqlUuid, _>(carrier_unit)
        .bind::<Text, _>(plate.as_str())
        .bind::<Date, _>(day)
        .bind::<Text, _>(CertificateKind::Driver.as_str())
        .bind::<Text, _>(CertificateKind::Escort.as_str())
        .bind::<Nullable<SqlUuid>, _>(driver_user)
        .bind::<Nullable<Text>, _>(driver_name)
        .bind::<Nullable<SqlUuid>, _>(escort_user)
        .bind::<Nullable<Text>, _>(escort_name)
        .load(&mut conn)
        .await?
        .pop();
    let row = row.ok_or_else(|| Problem::broken("no row of papers"))?;
    Ok(Papers {
        vehicle_id: row.vehicle_id,
        vehicle: Paper::on(day, row.vehicle_no, row.vehicle_to, row.vehicle_claim),
        vehicle_classes: row.vehicle_classes.unwrap_or_default(),
        rated_load_g: row.rated_load_g.map(grams).transpose()?,
        gb19217: row.gb19217.unwrap_or_default(),
        carrier: Paper::on(day, row.carrier_no, row.carrier_to, row.carrier_claim),
        driver: Paper::on(day, row.driver_no, row.driver_to, row.driver_claim),
        escort: Paper::on(day, row.escort_no, row.escort_to, row.escort_claim),
    })
}

/// Proof of a written contract on a day.
///
/// Legal source: `decree_23_2021/10/1`.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct ContractInForce {
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Date)]
    until_on: NaiveDate,
}

impl ContractInForce {
    /// Its number.
    #[must_use]
    pub fn number(&self) -> &str {
        &self.number
    }
    /// Its last day.
    #[must_use]
    pub const fn until(&self) -> NaiveDate {
        self.until_on
    }
}

const CONTRACT_BETWEEN: Sql = Sql("SELECT number, until_on FROM (SELECT * FROM contracts WHERE consignor_id = $1 AND other_id = $2 \
     UNION ALL SELECT * FROM contracts WHERE consignor_id = $2 AND other_id = $1) c \
     WHERE from_on <= $3 AND until_on >= $3 ORDER BY until_on DESC, id LIMIT 1");

/// The contract between two units on a day, whichever of them is the consignor; of several the one that lasts longest.
///
/// Legal source: `decree_23_2021/10/1`.
///
/// # Errors
/// As the database.
pub async fn contract_between(mut conn: &AsyncPgConnection, a: Uuid, b: Uuid, day: NaiveDate) -> Result<Option<ContractInForce>, Problem> {
    Ok(CONTRACT_BETWEEN.bind::<SqlUuid, _>(a).bind::<SqlUuid, _>(b).bind::<Date, _>(day).load(&mut conn).await?.pop())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_holds_through_its_last_day() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).unwrap();
        let paper = |on| Paper::on(on, Some("1".into()), Some(day(23)), Some(false));
        assert!(paper(day(23)).is_held());
        assert_eq!(paper(day(24)), Paper::Expired { no: "1".into(), valid_to: day(23) });
        assert_eq!(Paper::on(day(1), None, None, None), Paper::Missing);
        let claim = |on| Paper::on(on, Some("1".into()), Some(day(23)), Some(true));
        assert_eq!(claim(day(23)), Paper::Claimed { no: "1".into(), valid_to: day(23) });
        assert_eq!(claim(day(24)), Paper::Expired { no: "1".into(), valid_to: day(23) });
    }

    #[test]
    fn a_closure_covers_both_its_days() {
        let day = |d| NaiveDate::from_ymd_opt(2026, 11, d).unwrap();
        let row = SiteRow {
            site_id: Uuid::nil(),
            unit_id: Uuid::nil(),
            unit_name: String::new(),
            uscc: String::new(),
            is_external: false,
            country: "CN".into(),
            is_verified: true,
            site_name: String::new(),
            prefecture: Some("2102".into()),
            division: String::new(),
            address: String::new(),
            contact_phone: String::new(),
            closures: serde_json::Value::Null,
        };
        let closures = vec![
            ClosureFacts { from_on: day(10), until_on: Some(day(12)), reason: "检修".into() },
            ClosureFacts { from_on: day(20), until_on: None, reason: "停产".into() },
        ];
        let site = SiteFacts { row, closures };
        for (on, reason) in [(9, None), (10, Some("检修")), (12, Some("检修")), (13, None), (20, Some("停产")), (28, Some("停产"))] {
            assert_eq!(site.closed_on(day(on)), reason, "{on}");
        }
    }
}
