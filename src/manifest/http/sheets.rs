//! Routes of what is printed, and of the page that its code opens. No rule lives here.

use std::net::{IpAddr, Ipv4Addr};

use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, HOST, REFERRER_POLICY};
use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, web};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::identity::{self, Actor, UnitKind};
use crate::manifest::blank::{self, BLANKS_MAX};
use crate::manifest::page::{self, Standing};
use crate::manifest::public;
use crate::manifest::read::{self, Look};
use crate::manifest::sheets::{self, Asked};
use crate::manifest::token::Token;
use crate::platform::app::App;
use crate::platform::call::{lang_of, request_id_of, text_header};
use crate::platform::problem::{Problem, ProblemBody, kinds};
use crate::platform::query::Query;
use crate::platform::respond::OwnPage;
use crate::platform::sheet;

/// Where a token is looked up: the address that the operator set, else the host that the caller reached, else a path alone.
fn address(app: &App, request: &HttpRequest, token: &str) -> String {
    let is_host = |host: &&str| host.len() <= 100 && host.chars().all(|letter| letter.is_ascii_alphanumeric() || "-.:[]".contains(letter));
    match app.public_url.get() {
        Some(url) => format!("{url}/v/{token}"),
        None => match text_header(request, HOST.as_str()).ok().flatten().filter(is_host) {
            Some(host) if !host.is_empty() => format!("http://{host}/v/{token}"),
            _ => format!("/v/{token}"),
        },
    }
}

/// The manifest as the official form's three parts (转移联单), to print: PDF/A-2u, A4.
#[utoipa::path(
    tag = "sheets", operation_id = "get_manifest_sheet", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "The sheet", body = Vec<u8>, content_type = "application/pdf"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/sheet.pdf")]
pub async fn get_manifest_sheet(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let asked = Asked { actor: &actor, id: *id, what: "sheet", request_id: request_id_of(&request) };
    let material = sheets::material(&app, asked, |token| address(&app, &request, token)).await?;
    sheet::answer(&app, &material.name("manifest"), move || material.manifest_sheet()).await
}

/// The dispatch sheet for the cab (随车单): plate, wastes, hazards, emergency measures and phone in large letters.
#[utoipa::path(
    tag = "sheets", operation_id = "get_dispatch_sheet", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "The sheet", body = Vec<u8>, content_type = "application/pdf"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/dispatch.pdf")]
pub async fn get_dispatch_sheet(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let asked = Asked { actor: &actor, id: *id, what: "dispatch", request_id: request_id_of(&request) };
    let material = sheets::material(&app, asked, |token| address(&app, &request, token)).await?;
    sheet::answer(&app, &material.name("dispatch"), move || material.dispatch_sheet()).await
}

/// How many blank forms.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct Blanks {
    /// Forms, one without it.
    #[serde(default)]
    #[param(minimum = 1, maximum = 50)]
    count: Option<u32>,
}

/// Blank forms for an outage (停网备用联单), a page each, with the caller's unit as consignor and a paper number of its own:
/// the number under which the load is released, or entered afterwards. For members of an enterprise.
#[utoipa::path(
    tag = "sheets", operation_id = "print_blank_manifests", security(("bearer" = [])), params(Blanks),
    responses((status = 200, description = "The forms", body = Vec<u8>, content_type = "application/pdf"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests:blank.pdf")]
pub async fn print_blank_manifests(app: web::Data<App>, actor: Actor, Query(query): Query<Blanks>) -> Result<HttpResponse, Problem> {
    let unit = actor.unit.as_ref().filter(|unit| unit.kind == UnitKind::Enterprise).ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
    let conn = app.db.get().await?;
    let unit = identity::unit_by_id(&conn, unit.id).await?.ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
    drop(conn);
    let (made_at, mode) = (app.clock.now(), app.numbers);
    let count = query.count.unwrap_or(1).min(BLANKS_MAX);
    let numbers: Vec<String> = (0..count).map(|_| blank::paper_no(app.clock.new_id(), made_at)).collect();
    sheet::answer(&app, "blank", move || blank::blank_sheet(&unit, &numbers, mode, made_at)).await
}

/// A token, and where it is looked up.
#[derive(Serialize, ToSchema)]
pub struct TokenAnswer {
    /// The signed text; `liandan verify-token` checks it without a network.
    token: String,
    /// Address of the public page, as the code on the sheets has it.
    url: String,
    /// From when on it is good for nothing: 24 hours after the end of the planned day of receipt.
    expires_at: DateTime<Utc>,
    /// Plates in it.
    plates: Vec<String>,
}

/// The token that a sheet printed now would carry, and the address of its public page.
#[utoipa::path(
    tag = "sheets", operation_id = "get_manifest_token", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "The token", body = TokenAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/token")]
pub async fn get_manifest_token(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let (stored, _) = read::visible(&app, &mut conn, &actor, *id, Look("token", request_id_of(&request))).await?;
    let said = Token::of(&stored);
    let token = said.sign(&app.keys.proof);
    let url = address(&app, &request, &token);
    Ok(HttpResponse::Ok().json(TokenAnswer { token, url, expires_at: said.expires_at, plates: said.plates }))
}

/// The public page of a manifest, which the code on its sheet opens: no account, no script, no names of persons.
#[utoipa::path(
    tag = "sheets", operation_id = "look_at_token", params(("token" = String, Path, max_length = 400)),
    responses((status = 200, description = "The page of a manifest", body = String, content_type = "text/html"),
        (status = 404, description = "The page of what is unknown, forged or unreadable", body = String, content_type = "text/html"),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/v/{token}")]
pub async fn look_at_token(request: HttpRequest, app: web::Data<App>, token: Path<String>) -> Result<HttpResponse, Problem> {
    // The peer, never a header that anybody can write.
    let source = request.peer_addr().map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |peer| peer.ip());
    let lang = lang_of(&request);
    public::bound(&app, source)?;
    let look = public::look(&app, &token, source, lang).await?;
    let status = if look.standing == Standing::Unknown { StatusCode::NOT_FOUND } else { StatusCode::OK };
    let mut response = HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((CONTENT_LANGUAGE, lang.tag()))
        .insert_header((CONTENT_SECURITY_POLICY, page::content_security_policy()))
        .insert_header((REFERRER_POLICY, "no-referrer"))
        .body(look.html);
    response.extensions_mut().insert(OwnPage);
    Ok(response)
}
