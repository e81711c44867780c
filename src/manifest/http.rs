//! Wire types and routes of the manifest core. No rule lives here.

mod drafts;
pub mod fate;
mod follow;
mod looks;
pub mod prepare;
mod reading;
mod sheets;

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::acts::{ending, issue, receipt, transport};
use super::input::{
    AcknowledgeDiscrepancy, AcknowledgeIncident, Assign, BackEnter, ConfirmLoad, ConfirmMany, DriverStep, Duplicate, Gate, HandOverLoad, IssueLike,
    IssueManifest, LoadTogether, NotReceivedLoad, ProposeCorrection, ReceiveLoad, RecordOfficialNo, ReleaseLoad, ReportDiscrepancy, ReportIncident,
    SendOn, SignLate, StrikeWeighing, TakeBack, TreatLine, WeighTrip, WithReason,
};
use super::policy::Scope;
use super::read::Look;
use super::signing::{self, Signing};
use super::{corrections, discrepancies, feed, incidents, read, trips};
use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::identity::{Actor, Role, one_time};
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Body, Nothing, request_id_of};
use crate::platform::problem::{Problem, ProblemBody, Text, kinds};

// The contract names routes by this room; what they are made of is beside each.
pub use drafts::*;
pub use follow::*;
pub use looks::*;
pub use reading::*;
pub use sheets::*;

/// Name vehicle and crew (派车).
#[utoipa::path(
    tag = "manifests", operation_id = "assign_manifest", security(("bearer" = [])), request_body = Assign,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/assign")]
pub async fn assign_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<Assign>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::assign(&act.call, &actor, *id, act.body).await?))
}

/// Give the load to the carrier (交付).
#[utoipa::path(
    tag = "manifests", operation_id = "release_manifest", security(("bearer" = [])), request_body = ReleaseLoad,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/release")]
pub async fn release_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<ReleaseLoad>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::release(&act.call, &actor, *id, act.body).await?))
}

/// Take an offer back (撤回).
#[utoipa::path(
    tag = "manifests", operation_id = "withdraw_manifest", security(("bearer" = [])), request_body = TakeBack,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/withdraw")]
pub async fn withdraw_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<TakeBack>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::withdraw(&act.call, &actor, *id, act.body).await?))
}

/// Take the load over (接运).
#[utoipa::path(
    tag = "manifests", operation_id = "take_over_manifest", security(("bearer" = [])), request_body = DriverStep,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/take_over")]
pub async fn take_over_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<DriverStep>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::take_over(&act.call, &actor, *id, act.body).await?))
}

/// Do not take the load (拒运).
#[utoipa::path(
    tag = "manifests", operation_id = "refuse_take_over_manifest", security(("bearer" = [])), request_body = TakeBack,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/refuse_take_over")]
pub async fn refuse_take_over_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<TakeBack>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::refuse_take_over(&act.call, &actor, *id, act.body).await?))
}

/// Hand the load over to another vehicle (换车/交接).
#[utoipa::path(
    tag = "manifests", operation_id = "hand_over_manifest", security(("bearer" = [])), request_body = HandOverLoad,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/hand_over")]
pub async fn hand_over_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<HandOverLoad>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::hand_over(&act.call, &actor, *id, act.body).await?))
}

/// Arrive at the receiver's gate (到达).
#[utoipa::path(
    tag = "manifests", operation_id = "arrive_manifest", security(("bearer" = [])), request_body = DriverStep,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/arrive")]
pub async fn arrive_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<DriverStep>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::arrive(&act.call, &actor, *id, act.body).await?))
}

/// Note that the load could not be received (未入厂).
#[utoipa::path(
    tag = "manifests", operation_id = "not_receive_manifest", security(("bearer" = [])), request_body = NotReceivedLoad,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/not_received")]
pub async fn not_receive_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<NotReceivedLoad>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::not_received(&act.call, &actor, *id, act.body).await?))
}

/// Sign afterwards what was skipped (补签).
#[utoipa::path(
    tag = "manifests", operation_id = "sign_late_manifest", security(("bearer" = [])), request_body = SignLate,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/sign_late")]
pub async fn sign_late_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<SignLate>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::sign_late(&act.call, &actor, *id, act.body).await?))
}

/// Receive the load (入厂).
#[utoipa::path(
    tag = "manifests", operation_id = "receive_manifest", security(("bearer" = [])), request_body = ReceiveLoad,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/receive")]
