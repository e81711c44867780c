//! Drafts (草稿): plain documents before issue.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DraftAnswer, drafter};
use crate::evidence::{ActAnswer, CheckAnswer, created};
use crate::identity::Actor;
use crate::manifest::acts::issue;
use crate::manifest::findings::Confirmation;
use crate::manifest::input::IssueManifest;
use crate::manifest::store;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Body};
use crate::platform::problem::{Problem, ProblemBody, Text, kinds};
use crate::platform::query::{NoQuery, Query};

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
pub async fn delete_draft(app: web::Data<App>, actor: Actor, id: Path<Uuid>, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
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
