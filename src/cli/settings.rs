//! Settings: the command line and the environment first, then one TOML file, then the default.
//!
//! Every command that touches an installation finds it by the same [`PlaceOptions`], so that `doctor` looks at what
//! `serve` serves.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde::Deserialize;

use super::Failure;
use crate::platform::app::{Limits, NumberMode};
use crate::platform::cluster;

/// Where an installation lies.
#[derive(Args, Debug, Default, Clone)]
pub struct PlaceOptions {
    /// TOML file with settings; what the command line and the environment say goes before it.
    #[arg(long, env = "LIANDAN_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Data folder: keys, and the private cluster where no database is named by DATABASE_URL or the file.
    #[arg(long, env = "LIANDAN_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
}

/// Where an installation was found to lie.
#[derive(Debug, Clone)]
pub struct Place {
    /// Data folder.
    pub data: PathBuf,
    /// The owner's address of the database; a private cluster in the data folder where there is none.
    pub database_url: Option<String>,
}

impl Place {
    /// A data folder, and the database that `DATABASE_URL` names.
    #[must_use]
    pub fn of(data: PathBuf) -> Self {
        Self { data, database_url: std::env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()) }
    }
}

impl PlaceOptions {
    /// The place, and the file for whatever else the command takes from it.
    ///
    /// # Errors
    /// When the file cannot be read, has an unknown key or a value that does not fit.
    pub fn find(&self) -> Result<(Place, File), Failure> {
        let file = match &self.config {
            None => File::default(),
            Some(path) => {
                let text = std::fs::read_to_string(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
                File::parse(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?
            }
        };
        let mut place = Place::of(self.data.clone().or_else(|| file.data.clone()).unwrap_or_else(cluster::default_data_dir));
        place.database_url = place.database_url.or_else(|| file.database_url.clone());
        Ok((place, file))
    }
}

/// The file. A key that is not here is refused, since a misspelt limit would silently be the default.
#[derive(Deserialize, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Address to listen on.
    pub listen: Option<SocketAddr>,
    /// Address of the metrics.
    pub admin_listen: Option<SocketAddr>,
    data: Option<PathBuf>,
    database_url: Option<String>,
    /// Who gives numbers.
    pub mode: Option<NumberMode>,
    /// Connections in the pool.
    pub connections: Option<u16>,
    /// Where the public reaches this installation.
    pub public_url: Option<PublicUrl>,
    /// The table `[limits]`.
    #[serde(default)]
    pub limits: FileLimits,
}

impl File {
    fn parse(text: &str) -> Result<Self, String> {
        let file: Self = toml::from_str(text).map_err(|error| error.to_string())?;
        let ranges = [
            ("connections", file.connections.map(u64::from), 1..=1_000),
            ("limits.body_seconds", file.limits.body_seconds, 1..=3_600),
            ("limits.hashes_at_once", file.limits.hashes_at_once.map(u64::from), 1..=64),
        ];
        for (key, value, range) in ranges {
            if value.is_some_and(|value| !range.contains(&value)) {
                return Err(format!("`{key}` must be {} to {}", range.start(), range.end()));
            }
        }
        Ok(file)
    }
}

/// Where the public reaches an installation: it is printed on paper, so it is checked before.
#[derive(Deserialize, Debug, Clone, PartialEq, Eq)]
#[serde(try_from = "String")]
pub struct PublicUrl(String);

/// Characters of a public address at most: a longer one makes a code on paper that no phone reads.
const PUBLIC_URL_MAX: usize = 100;

impl PublicUrl {
    /// Without a slash at the end.
    #[must_use]
    pub fn into_inner(self) -> String {
        self.0
    }
}

impl std::str::FromStr for PublicUrl {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim_end_matches('/');
        let host = ["https://", "http://"].into_iter().find_map(|scheme| text.strip_prefix(scheme));
        let is_plain = |host: &str| host.chars().all(|letter| letter.is_ascii_alphanumeric() || "-._~:/[]".contains(letter));
        match host {
            Some(host) if !host.is_empty() && is_plain(host) && text.len() <= PUBLIC_URL_MAX => Ok(Self(text.to_owned())),
            _ => Err("must be `https://` or `http://`, a host and perhaps a path, at most 100 characters"),
        }
    }
}

impl TryFrom<String> for PublicUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// Limits as the file has them.
#[derive(Deserialize, Debug, Default, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct FileLimits {
    body_seconds: Option<u64>,
    requests_per_minute: Option<u32>,
    logins_per_minute: Option<u32>,
    looks_per_minute: Option<u32>,
    hashes_at_once: Option<u16>,
    streams: Option<u16>,
    streams_per_credential: Option<u16>,
}

