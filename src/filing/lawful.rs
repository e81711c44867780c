//! The evidence of this room; the fields are private, so whoever holds one had it from a query here.

use chrono::{Datelike, NaiveDate};
use diesel::sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::domain::record::{SolidWasteCode, TransferPurpose};
use crate::catalogue::{MethodCode, WasteCode};
use crate::platform::db::Sql;
use crate::platform::mass::Grams;
use crate::platform::problem::Problem;

/// Proof that the site's plan of the year names a waste, receiver and method.
///
/// Legal source: `decree_23_2021/14`, `eco_code_2026/532/para1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanInForce {
    flow_id: Uuid,
    planned_g: Grams,
    filing_no: Option<String>,
    is_of_last_year: bool,
}

impl PlanInForce {
    /// The flow; the account of mass moved out is its.
    #[must_use]
    pub const fn flow_id(&self) -> Uuid {
        self.flow_id
    }
    /// Mass planned for the year.
    #[must_use]
    pub const fn planned_g(&self) -> Grams {
        self.planned_g
    }
    /// 备案编号, where it was given.
    #[must_use]
    pub fn filing_no(&self) -> Option<&str> {
        self.filing_no.as_deref()
    }
    /// Whether last year's plan stands in for one that is not filed yet (以上年度计划暂代).
    #[must_use]
    pub const fn is_of_last_year(&self) -> bool {
        self.is_of_last_year
    }
}

/// Proof that an approval for another province covers a waste and method on a day.
///
/// Legal source: `decree_23_2021/27/para1`, `eco_code_2026/536/para2`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApprovalInForce {
    approval_id: Uuid,
    approved_g: Grams,
    valid_to: NaiveDate,
    decision_no: String,
    is_verified: bool,
}

impl ApprovalInForce {
    /// The approval; the account of mass moved out is its.
    #[must_use]
    pub const fn approval_id(&self) -> Uuid {
        self.approval_id
    }
    /// Mass approved.
    #[must_use]
    pub const fn approved_g(&self) -> Grams {
        self.approved_g
    }
    /// Last day.
    #[must_use]
    pub const fn valid_to(&self) -> NaiveDate {
        self.valid_to
    }
    /// 批准文号.
    #[must_use]
    pub fn decision_no(&self) -> &str {
        &self.decision_no
    }
    /// Whether an officer verified it; until then it is the consignor's word.
    #[must_use]
    pub const fn is_verified(&self) -> bool {
        self.is_verified
    }
}

fn codes(pairs: &[(WasteCode, MethodCode)]) -> Vec<String> {
    pairs.iter().map(|(code, _)| code.to_string()).collect()
}

fn methods(pairs: &[(WasteCode, MethodCode)]) -> Vec<String> {
    pairs.iter().map(|(_, method)| method.to_string()).collect()
}

fn grams(g: i64) -> Result<Grams, Problem> {
    Grams::try_from(g).map_err(|error| Problem::internal(&error))
}

#[derive(diesel::QueryableByName)]
struct FlowRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    flow_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    planned_g: Option<i64>,
    #[diesel(sql_type = Nullable<Text>)]
    filing_no: Option<String>,
    #[diesel(sql_type = Bool)]
    is_of_last_year: bool,
}

// A flow is unique by site, year, receiver, code and method, so a pair meets at most one. Last year's plan is looked at only
// where there is none of this year, not a single flow either, and not after the day that the division set.
const PLAN_FLOWS_FOR: Sql = Sql("SELECT f.id AS flow_id, f.planned_g, f.filing_no, y.year <> $2 AS is_of_last_year \
     FROM unnest($4, $5) WITH ORDINALITY AS p (code, method, place) \
     CROSS JOIN (SELECT CASE WHEN EXISTS (SELECT FROM plan_flows n WHERE n.site_id = $1 AND n.year = $2 AND n.withdrawn_at IS NULL) \
       OR EXISTS (SELECT FROM plans n WHERE n.site_id = $1 AND n.year = $2 AND n.state <> 'prepared') \
       OR to_char($6::date, 'MM-DD') > coalesce((SELECT q.value FROM sites s JOIN division_paths d ON d.code = s.division \
         JOIN parameters q ON q.key = 'plan_stand_in_until' AND q.division = d.ancestor AND q.from_on <= $6 WHERE s.id = $1 \
         ORDER BY d.distance, q.from_on DESC LIMIT 1), '') THEN $2 ELSE $2 - 1 END AS year) AS y \
     LEFT JOIN plan_flows f ON f.site_id = $1 AND f.year = y.year AND f.receiver_id = $3 AND f.code = p.code AND f.method = p.method \
     AND f.withdrawn_at IS NULL ORDER BY p.place");

