//! Servers that an earlier run left behind: after a kill where the kernel could not tell them, or
//! just on their way out.
//!
//! Only called under the lock of the data folder, so whatever is found cannot belong to a living
//! owner.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Instant;

use super::account::signal;
use super::error::{ClusterError, at};
use super::pid_file::PidFile;
use super::{POLL, STOPS_WITHIN};

/// Stops every server process on these data, and removes a pid file that no process stands behind.
pub(super) fn stop(inside: &Path) -> Result<(), ClusterError> {
    let began = Instant::now();
    let mut asked = false;
    loop {
        let pids = servers_on(inside);
        let Some(first) = pids.first().copied() else {
            break;
        };
        if began.elapsed() > STOPS_WITHIN {
            return Err(ClusterError::LeftBehind { data: inside.to_owned(), pid: first });
        }
        if !asked {
            match PidFile::read(inside).filter(|file| pids.contains(&file.pid)) {
                Some(file) => signal("INT", &[file.pid])?,
                // Sessions whose postmaster was killed: they notice by themselves, but not while
                // they compute.
                None => signal("TERM", &pids)?,
            }
            asked = true;
        }
        thread::sleep(POLL);
    }
    // After a power cut the number may by now be another program's, and PostgreSQL would then
    // refuse to start. Its own guard against a second server is made good by the search above;
    // without /proc it is left alone.
    let path = PidFile::path(inside);
    if has_proc() && path.exists() {
        fs::remove_file(&path).map_err(at(&path))?;
    }
    Ok(())
}

/// The server processes whose working folder is this one; a number alone, without that proof, is
/// never signalled.
fn servers_on(inside: &Path) -> Vec<u32> {
    let Ok(wanted) = fs::metadata(inside) else {
        return Vec::new();
    };
    let Some(processes) = has_proc().then(|| fs::read_dir("/proc")).and_then(Result::ok) else {
        return PidFile::read(inside).map(|file| file.pid).filter(|pid| ps_names(*pid, inside)).into_iter().collect();
    };
    processes
        .filter_map(|process| process.ok()?.file_name().to_str()?.parse().ok())
        .filter(|pid: &u32| {
            let process = Path::new("/proc").join(pid.to_string());
            fs::read_to_string(process.join("comm")).is_ok_and(|name| name.trim() == "postgres")
                && fs::metadata(process.join("cwd")).is_ok_and(|cwd| (cwd.dev(), cwd.ino()) == (wanted.dev(), wanted.ino()))
        })
        .collect()
}

fn has_proc() -> bool {
    Path::new("/proc/self/cwd").exists()
}

/// The same proof where there is no `/proc` (macOS): the command line of the postmaster names the
/// data.
fn ps_names(pid: u32, inside: &Path) -> bool {
    let output = Command::new("/bin/ps").args(["-ww", "-o", "command=", "-p", &pid.to_string()]).output();
    output.is_ok_and(|output| {
        let command = String::from_utf8_lossy(&output.stdout).into_owned();
        command.contains("postgres") && command.contains(&*inside.to_string_lossy())
    })
}