pub async fn receive_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<ReceiveLoad>) -> Result<HttpResponse, Problem> {
    Ok(answer(&receipt::receive(&act.call, &actor, *id, act.body).await?))
}

/// Decide on what came (确认接受).
#[utoipa::path(
    tag = "manifests", operation_id = "confirm_manifest", security(("bearer" = [])), request_body = ConfirmLoad,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/confirm")]
pub async fn confirm_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<ConfirmLoad>) -> Result<HttpResponse, Problem> {
    Ok(answer(&receipt::confirm(&act.call, &actor, *id, act.body).await?))
}

/// Record use or disposal (利用处置).
#[utoipa::path(
    tag = "manifests", operation_id = "treat_manifest", security(("bearer" = [])), request_body = TreatLine,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/record_treatment")]
pub async fn treat_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<TreatLine>) -> Result<HttpResponse, Problem> {
    Ok(answer(&receipt::record_treatment(&act.call, &actor, *id, act.body).await?))
}

/// The gate in one call: arrive, weigh, receive, confirm.
#[utoipa::path(
    tag = "manifests", operation_id = "gate_manifest", security(("bearer" = [])), request_body = Gate,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/gate")]
pub async fn gate_manifest(app: web::Data<App>, Signing(actor): Signing, id: Path<Uuid>, act: Act<Gate>) -> Result<HttpResponse, Problem> {
    let digits = act.body.arrive.as_ref().and_then(|arrive| arrive.driver_code.as_deref());
    let driver = match digits {
        Some(digits) => Some(signing::by_code(&app, &actor, *id, super::table::Act::Arrive.as_str(), digits).await?),
        None => None,
    };
    Ok(answer(&receipt::gate(&act.call, &actor, driver.as_ref(), *id, act.body).await?))
}

/// Return refused mass or send it on (退回/改送).
#[utoipa::path(
    tag = "manifests", operation_id = "send_on_manifest", security(("bearer" = [])), request_body = SendOn,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/send_on")]
pub async fn send_on_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<SendOn>) -> Result<HttpResponse, Problem> {
    Ok(answer(&issue::send_on(&act.call, &actor, *id, act.body).await?))
}

/// Return a load that was turned away, or send it on, from the road (途中退回/改送).
#[utoipa::path(
    tag = "manifests", operation_id = "turn_back_manifest", security(("bearer" = [])), request_body = SendOn,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/turn_back")]
pub async fn turn_back_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<SendOn>) -> Result<HttpResponse, Problem> {
    Ok(answer(&issue::turn_back(&act.call, &actor, *id, act.body).await?))
}

/// Cancel before anything left (取消).
#[utoipa::path(
    tag = "manifests", operation_id = "cancel_manifest", security(("bearer" = [])), request_body = TakeBack,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/cancel")]
pub async fn cancel_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<TakeBack>) -> Result<HttpResponse, Problem> {
    Ok(answer(&ending::cancel(&act.call, &actor, *id, act.body).await?))
}

/// Void a manifest (作废).
#[utoipa::path(
    tag = "manifests", operation_id = "void_manifest", security(("bearer" = [])), request_body = WithReason,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/void")]
pub async fn void_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<WithReason>) -> Result<HttpResponse, Problem> {
    Ok(answer(&ending::void(&act.call, &actor, *id, act.body).await?))
}

/// Report an incident (事故报告).
#[utoipa::path(
    tag = "manifests", operation_id = "report_incident", security(("bearer" = [])), request_body = ReportIncident,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/report_incident")]
pub async fn report_incident(Signing(actor): Signing, id: Path<Uuid>, act: Act<ReportIncident>) -> Result<HttpResponse, Problem> {
    Ok(answer(&incidents::report(&act.call, &actor, *id, act.body).await?))
}

/// Take note of reported incidents (事故知悉), as the authority of the place or the consignor.
#[utoipa::path(
    tag = "manifests", operation_id = "acknowledge_incident", security(("bearer" = [])), request_body = AcknowledgeIncident,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/acknowledge_incident")]
pub async fn acknowledge_incident(Signing(actor): Signing, id: Path<Uuid>, act: Act<AcknowledgeIncident>) -> Result<HttpResponse, Problem> {
    Ok(answer(&incidents::acknowledge(&act.call, &actor, *id, act.body).await?))
}

