//! Routes of sites, facilities and closures.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::acts;
use crate::registry::domain::{ClosureStatement, FacilityStatement, ManagementClass, Sentence, SiteStatement};
use crate::registry::page::{ListQuery, list, one};
use crate::registry::store::{self, Closure, Facility, Site};

/// Record a site of the caller's unit.
#[utoipa::path(
    tag = "registry", operation_id = "record_site", security(("bearer" = [])), request_body = SiteStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sites")]
pub async fn record_site(actor: Actor, act: Act<SiteStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_site(&act.call, &actor, act.body).await?, None))
}

/// Record a site of a unit outside the system.
#[utoipa::path(
    tag = "registry", operation_id = "record_external_site", security(("bearer" = [])), request_body = SiteStatement,
    params(("unit_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/units/{unit_id}/sites")]
pub async fn record_external_site(actor: Actor, unit: Path<Uuid>, act: Act<SiteStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_external_site(&act.call, &actor, *unit, act.body).await?, None))
}

/// Sites.
#[utoipa::path(
    tag = "registry", operation_id = "list_sites", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Site>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/sites")]
pub async fn list_sites(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Site>(&app, &actor, store::SITES, "list_sites", query.0).await
}

/// One site.
#[utoipa::path(
    tag = "registry", operation_id = "get_site", security(("bearer" = [])), params(("site_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Site),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/sites/{site_id}")]
pub async fn get_site(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Site>(&app, &actor, store::SITES, *id).await
}

/// State a site anew, whole.
#[utoipa::path(
    tag = "registry", operation_id = "change_site", security(("bearer" = [])), request_body = SiteStatement,
    params(("site_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Changed", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sites/{site_id}/change")]
pub async fn change_site(actor: Actor, id: Path<Uuid>, act: Act<SiteStatement>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::change_site(&act.call, &actor, *id, act.body).await?))
}

/// The authority's decision on a class.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideClass {
    /// The class.
    class: ManagementClass,
    /// Why.
    reason: Sentence,
}

/// Decide on the class of a site of the officer's division.
#[utoipa::path(
    tag = "registry", operation_id = "decide_class", security(("bearer" = [])), request_body = DecideClass,
    params(("site_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Decided", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sites/{site_id}/decide_class")]
pub async fn decide_class(actor: Actor, id: Path<Uuid>, act: Act<DecideClass>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::decide_class(&act.call, &actor, *id, act.body.class, act.body.reason).await?))
}

/// Record a facility of a site.
#[utoipa::path(
    tag = "registry", operation_id = "record_facility", security(("bearer" = [])), request_body = FacilityStatement, params(("site_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sites/{site_id}/facilities")]
pub async fn record_facility(actor: Actor, id: Path<Uuid>, act: Act<FacilityStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_facility(&act.call, &actor, *id, act.body).await?, None))
}

/// Facilities.
#[utoipa::path(
    tag = "registry", operation_id = "list_facilities", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Facility>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/facilities")]
pub async fn list_facilities(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Facility>(&app, &actor, store::FACILITIES, "list_facilities", query.0).await
}

/// One facility.
#[utoipa::path(
    tag = "registry", operation_id = "get_facility", security(("bearer" = [])), params(("facility_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Facility),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/facilities/{facility_id}")]
pub async fn get_facility(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Facility>(&app, &actor, store::FACILITIES, *id).await
}

/// Give notice that a site stands still or takes nothing.
#[utoipa::path(
    tag = "registry", operation_id = "give_closure", security(("bearer" = [])), request_body = ClosureStatement, params(("site_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 201, description = "Noted", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/sites/{site_id}/closures")]
pub async fn give_closure(actor: Actor, id: Path<Uuid>, act: Act<ClosureStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::give_closure(&act.call, &actor, *id, act.body).await?, None))
}

/// Closure notices.
#[utoipa::path(
    tag = "registry", operation_id = "list_closures", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Closure>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/closures")]
pub async fn list_closures(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Closure>(&app, &actor, store::CLOSURES, "list_closures", query.0).await
}

/// One closure notice.
#[utoipa::path(
    tag = "registry", operation_id = "get_closure", security(("bearer" = [])), params(("closure_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Closure),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/closures/{closure_id}")]
pub async fn get_closure(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Closure>(&app, &actor, store::CLOSURES, *id).await
}

/// The last day.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndOn {
    /// Last day.
    pub(super) until_on: NaiveDate,
}

/// Name the last day of a closure.
#[utoipa::path(
    tag = "registry", operation_id = "end_closure", security(("bearer" = [])), request_body = EndOn,
    params(("closure_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Ended", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/closures/{closure_id}/end")]
pub async fn end_closure(actor: Actor, id: Path<Uuid>, act: Act<EndOn>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::end_closure(&act.call, &actor, *id, act.body.until_on).await?))
}