/// For each pair of waste and method: the flow of the site's plan that names it with this receiver, on the day of the departure.
///
/// Until the plan of the year is filed, at most to the day that the parameter `plan_stand_in_until` names, that of the year
/// before stands in.
///
/// Legal source: `decree_23_2021/14`.
///
/// # Errors
/// As the database.
pub async fn plan_flows_for(
    mut conn: &AsyncPgConnection,
    site: Uuid,
    day: NaiveDate,
    receiver_unit: Uuid,
    pairs: &[(WasteCode, MethodCode)],
) -> Result<Vec<Option<PlanInForce>>, Problem> {
    let rows: Vec<FlowRow> = PLAN_FLOWS_FOR
        .bind::<SqlUuid, _>(site)
        .bind::<Integer, _>(day.year())
        .bind::<SqlUuid, _>(receiver_unit)
        .bind::<Array<Text>, _>(codes(pairs))
        .bind::<Array<Text>, _>(methods(pairs))
        .bind::<Date, _>(day)
        .load(&mut conn)
        .await?;
    rows.into_iter()
        .map(|row| match (row.flow_id, row.planned_g) {
            (Some(flow_id), Some(planned_g)) => {
                Ok(Some(PlanInForce { flow_id, planned_g: grams(planned_g)?, filing_no: row.filing_no, is_of_last_year: row.is_of_last_year }))
            }
            _ => Ok(None),
        })
        .collect()
}

#[derive(diesel::QueryableByName)]
struct ApprovalRow {
    #[diesel(sql_type = Nullable<SqlUuid>)]
    approval_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<BigInt>)]
    approved_g: Option<i64>,
    #[diesel(sql_type = Nullable<Date>)]
    valid_to: Option<NaiveDate>,
    #[diesel(sql_type = Nullable<Text>)]
    decision_no: Option<String>,
    #[diesel(sql_type = Bool)]
    is_verified: bool,
}

// Of several the latest decision: a new one is asked for when the mass of the old one is used up.
const APPROVALS_FOR: Sql = Sql("SELECT a.id AS approval_id, a.approved_g, a.valid_to, a.decision_no, a.verified_at IS NOT NULL AS is_verified \
     FROM unnest($4, $5) WITH ORDINALITY AS p (code, method, place) \
     LEFT JOIN LATERAL (SELECT * FROM approvals a WHERE a.consignor_id = $1 AND a.receiver_id = $2 AND a.code = p.code AND a.method = p.method \
     AND a.decided_on <= $3 AND a.valid_to >= $3 ORDER BY a.decided_on DESC, a.id DESC LIMIT 1) a ON true ORDER BY p.place");

/// For each pair of waste and method: the approval for another province that covers it on the day.
///
/// Legal source: `decree_23_2021/21/para1`, `decree_23_2021/27/para2`.
///
/// # Errors
/// As the database.
pub async fn approvals_for(
    mut conn: &AsyncPgConnection,
    consignor_unit: Uuid,
    receiver_unit: Uuid,
    day: NaiveDate,
    pairs: &[(WasteCode, MethodCode)],
) -> Result<Vec<Option<ApprovalInForce>>, Problem> {
    let rows: Vec<ApprovalRow> = APPROVALS_FOR
        .bind::<SqlUuid, _>(consignor_unit)
        .bind::<SqlUuid, _>(receiver_unit)
        .bind::<Date, _>(day)
        .bind::<Array<Text>, _>(codes(pairs))
        .bind::<Array<Text>, _>(methods(pairs))
        .load(&mut conn)
        .await?;
    rows.into_iter()
        .map(|row| match (row.approval_id, row.approved_g, row.valid_to, row.decision_no) {
            (Some(approval_id), Some(approved_g), Some(valid_to), Some(decision_no)) => {
                Ok(Some(ApprovalInForce { approval_id, approved_g: grams(approved_g)?, valid_to, decision_no, is_verified: row.is_verified }))
            }
            _ => Ok(None),
        })
        .collect()
}

