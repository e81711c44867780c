//! From a credential to an [`Actor`]: one middleware, so that a stranger sees 401 before anything else.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use futures_util::future::{LocalBoxFuture, Ready, ready};
use governor::clock::Clock as _;
use governor::middleware::{StateInformationMiddleware, StateSnapshot};
use sha2::{Digest, Sha256};

use super::domain::Actor;
use super::store;
use super::token::{self, Claims};
use crate::evidence::{self, Tx};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::{Call, text_header};
use crate::platform::problem::{Kind, Problem, kinds};

/// How old the rights of a read may be.
const RIGHTS_AGE_MAX: Duration = Duration::from_secs(1);
/// Entries of the cache; beyond, it is emptied rather than grown.
const CACHE_MAX: usize = 20_000;
/// How an API key begins, so that one found in a log is recognised.
pub(super) const API_KEY_PREFIX: &str = "ldk_";

/// Paths under `/api/v1` that need no credential.
pub const OPEN: &[(&str, &str)] =
    &[("POST", "/api/v1/sessions"), ("POST", "/api/v1/sessions:refresh"), ("POST", "/api/v1/sessions:switch"), ("POST", "/api/v1/registrations")];

/// All that a session opened by a first password may do.
const WITH_FIRST_PASSWORD: &[(&str, &str)] = &[("GET", "/api/v1/me"), ("POST", "/api/v1/me/change_secret"), ("DELETE", "/api/v1/sessions/current")];

/// Another made and told the password of this session.
pub static FIRST_PASSWORD: Kind = Kind::new(403, "first-password", "请先修改初始密码", "Change the first password before anything else");

#[derive(Clone)]
enum Known {
    Token(Claims),
    Key(Vec<u8>),
}

/// When what the caller showed ends by itself, for what outlives a request; a key does not.
#[derive(Debug, Clone, Copy)]
pub struct ValidUntil(pub Option<DateTime<Utc>>);

impl FromRequest for ValidUntil {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Self>().copied().ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED)))
    }
}

struct Cached {
    credential: Known,
    actor: Arc<Actor>,
    read_at: Instant,
    /// The same by the injected clock: a day that begins changes rights (deputies, jurisdictions).
    read_on: DateTime<Utc>,
}

impl Cached {
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        self.read_at.elapsed() < RIGHTS_AGE_MAX
            && (now - self.read_on).to_std().is_ok_and(|age| age < RIGHTS_AGE_MAX)
            && legal_day(now) == legal_day(self.read_on)
    }
}

type Limiter = governor::DefaultKeyedRateLimiter<[u8; 32], StateInformationMiddleware>;

/// Unit: seconds in which a limit's quota comes back.
const LIMIT_WINDOW_S: u32 = 60;

/// What is left of a credential's limit, for the headers of the answer.
#[derive(Debug, Clone, Copy)]
struct Quota {
    /// Requests a minute.
    limit: u32,
    /// What may still be sent at once.
    remaining: u32,
}

impl Quota {
    fn of(limit: u32, left: &StateSnapshot) -> Self {
        Self { limit, remaining: left.remaining_burst_capacity() }
    }

    /// `RateLimit-Policy` and `RateLimit` as draft-ietf-httpapi-ratelimit-headers has them since its eighth version.
    fn write(self, headers: &mut header::HeaderMap) {
        // The quota comes back evenly, so the time until it is whole again follows from what is gone.
        let whole_in_s = u64::from(self.limit - self.remaining.min(self.limit)) * u64::from(LIMIT_WINDOW_S);
        let whole_in_s = whole_in_s.div_ceil(u64::from(self.limit.max(1)));
        for (name, value) in [
            ("ratelimit-policy", format!("\"credential\";q={};w={LIMIT_WINDOW_S}", self.limit)),
            ("ratelimit", format!("\"credential\";r={};t={whole_in_s}", self.remaining)),
        ] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        }
    }
}

/// Who called, and what is left of his limit, where he has one.
struct Caller {
    actor: Arc<Actor>,
    until: ValidUntil,
    quota: Option<Quota>,
}

/// A refusal, and what is left of the caller's limit, where he was known.
struct Refused {
    problem: Problem,
    quota: Option<Quota>,
}
impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Self { problem, quota: None }
    }
}

#[derive(Default)]
struct Cache {
    entries: Mutex<HashMap<[u8; 32], Cached>>,
    limiter: OnceLock<Option<Limiter>>,
}

