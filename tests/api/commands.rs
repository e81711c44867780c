//! What each command promises a script: its exit code, and one sentence that says why.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use serde_json::{Value, json};

use crate::cli::{Folder, liandan};
use crate::district::District;
use crate::harness::{Bare, JINZHOU, World};

/// Where nobody listens.
const NOWHERE: &str = "postgres://nobody@127.0.0.1:1/nothing";
const USCC: &str = "91110000600037341L";

/// Runs a command on a named database.
fn on(url: &str, data: &Path, arguments: &[&str]) -> Output {
    liandan(data, arguments).env("DATABASE_URL", url).output().unwrap()
}

/// The one sentence on standard output of a command that did what it should.
#[track_caller]
fn said(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
    assert!(!text.is_empty() && text.lines().count() == 1, "{text}");
    text
}

/// The one sentence on standard error of a command that did not.
#[track_caller]
pub fn refused(output: &Output, code: i32) -> String {
    assert_eq!(output.status.code(), Some(code), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).trim_end().to_owned();
    assert!(text.starts_with("liandan: ") && text.lines().count() == 1, "{text}");
    text
}

fn create_admin(url: &str, data: &Path, uscc: &str, password: &str) -> Output {
    let mut command = liandan(data, &["admin", "create", "--login", "root", "--uscc", uscc, "--unit", "平台运营方"]);
    command.env("DATABASE_URL", url).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses what it was told on its command line does not wait for the password.
    let _ = child.stdin.take().unwrap().write_all(password.as_bytes());
    child.wait_with_output().unwrap()
}

#[actix_web::test]
async fn an_installation_begins_by_migrate_catalogue_load_and_one_administrator() {
    let (bare, folder) = (Bare::new("begins").await, Folder::new("begins"));
    let (url, data) = (bare.url.as_str(), folder.0.as_path());

    let looked = on(url, data, &["doctor"]);
    assert!(refused(&looked, 1).ends_with("checks failed"), "nothing is there yet: {looked:?}");

    assert!(said(&on(url, data, &["migrate"])).ends_with("steps run: the schema is at its newest step"));
    assert_eq!(said(&on(url, data, &["migrate"])), "the schema was at its newest step already");
    assert!(said(&on(url, data, &["migrate", "--down"])).ends_with("steps run: the schema is at its newest step"), "an empty one may go back");

    let states = |output: Output| {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let states: Vec<String> =
            text.lines().skip(1).map(|line| line.rsplit(' ').next().unwrap().trim_start_matches(char::is_numeric).to_owned()).collect();
        assert!(states.len() > 10, "{text}");
        states
    };
    assert!(states(on(url, data, &["catalogue", "load"])).iter().all(|state| state.ends_with("loaded")));
    assert!(states(on(url, data, &["catalogue", "load"])).iter().all(|state| state.ends_with("unchanged")));

    // Nothing is half done by a refusal: the right one after them is still the first.
    assert!(refused(&create_admin(url, data, "91110000600037341X", "a good password\n"), 1).contains("--uscc"));
    assert!(refused(&create_admin(url, data, USCC, "123456789\n"), 1).contains("secret-too-short"));
    assert!(refused(&create_admin(url, data, USCC, ""), 1).contains("secret-too-short"));
    assert!(refused(&create_admin(url, data, USCC, "1234567890\n"), 1).contains("secret-guessable"));
    assert_eq!(said(&create_admin(url, data, USCC, "a good password\n")), "administrator root created");
    assert!(refused(&create_admin(url, data, USCC, "a good password\n"), 1).contains("admin-exists"));

    // What was acknowledged stays, also against a slip on the command line.
    assert!(refused(&on(url, data, &["migrate", "--down"]), 1).contains("holds events"));
    let looked = on(url, data, &["doctor"]);
    assert_eq!(looked.status.code(), Some(0), "{looked:?}");
}

#[actix_web::test]
async fn no_command_makes_an_administrator_in_an_installation_of_another_purpose() {
    let world = World::new().await;
    let output = create_admin(&world.url, &world.app.data, USCC, "a good password\n");
    assert!(refused(&output, 1).contains("will not touch it"), "{output:?}");
    assert_eq!(world.events().await, 0);
}