/// Report what came differently (差异报告) to the authority of the place of receipt, filled in from the verdict.
#[utoipa::path(
    tag = "manifests", operation_id = "report_discrepancy", security(("bearer" = [])), request_body = ReportDiscrepancy,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/report_discrepancy")]
pub async fn report_discrepancy(Signing(actor): Signing, id: Path<Uuid>, act: Act<ReportDiscrepancy>) -> Result<HttpResponse, Problem> {
    Ok(answer(&discrepancies::report(&act.call, &actor, *id, act.body).await?))
}

/// Take note of a reported discrepancy (差异知悉), as the authority of the place of receipt or the consignor.
#[utoipa::path(
    tag = "manifests", operation_id = "acknowledge_discrepancy", security(("bearer" = [])), request_body = AcknowledgeDiscrepancy,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/acknowledge_discrepancy")]
pub async fn acknowledge_discrepancy(Signing(actor): Signing, id: Path<Uuid>, act: Act<AcknowledgeDiscrepancy>) -> Result<HttpResponse, Problem> {
    Ok(answer(&discrepancies::acknowledge(&act.call, &actor, *id, act.body).await?))
}

/// Enter the national number (国家联单编号).
#[utoipa::path(
    tag = "manifests", operation_id = "record_official_no", security(("bearer" = [])), request_body = RecordOfficialNo,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/record_official_no")]
pub async fn record_official_no(Signing(actor): Signing, id: Path<Uuid>, act: Act<RecordOfficialNo>) -> Result<HttpResponse, Problem> {
    Ok(answer(&ending::record_official_no(&act.call, &actor, *id, act.body).await?))
}

/// Propose a correction, or make one's own (更正).
#[utoipa::path(
    tag = "manifests", operation_id = "correct_manifest", security(("bearer" = [])), request_body = ProposeCorrection,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/correct")]
pub async fn correct_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<ProposeCorrection>) -> Result<HttpResponse, Problem> {
    Ok(answer(&corrections::correct(&act.call, &actor, *id, act.body).await?))
}

/// Agree to the open correction (同意更正).
#[utoipa::path(
    tag = "manifests", operation_id = "agree_manifest", security(("bearer" = [])), request_body = Nothing,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/agree")]
pub async fn agree_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&corrections::agree(&act.call, &actor, *id).await?))
}

/// Do not agree to the open correction (不同意更正).
#[utoipa::path(
    tag = "manifests", operation_id = "disagree_manifest", security(("bearer" = [])), request_body = WithReason,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/disagree")]
pub async fn disagree_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<WithReason>) -> Result<HttpResponse, Problem> {
    Ok(answer(&corrections::disagree(&act.call, &actor, *id, &act.body.reason).await?))
}

