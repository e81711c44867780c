//! Routes of management plans.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, delete, get, post, put, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::evidence::{ActAnswer, answer};
use crate::filing::acts::plan as acts;
use crate::filing::domain::plan::PlanTables;
use crate::filing::store::plan::{self as store, Plan};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Body, Nothing, lang_of, text_header};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody, Text, kinds};
use crate::platform::query::{NoQuery, Query};
use crate::registry::page::{ListQuery, find, list};
use crate::registry::{PaperNo, Sentence, Words};

/// A plan to begin.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanStatement {
    /// The site.
    site_id: Uuid,
    /// Year of the plan.
    #[schema(minimum = 1990, maximum = 2200)]
    year: i32,
    /// Its tables, as far as they are known.
    #[serde(default)]
    tables: PlanTables,
}

/// The tables of a draft, written anew.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanDraft {
    /// All tables.
    tables: PlanTables,
}

/// Which plan to copy.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CopyPlan {
    /// The site.
    site_id: Uuid,
    /// Year whose plan is copied.
    #[schema(minimum = 1990, maximum = 2200)]
    from_year: i32,
    /// Year of the new plan.
    #[schema(minimum = 1990, maximum = 2200)]
    year: i32,
}

/// A change of a filed plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangePlan {
    /// Why.
    reason: Sentence,
    /// All tables as they shall be.
    tables: PlanTables,
}

/// The authority's number of a filing.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeFiling {
    /// 备案编号, of the national system.
    pub(super) official_filing_no: PaperNo,
}

/// What an officer says of a plan.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentPlan {
    /// In words.
    comment: Words<2, 2_000>,
}

/// Where a draft lies.
#[derive(Serialize, ToSchema)]
pub struct PlanDraftAnswer {
    /// The plan.
    id: Uuid,
    /// For `If-Match`.
    #[schema(minimum = 1)]
    version: i64,
}

/// A plan with all that stands in it.
#[derive(Serialize, ToSchema)]
pub struct PlanDocument {
    plan: Plan,
    /// The revision shown; 0 for a draft.
    shown_revision: i32,
    /// The tables of that revision.
    #[schema(value_type = PlanTables)]
    tables: Value,
    /// Table A.1 and what else was read from registry and catalogue when it was filed; null for a draft.
    drawn: Value,
    /// Every filing, newest first, with the number that the authority gave it.
    revisions: Value,
    /// What officers said, newest first.
    comments: Value,
}

/// Which revision of a plan.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichRevision {
    /// An earlier filing; the newest without it.
    #[param(required = false, minimum = 1, maximum = 100_000)]
    pub(super) revision: Option<i32>,
}

/// What is wrong in a plan as it stands.
#[derive(Serialize, ToSchema)]
pub struct PlanCheck {
    /// What stops its filing, each with its place.
    faults: Vec<Value>,
    /// What is only told.
    warnings: Vec<Value>,
}

/// The version that the caller saw of a draft, which no act carries.
fn seen(request: &HttpRequest) -> Result<i64, Problem> {
    let text = text_header(request, "if-match")?.ok_or_else(|| Problem::of(&kinds::VERSION_MISSING))?;
    let wrong = || Problem::parameter("If-Match", Text::new("If-Match 须为版本号，例如 \"3\"", "If-Match must be a version, for example \"3\""));
    text.trim().trim_matches('"').parse::<i64>().ok().filter(|seen| *seen >= 0).ok_or_else(wrong)
}

fn kept(draft: &acts::Draft) -> PlanDraftAnswer {
    PlanDraftAnswer { id: draft.id, version: draft.version }
}

