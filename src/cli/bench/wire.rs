//! The limit that acts are compared with: the server's own statements, recorded on the wire, sent again by a driver that
//! does nothing else, on the connections they came from.
//!
//! What is recorded is every message of the server to PostgreSQL and how many answers it was still waiting for when it
//! sent it, so the replay waits where the server waited and sends together what the server sent together. What is left
//! out is everything that the server does besides: HTTP, JSON, law, hashes, signatures.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::Barrier;
use tokio::task::{AbortHandle, JoinSet};

use super::Failure;
use super::load::{Figures, micros, per_second, percentile};

/// One message of the server, as sent.
#[derive(Clone)]
struct Message {
    phase: usize,
    /// Answers that were still awaited when it was sent.
    awaited: usize,
    bytes: Vec<u8>,
}

impl Message {
    fn kind(&self) -> u8 {
        self.bytes.first().copied().unwrap_or_default()
    }
    fn holds(&self, text: &[u8]) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text)
    }
    /// The prepared statement that it makes (parse) or uses (bind).
    fn statement(&self) -> Option<&[u8]> {
        let mut texts = self.bytes.get(5..)?.split(|byte| *byte == 0);
        match self.kind() {
            b'P' => texts.next(),
            b'B' => texts.nth(1),
            _ => None,
        }
    }
    /// Sync and simple queries are answered by "ready".
    fn is_answered(&self) -> bool {
        matches!(self.kind(), b'S' | b'Q')
    }
}

type Track = Arc<Mutex<Vec<Message>>>;

/// Stands between a server and its cluster and keeps what passes.
pub struct Recorder {
    /// Where the server finds the database instead.
    pub port: u16,
    phase: Arc<AtomicUsize>,
    tracks: Arc<Mutex<Vec<Track>>>,
    task: AbortHandle,
}

/// What was recorded: the messages of each connection.
pub struct Tape {
    tracks: Vec<Vec<Message>>,
}

impl Recorder {
    /// Listens.
    ///
    /// # Errors
    /// As the system.
    pub async fn start(socket: PathBuf) -> Result<Self, Failure> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let port = listener.local_addr()?.port();
        let (phase, tracks) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
        let (into, present) = (tracks.clone(), phase.clone());
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let track = Track::default();
                into.lock().unwrap_or_else(PoisonError::into_inner).push(track.clone());
                tokio::spawn(pass(client, socket.clone(), track, present.clone()));
            }
        });
        Ok(Self { port, phase, tracks, task: task.abort_handle() })
    }

    /// What passes from now on belongs to this phase.
    pub fn phase(&self, phase: usize) {
        self.phase.store(phase, Ordering::SeqCst);
    }

    /// Ends the recording; keeps the connections that took part in a phase above 0.
    #[must_use]
    pub fn tape(self) -> Tape {
        self.task.abort();
        let tracks = self.tracks.lock().unwrap_or_else(PoisonError::into_inner);
        let tracks = tracks.iter().map(|track| std::mem::take(&mut *track.lock().unwrap_or_else(PoisonError::into_inner)));
        Tape { tracks: tracks.filter(|track| track.iter().any(|message| message.phase > 0)).collect() }
    }
}

/// Cuts a stream into messages; the first one of a client has no kind.
struct Cutter {
    buffer: Vec<u8>,
    is_begun: bool,
}

impl Cutter {
    fn next(&mut self) -> Option<(bool, Vec<u8>)> {
        let kind = usize::from(self.is_begun);
        let length: [u8; 4] = self.buffer.get(kind..kind + 4)?.try_into().ok()?;
        let end = kind + usize::try_from(u32::from_be_bytes(length)).ok()?;
        if self.buffer.len() < end {
            return None;
        }
        let message = self.buffer.drain(..end).collect();
        Some((std::mem::replace(&mut self.is_begun, true), message))
    }
}

async fn pass(client: TcpStream, socket: PathBuf, track: Track, phase: Arc<AtomicUsize>) -> Result<(), Failure> {
    client.set_nodelay(true)?;
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = UnixStream::connect(socket).await?.into_split();
    // The start is answered by "ready" too.
    let awaited = Arc::new(AtomicUsize::new(1));
    let answers = awaited.clone();
    tokio::spawn(async move {
        let mut cutter = Cutter { buffer: Vec::new(), is_begun: true };
        let mut chunk = vec![0; 64 * 1024];
        while let Ok(length) = from_server.read(&mut chunk).await {
            let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
            cutter.buffer.extend_from_slice(bytes);
            while let Some((_, message)) = cutter.next() {
                if message.first() == Some(&b'Z') {
                    answers.fetch_sub(1, Ordering::SeqCst);
                }
            }
            if to_client.write_all(bytes).await.is_err() {
                break;
            }
        }
    });
    let mut cutter = Cutter { buffer: Vec::new(), is_begun: false };
    let mut chunk = vec![0; 64 * 1024];
    loop {
        let length = from_client.read(&mut chunk).await?;
        let Some(bytes) = chunk.get(..length).filter(|bytes| !bytes.is_empty()) else { return Ok(()) };
        cutter.buffer.extend_from_slice(bytes);
        while let Some((is_typed, bytes)) = cutter.next() {
            let message = Message { phase: phase.load(Ordering::SeqCst), awaited: awaited.load(Ordering::SeqCst), bytes };
            if is_typed && message.kind() != b'X' {
                if message.is_answered() {
                    awaited.fetch_add(1, Ordering::SeqCst);
                }
                track.lock().unwrap_or_else(PoisonError::into_inner).push(message);
            }
        }
        to_server.write_all(bytes).await?;
    }
}

