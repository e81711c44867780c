//! The route of the access log (查阅留痕). No rule lives here.

use std::sync::Arc;

use actix_web::{HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

use crate::identity::Actor;
use crate::manifest::looks::{self, LookScope, Looked};
use crate::platform::app::App;
use crate::platform::call::lang_here;
use crate::platform::cursor::FilterHash;
use crate::platform::page::{PageOf, Wanted};
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::Query;
use crate::platform::table::export::{self, Export, FileFormat};
use crate::registry::title_of;

/// Filters of the access log.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListLooks {
    /// Of one manifest.
    #[serde(default)]
    manifest_id: Option<Uuid>,
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

/// Officers' looks at manifests, newest first: for a unit's administrator those at its own manifests, for an authority's
/// manager those of its officers and those at manifests of its divisions.
#[utoipa::path(
    tag = "manifests", operation_id = "list_access_log", security(("bearer" = [])), params(ListLooks),
    responses((status = 200, description = "A page", body = PageOf<Looked>),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/access_log")]
pub async fn list_access_log(app: web::Data<App>, actor: Actor, Query(query): Query<ListLooks>) -> Result<HttpResponse, Problem> {
    let scope = LookScope::of(&actor)?;
    let manifest = query.manifest_id.map(|one| one.to_string()).unwrap_or_default();
    let hash = FilterHash::of("access_log", &[("manifest_id", &manifest)]);
    let wanted = Wanted::read(hash, query.cursor.as_deref(), query.limit)?;
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        return export::send(&app, file(app.clone().into_inner(), scope, query.manifest_id, format)).await;
    }
    let mut conn = app.db.get().await?;
    let items = looks::page(&mut conn, &scope, query.manifest_id, wanted.before.unwrap_or(Uuid::max()), wanted.rows()).await?;
    Ok(HttpResponse::Ok().json(wanted.page(items, |look| look.id)))
}

/// The same list as a file.
fn file(app: Arc<App>, scope: LookScope, manifest: Option<Uuid>, format: FileFormat) -> Export<Looked> {
    let next: export::Next<Looked> = Box::new(move |before, limit| {
        let (app, scope) = (app.clone(), scope.clone());
        Box::pin(async move {
            let mut conn = app.db.get().await?;
            looks::page(&mut conn, &scope, manifest, before.unwrap_or(Uuid::max()), limit).await
        })
    });
    Export { name: "list_access_log", format, lang: lang_here(), title_of, next, id_of: |look| look.id }
}
