//! The data of the cluster: whether they are there, and making them.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::process::Stdio;

use super::account::Account;
use super::error::{ClusterError, at};
use super::programs::{self, Programs};
use super::{ClusterOptions, leftover, log};

/// The major version that wrote the data; `None` when there is no cluster yet.
pub(super) fn major(inside: &Path) -> Result<Option<u32>, ClusterError> {
    let path = inside.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => match programs::major_of(&text) {
            Some(major) => Ok(Some(major)),
            None => Err(ClusterError::NotACluster { path: inside.to_owned() }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound && !inside.exists() => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(ClusterError::NotACluster { path: inside.to_owned() }),
        Err(error) => Err(at(&path)(error)),
    }
}

/// Runs `initdb` into a folder beside, then renames it.
pub(super) fn make(data: &Path, inside: &Path, options: &ClusterOptions, programs: &Programs, account: &Account) -> Result<(), ClusterError> {
    let fresh = data.join("postgres.new");
    leftover::stop(&fresh)?;
    if fresh.exists() {
        fs::remove_dir_all(&fresh).map_err(at(&fresh))?;
    }
    account.make_private(&fresh)?;
    if !account.can_reach(&fresh) {
        fs::remove_dir(&fresh).map_err(at(&fresh))?;
        return Err(ClusterError::Unreachable { data: data.to_owned(), account: account.name().to_owned() });
    }

    let mut initdb = account.bound_command(&programs.bin.join("initdb"));
    initdb.arg("-D").arg(&fresh).args(["--username=postgres", "--auth=trust", "--no-instructions"]);
    // A page that a disk changed must not pass for evidence.
    initdb.arg("--data-checksums");
    // Sorting by bytes is the same on every machine and survives a new libc; letters are told from
    // signs by Unicode where the system can, else pg_trgm would see no Chinese at all.
    initdb.args(["--encoding=UTF8", "--locale=C"]);
    if has_utf8_locale(account) {
        initdb.arg("--lc-ctype=C.UTF-8");
    }
    if !options.durable {
        initdb.arg("--no-sync");
    }
    let output = initdb.stdin(Stdio::null()).output().map_err(at(&programs.bin.join("initdb")))?;
    if !output.status.success() {
        let mut tail = String::from_utf8_lossy(&output.stdout).into_owned();
        tail.push_str(&String::from_utf8_lossy(&output.stderr));
        return Err(ClusterError::Initdb { status: output.status, tail: log::end_of(&tail) });
    }
    fs::rename(&fresh, inside).map_err(at(inside))?;
    if options.durable {
        File::open(data).and_then(|folder| folder.sync_all()).map_err(at(data))?;
    }
    Ok(())
}

fn has_utf8_locale(account: &Account) -> bool {
    account.command("locale".as_ref()).arg("-a").stderr(Stdio::null()).output().is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).lines().any(|name| name.eq_ignore_ascii_case("C.UTF-8") || name.eq_ignore_ascii_case("C.utf8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_without_a_version_is_not_taken_for_a_cluster() {
        let folder = std::env::temp_dir().join(format!("liandan-cluster-test-{}", std::process::id()));
        assert!(matches!(major(&folder), Ok(None)));
        fs::create_dir(&folder).unwrap();
        assert!(matches!(major(&folder), Err(ClusterError::NotACluster { .. })));
        fs::write(folder.join("PG_VERSION"), "15\n").unwrap();
        assert!(matches!(major(&folder), Ok(Some(15))));
        fs::remove_dir_all(&folder).unwrap();
    }
}
