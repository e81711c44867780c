//! Whom the server's programs run as, and how they are spawned.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::{env, io};

use super::error::{ClusterError, at};

/// The user of the server's programs.
#[derive(Debug, Clone)]
pub(super) enum Account {
    /// The user who runs us.
    Own { uid: Option<u32> },
    /// PostgreSQL refuses to run as root, so root hands it to this user.
    Other { name: String, uid: u32, gid: u32 },
}

/// Our user. Asked from `id`, because macOS has no `/proc` and std has no call for it.
pub(super) fn own_uid() -> Option<u32> {
    id(&["-u"])
}

/// Sends a signal by the shell's own `kill`: small containers have no program of that name.
pub(super) fn signal(name: &str, pids: &[u32]) -> Result<(), ClusterError> {
    let shell = Path::new("/bin/sh");
    // A process that has just ended is no error here: the callers look again whether it is gone.
    plain_command(shell)
        .args(["-c", r#"kill -s "$0" "$@""#, name])
        .args(pids.iter().map(u32::to_string))
        .stdin(Stdio::null())
        .output()
        .map(drop)
        .map_err(at(shell))
}

impl Account {
    /// Who must run the server on these data.
    pub(super) fn choose(inside: &Path) -> Result<Self, ClusterError> {
        match own_uid() {
            Some(0) => {}
            uid => return Ok(Self::Own { uid }),
        }
        // Data that exist keep their owner: a user `postgres` may have appeared after `nobody`
        // began.
        if let Ok(owner) = fs::metadata(inside)
            && owner.uid() != 0
        {
            return Ok(Self::Other { name: format!("#{}", owner.uid()), uid: owner.uid(), gid: owner.gid() });
        }
        ["postgres", "nobody"]
            .into_iter()
            .find_map(|name| Some(Self::Other { name: name.to_owned(), uid: id(&["-u", name])?, gid: id(&["-g", name])? }))
            .ok_or(ClusterError::NoAccount)
    }

    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Own { .. })
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Own { .. } => "you",
            Self::Other { name, .. } => name,
        }
    }

    /// Whether a folder with this owner can be trusted with the socket.
    pub(super) fn owns(&self, owner_uid: u32) -> bool {
        match self {
            Self::Own { uid } => *uid == Some(owner_uid),
            Self::Other { uid, .. } => *uid == owner_uid,
        }
    }

    /// Makes a folder that only this account may enter.
    pub(super) fn make_private(&self, path: &Path) -> Result<(), ClusterError> {
        DirBuilder::new().mode(0o700).create(path).map_err(at(path))?;
        match self {
            Self::Own { .. } => Ok(()),
            Self::Other { uid, gid, .. } => chown(path, Some(*uid), Some(*gid)).map_err(at(path)),
        }
    }

    /// Whether the account can get into a folder, which the modes of all folders above decide.
    pub(super) fn can_reach(&self, path: &Path) -> bool {
        self.is_own() || self.command("test".as_ref()).arg("-x").arg(path).status().is_ok_and(|status| status.success())
    }

    /// A command that runs as this account, from `/`, with nothing of our environment: it may hold
    /// secrets, and `PGPORT` and its like would change the server.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = plain_command(program);
        if let Self::Other { uid, gid, .. } = self {
            // As root, std also drops the supplementary groups.
            command.uid(*uid).gid(*gid);
        }
        command
    }

    /// As [`Self::command`], and the kernel interrupts the program when the thread that spawned it
    /// dies.
    ///
    /// Where util-linux is missing (macOS, Alpine) a server may be left behind by a kill; the next
    /// start stops it.
    pub(super) fn bound_command(&self, program: &Path) -> Command {
        if !can_bind() {
            return self.command(program);
        }
        let mut command = self.command("setpriv".as_ref());
        command.args(["--pdeathsig", "INT", "--"]).arg(program);
        command
    }
}

fn plain_command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("LC_ALL", "C").current_dir("/");
    let mut path = env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/bin:/bin:/usr/sbin:/sbin");
    command.env("PATH", path);
    // Programs of a package manager outside the system's folders may need it.
    if let Some(libraries) = env::var_os("LD_LIBRARY_PATH") {
        command.env("LD_LIBRARY_PATH", libraries);
    }
    command
}

/// Busybox has a `setpriv` too, without this option.
fn can_bind() -> bool {
    let help = plain_command("setpriv".as_ref()).arg("--help").stdin(Stdio::null()).output();
    help.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("--pdeathsig"))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let output: io::Result<_> = plain_command("id".as_ref()).args(arguments).stderr(Stdio::null()).output();
    output.ok().and_then(|output| String::from_utf8_lossy(&output.stdout).trim().parse().ok())
}
