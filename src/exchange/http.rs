//! Routes of tables and of the jobs that bring them in. No rule lives here.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, post, web};
use serde::Deserialize;
use tokio::sync::Semaphore;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::kinds::Import;
use super::{answer, import, official, progress};
use crate::identity::{Actor, Standing};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::{UploadWith, lang_of};
use crate::platform::cursor::FilterHash;
use crate::platform::jobs::{self, Job};
use crate::platform::page::{PageOf, Wanted};
use crate::platform::problem::{Problem, ProblemBody, Text, kinds};
use crate::platform::query::{NoQuery, Query};
use crate::platform::table::export::XLSX;

/// Unit: bytes of a file that is sent in.
const FILE_MAX: usize = 10_000_000;
/// Files that one process reads at once; each may take a hundred megabytes for a moment.
const READ_AT_ONCE: usize = 2;
/// How long a file waits for its turn.
const READ_WITHIN: Duration = Duration::from_secs(10);

/// Files being read.
struct Readers(Arc<Semaphore>);

impl Default for Readers {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(READ_AT_ONCE)))
    }
}

/// A workbook as it is sent.
fn workbook(name: &str, bytes: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, XLSX))
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(bytes)
}

/// The template of a table (模板) with the rows that the caller's unit has.
#[utoipa::path(
    tag = "exchange", operation_id = "get_import_template", security(("bearer" = [])),
    params(("kind" = String, Path, description = "plan_flows, vehicles or manifest_drafts", max_length = 40)),
    responses((status = 200, description = "A workbook", body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/imports/{kind}/template")]
pub async fn get_import_template(
    request: HttpRequest,
    app: web::Data<App>,
    actor: Actor,
    kind: Path<String>,
    _: Query<NoQuery>,
) -> Result<HttpResponse, Problem> {
    let kind = Import::of(&kind)?;
    let unit = kind.unit_of(&actor)?;
    let known = kind.known(&mut *app.db.get().await?, unit).await?;
    let lang = lang_of(&request);
    let book = web::block(move || answer::template_of(kind, lang, &known));
    let book = book.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))?;
    Ok(workbook(&format!("{}-{}.xlsx", kind.name(), legal_day(app.clock.now()).format("%Y%m%d")), book))
}

/// What is done with a file.
#[derive(Deserialize, ToSchema, Debug, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum ImportMode {
    /// Say what each row would do, and keep nothing.
    Check,
    /// Do it.
    Apply,
}

/// The query of a file that is sent in.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ImportQuery {
    /// Without a word that is meant nothing is done.
    #[param(inline)]
    mode: ImportMode,
}

