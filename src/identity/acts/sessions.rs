//! Log-in, rotation and end of sessions. No event: a session is no act upon anything.

use uuid::Uuid;

use super::new_secret;
use crate::evidence::Method;
use crate::identity::auth::{digest, forget_rights};
use crate::identity::domain::Actor;
use crate::identity::token::{REFRESH_LIFE, issue};
use crate::identity::{password, store};
use crate::platform::app::App;
use crate::platform::problem::{Problem, kinds};

/// What log-in gives.
pub struct LoggedIn {
    /// Access token.
    pub access_token: String,
    /// Refresh token, told once.
    pub refresh_token: String,
    /// The membership of the token.
    pub membership: Option<Uuid>,
    /// The user.
    pub user: Uuid,
}

/// How somebody shows who he is.
#[derive(Debug, Clone, Copy)]
pub enum How {
    /// By password, anywhere.
    Password,
    /// By PIN on a device of this unit, among its people.
    PinOnDeviceOf(Uuid),
}

/// Logs in by login or phone and password, or by PIN on a device that knows the person.
///
/// # Errors
/// 401 without saying which part was wrong; 429 while the back-off of this account and source runs; 503.
pub async fn log_in(
    app: &App,
    name: &str,
    secret: &str,
    how: How,
    membership: Option<Uuid>,
    device: Option<&str>,
    source: &str,
) -> Result<LoggedIn, Problem> {
    let wrong = || Problem::of(&kinds::UNAUTHENTICATED);
    let backoff = BackOff::of(app, name, source);
    backoff.admit().await?;
    let accounts = {
        let mut conn = app.db.get().await?;
        store::accounts(&mut conn, name).await?
    };
    // A phone may belong to several accounts; the password decides. Unknown names cost one hash too.
    let mut found = None;
    let candidates = accounts.len().max(1);
    for index in 0..candidates {
        let account = accounts.get(index);
        let stored = account.and_then(|account| match how {
            How::Password => account.password_hash.as_deref(),
            How::PinOnDeviceOf(_) => account.pin_hash.as_deref(),
        });
        if password::matches(app, secret, stored).await? {
            found = account.map(|account| (account.id, matches!(how, How::Password) && account.has_first_password));
            break;
        }
    }
    let mut conn = app.db.get().await?;
    let memberships = match found {
        Some((user, _)) => store::memberships_of_user(&mut conn, user).await?,
        None => Vec::new(),
    };
    let fits = |row: &store::MembershipRow| match how {
        How::Password => membership.is_none_or(|id| row.id == id),
        How::PinOnDeviceOf(unit) => row.unit_id == unit && membership.is_none_or(|id| row.id == id),
    };
    let chosen = memberships.iter().find(|row| fits(row)).map(|row| row.id);
    // Without a membership that fits only a password opens anything, and only where none was asked for.
    let may_go_without = matches!(how, How::Password) && membership.is_none();
    drop(conn);
    let Some((user, by_first_password)) = found.filter(|_| chosen.is_some() || may_go_without) else {
        backoff.failed().await?;
        return Err(wrong());
    };
    backoff.passed().await?;
    let method = match how {
        How::Password => Method::Password,
        How::PinOnDeviceOf(_) => Method::Pin,
    };
    open(app, user, chosen, method, device, by_first_password).await
}

/// The wait after wrong secrets, counted per name and source.
pub(super) struct BackOff<'a> {
    app: &'a App,
    account: Vec<u8>,
    source: &'a str,
}

impl<'a> BackOff<'a> {
    pub(super) fn of(app: &'a App, name: &str, source: &'a str) -> Self {
        Self { app, account: digest(name), source }
    }

    /// Without limits of rate nothing is counted.
    fn is_lifted(&self) -> bool {
        self.app.limits.logins_per_minute == 0
    }

    /// 429 while the wait runs: even the right secret waits.
    pub(super) async fn admit(&self) -> Result<(), Problem> {
        if self.is_lifted() {
            return Ok(());
        }
        let now = self.app.clock.now();
        let mut conn = self.app.db.get().await?;
        match store::next_try(&mut conn, &self.account, self.source).await?.filter(|at| *at > now) {
            Some(at) => {
                let wait = u32::try_from((at - now).num_seconds()).unwrap_or(u32::MAX).max(1);
                Err(Problem { retry_after: Some(wait), ..Problem::of(&kinds::TOO_MANY) })
            }
            None => Ok(()),
        }
    }

    pub(super) async fn failed(&self) -> Result<(), Problem> {
        if self.is_lifted() {
            return Ok(());
        }
        let mut conn = self.app.db.get().await?;
        store::count_failure(&mut conn, &self.account, self.source, self.app.clock.now()).await
    }

    pub(super) async fn passed(&self) -> Result<(), Problem> {
        if self.is_lifted() {
            return Ok(());
        }
        let mut conn = self.app.db.get().await?;
        store::clear_failures(&mut conn, &self.account, self.source).await
    }
}

/// Opens a session for somebody already known.
///
/// # Errors
/// As the database.
pub async fn open_session(app: &App, user: Uuid, membership: Option<Uuid>, method: Method, device: Option<&str>) -> Result<LoggedIn, Problem> {
    open(app, user, membership, method, device, false).await
}

async fn open(
    app: &App,
    user: Uuid,
    membership: Option<Uuid>,
    method: Method,
    device: Option<&str>,
    by_first_password: bool,
) -> Result<LoggedIn, Problem> {
    let now = app.clock.now();
    let (session, refresh) = (app.clock.new_id(), new_secret(43));
    let mut conn = app.db.get().await?;
    store::insert_session(&mut conn, session, user, membership, method, device, by_first_password, now, now + REFRESH_LIFE).await?;
    store::insert_refresh(&mut conn, &digest(&refresh), session, now).await?;
    Ok(LoggedIn { access_token: issue(app, user, session, membership, method, now)?, refresh_token: refresh, membership, user })
}

