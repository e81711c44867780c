//! Routes of papers, export notices and transfers of industrial solid waste.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use uuid::Uuid;

use crate::evidence::{ActAnswer, CheckAnswer, answer, created};
use crate::filing::acts::record as acts;
use crate::filing::domain::record::{ExportStatement, GeneralTransferStatement, PaperStatement, RetirePaper};
use crate::filing::store::record::{EXPORTS, ExportNotice, GENERALS, GeneralTransfer, PAPERS, PaperRow};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode};
use crate::platform::page::PageOf;
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::registry::page::{ListQuery, list, one};

/// Record a paper of a site: contingency plan, drill, equipment, insurance, training (应急、保险、培训材料).
#[utoipa::path(
    tag = "filing", operation_id = "record_paper", security(("bearer" = [])), request_body = PaperStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/papers")]
pub async fn record_paper(actor: Actor, act: Act<PaperStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_paper(&act.call, &actor, act.body).await?, None))
}

/// Papers with their last days.
#[utoipa::path(
    tag = "filing", operation_id = "list_papers", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<PaperRow>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/papers")]
pub async fn list_papers(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<PaperRow>(&app, &actor, PAPERS, "list_papers", query.0).await
}

/// One paper.
#[utoipa::path(
    tag = "filing", operation_id = "get_paper", security(("bearer" = [])), params(("paper_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = PaperRow),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/papers/{paper_id}")]
pub async fn get_paper(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<PaperRow>(&app, &actor, PAPERS, *id).await
}

/// Take a paper out of use.
#[utoipa::path(
    tag = "filing", operation_id = "retire_paper", security(("bearer" = [])), request_body = RetirePaper,
    params(("paper_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Retired", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/papers/{paper_id}/retire")]
pub async fn retire_paper(actor: Actor, id: Path<Uuid>, act: Act<RetirePaper>) -> Result<HttpResponse, Problem> {
    Ok(answer(&acts::retire_paper(&act.call, &actor, *id, act.body).await?))
}

/// Record a notice that an export is approved (危险废物出口核准通知单).
#[utoipa::path(
    tag = "filing", operation_id = "record_export_notice", security(("bearer" = [])), request_body = ExportStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/export_notices")]
pub async fn record_export_notice(actor: Actor, act: Act<ExportStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_export(&act.call, &actor, act.body).await?, None))
}

/// Export notices.
#[utoipa::path(
    tag = "filing", operation_id = "list_export_notices", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<ExportNotice>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/export_notices")]
pub async fn list_export_notices(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<ExportNotice>(&app, &actor, EXPORTS, "list_export_notices", query.0).await
}

/// One export notice.
#[utoipa::path(
    tag = "filing", operation_id = "get_export_notice", security(("bearer" = [])), params(("export_notice_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = ExportNotice),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/export_notices/{export_notice_id}")]
pub async fn get_export_notice(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<ExportNotice>(&app, &actor, EXPORTS, *id).await
}

/// Record a transfer of industrial solid waste to another province (一般工业固体废物跨省转移): approved, or told to both provinces.
#[utoipa::path(
    tag = "filing", operation_id = "record_general_transfer", security(("bearer" = [])), request_body = GeneralTransferStatement, params(ActHeaders, ActMode),
    responses((status = 201, description = "Recorded", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/general_transfers")]
pub async fn record_general_transfer(actor: Actor, act: Act<GeneralTransferStatement>) -> Result<HttpResponse, Problem> {
    Ok(created(&acts::record_general(&act.call, &actor, act.body).await?, None))
}

/// Transfers of industrial solid waste to another province, from and to a unit.
#[utoipa::path(
    tag = "filing", operation_id = "list_general_transfers", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, description = "A page, newest first", body = PageOf<GeneralTransfer>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/general_transfers")]
pub async fn list_general_transfers(app: web::Data<App>, actor: Actor, query: Query<ListQuery>) -> Result<HttpResponse, Problem> {
    list::<GeneralTransfer>(&app, &actor, GENERALS, "list_general_transfers", query.0).await
}

/// One of them.
#[utoipa::path(
    tag = "filing", operation_id = "get_general_transfer", security(("bearer" = [])), params(("general_transfer_id" = Uuid, Path)),
    responses((status = 200, description = "It", body = GeneralTransfer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/general_transfers/{general_transfer_id}")]
pub async fn get_general_transfer(app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    one::<GeneralTransfer>(&app, &actor, GENERALS, *id).await
}
