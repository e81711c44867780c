//! Drafts (草稿): plain documents before issue.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::Deserialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DraftAnswer, drafter};
use crate::evidence::{ActAnswer, CheckAnswer, created};
use crate::identity::Actor;
use crate::manifest::acts::issue;
use crate::manifest::drafts;
use crate::manifest::findings::Confirmation;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Body};
use crate::platform::problem::{Problem, ProblemBody, Text, kinds};
use crate::platform::query::{NoQuery, Query};
use crate::platform::shape::{FAULTS_MAX, Fault, FaultDetail};

/// A manifest as far as it is known yet (草稿): any of the members of `IssueManifest`, checked when it is issued.
#[derive(Deserialize, ToSchema)]
#[schema(value_type = Object)]
pub struct Draft(Map<String, Value>);

impl Draft {
    /// The document, whose members must have a meaning at the issue: a typing error shall not wait until then.
    fn document(self, app: &App) -> Result<Value, Problem> {
        let known = &app.contract["components"]["schemas"]["IssueManifest"]["properties"];
        let strange = self.0.keys().filter(|name| known.get(name.as_str()).is_none());
        let faults: Vec<Fault> =
            strange.take(FAULTS_MAX).map(|name| Fault::new(format!("/{name}"), FaultDetail::UnknownField { name: name.clone() })).collect();
        if faults.is_empty() { Ok(Value::Object(self.0)) } else { Err(Problem::shape(faults)) }
    }
}

/// Keep a draft (草稿): a plain document without a number; what is missing or wrong in it is told when it is issued.
#[utoipa::path(
    tag = "manifests", operation_id = "create_draft", security(("bearer" = [])), request_body = Draft,
    responses((status = 201, description = "Kept", body = DraftAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifest_drafts")]
pub async fn create_draft(app: web::Data<App>, actor: Actor, Body(body): Body<Draft>) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let document = body.document(&app)?;
    let (id, now) = (app.clock.new_id(), app.clock.now());
    let mut conn = app.db.get().await?;
    let version = drafts::put(&mut conn, id, unit, &document, None, now).await?.ok_or_else(|| Problem::broken("a new draft was not kept"))?;
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
    Ok(HttpResponse::Ok().content_type("application/json").body(drafts::list(&mut conn, unit).await?))
}

/// One draft.
#[utoipa::path(
    tag = "manifests", operation_id = "get_draft", security(("bearer" = [])), params(("draft_id" = Uuid, Path)),
    responses((status = 200, description = "The draft", body = Draft),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifest_drafts/{draft_id}")]
pub async fn get_draft(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let mut conn = app.db.get().await?;
    let (document, version) = drafts::get(&mut conn, *id, unit, false).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{version}\""))).json(document))
}

/// Write a draft anew; `If-Match` names the version seen.
#[utoipa::path(
    tag = "manifests", operation_id = "put_draft", security(("bearer" = [])), request_body = Draft,
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
    Body(body): Body<Draft>,
) -> Result<HttpResponse, Problem> {
    let unit = drafter(&actor)?;
    let seen = request.headers().get("if-match").ok_or_else(|| Problem::of(&kinds::VERSION_MISSING))?;
    let seen = seen.to_str().ok().and_then(|text| text.trim_matches('"').parse::<i64>().ok());
    let seen = seen.ok_or_else(|| Problem::parameter("If-Match", Text::new("If-Match 须为版本号", "If-Match must be a version")))?;
    let document = body.document(&app)?;
    let mut conn = app.db.get().await?;
    let (_, present) = drafts::get(&mut conn, *id, unit, false).await?.ok_or_else(Problem::not_found)?;
    let version = drafts::put(&mut conn, *id, unit, &document, Some(seen), app.clock.now()).await?;
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
    if drafts::delete(&mut conn, *id, unit).await? { Ok(HttpResponse::NoContent().finish()) } else { Err(Problem::not_found()) }
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