/// What is sent at once, after no more than so many answers are awaited.
struct Flight {
    bytes: Vec<u8>,
    wait_to: usize,
    answers: usize,
}

/// A transaction, or a statement outside of one.
struct Unit {
    phase: usize,
    flights: Vec<Flight>,
    is_transaction: bool,
    is_read: bool,
}

/// Cuts a track into units; the job that numbers the feed runs by the clock and not by the load, so it is left out.
fn units(track: &[Message]) -> Vec<Unit> {
    let (mut units, mut open, mut in_transaction) = (Vec::new(), Vec::<&Message>::new(), false);
    // Its text stands in a parse only, once a connection; from then on its statements are known by name.
    let mut of_the_job = HashSet::new();
    for message in track {
        let is_query = message.kind() == b'Q';
        in_transaction |= is_query && message.holds(b"BEGIN");
        open.push(message);
        let ends = is_query && (message.holds(b"COMMIT") || message.holds(b"ROLLBACK"));
        if !message.is_answered() || (in_transaction && !ends) {
            continue;
        }
        let whole = std::mem::take(&mut open);
        let is_transaction = std::mem::take(&mut in_transaction);
        let names_the_job = |message: &&Message| message.kind() == b'P' && (message.holds(b"INSERT INTO leases") || message.holds(b"feed_no"));
        let uses_the_job = |message: &&Message| message.kind() == b'B' && message.statement().is_some_and(|name| of_the_job.contains(name));
        if is_transaction && (whole.iter().any(names_the_job) || whole.iter().any(uses_the_job)) {
            of_the_job.extend(whole.iter().filter(|message| message.kind() == b'P').filter_map(|message| message.statement()));
            continue;
        }
        units.push(Unit {
            phase: whole.first().map_or(0, |message| message.phase),
            is_read: whole.iter().any(|message| message.kind() == b'B'),
            flights: flights(&whole),
            is_transaction,
        });
    }
    units
}

fn flights(messages: &[&Message]) -> Vec<Flight> {
    let mut flights: Vec<Flight> = Vec::new();
    let mut awaited = 0;
    for message in messages {
        match flights.last_mut() {
            Some(flight) if message.awaited >= awaited => flight.bytes.extend_from_slice(&message.bytes),
            _ => {
                flights.push(Flight { bytes: message.bytes.clone(), wait_to: message.awaited.min(awaited), answers: 0 });
                awaited = awaited.min(message.awaited);
            }
        }
        if message.is_answered() {
            awaited += 1;
            if let Some(flight) = flights.last_mut() {
                flight.answers += 1;
            }
        }
    }
    flights
}

/// A connection of the replay.
struct Driver {
    stream: UnixStream,
    cutter: Cutter,
    awaited: usize,
    errors: u64,
}

impl Driver {
    async fn connect(socket: &Path, database: &str) -> Result<Self, Failure> {
        let mut stream = UnixStream::connect(socket).await?;
        let mut start = 196_608_u32.to_be_bytes().to_vec();
        for text in ["user", "postgres", "database", database, "client_encoding", "UTF8", ""] {
            start.extend_from_slice(text.as_bytes());
            start.push(0);
        }
        let length = u32::try_from(start.len() + 4).unwrap_or_default();
        stream.write_all(&[&length.to_be_bytes()[..], &start].concat()).await?;
        let mut driver = Self { stream, cutter: Cutter { buffer: Vec::new(), is_begun: true }, awaited: 1, errors: 0 };
        driver.wait(0).await?;
        Ok(driver)
    }

    async fn wait(&mut self, until: usize) -> Result<(), Failure> {
        while self.awaited > until {
            while let Some((_, message)) = self.cutter.next() {
                match message.first() {
                    Some(b'Z') => self.awaited -= 1,
                    Some(b'E') => {
                        if self.errors == 0 {
                            eprintln!("bench: a replayed statement failed: {}", String::from_utf8_lossy(&message).replace('\0', " "));
                        }
                        self.errors += 1;
                    }
                    _ => {}
                }
            }
            if self.awaited > until && self.stream.read_buf(&mut self.cutter.buffer).await? == 0 {
                return Err(Failure::new("PostgreSQL closed a connection of the replay"));
            }
        }
        Ok(())
    }

    async fn play(&mut self, unit: &Unit) -> Result<(), Failure> {
        for flight in &unit.flights {
            self.wait(flight.wait_to).await?;
            self.stream.write_all(&flight.bytes).await?;
            self.awaited += flight.answers;
        }
        self.wait(0).await
    }
}

