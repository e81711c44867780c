//! Wire types and routes of the ledger. No rule lives here.

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::acts;
use super::balance::{self, BalanceRow, Break};
use super::codes::DigitalCode;
use super::domain::{BatchEntries, ContainerState, CorrectEntry, EntryKind, ReceiveEmpties, RecordEntry, RegisterContainers, SendEmpties};
use super::files::{self, Kept};
use super::label::{Label, label_sheet};
use super::labels::{self, LabelFacts};
use super::month_sheet::ledger_month_sheet;
use super::print;
use super::read::{self, Container, CustodyNote, Entry, EntryFilter, Filling, Page};
use super::refusal::{LedgerRefusal, refuse};
use crate::catalogue::WasteCode;
use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::calendar::{end_of, legal_day, start_of};
use crate::platform::call::{Act, ActHeaders, ActMode, Body, Nothing, lang_of};
use crate::platform::cursor::FilterHash;
use crate::platform::page::{PageOf, Wanted};
use crate::platform::problem::{Problem, ProblemBody, Text};
use crate::platform::query::Query;
use crate::platform::sheet;
use crate::platform::table::export::{self, FileFormat};
use crate::registry::visible_to;

/// Record an entry of the ledger (台账记录).
#[utoipa::path(
    tag = "ledger", operation_id = "record_entry", security(("bearer" = [])), request_body = RecordEntry, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/ledger/entries")]
pub async fn record_entry(actor: Actor, act: Act<RecordEntry>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_entry(&act.call, &actor, act.body).await?, None))
}

/// Result of one entry of a batch.
#[derive(Serialize, ToSchema)]
pub struct EntryResult {
    /// The client's id of the row.
    client_id: String,
    /// The status that it would have had alone.
    status: u16,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = ActAnswer)]
    answer: Option<Value>,
    /// The problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = ProblemBody)]
    problem: Option<Value>,
}

/// Results of a batch, in the order of its rows.
#[derive(Serialize, ToSchema)]
pub struct EntryResults {
    results: Vec<EntryResult>,
}

/// Record many entries; each is one transaction with its own result, in the order of the rows.
#[utoipa::path(
    tag = "ledger", operation_id = "record_entries", security(("bearer" = [])), request_body = BatchEntries, params(ActHeaders, ActMode),
    responses((status = 200, description = "A result for each", body = EntryResults),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/ledger/entries:batch")]
pub async fn record_entries(actor: Actor, act: Act<BatchEntries>) -> Result<HttpResponse, Problem> {
    let mut seen = std::collections::BTreeSet::new();
    for (index, item) in act.body.items.iter().enumerate() {
        if !seen.insert(item.client_id.as_str()) {
            return Err(refuse(format!("/items/{index}/client_id"), LedgerRefusal::ClientIdTwice { client_id: item.client_id.clone() }));
        }
    }
    let mut results = Vec::new();
    for item in act.body.items {
        let call = act.call.item(&item.client_id, None, &json!(item.entry));
        let client_id = item.client_id;
        results.push(match acts::record_entry(&call, &actor, item.entry).await {
            Ok(outcome) => EntryResult { client_id, status: if call.check { 200 } else { 201 }, answer: Some(outcome.body()), problem: None },
            Err(problem) => EntryResult {
                client_id,
                status: problem.status,
                answer: None,
                problem: Some(problem.body(call.lang, &call.request_id.to_string(), &call.app.text_grades)),
            },
        });
    }
    Ok(HttpResponse::Ok().json(EntryResults { results }))
}

/// Correct an entry (更正): it is reversed, and what is right may stand in its place.
#[utoipa::path(
    tag = "ledger", operation_id = "correct_entry", security(("bearer" = [])), request_body = CorrectEntry,
    params(("entry_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Corrected", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/ledger/entries/{entry_id}/correct")]
pub async fn correct_entry(actor: Actor, id: Path<Uuid>, act: Act<CorrectEntry>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::correct_entry(&act.call, &actor, *id, act.body).await?))
}

/// The query of the ledger's list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntryQuery {
    /// Only of this unit; without it the caller's own, and for officers every unit of their divisions.
    unit_id: Option<Uuid>,
    /// Only of this site.
    site_id: Option<Uuid>,
    /// Only of this kind.
    kind: Option<EntryKind>,
    /// Only of this waste.
    code: Option<WasteCode>,
    /// First day on which it happened.
    from: Option<NaiveDate>,
    /// Last day on which it happened.
    until: Option<NaiveDate>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    cursor: Option<String>,
    /// All pages as one file, without `limit` and `cursor`.
    #[param(inline)]
    format: Option<FileFormat>,
}

