//! A private PostgreSQL cluster, so that `liandan` runs on a machine where nobody set up a
//! database.
//!
//! The programs are the system's own; nothing is downloaded. What holds here:
//! - Two processes never share a cluster: a file lock on `postgres.lock` lives as long as the
//!   [`Cluster`].
//! - The server never outlives us for long: the kernel interrupts it when we die (`setpriv
//!   --pdeathsig`, on Linux), and where it could not, the next start stops it first.
//! - An interrupted first start is redone, never half used: `initdb` fills `postgres.new`, then one
//!   rename.
//! - `trust` is safe only because there is no TCP port and the socket is in a folder closed to
//!   others.
//! - Started by root, the server runs as another user, and root makes no file in a folder of that
//!   user.
//!
//! In the data folder: `postgres` (the data), `run` (the socket), `postgres.log`, `postgres.lock`.
//! Nothing else in that folder is touched, so keys and blobs may live beside them.
//!
//! All calls block: from async code, start it before the runtime or on a blocking thread.

mod account;
mod data;
mod error;
mod leftover;
mod log;
mod pid_file;
mod programs;
mod socket;

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};
use std::{env, thread};

pub use self::error::ClusterError;

use self::account::Account;
use self::error::at;
use self::pid_file::PidFile;
use self::programs::Programs;

/// How often we look whether the server is ready or gone.
const POLL: Duration = Duration::from_millis(5);
/// A server that does not say a word within this time never will.
const ANSWERS_WITHIN: Duration = Duration::from_secs(60);
/// Replaying the log after a power cut takes long on a slow disk, and giving up would only make the
/// next start begin again.
const RECOVERS_WITHIN: Duration = Duration::from_secs(600);
/// A stop ends sessions and writes a checkpoint; beyond this time we no longer wait for the
/// checkpoint.
const STOPS_WITHIN: Duration = Duration::from_secs(60);
/// An immediate stop writes nothing, so it needs no more than this.
const ABORTS_WITHIN: Duration = Duration::from_secs(10);

/// What the caller decides about a private cluster; all else is fixed here.
#[derive(Debug, Clone)]
pub struct ClusterOptions {
    /// The data folder; made if absent. Started by root, it must not be below a folder closed to
    /// other users.
    pub data: PathBuf,
    /// Whether a power cut may cost nothing (`true`) or the whole cluster (`false`: only for
    /// tests).
    pub durable: bool,
    /// PostgreSQL's `max_connections`: the pools of all processes together, and a few for `psql`.
    pub max_connections: u32,
    /// PostgreSQL's `shared_buffers`, with its unit: `"128MB"`.
    pub shared_buffers: String,
}

/// A running private cluster. Dropping it stops the server.
#[derive(Debug)]
pub struct Cluster {
    server: Child,
    /// While this is held, the thread that spawned the server lives (see
    /// [`spawn_from_own_thread`]).
    _keeper: mpsc::Sender<()>,
    socket: PathBuf,
    log: PathBuf,
    major: u32,
    _lock: File,
}

/// The folder for all that this installation keeps, when the caller names none.
///
/// Root's home is closed to the user that runs the server, so root gets the system's variable data
/// instead.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    if account::own_uid() == Some(0) {
        return PathBuf::from("/var/lib/liandan");
    }
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_DATA_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/share"))).unwrap_or_else(env::temp_dir).join("liandan")
}

impl Cluster {
    /// Starts the cluster of a data folder, making it first if there is none.
    ///
    /// # Errors
    /// No programs (or none of the version that wrote the data), a folder in use or out of reach,
    /// and whatever `initdb` or the server themselves refuse, with the end of their log.
    pub fn start(options: &ClusterOptions) -> Result<Self, ClusterError> {
        let inside = options.data.join("postgres");
        let account = Account::choose(&inside)?;
        // Before anything is written: a machine without PostgreSQL gets a sentence, not empty
        // folders.
        let programs = programs::find(&account, &inside, data::major(&inside)?)?;

        let folder = prepare_folder(&options.data, &account)?;
        let lock = lock(&folder)?;
        let inside = folder.join("postgres");
        leftover::stop(&inside)?;
        if data::major(&inside)?.is_none() {
            data::make(&folder, &inside, options, &programs, &account)?;
        }
        let socket = socket::prepare(&folder, &account)?;

        let log_path = folder.join("postgres.log");
        let (log, log_start) = log::open(&log_path)?;
        let command = server_command(options, &programs, &account, &inside, &socket, log)?;
        let (server, keeper) = spawn_from_own_thread(command)?;
        // From here on an error drops the cluster, and so stops the server.
        let mut cluster = Self { server, _keeper: keeper, socket, log: log_path, major: programs.major, _lock: lock };
        cluster.wait_until_ready(&inside, log_start)?;
        Ok(cluster)
    }

