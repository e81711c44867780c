//! Lists and single things as every room from here on shows them.

use std::sync::Arc;

use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::policy::{Scope, visible_to};
use super::store::{Page, Shown, rows};
use super::titles::title_of;
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::lang_here;
use crate::platform::cursor::FilterHash;
use crate::platform::db::Sql;
use crate::platform::page::Wanted;
use crate::platform::problem::Problem;
use crate::platform::table::export::{self, Export, FileFormat};

/// The query of a list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListQuery {
    /// Only of this unit; without it the caller's own, and for officers every unit of their divisions.
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

/// The query of a unit's list.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PageQuery {
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

/// A page of what an actor may see.
///
/// # Errors
/// 400 for a cursor of another list, as the database.
pub async fn list<R>(app: &web::Data<App>, actor: &Actor, sql: Sql, name: &'static str, query: ListQuery) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + ToSchema + Send + 'static,
{
    let unit = query.unit_id.or_else(|| if actor.is_officer() { None } else { actor.unit_id() });
    page::<R>(app, visible_to(actor), sql, name, unit, PageQuery { limit: query.limit, cursor: query.cursor, format: query.format }).await
}

/// A page of a unit's things that every unit may check.
///
/// # Errors
/// As [`list`].
pub async fn list_of_unit<R>(app: &web::Data<App>, unit: Uuid, sql: Sql, name: &'static str, query: PageQuery) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + ToSchema + Send + 'static,
{
    let nobody = Scope { unit: None, jurisdiction: Vec::new() };
    page::<R>(app, nobody, sql, name, Some(unit), query).await
}

async fn page<R>(
    app: &web::Data<App>,
    scope: Scope,
    sql: Sql,
    name: &'static str,
    unit: Option<Uuid>,
    query: PageQuery,
) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + ToSchema + Send + 'static,
{
    if let Some(format) = export::wanted(query.format, query.cursor.as_deref(), query.limit)? {
        return export::send(app, file::<R>(app.clone().into_inner(), scope, sql, name, unit, format)).await;
    }
    let filter = FilterHash::of(name, &[("unit_id", &unit.map(|unit| unit.to_string()).unwrap_or_default())]);
    let wanted = Wanted::read(filter, query.cursor.as_deref(), query.limit)?;
    let mut conn = app.db.get().await?;
    let page = Page { unit, before: wanted.before, limit: wanted.rows(), ..Page::default() };
    let items: Vec<R> = rows(&mut conn, sql, &scope, &page, legal_day(app.clock.now())).await?;
    Ok(HttpResponse::Ok().json(wanted.page(items, Shown::id)))
}

/// The same list as a file: its pages one after the other, with the scope that the caller had when he asked.
fn file<R>(app: Arc<App>, scope: Scope, sql: Sql, name: &'static str, unit: Option<Uuid>, format: FileFormat) -> Export<R>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Send + 'static,
{
    let next: export::Next<R> = Box::new(move |before, limit| {
        let (app, scope) = (app.clone(), scope.clone());
        Box::pin(async move {
            let page = Page { unit, before, limit, ..Page::default() };
            let mut conn = app.db.get().await?;
            rows(&mut conn, sql, &scope, &page, legal_day(app.clock.now())).await
        })
    });
    Export { name, format, lang: lang_here(), title_of, next, id_of: Shown::id }
}

/// One thing, if the actor may see it.
///
/// # Errors
/// 404, as the database.
pub async fn one<R>(app: &App, actor: &Actor, sql: Sql, id: Uuid) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + Send + 'static,
{
    let found: R = find(app, actor, sql, id).await?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", found.version()))).json(found))
}

/// One thing, if the actor may see it, for an answer that says more of it.
///
/// # Errors
/// 404, as the database.
pub async fn find<R>(app: &App, actor: &Actor, sql: Sql, id: Uuid) -> Result<R, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    let wanted = Page { id: Some(id), limit: 1, ..Page::default() };
    let mut conn = app.db.get().await?;
    rows(&mut conn, sql, &visible_to(actor), &wanted, legal_day(app.clock.now())).await?.pop().ok_or_else(Problem::not_found)
}