fn shown<T: ToString>(value: Option<&T>) -> String {
    value.map(ToString::to_string).unwrap_or_default()
}

/// Whose rows are listed where nobody is named.
fn unit_of(actor: &Actor, named: Option<Uuid>) -> Option<Uuid> {
    named.or_else(|| if actor.is_officer() { None } else { actor.unit_id() })
}

/// Entries of the ledger.
#[utoipa::path(
    tag = "ledger", operation_id = "list_entries", security(("bearer" = [])), params(EntryQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Entry>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/ledger/entries")]
pub async fn list_entries(app: web::Data<App>, actor: Actor, query: Query<EntryQuery>) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let unit = unit_of(&actor, query.unit_id);
    let filter = FilterHash::of(
        "list_entries",
        &[
            ("unit_id", &shown(unit.as_ref())),
            ("site_id", &shown(query.site_id.as_ref())),
            ("kind", query.kind.map_or("", EntryKind::as_str)),
            ("code", &shown(query.code.as_ref())),
            ("from", &shown(query.from.as_ref())),
            ("until", &shown(query.until.as_ref())),
        ],
    );
    let wanted = Wanted::read(filter, query.cursor.as_deref(), query.limit)?;
    let page = Page { unit, before: wanted.before, limit: wanted.rows(), id: None };
    let code = query.code.map(|code| code.to_string());
    let kept = Kept { site: query.site_id, kind: query.kind, code, from: query.from.map(start_of), until: query.until.map(end_of) };
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        return export::send(&app, files::entries(app.clone().into_inner(), visible_to(&actor), unit, kept, format)).await;
    }
    let mut conn = app.db.get().await?;
    let rows = read::entries(&mut conn, &visible_to(&actor), &page, &kept.filter()).await?;
    Ok(HttpResponse::Ok().json(wanted.page(rows, |row| row.id)))
}

/// One entry.
#[utoipa::path(
    tag = "ledger", operation_id = "get_entry", security(("bearer" = [])), params(("entry_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Entry),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/ledger/entries/{entry_id}")]
pub async fn get_entry(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let page = Page { id: Some(*id), limit: 1, ..Page::default() };
    let entry = read::entries(&mut conn, &visible_to(&actor), &page, &EntryFilter::default()).await?.pop().ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", entry.version))).json(entry))
}

/// By what the balance is broken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum BalanceBy {
    /// 废物代码.
    Code,
    /// 批次.
    Batch,
}

/// The query of a balance.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BalanceQuery {
    /// The site.
    site_id: Uuid,
    /// First day; without it the first of the month of `on`.
    from: Option<NaiveDate>,
    /// Last day; today without it.
    on: Option<NaiveDate>,
    /// By code, or by batch (at most 5,000 lines).
    #[param(inline)]
    by: Option<BalanceBy>,
}

/// The balance of a site's ledger.
#[derive(Serialize, ToSchema)]
pub struct Balance {
    site_id: Uuid,
    from: NaiveDate,
    on: NaiveDate,
    rows: Vec<BalanceRow>,
}

/// The balance of a site (平衡): opening, what came and went, closing, to the gram.
#[utoipa::path(
    tag = "ledger", operation_id = "get_balance", security(("bearer" = [])), params(BalanceQuery),
    responses((status = 200, description = "By code or batch", body = Balance),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/ledger/balance")]
pub async fn get_balance(app: web::Data<App>, actor: Actor, query: Query<BalanceQuery>) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let on = query.on.unwrap_or_else(|| legal_day(app.clock.now()));
    let from = query.from.unwrap_or_else(|| chrono::Datelike::with_day(&on, 1).unwrap_or(on));
    if from > on {
        return Err(Problem::parameter("from", Text::new("起始日期晚于截止日期", "The first day is after the last")));
    }
    let mut conn = app.db.get().await?;
    read::site(&mut conn, &visible_to(&actor), query.site_id).await?.ok_or_else(Problem::not_found)?;
    let rows = balance::balance(&mut conn, query.site_id, from, on, query.by == Some(BalanceBy::Batch)).await?;
    Ok(HttpResponse::Ok().json(Balance { site_id: query.site_id, from, on, rows }))
}

