//! Limits: pgbench for the hot read, the replay of recorded statements for the rest.

use std::path::PathBuf;
use std::process::Stdio;

use diesel::sql_types::Text;
use diesel_async::RunQueryDsl;

use super::load::{Figures, Spread};
use super::report::{Limit, Report};
use super::wire::Tape;
use super::{Bench, CONNECTIONS, Failure, RUNS};
use crate::platform::db::{Sql, TextRow};

/// Where the cluster listens.
///
/// # Errors
/// As the database.
pub async fn socket(bench: &Bench) -> Result<PathBuf, Failure> {
    let folder = setting(bench, "SELECT current_setting('unix_socket_directories') AS doc").await?;
    let port = setting(bench, "SELECT current_setting('port') AS doc").await?;
    Ok(PathBuf::from(folder).join(format!(".s.PGSQL.{port}")))
}

async fn setting(bench: &Bench, statement: &'static str) -> Result<String, Failure> {
    let rows: Vec<TextRow> = Sql(statement).load(&mut bench.owner("postgres").await?).await?;
    rows.into_iter().next().map(|row| row.doc).ok_or_else(|| Failure::new("a setting is absent"))
}

/// pgbench beside the programs of the running server, or on the path.
async fn pgbench(bench: &Bench) -> Result<Option<PathBuf>, Failure> {
    let rows: Vec<TextRow> =
        Sql("SELECT setting AS doc FROM pg_config WHERE name = $1").bind::<Text, _>("BINDIR").load(&mut bench.owner("postgres").await?).await?;
    let mut folders: Vec<PathBuf> = rows.into_iter().map(|row| PathBuf::from(row.doc)).collect();
    folders.extend(std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default()));
    Ok(folders.into_iter().map(|folder| folder.join("pgbench")).find(|path| path.is_file()))
}

/// A statement with `$n` as a pgbench script: placeholders become SQL, and a colon in a literal must not look like a
/// variable of pgbench.
fn script(prelude: &str, statement: &str, values: &[String]) -> String {
    let kept = statement.replace("::", "\u{1}").replace(':', "'||chr(58)||'").replace('\u{1}', "::");
    let filled = values.iter().enumerate().rev().fold(kept, |text, (index, value)| text.replace(&format!("${}", index + 1), value));
    format!("{prelude}\n{filled};\n")
}

/// Runs a statement by `pgbench -M prepared` with 16 and 64 connections; notes it where there is no pgbench.
///
/// # Errors
/// When pgbench fails.
pub async fn by_pgbench(
    bench: &Bench,
    report: &mut Report,
    what: &str,
    database: &str,
    prelude: &str,
    statement: &str,
    values: &[String],
) -> Result<(), Failure> {
    let Some(program) = pgbench(bench).await? else {
        report.notes.push("pgbench was not found, so nothing is compared with it".to_owned());
        return Ok(());
    };
    let path = bench.data.join("pgbench.sql");
    std::fs::write(&path, script(prelude, statement, values))?;
    let folder = bench.socket.parent().map(PathBuf::from).unwrap_or_default();
    for connections in [CONNECTIONS, 64] {
        let mut runs = Vec::new();
        for _ in 0..RUNS {
            let output = tokio::process::Command::new(&program)
                .args([
                    "-n",
                    "-M",
                    "prepared",
                    "-c",
                    &connections.to_string(),
                    "-j",
                    "1",
                    "-T",
                    if bench.quick { "3" } else { "5" },
                    "-U",
                    "postgres",
                ])
                .arg("-f")
                .arg(&path)
                .arg("-h")
                .arg(&folder)
                .arg(database)
                .stderr(Stdio::piped())
                .output()
                .await?;
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let rate = text.lines().find_map(|line| line.strip_prefix("tps = ")?.split(['.', ' ']).next()?.parse().ok());
            match rate {
                Some(per_second) if output.status.success() => runs.push(Figures { per_second, p50_us: 0, p99_us: 0 }),
                _ => return Err(Failure::new(format!("pgbench: {}", String::from_utf8_lossy(&output.stderr)))),
            }
        }
        report.limit(Limit {
            name: format!("pgbench-{connections}"),
            what: what.to_owned(),
            clients: vec![connections],
            spread: Spread::of(runs),
            trips_tenths: 10,
        });
    }
    Ok(())
}

/// Replays the phases of a tape, each run on a fresh copy of `snapshot`, or on `database` itself where phases only read.
///
/// # Errors
/// A statement that fails.
pub async fn by_replay(
    bench: &Bench,
    report: &mut Report,
    tape: &Tape,
    phases: &[&str],
    snapshot: Option<&str>,
    database: &str,
) -> Result<(), Failure> {
    let mut runs = vec![Vec::new(); phases.len()];
    let mut trips = vec![0; phases.len()];
    for _ in 0..RUNS {
        if snapshot.is_some() {
            bench.make(database, snapshot).await?;
        }
        for (index, replayed) in tape.replay(&bench.socket, database, phases.len()).await?.into_iter().enumerate() {
            if let (Some(list), Some(tenths)) = (runs.get_mut(index), trips.get_mut(index)) {
                list.push(replayed.figures);
                *tenths = replayed.trips_tenths;
            }
        }
    }
    if snapshot.is_some() {
        bench.drop(database).await?;
    }
    for ((phase, figures), trips_tenths) in phases.iter().zip(runs).zip(trips) {
        report.limit(Limit {
            name: format!("replay-{}", tape.connections()),
            what: (*phase).to_owned(),
            clients: vec![16, 64],
            spread: Spread::of(figures),
            trips_tenths,
        });
    }
    Ok(())
}
