//! Reading manifests: the list, one, its events and evidence, what may be done next.

use std::sync::Arc;

use actix_web::web::Path;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::evidence::{self, Evidence};
use crate::identity::Actor;
use crate::manifest::list::{self, Filter, Item};
use crate::manifest::next::Next;
use crate::manifest::policy::Scope;
use crate::manifest::read::{self, Look};
use crate::manifest::signatures;
use crate::manifest::store;
use crate::manifest::table::State;
use crate::platform::app::App;
use crate::platform::calendar::{end_of, start_of};
use crate::platform::call::{lang_here, lang_of, request_id_of};
use crate::platform::cursor::FilterHash;
use crate::platform::page::{PageOf, Wanted};
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::platform::table::export::{self, Export, FileFormat};
use crate::registry::plate::Plate;
use crate::registry::title_of;

/// Filters of the list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListManifests {
    /// Only those with a task for the caller's unit (待办).
    #[serde(default)]
    waiting_for_me: Option<bool>,
    /// State.
    #[serde(default)]
    #[param(inline)]
    state: Option<State>,
    /// Another party.
    #[serde(default)]
    party: Option<Uuid>,
    /// Waste code.
    #[serde(default)]
    #[param(max_length = 12)]
    code: Option<String>,
    /// Plate.
    #[serde(default)]
    plate: Option<Plate>,
    /// Any of the three numbers.
    #[serde(default)]
    #[param(max_length = 40)]
    number: Option<String>,
    /// Flag.
    #[serde(default)]
    #[param(max_length = 60)]
    flag: Option<String>,
    /// Issued on or after this day.
    #[serde(default)]
    from: Option<chrono::NaiveDate>,
    /// Issued on or before this day.
    #[serde(default)]
    until: Option<chrono::NaiveDate>,
    /// Where the page before ended.
    #[serde(default)]
    #[param(max_length = 60)]
    cursor: Option<String>,
    /// How many, 50 without it.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
    /// All pages as one file, without `limit` and `cursor`.
    #[serde(default)]
    #[param(inline)]
    format: Option<FileFormat>,
}

/// Manifests that the caller may see, newest first.
#[utoipa::path(
    tag = "manifests", operation_id = "list_manifests", security(("bearer" = [])), params(ListManifests),
    responses((status = 200, description = "A page", body = PageOf<Item>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests")]
pub async fn list_manifests(app: web::Data<App>, actor: Actor, Query(query): Query<ListManifests>) -> Result<HttpResponse, Problem> {
    let text = |value: Option<String>| value.unwrap_or_default();
    let filters = [
        ("waiting_for_me", text(query.waiting_for_me.map(|one| one.to_string()))),
        ("state", text(query.state.map(|one| one.as_str().to_owned()))),
        ("party", text(query.party.map(|one| one.to_string()))),
        ("code", text(query.code.clone())),
        ("plate", text(query.plate.as_ref().map(ToString::to_string))),
        ("number", text(query.number.clone())),
        ("flag", text(query.flag.clone())),
        ("from", text(query.from.map(|one| one.to_string()))),
        ("until", text(query.until.map(|one| one.to_string()))),
    ];
    let filters: Vec<(&str, &str)> = filters.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let hash = FilterHash::of("manifests", &filters);
    let wanted = Wanted::read(hash, query.cursor.as_deref(), query.limit)?;
    let filter = Filter {
        waiting_for_me: query.waiting_for_me.unwrap_or(false),
        state: query.state.map(|state| state.as_str().to_owned()),
        party: query.party,
        code: query.code,
        plate: query.plate.map(|plate| plate.to_string()),
        number: query.number,
        flag: query.flag,
        from: query.from.map(start_of),
        until: query.until.map(end_of),
    };
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        return export::send(&app, file(app.clone().into_inner(), Scope::of(&actor), filter, format)).await;
    }
    let mut conn = app.db.get().await?;
    let items = list::page(&mut conn, &Scope::of(&actor), &filter, wanted.before.unwrap_or(Uuid::max()), wanted.rows()).await?;
    Ok(HttpResponse::Ok().json(wanted.page(items, |item| item.header.id)))
}

/// The same list as a file, with the scope that the caller had when he asked.
fn file(app: Arc<App>, scope: Scope, filter: Filter, format: FileFormat) -> Export<Item> {
    let next: export::Next<Item> = Box::new(move |before, limit| {
        let (app, scope, filter) = (app.clone(), scope.clone(), filter.clone());
        Box::pin(async move {
            let mut conn = app.db.get().await?;
            list::page(&mut conn, &scope, &filter, before.unwrap_or(Uuid::max()), limit).await
        })
    });
    Export { name: "list_manifests", format, lang: lang_here(), title_of, next, id_of: |item| item.header.id }
}

/// A manifest with its parts, links, tasks and deadlines; an officer's look goes to the access log.
#[utoipa::path(
    tag = "manifests", operation_id = "get_manifest", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "The manifest", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}")]
pub async fn get_manifest(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let shown = store::get(&mut conn, *id, &Scope::of(&actor)).await?.ok_or_else(Problem::not_found)?;
    if actor.is_officer() {
        let (log, now) = (app.clock.new_id(), app.clock.now());
        evidence::log_access(&mut conn, log, actor.user, actor.unit_id(), *id, "manifest", request_id_of(&request), now).await?;
    }
    let signatures = signatures::shown(&app, &mut conn, &shown.events, &shown.parties).await?;
    let body = match shown.doc.strip_suffix('}') {
        Some(open) => format!("{open}, \"signatures\" : {signatures}}}"),
        None => return Err(Problem::broken("a manifest is no JSON object")),
    };
    Ok(HttpResponse::Ok().content_type("application/json").insert_header(("ETag", format!("\"{}\"", shown.version))).body(body))
}

/// What the caller may do now, and what each act still lacks.
#[utoipa::path(
    tag = "manifests", operation_id = "list_next_acts", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "The acts", body = Next),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/next")]
pub async fn list_next_acts(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(read::next_of(&app, &actor, *id, Look("next", request_id_of(&request)), lang_of(&request)).await?))
}

/// Where to go on in a chain.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct After {
    /// The last place already seen.
    #[serde(default)]
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// The events of a manifest, oldest first, 200 at most.
#[utoipa::path(
    tag = "manifests", operation_id = "list_manifest_events", security(("bearer" = [])), params(("manifest_id" = Uuid, Path), After),
    responses((status = 200, description = "The events", body = Value),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/events")]
pub async fn list_manifest_events(
    request: HttpRequest,
    app: web::Data<App>,
    actor: Actor,
    id: Path<Uuid>,
    Query(query): Query<After>,
) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    read::visible(&app, &mut conn, &actor, *id, Look("events", request_id_of(&request))).await?;
    let events = evidence::events_of(&mut conn, *id, query.after.unwrap_or(0), 200).await?;
    let events = events.iter().map(read::shown).collect::<Result<Vec<_>, _>>()?;
    Ok(HttpResponse::Ok().json(json!({ "events": events })))
}

/// The evidence of a manifest as a file for `liandan verify`.
#[utoipa::path(
    tag = "manifests", operation_id = "get_manifest_evidence", security(("bearer" = [])), params(("manifest_id" = Uuid, Path)),
    responses((status = 200, description = "Chains, parts and signatures", body = Evidence),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/manifests/{manifest_id}/evidence")]
pub async fn get_manifest_evidence(request: HttpRequest, app: web::Data<App>, actor: Actor, id: Path<Uuid>) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(read::evidence(&app, &actor, *id, Look("evidence", request_id_of(&request))).await?))
}
