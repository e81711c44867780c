//! What every request to the API carries: its language, its id, and for acts the idempotency key, the
//! version seen, check mode and the claimed time. Request-only checks happen here, before any database.

use std::any::TypeId;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use chrono::{DateTime, Duration, Utc};
use futures_util::future::LocalBoxFuture;
use futures_util::{FutureExt, StreamExt};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::app::App;
use super::lang::Lang;
use super::problem::{Problem, Text, kinds};
use super::query;
use super::shape;

/// How far in the future a device's clock may be.
pub const CLAIMED_AHEAD_MAX: Duration = Duration::minutes(10);

/// A request id, in the answer's header and in every event.
#[derive(Clone, Copy, Debug)]
pub struct RequestId(pub Uuid);

/// One request to an act.
#[derive(Clone)]
pub struct Call {
    /// The process.
    pub app: Arc<App>,
    /// Language of sentences.
    pub lang: Lang,
    /// For logs, events and problems.
    pub request_id: Uuid,
    /// When the request was taken up; stays the same through the act.
    pub now: DateTime<Utc>,
    /// `?mode=check`: nothing is kept.
    pub check: bool,
    /// `Idempotency-Key`.
    pub key: String,
    /// `If-Match`: the version that the caller saw.
    pub seen: Option<i64>,
    /// Hash over method, path, body and `If-Match`.
    pub fingerprint: [u8; 32],
}

impl Call {
    /// A new id.
    #[must_use]
    pub fn new_id(&self) -> Uuid {
        self.app.clock.new_id()
    }

    /// The version seen, demanded by acts upon an existing thing.
    ///
    /// # Errors
    /// 428.
    pub fn must_have_seen(&self) -> Result<i64, Problem> {
        self.seen.ok_or_else(|| Problem::of(&kinds::VERSION_MISSING))
    }

    /// Compares the version seen with the present one.
    ///
    /// # Errors
    /// 428 without `If-Match`, 412 with the present version.
    pub fn seen(&self, version: i64) -> Result<(), Problem> {
        let seen = self.must_have_seen()?;
        if seen == version {
            return Ok(());
        }
        let detail = Text::new(format!("您看到的是第 {seen} 版，现为第 {version} 版"), format!("You saw version {seen}; it is now {version}"));
        Err(Problem::new(&kinds::STALE, detail).with("version", version.into()).with("seen", seen.into()))
    }

    /// The time that a device claims, checked and clamped to the present.
    ///
    /// # Errors
    /// `claimed-in-future` when more than ten minutes ahead.
    pub fn claim(&self, claimed_at: Option<DateTime<Utc>>) -> Result<DateTime<Utc>, Problem> {
        match claimed_at {
            None => Ok(self.now),
            Some(at) if at > self.now + CLAIMED_AHEAD_MAX => {
                Err(Problem::value("/claimed_at", Text::new("设备时间比服务器快 10 分钟以上", "The device's time is more than 10 minutes ahead")))
            }
            Some(at) => Ok(at.min(self.now)),
        }
    }

    /// The same call for one item of a batch: own key, own version, own fingerprint. Of the batch's body nothing else counts, so
    /// that a batch sent again with one item put right repeats the answers of the others.
    #[must_use]
    pub fn item(&self, suffix: &str, seen: Option<i64>, body: &Value) -> Self {
        let mut hash = Sha256::new();
        for part in ["item", suffix, &body.to_string()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        Self { key: format!("{}/{suffix}", self.key), seen, fingerprint: hash.finalize().into(), ..self.clone() }
    }
}

/// An act's request: the call and its body, read in the order of the contract's statuses.
pub struct Act<T> {
    /// What every act shares.
    pub call: Call,
    /// The body.
    pub body: T,
}

/// An act whose body is a file of at most `MAX` bytes: a paper, a workbook. What it is, its content says and not its header.
pub struct Upload<const MAX: usize> {
    /// What every act shares; the fingerprint covers the file.
    pub call: Call,
    /// The file.
    pub bytes: Vec<u8>,
    /// Held as long as the file is in memory.
    _place: OwnedSemaphorePermit,
}

/// How many files may be in memory at once.
const UPLOADS_AT_ONCE: usize = 8;
/// How long one more waits before 503.
const UPLOAD_WAIT: std::time::Duration = std::time::Duration::from_secs(10);

/// The places for files in memory.
struct Uploads(Arc<Semaphore>);

impl Default for Uploads {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(UPLOADS_AT_ONCE)))
    }
}

/// A place for a file in memory.
async fn place_for_file(app: Arc<App>) -> Result<OwnedSemaphorePermit, Problem> {
    let places = app.shelf::<Uploads>().0.clone();
    tokio::time::timeout(UPLOAD_WAIT, places.acquire_owned()).await.ok().and_then(Result::ok).ok_or_else(Problem::busy)
}

