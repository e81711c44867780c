//! Routes of declarations and of who may declare for a unit.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::plan::{AcknowledgeFiling, WhichRevision};
use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::filing::acts::declaration::{self as acts, DraftSource, Duty, Statement};
use crate::filing::domain::declaration::{DeclaredRow, Period};
use crate::filing::store::declaration::{self as store, Declaration, FilingAgent};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Nothing};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::page::{ListQuery, find, list, one};
use crate::registry::{ManagementClass, Sentence};

/// A declaration.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclarationStatement {
    /// The site.
    site_id: Uuid,
    /// The period.
    period: Period,
    /// A row for each waste; none where nothing arose and nothing lies there.
    #[schema(max_items = 500)]
    rows: Vec<DeclaredRow>,
}

/// A declaration restated.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RestateDeclaration {
    /// Why.
    reason: Sentence,
    /// All rows as they are.
    #[schema(max_items = 500)]
    rows: Vec<DeclaredRow>,
}

/// Which declaration to draft.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhichDraft {
    /// The site.
    site_id: Uuid,
    /// The period.
    period: Period,
}

/// Whose duties.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct WhoseDuties {
    /// The site.
    site_id: Uuid,
    /// Calendar year; this one without it.
    #[param(required = false, minimum = 2000, maximum = 2099)]
    year: Option<i32>,
}

/// A draft: nothing is filed by it.
#[derive(Serialize, ToSchema)]
pub struct DeclarationDraft {
    site_id: Uuid,
    period: Period,
    from_on: NaiveDate,
    until_on: NaiveDate,
    due_on: NaiveDate,
    source: DraftSource,
    rows: Vec<DeclaredRow>,
}

/// What a site owes.
#[derive(Serialize, ToSchema)]
#[schema(as = DeclarationDuties)]
pub struct Duties {
    site_id: Uuid,
    year: i32,
    /// By which the duties go; null where no figure says, and then none are told.
    management_class: Option<ManagementClass>,
    duties: Vec<Duty>,
}

/// A declaration with its rows.
#[derive(Serialize, ToSchema)]
pub struct DeclarationDocument {
    declaration: Declaration,
    shown_revision: i32,
    /// A later revision stands in its place.
    is_restated: bool,
    #[schema(value_type = Vec<DeclaredRow>)]
    rows: Value,
    /// Every filing, newest first: who filed, when, with which number.
    revisions: Value,
}

/// A third party that may declare.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NameFilingAgent {
    /// The unit.
    agent_id: Uuid,
    /// First day.
    from_on: NaiveDate,
    /// Last day.
    until_on: NaiveDate,
}

/// Draft the declaration of a site and period.
#[utoipa::path(
    tag = "filing", operation_id = "draft_declaration", security(("bearer" = [])), params(WhichDraft),
    responses((status = 200, description = "As far as it is known", body = DeclarationDraft),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/declarations/draft")]
pub async fn draft_declaration(app: web::Data<App>, actor: Actor, Query(query): Query<WhichDraft>) -> Result<HttpResponse, Problem> {
    let WhichDraft { site_id, period } = query;
    let (source, rows) = acts::draft(&app, &actor, site_id, period).await?;
    let (from_on, until_on, due_on) = (period.begins_on(), period.ends_on(), period.due_on());
    Ok(HttpResponse::Ok().json(DeclarationDraft { site_id, period, from_on, until_on, due_on, source, rows }))
}

/// What a site owes of a year: which declarations are due, filed, late.
#[utoipa::path(
    tag = "filing", operation_id = "list_declaration_duties", security(("bearer" = [])), params(WhoseDuties),
    responses((status = 200, description = "By the class of today", body = Duties),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/declarations/duties")]
pub async fn list_declaration_duties(app: web::Data<App>, actor: Actor, Query(query): Query<WhoseDuties>) -> Result<HttpResponse, Problem> {
    let (year, management_class, duties) = acts::duties(&app, &actor, query.site_id, query.year).await?;
    Ok(HttpResponse::Ok().json(Duties { site_id: query.site_id, year, management_class, duties }))
}

/// Declare what happened at a site in a period (申报).
#[utoipa::path(
    tag = "filing", operation_id = "file_declaration", security(("bearer" = [])), request_body = DeclarationStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Filed", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/declarations")]
