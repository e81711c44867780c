//! Wire types and routes of the manifest core. No rule lives here.

use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acts::{ending, issue, receipt, transport};
use super::findings::Confirmation;
use super::input::{
    Assign, BackEnter, ConfirmLoad, ConfirmMany, DriverStep, Duplicate, Gate, HandOverLoad, IssueLike, IssueManifest, LoadTogether, NotReceivedLoad,
    ProposeCorrection, ReceiveLoad, RecordOfficialNo, ReleaseLoad, ReportIncident, SendOn, SignLate, StrikeWeighing, TreatLine, WeighTrip,
    WithReason,
};
use super::next::NextAct;
use super::policy::Scope;
use super::read::Look;
use super::signing::Signing;
use super::store::{self, Filter};
use super::table::State;
use super::{corrections, feed, read, stream, trips};
use crate::evidence::{self, ActAnswer, CheckAnswer, Evidence, answer, created};
use crate::identity::auth::{Credential, actor_of_token};
use crate::identity::{Actor, Role, one_time};
use crate::platform::app::App;
use crate::platform::calendar::{end_of, start_of};
use crate::platform::call::{Act, ActHeaders, ActMode, Body, Nothing, request_id_of};
use crate::platform::cursor::{self, FilterHash};
use crate::platform::problem::{Problem, ProblemBody, Text, kinds};
use crate::registry::plate::Plate;

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
    tag = "manifests", operation_id = "withdraw_manifest", security(("bearer" = [])), request_body = WithReason,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/withdraw")]
