//! Lists and single things as every room from here on shows them.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest, HttpResponse, web};
use futures_util::future::{Ready, ready};
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::policy::{Scope, visible_to};
use super::store::{Page, Shown, rows};
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::cursor::{self, FilterHash};
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, Text};

/// Unit: rows of one page; more would hold a connection for too long.
const PAGE_SIZE_MAX: i64 = 500;
const PAGE_SIZE: i64 = 50;

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub struct PageOf<T> {
    /// The rows.
    items: Vec<T>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next_cursor: Option<String>,
}

/// The query of a list, for the contract.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the contract only; ListQuery parses the query")]
pub struct ListParams {
    /// Only of this unit; without it the caller's own, and for officers every unit of their divisions.
    #[param(required = false)]
    unit_id: Option<Uuid>,
    /// Rows of a page.
    #[param(required = false, minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(required = false, max_length = 64)]
    cursor: Option<String>,
}

/// The query of a unit's list, for the contract.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the contract only; ListQuery parses the query")]
pub struct PageParams {
    /// Rows of a page.
    #[param(required = false, minimum = 1, maximum = 500, default = 50)]
    limit: Option<i64>,
    /// `next_cursor` of the page before.
    #[param(required = false, max_length = 64)]
    cursor: Option<String>,
}

/// The query of a list.
#[derive(Debug, Default)]
pub struct ListQuery {
    unit: Option<Uuid>,
    limit: Option<i64>,
    cursor: Option<String>,
}

impl ListQuery {
    fn read(query: &str) -> Result<Self, Problem> {
        let unreadable = || Problem::parameter("query", Text::new("查询参数无法读取", "The query cannot be read"));
        let pairs = web::Query::<Vec<(String, String)>>::from_query(query).map_err(|_| unreadable())?.into_inner();
        let mut read = Self::default();
        for (name, value) in pairs {
            let wrong = |zh: &'static str, en: &'static str| Problem::parameter(&name, Text::new(zh, en));
            let is_twice = match name.as_str() {
                "unit_id" => {
                    let unit = value.parse().map_err(|_| wrong("须为 UUID", "It must be a UUID"))?;
                    read.unit.replace(unit).is_some()
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=PAGE_SIZE_MAX).contains(limit));
                    read.limit.replace(limit.ok_or_else(|| wrong("须为 1 至 500 的整数", "It must be an integer from 1 to 500"))?).is_some()
                }
                "cursor" => read.cursor.replace(value).is_some(),
                _ => return Err(wrong("没有此参数", "There is no such parameter")),
            };
            if is_twice {
                return Err(wrong("参数重复", "The parameter is given twice"));
            }
        }
        Ok(read)
    }
}

impl FromRequest for ListQuery {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::read(request.query_string()))
    }
}

/// A page of what an actor may see.
///
/// # Errors
/// 400 for a cursor of another list, as the database.
pub async fn list<R>(app: &App, actor: &Actor, sql: Sql, name: &str, query: ListQuery) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + Send + 'static,
{
    let unit = query.unit.or_else(|| if actor.is_officer() { None } else { actor.unit_id() });
    page::<R>(app, &visible_to(actor), sql, name, unit, query).await
}

/// A page of a unit's things that every unit may check.
///
/// # Errors
/// As [`list`].
pub async fn list_of_unit<R>(app: &App, unit: Uuid, sql: Sql, name: &str, query: ListQuery) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + Send + 'static,
{
    if query.unit.is_some() {
        return Err(Problem::parameter("unit_id", Text::new("没有此参数", "There is no such parameter")));
    }
    let nobody = Scope { unit: None, jurisdiction: Vec::new() };
    page::<R>(app, &nobody, sql, name, Some(unit), query).await
}

async fn page<R>(app: &App, scope: &Scope, sql: Sql, name: &str, unit: Option<Uuid>, query: ListQuery) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + Send + 'static,
{
    let filter = FilterHash::of(name, &[("unit_id", &unit.map(|unit| unit.to_string()).unwrap_or_default())]);
    let before = query.cursor.map(|text| cursor::decode(&text, filter)).transpose().map_err(|_| {
        Problem::parameter("cursor", Text::new("游标无效，或属于其他查询条件", "The cursor cannot be read, or belongs to other filters"))
    })?;
    let limit = query.limit.unwrap_or(PAGE_SIZE);
    let mut conn = app.db.get().await?;
    // One more than asked for tells whether there is a next page.
    let wanted = Page { unit, before, limit: limit + 1, ..Page::default() };
    let mut items: Vec<R> = rows(&mut conn, sql, scope, &wanted, legal_day(app.clock.now())).await?;
    let size = usize::try_from(limit).unwrap_or(usize::MAX);
    let has_more = items.len() > size;
    items.truncate(size);
    let next_cursor = items.last().filter(|_| has_more).map(|last| cursor::encode(filter, last.id()));
    Ok(HttpResponse::Ok().json(PageOf { items, next_cursor }))
}

/// One thing, if the actor may see it.
///
/// # Errors
/// 404, as the database.
pub async fn one<R>(app: &App, actor: &Actor, sql: Sql, id: Uuid) -> Result<HttpResponse, Problem>
where
    R: diesel::QueryableByName<diesel::pg::Pg> + Shown + Serialize + Send + 'static,
{
    let wanted = Page { id: Some(id), limit: 1, ..Page::default() };
    let mut conn = app.db.get().await?;
    let found: Option<R> = rows(&mut conn, sql, &visible_to(actor), &wanted, legal_day(app.clock.now())).await?.pop();
    let found = found.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().insert_header(("ETag", format!("\"{}\"", found.version()))).json(found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_query_names_its_parameter() {
        let fault = |query: &str| ListQuery::read(query).err().map(|problem| problem.extra["parameter"].as_str().unwrap_or_default().to_owned());
        assert_eq!(fault(""), None);
        assert_eq!(fault("limit=500&cursor=abc"), None);
        for (query, name) in [
            ("limit=0", "limit"),
            ("limit=501", "limit"),
            ("limit=x", "limit"),
            ("limit=1&limit=2", "limit"),
            ("unit_id=1", "unit_id"),
            ("colour=red", "colour"),
            ("limit", "limit"),
        ] {
            assert_eq!(fault(query).as_deref(), Some(name), "{query}");
        }
    }
}