pub async fn file_declaration(actor: Actor, act: Act<DeclarationStatement>) -> Result<HttpResponse, Problem> {
    let DeclarationStatement { site_id, period, rows } = act.body;
    Ok(created(&acts::file(&act.call, &actor, Statement { site: site_id, period, rows }).await?, None))
}

/// Declarations.
#[utoipa::path(
    tag = "filing", operation_id = "list_declarations", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Declaration>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/declarations")]
pub async fn list_declarations(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<Declaration>(&app, &actor, store::DECLARATIONS, "list_declarations", query.0).await
}

/// One declaration.
#[utoipa::path(
    tag = "filing", operation_id = "get_declaration", security(("bearer" = [])), params(("declaration_id" = Uuid, Path), WhichRevision),
    responses((status = 200, description = "It", body = DeclarationDocument),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/declarations/{declaration_id}")]
pub async fn get_declaration(app: web::Data<App>, actor: Actor, id: Path<Uuid>, Query(query): Query<WhichRevision>) -> Result<HttpResponse, Problem> {
    let declaration: Declaration = find(&app, &actor, store::DECLARATIONS, *id).await?;
    let mut conn = app.db.get().await?;
    let shown_revision = query.revision.unwrap_or(declaration.revision);
    let rows = store::revision_rows(&mut conn, *id, shown_revision).await?.ok_or_else(Problem::not_found)?;
    let revisions = store::history(&mut conn, *id).await?;
    let (version, is_restated) = (declaration.version, shown_revision < declaration.revision);
    let document = DeclarationDocument { declaration, shown_revision, is_restated, rows, revisions };
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{version}\""))).json(document))
}

/// Restate a declaration; the earlier one stays as it was filed.
#[utoipa::path(
    tag = "filing", operation_id = "restate_declaration", security(("bearer" = [])), request_body = RestateDeclaration,
    params(("declaration_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Restated", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/declarations/{declaration_id}/restate")]
pub async fn restate_declaration(actor: Actor, id: Path<Uuid>, act: Act<RestateDeclaration>) -> Result<HttpResponse, Problem> {
    let RestateDeclaration { reason, rows } = act.body;
    Ok(answer(&acts::restate(&act.call, &actor, *id, &reason, rows).await?))
}

/// Note the number that the authority gave to a declaration.
#[utoipa::path(
    tag = "filing", operation_id = "acknowledge_declaration", security(("bearer" = [])), request_body = AcknowledgeFiling,
    params(("declaration_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Noted", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/declarations/{declaration_id}/acknowledge")]
pub async fn acknowledge_declaration(actor: Actor, id: Path<Uuid>, act: Act<AcknowledgeFiling>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::acknowledge(&act.call, &actor, *id, &act.body.official_filing_no).await?))
}

/// Name a unit that may declare for the caller's (委托申报).
#[utoipa::path(
    tag = "filing", operation_id = "name_filing_agent", security(("bearer" = [])), request_body = NameFilingAgent, params(ActHeaders, ActMode),
    responses((status = 201, description = "Named", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/filing_agents")]
pub async fn name_filing_agent(actor: Actor, act: Act<NameFilingAgent>) -> Result<HttpResponse, Problem> {
    let NameFilingAgent { agent_id, from_on, until_on } = act.body;
    Ok(created(&acts::name_agent(&act.call, &actor, agent_id, (from_on, until_on)).await?, None))
}

/// Who may declare for a unit, and for whom it may.
#[utoipa::path(
    tag = "filing", operation_id = "list_filing_agents", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<FilingAgent>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/filing_agents")]
pub async fn list_filing_agents(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<FilingAgent>(&app, &actor, store::AGENTS, "list_filing_agents", query.0).await
}

/// One of them.
#[utoipa::path(
    tag = "filing", operation_id = "get_filing_agent", security(("bearer" = [])), params(("filing_agent_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = FilingAgent),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/filing_agents/{filing_agent_id}")]
pub async fn get_filing_agent(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<FilingAgent>(&app, &actor, store::AGENTS, *id).await
}

/// End it, by either unit.
#[utoipa::path(
    tag = "filing", operation_id = "end_filing_agent", security(("bearer" = [])), request_body = Nothing,
    params(("filing_agent_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Ended", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/filing_agents/{filing_agent_id}/end")]
pub async fn end_filing_agent(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::end_agent(&act.call, &actor, *id).await?))
}
