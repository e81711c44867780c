//! Problems: what a caller gets when the answer is no (RFC 9457), in the caller's language.
//!
//! A feature says no with an enum of its own that implements [`Refusal`]; [`Refusals`] collects every
//! fault with the JSON pointer of its cause, and becomes one [`Problem`].

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::lang::Lang;
use super::shape::Fault as ShapeFault;

/// Content type of every problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

/// A sentence in both languages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Simplified Chinese.
    pub zh: Cow<'static, str>,
    /// English.
    pub en: Cow<'static, str>,
}

impl Text {
    /// A pair of sentences.
    pub fn new(zh: impl Into<Cow<'static, str>>, en: impl Into<Cow<'static, str>>) -> Self {
        Self { zh: zh.into(), en: en.into() }
    }
    /// The sentence in one language.
    #[must_use]
    pub fn say(&self, lang: Lang) -> &str {
        match lang {
            Lang::ZhCn => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// A kind of problem: a page under `/problems/{code}`.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// HTTP status.
    pub status: u16,
    /// Stable code, also the last segment of `type`.
    pub code: &'static str,
    /// Title in Chinese.
    pub zh: &'static str,
    /// Title in English.
    pub en: &'static str,
}

impl Kind {
    /// A kind with its titles.
    #[must_use]
    pub const fn new(status: u16, code: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { status, code, zh, en }
    }
}

/// One way of saying no; the facts are in the variants of the implementing enum.
pub trait Refusal {
    /// The kind of problem.
    fn kind(&self) -> &'static Kind;
    /// The sentence.
    fn text(&self) -> Text;
    /// Articles on which the refusal rests; empty where it is arithmetic or state, not law.
    fn law(&self) -> &'static [&'static str] {
        &[]
    }
    /// A ready body or other help for the caller.
    fn help(&self) -> Option<Value> {
        None
    }
}

/// Every refusal of one request with its place. Empty means "go on".
#[derive(Debug)]
pub struct Refusals<R>(Vec<(String, R)>);

impl<R> Refusals<R> {
    /// Nothing refused so far.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }
    /// Adds one, with the JSON pointer of its cause in the request's body (empty: the whole).
    pub fn add(&mut self, pointer: impl Into<String>, refusal: R) {
        self.0.push((pointer.into(), refusal));
    }
    /// Whether nothing was refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// What was refused.
    pub fn iter(&self) -> impl Iterator<Item = &(String, R)> {
        self.0.iter()
    }
    /// The value, if nothing was refused.
    ///
    /// # Errors
    /// All refusals together.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
    /// Takes over the refusals of another check.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl<R> From<R> for Refusals<R> {
    fn from(refusal: R) -> Self {
        Self(vec![(String::new(), refusal)])
    }
}

/// One fault inside a problem.
#[derive(Debug, Clone)]
pub struct Fault {
    /// JSON pointer into the request's body; empty for the whole.
    pub pointer: String,
    /// Stable code.
    pub code: &'static str,
    /// The sentence.
    pub message: Text,
    /// Articles.
    pub law: Vec<&'static str>,
}

/// The answer no.
#[derive(Debug, Clone)]
pub struct Problem {
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: &'static str,
    /// Title.
    pub title: Text,
    /// What happened here, in a sentence.
    pub detail: Text,
    /// Every fault.
    pub errors: Vec<Fault>,
    /// Members beside those of RFC 9457.
    pub extra: Box<Map<String, Value>>,
    /// Seconds for Retry-After.
    pub retry_after: Option<u32>,
}

/// Kinds that belong to no feature.
pub mod kinds {
    use super::Kind;
    macro_rules! kinds { ($($name:ident = $status:literal $code:literal $zh:literal $en:literal;)*) => {
        $(#[doc = $en] pub const $name: Kind = Kind::new($status, $code, $zh, $en);)*
        /// All kinds of this module.
        pub const ALL: &[&Kind] = &[$(&$name),*];
    } }
    kinds! {
        UNREADABLE = 400 "unreadable" "请求无法读取" "The request cannot be read";
        BAD_SHAPE = 400 "bad-shape" "请求内容不符合格式" "The body does not have the expected shape";
        BAD_PARAMETER = 400 "bad-parameter" "路径、查询或请求头参数有误" "A path, query or header parameter is wrong";
        KEY_MISSING = 400 "idempotency-key-missing" "缺少 Idempotency-Key 请求头" "The Idempotency-Key header is missing";
        UNAUTHENTICATED = 401 "unauthenticated" "未登录或凭证无效" "No valid credential";
        FORBIDDEN = 403 "forbidden" "无权进行此操作" "You may not do this";
        NOT_FOUND = 404 "not-found" "不存在或不可见" "Absent, or not visible to you";
        METHOD_NOT_ALLOWED = 405 "method-not-allowed" "此路径不支持该方法" "This path does not take this method";
        NOT_ACCEPTABLE = 406 "not-acceptable" "无法提供所要求的格式" "The wanted format is not available";
        TIMEOUT = 408 "request-timeout" "请求传输过慢，已中断" "The request came too slowly and was cut";
        STILL_RUNNING = 409 "still-running" "相同的请求仍在处理" "The same request, or one it waits for, is still running";
        ALREADY_DONE = 409 "already-done" "此请求已完成，其含密应答不再重发" "Done already; an answer that holds a secret is not repeated";
        WRONG_STATE = 409 "wrong-state" "当前状态不允许此操作" "The state does not allow this act";
        CONFLICT = 409 "conflict" "与已有内容冲突" "It conflicts with what is there";
        STALE = 412 "stale-version" "版本已过期" "The version you saw is no longer current";
        TOO_LARGE = 413 "too-large" "请求体过大" "The body is too large";
        UNSUPPORTED_MEDIA = 415 "unsupported-media-type" "只接受 application/json" "Only application/json is taken";
        KEY_REUSED = 422 "idempotency-key-reused" "同一 Idempotency-Key 被用于不同的请求" "The Idempotency-Key was used for another request";
        BAD_VALUE = 422 "bad-value" "请求内容中的取值不成立" "A value in the body does not hold";
        RULES = 422 "rules-refuse" "规则不允许" "One or more rules refuse this";
        CONFIRM_NEEDED = 422 "confirmation-needed" "须逐项确认警示并说明理由" "Warnings must be confirmed, each with a reason";
        VERSION_MISSING = 428 "if-match-missing" "缺少 If-Match 请求头" "The If-Match header is missing";
        TOO_MANY = 429 "too-many-requests" "请求过于频繁" "Too many requests";
        INTERNAL = 500 "internal" "服务器内部错误" "Internal error";
        BUSY = 503 "busy" "服务繁忙，请稍后再试" "Busy, try again later";
    }
}

impl Problem {
    /// A problem of a kind with its sentence.
    #[must_use]
    pub fn new(kind: &'static Kind, detail: Text) -> Self {
        Self {
            status: kind.status,
            code: kind.code,
            title: Text::new(kind.zh, kind.en),
            detail,
            errors: Vec::new(),
            extra: Box::default(),
            retry_after: None,
        }
    }
    /// A problem that says no more than its kind.
    #[must_use]
    pub fn of(kind: &'static Kind) -> Self {
        Self::new(kind, Text::new(kind.zh, kind.en))
    }
    /// Absent, or hidden: the two are never told apart.
    #[must_use]
    pub fn not_found() -> Self {
        Self::of(&kinds::NOT_FOUND)
    }
    /// Visible, but not allowed.
    #[must_use]
    pub fn forbidden(detail: Text) -> Self {
        Self::new(&kinds::FORBIDDEN, detail)
    }
    /// No capacity now.
    #[must_use]
    pub fn busy() -> Self {
        Self { retry_after: Some(1), ..Self::of(&kinds::BUSY) }
    }
    /// A header, path or query value that cannot be read.
    pub fn parameter(name: &str, detail: Text) -> Self {
        let mut problem = Self::new(&kinds::BAD_PARAMETER, detail);
        problem.extra.insert("parameter".into(), json!(name));
        problem
    }
    /// A value in the body that cannot hold: well shaped, but nothing there, or at odds with another.
    pub fn value(pointer: impl Into<String>, detail: Text) -> Self {
        let fault = Fault { pointer: pointer.into(), code: kinds::BAD_VALUE.code, message: detail.clone(), law: Vec::new() };
        Self { errors: vec![fault], ..Self::new(&kinds::BAD_VALUE, detail) }
    }
    /// A 500: the cause is logged here, once, and never sent.
    pub fn internal(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut chain = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            chain.push_str(": ");
            chain.push_str(&next.to_string());
            cause = next.source();
        }
        tracing::error!(error = %chain, "internal error");
        Self::of(&kinds::INTERNAL)
    }
    /// A 500 for a fact that the program believed impossible.
    pub fn broken(what: &'static str) -> Self {
        tracing::error!(what, "invariant broken");
        Self::of(&kinds::INTERNAL)
    }
    /// Faults of shape, all at once.
    #[must_use]
    pub fn shape(faults: Vec<ShapeFault>) -> Self {
        let kind = if faults.iter().any(|fault| fault.code == "not-json") { &kinds::UNREADABLE } else { &kinds::BAD_SHAPE };
        Self::of(kind).with_faults(faults)
    }
    /// Faults of a query string, all at once; the first is named apart for clients that read no list.
    #[must_use]
    pub fn query(faults: Vec<ShapeFault>) -> Self {
        let first = faults.first().map(|fault| fault.pointer.trim_start_matches('/').to_owned());
        let problem = Self::of(&kinds::BAD_PARAMETER).with_faults(faults);
        match first {
            Some(name) => problem.with("parameter", name.into()),
            None => problem,
        }
    }
    fn with_faults(mut self, faults: Vec<ShapeFault>) -> Self {
        self.errors = faults
            .into_iter()
            .map(|fault| Fault {
                message: Text::new(fault.message(Lang::ZhCn), fault.message(Lang::En)),
                pointer: fault.pointer,
                code: fault.code,
                law: Vec::new(),
            })
            .collect();
        self
    }
    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.extra.insert(name.into(), value);
        self
    }
    /// The body in one language.
    #[must_use]
    pub fn body(&self, lang: Lang, request_id: &str, grades: &TextGrades) -> Value {
        let mut law: Vec<&str> = self.errors.iter().flat_map(|fault| fault.law.iter().copied()).collect();
        law.sort_unstable();
        law.dedup();
        let mut body = json!({
            "type": format!("/problems/{}", self.code),
            "title": self.title.say(lang),
            "status": self.status,
            "detail": self.detail.say(lang),
            "errors": self.errors.iter().map(|fault| json!({
                "pointer": fault.pointer, "code": fault.code, "message": fault.message.say(lang),
                "legal": fault.law.iter().map(|key| legal(key, grades)).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "legal": law.into_iter().map(|key| legal(key, grades)).collect::<Vec<_>>(),
            "request_id": request_id,
        });
        if let Value::Object(map) = &mut body {
            for (name, value) in self.extra.iter() {
                map.insert(name.clone(), value.clone());
            }
        }
        body
    }
}

/// How good the text of each law is that the installation holds (文本来源等级), by the law's id.
pub type TextGrades = std::collections::BTreeMap<String, String>;

/// A legal key `law/article[/item]` as clients show it, with the grade of the text behind it.
fn legal(key: &str, grades: &TextGrades) -> Value {
    let (law, article) = key.split_once('/').unwrap_or((key, ""));
    json!({ "law": law, "article": article, "text": grades.get(law).map_or("not_held", String::as_str) })
}

impl<R: Refusal> From<Refusals<R>> for Problem {
    fn from(refusals: Refusals<R>) -> Self {
        let first = refusals.0.first().map(|(_, refusal)| refusal.kind());
        let alike = first.filter(|kind| refusals.0.iter().all(|(_, refusal)| refusal.kind() == *kind));
        let mut problem = match (alike, refusals.0.as_slice()) {
            (Some(kind), [(_, only)]) => Self::new(kind, only.text()),
            (Some(kind), _) => Self::of(kind),
            (None, _) => Self::of(&kinds::RULES),
        };
        let mut help = Vec::new();
        for (pointer, refusal) in refusals.0 {
            if let Some(value) = refusal.help() {
                help.push(value);
            }
            problem.errors.push(Fault { pointer, code: refusal.kind().code, message: refusal.text(), law: refusal.law().to_vec() });
        }
        if !help.is_empty() {
            problem.extra.insert("help".into(), Value::Array(help));
        }
        problem
    }
}

impl From<diesel::result::Error> for Problem {
    fn from(error: diesel::result::Error) -> Self {
        use diesel::result::{DatabaseErrorKind, Error};
        match &error {
            _ if super::db::is_lock_timeout(&error) => Self { retry_after: Some(1), ..Self::of(&kinds::STILL_RUNNING) },
            Error::DatabaseError(DatabaseErrorKind::UniqueViolation, info) => {
                tracing::info!(constraint = info.constraint_name().unwrap_or_default(), "two at once");
                Self::of(&kinds::CONFLICT)
            }
            Error::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => Self { retry_after: Some(1), ..Self::of(&kinds::BUSY) },
            Error::DatabaseError(DatabaseErrorKind::Unknown, info) if info.message().contains("deadlock") => {
                Self { retry_after: Some(1), ..Self::of(&kinds::BUSY) }
            }
            Error::DatabaseError(DatabaseErrorKind::ClosedConnection, _) | Error::BrokenTransactionManager => {
                tracing::warn!(%error, "database connection lost");
                Self::busy()
            }
            Error::DatabaseError(_, info) if info.message().contains("connection closed") || info.message().contains("terminating connection") => {
                tracing::warn!(%error, "database connection lost");
                Self::busy()
            }
            _ => Self::internal(&error),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}: {}", self.status, self.code, self.detail.en)?;
        for fault in &self.errors {
            write!(f, "; {} {}: {}", fault.pointer, fault.code, fault.message.en)?;
        }
        Ok(())
    }
}
impl std::error::Error for Problem {}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
    /// Without words: the outermost middleware knows the caller's language and renders the body.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::build(self.status_code()).finish();
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The body of a problem, as the contract shows it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// `/problems/{code}`: a page that explains the kind.
    pub r#type: String,
    /// The kind in words.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// What happened here.
    pub detail: String,
    /// Every fault with its place.
    pub errors: Vec<FaultBody>,
    /// The articles on which the refusal rests.
    pub legal: Vec<LegalBody>,
    /// To quote when asking for help.
    pub request_id: String,
    /// 412: the present version.
    #[schema(required = false)]
    pub version: Option<i64>,
    /// 412: the version that the caller named.
    #[schema(required = false)]
    pub seen: Option<i64>,
    /// 412 on what has a chain: the newest events after the version seen, oldest first, 50 at most.
    #[schema(required = false, max_items = 50)]
    pub events: Option<Vec<BetweenBody>>,
    /// 412: whether older events were left out.
    #[schema(required = false)]
    pub events_cut: Option<bool>,
}
/// An event between the version seen and the present one.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = EventBetween)]
pub struct BetweenBody {
    /// Place in the chain.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// The subject's version after it.
    #[schema(minimum = 1)]
    pub version: i64,
    /// The act.
    pub act: String,
    /// The unit for which it was done; null where it was done for none.
    pub unit: Option<uuid::Uuid>,
    /// When the signer says it happened.
    pub claimed_at: String,
    /// When it was recorded.
    pub recorded_at: String,
}
/// One fault.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Fault)]
pub struct FaultBody {
    /// JSON pointer into the request's body; empty for the whole.
    pub pointer: String,
    /// Stable code.
    pub code: String,
    /// A sentence in the caller's language.
    pub message: String,
    /// The articles.
    pub legal: Vec<LegalBody>,
}
/// An article of law.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Legal)]
pub struct LegalBody {
    /// Id of the law in `laws.csv`.
    pub law: String,
    /// Article, with its item after a slash.
    pub article: String,
    /// The text that we hold: `official`, `two_copies`, `single_copy` or `not_held`. Below official, read the printed text
    /// before you decide by it.
    pub text: String,
}