/// As [`Upload`], with a query of the operation's own in place of an act's `mode`.
pub struct UploadWith<const MAX: usize, Q> {
    /// What every act shares; `check` is not set.
    pub call: Call,
    /// The query.
    pub query: Q,
    /// The file.
    pub bytes: Vec<u8>,
}

/// A body without an act: look-ups, sessions, drafts.
pub struct Body<T>(pub T);

/// The body of acts that need none.
#[derive(serde::Deserialize, utoipa::ToSchema, Debug, Clone, Default)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

fn app_of(req: &HttpRequest) -> Result<Arc<App>, Problem> {
    req.app_data::<web::Data<App>>().map(|app| app.clone().into_inner()).ok_or_else(|| Problem::broken("no App in app_data"))
}

/// The caller's language.
#[must_use]
pub fn lang_of(req: &HttpRequest) -> Lang {
    req.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).map_or(Lang::ZhCn, Lang::from_accept_language)
}

tokio::task_local! {
    static SPOKEN: Lang;
}

/// Answers a request in its caller's language, wherever on the way sentences are made.
pub async fn speaking<F: Future>(lang: Lang, work: F) -> F::Output {
    SPOKEN.scope(lang, work).await
}

/// The caller's language, for what is far from the request; Chinese where nobody asks.
#[must_use]
pub fn lang_here() -> Lang {
    SPOKEN.try_with(|lang| *lang).unwrap_or_default()
}

/// The id of a request.
#[must_use]
pub fn request_id_of(req: &HttpRequest) -> Uuid {
    req.extensions().get::<RequestId>().map_or(Uuid::nil(), |id| id.0)
}

/// A header that may stand once, as text.
///
/// # Errors
/// 400 where it stands twice or is no text.
pub fn text_header<'r>(req: &'r HttpRequest, name: &str) -> Result<Option<&'r str>, Problem> {
    let mut values = req.headers().get_all(name);
    let Some(first) = values.next() else { return Ok(None) };
    let wrong = || Problem::parameter(name, Text::new("请求头取值有误", "The header's value is wrong"));
    if values.next().is_some() {
        return Err(wrong());
    }
    first.to_str().map(Some).map_err(|_| wrong())
}

/// Reads a body within its limits of size and time. Unit: bytes.
async fn read_at_most(req: &HttpRequest, app: &App, payload: &mut Payload, limit: usize) -> Result<Vec<u8>, Problem> {
    let too_large = || Problem::of(&kinds::TOO_LARGE).with("limit_bytes", limit.into());
    if req.headers().contains_key(header::CONTENT_ENCODING) {
        return Err(Problem::of(&kinds::UNSUPPORTED_MEDIA));
    }
    let declared = req.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if declared.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let deadline = tokio::time::Instant::now() + app.limits.body_time;
    let mut bytes = Vec::new();
    loop {
        match tokio::time::timeout_at(deadline, payload.next()).await {
            Err(_) => return Err(Problem::of(&kinds::TIMEOUT)),
            Ok(None) => break,
            Ok(Some(Err(_))) => return Err(Problem::of(&kinds::UNREADABLE)),
            Ok(Some(Ok(chunk))) if bytes.len() + chunk.len() > limit => return Err(too_large()),
            Ok(Some(Ok(chunk))) => bytes.extend_from_slice(&chunk),
        }
    }
    Ok(bytes)
}

/// Reads a JSON body; none at all is the empty object.
async fn read_bytes(req: &HttpRequest, app: &App, payload: &mut Payload) -> Result<Vec<u8>, Problem> {
    let mut bytes = read_at_most(req, app, payload, app.limits.body_bytes).await?;
    if bytes.is_empty() {
        bytes.extend_from_slice(b"{}");
    } else if req.content_type() != "application/json" {
        return Err(Problem::of(&kinds::UNSUPPORTED_MEDIA));
    }
    Ok(bytes)
}

/// Parses bytes as a wire type that fits its own schema; else names every fault.
///
/// The type alone would not do: lengths and patterns stand in the schema only.
///
/// # Errors
/// 400 with all faults.
pub fn parse<T: DeserializeOwned + utoipa::ToSchema + 'static>(app: &App, bytes: &[u8]) -> Result<T, Problem> {
    let schema = BodySchema { key: TypeId::of::<T>(), name: T::name() };
    let instance = schema.scan(app, bytes)?;
    let read = serde_json::from_slice::<T>(bytes).map_err(|error| error.to_string());
    schema.check(app, &instance, read.as_ref().err().map(String::as_str))?;
    read.map_err(|_| Problem::of(&kinds::BAD_SHAPE))
}

