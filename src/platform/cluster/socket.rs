//! Where the server listens, and how clients are told.

use std::ffi::OsStr;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::{fs, io};

use super::account::Account;
use super::error::{ClusterError, at};

/// Only part of the socket's name: nothing listens on TCP.
pub(super) const PORT: u16 = 5432;
/// Unit: bytes, of the whole path. macOS allows this much, Linux four more.
const SOCKET_PATH_BYTES_MAX: usize = 103;
const NEAR: &str = "run";
const FALLBACK_PREFIX: &str = "/tmp/liandan-";

/// Makes the folder for the socket, closed to all but the server's user (and root), and empties it.
///
/// Called when no server runs on these data. A socket's lock of an earlier one names a process by
/// number only, and PostgreSQL refuses to start while any process has that number.
pub(super) fn prepare(data: &Path, account: &Account) -> Result<PathBuf, ClusterError> {
    let folder = folder_for(data);
    match fs::symlink_metadata(&folder) {
        // In /tmp anybody may have made it first, and would then own our door.
        Ok(found) if found.is_dir() && account.owns(found.uid()) && found.mode() & 0o077 == 0 => {
            for stale in [folder.join(socket_name()), folder.join(format!("{}.lock", socket_name()))] {
                if let Err(error) = fs::remove_file(&stale)
                    && error.kind() != io::ErrorKind::NotFound
                {
                    return Err(at(&stale)(error));
                }
            }
        }
        Ok(_) => return Err(ClusterError::SocketFolder { path: folder }),
        Err(_) => account.make_private(&folder)?,
    }
    Ok(folder)
}

/// The folder of a running server's socket, once it answers there. In /tmp anybody may have made a folder of that name,
/// so it must belong to whom the data belong to.
pub(super) fn of_running(data: &Path, inside: &Path) -> Option<PathBuf> {
    let folder = folder_for(data);
    let found = fs::symlink_metadata(&folder).ok()?;
    let is_ours = found.is_dir() && found.uid() == fs::metadata(inside).ok()?.uid() && found.mode() & 0o077 == 0;
    (is_ours && UnixStream::connect(folder.join(socket_name())).is_ok()).then_some(folder)
}

/// `run` in the data folder, or one in `/tmp` when the kernel would not take so long a path.
fn folder_for(data: &Path) -> PathBuf {
    let near = data.join(NEAR);
    if near.join(socket_name()).as_os_str().len() <= SOCKET_PATH_BYTES_MAX {
        return near;
    }
    let mut hasher = DefaultHasher::new();
    data.hash(&mut hasher);
    PathBuf::from(format!("{FALLBACK_PREFIX}{:016x}", hasher.finish()))
}

fn socket_name() -> String {
    format!(".s.PGSQL.{PORT}")
}

/// Removes the folder if it was one in `/tmp`. Best effort: an empty folder harms nobody.
pub(super) fn clean_up(folder: &Path) {
    if folder.parent() == Some(Path::new("/tmp")) && !folder.ends_with(NEAR) {
        let _ = fs::remove_dir(folder);
    }
}

/// A URL that libpq and `tokio-postgres` read alike.
pub(super) fn url(folder: &Path, database: &str) -> String {
    format!("postgresql:///{}?host={}&port={PORT}&user=postgres", percent_encoded(OsStr::new(database)), percent_encoded(folder.as_os_str()))
}

fn percent_encoded(text: &OsStr) -> String {
    let mut encoded = String::new();
    for &byte in text.as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_path_beyond_the_limit_moves_to_tmp() {
        let rest = "/run/.s.PGSQL.5432".len();
        let fits = PathBuf::from(format!("/{}", "d".repeat(SOCKET_PATH_BYTES_MAX - rest - 1)));
        assert_eq!(folder_for(&fits), fits.join("run"));
        let too_long = PathBuf::from(format!("/{}", "d".repeat(SOCKET_PATH_BYTES_MAX - rest)));
        let fallback = folder_for(&too_long);
        assert_eq!(fallback.parent(), Some(Path::new("/tmp")));
        assert_eq!(fallback, folder_for(&too_long), "the same data must find the same folder");
        assert_ne!(fallback, folder_for(&too_long.join("x")));
    }

    #[test]
    fn a_url_keeps_odd_paths_and_names_apart() {
        assert_eq!(
            url(Path::new("/data & more/联/run"), "a/b?c"),
            "postgresql:///a%2Fb%3Fc?host=%2Fdata%20%26%20more%2F%E8%81%94%2Frun&port=5432&user=postgres"
        );
    }
}