/// Limits that an operator may move, and a benchmark or a fuzzer lift.
#[derive(Args, Debug, Default, Clone)]
pub struct LimitOptions {
    /// Seconds for a whole request body to arrive; then 408. Default 20.
    #[arg(long, env = "LIANDAN_BODY_SECONDS", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    body_seconds: Option<u64>,
    /// Requests a minute for one credential; 0 lifts the limit. Default 1200.
    #[arg(long, env = "LIANDAN_REQUESTS_PER_MINUTE", value_name = "COUNT")]
    requests_per_minute: Option<u32>,
    /// Log-in attempts a minute from one source; 0 lifts the limit and the back-off. Default 30.
    #[arg(long, env = "LIANDAN_LOGINS_PER_MINUTE", value_name = "COUNT")]
    logins_per_minute: Option<u32>,
    /// Looks at public pages a minute from one source; 0 lifts the limit. Default 60.
    #[arg(long, env = "LIANDAN_LOOKS_PER_MINUTE", value_name = "COUNT")]
    looks_per_minute: Option<u32>,
    /// Password hashes at once; each takes a core and 19 MB for a moment. Default 1.
    #[arg(long, env = "LIANDAN_HASHES_AT_ONCE", value_name = "COUNT", value_parser = clap::value_parser!(u16).range(1..=64))]
    hashes_at_once: Option<u16>,
    /// Event streams at once; beyond, 503. Default 200.
    #[arg(long, env = "LIANDAN_STREAMS", value_name = "COUNT")]
    streams: Option<u16>,
    /// Event streams at once for one credential; beyond, 429. Default 4.
    #[arg(long, env = "LIANDAN_STREAMS_PER_CREDENTIAL", value_name = "COUNT")]
    streams_per_credential: Option<u16>,
}

impl LimitOptions {
    /// The limits that these settings and a file give.
    #[must_use]
    pub fn over(&self, file: &FileLimits) -> Limits {
        let default = Limits::default();
        Limits {
            body_time: self.body_seconds.or(file.body_seconds).map_or(default.body_time, Duration::from_secs),
            requests_per_minute: self.requests_per_minute.or(file.requests_per_minute).unwrap_or(default.requests_per_minute),
            logins_per_minute: self.logins_per_minute.or(file.logins_per_minute).unwrap_or(default.logins_per_minute),
            looks_per_minute: self.looks_per_minute.or(file.looks_per_minute).unwrap_or(default.looks_per_minute),
            hashes_at_once: self.hashes_at_once.or(file.hashes_at_once).map_or(default.hashes_at_once, usize::from),
            streams: self.streams.or(file.streams).map_or(default.streams, usize::from),
            streams_per_credential: self.streams_per_credential.or(file.streams_per_credential).map_or(default.streams_per_credential, usize::from),
            ..default
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_wins_over_the_file_and_the_file_over_the_default() {
        let file = File::parse("[limits]\nbody_seconds = 3\nlogins_per_minute = 0\n").unwrap();
        let limits = LimitOptions { body_seconds: Some(1), ..LimitOptions::default() }.over(&file.limits);
        assert_eq!((limits.body_time, limits.logins_per_minute), (Duration::from_secs(1), 0));
        assert_eq!(limits.requests_per_minute, Limits::default().requests_per_minute);
    }

    #[test]
    fn every_setting_of_the_file_is_read() {
        let file = File::parse(
            "listen = \"0.0.0.0:80\"\nadmin_listen = \"127.0.0.1:9100\"\ndata = \"/var/lib/liandan\"\ndatabase_url = \"postgres://x\"\n\
             mode = \"local\"\nconnections = 8\npublic_url = \"https://liandan.example/\"\n[limits]\nbody_seconds = 1\nrequests_per_minute = 2\nlogins_per_minute = 3\n\
             looks_per_minute = 7\nhashes_at_once = 4\nstreams = 5\nstreams_per_credential = 6\n",
        )
        .unwrap();
        assert_eq!((file.listen.map(|at| at.port()), file.admin_listen.map(|at| at.port())), (Some(80), Some(9100)));
        assert_eq!((file.mode, file.connections), (Some(NumberMode::Local), Some(8)));
        assert_eq!((file.data, file.database_url), (Some("/var/lib/liandan".into()), Some("postgres://x".into())));
        assert_eq!(file.public_url.map(PublicUrl::into_inner).as_deref(), Some("https://liandan.example"));
        let limits = LimitOptions::default().over(&file.limits);
        assert_eq!(limits.looks_per_minute, 7);
        assert_eq!((limits.body_time.as_secs(), limits.requests_per_minute, limits.logins_per_minute), (1, 2, 3));
        assert_eq!((limits.hashes_at_once, limits.streams, limits.streams_per_credential), (4, 5, 6));
    }

    #[test]
    fn an_unknown_key_and_a_value_out_of_range_are_named() {
        for (text, named) in [
            ("lisen = \"127.0.0.1:80\"", "lisen"),
            ("[limits]\nrequests = 1", "requests"),
            ("[limit]\nstreams = 1", "limit"),
            ("mode = \"both\"", "both"),
            ("[limits]\nbody_seconds = 0", "limits.body_seconds"),
            ("connections = 0", "connections"),
            ("public_url = \"liandan.example\"", "public_url"),
            ("public_url = \"https://liandan.example/?a=b\"", "public_url"),
        ] {
            let error = File::parse(text).unwrap_err();
            assert!(error.contains(named), "{text}: {error}");
        }
        assert!(File::parse("connections = 1\n[limits]\nbody_seconds = 3600").is_ok());
    }
}