/// Send in a table: our template filled in, or any workbook (.xlsx) or CSV (UTF-8, GB18030) with its titles. What is wrong with the
/// file as a whole is told at once; its rows become a job. `official_manifests` takes an export of the national system as it is
/// and only compares it with the manifests here.
#[utoipa::path(
    tag = "exchange", operation_id = "import_table", security(("bearer" = [])),
    request_body(content = Vec<u8>, content_type = "application/octet-stream"),
    params(("kind" = String, Path, description = "plan_flows, vehicles, manifest_drafts or official_manifests", max_length = 40), ImportQuery,
        ("Idempotency-Key" = String, Header, max_length = 100, min_length = 1, pattern = "^[!-~]{1,100}$")),
    responses((status = 202, description = "The job", body = Job),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/imports/{kind}")]
pub async fn import_table(actor: Actor, kind: Path<String>, sent: UploadWith<FILE_MAX, ImportQuery>) -> Result<HttpResponse, Problem> {
    let kind = if *kind == official::NAME { None } else { Some(Import::of(&kind)?) };
    let unit = kind.map_or_else(|| official::unit_of(&actor), |kind| kind.unit_of(&actor))?;
    let standing = Standing::of(&actor)?;
    let UploadWith { call, query, bytes } = sent;
    let check = query.mode == ImportMode::Check;
    if kind.is_none() && !check {
        let why = Text::new("此文件只作核对，不保存任何内容，请用 mode=check", "This file is only laid beside what there is; use mode=check");
        return Err(Problem::parameter("mode", why));
    }
    let app = call.app.clone();
    let id = match jobs::repeated(&call, actor.user).await? {
        Some(id) => id,
        None => {
            let turn = tokio::time::timeout(READ_WITHIN, app.shelf::<Readers>().0.clone().acquire_owned()).await;
            let turn = turn.ok().and_then(Result::ok).ok_or_else(Problem::busy)?;
            let (filled, name) = match kind {
                Some(kind) => (import::read(kind, bytes.clone()).await?, import::job_name(kind)),
                None => (official::read(bytes.clone()).await?, official::JOB.to_owned()),
            };
            drop(turn);
            let request = import::Request { standing, lang: call.lang, check };
            let request = serde_json::to_value(request).map_err(|error| Problem::internal(&error))?;
            let asked = jobs::Asked { unit, user: actor.user, kind: &name, request: &request, total_rows: filled.rows.len(), input: &bytes };
            jobs::queue(&call, &asked).await?
        }
    };
    let job = jobs::get(&app, unit, id).await?;
    Ok(HttpResponse::Accepted().insert_header((header::LOCATION, format!("/api/v1/jobs/{id}"))).json(job))
}

fn unit_of(actor: &Actor) -> Result<Uuid, Problem> {
    actor.unit_id().ok_or_else(|| Problem::of(&kinds::FORBIDDEN))
}

/// The query of the list of jobs.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListJobs {
    /// Rows of a page.
    #[param(minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(max_length = 64)]
    cursor: Option<String>,
}

/// Jobs of the caller's unit of the last thirty days.
#[utoipa::path(
    tag = "exchange", operation_id = "list_jobs", security(("bearer" = [])), params(ListJobs),
    responses((status = 200, description = "A page, newest first", body = PageOf<Job>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/jobs")]
pub async fn list_jobs(app: web::Data<App>, actor: Actor, Query(query): Query<ListJobs>) -> Result<HttpResponse, Problem> {
    let wanted = Wanted::read(FilterHash::of("list_jobs", &[]), query.cursor.as_deref(), query.limit)?;
    let items = jobs::page(&app, unit_of(&actor)?, wanted.before, wanted.rows()).await?;
    Ok(HttpResponse::Ok().json(wanted.page(items, |job| job.id)))
}

/// A job of the caller's unit: how far it is, and what came of it.
#[utoipa::path(
    tag = "exchange", operation_id = "get_job", security(("bearer" = [])), params(("job_id" = Uuid, Path)),
    responses((status = 200, description = "The job", body = Job),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/jobs/{job_id}")]
pub async fn get_job(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(jobs::get(&app, unit_of(&actor)?, *id).await?))
}

/// A job's progress as server-sent events: `progress` whenever it has moved, `end` when it is over.
#[utoipa::path(
    tag = "exchange", operation_id = "follow_job", security(("bearer" = [])), params(("job_id" = Uuid, Path)),
    responses((status = 200, description = "Events, each with the job", body = String, content_type = "text/event-stream"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/jobs/{job_id}/progress")]
pub async fn follow_job(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let unit = unit_of(&actor)?;
    progress::open(app, actor, unit, *id).await
}

/// The file that answers a job: the sheet with each row as it was read, and what became of it.
#[utoipa::path(
    tag = "exchange", operation_id = "get_job_file", security(("bearer" = [])), params(("job_id" = Uuid, Path)),
    responses((status = 200, description = "A workbook", body = Vec<u8>, content_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/jobs/{job_id}/file")]
pub async fn get_job_file(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let (name, bytes) = jobs::file(&app, unit_of(&actor)?, *id).await?;
    Ok(workbook(&name, bytes))
}