pub async fn withdraw_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<WithReason>) -> Result<HttpResponse, Problem> {
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
    tag = "manifests", operation_id = "refuse_take_over_manifest", security(("bearer" = [])), request_body = WithReason,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/refuse_take_over")]
pub async fn refuse_take_over_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<WithReason>) -> Result<HttpResponse, Problem> {
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

/// The gate in one call: weigh, receive, confirm.
#[utoipa::path(
    tag = "manifests", operation_id = "gate_manifest", security(("bearer" = [])), request_body = Gate,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/gate")]
pub async fn gate_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<Gate>) -> Result<HttpResponse, Problem> {
    Ok(answer(&receipt::gate(&act.call, &actor, *id, act.body).await?))
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

/// Cancel before anything left (取消).
#[utoipa::path(
    tag = "manifests", operation_id = "cancel_manifest", security(("bearer" = [])), request_body = WithReason,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/cancel")]
pub async fn cancel_manifest(Signing(actor): Signing, id: Path<Uuid>, act: Act<WithReason>) -> Result<HttpResponse, Problem> {
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
    Ok(answer(&ending::report_incident(&act.call, &actor, *id, act.body).await?))
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
pub async fn load_manifest(app: web::Data<App>, actor: Actor, id: Path<Uuid>, act: Act<LoadTogether>) -> Result<HttpResponse, Problem> {
    let driver = actor_of_token(&app, &act.body.driver_token).await?;
    Ok(answer(&transport::load_together(&act.call, &actor, &driver, *id, act.body.release, act.body.take_over).await?))
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
        let body = ConfirmLoad { lines: item.lines, claimed_at: None };
        let manifest_id = item.manifest_id;
        results.push(match receipt::confirm(&call, &actor, manifest_id, body).await {
            Ok(outcome) => ItemResult { manifest_id, status: 200, answer: Some(outcome.body()), problem: None },
            Err(problem) => {
                ItemResult { manifest_id, status: problem.status, answer: None, problem: Some(problem.body(call.lang, &call.request_id.to_string())) }
            }
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

/// Filters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListManifests {
    /// Only those with a task for the caller's unit (待办).
    #[serde(default)]
    waiting_for_me: Option<bool>,
    /// State.
    #[serde(default)]
    #[param(inline)]
    state: Option<State>,
    /// Another party.
    #[serde(default)]
    party: Option<Uuid>,
    /// Waste code.
    #[serde(default)]
    #[param(max_length = 12)]
    code: Option<String>,
    /// Plate.
    #[serde(default)]
    plate: Option<Plate>,
    /// Any of the three numbers.
    #[serde(default)]
    #[param(max_length = 40)]
    number: Option<String>,
    /// Flag.
    #[serde(default)]
    #[param(max_length = 60)]
    flag: Option<String>,
    /// Issued on or after this day.
    #[serde(default)]
    from: Option<chrono::NaiveDate>,
    /// Issued on or before this day.
    #[serde(default)]
    until: Option<chrono::NaiveDate>,
    /// Where the page before ended.
    #[serde(default)]
    #[param(max_length = 60)]
    cursor: Option<String>,
    /// How many, 50 without it.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Manifests that the caller may see, newest first.
#[utoipa::path(
    tag = "manifests", operation_id = "list_manifests", security(("bearer" = [])), params(ListManifests),
    responses((status = 200, description = "A page: `items`, and `next_cursor` where there is more", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests")]
pub async fn list_manifests(app: web::Data<App>, actor: Actor, query: web::Query<ListManifests>) -> Result<HttpResponse, Problem> {
    let query = query.into_inner();
    let limit = query.limit.unwrap_or(50);
    if !(1..=500).contains(&limit) {
        return Err(Problem::parameter("limit", Text::new("limit 须为 1 至 500", "limit must be 1 to 500")));
    }
    for (name, word, longest) in [("code", &query.code, 12), ("number", &query.number, 40), ("flag", &query.flag, 60)] {
        if word.as_ref().is_some_and(|word| word.contains('\0') || word.chars().count() > longest) {
            let text = Text::new(format!("{name} 至多 {longest} 个字符"), format!("{name} has at most {longest} characters"));
            return Err(Problem::parameter(name, text));
        }
    }
    let text = |value: Option<String>| value.unwrap_or_default();
    let filters = [
        ("waiting_for_me", text(query.waiting_for_me.map(|one| one.to_string()))),
        ("state", text(query.state.map(|one| one.as_str().to_owned()))),
        ("party", text(query.party.map(|one| one.to_string()))),
        ("code", text(query.code.clone())),
        ("plate", text(query.plate.as_ref().map(ToString::to_string))),
        ("number", text(query.number.clone())),
        ("flag", text(query.flag.clone())),
        ("from", text(query.from.map(|one| one.to_string()))),
        ("until", text(query.until.map(|one| one.to_string()))),
    ];
    let filters: Vec<(&str, &str)> = filters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let hash = FilterHash::of("manifests", &filters);
    let before = match &query.cursor {
        None => Uuid::max(),
        Some(cursor) => cursor::decode(cursor, hash)
            .map_err(|_| Problem::parameter("cursor", Text::new("游标与筛选条件不符", "The cursor does not belong to these filters")))?,
    };
    let filter = Filter {
        waiting_for_me: query.waiting_for_me.unwrap_or(false),
        state: query.state.map(|state| state.as_str().to_owned()),
        party: query.party,
        code: query.code,
        plate: query.plate.map(|plate| plate.to_string()),
        number: query.number,
        flag: query.flag,
        from: query.from.map(start_of),
        until: query.until.map(end_of),
    };
    let mut conn = app.db.get().await?;
    let rows = store::list(&mut conn, &Scope::of(&actor), &filter, before, limit + 1).await?;
    let is_more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > limit;
    let rows: Vec<_> = rows.into_iter().take(usize::try_from(limit).unwrap_or(usize::MAX)).collect();
    let mut body = String::from("{\"items\":[");
    for (index, (_, doc)) in rows.iter().enumerate() {
        if index > 0 {
            body.push(',');
        }
        body.push_str(doc);
    }
    body.push(']');
    if let Some((last, _)) = rows.last().filter(|_| is_more) {
        body.push_str(&format!(",\"next_cursor\":\"{}\"", cursor::encode(hash, *last)));
    }
    body.push('}');
    Ok(HttpResponse::Ok().content_type("application/json").body(body))
}

/// A manifest with its parts, links, tasks and deadlines; an officer's look goes to the access log.
#[utoipa::path(
    tag = "manifests", operation_id = "get_manifest", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "The manifest", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}")]
pub async fn get_manifest(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let (doc, version) = store::get(&mut conn, *id, &Scope::of(&actor)).await?.ok_or_else(Problem::not_found)?;
    if actor.is_officer() {
        let (log, now) = (app.clock.new_id(), app.clock.now());
        evidence::log_access(&mut conn, log, actor.user, actor.unit_id(), *id, "manifest", request_id_of(&request), now).await?;
    }
    Ok(HttpResponse::Ok().content_type("application/json").insert_header(("ETag", format!("\"{version}\""))).body(doc))
}

/// What the caller may do next.
#[derive(Serialize, ToSchema)]
pub struct Next {
    next: Vec<NextAct>,
}

/// What the caller may do now, and what each act still lacks.
#[utoipa::path(
    tag = "manifests", operation_id = "list_next_acts", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "The acts", body = Next),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/next")]
pub async fn list_next_acts(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(Next { next: read::next_of(&app, &actor, *id, Look("next", request_id_of(&request))).await? }))
}

/// Where to go on in a chain.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// The last place already seen.
    #[serde(default)]
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// The events of a manifest, oldest first, 200 at most.
#[utoipa::path(
    tag = "manifests", operation_id = "list_manifest_events", security(("bearer" = [])), params(("manifest_id" = Uuid, Path), After),
    responses((status = 200, description = "The events", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/events")]
pub async fn list_manifest_events(
    request: HttpRequest,
    app: web::Data<App>,
    actor: Actor,
    id: Path<Uuid>,
    query: web::Query<After>,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    read::visible(&app, &mut conn, &actor, *id, Look("events", request_id_of(&request))).await?;
    let events = evidence::events_of(&mut conn, *id, query.after.unwrap_or(0), 200).await?;
    let events = events.iter().map(read::shown).collect::<Result<Vec<_>, _>>()?;
    Ok(HttpResponse::Ok().json(json!({ "events": events })))
}

/// The evidence of a manifest as a file for `liandan verify`.
#[utoipa::path(
    tag = "manifests", operation_id = "get_manifest_evidence", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "Chains, parts and signatures", body = Evidence),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/evidence")]
pub async fn get_manifest_evidence(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(read::evidence(&app, &actor, *id, Look("evidence", request_id_of(&request))).await?))
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

/// Keep a draft (草稿): a plain document without a number, checked only for its shape.
#[utoipa::path(
    tag = "manifests", operation_id = "create_draft", security(("bearer" = [])), request_body = IssueManifest,
    responses((status = 201, description = "Kept", body = DraftAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifest_drafts")]
pub async fn create_draft(app: web::Data<App>, actor: Actor, Body(body): Body<IssueManifest>) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let (id, now) = (app.clock.new_id(), app.clock.now());
    let mut conn = app.db.get().await?;
    let version = store::put_draft(&mut conn, id, unit, &json!(body), None, now).await?.ok_or_else(|| Problem::broken("a new draft was not kept"))?;
    Ok(HttpResponse::Created().insert_header(("ETag", format!("\"{version}\""))).json(DraftAnswer { id, version }))
}

/// Drafts of the caller's unit.
#[utoipa::path(
    tag = "manifests", operation_id = "list_drafts", security(("bearer" = [])),
    responses((status = 200, description = "At most 500, newest first", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifest_drafts")]
pub async fn list_drafts(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let mut conn = app.db.get().await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(store::drafts(&mut conn, unit).await?))
}

/// One draft.
#[utoipa::path(
    tag = "manifests", operation_id = "get_draft", security(("bearer" = [])), params(("draft_id" = Uuid, Path)),
    responses((status = 200, description = "The draft", body = IssueManifest),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifest_drafts/{draft_id}")]
pub async fn get_draft(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let mut conn = app.db.get().await?;
    let (document, version) = store::draft(&mut conn, *id, unit, false).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{version}\""))).json(document))
}

/// Write a draft anew; `If-Match` names the version seen.
#[utoipa::path(
    tag = "manifests", operation_id = "put_draft", security(("bearer" = [])), request_body = IssueManifest,
    params(("draft_id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = "^\"?[0-9]{1,18}\"?$")),
    responses((status = 200, description = "Kept", body = DraftAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[put("/manifest_drafts/{draft_id}")]
pub async fn put_draft(
    request: HttpRequest,
    app: web::Data<App>,
    actor: Actor,
    id: Path<Uuid>,
    Body(body): Body<IssueManifest>,
) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let seen = request.headers().get("if-match").ok_or_else(|| Problem::of(&kinds::VERSION_MISSING))?;
    let seen = seen.to_str().ok().and_then(|text| text.trim_matches('"').parse::<i64>().ok());
    let seen = seen.ok_or_else(|| Problem::parameter("If-Match", Text::new("If-Match 须为版本号", "If-Match must be a version")))?;
    let mut conn = app.db.get().await?;
    let (_, present) = store::draft(&mut conn, *id, unit, false).await?.ok_or_else(Problem::not_found)?;
    let version = store::put_draft(&mut conn, *id, unit, &json!(body), Some(seen), app.clock.now()).await?;
    let version = version.ok_or_else(|| Problem::of(&kinds::STALE).with("version", present.into()))?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{version}\""))).json(DraftAnswer { id: *id, version }))
}

/// Throw a draft away.
#[utoipa::path(
    tag = "manifests", operation_id = "delete_draft", security(("bearer" = [])), params(("draft_id" = Uuid, Path)),
    responses((status = 204, description = "Gone"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[delete("/manifest_drafts/{draft_id}")]
pub async fn delete_draft(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let mut conn = app.db.get().await?;
    if store::delete_draft(&mut conn, *id, unit).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
}

/// Confirmed warnings of a draft's issue.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueDraft {
    /// Warnings that are confirmed.
    #[serde(default)]
    #[schema(required = false, max_items = 20)]
    confirmed: Vec<Confirmation>,
}

/// Issue a draft: the manifest has its id.
#[utoipa::path(
    tag = "manifests", operation_id = "issue_draft", security(("bearer" = [])), request_body = IssueDraft,
    params(("draft_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 201, description = "Issued", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifest_drafts/{draft_id}/issue")]
pub async fn issue_draft(actor: Actor, id: Path<Uuid>, act: Act<IssueDraft>) -> Result<HttpResponse, Problem> {
    Ok(created(&issue::issue_draft(&act.call, &actor, *id, act.body.confirmed).await?, None))
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
        return Err(Problem::parameter("count", Text::new("count 须为 1 至 50", "count must be 1 to 50")));
    }
    let mut conn = app.db.get().await?;
    let (stored, _) = read::visible(&app, &mut conn, &actor, *id, Look("duplicate", request_id_of(&request))).await?;
    let earlier = &stored.record.consignment;
    if earlier.consignor.unit_id != unit || earlier.link.is_some() {
        return Err(Problem::of(&kinds::FORBIDDEN));
    }
    let document = json!(issue::like(earlier, body.planned_departure_on, body.planned_receipt_on, &body.masses, Vec::new())?);
    let mut drafts = Vec::new();
    for _ in 0..body.count {
        let draft = app.clock.new_id();
        let version = store::put_draft(&mut conn, draft, unit, &document, None, app.clock.now()).await?.unwrap_or(1);
        drafts.push(DraftAnswer { id: draft, version });
    }
    Ok(HttpResponse::Created().json(DraftAnswers { drafts }))
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

/// Where to go on in the feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedAfter {
    /// The last place already taken; 0 from the beginning.
    #[serde(default)]
    #[param(minimum = 0)]
    after: Option<i64>,
    /// How many, 100 without it.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Where a stream was left.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the contract only; `left_at` parses the header")]
pub struct LeftAt {
    /// For a stream that was cut: the last `id` that came; it goes before `after`.
    #[param(rename = "Last-Event-ID", required = false, pattern = "^[0-9]{1,18}$")]
    last_event_id: Option<String>,
}

fn left_at(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get("last-event-id") else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| text.len() <= 18 && text.bytes().all(|digit| digit.is_ascii_digit()));
    text.and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| Problem::parameter("Last-Event-ID", Text::new("须为事件流中的 id", "It must be an id of the stream")))
}

