//! A job's progress as server-sent events, until it is over.
//!
//! A stream waits for news of this process and looks again now and then for those of others; it holds no connection
//! meanwhile. It shows a job to whoever may read it at that moment.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use uuid::Uuid;

use crate::identity::{self, Actor};
use crate::platform::app::App;
use crate::platform::jobs::{self, Job};
use crate::platform::problem::{Problem, kinds};

/// The longest life of a stream, that of an access token.
const LIFE_MAX: Duration = Duration::from_secs(15 * 60);
/// How often it is looked again: another process may run the job.
const LOOK: Duration = Duration::from_secs(2);
/// How long one piece may take to be taken.
const SEND_MAX: Duration = Duration::from_secs(30);

/// The streams of this process.
#[derive(Default)]
struct Streams {
    open: Mutex<HashMap<Uuid, usize>>,
    is_ending: watch::Sender<bool>,
}

/// One place among them; given back when dropped.
struct Slot {
    streams: Arc<Streams>,
    user: Uuid,
}

impl Slot {
    fn take(app: &App, user: Uuid) -> Result<Self, Problem> {
        let streams = app.shelf::<Streams>();
        if *streams.is_ending.borrow() {
            return Err(Problem::busy());
        }
        let mut open = streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= app.limits.streams {
            return Err(Problem::busy());
        }
        let own = open.get(&user).copied().unwrap_or(0);
        if own >= app.limits.streams_per_credential {
            return Err(Problem { retry_after: Some(3), ..Problem::of(&kinds::TOO_MANY) });
        }
        open.insert(user, own + 1);
        drop(open);
        Ok(Self { streams, user })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.user) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                open.remove(&self.user);
            }
        }
    }
}

/// Ends every stream and opens no more: the server stops.
pub fn end_all(app: &App) {
    app.shelf::<Streams>().is_ending.send_replace(true);
}

/// Opens a stream of a job of the actor's unit.
///
/// # Errors
/// 404 for a job that he may not see; 429 and 503 beyond the streams that there may be.
pub async fn open(app: web::Data<App>, actor: Actor, unit: Uuid, id: Uuid) -> Result<HttpResponse, Problem> {
    let job = jobs::get(&app, unit, id).await?;
    let slot = Slot::take(&app, actor.user)?;
    let (out, pieces) = mpsc::channel(1);
    actix_web::rt::spawn(follow(app.into_inner(), actor, unit, job, slot, out));
    let body = futures_util::stream::unfold(pieces, |mut pieces: mpsc::Receiver<Bytes>| async move {
        let piece = pieces.recv().await?;
        Some((Ok::<_, Infallible>(piece), pieces))
    });
    Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header(("X-Accel-Buffering", "no")).streaming(body))
}

async fn follow(app: Arc<App>, actor: Actor, unit: Uuid, mut job: Job, slot: Slot, out: mpsc::Sender<Bytes>) {
    let mut news = jobs::news(&app);
    let mut ending = slot.streams.is_ending.subscribe();
    let over = Instant::now() + LIFE_MAX;
    let mut told: Option<Job> = None;
    loop {
        if told.as_ref() != Some(&job) {
            let Ok(text) = serde_json::to_string(&job) else { return };
            let name = if job.is_over() { "end" } else { "progress" };
            if tokio::time::timeout(SEND_MAX, out.send(format!("event: {name}\ndata: {text}\n\n").into())).await.is_err() || job.is_over() {
                return;
            }
            told = Some(job.clone());
        }
        tokio::select! {
            () = out.closed() => return,
            _ = ending.changed() => return,
            () = tokio::time::sleep_until(over) => return,
            _ = news.changed() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
        match look(&app, &actor, unit, job.id).await {
            Ok(now) => job = now,
            Err(problem) if problem.status < 500 => return,
            Err(problem) => tracing::info!(%problem, "a job's progress waits for the database"),
        }
    }
}

/// The job, if the actor still may see it.
async fn look(app: &App, actor: &Actor, unit: Uuid, id: Uuid) -> Result<Job, Problem> {
    let fresh = {
        let conn = app.db.get().await?;
        identity::fresh(&conn, actor, app.clock.now()).await?
    };
    if fresh.unit_id() != Some(unit) {
        return Err(Problem::not_found());
    }
    jobs::get(app, unit, id).await
}
