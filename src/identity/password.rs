//! Password hashing: Argon2id behind a semaphore, on a thread of its own that gives way to all else, so that log-ins
//! never starve reads.

use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use tokio::sync::{Semaphore, oneshot};

use crate::platform::app::{App, Limits};
use crate::platform::problem::Problem;

/// Unit: bytes of the hash and of the salt.
const HASH_BYTES: usize = 32;
const SALT_BYTES: usize = 16;
/// How far a hashing thread stands behind the others where processors are short: it gets about a tenth of what they get. It
/// is never starved, and a request that takes microseconds does not wait for one that takes milliseconds.
#[cfg(target_os = "linux")]
const HASH_NICENESS: i32 = 10;
/// Those who wait beyond this many per running hash get 503.
const QUEUE_PER_HASH: usize = 8;

#[derive(Default)]
struct Gate(std::sync::OnceLock<Places>);

/// Who may hash, who may wait, and the memory that hashing uses.
#[derive(Clone)]
struct Places {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    /// Used again by the next hash: 19 MiB given back to the allocator by ever other threads stay with the process, and
    /// fresh pages cost a third of the time.
    memory: Arc<Mutex<Vec<Memory>>>,
}

type Memory = Vec<Block>;

/// Hashes a new password.
///
/// # Errors
/// 503 when the queue is full.
pub async fn hash(app: &App, password: &str) -> Result<String, Problem> {
    let mut salt = [0u8; SALT_BYTES];
    rand::fill(&mut salt);
    let limits = app.limits.clone();
    let password = password.to_owned();
    bounded(app, move |memory| {
        let params = (limits.hash_memory_kib, limits.hash_passes);
        let hash = derive(&password, &salt, params, memory)?;
        Some(format!("argon2id${}${}${}${}", params.0, params.1, STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash)))
    })
    .await?
    .ok_or_else(|| Problem::broken("argon2 refused its parameters"))
}

/// Compares a password with a stored hash; without one, does the same work and says no.
///
/// # Errors
/// 503 when the queue is full.
pub async fn matches(app: &App, password: &str, stored: Option<&str>) -> Result<bool, Problem> {
    let parsed = stored.and_then(parse);
    let known = parsed.is_some();
    // An unknown name costs as much as a known one, so that time tells nothing.
    let (params, salt, wanted) = parsed.unwrap_or_else(|| (own_params(&app.limits), vec![0; SALT_BYTES], vec![0; HASH_BYTES]));
    let password = password.to_owned();
    let same = bounded(app, move |memory| derive(&password, &salt, params, memory).map(|hash| constant_time_eq(&hash, &wanted))).await?;
    Ok(known && same == Some(true))
}

const fn own_params(limits: &Limits) -> (u32, u32) {
    (limits.hash_memory_kib, limits.hash_passes)
}

type Parsed = ((u32, u32), Vec<u8>, Vec<u8>);

fn parse(stored: &str) -> Option<Parsed> {
    let mut fields = stored.split('$');
    if fields.next() != Some("argon2id") {
        return None;
    }
    let params = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((params, STANDARD_NO_PAD.decode(fields.next()?).ok()?, STANDARD_NO_PAD.decode(fields.next()?).ok()?))
}

fn derive(password: &str, salt: &[u8], (memory_kib, passes): (u32, u32), memory: &mut Memory) -> Option<[u8; HASH_BYTES]> {
    let params = Params::new(memory_kib, passes, 1, Some(HASH_BYTES)).ok()?;
    if memory.len() < params.block_count() {
        memory.resize(params.block_count(), Block::default());
    }
    let mut out = [0; HASH_BYTES];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into_with_memory(password.as_bytes(), salt, &mut out, memory).ok()?;
    Some(out)
}

/// Equality whose time does not depend on where the first difference is.
pub(super) fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0u8, |different, (x, y)| different | (x ^ y)) == 0
}

/// How many hashes run, and how many log-ins wait for one.
#[must_use]
pub fn load(app: &App) -> (usize, usize) {
    let gate = app.shelf::<Gate>();
    let Some(places) = gate.0.get() else { return (0, 0) };
    let at_once = app.limits.hashes_at_once.max(1);
    let running = at_once.saturating_sub(places.running.available_permits());
    let inside = (at_once * (QUEUE_PER_HASH + 1)).saturating_sub(places.waiting.available_permits());
    (running, inside.saturating_sub(running))
}

async fn bounded<T: Send + 'static>(app: &App, work: impl FnOnce(&mut Memory) -> T + Send + 'static) -> Result<T, Problem> {
    let gate = app.shelf::<Gate>();
    let at_once = app.limits.hashes_at_once.max(1);
    let places = gate.0.get_or_init(|| Places {
        running: Arc::new(Semaphore::new(at_once)),
        waiting: Arc::new(Semaphore::new(at_once * (QUEUE_PER_HASH + 1))),
        memory: Arc::default(),
    });
    let Places { running, waiting, memory } = places.clone();
    let _place = waiting.try_acquire_owned().map_err(|_| Problem::busy())?;
    let permit = running.acquire_owned().await.map_err(|_| Problem::busy())?;
    app.metrics.hashed();
    let (done, result) = oneshot::channel();
    // A thread of its own: one of the pool's would keep its low rank for all that comes after. It costs a thousandth of the hash.
    let hashing = move || {
        give_way();
        // As many as there are permits, at most.
        let mut own = memory.lock().unwrap_or_else(PoisonError::into_inner).pop().unwrap_or_default();
        let result = work(&mut own);
        memory.lock().unwrap_or_else(PoisonError::into_inner).push(own);
        drop(permit);
        // Whoever asked may have left.
        drop(done.send(result));
    };
    std::thread::Builder::new().name("hash".to_owned()).spawn(hashing).map_err(|error| Problem::internal(&error))?;
    result.await.map_err(|error| Problem::internal(&error))
}

/// On Linux a niceness is the calling thread's; elsewhere it would be the whole process's.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(HASH_NICENESS) {
        tracing::debug!(%error, "a hashing thread keeps its priority");
    }
}
