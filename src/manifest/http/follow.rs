//! Following the feed, as a list or as a stream.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, get, web};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::identity::Actor;
use crate::identity::auth::ValidUntil;
use crate::manifest::policy::Scope;
use crate::manifest::read::Look;
use crate::manifest::{feed, stream};
use crate::platform::app::App;
use crate::platform::call::request_id_of;
use crate::platform::problem::{Problem, ProblemBody, Text};
use crate::platform::query::Query;

/// Where to go on in the feed.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FeedAfter {
    /// The last place already taken; 0 from the beginning.
    #[serde(default)]
    #[param(minimum = 0)]
    after: Option<i64>,
    /// How many, 100 without it.
    #[serde(default)]
    #[param(minimum = 1, maximum = 500)]
    limit: Option<i64>,
}

/// Where a stream was left.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the contract only; `left_at` parses the header")]
pub struct LeftAt {
    /// For a stream that was cut: the last `id` that came; it goes before `after`.
    #[param(rename = "Last-Event-ID", required = false, pattern = "^[0-9]{1,18}$")]
    last_event_id: Option<String>,
}

/// The header by which a browser goes on with a stream that was cut.
const LAST_EVENT_ID: &str = "Last-Event-ID";

fn left_at(request: &HttpRequest) -> Result<Option<i64>, Problem> {
    let Some(value) = request.headers().get(LAST_EVENT_ID) else { return Ok(None) };
    let text = value.to_str().ok().filter(|text| text.len() <= 18 && text.bytes().all(|digit| digit.is_ascii_digit()));
    text.and_then(|text| text.parse().ok())
        .map(Some)
        .ok_or_else(|| Problem::parameter(LAST_EVENT_ID, Text::new("须为事件流中的 id", "It must be an id of the stream")))
}

/// A place that the feed has not reached was taken from another installation, or before a restore: whoever waited there
/// would miss all that comes until then.
fn reached(from: &str, after: i64, last: i64) -> Result<(), Problem> {
    if after <= last {
        return Ok(());
    }
    let detail = Text::new(
        format!("事件流目前到第 {last} 号，没有第 {after} 号；请核对所连接的系统，从确已取得的位置或从 0 重新读取"),
        format!(
            "The feed ends at {last}; there is no place {after} yet. See which installation this is, and go on from a place of its own, or from 0"
        ),
    );
    Err(Problem::parameter(from, detail).with("last", last.into()))
}

/// Whether the caller wants a stream: of what the server has, the first that is named.
fn wants_stream(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let named = accept.split(',').filter_map(|range| range.split(';').next()).map(str::trim);
    named.into_iter().find(|range| matches!(*range, "text/event-stream" | "application/json" | "application/*" | "*/*")) == Some("text/event-stream")
}

/// Events of all manifests that the caller may see, in one dense order: for ERP systems that follow.
///
/// With `Accept: text/event-stream` a stream: `id` is the place in the feed, `data` what the list holds; `limit` does not count.
#[utoipa::path(
    tag = "manifests", operation_id = "list_events", security(("bearer" = [])), params(FeedAfter, LeftAt),
    responses((status = 200, description = "`events`, and `after`: where to go on", content((Value = "application/json"), (String = "text/event-stream"))),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/events")]
pub async fn list_events(
    app: web::Data<App>,
    actor: Actor,
    until: ValidUntil,
    Query(query): Query<FeedAfter>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let limit = query.limit.unwrap_or(100);
    let (from, after) = match left_at(&request)? {
        Some(id) => (LAST_EVENT_ID, id),
        None => ("after", query.after.unwrap_or(0)),
    };
    let mut conn = app.db.get().await?;
    if wants_stream(&request) {
        reached(from, after, feed::last(&conn).await?)?;
        // A stream holds no connection while it waits.
        drop(conn);
        return stream::open(app, actor, until, after, request_id_of(&request));
    }
    let page = feed::page(&mut conn, &Scope::of(&actor), after, limit).await?;
    reached(from, after, page.last)?;
    feed::log_looks(&app, &mut conn, &actor, &page, Look("events", request_id_of(&request))).await?;
    Ok(HttpResponse::Ok().content_type("application/json").body(page.document()))
}
