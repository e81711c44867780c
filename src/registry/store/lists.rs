//! What the registry shows: one statement for a list and for one of its rows.
//!
//! Every statement takes the same values: `$1` unit and `$2` jurisdiction of the caller's scope, `$3` only this unit, `$4` only
//! this id, `$5` the last id of the page before, `$6` how many, `$7` the legal day.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::Stage;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;
use crate::registry::domain::{CertificateKind, FacilityKind, LicenceKind, ManagementClass, VehicleKind, WithdrawalKind, YearAmount};
use crate::registry::policy::Scope;

/// A thing that is shown: a row of a list.
pub trait Shown {
    /// Its key, for the cursor.
    fn id(&self) -> Uuid;
    /// For `If-Match`.
    fn version(&self) -> i64;
}

/// Which rows.
#[derive(Debug, Clone, Copy, Default)]
pub struct Page {
    /// Only of this unit.
    pub unit: Option<Uuid>,
    /// Only this one.
    pub id: Option<Uuid>,
    /// Older than this.
    pub before: Option<Uuid>,
    /// At most so many.
    pub limit: i64,
}

/// Runs one of the statements of this module.
pub(crate) async fn rows<R>(conn: &mut AsyncPgConnection, sql: Sql, scope: &Scope, page: &Page, day: NaiveDate) -> Result<Vec<R>, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    Ok(sql
        .bind::<Nullable<SqlUuid>, _>(scope.unit)
        .bind::<Array<Text>, _>(&scope.jurisdiction)
        .bind::<Nullable<SqlUuid>, _>(page.unit)
        .bind::<Nullable<SqlUuid>, _>(page.id)
        .bind::<Nullable<SqlUuid>, _>(page.before)
        .bind::<BigInt, _>(page.limit)
        .bind::<Date, _>(day)
        .load(conn)
        .await?)
}

/// The condition under which a licence `l` counts on the day `$7`.
macro_rules! in_force {
    () => {
        "l.verified_at IS NOT NULL AND l.valid_from <= $7 AND l.valid_to >= $7 AND NOT EXISTS (SELECT FROM licence_withdrawals w \
         WHERE w.licence_id = l.id AND w.from_on <= $7 AND (w.until_on IS NULL OR w.until_on >= $7))"
    };
}

/// A statement whose rows `x` belong to one unit (`$mine`, `$filter`); `$division` tells where, for the officers who answer for it.
macro_rules! scoped_sql {
    ($select:expr, $division:literal, mine $mine:literal, filter $filter:literal) => {
        $crate::platform::db::Sql(concat!(
            $select,
            " WHERE (",
            $mine,
            " OR EXISTS (SELECT FROM division_paths p WHERE p.code = ",
            $division,
            " AND p.ancestor = ANY($2))) AND ($3 IS NULL OR ",
            $filter,
            ") AND ($4 IS NULL OR x.id = $4) AND ($5 IS NULL OR x.id < $5) ORDER BY x.id DESC LIMIT $6"
        ))
    };
}
pub(crate) use scoped_sql;

/// The same for things that every unit may check: no scope.
macro_rules! open_sql {
    ($select:expr) => {
        Sql(concat!(
            $select,
            " WHERE ($3 IS NULL OR x.unit_id = $3) AND ($4 IS NULL OR x.id = $4) AND ($5 IS NULL OR x.id < $5) ORDER BY x.id DESC LIMIT $6"
        ))
    };
}

macro_rules! shown {
    ($($row:ident),*) => { $(
        impl $crate::registry::Shown for $row {
            fn id(&self) -> uuid::Uuid {
                self.id
            }
            fn version(&self) -> i64 {
                self.version
            }
        }
    )* };
}
pub(crate) use shown;

shown!(Site, Facility, Closure, Licence, ExemptReceiver, Vehicle, Certificate, CarrierPermit, Contract);