/// What all connections note together in one phase.
#[derive(Default)]
struct Board {
    count: AtomicU64,
    /// Set by the first connection that has nothing left: from then on fewer than all are at work.
    ended_us: AtomicU64,
    count_at_end: AtomicU64,
    latencies_us: Mutex<Vec<u64>>,
    trips: AtomicU64,
}

/// Figures of one replayed phase.
#[derive(Debug, Clone, Copy)]
pub struct Replayed {
    /// Transactions (acts), or statements where there are no transactions (reads).
    pub figures: Figures,
    /// Mean round trips of one, in tenths.
    pub trips_tenths: u64,
}

impl Tape {
    /// How many connections it holds.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.tracks.len()
    }

    /// Plays the phases one after another on as many connections as were recorded; the first fifth of each phase warms
    /// up and does not count.
    ///
    /// # Errors
    /// A statement that fails: the database is not in the state that the recording began with.
    pub async fn replay(&self, socket: &Path, database: &str, phases: usize) -> Result<Vec<Replayed>, Failure> {
        let barrier = Arc::new(Barrier::new(self.tracks.len()));
        let boards: Arc<Vec<Board>> = Arc::new((0..=phases).map(|_| Board::default()).collect());
        let mut tasks = JoinSet::new();
        for track in &self.tracks {
            let (mut driver, barrier, boards) = (Driver::connect(socket, database).await?, barrier.clone(), boards.clone());
            let units = units(track);
            let mean: Vec<usize> = (0..=phases)
                .map(|phase| self.tracks.iter().map(|track| track.iter().filter(|one| one.phase == phase).count()).sum::<usize>())
                .map(|messages| messages / self.tracks.len().max(1))
                .collect();
            let own: Vec<usize> = (0..=phases).map(|phase| track.iter().filter(|one| one.phase == phase).count()).collect();
            tasks.spawn(async move {
                for phase in 0..=phases {
                    let mine: Vec<&Unit> = units.iter().filter(|unit| unit.phase == phase).collect();
                    let transactions = mine.iter().any(|unit| unit.is_transaction);
                    let (warm, timed) = mine.split_at(mine.len() / 5);
                    for unit in warm {
                        driver.play(unit).await?;
                    }
                    barrier.wait().await;
                    let Some(board) = boards.get(phase) else { continue };
                    let (began, mut latencies) = (Instant::now(), Vec::with_capacity(timed.len()));
                    for unit in timed {
                        let sent = Instant::now();
                        driver.play(unit).await?;
                        let counts = if transactions { unit.is_transaction } else { unit.is_read };
                        if counts && board.ended_us.load(Ordering::SeqCst) == 0 {
                            board.count.fetch_add(1, Ordering::SeqCst);
                            board.trips.fetch_add(u64::try_from(unit.flights.len()).unwrap_or_default(), Ordering::SeqCst);
                            latencies.push(micros(sent.elapsed()));
                        }
                    }
                    // A connection that the pool hardly used must not end the phase for all.
                    let counted = own.get(phase).zip(mean.get(phase)).is_some_and(|(own, mean)| *own * 2 >= *mean);
                    let now = micros(began.elapsed()).max(1);
                    if counted && board.ended_us.compare_exchange(0, now, Ordering::SeqCst, Ordering::SeqCst).is_ok() {
                        board.count_at_end.store(board.count.load(Ordering::SeqCst), Ordering::SeqCst);
                    }
                    board.latencies_us.lock().unwrap_or_else(PoisonError::into_inner).extend(latencies);
                    barrier.wait().await;
                }
                Ok::<u64, Failure>(driver.errors)
            });
        }
        while let Some(ended) = tasks.join_next().await {
            let errors = ended??;
            if errors > 0 {
                return Err(Failure::new(format!("{errors} replayed statements failed")));
            }
        }
        Ok(boards
            .iter()
            .skip(1)
            .map(|board| {
                let mut latencies = std::mem::take(&mut *board.latencies_us.lock().unwrap_or_else(PoisonError::into_inner));
                latencies.sort_unstable();
                let count = board.count_at_end.load(Ordering::SeqCst);
                Replayed {
                    figures: Figures {
                        per_second: per_second(count, board.ended_us.load(Ordering::SeqCst)),
                        p50_us: percentile(&latencies, 50),
                        p99_us: percentile(&latencies, 99),
                    },
                    trips_tenths: board.trips.load(Ordering::SeqCst) * 10 / board.count.load(Ordering::SeqCst).max(1),
                }
            })
            .collect())
    }

    /// The text of the recorded statement that begins like this.
    #[must_use]
    pub fn statement(&self, beginning: &str) -> Option<String> {
        let parses = self.tracks.iter().flatten().filter(|message| message.kind() == b'P');
        parses.filter_map(|message| message.bytes.get(5..)?.split(|byte| *byte == 0).nth(1)).find_map(|text| {
            let text = std::str::from_utf8(text).ok()?;
            text.starts_with(beginning).then(|| text.to_owned())
        })
    }
}
