//! Reads among many manifests: one, a page of fifty, and both while others log in.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use diesel::sql_types::{BigInt, Text};
use diesel_async::RunQueryDsl;
use serde_json::Value;
use uuid::Uuid;

use super::bulk::{self, BulkIds};
use super::district::{self, COUNTIES_COUNT, District, Tokens};
use super::http::{get, post};
use super::load::{self, How, Spread};
use super::report::{Report, Row};
use super::server::Server;
use super::wire::Recorder;
use super::{Bench, CLIENTS, CONNECTIONS, Failure, RECEIVERS, RUNS, limit, tell};
use crate::evidence::{Evidence, KeySet, Verdict, verify};
use crate::platform::db::Sql;

const SMALL: i64 = 10_000;
const LARGE: i64 = 1_000_000;
const GET: &str = "get manifest";
/// Unit: grams.
const MASS_G: i64 = 2_000;
/// Pages that a reader turns.
const PAGES: usize = 5;

#[derive(diesel::QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = Text)]
    district: String,
}

#[derive(diesel::QueryableByName)]
struct ShapeRow {
    #[diesel(sql_type = Text)]
    shape: String,
}

// The tables as they are, so that manifests kept from an older schema are written anew.
const SHAPE: Sql =
    Sql("SELECT md5(string_agg(table_name || column_name || data_type || ordinal_position, ',' ORDER BY table_name, ordinal_position)) AS shape \
     FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'bench_bulk'");

/// Measures reads.
///
/// # Errors
/// A refusal.
pub async fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let sizes = if bench.quick { &[SMALL][..] } else { &[SMALL, LARGE][..] };
    for (index, count) in sizes.iter().enumerate() {
        let database = format!("bench_{count}");
        let (district, ids) = kept(bench, &database, *count).await?;
        let server = bench.serve(&database).await?;
        prove(&server, &district, ids).await?;
        lists(bench, report, &server, &district, *count, index + 1 == sizes.len()).await?;
        if index + 1 == sizes.len() {
            one(bench, report, &server, &district, ids).await?;
            report.server_kib = report.server_kib.max(server.resident_kib());
            logins(bench, report, &server, &district, ids).await?;
            // Logged in before the recording: what is replayed must only read.
            let tokens = district.tokens(server.address).await?;
            server.stop().await?;
            limits(bench, report, &database, &district, &tokens, ids).await?;
        } else {
            server.stop().await?;
        }
    }
    Ok(())
}

/// The bulk-written manifests of this size, from the run before or new.
async fn kept(bench: &Bench, database: &str, count: i64) -> Result<(District, BulkIds), Failure> {
    let shape = |rows: Vec<ShapeRow>| rows.into_iter().next().map(|row| row.shape);
    let wanted = shape(SHAPE.load(&mut bench.owner("bench_acts").await?).await?);
    if let Ok(mut owner) = bench.owner(database).await
        && let Ok(rows) = Sql("SELECT count, district FROM bench_bulk").load::<KeptRow>(&mut owner).await
        && let Some(row) = rows.into_iter().next()
        && shape(SHAPE.load(&mut owner).await?) == wanted
    {
        tell(&format!("{count} manifests are kept from an earlier run"));
        return Ok((serde_json::from_str(&row.district)?, BulkIds { count: row.count }));
    }
    tell(&format!("writing {count} manifests"));
    bench.make(database, None).await?;
    bench.forget_keys(database)?;
    let server = bench.serve(database).await?;
    let district = District::make(server.address, &bench.password, RECEIVERS).await?;
    let (short, full) = patterns(server.address, &district).await?;
    // The feed's job must have numbered what the patterns left, before the copies take the numbers that follow.
    tokio::time::sleep(Duration::from_secs(2)).await;
    server.stop().await?;
    let url = bench.cluster.url(database);
    let ids = bulk::load(&url, count, &short, &full, |begin| {
        if begin % 100_000 == 0 && begin > 0 {
            tell(&format!("{begin} are written"));
        }
    })
    .await?;
    let mut owner = bench.owner(database).await?;
    Sql("CREATE TABLE bench_bulk (count bigint NOT NULL, district text NOT NULL)").execute(&mut owner).await?;
    Sql("INSERT INTO bench_bulk (count, district) VALUES ($1, $2)")
        .bind::<BigInt, _>(ids.count)
        .bind::<Text, _>(serde_json::to_string(&district)?)
        .execute(&mut owner)
        .await?;
    Ok((district, ids))
}

