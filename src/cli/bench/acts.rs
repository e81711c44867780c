//! The acts of the straight life: measured where they are hot, done anyway where the next one needs them.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};
use uuid::Uuid;

use super::district::{District, Tokens};
use super::http::post;
use super::load::{self, How, Run, Spread};
use super::report::{Report, Row};
use super::server::Server;
use super::wire::Recorder;
use super::{Bench, CLIENTS, CONNECTIONS, Failure, RECEIVERS, RUNS, limit, tell};

/// Small enough that no account ever fills up. Unit: grams.
const MASS_G: i64 = 2_000;
const DATABASE: &str = "bench_acts";
const SNAPSHOT: &str = "bench_snapshot";
const ISSUE: &str = "issue, 50 receivers";
const ISSUE_ONE: &str = "issue, one receiver";
const TAKE_OVER: &str = "take_over";
const CONFIRM: &str = "confirm";

/// A manifest on its way.
#[derive(Clone, Copy)]
struct Load {
    id: Uuid,
    version: i64,
    receiver: usize,
}

/// Sends acts and keeps the keys apart.
struct Crew<'b> {
    district: &'b District,
    tokens: Tokens,
    keys: u64,
}

impl Crew<'_> {
    fn key(&mut self) -> String {
        self.keys += 1;
        format!("bench-{}", self.keys)
    }

    fn issues(&mut self, count: usize, receivers: usize) -> Vec<Vec<u8>> {
        let token = self.tokens.consignor(0).to_owned();
        (0..count)
            .map(|index| {
                let body = self.district.manifest(0, index % receivers, MASS_G);
                post(Some(&token), "/api/v1/manifests:issue", &self.key(), None, &body)
            })
            .collect()
    }

    fn acts(&mut self, loads: &[Load], act: &str) -> Vec<Vec<u8>> {
        let tokens = self.tokens.clone();
        let mut requests = Vec::with_capacity(loads.len());
        for load in loads {
            let (token, body) = match act {
                "assign" => (tokens.dispatcher.as_str(), self.district.trip()),
                "release" => (tokens.consignor(0), District::release(MASS_G)),
                "receive" => (tokens.weigher(load.receiver), json!({})),
                "confirm" => (tokens.receiver(load.receiver), json!({})),
                _ => (tokens.driver.as_str(), District::plate()),
            };
            let path = format!("/api/v1/manifests/{}/{act}", load.id);
            requests.push(post(Some(token), &path, &self.key(), Some(load.version), &body));
        }
        requests
    }

    /// Does an act on many, not measured.
    async fn pass(&mut self, address: SocketAddr, loads: &mut [Load], acts: &[&str]) -> Result<(), Failure> {
        for act in acts {
            let run = load::run(address, CONNECTIONS, Arc::new(self.acts(loads, act)), How::Once).await?;
            seen(loads, &run)?;
        }
        Ok(())
    }
}

/// Takes the versions over from the answers.
fn seen(loads: &mut [Load], run: &Run) -> Result<(), Failure> {
    for (load, body) in loads.iter_mut().zip(&run.bodies) {
        let answer: Value = serde_json::from_slice(body)?;
        load.version = answer["done"][0]["version"].as_i64().ok_or_else(|| Failure::new("an answer without a version"))?;
    }
    Ok(())
}

/// The manifests that issues made.
fn issued(run: &Run, receivers: usize) -> Result<Vec<Load>, Failure> {
    let mut loads = Vec::new();
    for (index, body) in run.bodies.iter().enumerate() {
        let answer: Value = serde_json::from_slice(body)?;
        let id =
            answer["done"][0]["subject_id"].as_str().and_then(|id| id.parse().ok()).ok_or_else(|| Failure::new("an issue without its manifest"))?;
        loads.push(Load { id, version: 1, receiver: index % receivers });
    }
    Ok(loads)
}

