//! Routes of operating licences and exempt-stage receivers.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Nothing};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::acts;
use crate::registry::domain::{ExemptStatement, LicenceStatement, Sentence, WithdrawalKind};
use crate::registry::page::{ListQuery, PageQuery, list, list_of_unit, one};
use crate::registry::store::{self, ExemptReceiver, Licence};

/// Record a licence of the caller's unit; it counts once an officer verified it.
#[utoipa::path(
    tag = "registry", operation_id = "record_licence", security(("bearer" = [])), request_body = LicenceStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/licences")]
pub async fn record_licence(actor: Actor, act: Act<LicenceStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_licence(&act.call, &actor, act.body).await?, None))
}

/// Licences.
#[utoipa::path(
    tag = "registry", operation_id = "list_licences", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Licence>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/licences")]
pub async fn list_licences(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Licence>(&app, &actor, store::LICENCES, "list_licences", query.0).await
}

/// The licences of any unit: partners must check them.
#[utoipa::path(
    tag = "registry", operation_id = "list_unit_licences", security(("bearer" = [])), params(("unit_id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Licence>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/units/{unit_id}/licences")]
pub async fn list_unit_licences(app: web::Data<App>, _actor: Actor, unit: Path<Uuid>, query: Query<PageQuery>) -> Result<HttpResponse, Problem> {
    list_of_unit::<Licence>(&app, *unit, store::LICENCES_OPEN, "list_unit_licences", query.0).await
}

/// One licence.
#[utoipa::path(
    tag = "registry", operation_id = "get_licence", security(("bearer" = [])), params(("licence_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Licence),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/licences/{licence_id}")]
pub async fn get_licence(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Licence>(&app, &actor, store::LICENCES_OPEN, *id).await
}

/// Verify a licence for a site of the officer's division.
#[utoipa::path(
    tag = "registry", operation_id = "verify_licence", security(("bearer" = [])), request_body = Nothing,
    params(("licence_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Verified", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/licences/{licence_id}/verify")]
pub async fn verify_licence(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::verify_licence(&act.call, &actor, *id).await?))
}

/// Why and when a licence does not count.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WithdrawLicence {
    /// What was decided.
    kind: WithdrawalKind,
    /// First day.
    from_on: NaiveDate,
    /// Last day of a suspension.
    #[serde(default)]
    until_on: Option<NaiveDate>,
    /// Why.
    reason: Sentence,
}

/// Enter that a licence was revoked, cancelled or suspended.
#[utoipa::path(
    tag = "registry", operation_id = "withdraw_licence", security(("bearer" = [])), request_body = WithdrawLicence,
    params(("licence_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Withdrawn", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/licences/{licence_id}/withdraw")]
pub async fn withdraw_licence(actor: Actor, id: Path<Uuid>, act: Act<WithdrawLicence>) -> Result<HttpResponse, Problem> {
    let body = act.body;
    Ok(answer(&acts::withdraw_licence(&act.call, &actor, *id, body.kind, body.from_on, body.until_on, body.reason).await?))
}

/// Record that the caller's unit receives at an exempt stage; it counts once an officer verified it.
#[utoipa::path(
    tag = "registry", operation_id = "record_exempt_receiver", security(("bearer" = [])), request_body = ExemptStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/exempt_receivers")]
pub async fn record_exempt_receiver(actor: Actor, act: Act<ExemptStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_exempt_receiver(&act.call, &actor, act.body).await?, None))
}

/// Exempt-stage receivers.
#[utoipa::path(
    tag = "registry", operation_id = "list_exempt_receivers", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<ExemptReceiver>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/exempt_receivers")]
pub async fn list_exempt_receivers(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<ExemptReceiver>(&app, &actor, store::EXEMPT_RECEIVERS, "list_exempt_receivers", query.0).await
}

/// The exempt stages of any unit.
#[utoipa::path(
    tag = "registry", operation_id = "list_unit_exempt_receivers", security(("bearer" = [])), params(("unit_id" = Uuid, Path), PageQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<ExemptReceiver>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/units/{unit_id}/exempt_receivers")]
pub async fn list_unit_exempt_receivers(
    app: web::Data<App>,
    _actor: Actor,
    unit: Path<Uuid>,
    query: Query<PageQuery>,
) -> Result<HttpResponse, Problem> {
    list_of_unit::<ExemptReceiver>(&app, *unit, store::EXEMPT_RECEIVERS_OPEN, "list_unit_exempt_receivers", query.0).await
}

/// One exempt-stage receiver.
#[utoipa::path(
    tag = "registry", operation_id = "get_exempt_receiver", security(("bearer" = [])), params(("exempt_receiver_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = ExemptReceiver),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/exempt_receivers/{exempt_receiver_id}")]
pub async fn get_exempt_receiver(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<ExemptReceiver>(&app, &actor, store::EXEMPT_RECEIVERS_OPEN, *id).await
}

/// Verify an exempt-stage receiver of the officer's division.
#[utoipa::path(
    tag = "registry", operation_id = "verify_exempt_receiver", security(("bearer" = [])), request_body = Nothing,
    params(("exempt_receiver_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Verified", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/exempt_receivers/{exempt_receiver_id}/verify")]
pub async fn verify_exempt_receiver(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::verify_exempt_receiver(&act.call, &actor, *id).await?))
}
