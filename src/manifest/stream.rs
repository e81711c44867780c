//! The feed as server-sent events: for ERP systems that follow without asking again and again.
//!
//! A stream waits on a signal of this process and holds nothing of the database meanwhile. Before anything is sent the
//! rights are read again, so a stream never shows more than the JSON list would at that moment.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{self, Bytes};
use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior};
use uuid::Uuid;

use super::feed::{self, Page};
use super::policy::Scope;
use super::read::Look;
use crate::identity::auth::ValidUntil;
use crate::identity::{self, Actor};
use crate::platform::app::App;
use crate::platform::problem::{Problem, kinds};

/// The longest life of a stream, that of an access token: whoever follows longer shows a credential again.
const LIFE_MAX: Duration = Duration::from_secs(15 * 60);
/// How often a sign of life is sent, and rights are asked for even where nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long one piece may take to be taken; a client that stands still loses its stream.
const SEND_MAX: Duration = Duration::from_secs(30);
/// Unit: events of one look at the feed.
const PAGE: i64 = 100;
/// How long a client shall wait before it comes again. Unit: milliseconds.
const RETRY_MS: u32 = 3_000;

/// What every stream of this process hears.
#[derive(Clone, Copy, Default)]
struct Signal {
    /// The last place of the feed that was seen.
    last: i64,
    is_ending: bool,
}

#[derive(Default)]
struct Streams {
    /// Open streams by who holds them.
    open: Mutex<HashMap<Holder, usize>>,
    signal: watch::Sender<Signal>,
}

/// Who holds a stream. A session is one, however often its token is renewed.
#[derive(Clone, PartialEq, Eq, Hash)]
enum Holder {
    Session(Option<Uuid>),
    Key(Vec<u8>),
}

impl Holder {
    fn of(actor: &Actor) -> Self {
        actor.api_key.as_ref().map_or(Self::Session(actor.session), |key| Self::Key(key.hash.clone()))
    }
}

/// One place among the streams; given back when dropped.
struct Slot {
    streams: Arc<Streams>,
    holder: Holder,
}

impl Slot {
    fn take(app: &App, holder: Holder) -> Result<Self, Problem> {
        let streams = app.shelf::<Streams>();
        if streams.signal.borrow().is_ending {
            return Err(Problem::busy());
        }
        let mut open = streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= app.limits.streams {
            return Err(Problem::busy());
        }
        let own = open.get(&holder).copied().unwrap_or(0);
        if own >= app.limits.streams_per_credential {
            return Err(Problem { retry_after: Some(RETRY_MS.div_ceil(1_000)), ..Problem::of(&kinds::TOO_MANY) });
        }
        open.insert(holder.clone(), own + 1);
        drop(open);
        Ok(Self { streams, holder })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut open = self.streams.open.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.holder) {
            Some(own) if *own > 1 => *own -= 1,
            _ => {
                open.remove(&self.holder);
            }
        }
    }
}

/// How many streams are open.
#[must_use]
pub fn open_streams(app: &App) -> usize {
    app.shelf::<Streams>().open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
}

/// Tells the streams of this process how far the feed is, whichever process numbered it: one look for all of them.
///
/// # Errors
/// As the database.
pub async fn wake(app: &App) -> Result<(), Problem> {
    let streams = app.shelf::<Streams>();
    if streams.signal.receiver_count() == 0 {
        return Ok(());
    }
    let last = feed::last(&*app.db.get().await?).await?;
    streams.signal.send_if_modified(|signal| std::mem::replace(&mut signal.last, last) != last);
    Ok(())
}

/// Ends every stream and opens no more: the server stops.
pub fn end_all(app: &App) {
    app.shelf::<Streams>().signal.send_modify(|signal| signal.is_ending = true);
}