/// What is wrong with a value that stands for a member of a body: the same rules as when the body itself was sent.
///
/// # Errors
/// 500 for a schema that the contract does not have.
pub fn check_member(app: &App, schema: &str, member: &str, value: &Value) -> Result<Vec<shape::Fault>, Problem> {
    let schema = serde_json::json!({
        "$ref": format!("#/components/schemas/{schema}/properties/{member}"),
        "components": app.contract.get("components"),
    });
    let validator = shape::validator(&schema, &app.formats).map_err(|error| {
        tracing::error!(%error, "the schema of a member does not compile");
        Problem::of(&kinds::INTERNAL)
    })?;
    Ok(if validator.is_valid(value) { Vec::new() } else { shape::check_schema(&validator, value) })
}

/// The schema of a body in the contract. What does not depend on the body's type is compiled once and not once for each.
struct BodySchema {
    key: TypeId,
    name: std::borrow::Cow<'static, str>,
}

impl BodySchema {
    /// The body as JSON, if it can be read at all.
    fn scan(&self, app: &App, bytes: &[u8]) -> Result<Value, Problem> {
        if let Err(mut faults) = shape::scan(bytes, &shape::Limits::default()) {
            // All faults at once: where it can be read in spite of them, the schema has its say too.
            if let (Ok(instance), Some(validator)) = (serde_json::from_slice::<Value>(bytes), self.validator(app)) {
                let known: Vec<String> = faults.iter().map(|fault| fault.pointer.clone()).collect();
                faults.extend(shape::check_schema(&validator, &instance).into_iter().filter(|fault| !known.contains(&fault.pointer)));
            }
            return Err(Problem::shape(faults));
        }
        serde_json::from_slice(bytes).map_err(|_| Problem::of(&kinds::UNREADABLE))
    }

    /// Whether it fits; `refused` is what its reader said against it.
    fn check(&self, app: &App, instance: &Value, refused: Option<&str>) -> Result<(), Problem> {
        let validator = self.validator(app).ok_or_else(|| Problem::broken("a body has no schema"))?;
        if refused.is_none() && validator.is_valid(instance) {
            return Ok(());
        }
        let mut faults = shape::check_schema(&validator, instance);
        if let (Some(error), true) = (refused, faults.is_empty()) {
            // Well-formed by the schema, refused by a value type (a check digit, a plate): its own words name it.
            tracing::debug!(error, "body passes its schema and fails its types");
            faults.push(shape::Fault::value(String::new(), error));
        }
        Err(Problem::shape(faults))
    }

    fn validator(&self, app: &App) -> Option<Arc<jsonschema::Validator>> {
        if let Some(found) = app.schemas.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&self.key) {
            return Some(found.clone());
        }
        let schema = serde_json::json!({
            "$ref": format!("#/components/schemas/{}", self.name),
            "components": app.contract.get("components")?,
        });
        let made = match shape::validator(&schema, &app.formats) {
            Ok(made) => Arc::new(made),
            Err(error) => {
                tracing::error!(%error, name = %self.name, "a body schema does not compile");
                return None;
            }
        };
        app.schemas.write().unwrap_or_else(std::sync::PoisonError::into_inner).insert(self.key, made.clone());
        Some(made)
    }
}

/// Reads the headers of an act and the bytes of its body: JSON, or a file of at most so many bytes.
async fn read_call(req: &HttpRequest, payload: &mut Payload, file: Option<usize>) -> Result<(Call, Vec<u8>), Problem> {
    let app = app_of(req)?;
    // Every parameter is known or refused: a slip in `mode` must not sign in earnest.
    let check = query::read::<ActMode>(&app, req.query_string())?.mode.is_some();
    read_checked(req, app, payload, file, check).await
}

async fn read_checked(req: &HttpRequest, app: Arc<App>, payload: &mut Payload, file: Option<usize>, check: bool) -> Result<(Call, Vec<u8>), Problem> {
    let key = match text_header(req, "idempotency-key")? {
        Some(key) if !key.is_empty() && key.len() <= 100 && key.bytes().all(|b| b.is_ascii_graphic()) => key.to_owned(),
        None if check => String::new(),
        None => return Err(Problem::of(&kinds::KEY_MISSING)),
        Some(_) => {
            return Err(Problem::parameter(
                "Idempotency-Key",
                Text::new("须为 1 至 100 个可见 ASCII 字符", "It must be 1 to 100 visible ASCII characters"),
            ));
        }
    };
    if text_header(req, "liandan-code")?.is_some_and(|code| code.len() != 8 || !code.bytes().all(|digit| digit.is_ascii_digit())) {
        return Err(Problem::parameter("Liandan-Code", Text::new("一次性口令为 8 位数字", "A one-time code has 8 digits")));
    }
    let seen = match text_header(req, "if-match")? {
        None => None,
        Some(text) => Some(text.trim().trim_matches('"').parse::<i64>().ok().filter(|seen| *seen >= 0).ok_or_else(|| {
            Problem::parameter("If-Match", Text::new("If-Match 须为版本号，例如 \"3\"", "If-Match must be a version, for example \"3\""))
        })?),
    };
    let bytes = match file {
        None => read_bytes(req, &app, payload).await?,
        Some(limit) => read_at_most(req, &app, payload, limit).await?,
    };
    let mut hash = Sha256::new();
    for part in [req.method().as_str().as_bytes(), req.path().as_bytes(), &bytes, seen.map_or(String::new(), |v| v.to_string()).as_bytes()] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let call =
        Call { lang: lang_of(req), request_id: request_id_of(req), now: app.clock.now(), check, key, seen, fingerprint: hash.finalize().into(), app };
    Ok((call, bytes))
}

