//! Why a private cluster could not be started.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::programs::MAJOR_MIN;

/// Why there is no private cluster. The texts are for the person at the terminal and say what to
/// do.
#[derive(thiserror::Error, Debug)]
pub enum ClusterError {
    /// No usable programs on this machine.
    #[error("{}", not_found(*.wanted, .rejected))]
    NotFound {
        /// The major version that wrote the data, when there are data.
        wanted: Option<u32>,
        /// Folders that hold the programs but cannot be used, with the reason.
        rejected: Vec<String>,
    },
    /// The data were written by a major version that is not installed.
    #[error(
        "the data in {data} were written by PostgreSQL {of_data}, but this machine has only {found}; \
         install PostgreSQL {of_data}, or move the data with pg_upgrade or a dump", data = .data.display()
    )]
    OtherMajor {
        /// The folder with the data.
        data: PathBuf,
        /// The version that wrote them.
        of_data: u32,
        /// The versions found, as text.
        found: String,
    },
    /// Another process runs this cluster.
    #[error("the data folder {} is in use by another liandan process; stop it, or name another folder", .data.display())]
    InUse {
        /// The data folder.
        data: PathBuf,
    },
    /// A server of an earlier run does not end.
    #[error("a server left behind by an earlier run still uses {} and does not stop (process {pid})", .data.display())]
    LeftBehind {
        /// The folder with the data.
        data: PathBuf,
        /// The process to look at.
        pid: u32,
    },
    /// The place for the data is taken by something else.
    #[error("{} exists but is no PostgreSQL cluster; move it away, or name another data folder", .path.display())]
    NotACluster {
        /// The folder where the data would be.
        path: PathBuf,
    },
    /// The user that runs the server cannot get into the data folder.
    #[error(
        "the user {account}, who runs the database because root may not, cannot reach {}; \
         every folder on that path must let others pass (chmod o+x), or name another data folder", .data.display()
    )]
    Unreachable {
        /// The data folder.
        data: PathBuf,
        /// The user's name.
        account: String,
    },
    /// Root needs another user to run the server.
    #[error("PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it")]
    NoAccount,
    /// The folder for the socket belongs to somebody else.
    #[error("the folder {} for the database's socket is not ours; remove it, or name a shorter data folder", .path.display())]
    SocketFolder {
        /// The folder.
        path: PathBuf,
    },
    /// `initdb` refused.
    #[error("initdb failed ({status}):\n{tail}")]
    Initdb {
        /// How it ended.
        status: ExitStatus,
        /// The end of what it said.
        tail: String,
    },
    /// The server ended by itself, or not cleanly.
    #[error("the database server ended ({status}){}", after_colon(.tail))]
    Exited {
        /// How it ended.
        status: ExitStatus,
        /// The end of its log.
        tail: String,
    },
    /// The server runs but does not become ready.
    #[error("the database server was not ready after {limit_s} s{}", after_colon(.tail))]
    NotReady {
        /// Unit: seconds.
        limit_s: u64,
        /// The end of its log.
        tail: String,
    },
    /// The operating system refused.
    #[error("{}", .path.display())]
    Io {
        /// The file or program that it was about.
        path: PathBuf,
        /// Its reason.
        source: io::Error,
    },
}

impl ClusterError {
    /// The exit code for the command line: 78 (`EX_CONFIG`) tells a script that the machine lacks
    /// something.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::NotFound { .. }) { 78 } else { 1 }
    }
}

/// Says which file or program an I/O error was about; the bare error names none.
pub(super) fn at(path: &Path) -> impl FnOnce(io::Error) -> ClusterError {
    let path = path.to_owned();
    move |source| ClusterError::Io { path, source }
}

fn not_found(wanted: Option<u32>, rejected: &[String]) -> String {
    let version = match wanted {
        Some(major) => format!("{major}, which wrote the data"),
        None => format!("{MAJOR_MIN} or newer"),
    };
    let mut text = format!(
        "no PostgreSQL server was found (needed: version {version}): install one, or set DATABASE_URL to a database that runs elsewhere
  Debian, Ubuntu:  apt-get install postgresql
  Fedora, RHEL:    dnf install postgresql-server
  macOS:           brew install postgresql@17
  elsewhere:       set PG_BIN to the folder that holds initdb and postgres"
    );
    for reason in rejected {
        text.push_str("\nlooked at ");
        text.push_str(reason);
    }
    text
}

fn after_colon(tail: &str) -> String {
    if tail.is_empty() { String::new() } else { format!(":\n{tail}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_missing_programs_are_a_matter_of_configuration() {
        let missing = ClusterError::NotFound { wanted: None, rejected: vec!["/opt/pg: too old".to_owned()] };
        assert_eq!(missing.exit_code(), 78);
        let text = missing.to_string();
        for line in ["14 or newer", "DATABASE_URL", "apt-get", "dnf", "brew", "/opt/pg: too old"] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert_eq!(ClusterError::NoAccount.exit_code(), 1);
    }
}