/// Proof that a notice approves the export of a waste to a unit abroad on a day (危险废物出口核准通知单).
///
/// Legal source: `hw_export_2008`.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct ExportInForce {
    #[diesel(sql_type = SqlUuid)]
    export_notice_id: Uuid,
    #[diesel(sql_type = Text)]
    approval_no: String,
    #[diesel(sql_type = Date)]
    valid_to: NaiveDate,
}

impl ExportInForce {
    /// The notice.
    #[must_use]
    pub const fn export_notice_id(&self) -> Uuid {
        self.export_notice_id
    }
    /// 出口核准通知单编号.
    #[must_use]
    pub fn approval_no(&self) -> &str {
        &self.approval_no
    }
    /// Last day.
    #[must_use]
    pub const fn valid_to(&self) -> NaiveDate {
        self.valid_to
    }
}

/// The notice under which a site may export a waste to a unit on a day; of several the one that lasts longest.
///
/// Legal source: `hw_export_2008`.
///
/// # Errors
/// As the database.
pub async fn export_for(
    conn: &mut AsyncPgConnection,
    site: Uuid,
    receiver_unit: Uuid,
    code: WasteCode,
    day: NaiveDate,
) -> Result<Option<ExportInForce>, Problem> {
    Ok(Sql("SELECT id AS export_notice_id, approval_no, valid_to FROM export_notices WHERE site_id = $1 AND receiver_id = $2 AND $3 = ANY(codes) \
         AND valid_from <= $4 AND valid_to >= $4 ORDER BY valid_to DESC, id LIMIT 1")
    .bind::<SqlUuid, _>(site)
    .bind::<SqlUuid, _>(receiver_unit)
    .bind::<Text, _>(code.to_string())
    .bind::<Date, _>(day)
    .load(conn)
    .await?
    .pop())
}

/// Proof that industrial solid waste may go to another province on a day: approved, or both provinces were told.
///
/// Legal source: `eco_code_2026/476/para1`, `eco_code_2026/476/para2`.
#[derive(Debug, Clone, PartialEq, Eq, diesel::QueryableByName)]
pub struct GeneralTransferInForce {
    #[diesel(sql_type = SqlUuid)]
    general_transfer_id: Uuid,
    #[diesel(sql_type = BigInt)]
    mass_g: i64,
    #[diesel(sql_type = Date)]
    until_on: NaiveDate,
    #[diesel(sql_type = Nullable<Text>)]
    decision_no: Option<String>,
}

impl GeneralTransferInForce {
    /// The record.
    #[must_use]
    pub const fn general_transfer_id(&self) -> Uuid {
        self.general_transfer_id
    }
    /// Mass that was approved, or told. Unit: grams.
    #[must_use]
    pub const fn mass_g(&self) -> i64 {
        self.mass_g
    }
    /// Last day.
    #[must_use]
    pub const fn until_on(&self) -> NaiveDate {
        self.until_on
    }
    /// 批准文号; none for use, which is only told.
    #[must_use]
    pub fn decision_no(&self) -> Option<&str> {
        self.decision_no.as_deref()
    }
}

/// What covers a transfer of industrial solid waste to another province for a purpose on a day.
///
/// Legal source: `eco_code_2026/476/para1`, `eco_code_2026/476/para2`.
///
/// # Errors
/// As the database.
pub async fn general_transfer_for(
    conn: &mut AsyncPgConnection,
    (site, receiver_unit): (Uuid, Uuid),
    code: &SolidWasteCode,
    purpose: TransferPurpose,
    day: NaiveDate,
) -> Result<Option<GeneralTransferInForce>, Problem> {
    Ok(Sql("SELECT id AS general_transfer_id, mass_g, until_on, decision_no FROM general_transfers WHERE site_id = $1 AND receiver_id = $2 \
         AND code = $3 AND purpose = $4 AND from_on <= $5 AND until_on >= $5 AND coalesce(decided_on, greatest(told_origin_on, told_destination_on)) <= $5 \
         ORDER BY until_on DESC, id LIMIT 1")
    .bind::<SqlUuid, _>(site)
    .bind::<SqlUuid, _>(receiver_unit)
    .bind::<Text, _>(code.to_string())
    .bind::<Text, _>(purpose.as_str())
    .bind::<Date, _>(day)
    .load(conn)
    .await?
    .pop())
}
