//! Finding PostgreSQL's programs on the system.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::{env, fs, iter};

use super::account::Account;
use super::error::ClusterError;

/// The oldest major version that our migrations are written for.
pub(super) const MAJOR_MIN: u32 = 14;

/// Where package managers keep one folder a version: parent, start of the name, folder of the
/// programs in it.
const VERSIONED: [(&str, &str, &str); 7] = [
    ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                   // RHEL with the packages of postgresql.org
    ("/usr/lib", "postgresql", "bin"),           // SUSE
    ("/usr/libexec", "postgresql", ""),          // Alpine
    ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew on Apple silicon
    ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// A folder whose `initdb` and `postgres` were tried and work together.
#[derive(Debug)]
pub(super) struct Programs {
    pub(super) bin: PathBuf,
    pub(super) major: u32,
}

/// Finds programs of the version that wrote the data, or of any version we support when there are
/// none yet.
pub(super) fn find(account: &Account, inside: &Path, wanted: Option<u32>) -> Result<Programs, ClusterError> {
    let mut seen = HashSet::new();
    let mut rejected = Vec::new();
    let mut others = Vec::new();
    // A folder that somebody named is the only one: to take another in silence would hide a typing
    // mistake.
    let folders: Box<dyn Iterator<Item = PathBuf>> = match env::var_os("PG_BIN") {
        Some(named) => {
            let named = PathBuf::from(named);
            if real_folder(&named).is_none() {
                rejected.push(format!("{} (PG_BIN): it does not hold initdb and postgres", named.display()));
            }
            Box::new(iter::once(named))
        }
        None => Box::new(folders(account)),
    };
    for folder in folders {
        let Some(bin) = real_folder(&folder).filter(|bin| seen.insert(bin.clone())) else {
            continue;
        };
        match try_out(account, &bin) {
            Ok(major) if major < MAJOR_MIN => rejected.push(format!("{}: version {major} is too old", bin.display())),
            Ok(major) if wanted.is_none_or(|wanted| wanted == major) => {
                return Ok(Programs { bin, major });
            }
            Ok(major) => others.push(major.to_string()),
            Err(reason) => rejected.push(format!("{}: {reason}", bin.display())),
        }
    }
    match wanted {
        Some(of_data) if !others.is_empty() => Err(ClusterError::OtherMajor { data: inside.to_owned(), of_data, found: others.join(", ") }),
        _ => Err(ClusterError::NotFound { wanted, rejected }),
    }
}

/// The folders to look into, best first. Lazy, so that the usual case asks no other program.
fn folders(account: &Account) -> impl Iterator<Item = PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // A relative entry means the folder that we happen to be in.
    let on_path: Vec<_> = env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let told = iter::once_with(|| told_by_pg_config(account)).flatten();
    on_path.into_iter().chain(told).chain(iter::once_with(versioned).flatten())
}

fn told_by_pg_config(account: &Account) -> Option<PathBuf> {
    let output = account.command("pg_config".as_ref()).arg("--bindir").stderr(Stdio::null()).output().ok()?;
    let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    folder.is_absolute().then_some(folder)
}

/// The versioned folders of all package managers, newest version first.
fn versioned() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (parent, start, bin) in VERSIONED {
        for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(start)).and_then(major_of);
            if let Some(major) = version {
                found.push((major, entry.path().join(bin)));
            }
        }
    }
    found.sort_by_key(|(major, _)| Reverse(*major));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// The folder that really holds both programs: links in a common folder lead to it, and two ways
/// there count once.
fn real_folder(folder: &Path) -> Option<PathBuf> {
    let initdb = fs::canonicalize(folder.join("initdb")).ok()?;
    let postgres = fs::canonicalize(folder.join("postgres")).ok()?;
    let together = initdb.ends_with("initdb") && postgres.ends_with("postgres") && initdb.parent() == postgres.parent();
    if together { initdb.parent().map(Path::to_owned) } else { fs::canonicalize(folder).ok() }
}

/// Asks `initdb` what it would do. It answers only with a `postgres` of its own version beside it;
/// that its shared files are there too, which a bare copy of the programs lacks, we check
/// ourselves.
fn try_out(account: &Account, bin: &Path) -> Result<u32, String> {
    let mut initdb = account.command(&bin.join("initdb"));
    initdb.args(["--show", "-D", "/nonexistent"]).stdin(Stdio::null());
    let output = initdb.output().map_err(|error| format!("initdb does not run as {}: {error}", account.name()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(format!("initdb --show failed: {}", said.trim()));
    }
    let value = |key: &str| said.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
    let template = value("POSTGRES_BKI").ok_or("initdb --show names no shared files")?;
    if !Path::new(template).is_file() {
        return Err(format!("its shared file {template} is missing"));
    }
    value("VERSION").and_then(major_of).ok_or_else(|| "initdb --show names no version".to_owned())
}

/// The major version at the start of a version text: `15.18 (Debian …)`, `18beta1`, `17`.
pub(super) fn major_of(version: &str) -> Option<u32> {
    let version = version.trim();
    let end = version.find(|c: char| !c.is_ascii_digit()).unwrap_or(version.len());
    version.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_the_first_number() {
        for (text, major) in [("15.18 (Debian 15.18-0+deb12u1)", 15), ("18beta1", 18), ("17\n", 17), ("9.6", 9)] {
            assert_eq!(major_of(text), Some(major), "{text}");
        }
        for text in ["", "postgres", "v15", "-1", "99999999999"] {
            assert_eq!(major_of(text), None, "{text}");
        }
    }

    #[test]
    fn links_lead_to_the_real_folder_and_a_lone_program_to_none() {
        let root = fs::canonicalize(env::temp_dir()).unwrap().join(format!("liandan-programs-test-{}", std::process::id()));
        let (real, links) = (root.join("17/bin"), root.join("links"));
        fs::create_dir_all(&real).unwrap();
        fs::create_dir_all(&links).unwrap();
        fs::write(real.join("initdb"), "").unwrap();
        assert_eq!(real_folder(&real), None);
        fs::write(real.join("postgres"), "").unwrap();
        for name in ["initdb", "postgres"] {
            std::os::unix::fs::symlink(real.join(name), links.join(name)).unwrap();
        }
        assert_eq!(real_folder(&links), Some(real));
        fs::remove_dir_all(&root).unwrap();
    }
}