// Outside the generic readers below: inside, each body type would have a copy of the whole.
fn reading_call(req: HttpRequest, mut payload: Payload, file: Option<usize>) -> LocalBoxFuture<'static, Result<(Call, Vec<u8>), Problem>> {
    Box::pin(async move { read_call(&req, &mut payload, file).await })
}

/// A body with the process that reads it.
type ReadBody = Result<(Arc<App>, Vec<u8>), Problem>;

fn reading_body(req: HttpRequest, mut payload: Payload) -> LocalBoxFuture<'static, ReadBody> {
    Box::pin(async move {
        let app = app_of(&req)?;
        query::read::<query::NoQuery>(&app, req.query_string())?;
        let bytes = read_bytes(&req, &app, &mut payload).await?;
        Ok((app, bytes))
    })
}

impl<T: DeserializeOwned + utoipa::ToSchema + 'static> FromRequest for Act<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(
            reading_call(req.clone(), payload.take(), None)
                .map(|read| read.and_then(|(call, bytes)| Ok(Self { body: parse(&call.app, &bytes)?, call }))),
        )
    }
}

impl<const MAX: usize> FromRequest for Upload<MAX> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (app, reading) = (app_of(req), reading_call(req.clone(), payload.take(), Some(MAX)));
        Box::pin(async move {
            let place = place_for_file(app?).await?;
            reading.await.map(|(call, bytes)| Self { call, bytes, _place: place })
        })
    }
}

impl<const MAX: usize, Q: DeserializeOwned + utoipa::IntoParams + 'static> FromRequest for UploadWith<MAX, Q> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (req, mut payload) = (req.clone(), payload.take());
        Box::pin(async move {
            let app = app_of(&req)?;
            let query = query::read::<Q>(&app, req.query_string())?;
            let (mut call, bytes) = read_checked(&req, app, &mut payload, Some(MAX), false).await?;
            // The words of the query are part of what is asked for.
            call.fingerprint = Sha256::new().chain_update(call.fingerprint).chain_update(req.query_string()).finalize().into();
            Ok(Self { call, query, bytes })
        })
    }
}

impl<T: DeserializeOwned + utoipa::ToSchema + 'static> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, payload: &mut Payload) -> Self::Future {
        Box::pin(reading_body(req.clone(), payload.take()).map(|read| read.and_then(|(app, bytes)| Ok(Self(parse(&app, &bytes)?)))))
    }
}

/// The headers of every act, for the contract.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "read by the contract only; Act parses the headers")]
pub struct ActHeaders {
    /// Makes the act happen once however often it is sent: 1 to 100 visible ASCII characters. May be left out in check mode.
    #[param(rename = "Idempotency-Key", required = false, max_length = 100, min_length = 1, pattern = "^[!-~]{1,100}$")]
    key: Option<String>,
    /// The version that the caller saw, for acts on an existing thing; without it 428, stale 412. Acts on invitations, memberships,
    /// deputies, keys and delegations, on the caller's own secrets, and weighings do without.
    #[param(rename = "If-Match", required = false, pattern = "^\"?[0-9]{1,18}\"?$")]
    seen: Option<String>,
    /// A one-time code told by voice, when somebody without a device signs an act on a manifest.
    #[param(rename = "Liandan-Code", required = false, pattern = "^[0-9]{8}$")]
    code: Option<String>,
    /// `zh-CN` (default) or `en`: the language of sentences.
    #[param(rename = "Accept-Language", required = false)]
    lang: Option<String>,
}

/// The query of every act.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ActMode {
    /// `check`: say what the act would do or refuse, and keep nothing.
    #[serde(default)]
    #[param(required = false, inline)]
    mode: Option<Mode>,
}

/// The one mode beside acting.
#[derive(serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Keep nothing.
    Check,
}