/// Begin the management plan of a site and year (管理计划): a draft without any effect.
#[utoipa::path(
    tag = "filing", operation_id = "create_plan", security(("bearer" = [])), request_body = PlanStatement,
    responses((status = 201, description = "Kept", body = PlanDraftAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plans")]
pub async fn create_plan(app: web::Data<App>, actor: Actor, Body(body): Body<PlanStatement>) -> Result<HttpResponse, Problem> {
    let draft = acts::create(&app, &actor, (body.site_id, body.year), &body.tables).await?;
    Ok(HttpResponse::Created().insert_header(("ETag", format!("\"{}\"", draft.version))).json(kept(&draft)))
}

/// Begin a plan with the tables of another year's.
#[utoipa::path(
    tag = "filing", operation_id = "copy_plan", security(("bearer" = [])), request_body = CopyPlan,
    responses((status = 201, description = "Kept", body = PlanDraftAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plans:copy")]
pub async fn copy_plan(app: web::Data<App>, actor: Actor, Body(body): Body<CopyPlan>) -> Result<HttpResponse, Problem> {
    let draft = acts::copy(&app, &actor, body.site_id, body.from_year, body.year).await?;
    Ok(HttpResponse::Created().insert_header(("ETag", format!("\"{}\"", draft.version))).json(kept(&draft)))
}

/// Plans of a unit, its drafts included; officers see what was filed.
#[utoipa::path(
    tag = "filing", operation_id = "list_plans", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Plan>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/plans")]
pub async fn list_plans(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Plan>(&app, &actor, store::PLANS, "list_plans", query.0).await
}

/// One plan.
#[utoipa::path(
    tag = "filing", operation_id = "get_plan", security(("bearer" = [])), params(("plan_id" = Uuid, Path), WhichRevision),
    responses((status = 200, description = "It", body = PlanDocument),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/plans/{plan_id}")]
pub async fn get_plan(app: web::Data<App>, actor: Actor, id: Path<Uuid>, query: Query<WhichRevision>) -> Result<HttpResponse, Problem> {
    let plan: Plan = find(&app, &actor, store::PLANS, *id).await?;
    let mut conn = app.db.get().await?;
    let stored = store::get(&mut conn, *id, false).await?.ok_or_else(Problem::not_found)?;
    let shown_revision = query.0.revision.unwrap_or(stored.revision);
    let (tables, drawn) = match store::sealed(&mut conn, *id, shown_revision).await? {
        Some(mut sealed) => (sealed["tables"].take(), sealed["drawn"].take()),
        None if query.0.revision.is_none() && stored.is_draft() => (stored.tables, Value::Null),
        None => return Err(Problem::not_found()),
    };
    let mut history = store::history(&mut conn, *id).await?;
    let (revisions, comments) = (history["revisions"].take(), history["comments"].take());
    let version = plan.version;
    let document = PlanDocument { plan, shown_revision, tables, drawn, revisions, comments };
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{version}\""))).json(document))
}

/// Write a draft anew; `If-Match` names the version seen.
#[utoipa::path(
    tag = "filing", operation_id = "put_plan", security(("bearer" = [])), request_body = PlanDraft,
    params(("plan_id" = Uuid, Path), ("If-Match" = Option<String>, Header, pattern = "^\"?[0-9]{1,18}\"?$")),
    responses((status = 200, description = "Kept", body = PlanDraftAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[put("/plans/{plan_id}")]
pub async fn put_plan(
    request: HttpRequest,
    app: web::Data<App>,
    actor: Actor,
    id: Path<Uuid>,
    Body(body): Body<PlanDraft>,
) -> Result<HttpResponse, Problem> {
    let draft = acts::put(&app, &actor, *id, seen(&request)?, &body.tables).await?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", draft.version))).json(kept(&draft)))
}

/// Throw a draft away.
#[utoipa::path(
    tag = "filing", operation_id = "delete_plan", security(("bearer" = [])), params(("plan_id" = Uuid, Path)),
    responses((status = 204, description = "Gone"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[delete("/plans/{plan_id}")]
pub async fn delete_plan(app: web::Data<App>, actor: Actor, id: Path<Uuid>, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    acts::delete(&app, &actor, *id).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// What is wrong in a plan as it stands: all at once, each with its place in the plan.
#[utoipa::path(
    tag = "filing", operation_id = "check_plan", security(("bearer" = [])), params(("plan_id" = Uuid, Path)),
    responses((status = 200, description = "Faults stop its filing, warnings do not", body = PlanCheck),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/plans/{plan_id}/check")]
pub async fn check_plan(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    let (faults, warnings) = acts::checked(&app, &actor, *id, lang_of(&request)).await?;
    Ok(HttpResponse::Ok().json(PlanCheck { faults, warnings }))
}

/// File a plan (备案): it is in force from then on.
#[utoipa::path(
    tag = "filing", operation_id = "file_plan", security(("bearer" = [])), request_body = Nothing,
    params(("plan_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Filed", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plans/{plan_id}/file")]
pub async fn file_plan(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::file(&act.call, &actor, *id).await?))
}

/// Change a filed plan and file it again.
#[utoipa::path(
    tag = "filing", operation_id = "change_plan", security(("bearer" = [])), request_body = ChangePlan,
    params(("plan_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Filed again", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plans/{plan_id}/change")]
pub async fn change_plan(actor: Actor, id: Path<Uuid>, act: Act<ChangePlan>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::change(&act.call, &actor, *id, &act.body.reason, &act.body.tables).await?))
}

/// Note the number that the authority gave to the filing in force (备案编号).
#[utoipa::path(
    tag = "filing", operation_id = "acknowledge_plan", security(("bearer" = [])), request_body = AcknowledgeFiling,
    params(("plan_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Noted", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plans/{plan_id}/acknowledge")]
pub async fn acknowledge_plan(actor: Actor, id: Path<Uuid>, act: Act<AcknowledgeFiling>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::acknowledge(&act.call, &actor, *id, &act.body.official_filing_no).await?))
}

/// Comment on a filed plan, as an officer of its division.
#[utoipa::path(
    tag = "filing", operation_id = "comment_plan", security(("bearer" = [])), request_body = CommentPlan,
    params(("plan_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Said", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/plans/{plan_id}/comment")]
pub async fn comment_plan(actor: Actor, id: Path<Uuid>, act: Act<CommentPlan>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::comment(&act.call, &actor, *id, &act.body.comment).await?))
}