/// Forgets what is known of everybody's rights; called where rights are changed.
pub fn forget_rights(app: &App) {
    app.shelf::<Cache>().entries.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// The middleware of `/api/v1`.
///
/// # Errors
/// 400 where more than one credential is sent, 401, 429.
pub async fn authenticate(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if OPEN.iter().any(|(method, path)| request.method() == method && request.path() == *path) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    // A middleware answers itself: an error that passes it would be written by the framework.
    let caller = match (request.app_data::<web::Data<App>>().cloned(), text_header(request.request(), header::AUTHORIZATION.as_str())) {
        (Some(app), Ok(authorization)) => caller_of(&app, authorization).await,
        (Some(_), Err(problem)) => Err(problem.into()),
        (None, _) => Err(Problem::broken("no App in app_data").into()),
    };
    let (mut response, quota) = match caller {
        Ok(Caller { actor, quota, .. })
            if actor.by_first_password && !WITH_FIRST_PASSWORD.iter().any(|(method, path)| request.method() == method && request.path() == *path) =>
        {
            (request.into_response(Problem::of(&FIRST_PASSWORD).error_response()), quota)
        }
        Ok(Caller { actor, until, quota }) => {
            request.extensions_mut().insert(actor);
            request.extensions_mut().insert(until);
            (next.call(request).await?.map_into_boxed_body(), quota)
        }
        Err(Refused { problem, quota }) => (request.into_response(problem.error_response()), quota),
    };
    if let Some(quota) = quota {
        quota.write(response.headers_mut());
    }
    Ok(response)
}

/// The actor of an access token that came in a body, the second person at one device, with the rights of this moment. Read
/// inside the act's transaction, like those of the first.
///
/// # Errors
/// 401; 403 `first-password`.
pub async fn actor_of_token(conn: &AsyncPgConnection, call: &Call, text: &str) -> Result<Actor, Problem> {
    let actor = match token::verify(&call.app, text, call.now) {
        Some(claims) => store::actor_of_session(conn, claims.sid, claims.mid, claims.method, call.now, legal_day(call.now)).await?,
        None => None,
    };
    match actor {
        Some(actor) if actor.by_first_password => Err(Problem::of(&FIRST_PASSWORD)),
        actor => actor.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED)),
    }
}

async fn caller_of(app: &App, authorization: Option<&str>) -> Result<Caller, Refused> {
    let none = || Problem::of(&kinds::UNAUTHENTICATED);
    let text = authorization
        .and_then(|value| value.split_once(' '))
        // RFC 7235: the scheme is known in any case.
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Bearer"))
        .map(|(_, text)| text)
        .filter(|text| text.len() <= 2_000)
        .ok_or_else(none)?;
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let cache = app.shelf::<Cache>();
    let now = app.clock.now();
    let known = {
        let entries = cache.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(&digest).map(|entry| (entry.credential.clone(), entry.actor.clone(), entry.is_fresh(now)))
    };
    // The signature of a token is checked once; its times are compared at every use.
    let credential = match &known {
        Some((credential, ..)) => credential.clone(),
        None if text.starts_with(API_KEY_PREFIX) => Known::Key(digest.to_vec()),
        None => Known::Token(token::verify(app, text, now).ok_or_else(none)?),
    };
    if let Known::Token(claims) = &credential
        && !(claims.nbf <= now.timestamp() && now.timestamp() < claims.exp)
    {
        return Err(none().into());
    }
    let until = ValidUntil(match &credential {
        Known::Token(claims) => DateTime::from_timestamp(claims.exp, 0),
        Known::Key(_) => None,
    });
    // Only a credential that is known has a counter: a made-up one must not leave anything behind.
    let quota = match &known {
        None if matches!(credential, Known::Key(_)) => None,
        _ => count(app, &cache, &digest)?,
    };
    if let Some((_, actor, true)) = known {
        return Ok(Caller { actor, until, quota });
    }
    let refused = |problem: Problem| Refused { problem, quota };
    let conn = app.db.get().await.map_err(refused)?;
    let actor = match &credential {
        Known::Token(claims) => store::actor_of_session(&conn, claims.sid, claims.mid, claims.method, now, legal_day(now)).await,
        Known::Key(hash) => store::actor_of_key(&conn, hash, now).await,
    };
    let actor = Arc::new(actor.and_then(|actor| actor.ok_or_else(none)).map_err(refused)?);
    let mut entries = cache.entries.lock().unwrap_or_else(PoisonError::into_inner);
    if entries.len() >= CACHE_MAX {
        entries.clear();
        // A token lives for minutes; what its counter still knows after that is nothing.
        if let Some(Some(limiter)) = cache.limiter.get() {
            limiter.retain_recent();
        }
    }
    entries.insert(digest, Cached { credential, actor: actor.clone(), read_at: Instant::now(), read_on: now });
    Ok(Caller { actor, until, quota })
}

