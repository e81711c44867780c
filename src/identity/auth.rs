//! From a credential to an [`Actor`]: one middleware, so that a stranger sees 401 before anything else.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage, HttpRequest, ResponseError, web};
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use futures_util::future::{Ready, ready};
use sha2::{Digest, Sha256};

use super::domain::Actor;
use super::store;
use super::token::{self, Claims};
use crate::evidence::{self, Tx};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
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
enum Credential {
    Token(Claims),
    Key(Vec<u8>),
}

struct Cached {
    credential: Credential,
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

type Limiter = governor::DefaultKeyedRateLimiter<[u8; 32]>;

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
/// 401, 429.
pub async fn authenticate(request: ServiceRequest, next: Next<impl MessageBody + 'static>) -> Result<ServiceResponse<BoxBody>, actix_web::Error> {
    if OPEN.iter().any(|(method, path)| request.method() == method && request.path() == *path) {
        return next.call(request).await.map(ServiceResponse::map_into_boxed_body);
    }
    // A middleware answers itself: an error that passes it would be written by the framework.
    let actor = match request.app_data::<web::Data<App>>().cloned() {
        Some(app) => actor_of(&app, request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok())).await,
        None => Err(Problem::broken("no App in app_data")),
    };
    match actor {
        Ok(actor)
            if actor.by_first_password && !WITH_FIRST_PASSWORD.iter().any(|(method, path)| request.method() == method && request.path() == *path) =>
        {
            Ok(request.into_response(Problem::of(&FIRST_PASSWORD).error_response()))
        }
        Ok(actor) => {
            request.extensions_mut().insert(actor);
            next.call(request).await.map(ServiceResponse::map_into_boxed_body)
        }
        Err(problem) => Ok(request.into_response(problem.error_response())),
    }
}

/// The actor of an access token that came in a body: the second person at one device.
///
/// # Errors
/// 401.
pub async fn actor_of_token(app: &App, token: &str) -> Result<Arc<Actor>, Problem> {
    actor_of(app, Some(&format!("Bearer {token}"))).await
}

async fn actor_of(app: &App, authorization: Option<&str>) -> Result<Arc<Actor>, Problem> {
    let none = || Problem::of(&kinds::UNAUTHENTICATED);
    let text = authorization.and_then(|value| value.strip_prefix("Bearer ")).filter(|text| text.len() <= 2_000).ok_or_else(none)?;
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
        None if text.starts_with(API_KEY_PREFIX) => Credential::Key(digest.to_vec()),
        None => Credential::Token(token::verify(app, text, now).ok_or_else(none)?),
    };
    if let Credential::Token(claims) = &credential
        && !(claims.nbf <= now.timestamp() && now.timestamp() < claims.exp)
    {
        return Err(none());
    }
    let limiter = cache.limiter.get_or_init(|| {
        NonZeroU32::new(app.limits.requests_per_minute).map(|limit| governor::RateLimiter::keyed(governor::Quota::per_minute(limit)))
    });
    // Only a credential that is known has a counter: a made-up one must not leave anything behind.
    let within_limit = || match limiter {
        Some(limiter) if limiter.check_key(&digest).is_err() => Err(Problem { retry_after: Some(5), ..Problem::of(&kinds::TOO_MANY) }),
        _ => Ok(()),
    };
    if known.is_some() || matches!(credential, Credential::Token(_)) {
        within_limit()?;
    }
    if let Some((_, actor, true)) = known {
        return Ok(actor);
    }
    let conn = app.db.get().await?;
    let actor = match &credential {
        Credential::Token(claims) => store::actor_of_session(&conn, claims.sid, claims.mid, claims.method, now, legal_day(now)).await?,
        Credential::Key(hash) => store::actor_of_key(&conn, hash, now).await?,
    };
    let actor = Arc::new(actor.ok_or_else(none)?);
    let mut entries = cache.entries.lock().unwrap_or_else(PoisonError::into_inner);
    if entries.len() >= CACHE_MAX {
        entries.clear();
    }
    entries.insert(digest, Cached { credential, actor: actor.clone(), read_at: Instant::now(), read_on: now });
    Ok(actor)
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
    let rights = async |conn: &AsyncPgConnection| fresh(conn, actor, call.now).await;
    let outcome =
        evidence::transact(call, actor.signer(), acts, secret, rights, async |tx: &mut Tx<'_>, fresh: Actor| body(tx, &fresh).await).await?;
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
        (None, Some(hash), _) => store::actor_of_key(conn, hash, now).await?,
        (None, None, Some(by_code)) => super::one_time::use_up(conn, actor, by_code, now).await?,
        (None, None, None) => None,
    };
    fresh.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED))
}

/// SHA-256 of a secret with enough entropy of its own, or of a name that need not be readable in a table.
pub(super) fn digest(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}
