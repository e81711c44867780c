//! Wire types and routes of the list of deputies (代理人). No rule lives here.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::{ActAnswer, answer};
use crate::identity::acts;
use crate::identity::domain::{Actor, Role};
use crate::identity::store::{self, Deputy};
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Nothing};
use crate::platform::problem::{Problem, ProblemBody, kinds};

/// Deputies.
#[derive(Serialize, ToSchema)]
pub struct Deputies {
    deputies: Vec<Deputy>,
}

/// The deputies of the caller's unit, the newest first; for anybody but its administrator those whom he named or for whom he
/// stands in.
#[utoipa::path(
    tag = "identity", operation_id = "list_deputies", security(("bearer" = [])),
    responses((status = 200, description = "At most 500, ended ones included", body = Deputies),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/deputies")]
pub async fn list_deputies(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let (Some(unit), Some(membership)) = (actor.unit_id(), actor.membership) else { return Err(Problem::of(&kinds::FORBIDDEN)) };
    let of = Some(membership).filter(|_| !actor.roles.has(Role::UnitAdmin));
    let mut conn = app.db.get().await?;
    Ok(HttpResponse::Ok().json(Deputies { deputies: store::deputies_of(&mut conn, unit, of).await? }))
}

/// End a deputy's time before its last day.
#[utoipa::path(
    tag = "identity", operation_id = "end_deputy", security(("bearer" = [])), request_body = Nothing,
    params(("deputy_id" = Uuid, Path, description = "The entry in the list of deputies"), ActHeaders, ActMode),
    responses((status = 200, description = "Ended", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/deputies/{deputy_id}/end")]
pub async fn end_deputy(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::end_deputy(&act.call, &actor, *id).await?))
}