/// Opens a stream of what follows a place of the feed.
///
/// # Errors
/// 429 beyond the streams of one credential, 503 beyond those of all.
pub fn open(app: web::Data<App>, actor: Actor, ValidUntil(until): ValidUntil, after: i64, request_id: Uuid) -> Result<HttpResponse, Problem> {
    let slot = Slot::take(&app, Holder::of(&actor))?;
    // One piece waits at most: a slow client slows its own stream and fills no memory.
    let (out, pieces) = mpsc::channel(1);
    let stream = Stream { app: app.into_inner(), actor, until, after, request_id, slot, out };
    actix_web::rt::spawn(stream.run());
    let body = futures_util::stream::unfold(pieces, |mut pieces: mpsc::Receiver<Bytes>| async move {
        let piece = pieces.recv().await?;
        Some((Ok::<_, Infallible>(piece), pieces))
    });
    // Proxies must pass each piece on at once.
    Ok(HttpResponse::Ok().content_type("text/event-stream").insert_header(("X-Accel-Buffering", "no")).streaming(body))
}

/// Why a stream ends.
#[derive(Clone, Copy)]
enum End {
    /// The credential expired or was revoked.
    Credential,
    /// The longest life is over.
    Age,
    /// The server stops.
    Shutdown,
    /// The client is gone, or takes nothing.
    Gone,
}

struct Stream {
    app: Arc<App>,
    actor: Actor,
    until: Option<DateTime<Utc>>,
    after: i64,
    request_id: Uuid,
    // Given back before the client sees the end, so that whoever comes again at once finds room.
    slot: Slot,
    out: mpsc::Sender<Bytes>,
}

impl Stream {
    async fn run(mut self) {
        let end = self.follow().await;
        let reason = match end {
            End::Credential => "credential",
            End::Age => "age",
            End::Shutdown => "shutdown",
            End::Gone => return,
        };
        let _ = self.send(format!("event: end\ndata: {{\"reason\":\"{reason}\"}}\n\n")).await;
    }

    async fn follow(&mut self) -> End {
        let mut signal = self.slot.streams.signal.subscribe();
        let over = Instant::now() + LIFE_MAX;
        let mut beat = tokio::time::interval_at(Instant::now() + HEARTBEAT, HEARTBEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        if let Err(end) = self.send(format!("retry: {RETRY_MS}\n\n")).await {
            return end;
        }
        loop {
            // Before the look, so that what comes while it runs wakes this stream again.
            if signal.borrow_and_update().is_ending {
                return End::Shutdown;
            }
            match self.next_page().await {
                Ok(page) => {
                    let is_full = page.is_full;
                    if let Err(end) = self.send_page(page).await {
                        return end;
                    }
                    if is_full {
                        continue;
                    }
                }
                Err(problem) if problem.status == 401 => return End::Credential,
                // A database that is away is asked again with the next sign of life; until then nothing is shown.
                Err(problem) => tracing::info!(%problem, "an event stream waits for the database"),
            }
            tokio::select! {
                () = self.out.closed() => return End::Gone,
                () = tokio::time::sleep_until(over) => return End::Age,
                changed = signal.changed() => if changed.is_err() { return End::Shutdown },
                _ = beat.tick() => {
                    // An id alone moves the client's Last-Event-ID on and wakes nobody there.
                    if let Err(end) = self.send(format!(": alive\nid: {}\n\n", self.after)).await {
                        return end;
                    }
                }
            }
        }
    }

    /// What follows, by the rights of this moment. The connection is given back before anything is sent.
    async fn next_page(&mut self) -> Result<Page, Problem> {
        let now = self.app.clock.now();
        if self.until.is_some_and(|until| until <= now) {
            return Err(Problem::of(&kinds::UNAUTHENTICATED));
        }
        let mut conn = self.app.db.get().await?;
        self.actor = identity::fresh(&conn, &self.actor, now).await?;
        let page = feed::page(&mut conn, &Scope::of(&self.actor), self.after, PAGE).await?;
        feed::log_looks(&self.app, &mut conn, &self.actor, &page, Look("events", self.request_id)).await?;
        Ok(page)
    }

    async fn send_page(&mut self, page: Page) -> Result<(), End> {
        self.after = page.next;
        if page.rows.is_empty() {
            return Ok(());
        }
        let mut text = String::new();
        for row in &page.rows {
            // Neither the database's JSON nor the canonical bytes inside have a line break.
            text.push_str(&format!("id: {}\ndata: {}\n\n", row.feed_no, row.doc));
        }
        self.send(text).await
    }

    async fn send(&self, text: String) -> Result<(), End> {
        match tokio::time::timeout(SEND_MAX, self.out.send(text.into())).await {
            Ok(Ok(())) => Ok(()),
            _ => Err(End::Gone),
        }
    }
}
