//! Wire types and routes of the list of signing delegations (委托签名). No rule lives here.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::{ActAnswer, answer};
use crate::identity::acts;
use crate::identity::domain::{Actor, Role};
use crate::identity::store::{self, DelegationRow};
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Nothing};
use crate::platform::problem::{Problem, ProblemBody, kinds};

/// Signing delegations.
#[derive(Serialize, ToSchema)]
pub struct Delegations {
    signing_delegations: Vec<DelegationRow>,
}

/// What the keys of the caller's unit may sign, and in whose name, the newest first.
#[utoipa::path(
    tag = "identity", operation_id = "list_signing_delegations", security(("bearer" = [])),
    responses((status = 200, description = "At most 500, ended ones included", body = Delegations),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/signing_delegations")]
pub async fn list_signing_delegations(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let unit = actor
        .unit_id()
        .filter(|_| actor.roles.has(Role::UnitAdmin) || actor.roles.has(Role::Signatory))
        .ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
    let mut conn = app.db.get().await?;
    Ok(HttpResponse::Ok().json(Delegations { signing_delegations: store::delegations_of(&mut conn, unit).await? }))
}

/// End a signing delegation at once.
#[utoipa::path(
    tag = "identity", operation_id = "end_signing_delegation", security(("bearer" = [])), request_body = Nothing,
    params(("delegation_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Ended", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/signing_delegations/{delegation_id}/end")]
pub async fn end_signing_delegation(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::end_delegation(&act.call, &actor, *id).await?))
}