/// Issue a manifest (提交).
#[utoipa::path(
    tag = "manifests", operation_id = "issue_manifest", security(("bearer" = [])), request_body = IssueManifest, params(ActHeaders, ActMode),
    responses((status = 201, description = "Issued", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests:issue")]
pub async fn issue_manifest(actor: Actor, act: Act<IssueManifest>) -> Result<HttpResponse, Problem> {
    Ok(created(&issue::issue(&act.call, &actor, act.body).await?, None))
}

/// Issue what an earlier manifest says, with other days and masses.
#[utoipa::path(
    tag = "manifests", operation_id = "issue_manifest_like", security(("bearer" = [])), request_body = IssueLike, params(ActHeaders, ActMode),
    responses((status = 201, description = "Issued", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests:issue_like")]
pub async fn issue_manifest_like(actor: Actor, act: Act<IssueLike>) -> Result<HttpResponse, Problem> {
    Ok(created(&issue::issue_like(&act.call, &actor, act.body).await?, None))
}

/// Enter a paper manifest afterwards (补录).
#[utoipa::path(
    tag = "manifests", operation_id = "back_enter_manifest", security(("bearer" = [])), request_body = BackEnter, params(ActHeaders, ActMode),
    responses((status = 201, description = "Issued", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests:back_enter")]
pub async fn back_enter_manifest(actor: Actor, act: Act<BackEnter>) -> Result<HttpResponse, Problem> {
    Ok(created(&issue::back_enter(&act.call, &actor, act.body).await?, None))
}

/// Release and take over on one device at the loading place: the signatory sends it, the driver's own token comes in the body.
#[utoipa::path(
    tag = "manifests", operation_id = "load_manifest", security(("bearer" = [])), request_body = LoadTogether,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Both done", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/load")]
pub async fn load_manifest(actor: Actor, id: Path<Uuid>, act: Act<LoadTogether>) -> Result<HttpResponse, Problem> {
    Ok(answer(&transport::load_together(&act.call, &actor, *id, act.body).await?))
}

/// One result of a batch.
#[derive(Serialize, ToSchema)]
pub struct ItemResult {
    /// The manifest.
    manifest_id: Uuid,
    /// HTTP status that the act alone would have had.
    status: u16,
    /// The act's answer; absent where it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    answer: Option<Value>,
    /// Why it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    problem: Option<Value>,
}
/// Results of a batch, in the order of its items.
#[derive(Serialize, ToSchema)]
pub struct ItemResults {
    results: Vec<ItemResult>,
}

/// Many confirmations by one signature; each is one transaction with its own result.
#[utoipa::path(
    tag = "manifests", operation_id = "confirm_manifests", security(("bearer" = [])), request_body = ConfirmMany, params(ActHeaders, ActMode),
    responses((status = 200, description = "A result for each", body = ItemResults),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests:confirm")]
pub async fn confirm_manifests(actor: Actor, act: Act<ConfirmMany>) -> Result<HttpResponse, Problem> {
    let mut results = Vec::new();
    for item in act.body.items {
        let call = act.call.item(&item.manifest_id.to_string(), Some(item.version), &json!(item));
        let body = ConfirmLoad { lines: item.lines, claimed_at: None, proxy: item.proxy };
        let manifest_id = item.manifest_id;
        results.push(match receipt::confirm(&call, &actor, manifest_id, body).await {
            Ok(outcome) => ItemResult { manifest_id, status: 200, answer: Some(outcome.body()), problem: None },
            Err(problem) => ItemResult {
                manifest_id,
                status: problem.status,
                answer: None,
                problem: Some(problem.body(call.lang, &call.request_id.to_string(), &call.app.text_grades)),
            },
        });
    }
    Ok(HttpResponse::Ok().json(ItemResults { results }))
}

/// Weigh a trip (过磅).
#[utoipa::path(
    tag = "trips", operation_id = "weigh_trip", security(("bearer" = [])), request_body = WeighTrip,
    params(("trip_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Weighed", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/trips/{trip_id}/weigh")]
pub async fn weigh_trip(actor: Actor, id: Path<Uuid>, act: Act<WeighTrip>) -> Result<HttpResponse, Problem> {
    Ok(answer(&trips::weigh(&act.call, &actor, *id, act.body).await?))
}

/// Strike out a wrong weighing.
#[utoipa::path(
    tag = "trips", operation_id = "strike_weighing", security(("bearer" = [])), request_body = StrikeWeighing,
    params(("trip_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Struck out", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/trips/{trip_id}/strike_weighing")]
pub async fn strike_weighing(actor: Actor, id: Path<Uuid>, act: Act<StrikeWeighing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&trips::strike_weighing(&act.call, &actor, *id, act.body.seq, &act.body.reason).await?))
}

/// A trip with its legs and weighings.
#[utoipa::path(
    tag = "trips", operation_id = "get_trip", security(("bearer" = [])), params(("trip_id" = Uuid, Path)),
    responses((status = 200, description = "The trip", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/trips/{trip_id}")]
pub async fn get_trip(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let doc = trips::get(&mut conn, *id, &Scope::of(&actor)).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().content_type("application/json").body(doc))
}

/// A draft's place and version.
#[derive(Serialize, ToSchema)]
pub struct DraftAnswer {
    /// Id, also of the manifest that it becomes.
    id: Uuid,
    /// For `If-Match`.
    version: i64,
}

fn drafter(actor: &Actor) -> Result<Uuid, Problem> {
    actor.unit_id().filter(|_| actor.roles.has(Role::Clerk) || actor.roles.has(Role::Signatory)).ok_or_else(|| Problem::of(&kinds::FORBIDDEN))
}

/// Drafts that were made.
#[derive(Serialize, ToSchema)]
pub struct DraftAnswers {
    drafts: Vec<DraftAnswer>,
}

/// Make drafts from an earlier manifest: the same as last week, ×n.
#[utoipa::path(
    tag = "manifests", operation_id = "duplicate_manifest", security(("bearer" = [])), request_body = Duplicate, params(("manifest_id" = Uuid, Path)),
    responses((status = 201, description = "The drafts", body = DraftAnswers),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/duplicate")]
pub async fn duplicate_manifest(
    request: HttpRequest,
    app: web::Data<App>,
    actor: Actor,
    id: Path<Uuid>,
    Body(body): Body<Duplicate>,
) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    if !(1..=50).contains(&body.count) {
        return Err(Problem::value("/count", Text::new("count 须为 1 至 50", "count must be 1 to 50")));
    }
    let mut conn = app.db.get().await?;
    let (stored, _) = read::visible(&app, &mut conn, &actor, *id, Look("duplicate", request_id_of(&request))).await?;
    let earlier = &stored.record.consignment;
    if earlier.consignor.unit_id != unit || earlier.link.is_some() {
        return Err(Problem::of(&kinds::FORBIDDEN));
    }
    let document = json!(issue::like(earlier, body.planned_departure_on, body.planned_receipt_on, &body.masses, Vec::new())?);
    let ids: Vec<Uuid> = (0..body.count).map(|_| app.clock.new_id()).collect();
    super::drafts::add(&mut conn, &ids, unit, &document, app.clock.now()).await?;
    Ok(HttpResponse::Created().json(DraftAnswers { drafts: ids.into_iter().map(|id| DraftAnswer { id, version: 1 }).collect() }))
}

/// A one-time code to be told by voice.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MakeCode {
    /// The act for which it is.
    act: super::table::Act,
    /// The person who will sign; the caller without it.
    #[serde(default)]
    #[schema(required = false)]
    user_id: Option<Uuid>,
}

/// Make a one-time code (一次性口令) for a person of the caller's unit: 8 digits, 10 minutes, 5 tries, this act only.
/// Whoever has a device sends the act with the header `Liandan-Code`.
#[utoipa::path(
    tag = "manifests", operation_id = "make_one_time_code", security(("bearer" = [])), request_body = MakeCode,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 201, description = "Made; the digits are told once", body = Value),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/one_time_codes")]
pub async fn make_one_time_code(app: web::Data<App>, actor: Actor, id: Path<Uuid>, act: Act<MakeCode>) -> Result<HttpResponse, Problem> {
    {
        let mut conn = app.db.get().await?;
        read::visible(&app, &mut conn, &actor, *id, Look("one_time_code", act.call.request_id)).await?;
    }
    let (outcome, digits) = one_time::make(&act.call, &actor, *id, act.body.act.as_str(), act.body.user_id).await?;
    Ok(created(&outcome, (!act.call.check).then(|| json!({ "code": digits }))))
}

/// Reported incidents (事故) of the caller's manifests or divisions, the newest 200.
#[utoipa::path(
    tag = "manifests", operation_id = "list_incidents", security(("bearer" = [])),
    responses((status = 200, description = "`items`", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/incidents")]
pub async fn list_incidents(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let doc = feed::incidents(&mut conn, &Scope::of(&actor), Uuid::max(), 200).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(doc))
}

/// Outages.
#[derive(Serialize, ToSchema)]
pub struct Outages {
    outages: Vec<super::outage::Outage>,
}

/// The latest outages (停网), newest first.
#[utoipa::path(
    tag = "manifests", operation_id = "list_outages", security(("bearer" = [])),
    responses((status = 200, description = "Outages", body = Outages),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/outages")]
pub async fn list_outages(app: web::Data<App>, _actor: Actor) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(Outages { outages: super::outage::list(&app).await? }))
}

/// Open outage mode: loads leave on paper numbers.
#[utoipa::path(
    tag = "manifests", operation_id = "open_outage", security(("bearer" = [])), request_body = WithReason, params(ActHeaders, ActMode),
    responses((status = 201, description = "Open", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/outages")]
pub async fn open_outage(actor: Actor, act: Act<WithReason>) -> Result<HttpResponse, Problem> {
    Ok(created(&super::outage::open(&act.call, &actor, &act.body.reason).await?, None))
}

/// Close outage mode.
#[utoipa::path(
    tag = "manifests", operation_id = "close_outage", security(("bearer" = [])), request_body = Nothing,
    params(("outage_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Closed", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/outages/{outage_id}/close")]
pub async fn close_outage(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&super::outage::close(&act.call, &actor, *id).await?))
}