/// Opens a session in the first membership of somebody already known to this process: how the demonstration acts as its
/// people without hashing a password for each.
///
/// # Errors
/// As the database.
pub async fn open_only_session(app: &App, user: Uuid, method: Method) -> Result<LoggedIn, Problem> {
    let membership = {
        let mut conn = app.db.get().await?;
        store::memberships_of_user(&mut conn, user).await?.first().map(|row| row.id)
    };
    open_session(app, user, membership, method, None).await
}

/// Gives every account of a demonstration one password, hashed once; elsewhere it changes nothing.
///
/// # Errors
/// As the database.
pub async fn share_secret(app: &App, secret: &str) -> Result<usize, Problem> {
    let hash = password::hash(app, secret).await?;
    let mut conn = app.db.get().await?;
    store::share_secret(&mut conn, &hash).await
}

/// Time in which a lost answer of a rotation may be asked for again.
const REPEAT_WITHIN: chrono::Duration = chrono::Duration::seconds(10);

/// Rotates a refresh token. The successor is derived from the old token, so a lost answer can be repeated for ten
/// seconds without storing it; any other reuse ends the family.
///
/// # Errors
/// 401.
pub async fn refresh(app: &App, token: &str) -> Result<LoggedIn, Problem> {
    use diesel_async::{AnsiTransactionManager, TransactionManager};
    let mut conn = app.db.get().await?;
    AnsiTransactionManager::begin_transaction(&mut *conn).await?;
    let result = rotate(&mut conn, app, token).await;
    // The end of a family must be kept although the answer is no.
    AnsiTransactionManager::commit_transaction(&mut *conn).await?;
    result
}

async fn rotate(conn: &mut diesel_async::AsyncPgConnection, app: &App, token: &str) -> Result<LoggedIn, Problem> {
    use hmac_like::successor;
    let wrong = || Problem::of(&kinds::UNAUTHENTICATED);
    let now = app.clock.now();
    let hash = digest(token);
    let row = store::lock_refresh(conn, &hash).await?.ok_or_else(wrong)?;
    if row.ended_at.is_some() || row.expires_at <= now {
        return Err(wrong());
    }
    let next = successor(&app.keys.token, token);
    match row.used_at {
        None => {
            let next_hash = digest(&next);
            store::insert_refresh(conn, &next_hash, row.session_id, now).await?;
            store::use_refresh(conn, &hash, &next_hash, now, now + REFRESH_LIFE).await?;
        }
        // Only the immediate predecessor, and only until its successor was used.
        Some(used_at) if now - used_at <= REPEAT_WITHIN && row.successor_unused => {}
        Some(_) => {
            store::end_session(conn, row.session_id, "refresh_reused", now).await?;
            forget_rights(app);
            return Err(wrong());
        }
    }
    let access_token = issue(app, row.user_id, row.session_id, row.membership_id, if row.by_pin { Method::Pin } else { Method::Password }, now)?;
    Ok(LoggedIn { access_token, refresh_token: next, membership: row.membership_id, user: row.user_id })
}

/// The successor of a refresh token.
mod hmac_like {
    use crate::platform::keys::Key;

    /// A signature is a keyed function that only this installation can compute; its hash gives no more than that.
    pub fn successor(key: &Key, token: &str) -> String {
        use base64::Engine;
        use sha2::Digest;
        let signature = key.sign(format!("liandan-refresh-successor\0{token}").as_bytes());
        base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(signature))
    }
}

/// Ends the caller's session.
///
/// # Errors
/// As the database.
pub async fn log_out(app: &App, actor: &Actor) -> Result<(), Problem> {
    if let Some(session) = actor.session {
        let mut conn = app.db.get().await?;
        store::end_session(&mut conn, session, "logged_out", app.clock.now()).await?;
        forget_rights(app);
    }
    Ok(())
}

/// Ends one session of the caller's own, on a device that was lost perhaps.
///
/// # Errors
/// 403 for a key, 404 for a session that is not his or has ended.
pub async fn end_own_session(app: &App, actor: &Actor, session: Uuid) -> Result<(), Problem> {
    if actor.session.is_none() {
        return Err(Problem::of(&kinds::FORBIDDEN));
    }
    let mut conn = app.db.get().await?;
    if !store::end_own_session(&mut conn, actor.user, session, app.clock.now()).await? {
        return Err(Problem::not_found());
    }
    forget_rights(app);
    Ok(())
}

/// The unit whose device shows this live refresh token: a PIN switches only among the people of that unit.
///
/// # Errors
/// 401.
pub async fn unit_of_device(app: &App, token: &str) -> Result<Uuid, Problem> {
    let mut conn = app.db.get().await?;
    let unit = store::unit_of_device(&mut conn, &digest(token), app.clock.now()).await?;
    unit.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED))
}

#[derive(Default)]
struct Sources(std::sync::OnceLock<Option<governor::DefaultKeyedRateLimiter<String>>>);

/// Bounds what one source may ask of the costly open operations.
///
/// # Errors
/// 429.
pub fn bound_source(app: &App, source: &str) -> Result<(), Problem> {
    let sources = app.shelf::<Sources>();
    let limiter = sources.0.get_or_init(|| {
        std::num::NonZeroU32::new(app.limits.logins_per_minute).map(|limit| governor::RateLimiter::keyed(governor::Quota::per_minute(limit)))
    });
    match limiter {
        Some(limiter) if limiter.check_key(&source.to_owned()).is_err() => Err(Problem { retry_after: Some(10), ..Problem::of(&kinds::TOO_MANY) }),
        _ => Ok(()),
    }
}