#[test]
fn a_database_that_does_not_answer_is_one_sentence() {
    let folder = Folder::new("nowhere");
    for arguments in [
        &["migrate"][..],
        &["migrate", "--down"],
        &["catalogue", "load"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["demo", "--listen", "127.0.0.1:0"],
    ] {
        let output = on(NOWHERE, &folder.0, arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert_eq!(text.lines().filter(|line| line.starts_with("liandan: ")).count(), 1, "{arguments:?}: {text}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    }
    refused(&create_admin(NOWHERE, &folder.0, USCC, "a good password\n"), 1);
    let output = on(NOWHERE, &folder.0, &["doctor"]);
    assert_eq!(refused(&output, 1), "liandan: 1 check failed");
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("database reachable  FAILED"), "{output:?}");
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "and nothing was made");
}

#[test]
fn a_machine_without_postgresql_is_told_how_to_get_it() {
    let (folder, empty) = (Folder::new("without"), Folder::new("without-programs"));
    let serve = ["serve", "--listen", "127.0.0.1:0"];
    let demo = ["demo", "--json", "--listen", "127.0.0.1:0"];
    for arguments in [&demo[..], &serve, &["migrate"], &["catalogue", "load"]] {
        let output = liandan(&folder.0, arguments).env("PG_BIN", &empty.0).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(78), "{arguments:?}: {text}");
        assert_eq!(text.matches("no PostgreSQL server was found").count(), 1, "{text}");
        for line in ["apt-get install postgresql", "dnf install postgresql-server", "brew install postgresql", "DATABASE_URL", "PG_BIN"] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0, "a machine without it gets a sentence, no folders");
}

/// A server on a named database, and where it listens.
fn serve(url: &str, data: &Path) -> (Child, String) {
    let mut command = liandan(data, &["serve", "--listen", "127.0.0.1:0"]);
    let mut child = command.env("DATABASE_URL", url).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_else(|| panic!("{line}")).to_owned();
    (child, address)
}

fn terminate(child: &Child) {
    assert!(Command::new("/bin/sh").args(["-c", "kill -TERM \"$0\"", &child.id().to_string()]).status().unwrap().success());
}

fn begin(address: &str, request: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

#[actix_web::test]
async fn a_server_that_is_ended_answers_what_it_has_begun() {
    let (bare, folder) = (Bare::new("ended").await, Folder::new("ended"));
    let (mut child, address) = serve(&bare.url, &folder.0);
    // One worker opens the connection that another then uses; it must not go with the worker that idles.
    let ready = begin(&address, "GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(std::io::read_to_string(ready).unwrap().starts_with("HTTP/1.1 200"));
    let mut owner = AsyncPgConnection::establish(&bare.url).await.unwrap();
    owner.batch_execute("BEGIN; LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let body = json!({ "login": "nobody", "password": "not the password" }).to_string();
    let head = "POST /api/v1/sessions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: ";
    let log_in = begin(&address, &format!("{head}{}\r\n\r\n{body}", body.len()));
    let until_it_waits = "DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
         WHERE NOT l.granted AND d.datname = current_database()) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$";
    AsyncPgConnection::establish(&bare.url).await.unwrap().batch_execute(until_it_waits).await.unwrap();
    terminate(&child);
    // Time enough to end all that idles.
    owner.batch_execute("SELECT pg_sleep(0.7); COMMIT").await.unwrap();
    let answer = std::io::read_to_string(log_in).unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[actix_web::test]
async fn a_server_that_is_ended_as_soon_as_it_is_ready_answers_and_ends_in_order() {
    let (bare, folder) = (Bare::new("soon").await, Folder::new("soon"));
    for asks in [false, true] {
        let (mut child, address) = serve(&bare.url, &folder.0);
        let asked = asks.then(|| begin(&address, "GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
        if let Some(asked) = asked {
            assert!(std::io::read_to_string(asked).unwrap().starts_with("HTTP/1.1 200"));
        }
        terminate(&child);
        assert_eq!(child.wait().unwrap().code(), Some(0), "not by the signal itself");
    }
}

/// A real export of a manifest with a trip and a weighing, and the keys that go with it.
async fn export(world: &World) -> (Value, Value) {
    let district = District::new(world).await;
    let mut manifest = district.issue(world, 1_200_000).await;
    district.bring_to(world, &mut manifest, "arrived").await;
    manifest.weigh(world, &district, 10_200_000, 9_000_000).await;
    manifest.act(world, district.works.who("weigher"), "receive", json!({})).await.ok();
    let evidence = world.get(&world.authority(JINZHOU).await.admin, &format!("/api/v1/manifests/{}/evidence", manifest.id)).await.ok();
    (evidence, world.get((), "/.well-known/liandan-keys").await.ok())
}

/// `verify` of a file's text, with a key file's text or without.
fn verify(folder: &Path, evidence: &str, keys: Option<&Value>) -> (Option<i32>, String) {
    let (file, key_file) = (folder.join("evidence.json"), folder.join("keys.json"));
    std::fs::write(&file, evidence).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_liandan"));
    command.arg("verify").arg(&file).env_remove("DATABASE_URL");
    if let Some(keys) = keys {
        std::fs::write(&key_file, keys.to_string()).unwrap();
        command.arg("--keys").arg(&key_file);
    }
    let output = command.output().unwrap();
    assert!(output.stderr.is_empty(), "{output:?}");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
}

#[actix_web::test]
async fn verify_says_0_of_a_whole_export_1_of_a_changed_one_and_2_of_what_it_cannot_know() {
    let folder = Folder::new("verify");
    let world = World::new().await;
    let (evidence, keys) = export(&world).await;
    let whole = evidence.to_string();
    let run = |evidence: &Value, keys: Option<&Value>| verify(&folder.0, &evidence.to_string(), keys);
    let is = |result: (Option<i32>, String), code: i32, word: &str| {
        assert_eq!(result.0, Some(code), "{}", result.1);
        assert!(!result.1.is_empty() && result.1.lines().all(|line| line.starts_with(word)), "{}", result.1);
    };
    assert!(evidence["chains"].as_array().unwrap().len() > 1, "with the chain of the trip");
    is(run(&evidence, Some(&keys)), 0, "valid: ");
    is(run(&evidence, None), 2, "consistent, not authenticated: ");

    // Keys of another day or none at all make no forgery of it; a false signature under a held key is one.
    is(
        run(&evidence, Some(&json!({ "keys": [] }))),
        2,
        &format!("not authenticated: the keys given do not hold {}", evidence["kid"].as_str().unwrap()),
    );
    let mut forged = evidence.clone();
    forged["signature"] = json!("00".repeat(64));
    is(run(&forged, Some(&keys)), 1, "tampered: ");

    // A sealed mass, by one digit; found without any key.
    let mut changed = evidence.clone();
    let part = changed["parts"].as_array_mut().unwrap().iter_mut().find(|part| part["bytes"].as_str().unwrap().contains("1200000")).unwrap();
    part["bytes"] = json!(part["bytes"].as_str().unwrap().replace("1200000", "1200001"));
    is(run(&changed, Some(&keys)), 1, "tampered: ");
    is(run(&changed, None), 1, "tampered: ");
    // What only the signature covers; without keys nobody can tell.
    let mut later = evidence.clone();
    later["exported_at"] = json!("2027-01-01T00:00:00.000Z");
    is(run(&later, Some(&keys)), 1, "tampered: ");
    is(run(&later, None), 2, "consistent, not authenticated: ");
    // A member that no export has.
    let mut more = evidence.clone();
    more["note"] = json!("ok");
    is(run(&more, Some(&keys)), 1, "tampered: ");

    // Without its last event, without a part, cut off in the middle, without a member.
    let mut short = evidence.clone();
    short["chains"][0]["events"].as_array_mut().unwrap().pop();
    // The parts that it sealed now hang in the air, which is worse than a gap.
    let headless = run(&short, None);
    assert!(headless.0 == Some(1) && headless.1.contains("no event sealed the part"), "{}", headless.1);
    let mut short = evidence.clone();
    short["parts"].as_array_mut().unwrap().pop();
    is(run(&short, None), 2, "incomplete: ");
    is(verify(&folder.0, &whole[..whole.len() / 2], Some(&keys)), 2, "incomplete: ");
    let mut short = evidence.clone();
    short.as_object_mut().unwrap().remove("signature");
    is(run(&short, Some(&keys)), 2, "incomplete: ");

    // Keys of another installation, and none in the file.
    let (_, others) = export(&World::new().await).await;
    is(run(&evidence, Some(&others)), 2, "not authenticated: the keys given do not hold ");
}

#[test]
fn verify_says_66_of_a_file_that_it_cannot_read() {
    let folder = Folder::new("unreadable");
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_liandan")).arg("verify").args(arguments).current_dir(&folder.0).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim_end().to_owned();
        assert_eq!((output.status.code(), text.lines().count()), (Some(66), 1), "{output:?}");
        text
    };
    assert!(run(&["nothing.json"]).starts_with("nothing.json: "));
    std::fs::write(folder.0.join("evidence.json"), "{}").unwrap();
    std::fs::write(folder.0.join("keys.json"), "no keys").unwrap();
    assert!(run(&["evidence.json", "--keys", "keys.json"]).starts_with("keys.json: no key file"));
    assert_eq!(run(&["evidence.json", "--keys", "none.json"]), "none.json: there is no such file");
    assert_eq!(run(&["."]), ".: it is a folder");
    // What never was an evidence file is not called a changed one, and no word of the program's own making is in the sentence.
    for text in ["", "garbage", "[]", "[1, 2]", "{}", "7", "null", "\"liandan\"", "{\"format\": \"liandan-evidence/1\"}", "<html>", "\u{feff}{}"] {
        std::fs::write(folder.0.join("evidence.json"), text).unwrap();
        let line = run(&["evidence.json"]);
        assert!(line.starts_with("evidence.json: no evidence file: it is ") && !line.contains("expected"), "{text}: {line}");
    }
    std::fs::write(folder.0.join("evidence.json"), b"\xff\xfe{").unwrap();
    assert_eq!(run(&["evidence.json"]), "evidence.json: it is not text in UTF-8");
    std::fs::write(folder.0.join("evidence.json"), "{}").unwrap();
    for keys in ["[]", "{}", "{\"keys\": {}}"] {
        std::fs::write(folder.0.join("keys.json"), keys).unwrap();
        assert_eq!(run(&["evidence.json", "--keys", "keys.json"]).split(": no key file").next(), Some("keys.json"), "{keys}");
    }
}

#[actix_web::test]
async fn verify_names_each_place_where_a_file_has_another_form() {
    let folder = Folder::new("form");
    let world = World::new().await;
    let (evidence, keys) = export(&world).await;
    let run = |file: &Value| verify(&folder.0, &file.to_string(), Some(&keys));
    let mut missing = evidence.clone();
    missing.as_object_mut().unwrap().remove("signature");
    missing["chains"][0]["head"].as_object_mut().unwrap().remove("kid");
    let (code, text) = run(&missing);
    let lines = ["incomplete: /chains/0/head/kid: The field “kid” is missing.", "incomplete: /signature: The field “signature” is missing."];
    let mut told: Vec<&str> = text.lines().collect();
    told.sort_unstable();
    assert_eq!((code, told), (Some(2), lines.to_vec()));
    let mut other = evidence.clone();
    other["chains"][0]["events"][0]["seq"] = json!("1");
    other["parts"][0]["name"] = json!(7);
    let (code, text) = run(&other);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("tampered: /chains/0/events/0/seq: ") && text.contains("tampered: /parts/0/name: "), "{text}");
    // Two members of one name: which one was signed?
    let twice = evidence.to_string().replacen("{\"chains\":", "{\"kid\":\"x\",\"chains\":", 1);
    let (code, text) = verify(&folder.0, &twice, Some(&keys));
    assert!(code == Some(1) && text.starts_with("tampered: line 1, column ") && !text.contains("duplicate"), "{text}");
    // An evidence file that is no JSON any more was one.
    let broken = evidence.to_string().replacen("\"kid\":", "\"kid\";", 1);
    let (code, text) = verify(&folder.0, &broken, Some(&keys));
    assert!(code == Some(1) && text.starts_with("tampered: ") && text.contains("is not JSON any more (line 1, column "), "{text}");
}

#[actix_web::test]
async fn verify_names_the_weighings_that_were_struck_out() {
    let folder = Folder::new("struck");
    let world = World::new().await;
    let district = District::new(&world).await;
    let keys = world.get((), "/.well-known/liandan-keys").await.ok();
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "confirmed").await;
    let path = format!("/api/v1/manifests/{}/evidence", manifest.id);
    let look = async || verify(&folder.0, &world.get(district.plant.who("clerk"), &path).await.ok().to_string(), Some(&keys));
    assert_eq!(look().await.1.lines().count(), 1);
    let doc = manifest.get(&world, district.plant.who("clerk")).await;
    let weighing = &doc["parts"]["receipt"][0]["content"]["weighings"][0];
    let trip = weighing["trip_id"].as_str().unwrap();
    let strike = json!({ "seq": weighing["seq"], "reason": "车未停稳" });
    world.post(district.works.who("weigher"), &format!("/api/v1/trips/{trip}/strike_weighing"), strike).await.ok();
    let (code, text) = look().await;
    let told: Vec<&str> = text.lines().skip(1).collect();
    assert_eq!((code, told), (Some(0), vec![format!("struck out: weighing {} of trip {trip}: 车未停稳", weighing["seq"]).as_str()]));
}

#[actix_web::test]
async fn verify_names_the_signatures_that_nobody_gave() {
    let folder = Folder::new("unsigned");
    let world = World::new().await;
    let district = District::new(&world).await;
    let officer = world.authority(JINZHOU).await;
    let keys = world.get((), "/.well-known/liandan-keys").await.ok();
    let mut manifest = district.issue(&world, 1_200_000).await;
    district.bring_to(&world, &mut manifest, "assigned").await;
    let receive = json!({ "skip_reason": "司机手机没电" });
    manifest.took(&manifest.act(&world, district.works.who("weigher"), "receive", receive).await.ok());
    let path = format!("/api/v1/manifests/{}/evidence", manifest.id);
    let look = async || verify(&folder.0, &world.get(&officer.admin, &path).await.ok().to_string(), Some(&keys));
    let (code, text) = look().await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((code, lines.len()), (Some(0), 4), "{text}");
    assert!(lines[0].starts_with("valid: ") && lines[0].ends_with("but 3 signatures of the manifest itself are missing"), "{text}");
    let carrier = district.carrier.id;
    for line in [
        format!("not signed: release of leg 1, by the unit {}; the receiver went on without it: 司机手机没电", district.plant.id),
        format!("not signed: take_over of leg 1, by the unit {carrier}; the receiver went on without it: 司机手机没电"),
        format!("not signed: arrive of leg 1, by the unit {carrier}; the receiver went on without it: 司机手机没电"),
    ] {
        assert!(lines.contains(&line.as_str()), "{line} in {text}");
    }
    // Given afterwards, it is not missing any more.
    let late = json!({ "happened_at": "2026-11-23T02:00:00Z", "reason": "手机没电" });
    manifest.took(&manifest.act(&world, district.carrier.who("driver"), "sign_late", late.clone()).await.ok());
    manifest.took(&manifest.act(&world, district.carrier.who("driver"), "sign_late", late.clone()).await.ok());
    let (code, text) = look().await;
    assert_eq!((code, text.lines().count()), (Some(0), 2), "{text}");
    assert!(text.lines().next().unwrap().ends_with("but a signature of the manifest itself is missing"), "{text}");
    manifest.took(&manifest.act(&world, district.plant.who("signatory"), "sign_late", late).await.ok());
    let (code, text) = look().await;
    assert_eq!((code, text.as_str()), (Some(0), "valid: complete, unchanged, and signed by the installation whose keys were given"));
}

#[actix_web::test]
async fn a_demo_touches_no_database_that_holds_other_data() {
    let (world, bare, folder) = (World::new().await, Bare::new("foreign").await, Folder::new("foreign"));
    world.unit("大连金州化工有限公司", JINZHOU, &[]).await;
    AsyncPgConnection::establish(&bare.url)
        .await
        .unwrap()
        .batch_execute("CREATE TABLE customers (name text); INSERT INTO customers VALUES ('a')")
        .await
        .unwrap();
    std::fs::create_dir(folder.0.join("keys")).unwrap();
    for name in ["demo-password", "keys/proof.key"] {
        std::fs::write(folder.0.join(name), "precious").unwrap();
    }
    let events = world.events().await;
    for url in [&world.url, &bare.url] {
        for arguments in [&["demo"][..], &["demo", "--json"], &["demo", "--reset"]] {
            let output = on(url, &folder.0, &[arguments, &["--listen", "127.0.0.1:0"]].concat());
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(1), "{text}");
            assert!(text.lines().last().unwrap().contains("holds other data than a demonstration; nothing was touched"), "{text}");
            assert!(output.stdout.is_empty(), "{output:?}");
        }
    }
    assert!(events > 0 && world.events().await == events);
    let marks = "SELECT count(*) AS n FROM pg_namespace WHERE nspname = 'liandan_demo'";
    assert_eq!(world.number(marks).await, 0);
    let untouched = "DO $$ BEGIN IF (SELECT count(*) FROM customers) <> 1 OR to_regclass('liandan_demo.world') IS NOT NULL \
         OR to_regclass('public.events') IS NOT NULL THEN RAISE 'touched'; END IF; END $$";
    AsyncPgConnection::establish(&bare.url).await.unwrap().batch_execute(untouched).await.unwrap();
    for name in ["demo-password", "keys/proof.key"] {
        assert_eq!(std::fs::read_to_string(folder.0.join(name)).unwrap(), "precious");
    }
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 2);
}
