//! Routes of contracts.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use uuid::Uuid;

use super::site::EndOn;
use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::acts;
use crate::registry::domain::ContractStatement;
use crate::registry::page::{ListQuery, list, one};
use crate::registry::store::{self, Contract};

/// Record a contract to which the caller's unit is a party.
#[utoipa::path(
    tag = "registry", operation_id = "record_contract", security(("bearer" = [])), request_body = ContractStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/contracts")]
pub async fn record_contract(actor: Actor, act: Act<ContractStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_contract(&act.call, &actor, act.body).await?, None))
}

/// Contracts.
#[utoipa::path(
    tag = "registry", operation_id = "list_contracts", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Contract>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/contracts")]
pub async fn list_contracts(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Contract>(&app, &actor, store::CONTRACTS, "list_contracts", query.0).await
}

/// One contract.
#[utoipa::path(
    tag = "registry", operation_id = "get_contract", security(("bearer" = [])), params(("contract_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Contract),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/contracts/{contract_id}")]
pub async fn get_contract(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<Contract>(&app, &actor, store::CONTRACTS, *id).await
}

/// End a contract earlier.
#[utoipa::path(
    tag = "registry", operation_id = "end_contract", security(("bearer" = [])), request_body = EndOn,
    params(("contract_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Ended", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/contracts/{contract_id}/end")]
pub async fn end_contract(actor: Actor, id: Path<Uuid>, act: Act<EndOn>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::end_contract(&act.call, &actor, *id, act.body.until_on).await?))
}