/// The query of breaks.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BreakQuery {
    /// The site.
    site_id: Uuid,
    /// Up to this day; today without it.
    on: Option<NaiveDate>,
}

/// What breaks a site's ledger.
#[derive(Serialize, ToSchema)]
pub struct Breaks {
    site_id: Uuid,
    on: NaiveDate,
    breaks: Vec<Break>,
}

/// What breaks a site's balance or its limits, each by code, batch, entry or container (at most 2,000 of a kind). Nothing of it
/// refuses an entry.
#[utoipa::path(
    tag = "ledger", operation_id = "list_breaks", security(("bearer" = [])), params(BreakQuery),
    responses((status = 200, description = "Newest first", body = Breaks),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/ledger/breaks")]
pub async fn list_breaks(app: web::Data<App>, actor: Actor, query: Query<BreakQuery>) -> Result<HttpResponse, Problem> {
    let today = legal_day(app.clock.now());
    let on = query.0.on.unwrap_or(today);
    let site_id = query.0.site_id;
    let mut conn = app.db.get().await?;
    let site = read::site(&mut conn, &visible_to(&actor), site_id).await?.ok_or_else(Problem::not_found)?;
    let breaks = balance::breaks(&mut conn, site_id, &site.division, on, today, &app.working_days()).await?;
    Ok(HttpResponse::Ok().json(Breaks { site_id, on, breaks }))
}

/// Register containers in a batch; the server makes their codes.
#[utoipa::path(
    tag = "ledger", operation_id = "register_containers", security(("bearer" = [])), request_body = RegisterContainers, params(ActHeaders, ActMode),
    responses((status = 201, description = "Registered; `result.containers` has ids and codes", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/containers:batch")]
pub async fn register_containers(actor: Actor, act: Act<RegisterContainers>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::register_containers(&act.call, &actor, act.body).await?, None))
}

/// The query of the list of containers.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ContainerQuery {
    /// Only of this unit; without it the caller's own, and for officers every unit of their divisions.
    unit_id: Option<Uuid>,
    /// Only on this site.
    site_id: Option<Uuid>,
    /// Only in this state.
    state: Option<ContainerState>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    cursor: Option<String>,
    /// All pages as one file, without `limit` and `cursor`.
    #[param(inline)]
    format: Option<FileFormat>,
}

/// Containers.
#[utoipa::path(
    tag = "ledger", operation_id = "list_containers", security(("bearer" = [])), params(ContainerQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Container>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/containers")]
pub async fn list_containers(app: web::Data<App>, actor: Actor, query: Query<ContainerQuery>) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let unit = unit_of(&actor, query.unit_id);
    let state = query.state.map_or("", ContainerState::as_str);
    let filter =
        FilterHash::of("list_containers", &[("unit_id", &shown(unit.as_ref())), ("site_id", &shown(query.site_id.as_ref())), ("state", state)]);
    let wanted = Wanted::read(filter, query.cursor.as_deref(), query.limit)?;
    let page = Page { unit, before: wanted.before, limit: wanted.rows(), id: None };
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        let file = files::containers(app.clone().into_inner(), visible_to(&actor), unit, query.site_id, query.state, format);
        return export::send(&app, file).await;
    }
    let mut conn = app.db.get().await?;
    let rows = read::containers(&mut conn, &visible_to(&actor), &page, query.site_id, query.state).await?;
    Ok(HttpResponse::Ok().json(wanted.page(rows, |row| row.id)))
}

/// One container, as a scan asks for it.
#[utoipa::path(
    tag = "ledger", operation_id = "get_container", security(("bearer" = [])), params(("container_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = Container),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/containers/{container_id}")]
pub async fn get_container(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let page = Page { id: Some(*id), limit: 1, ..Page::default() };
    let container = read::containers(&mut conn, &visible_to(&actor), &page, None, None).await?.pop().ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(container))
}

/// Take a container out of use (停用); what it held stays in its history.
#[utoipa::path(
    tag = "ledger", operation_id = "retire_container", security(("bearer" = [])), request_body = Nothing,
    params(("container_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Retired", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/containers/{container_id}/retire")]
pub async fn retire_container(actor: Actor, id: Path<Uuid>, act: Act<Nothing>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::retire_container(&act.call, &actor, *id).await?))
}