/// A site (场所).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Site {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    division: String,
    #[diesel(sql_type = Text)]
    address: String,
    /// The site's own phone, else the unit's.
    #[diesel(sql_type = Text)]
    contact_phone: String,
    /// WGS-84. Unit: 1e-7 degrees.
    #[diesel(sql_type = Nullable<Integer>)]
    lon_e7: Option<i32>,
    /// WGS-84. Unit: 1e-7 degrees.
    #[diesel(sql_type = Nullable<Integer>)]
    lat_e7: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    industry: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    permit_no: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    eia_no: Option<String>,
    #[diesel(sql_type = Jsonb)]
    #[schema(value_type = Vec<YearAmount>)]
    yearly: Value,
    #[diesel(sql_type = Nullable<BigInt>)]
    eia_g: Option<i64>,
    #[diesel(sql_type = Nullable<BigInt>)]
    permit_g: Option<i64>,
    #[diesel(sql_type = Bool)]
    is_long_cycle: bool,
    #[diesel(sql_type = Bool)]
    own_facility: bool,
    /// A verified licence is in force for this site today.
    #[diesel(sql_type = Bool)]
    is_licence_holder: bool,
    /// The class by the figures, own facility and licence of today.
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(value_type = Option<ManagementClass>)]
    computed_class: Option<String>,
    /// The class that the authority decided on.
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(value_type = Option<ManagementClass>)]
    decided_class: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    decided_reason: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    decided_at: Option<DateTime<Utc>>,
    /// The class that counts: decided, else computed.
    #[diesel(sql_type = Nullable<Text>)]
    #[schema(value_type = Option<ManagementClass>)]
    management_class: Option<String>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const SITES: Sql = scoped_sql!(
    concat!(
        "SELECT x.id, x.unit_id, u.name AS unit_name, x.name, x.division, x.address, coalesce(x.contact_phone, u.contact_phone) AS contact_phone, \
         x.lon_e7, x.lat_e7, x.industry, x.permit_no, x.eia_no, x.yearly, x.eia_g, x.permit_g, x.is_long_cycle, x.own_facility, \
         h.is_holder AS is_licence_holder, CASE WHEN h.is_holder THEN 'key_supervised' ELSE x.class_by_figures END AS computed_class, \
         x.decided_class, x.decided_reason, x.decided_at, \
         coalesce(x.decided_class, CASE WHEN h.is_holder THEN 'key_supervised' ELSE x.class_by_figures END) AS management_class, v.version \
         FROM sites x JOIN units u ON u.id = x.unit_id JOIN streams v ON v.subject_id = x.id \
         CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM licences l WHERE l.site_id = x.id AND ",
        in_force!(),
        ") AS is_holder) h"
    ),
    // What stands of a unit outside the system every unit may use, and so look up; in a list it appears where asked for.
    "x.division", mine "x.unit_id = $1 OR (u.is_external AND (x.unit_id = $3 OR x.id = $4))", filter "x.unit_id = $3"
);

/// A facility (设施).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Facility {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    #[schema(value_type = FacilityKind)]
    kind: String,
    #[diesel(sql_type = Nullable<BigInt>)]
    capacity_g: Option<i64>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const FACILITIES: Sql = scoped_sql!(
    "SELECT x.id, x.site_id, s.unit_id, x.code, x.name, x.kind, x.capacity_g, v.version \
     FROM facilities x JOIN sites s ON s.id = x.site_id JOIN streams v ON v.subject_id = x.id",
    "s.division",
    mine "s.unit_id = $1",
    filter "s.unit_id = $3"
);

/// A closure notice (停产、停止接收通知).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Closure {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Date)]
    from_on: NaiveDate,
    #[diesel(sql_type = Nullable<Date>)]
    until_on: Option<NaiveDate>,
    #[diesel(sql_type = Text)]
    reason: String,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const CLOSURES: Sql = scoped_sql!(
    "SELECT x.id, x.site_id, s.unit_id, x.from_on, x.until_on, x.reason, v.version \
     FROM closures x JOIN sites s ON s.id = x.site_id JOIN streams v ON v.subject_id = x.id",
    "s.division",
    mine "s.unit_id = $1",
    filter "s.unit_id = $3"
);

/// A line of a licence's scope, as shown.
#[derive(Serialize, ToSchema)]
pub struct LicenceLine {
    id: Uuid,
    line_no: i32,
    codes: Vec<String>,
    categories: Vec<String>,
    methods: Vec<String>,
    year_g: i64,
}

/// A withdrawal of a licence, as shown.
#[derive(Serialize, ToSchema)]
pub struct LicenceWithdrawal {
    id: Uuid,
    kind: WithdrawalKind,
    from_on: NaiveDate,
    until_on: Option<NaiveDate>,
    reason: String,
}