    /// The URL of the default database of a cluster that another process runs on this data folder; `None` where none
    /// does, or it is not ready, or it is not ours to enter.
    ///
    /// Only for commands that need not own the cluster: it ends when its owner does.
    #[must_use]
    pub fn attach(data: &Path) -> Option<String> {
        let folder = fs::canonicalize(data).ok()?;
        let inside = folder.join("postgres");
        // A server without an owner was left behind; whoever starts next stops it.
        let lock = File::open(folder.join("postgres.lock")).ok()?;
        if !matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            return None;
        }
        PidFile::read(&inside).filter(|file| file.is_ready)?;
        socket::of_running(&folder, &inside).map(|socket| socket::url(&socket, "postgres"))
    }

    /// The connection URL of one database, for `tokio-postgres`, diesel and `psql` alike.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        socket::url(&self.socket, database)
    }

    /// The major version of the running server, for `doctor`.
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// Where the server logs, to name it in messages.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// Stops the server and waits until it is gone. Sessions that are still open are cut.
    ///
    /// # Errors
    /// The server did not end cleanly; its data is safe, and the next start recovers it.
    pub fn stop(mut self) -> Result<(), ClusterError> {
        self.shut_down()
    }

    fn wait_until_ready(&mut self, inside: &Path, log_start: u64) -> Result<(), ClusterError> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.server.try_wait().map_err(at(&self.log))? {
                return Err(ClusterError::Exited { status, tail: log::tail(&self.log, log_start) });
            }
            // The file may still be the one of an earlier server, so the number counts too.
            let ours = PidFile::read(inside).filter(|file| file.pid == self.server.id());
            let limit = match ours {
                Some(PidFile { is_ready: true, .. }) => return Ok(()),
                Some(_) => RECOVERS_WITHIN,
                None => ANSWERS_WITHIN,
            };
            if began.elapsed() > limit {
                return Err(ClusterError::NotReady { limit_s: limit.as_secs(), tail: log::tail(&self.log, log_start) });
            }
            thread::sleep(POLL);
        }
    }

    fn shut_down(&mut self) -> Result<(), ClusterError> {
        let status = match self.try_stop()? {
            Some(status) => status,
            None => {
                // Not even an immediate stop helped; the lock must not go while a server writes.
                self.server.kill().map_err(at(&self.log))?;
                self.server.wait().map_err(at(&self.log))?
            }
        };
        socket::clean_up(&self.socket);
        if status.success() { Ok(()) } else { Err(ClusterError::Exited { status, tail: String::new() }) }
    }

    fn try_stop(&mut self) -> Result<Option<ExitStatus>, ClusterError> {
        for (signal, limit) in [("INT", STOPS_WITHIN), ("QUIT", ABORTS_WITHIN)] {
            let began = Instant::now();
            let mut asked = false;
            while began.elapsed() < limit {
                if let Some(status) = self.server.try_wait().map_err(at(&self.log))? {
                    return Ok(Some(status));
                }
                if !asked {
                    account::signal(signal, &[self.server.id()])?;
                    asked = true;
                }
                thread::sleep(POLL);
            }
        }
        Ok(None)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // After `stop` the server is gone and this does nothing. There is nobody to tell of an
        // error.
        let _ = self.shut_down();
    }
}

/// Makes the data folder; answers its real path, because the server's user may not be able to
/// follow links.
fn prepare_folder(data: &Path, account: &Account) -> Result<PathBuf, ClusterError> {
    // A folder that exists keeps its mode: others may have their reasons. The server's user needs
    // to pass through.
    let mode = if account.is_own() { 0o700 } else { 0o711 };
    if !data.exists() {
        DirBuilder::new().recursive(true).mode(mode).create(data).map_err(at(data))?;
    }
    fs::canonicalize(data).map_err(at(data))
}

fn lock(data: &Path) -> Result<File, ClusterError> {
    let path = data.join("postgres.lock");
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(&path).map_err(at(&path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(ClusterError::InUse { data: data.to_owned() }),
        Err(TryLockError::Error(error)) => Err(at(&path)(error)),
    }
}

fn server_command(
    options: &ClusterOptions,
    programs: &Programs,
    account: &Account,
    inside: &Path,
    socket: &Path,
    log: File,
) -> Result<Command, ClusterError> {
    let mut command = account.bound_command(&programs.bin.join("postgres"));
    command.arg("-D").arg(inside).arg("-k").arg(socket);
    let mut settings = vec![
        "listen_addresses=".to_owned(),
        format!("port={}", socket::PORT),
        "unix_socket_permissions=0700".to_owned(),
        format!("max_connections={}", options.max_connections),
        format!("shared_buffers={}", options.shared_buffers),
        // Sessions that must not depend on where the machine stands, and short statements that JIT
        // only slows down.
        "timezone=UTC".to_owned(),
        "log_timezone=UTC".to_owned(),
        "jit=off".to_owned(),
        "logging_collector=off".to_owned(),
    ];
    // On the command line also what is PostgreSQL's default: ALTER SYSTEM must not take durability
    // away unseen.
    let kept = if options.durable { "on" } else { "off" };
    settings.extend([format!("fsync={kept}"), format!("full_page_writes={kept}"), "synchronous_commit=on".to_owned()]);
    for setting in settings {
        command.arg("-c").arg(setting);
    }
    // An own process group: Ctrl-C in a terminal must not stop the database before we have drained
    // our requests.
    command.process_group(0);
    let log_too = log.try_clone().map_err(at(inside))?;
    command.stdin(Stdio::null()).stdout(log_too).stderr(log);
    Ok(command)
}

/// Spawns from a thread that lives as long as the sender: the kernel's "parent died" means the
/// *thread* that spawned, so a caller's short-lived thread would take the server with it.
fn spawn_from_own_thread(mut command: Command) -> Result<(Child, mpsc::Sender<()>), ClusterError> {
    let program = PathBuf::from(command.get_program());
    let (keeper, released) = mpsc::channel::<()>();
    let (report, spawned) = mpsc::channel();
    thread::Builder::new()
        .name("postgres-parent".to_owned())
        .spawn(move || {
            if report.send(command.spawn()).is_ok() {
                // Ends when the sender is dropped; nothing is ever sent.
                let _ = released.recv();
            }
        })
        .map_err(at(&program))?;
    match spawned.recv() {
        Ok(server) => Ok((server.map_err(at(&program))?, keeper)),
        Err(gone) => Err(at(&program)(io::Error::other(gone))),
    }
}