/// Whether the caller wants a stream: of what the server has, the first that is named.
fn wants_stream(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = accept.split(',').filter_map(|range| range.split(';').next()).map(str::trim);
    named.into_iter().find(|range| matches!(*range, "text/event-stream" | "application/json" | "application/*" | "*/*")) == Some("text/event-stream")
}

/// Events of all manifests that the caller may see, in one dense order: for ERP systems that follow.
///
/// With `Accept: text/event-stream` a stream: `id` is the place in the feed, `data` what the list holds; `limit` does not count.
#[utoipa::path(
    tag = "manifests", operation_id = "list_events", security(("bearer" = [])), params(FeedAfter, LeftAt),
    responses((status = 200, description = "`events`, and `after`: where to go on", content((Value = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/events")]
pub async fn list_events(
    app: web::Data<App>,
    actor: Actor,
    credential: Credential,
    query: web::Query<FeedAfter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit.unwrap_or(100);
    let after = query.after.unwrap_or(0);
    if !(1..=500).contains(&limit) || after < 0 {
        return Err(Problem::parameter("limit", Text::new("limit 须为 1 至 500，after 不得为负", "limit must be 1 to 500, after not negative")));
    }
    let after = left_at(&request)?.unwrap_or(after);
    if wants_stream(&request) {
        return stream::open(app, actor, credential, after, request_id_of(&request));
    }
    let mut conn = app.db.get().await?;
    let page = feed::page(&mut conn, &Scope::of(&actor), after, limit).await?;
    feed::log_looks(&app, &mut conn, &actor, &page, Look("events", request_id_of(&request))).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(page.document()))
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