/// An operating licence (危险废物经营许可证).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Licence {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = SqlUuid)]
    site_id: Uuid,
    #[diesel(sql_type = Text)]
    site_name: String,
    #[diesel(sql_type = Text)]
    site_address: String,
    #[diesel(sql_type = Text)]
    division: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    #[schema(value_type = LicenceKind)]
    kind: String,
    #[diesel(sql_type = Text)]
    issuer: String,
    #[diesel(sql_type = Date)]
    issued_on: NaiveDate,
    #[diesel(sql_type = Date)]
    valid_from: NaiveDate,
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    verified_at: Option<DateTime<Utc>>,
    /// Verified, within its days and not withdrawn today.
    #[diesel(sql_type = Bool)]
    is_in_force: bool,
    #[diesel(sql_type = Jsonb)]
    #[schema(value_type = Vec<LicenceLine>)]
    lines: Value,
    #[diesel(sql_type = Jsonb)]
    #[schema(value_type = Vec<LicenceWithdrawal>)]
    withdrawals: Value,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

macro_rules! select_licences {
    () => {
        concat!(
            "SELECT x.id, x.unit_id, u.name AS unit_name, x.site_id, s.name AS site_name, s.address AS site_address, s.division, x.number, x.kind, \
             x.issuer, x.issued_on, x.valid_from, x.valid_to, x.verified_at, \
             EXISTS (SELECT FROM licences l WHERE l.id = x.id AND ",
            in_force!(),
            ") AS is_in_force, \
             (SELECT jsonb_agg(jsonb_build_object('id', n.id, 'line_no', n.line_no, 'codes', n.codes, 'categories', n.categories, 'methods', n.methods, \
             'year_g', n.year_g) ORDER BY n.line_no) FROM licence_lines n WHERE n.licence_id = x.id) AS lines, \
             coalesce((SELECT jsonb_agg(jsonb_build_object('id', w.id, 'kind', w.kind, 'from_on', w.from_on, 'until_on', w.until_on, \
             'reason', w.reason) ORDER BY w.id) FROM licence_withdrawals w WHERE w.licence_id = x.id), '[]') AS withdrawals, v.version \
             FROM licences x JOIN units u ON u.id = x.unit_id JOIN sites s ON s.id = x.site_id JOIN streams v ON v.subject_id = x.id"
        )
    };
}

pub const LICENCES: Sql = scoped_sql!(select_licences!(), "s.division", mine "x.unit_id = $1", filter "x.unit_id = $3");
pub const LICENCES_OPEN: Sql = open_sql!(select_licences!());

/// An exempt-stage receiver (豁免环节接受单位).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct ExemptReceiver {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = Array<Text>)]
    #[schema(value_type = Vec<Stage>)]
    stages: Vec<String>,
    /// Number in the exemption list.
    #[diesel(sql_type = Integer)]
    exemption_seq: i32,
    #[diesel(sql_type = Array<Text>)]
    codes: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    categories: Vec<String>,
    #[diesel(sql_type = Text)]
    condition: String,
    #[diesel(sql_type = Text)]
    evidence: String,
    #[diesel(sql_type = Date)]
    valid_from: NaiveDate,
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    verified_at: Option<DateTime<Utc>>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

macro_rules! select_exempt_receivers {
    () => {
        "SELECT x.id, x.unit_id, u.name AS unit_name, x.stages, x.exemption_seq, x.codes, x.categories, x.condition, x.evidence, x.valid_from, \
         x.valid_to, x.verified_at, v.version FROM exempt_receivers x JOIN units u ON u.id = x.unit_id JOIN streams v ON v.subject_id = x.id"
    };
}

pub const EXEMPT_RECEIVERS: Sql = scoped_sql!(select_exempt_receivers!(), "u.division", mine "x.unit_id = $1", filter "x.unit_id = $3");
pub const EXEMPT_RECEIVERS_OPEN: Sql = open_sql!(select_exempt_receivers!());

