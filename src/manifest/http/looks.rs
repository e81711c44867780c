//! The route of the access log (查阅留痕). No rule lives here.

use actix_web::{HttpResponse, get, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::identity::Actor;
use crate::manifest::looks::{self, LookScope, Looked};
use crate::platform::app::App;
use crate::platform::cursor::{self, FilterHash};
use crate::platform::problem::{Problem, ProblemBody, Text};
use crate::platform::query::Query;

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
}

/// A page of the access log.
#[derive(Serialize, ToSchema)]
pub struct AccessLogPage {
    /// Newest first.
    items: Vec<Looked>,
    /// Where the next page begins, if there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next_cursor: Option<String>,
}

/// Officers' looks at manifests, newest first: for a unit's administrator those at its own manifests, for an authority's
/// manager those of its officers and those at manifests of its divisions.
#[utoipa::path(
    tag = "manifests", operation_id = "list_access_log", security(("bearer" = [])), params(ListLooks),
    responses((status = 200, description = "A page", body = AccessLogPage),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/access_log")]
pub async fn list_access_log(app: web::Data<App>, actor: Actor, Query(query): Query<ListLooks>) -> Result<HttpResponse, Problem> {
    let scope = LookScope::of(&actor)?;
    let manifest = query.manifest_id.map(|one| one.to_string()).unwrap_or_default();
    let hash = FilterHash::of("access_log", &[("manifest_id", &manifest)]);
    let before = match &query.cursor {
        None => Uuid::max(),
        Some(cursor) => cursor::decode(cursor, hash)
            .map_err(|_| Problem::parameter("cursor", Text::new("游标与筛选条件不符", "The cursor does not belong to these filters")))?,
    };
    let limit = query.limit.unwrap_or(50);
    let mut conn = app.db.get().await?;
    let mut items = looks::page(&mut conn, &scope, query.manifest_id, before, limit + 1).await?;
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = items.len() > wanted;
    items.truncate(wanted);
    let next_cursor = items.last().filter(|_| is_more).map(|last| cursor::encode(hash, last.id));
    Ok(HttpResponse::Ok().json(AccessLogPage { items, next_cursor }))
}
