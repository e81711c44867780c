//! Routes of applications for another province.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::filing::acts::application as acts;
use crate::filing::domain::application::{ApplicationStatement, Clock, DecisionStatement, StepStatement, WithdrawStatement, accepted_on, clocks};
use crate::filing::store::application::{self as store, APPLICATIONS, ApprovalApplication};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::{Act, ActHeaders, ActMode};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::page::{ListQuery, find, list};

/// An application with its clocks.
#[derive(Serialize, ToSchema)]
pub struct ApplicationDocument {
    application: ApprovalApplication,
    /// The day on which it counts as accepted: as told, else the day it came where nothing was told in time.
    accepted_on: Option<NaiveDate>,
    /// Time limits of the procedure as far as it has come.
    clocks: Vec<Clock>,
}

/// Record an application for another province (跨省转移申请).
#[utoipa::path(
    tag = "filing", operation_id = "record_application", security(("bearer" = [])), request_body = ApplicationStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/approval_applications")]
pub async fn record_application(actor: Actor, act: Act<ApplicationStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record(&act.call, &actor, act.body).await?, None))
}

/// Applications from and to a unit.
#[utoipa::path(
    tag = "filing", operation_id = "list_applications", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<ApprovalApplication>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/approval_applications")]
pub async fn list_applications(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<ApprovalApplication>(&app, &actor, APPLICATIONS, "list_applications", query.0).await
}

/// One application with its clocks.
#[utoipa::path(
    tag = "filing", operation_id = "get_application", security(("bearer" = [])), params(("application_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = ApplicationDocument),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/approval_applications/{application_id}")]
pub async fn get_application(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let application: ApprovalApplication = find(&app, &actor, APPLICATIONS, *id).await?;
    let steps = store::steps(&mut *app.db.get().await?, *id).await?;
    let (calendar, today, version) = (app.working_days(), legal_day(app.clock.now()), application.version);
    let accepted_on = accepted_on(application.applied_on, &steps, &calendar, today);
    let clocks = clocks(application.applied_on, &steps, &calendar, today);
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{version}\""))).json(ApplicationDocument { application, accepted_on, clocks }))
}

/// Record what an authority did with an application.
#[utoipa::path(
    tag = "filing", operation_id = "record_application_step", security(("bearer" = [])), request_body = StepStatement,
    params(("application_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Recorded", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/approval_applications/{application_id}/record_step")]
pub async fn record_application_step(actor: Actor, id: Path<Uuid>, act: Act<StepStatement>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::record_step(&act.call, &actor, *id, act.body).await?))
}

/// Record the decision on an application, or take it as the authority of the province.
#[utoipa::path(
    tag = "filing", operation_id = "decide_application", security(("bearer" = [])), request_body = DecisionStatement,
    params(("application_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Decided", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/approval_applications/{application_id}/decide")]
pub async fn decide_application(actor: Actor, id: Path<Uuid>, act: Act<DecisionStatement>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::decide(&act.call, &actor, *id, act.body).await?))
}

/// Take an application back.
#[utoipa::path(
    tag = "filing", operation_id = "withdraw_application", security(("bearer" = [])), request_body = WithdrawStatement,
    params(("application_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Withdrawn", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/approval_applications/{application_id}/withdraw")]
pub async fn withdraw_application(actor: Actor, id: Path<Uuid>, act: Act<WithdrawStatement>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::withdraw(&act.call, &actor, *id, act.body).await?))
}