/// A vehicle (车辆).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Vehicle {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    plate: String,
    #[diesel(sql_type = Text)]
    #[schema(value_type = VehicleKind)]
    kind: String,
    #[diesel(sql_type = Text)]
    permit_no: String,
    #[diesel(sql_type = Array<Text>)]
    permit_classes: Vec<String>,
    #[diesel(sql_type = Date)]
    permit_valid_to: NaiveDate,
    #[diesel(sql_type = BigInt)]
    rated_load_g: i64,
    /// Meets the requirements for medical waste.
    #[diesel(sql_type = Bool)]
    gb19217: bool,
    /// Whence a partner knows it, of a unit outside the system: a claim.
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
    /// Out of use from this day on.
    #[diesel(sql_type = Nullable<Date>)]
    retired_on: Option<NaiveDate>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

macro_rules! select_vehicles {
    () => {
        "SELECT x.id, x.unit_id, x.plate, x.kind, x.permit_no, x.permit_classes, x.permit_valid_to, x.rated_load_g, x.gb19217, x.claim_source AS source, x.retired_on, v.version \
         FROM vehicles x JOIN units u ON u.id = x.unit_id JOIN streams v ON v.subject_id = x.id"
    };
}

pub const VEHICLES: Sql = scoped_sql!(select_vehicles!(), "u.division", mine "x.unit_id = $1", filter "x.unit_id = $3");
pub const VEHICLES_OPEN: Sql = open_sql!(select_vehicles!());

/// A person's certificate (从业资格证).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Certificate {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    user_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    #[schema(value_type = CertificateKind)]
    kind: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Array<Text>)]
    classes: Vec<String>,
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
    /// Whence a partner knows it, of a unit outside the system: a claim.
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
    /// Out of use from this day on.
    #[diesel(sql_type = Nullable<Date>)]
    retired_on: Option<NaiveDate>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const CERTIFICATES: Sql = scoped_sql!(
    "SELECT x.id, x.unit_id, x.user_id, coalesce(x.name, w.name) AS name, x.kind, x.number, x.classes, x.valid_to, x.claim_source AS source, x.retired_on, v.version \
     FROM certificates x JOIN units u ON u.id = x.unit_id LEFT JOIN users w ON w.id = x.user_id JOIN streams v ON v.subject_id = x.id",
    "u.division", mine "x.unit_id = $1 OR (u.is_external AND u.recorded_by = $1)", filter "x.unit_id = $3"
);

/// A carrier's operating permit (道路运输经营许可证).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct CarrierPermit {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Array<Text>)]
    classes: Vec<String>,
    #[diesel(sql_type = Bool)]
    is_dangerous_goods: bool,
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
    /// Whence a partner knows it, of a unit outside the system: a claim.
    #[diesel(sql_type = Nullable<Text>)]
    source: Option<String>,
    /// Out of use from this day on.
    #[diesel(sql_type = Nullable<Date>)]
    retired_on: Option<NaiveDate>,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const CARRIER_PERMITS_OPEN: Sql = open_sql!(
    "SELECT x.id, x.unit_id, x.number, x.classes, x.is_dangerous_goods, x.valid_to, x.claim_source AS source, x.retired_on, v.version \
     FROM carrier_permits x JOIN streams v ON v.subject_id = x.id"
);

/// A contract (合同).
#[derive(diesel::QueryableByName, Serialize, ToSchema)]
pub struct Contract {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    consignor_id: Uuid,
    #[diesel(sql_type = Text)]
    consignor_name: String,
    #[diesel(sql_type = SqlUuid)]
    other_id: Uuid,
    #[diesel(sql_type = Text)]
    other_name: String,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Date)]
    from_on: NaiveDate,
    #[diesel(sql_type = Date)]
    until_on: NaiveDate,
    /// The party whose clerk recorded it.
    #[diesel(sql_type = SqlUuid)]
    recorded_by: Uuid,
    /// For `If-Match`.
    #[diesel(sql_type = BigInt)]
    version: i64,
}

pub const CONTRACTS: Sql = scoped_sql!(
    "SELECT x.id, x.consignor_id, a.name AS consignor_name, x.other_id, b.name AS other_name, x.number, x.from_on, x.until_on, x.recorded_by, v.version \
     FROM contracts x JOIN units a ON a.id = x.consignor_id JOIN units b ON b.id = x.other_id JOIN streams v ON v.subject_id = x.id",
    "ANY(ARRAY[a.division, b.division])",
    mine "x.consignor_id = $1 OR x.other_id = $1",
    filter "x.consignor_id = $3 OR x.other_id = $3"
);
