//! `postmaster.pid`, in which a server says who it is and how far it got.

use std::fs;
use std::path::{Path, PathBuf};

/// What we need of `postmaster.pid`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PidFile {
    /// The postmaster, or the single-user server (whose number the file has with a minus).
    pub(super) pid: u32,
    /// Whether it takes connections.
    pub(super) is_ready: bool,
}

impl PidFile {
    pub(super) fn path(inside: &Path) -> PathBuf {
        inside.join("postmaster.pid")
    }

    /// Reads the file of a cluster; `None` if there is none, or the server has not filled it yet.
    pub(super) fn read(inside: &Path) -> Option<Self> {
        Self::parse(&fs::read_to_string(Self::path(inside)).ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let pid = text.lines().next()?.trim().trim_start_matches('-').parse().ok()?;
        let is_ready = text.lines().nth(7).is_some_and(|status| status.trim() == "ready");
        Some(Self { pid, is_ready })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "4711\n/var/lib/liandan/postgres\n1767225600\n5432\n/var/lib/liandan/run\n\n  1234567    65536\n";

    #[test]
    fn ready_is_the_eighth_line_without_its_padding() {
        let ready = PidFile { pid: 4711, is_ready: true };
        assert_eq!(PidFile::parse(&format!("{HEAD}ready   \n")), Some(ready));
        for status in ["starting\n", "stopping\n", "standby \n", "rea", ""] {
            let not_yet = PidFile { is_ready: false, ..ready };
            assert_eq!(PidFile::parse(&format!("{HEAD}{status}")), Some(not_yet), "{status:?}");
        }
    }

    #[test]
    fn an_unfinished_file_says_nothing() {
        assert_eq!(PidFile::parse(""), None);
        assert_eq!(PidFile::parse("\n"), None);
        assert_eq!(PidFile::parse("47x\n"), None);
        assert_eq!(PidFile::parse("-4711\n"), Some(PidFile { pid: 4711, is_ready: false }));
    }
}
