//! The outermost middleware: gives each request its id and writes every refusal, the framework's own
//! included, as problem+json in the caller's language.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{HttpMessage, HttpRequest, HttpResponse, ResponseError, web};

use super::app::App;
use super::call::{RequestId, lang_of, speaking};
use super::problem::{Kind, PROBLEM_JSON, Problem, TextGrades, kinds};

/// Marks a refusal that is a page for people and stays as it is: whoever scans a sheet by the road reads no JSON.
#[derive(Clone, Copy, Debug)]
pub struct OwnPage;

/// The middleware.
///
/// # Errors
/// Only what a middleware inside could not answer itself.
pub async fn respond(mut request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    let began = Instant::now();
    let app = request.app_data::<web::Data<App>>().cloned();
    let _under_way = app.as_ref().map(|app| app.metrics.begin());
    let id = app.as_ref().map(|app| app.clock.new_id()).unwrap_or_default();
    request.extensions_mut().insert(RequestId(id));
    // HEAD is GET whose body stays here (RFC 9110, 9.3.2), so every route that can be read answers it.
    let is_head = request.method() == Method::HEAD;
    if is_head {
        request.head_mut().method = Method::GET;
    }
    let lang = lang_of(request.request());
    let mut response = speaking(lang, next.call(request)).await?.map_into_boxed_body();
    let text = id.to_string();
    let status = response.status().as_u16();
    if status >= 400 && response.response().extensions().get::<OwnPage>().is_none() {
        let problem = response.response().extensions().get::<Problem>().cloned();
        let problem = problem.unwrap_or_else(|| Problem::of(kind_of(status)));
        if let Some(app) = &app {
            app.metrics.refused(problem.code);
        }
        let allow = response.headers().get(header::ALLOW).cloned();
        let body = match &app {
            Some(app) => problem.body(lang, &text, &app.text_grades),
            None => problem.body(lang, &text, &TextGrades::default()),
        };
        response = response.map_body(|_, _| BoxBody::new(body.to_string()));
        if let Ok(code) = actix_web::http::StatusCode::from_u16(problem.status) {
            *response.response_mut().status_mut() = code;
        }
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(lang.tag()));
        if let Some(allow) = allow {
            headers.insert(header::ALLOW, allow);
        }
        if let Some(seconds) = problem.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if problem.status == 401 {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        // The rest of a body that was not read must not be taken for the next request.
        if matches!(problem.status, 408 | 413) {
            response.response_mut().head_mut().set_connection_type(actix_web::http::ConnectionType::Close);
        }
    }
    if let Some(app) = &app {
        app.metrics.answered(response.request().match_name(), response.status().as_u16(), began.elapsed());
    }
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if is_head {
        response = response.map_body(|_, body| BoxBody::new(Unsent(body.size())));
    }
    Ok(response)
}

/// The body that an answer to HEAD would have had: its length is told, and nothing of it is made or sent.
struct Unsent(BodySize);

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        self.0
    }

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<web::Bytes, Self::Error>>> {
        Poll::Ready(None)
    }
}

fn kind_of(status: u16) -> &'static Kind {
    match status {
        400 => &kinds::BAD_PARAMETER,
        401 => &kinds::UNAUTHENTICATED,
        403 => &kinds::FORBIDDEN,
        404 => &kinds::NOT_FOUND,
        405 => &kinds::METHOD_NOT_ALLOWED,
        406 => &kinds::NOT_ACCEPTABLE,
        408 => &kinds::TIMEOUT,
        413 => &kinds::TOO_LARGE,
        415 => &kinds::UNSUPPORTED_MEDIA,
        429 => &kinds::TOO_MANY,
        503 => &kinds::BUSY,
        _ if status >= 500 => &kinds::INTERNAL,
        _ => &kinds::UNREADABLE,
    }
}

/// What no route took: 405 with the methods of the path where the contract knows it, else 404.
pub async fn unrouted(request: HttpRequest, app: web::Data<App>) -> HttpResponse {
    let mut methods: Vec<String> = Vec::new();
    if let Some(paths) = app.contract["paths"].as_object() {
        for (template, operations) in paths {
            if matches_template(template, request.path()) {
                methods.extend(operations.as_object().into_iter().flatten().map(|(method, _)| method.to_ascii_uppercase()));
            }
        }
    }
    if methods.is_empty() || methods.iter().any(|method| method == request.method().as_str()) {
        return Problem::not_found().error_response();
    }
    if let Some(get) = methods.iter().position(|method| method == "GET") {
        methods.insert(get + 1, "HEAD".into());
    }
    let mut response = Problem::of(&kinds::METHOD_NOT_ALLOWED).error_response();
    if let Ok(value) = HeaderValue::from_str(&methods.join(", ")) {
        response.headers_mut().insert(header::ALLOW, value);
    }
    response
}

fn matches_template(template: &str, path: &str) -> bool {
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(want), Some(have)) if want == have || (want.starts_with('{') && !have.is_empty()) => {}
            _ => return false,
        }
    }
}