/// Counts one request of a credential; nothing where the limit is lifted.
fn count(app: &App, cache: &Cache, digest: &[u8; 32]) -> Result<Option<Quota>, Refused> {
    let limit = app.limits.requests_per_minute;
    let limiter = cache.limiter.get_or_init(|| {
        let quota = governor::Quota::per_minute(NonZeroU32::new(limit)?);
        Some(governor::RateLimiter::keyed(quota).with_middleware())
    });
    let Some(limiter) = limiter else { return Ok(None) };
    match limiter.check_key(digest) {
        Ok(left) => Ok(Some(Quota::of(limit, &left))),
        Err(until) => {
            // Rounded up: whoever comes back on the second is let in.
            let wait = until.wait_time_from(limiter.clock().now());
            let wait_s = u32::try_from(wait.as_secs()).unwrap_or(LIMIT_WINDOW_S).saturating_add(1);
            let problem = Problem { retry_after: Some(wait_s), ..Problem::of(&kinds::TOO_MANY) };
            Err(Refused { problem, quota: Some(Quota { limit, remaining: 0 }) })
        }
    }
}

impl FromRequest for Actor {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(request.extensions().get::<Arc<Self>>().map(|actor| (**actor).clone()).ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED)))
    }
}

/// An act of an actor: [`evidence::transact`] with the rights read again inside the transaction.
///
/// # Errors
/// 401 when the rights ended meanwhile; all of [`evidence::transact`] and of `body`.
pub async fn transact<F>(call: &Call, actor: &Actor, acts: usize, secret: bool, body: F) -> Result<evidence::Outcome, Problem>
where
    F: AsyncFnOnce(&mut Tx<'_>, &Actor) -> Result<(), Problem>,
{
    transact_body(call, actor, acts, secret, Box::new(body)).await
}

/// What an act does inside its transaction. Behind a pointer, so that the transaction is compiled once and not once for each act.
trait Body {
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx<'_>, actor: Actor) -> LocalBoxFuture<'t, Result<(), Problem>>
    where
        Self: 't;
}

impl<F: AsyncFnOnce(&mut Tx<'_>, &Actor) -> Result<(), Problem>> Body for F {
    fn run<'t>(self: Box<Self>, tx: &'t mut Tx<'_>, actor: Actor) -> LocalBoxFuture<'t, Result<(), Problem>>
    where
        Self: 't,
    {
        Box::pin(async move { self(tx, &actor).await })
    }
}

async fn transact_body(call: &Call, actor: &Actor, acts: usize, secret: bool, body: Box<dyn Body + '_>) -> Result<evidence::Outcome, Problem> {
    let rights = async |conn: &AsyncPgConnection| fresh(conn, actor, call.now).await;
    let outcome =
        evidence::transact(call, actor.signer(), acts, secret, rights, async |tx: &mut Tx<'_>, fresh: Actor| body.run(tx, fresh).await).await?;
    // An answer is repeated only to somebody who still belongs to the unit for which it was given.
    for unit in outcome.replayed_for().iter().filter(|unit| Some(**unit) != actor.unit_id()) {
        let mut conn = call.app.db.get().await?;
        if !store::memberships_of_user(&mut conn, actor.user).await?.iter().any(|row| row.unit_id == *unit) {
            return Err(Problem::not_found());
        }
    }
    Ok(outcome)
}

/// An actor with the rights of this moment, read inside an act's transaction.
///
/// # Errors
/// 401 when session, membership, key or code ended.
pub async fn fresh(conn: &AsyncPgConnection, actor: &Actor, now: DateTime<Utc>) -> Result<Actor, Problem> {
    let fresh = match (actor.session, &actor.api_key, &actor.by_code) {
        (Some(session), ..) => store::actor_of_session(conn, session, actor.membership, actor.method, now, legal_day(now)).await?,
        (None, Some(key), _) => store::actor_of_key(conn, &key.hash, now).await?,
        (None, None, Some(by_code)) => super::one_time::use_up(conn, actor, by_code, now).await?,
        (None, None, None) => None,
    };
    fresh.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED))
}

/// SHA-256 of a secret with enough entropy of its own, or of a name that need not be readable in a table.
pub(super) fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
