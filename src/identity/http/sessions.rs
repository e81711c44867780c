//! Wire types and routes of the caller's own sessions (会话). No rule lives here.

use actix_web::web::Path;
use actix_web::{HttpResponse, delete, get, web};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::identity::acts;
use crate::identity::domain::Actor;
use crate::identity::store::{self, OwnSession};
use crate::platform::app::App;
use crate::platform::problem::{Problem, ProblemBody, kinds};
use crate::platform::query::{NoQuery, Query};

/// Sessions.
#[derive(Serialize, ToSchema)]
pub struct Sessions {
    sessions: Vec<OwnSession>,
}

/// The caller's living sessions, the newest first, with the names of their devices.
#[utoipa::path(
    tag = "identity", operation_id = "list_sessions", security(("bearer" = [])),
    responses((status = 200, description = "At most 500", body = Sessions),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/sessions")]
pub async fn list_sessions(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let current = actor.session.ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
    let mut conn = app.db.get().await?;
    Ok(HttpResponse::Ok().json(Sessions { sessions: store::sessions_of(&mut conn, actor.user, current, app.clock.now()).await? }))
}

/// End one of the caller's sessions at once.
#[utoipa::path(
    tag = "identity", operation_id = "end_session", security(("bearer" = [])), params(("session_id" = Uuid, Path)),
    responses((status = 204, description = "Ended"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[delete("/sessions/{session_id}")]
pub async fn end_session(app: web::Data<App>, actor: Actor, id: Path<Uuid>, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    acts::end_own_session(&app, &actor, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}
