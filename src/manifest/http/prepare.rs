//! Routes of proposals (拟单), and of many issues in one request. No rule lives here.

use actix_web::{HttpRequest, HttpResponse, post, web};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use crate::evidence::ActAnswer;
use crate::identity::Actor;
use crate::manifest::acts::issue;
use crate::manifest::input::IssueManifest;
use crate::manifest::prepare::{self, PrepareManifests, Prepared};
use crate::platform::app::App;
use crate::platform::call::{Act, ActHeaders, ActMode, Body, Call, lang_of, request_id_of};
use crate::platform::problem::{Problem, ProblemBody, Text};

/// Propose manifests from containers, receiver, carrier and vehicles (拟单). Nothing is kept; each proposal says what its issue
/// would say.
#[utoipa::path(
    tag = "manifests", operation_id = "prepare_manifests", security(("bearer" = [])), request_body = PrepareManifests,
    responses((status = 200, description = "What comes out", body = Prepared),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests:prepare")]
pub async fn prepare_manifests(app: web::Data<App>, actor: Actor, req: HttpRequest, body: Body<PrepareManifests>) -> Result<HttpResponse, Problem> {
    let call = Call {
        lang: lang_of(&req),
        request_id: request_id_of(&req),
        now: app.clock.now(),
        check: true,
        key: String::new(),
        seen: None,
        fingerprint: [0; 32],
        app: app.into_inner(),
    };
    Ok(HttpResponse::Ok().json(prepare::prepare(&call, &actor, body.0).await?))
}

/// A manifest among many.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueItem {
    /// The client's own id of the item; the idempotency key with it makes it happen once.
    #[schema(min_length = 1, max_length = 40, pattern = "^[!-~]{1,40}$")]
    client_id: String,
    /// The manifest.
    manifest: IssueManifest,
}

/// Many manifests to be issued.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueMany {
    /// Each stands alone.
    #[schema(min_items = 1, max_items = 50)]
    items: Vec<IssueItem>,
}

/// Result of one of many issues.
#[derive(Serialize, ToSchema)]
pub struct IssueResult {
    /// The client's id of the item.
    client_id: String,
    /// The status that it would have had alone.
    status: u16,
    /// The answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = ActAnswer)]
    answer: Option<Value>,
    /// The problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false, value_type = ProblemBody)]
    problem: Option<Value>,
}

/// Results of many issues, in the order of the items.
#[derive(Serialize, ToSchema)]
pub struct IssueResults {
    results: Vec<IssueResult>,
}

/// Issue many manifests, such as all of a proposal; each is one transaction with its own result.
#[utoipa::path(
    tag = "manifests", operation_id = "issue_manifests", security(("bearer" = [])), request_body = IssueMany, params(ActHeaders, ActMode),
    responses((status = 200, description = "A result for each", body = IssueResults),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/manifests:issue_many")]
pub async fn issue_manifests(actor: Actor, act: Act<IssueMany>) -> Result<HttpResponse, Problem> {
    let items = &act.body.items;
    let twice = |(index, item): (usize, &IssueItem)| items.iter().take(index).any(|earlier| earlier.client_id == item.client_id).then_some(index);
    if let Some(index) = items.iter().enumerate().find_map(twice) {
        // With one key for two items the second would repeat the answer of the first.
        return Err(Problem::value(format!("/items/{index}/client_id"), Text::new("客户端编号重复", "The client's id is given twice")));
    }
    let mut results = Vec::new();
    for item in act.body.items {
        let call = act.call.item(&item.client_id, None, &json!(item));
        let client_id = item.client_id;
        results.push(match issue::issue(&call, &actor, item.manifest).await {
            Ok(outcome) => IssueResult { client_id, status: if call.check { 200 } else { 201 }, answer: Some(outcome.body()), problem: None },
            Err(problem) => IssueResult {
                client_id,
                status: problem.status,
                answer: None,
                problem: Some(problem.body(call.lang, &call.request_id.to_string(), &call.app.text_grades)),
            },
        });
    }
    Ok(HttpResponse::Ok().json(IssueResults { results }))
}