/// One manifest of each consignor to each receiver, and a whole life of each consignor.
async fn patterns(address: SocketAddr, district: &District) -> Result<(Vec<Vec<Uuid>>, Vec<Uuid>), Failure> {
    let tokens = district.tokens(address).await?;
    let (mut client, mut key) = (super::http::Client::connect(address).await?, 0);
    let (mut short, mut full) = (Vec::new(), Vec::new());
    for consignor in 0..COUNTIES_COUNT {
        let plant = tokens.consignor(consignor);
        let mut ids = Vec::new();
        for receiver in 0..=RECEIVERS {
            key += 1;
            let body = district.manifest(consignor, receiver % RECEIVERS, MASS_G);
            let answer = client.send(&post(Some(plant), "/api/v1/manifests:issue", &format!("pattern-{key}"), None, &body)).await?.json("issue")?;
            ids.push(subject(&answer)?);
        }
        // The last one, to the first receiver, lives on.
        if let Some(id) = ids.pop() {
            let works = tokens.receiver(0);
            let weigher = tokens.weigher(0);
            let treat = serde_json::json!({ "line": 1, "method": "R9", "treated_g": MASS_G, "batch": "B1" });
            let steps = [
                ("assign", tokens.dispatcher.as_str(), district.trip()),
                ("release", plant, District::release(MASS_G)),
                ("take_over", tokens.driver.as_str(), District::plate()),
                ("arrive", tokens.driver.as_str(), District::plate()),
                ("receive", weigher, serde_json::json!({})),
                ("confirm", works, serde_json::json!({})),
                ("record_treatment", works, treat),
            ];
            for ((act, token, body), version) in steps.into_iter().zip(1_i64..) {
                let request =
                    post(Some(token), &format!("/api/v1/manifests/{id}/{act}"), &format!("pattern-{consignor}-{act}"), Some(version), &body);
                client.send(&request).await?.json(act)?;
            }
            full.push(id);
        }
        short.push(ids);
    }
    Ok((short, full))
}