/// Send reusable empties home (空桶交接).
#[utoipa::path(
    tag = "ledger", operation_id = "send_empties", security(("bearer" = [])), request_body = SendEmpties, params(ActHeaders, ActMode),
    responses((status = 201, description = "Sent", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/custody_notes")]
pub async fn send_empties(actor: Actor, act: Act<SendEmpties>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::send_empties(&act.call, &actor, act.body).await?, None))
}

/// Receive empties; what did not come is named.
#[utoipa::path(
    tag = "ledger", operation_id = "receive_empties", security(("bearer" = [])), request_body = ReceiveEmpties,
    params(("custody_note_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Received", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/custody_notes/{custody_note_id}/receive")]
pub async fn receive_empties(actor: Actor, id: Path<Uuid>, act: Act<ReceiveEmpties>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::receive_empties(&act.call, &actor, *id, act.body).await?))
}

/// The query of the list of custody notes.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CustodyQuery {
    /// Only sent by this unit.
    unit_id: Option<Uuid>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    cursor: Option<String>,
    /// All pages as one file, without `limit` and `cursor`.
    #[param(inline)]
    format: Option<FileFormat>,
}

/// Custody notes from and to the caller's unit.
#[utoipa::path(
    tag = "ledger", operation_id = "list_custody_notes", security(("bearer" = [])), params(CustodyQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<CustodyNote>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/custody_notes")]
pub async fn list_custody_notes(app: web::Data<App>, actor: Actor, query: Query<CustodyQuery>) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let filter = FilterHash::of("list_custody_notes", &[("unit_id", &shown(query.unit_id.as_ref()))]);
    let wanted = Wanted::read(filter, query.cursor.as_deref(), query.limit)?;
    let page = Page { unit: query.unit_id, before: wanted.before, limit: wanted.rows(), id: None };
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        return export::send(&app, files::custody_notes(app.clone().into_inner(), visible_to(&actor), query.unit_id, format)).await;
    }
    let mut conn = app.db.get().await?;
    let rows = read::custody_notes(&mut conn, &visible_to(&actor), &page).await?;
    Ok(HttpResponse::Ok().json(wanted.page(rows, |row| row.id)))
}

/// One custody note.
#[utoipa::path(
    tag = "ledger", operation_id = "get_custody_note", security(("bearer" = [])), params(("custody_note_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = CustodyNote),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/custody_notes/{custody_note_id}")]
pub async fn get_custody_note(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let page = Page { id: Some(*id), limit: 1, ..Page::default() };
    let note = read::custody_notes(&mut conn, &visible_to(&actor), &page).await?.pop().ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", note.version))).json(note))
}

/// The query of the list of fillings.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FillingQuery {
    /// Only with labels of this unit.
    unit_id: Option<Uuid>,
    /// Only on this site.
    site_id: Option<Uuid>,
    /// Only of this waste.
    code: Option<WasteCode>,
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    cursor: Option<String>,
    /// All pages as one file, without `limit` and `cursor`.
    #[param(inline)]
    format: Option<FileFormat>,
}

/// What is in containers: the caller's labels, and what stands on his sites.
#[utoipa::path(
    tag = "ledger", operation_id = "list_fillings", security(("bearer" = [])), params(FillingQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<Filling>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/fillings")]
pub async fn list_fillings(app: web::Data<App>, actor: Actor, query: Query<FillingQuery>) -> Result<HttpResponse, Problem> {
    let query = query.0;
    let filter = FilterHash::of(
        "list_fillings",
        &[("unit_id", &shown(query.unit_id.as_ref())), ("site_id", &shown(query.site_id.as_ref())), ("code", &shown(query.code.as_ref()))],
    );
    let wanted = Wanted::read(filter, query.cursor.as_deref(), query.limit)?;
    let page = Page { unit: query.unit_id, before: wanted.before, limit: wanted.rows(), id: None };
    let waste = query.code.map(|code| code.to_string());
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        let file = files::fillings(app.clone().into_inner(), visible_to(&actor), query.unit_id, query.site_id, waste, format);
        return export::send(&app, file).await;
    }
    let mut conn = app.db.get().await?;
    let rows = read::fillings(&mut conn, &visible_to(&actor), &page, query.site_id, None, waste.as_deref()).await?;
    Ok(HttpResponse::Ok().json(wanted.page(rows, |row| row.id)))
}

