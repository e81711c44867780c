//! `liandan bench tables`: a long list as a file, how fast it comes and how much memory the server takes for it.

use std::path::Path;
use std::time::Instant;

use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use super::district::District;
use super::server::Server;
use super::{Bench, Failure, tell};
use crate::platform::db::Sql;

/// Rows of one insert.
const CHUNK: i64 = 50_000;

/// One file.
#[derive(Debug, Serialize)]
struct Row {
    format: &'static str,
    rows: i64,
    /// Until the last byte. Unit: milliseconds.
    took_ms: u64,
    rows_per_second: u64,
    /// Unit: bytes.
    bytes: u64,
    /// The most memory that the server held meanwhile. Unit: MB.
    peak_mb: u64,
}

/// Measures and prints.
///
/// # Errors
/// A refusal; a file that is cut off.
pub async fn measure(bench: &Bench, rows: i64, as_json: bool) -> Result<(), Failure> {
    let database = "bench_tables";
    bench.make(database, None).await?;
    bench.forget_keys(database)?;
    let server = bench.serve(database).await?;
    let district = District::make(server.address, &bench.password, 1).await?;
    let before = fill(bench, database, &district, rows).await?;
    // A server that has just started: what the district cost is none of this.
    server.stop().await?;
    let server = bench.serve(database).await?;
    let tokens = district.tokens(server.address).await?;
    let mut measured = Vec::new();
    for format in ["csv", "xlsx"] {
        tell(&format!("{before} rows as {format}"));
        measured.push(file(&server, tokens.receiver(0), format, before).await?);
    }
    server.stop().await?;
    if as_json {
        println!("{}", serde_json::to_string(&measured)?);
        return Ok(());
    }
    println!("{:<8}{:>10}{:>10}{:>10}{:>10}{:>10}", "file", "rows", "s", "rows/s", "MB", "peak MB");
    for row in &measured {
        println!(
            "{:<8}{:>10}{:>10}{:>10}{:>10}{:>10}",
            row.format,
            row.rows,
            row.took_ms / 1_000,
            row.rows_per_second,
            row.bytes / 1_000_000,
            row.peak_mb
        );
    }
    Ok(())
}

/// Plan flows to one receiver, as many as wanted; gives how many there are.
async fn fill(bench: &Bench, database: &str, district: &District, rows: i64) -> Result<i64, Failure> {
    tell(&format!("writing {rows} rows"));
    let mut owner = bench.owner(database).await?;
    let ([consignor, ..], [receiver, ..]) = (district.consignors.as_slice(), district.receivers.as_slice()) else {
        return Err(Failure::new("the district has nobody"));
    };
    for begin in (0..rows).step_by(usize::try_from(CHUNK)?) {
        // A year for each, since a plan names a way once.
        Sql("WITH made AS (INSERT INTO plan_flows (id, site_id, unit_id, year, code, receiver_id, method, planned_g, filing_no, created_at) \
             SELECT (lpad(to_hex(n), 8, '0') || '-0000-7000-8000-000000000000')::uuid, $1, $2, (10000 + n)::int, '900-249-08', $3, 'R9', n * 1001, 'BA-' || n, \
             '2026-01-01' FROM generate_series($4, least($4 + $5, $6) - 1) n RETURNING id) \
             INSERT INTO streams (subject_id, subject_kind, seq, version, head) SELECT id, 'plan_flow', 1, 1, sha256('') FROM made")
        .bind::<SqlUuid, _>(consignor.site)
        .bind::<SqlUuid, _>(consignor.id)
        .bind::<SqlUuid, _>(receiver.id)
        .bind::<BigInt, _>(begin)
        .bind::<BigInt, _>(CHUNK)
        .bind::<BigInt, _>(rows)
        .execute(&mut owner)
        .await?;
    }
    Sql("ANALYZE").execute(&mut owner).await?;
    #[derive(diesel::QueryableByName)]
    struct CountRow {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let counted: Vec<CountRow> =
        Sql("SELECT count(*) AS count FROM plan_flows WHERE receiver_id = $1").bind::<SqlUuid, _>(receiver.id).load(&mut owner).await?;
    counted.into_iter().next().map(|row| row.count).ok_or_else(|| Failure::new("nothing was counted"))
}

async fn file(server: &Server, token: &str, format: &'static str, rows: i64) -> Result<Row, Failure> {
    server.forget_peak();
    let began = Instant::now();
    let url = format!("http://{}/api/v1/plan_flows?format={format}", server.address);
    let mut response = reqwest::Client::new().get(url).bearer_auth(token).send().await?.error_for_status()?;
    let (mut bytes, mut lines) = (0_u64, 0_i64);
    while let Some(piece) = response.chunk().await? {
        bytes += u64::try_from(piece.len())?;
        lines += i64::try_from(piece.iter().filter(|byte| **byte == b'\n').count())?;
    }
    if format == "csv" && lines != rows + 1 {
        return Err(Failure::new(format!("{lines} lines came, {rows} rows there are")));
    }
    let took_ms = u64::try_from(began.elapsed().as_millis())?.max(1);
    let rows_per_second = u64::try_from(rows)? * 1_000 / took_ms;
    Ok(Row { format, rows, took_ms, rows_per_second, bytes, peak_mb: server.peak_kib() / 1_024 })
}

/// The whole part: a cluster of its own, thrown away.
///
/// # Errors
/// As [`measure`].
pub fn run(rows: i64, as_json: bool) -> Result<(), Failure> {
    let data = std::env::temp_dir().join(format!("liandan-bench-{}", std::process::id()));
    let result = run_in(&data, rows, as_json);
    let _ = std::fs::remove_dir_all(&data);
    result
}

fn run_in(data: &Path, rows: i64, as_json: bool) -> Result<(), Failure> {
    let cluster = super::server::start_cluster(data)?;
    let data = std::fs::canonicalize(data)?;
    let password = super::kept_password(&data)?;
    let bench = Bench { cluster, socket: std::path::PathBuf::new(), data, password, quick: true };
    let result = super::runtime()?.block_on(measure(&bench, rows, as_json));
    bench.cluster.stop()?;
    result
}