fn subject(answer: &Value) -> Result<Uuid, Failure> {
    answer["done"][0]["subject_id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| Failure::new("an issue without its manifest"))
}

/// A few of the bulk-written chains must verify: what is measured is to be what the product keeps.
async fn prove(server: &Server, district: &District, ids: BulkIds) -> Result<(), Failure> {
    let tokens = district.tokens(server.address).await?;
    let token = tokens.consignor(0);
    let keys = KeySet::parse(&district::read(server.address, token, "/.well-known/liandan-keys").await?);
    let rounds = i64::try_from(COUNTIES_COUNT).unwrap_or(1);
    for n in [0, rounds, ids.count / 2 / rounds * rounds, ids.count - rounds] {
        let evidence = district::read(server.address, token, &format!("/api/v1/manifests/{}/evidence", ids.manifest(n))).await?;
        let evidence: Evidence = serde_json::from_value(evidence)?;
        let verdict = verify(&evidence, Some(&keys));
        if verdict != Verdict::Valid {
            return Err(Failure::new(format!("the chain of bulk-written manifest {n} does not verify: {verdict:?}")));
        }
    }
    Ok(())
}

async fn row(server: &Server, report: &mut Report, what: &str, clients: usize, requests: &Arc<Vec<Vec<u8>>>, time: Duration) -> Result<(), Failure> {
    let mut runs = Vec::new();
    let (mut ticks, mut count) = (0, 0);
    load::run(server.address, clients, requests.clone(), How::For(Duration::from_millis(500))).await?;
    for _ in 0..RUNS {
        let before = server.cpu_ticks();
        let run = load::run(server.address, clients, requests.clone(), How::For(time)).await?;
        ticks += server.cpu_ticks() - before;
        count += run.count;
        runs.push(run.figures());
    }
    let server_cpu_us = ticks * 10_000 / count.max(1);
    report.rows.push(Row { what: what.to_owned(), clients, spread: Spread::of(runs), server_cpu_us, percent_of: Vec::new() });
    Ok(())
}

const fn time(bench: &Bench) -> Duration {
    Duration::from_secs(if bench.quick { 2 } else { 5 })
}

/// Pages of fifty, as a consignor and as an officer see them: the first page and those after it.
async fn lists(bench: &Bench, report: &mut Report, server: &Server, district: &District, count: i64, all: bool) -> Result<(), Failure> {
    let tokens = district.tokens(server.address).await?;
    for (who, token) in [("consignor", tokens.consignor(0)), ("officer", tokens.officer.as_str())] {
        let requests = Arc::new(pages(server.address, token).await?);
        let what = list_of(who, count);
        tell(&what);
        for clients in CLIENTS.into_iter().filter(|clients| all || *clients == 16) {
            row(server, report, &what, clients, &requests, time(bench)).await?;
        }
    }
    Ok(())
}

fn list_of(who: &str, count: i64) -> String {
    format!("list of 50, {who}, {count}")
}

async fn pages(address: SocketAddr, token: &str) -> Result<Vec<Vec<u8>>, Failure> {
    let mut path = "/api/v1/manifests?limit=50".to_owned();
    let mut requests = Vec::new();
    for _ in 0..PAGES {
        let page = district::read(address, token, &path).await?;
        requests.push(get(token, &path));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("/api/v1/manifests?limit=50&cursor={cursor}");
    }
    Ok(requests)
}

/// Places of the first consignor's manifests, spread over all of them.
fn places(ids: BulkIds) -> impl Iterator<Item = i64> {
    let rounds = i64::try_from(COUNTIES_COUNT).unwrap_or(1);
    // A prime stride visits them in no order that a cache would like.
    (0..20_000.min(ids.count / rounds)).map(move |n| n * 7_919 % (ids.count / rounds) * rounds)
}

fn gets(token: &str, ids: BulkIds) -> Arc<Vec<Vec<u8>>> {
    Arc::new(places(ids).map(|n| get(token, &format!("/api/v1/manifests/{}", ids.manifest(n)))).collect())
}

async fn one(bench: &Bench, report: &mut Report, server: &Server, district: &District, ids: BulkIds) -> Result<(), Failure> {
    tell(GET);
    let tokens = district.tokens(server.address).await?;
    let requests = gets(tokens.consignor(0), ids);
    for clients in CLIENTS {
        row(server, report, GET, clients, &requests, time(bench)).await?;
    }
    Ok(())
}

/// Reads by 16 clients while 8 log in without pause.
async fn logins(bench: &Bench, report: &mut Report, server: &Server, district: &District, ids: BulkIds) -> Result<(), Failure> {
    let what = "get while 8 log in without pause";
    tell(what);
    let tokens = district.tokens(server.address).await?;
    let requests = gets(tokens.consignor(0), ids);
    let attempts: Vec<Vec<u8>> = district.receivers.iter().map(|party| district::log_in_request(&party.account)).collect();
    let whole = time(bench) * 4 + Duration::from_secs(1);
    let others = load::run(server.address, 8, Arc::new(attempts), How::For(whole));
    let reads = row(server, report, what, 16, &requests, time(bench));
    let (others, reads) = tokio::join!(others, reads);
    reads?;
    let others = others?;
    report.rows.push(Row {
        what: "log-ins meanwhile".to_owned(),
        clients: 8,
        spread: Spread::of(vec![others.figures()]),
        server_cpu_us: 0,
        percent_of: Vec::new(),
    });
    Ok(())
}

/// The same reads by a bare driver, and the hot one by pgbench.
async fn limits(bench: &Bench, report: &mut Report, database: &str, district: &District, tokens: &Tokens, ids: BulkIds) -> Result<(), Failure> {
    tell("recording and replaying the reads");
    let recorder = Recorder::start(bench.socket.clone()).await?;
    let server = bench.serve_through(recorder.port, database).await?;
    let token = tokens.consignor(0);
    let lists = Arc::new(pages(server.address, token).await?);
    let officer = Arc::new(pages(server.address, &tokens.officer).await?);
    // Through the recorder the server is slower; the replay needs enough of each.
    for (index, requests) in [gets(token, ids), lists, officer].into_iter().enumerate() {
        recorder.phase(index + 1);
        load::run(server.address, CONNECTIONS, requests, How::For(time(bench))).await?;
    }
    server.stop().await?;
    let tape = recorder.tape();
    let phases = [GET.to_owned(), list_of("consignor", ids.count), list_of("officer", ids.count)];
    let phases: Vec<&str> = phases.iter().map(String::as_str).collect();
    limit::by_replay(bench, report, &tape, &phases, None, database).await?;

    let Some(statement) = tape.statement("WITH p AS (SELECT DISTINCT ON (part, part_no)") else {
        report.notes.push("the statement of `get` was not found on the wire, so pgbench did not run".to_owned());
        return Ok(());
    };
    tell("pgbench");
    let unit = district.consignors.iter().map(|party| party.id).next().unwrap_or_default();
    let values = [ids.sql(), format!("'{unit}'::uuid"), "'{}'::uuid[]".to_owned(), "'{}'::text[]".to_owned()];
    let prelude = format!("\\set n {COUNTIES_COUNT} * random(0, {})", ids.count / i64::try_from(COUNTIES_COUNT).unwrap_or(1) - 1);
    limit::by_pgbench(bench, report, GET, database, &prelude, &statement, &values).await
}