/// A filling with what its label says.
#[derive(Serialize, ToSchema)]
pub struct LabelledFilling {
    /// Where it is.
    filling: Filling,
    /// Label of HJ 1276.
    label: LabelFacts,
}

/// One filling by the code on its label (数字识别码), with what the label says.
#[utoipa::path(
    tag = "ledger", operation_id = "get_filling", security(("bearer" = [])), params(("filling_code" = String, Path)),
    responses((status = 200, description = "It", body = LabelledFilling),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/fillings/{filling_code}")]
pub async fn get_filling(app: web::Data<App>, actor: Actor, code: Path<String>) -> Result<HttpResponse, Problem> {
    let code = code.parse::<DigitalCode>().map_err(|_| Problem::not_found())?.to_string();
    let mut conn = app.db.get().await?;
    let page = Page { limit: 1, ..Page::default() };
    let found = read::fillings(&mut conn, &visible_to(&actor), &page, None, Some(&code), None).await?.pop();
    let filling = found.ok_or_else(Problem::not_found)?;
    let label = labels::labels(&conn, filling.unit_id(), &[code], &[]).await?.pop().ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(LabelledFilling { filling, label }))
}

/// Which labels to print.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrintLabels {
    /// 数字识别码 of fillings of the caller's unit; labels come in the order of the codes.
    #[schema(min_items = 1, max_items = 200)]
    fillings: Vec<DigitalCode>,
}

/// Print labels of fillings (危险废物标签), one a page in the size of HJ 1276, two for a container beyond 450 litres: PDF.
#[utoipa::path(
    tag = "sheets", operation_id = "print_labels", security(("bearer" = [])), request_body = PrintLabels,
    responses((status = 200, description = "The labels", body = Vec<u8>, content_type = "application/pdf"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/labels:print")]
pub async fn print_labels(app: web::Data<App>, actor: Actor, req: HttpRequest, body: Body<PrintLabels>) -> Result<HttpResponse, Problem> {
    let unit = actor.unit_id().ok_or_else(Problem::not_found)?;
    let codes: Vec<String> = body.0.fillings.iter().map(ToString::to_string).collect();
    let conn = app.db.get().await?;
    let found = labels::labels(&conn, unit, &codes, &[]).await?;
    drop(conn);
    if let Some(index) = codes.iter().position(|code| !found.iter().any(|label| label.code == *code)) {
        return Err(Problem::value(format!("/fillings/{index}"), Text::new("本单位没有此识别码的容器", "Your unit has no container with this code")));
    }
    let (lang, now) = (lang_of(&req), app.clock.now());
    let printed: Vec<Label> = found.into_iter().map(Label::from).collect();
    sheet::answer(&app, "labels", move || label_sheet(&printed, lang, now)).await
}

/// Which month to print.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct MonthQuery {
    /// The site.
    site_id: Uuid,
    /// Any day of the month; this month without it.
    month: Option<NaiveDate>,
}

/// The ledger of a month in the form of HJ 1259 (表B.1 to B.5), to print: PDF. At most 3,000 entries.
#[utoipa::path(
    tag = "sheets", operation_id = "print_ledger", security(("bearer" = [])), params(MonthQuery),
    responses((status = 200, description = "The sheet", body = Vec<u8>, content_type = "application/pdf"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/ledger/month.pdf")]
pub async fn print_ledger(app: web::Data<App>, actor: Actor, query: Query<MonthQuery>) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let month = query.0.month.unwrap_or_else(|| legal_day(now));
    let mut conn = app.db.get().await?;
    let scope = visible_to(&actor);
    read::site(&mut conn, &scope, query.0.site_id).await?.ok_or_else(Problem::not_found)?;
    let ledger = print::month(&mut conn, &scope, query.0.site_id, month).await?.ok_or_else(|| {
        let most = print::SHEET_ENTRIES_MAX;
        Problem::parameter(
            "month",
            Text::new(format!("本月超过 {most} 条记录，请导出表格"), format!("The month has more than {most} entries; export it as a table")),
        )
    })?;
    drop(conn);
    sheet::answer(&app, &format!("ledger-{:04}-{:02}", ledger.year, ledger.month), move || ledger_month_sheet(&ledger, now)).await
}
