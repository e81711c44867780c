//! Routes of what became of what was sent (去向核实). No rule lives here.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::evidence::{ActAnswer, answer};
use crate::identity::Actor;
use crate::manifest::fate::{self, Untreated};
use crate::manifest::input::CheckFate;
use crate::manifest::policy::Scope;
use crate::manifest::rules::FATE_CHECK_AFTER_DAYS;
use crate::manifest::signing::Signing;
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, lang_here};
use crate::platform::cursor::FilterHash;
use crate::platform::page::{PageOf, Wanted};
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::platform::table::export::{self, Export, FileFormat};
use crate::registry::title_of;

/// Filters of the untreated.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUntreated {
    /// Received so many days ago or more, and not asked after for so long; 90 without it.
    #[serde(default)]
    #[param(minimum = 1, maximum = 3_650)]
    after_days: Option<i64>,
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

/// Loads of which no treatment is recorded 90 days after their receipt (待核实去向), newest first.
#[utoipa::path(
    tag = "manifests", operation_id = "list_untreated", security(("bearer" = [])), params(ListUntreated),
    responses((status = 200, description = "A page", body = PageOf<Untreated>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/untreated")]
pub async fn list_untreated(app: web::Data<App>, actor: Actor, Query(query): Query<ListUntreated>) -> Result<HttpResponse, Problem> {
    let after = query.after_days.unwrap_or(FATE_CHECK_AFTER_DAYS);
    let hash = FilterHash::of("untreated", &[("after_days", &after.to_string())]);
    let wanted = Wanted::read(hash, query.cursor.as_deref(), query.limit)?;
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        let (own, scope) = (app.clone().into_inner(), Scope::of(&actor));
        let next: export::Next<Untreated> = Box::new(move |before, limit| {
            let (app, scope) = (own.clone(), scope.clone());
            Box::pin(async move {
                let mut conn = app.db.get().await?;
                fate::untreated(&mut conn, &scope, app.clock.now(), after, before.unwrap_or(Uuid::max()), limit).await
            })
        });
        let file = Export { name: "list_untreated", format, lang: lang_here(), title_of, next, id_of: |one| one.manifest_id };
        return export::send(&app, file).await;
    }
    let mut conn = app.db.get().await?;
    let before = wanted.before.unwrap_or(Uuid::max());
    let items = fate::untreated(&mut conn, &Scope::of(&actor), app.clock.now(), after, before, wanted.rows()).await?;
    Ok(HttpResponse::Ok().json(wanted.page(items, |one| one.manifest_id)))
}

/// Say that you asked what became of the load (去向已核实).
#[utoipa::path(
    tag = "manifests", operation_id = "check_fate", security(("bearer" = [])), request_body = CheckFate,
    params(("manifest_id" = Uuid, Path), ActHeaders, ActMode),
    responses((status = 200, description = "Done, or what check mode says", body = ActAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests/{manifest_id}/check_fate")]
pub async fn check_fate(Signing(actor): Signing, id: Path<Uuid>, act: Act<CheckFate>) -> Result<HttpResponse, Problem> {
    Ok(answer(&fate::check(&act.call, &actor, *id, act.body).await?))
}
