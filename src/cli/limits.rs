//! Limits as named settings: command line and environment first, then the TOML file, then the default.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::Failure;
use crate::platform::app::Limits;

/// Limits that an operator may move, and a benchmark or a fuzzer lift.
#[derive(Args, Debug, Default, Clone)]
pub struct LimitOptions {
    /// TOML file with a table `[limits]`: body_seconds, requests_per_minute, logins_per_minute.
    #[arg(long, env = "LIANDAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Seconds for a whole request body to arrive; then 408. Default 20.
    #[arg(long, env = "LIANDAN_BODY_SECONDS", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    body_seconds: Option<u64>,
    /// Requests a minute for one credential; 0 lifts the limit. Default 1200.
    #[arg(long, env = "LIANDAN_REQUESTS_PER_MINUTE", value_name = "COUNT")]
    requests_per_minute: Option<u32>,
    /// Log-in attempts a minute from one source; 0 lifts the limit and the back-off. Default 30.
    #[arg(long, env = "LIANDAN_LOGINS_PER_MINUTE", value_name = "COUNT")]
    logins_per_minute: Option<u32>,
}

#[derive(Deserialize, Default)]
struct File {
    #[serde(default)]
    limits: Settings,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Settings {
    body_seconds: Option<u64>,
    requests_per_minute: Option<u32>,
    logins_per_minute: Option<u32>,
}

impl LimitOptions {
    /// The limits that these settings give.
    ///
    /// # Errors
    /// When the TOML file cannot be read or holds something else.
    pub fn limits(&self) -> Result<Limits, Failure> {
        let file: File = match &self.config {
            None => File::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
                toml::from_str(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?
            }
        };
        let mut limits = Limits::default();
        if let Some(seconds) = self.body_seconds.or(file.limits.body_seconds) {
            limits.body_time = Duration::from_secs(seconds.max(1));
        }
        if let Some(count) = self.requests_per_minute.or(file.limits.requests_per_minute) {
            limits.requests_per_minute = count;
        }
        if let Some(count) = self.logins_per_minute.or(file.limits.logins_per_minute) {
            limits.logins_per_minute = count;
        }
        Ok(limits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_default() {
        let path = std::env::temp_dir().join(format!("liandan-limits-{}.toml", std::process::id()));
        std::fs::write(&path, "[limits]\nbody_seconds = 3\nlogins_per_minute = 0\n").unwrap();
        let options = LimitOptions { config: Some(path.clone()), body_seconds: Some(1), ..LimitOptions::default() };
        let limits = options.limits().unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!((limits.body_time, limits.logins_per_minute), (Duration::from_secs(1), 0));
        assert_eq!(limits.requests_per_minute, Limits::default().requests_per_minute);
    }
}