/// Measures one act at every number of clients; `requests` gives those of one run, `done` takes its answers.
async fn measured(
    server: &Server,
    report: &mut Report,
    what: &str,
    mut requests: impl FnMut(usize) -> Vec<Vec<u8>>,
    mut done: impl FnMut(usize, &Run) -> Result<(), Failure>,
) -> Result<(), Failure> {
    for (place, clients) in CLIENTS.into_iter().enumerate() {
        let mut runs = Vec::new();
        let (mut ticks, mut count) = (0, 0);
        for round in 0..RUNS {
            let index = place * RUNS + round;
            let before = server.cpu_ticks();
            let run = load::run(server.address, clients, Arc::new(requests(index)), How::Once).await?;
            ticks += server.cpu_ticks() - before;
            count += run.count;
            done(index, &run)?;
            runs.push(run.figures());
        }
        let server_cpu_us = ticks * 10_000 / count.max(1);
        report.rows.push(Row { what: what.to_owned(), clients, spread: Spread::of(runs), server_cpu_us, percent_of: Vec::new() });
    }
    Ok(())
}

/// Measures the acts, then replays them.
///
/// # Errors
/// A refusal.
pub async fn measure(bench: &Bench, report: &mut Report) -> Result<(), Failure> {
    let each = if bench.quick { 300 } else { 1_500 };
    tell("making a district of 4 consignors and 50 receivers");
    bench.make(DATABASE, None).await?;
    bench.forget_keys(DATABASE)?;
    let server = bench.serve(DATABASE).await?;
    let district = District::make(server.address, &bench.password, RECEIVERS).await?;
    let mut crew = Crew { district: &district, tokens: district.tokens(server.address).await?, keys: 0 };

    tell("warming up");
    let run = load::run(server.address, CONNECTIONS, Arc::new(crew.issues(each, RECEIVERS)), How::Once).await?;
    let mut loads = issued(&run, RECEIVERS)?;
    crew.pass(server.address, &mut loads, &["assign", "release", "take_over", "arrive", "receive", "confirm"]).await?;

    tell(ISSUE);
    let mut batches: Vec<Vec<Load>> = Vec::new();
    measured(
        &server,
        report,
        ISSUE,
        |_| crew.issues(each, RECEIVERS),
        |_, run| {
            batches.push(issued(run, RECEIVERS)?);
            Ok(())
        },
    )
    .await?;
    tell(ISSUE_ONE);
    measured(&server, report, ISSUE_ONE, |_| crew.issues(each, 1), |_, _| Ok(())).await?;

    for (before, act) in [(&["assign", "release"][..], TAKE_OVER), (&["arrive", "receive"][..], CONFIRM)] {
        crew.tokens = district.tokens(server.address).await?;
        for batch in &mut batches {
            crew.pass(server.address, batch, before).await?;
        }
        tell(act);
        let all = batches.clone();
        measured(
            &server,
            report,
            act,
            |index| all.get(index).map(|batch| crew.acts(batch, act)).unwrap_or_default(),
            |index, run| batches.get_mut(index).map_or(Ok(()), |batch| seen(batch, run)),
        )
        .await?;
    }

    tell("recording the same acts on the wire");
    let count = if bench.quick { 800 } else { 3_200 };
    crew.tokens = district.tokens(server.address).await?;
    let run = load::run(server.address, CONNECTIONS, Arc::new(crew.issues(2 * count, RECEIVERS)), How::Once).await?;
    let mut to_confirm = issued(&run, RECEIVERS)?;
    let mut to_take_over = to_confirm.split_off(count);
    crew.pass(server.address, &mut to_take_over, &["assign", "release"]).await?;
    crew.pass(server.address, &mut to_confirm, &["assign", "release", "take_over", "arrive", "receive"]).await?;
    report.server_kib = report.server_kib.max(server.resident_kib());
    server.stop().await?;
    bench.make(SNAPSHOT, Some(DATABASE)).await?;
    let recorder = Recorder::start(bench.socket.clone()).await?;
    let server = bench.serve_through(recorder.port, DATABASE).await?;
    let phases = [crew.issues(count, RECEIVERS), crew.issues(count, 1), crew.acts(&to_take_over, TAKE_OVER), crew.acts(&to_confirm, CONFIRM)];
    for (index, requests) in phases.into_iter().enumerate() {
        recorder.phase(index + 1);
        load::run(server.address, CONNECTIONS, Arc::new(requests), How::Once).await?;
    }
    server.stop().await?;
    let tape = recorder.tape();
    tell("replaying them");
    limit::by_replay(bench, report, &tape, &[ISSUE, ISSUE_ONE, TAKE_OVER, CONFIRM], Some(SNAPSHOT), "bench_replay").await?;
    bench.drop(SNAPSHOT).await
}
