//! Wire types and routes of invitations. No rule lives here.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::evidence::{ActAnswer, answer, created};
use crate::identity::acts;
use crate::identity::domain::{Actor, Role};
use crate::identity::store::{self, Invitation};
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Nothing};
use crate::platform::problem::{Problem, ProblemBody, kinds};

/// An invitation to somebody who has, or will have, an account.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invite {
    /// The person's login; whether it exists is not told.
    #[schema(min_length = 3, max_length = 60, pattern = "^[A-Za-z0-9_.@-]{3,60}$")]
    login: String,
    /// Roles in the unit.
    #[schema(max_items = 10)]
    roles: Vec<Role>,
}

/// Invite a person into the caller's unit; he becomes a member by accepting.
#[utoipa::path(
    tag = "identity", operation_id = "invite", security(("bearer" = [])), request_body = Invite, params(ActHeaders, ActMode),
    responses((status = 201, description = "Invited, whether or not such an account exists", body = ActAnswer),
        (status = 200, description = "Check mode", body = crate::evidence::CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/invitations")]
pub async fn invite(actor: Actor, act: Act<Invite>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::invite(&act.call, &actor, &act.body.login, act.body.roles.into_iter().collect()).await?, None))
}

/// Invitations.
#[derive(Serialize, ToSchema)]
pub struct Invitations {
    invitations: Vec<Invitation>,
}

/// The open invitations of the caller's unit; those to the caller stand in `get_me`.
#[utoipa::path(
    tag = "identity", operation_id = "list_invitations", security(("bearer" = [])),
    responses((status = 200, description = "Invitations that wait for an answer", body = Invitations),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/invitations")]
pub async fn list_invitations(app: web::Data<App>, actor: Actor) -> Result<HttpResponse, Problem> {
    let unit = actor.unit_id().filter(|_| actor.roles.has(Role::UnitAdmin)).ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
    let mut conn = app.db.get().await?;
    let invitations = store::invitations_of_unit(&mut conn, unit, app.clock.now()).await?;
    Ok(HttpResponse::Ok().json(Invitations { invitations }))
}

/// Accept an invitation to the caller's own login.
#[utoipa::path(
    tag = "identity", operation_id = "accept_invitation", security(("bearer" = [])), request_body = Nothing,
    params(("invitation_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "A member", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/invitations/{invitation_id}/accept")]
pub async fn accept_invitation(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::accept_invitation(&act.call, &actor, *id).await?))
}

/// Decline an invitation, or withdraw one of the caller's unit.
#[utoipa::path(
    tag = "identity", operation_id = "end_invitation", security(("bearer" = [])), request_body = Nothing,
    params(("invitation_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Ended", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/invitations/{invitation_id}/end")]
pub async fn end_invitation(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::end_invitation(&act.call, &actor, *id).await?))
}
