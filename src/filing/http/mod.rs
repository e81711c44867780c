//! Wire types and routes of filing. No rule lives here.

pub mod application;
pub mod attachment;
pub mod declaration;
pub mod plan;
pub mod record;

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use uuid::Uuid;

use super::acts;
use super::domain::{ApprovalStatement, PlanFlowChange, PlanFlowStatement};
use super::store::{self, Approval, PlanFlow};
use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Nothing};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::page::{ListQuery, list, one};

/// Record a flow of the yearly plan of a site of the caller's unit.
#[utoipa::path(
    tag = "filing", operation_id = "record_plan_flow", security(("bearer" = [])), request_body = PlanFlowStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plan_flows")]
pub async fn record_plan_flow(actor: Actor, act: Act<PlanFlowStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_plan_flow(&act.call, &actor, act.body).await?, None))
}

/// Plan flows from and to a unit.
#[utoipa::path(
    tag = "filing", operation_id = "list_plan_flows", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<PlanFlow>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/plan_flows")]
pub async fn list_plan_flows(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<PlanFlow>(&app, &actor, store::PLAN_FLOWS, "list_plan_flows", query.0).await
}

/// One plan flow.
#[utoipa::path(
    tag = "filing", operation_id = "get_plan_flow", security(("bearer" = [])), params(("plan_flow_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = PlanFlow),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/plan_flows/{plan_flow_id}")]
pub async fn get_plan_flow(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<PlanFlow>(&app, &actor, store::PLAN_FLOWS, *id).await
}

/// Change a plan flow.
#[utoipa::path(
    tag = "filing", operation_id = "change_plan_flow", security(("bearer" = [])), request_body = PlanFlowChange,
    params(("plan_flow_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Changed", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plan_flows/{plan_flow_id}/change")]
pub async fn change_plan_flow(actor: Actor, id: Path<Uuid>, act: Act<PlanFlowChange>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::change_plan_flow(&act.call, &actor, *id, act.body).await?))
}

/// Record an approval for another province.
#[utoipa::path(
    tag = "filing", operation_id = "record_approval", security(("bearer" = [])), request_body = ApprovalStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/approvals")]
pub async fn record_approval(actor: Actor, act: Act<ApprovalStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_approval(&act.call, &actor, act.body).await?, None))
}

/// Approvals from and to a unit.
#[utoipa::path(
    tag = "filing", operation_id = "list_approvals", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Approval>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/approvals")]
pub async fn list_approvals(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Approval>(&app, &actor, store::APPROVALS, "list_approvals", query.0).await
}

/// One approval.
#[utoipa::path(
    tag = "filing", operation_id = "get_approval", security(("bearer" = [])), params(("approval_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Approval),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/approvals/{approval_id}")]
pub async fn get_approval(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Approval>(&app, &actor, store::APPROVALS, *id).await
}

/// Verify an approval of the officer's division.
#[utoipa::path(
    tag = "filing", operation_id = "verify_approval", security(("bearer" = [])), request_body = Nothing,
    params(("approval_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Verified", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/approvals/{approval_id}/verify")]
pub async fn verify_approval(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::verify_approval(&act.call, &actor, *id).await?))
}
