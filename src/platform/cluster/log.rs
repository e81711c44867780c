//! The server's log: a file of ours, since our own output is for our own lines.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use super::error::{ClusterError, at};

/// Unit: bytes. A longer log is put aside at the next start, as `postgres.log.old`.
const LOG_BYTES_MAX: u64 = 16 << 20;
/// Unit: bytes. As much of a log as fits a terminal.
const TAIL_BYTES_MAX: usize = 2_000;

/// Opens the log for appending and answers where this run's part begins.
pub(super) fn open(path: &Path) -> Result<(File, u64), ClusterError> {
    if fs::metadata(path).is_ok_and(|old| old.len() > LOG_BYTES_MAX) {
        fs::rename(path, path.with_extension("log.old")).map_err(at(path))?;
    }
    // 0600: an error in the log may quote the values of a row.
    let log = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(at(path))?;
    let start = log.metadata().map_err(at(path))?.len();
    Ok((log, start))
}

/// The end of what the server logged since `start`; empty if it cannot be read, since it only
/// explains another error.
pub(super) fn tail(path: &Path, start: u64) -> String {
    let read = || -> io::Result<String> {
        let mut log = File::open(path)?;
        log.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        log.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    read().map(|text| end_of(&text)).unwrap_or_default()
}

pub(super) fn end_of(text: &str) -> String {
    let text = text.trim();
    let from = (text.len().saturating_sub(TAIL_BYTES_MAX)..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or_default();
    text.get(from..).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_long_log_is_cut_between_characters() {
        assert_eq!(end_of("  short\n"), "short");
        let long = "废".repeat(TAIL_BYTES_MAX);
        let end = end_of(&long);
        assert!(end.len() <= TAIL_BYTES_MAX && end.chars().all(|c| c == '废'));
    }
}
