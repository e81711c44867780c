//! The life of a demonstration, on one world that is built for all of it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::cli::{Folder, liandan};
use crate::commands::refused;

/// A `demo --json` that runs; killed with the value, where it was not ended.
struct Running {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it has said on standard error.
    said: Arc<Mutex<String>>,
    hearing: std::thread::JoinHandle<()>,
    /// What it said when it was ready.
    ready: Value,
}

impl Running {
    /// Starts it and gives the lines of its standard error as they come.
    fn spawn(data: &Path, arguments: &[&str]) -> Child {
        let listen = ["demo", "--json", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        liandan(data, &[&listen, arguments].concat()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// Starts it and waits until it is ready.
    fn start(data: &Path, arguments: &[&str]) -> Self {
        let mut child = Self::spawn(data, arguments);
        let said = Arc::new(Mutex::new(String::new()));
        let (mut errors, heard) = (BufReader::new(child.stderr.take().unwrap()), said.clone());
        let hearing = std::thread::spawn(move || {
            let mut line = String::new();
            while errors.read_line(&mut line).is_ok_and(|length| length > 0) {
                heard.lock().unwrap().push_str(&line);
                line.clear();
            }
        });
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let ready = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}, {}", said.lock().unwrap()));
        Self { child, out, said, hearing, ready }
    }

    fn text(&self, member: &str) -> String {
        self.ready[member].as_str().unwrap_or_else(|| panic!("no {member} in {}", self.ready)).to_owned()
    }

    fn password(&self) -> String {
        self.ready["accounts"][0]["password"].as_str().unwrap().to_owned()
    }

    /// How many passwords it has hashed since it began.
    async fn hashes(&self) -> u64 {
        let text = reqwest::get(self.text("metrics")).await.unwrap().text().await.unwrap();
        let count = text.lines().find_map(|line| line.strip_prefix("liandan_password_hashes_total ")).unwrap_or_else(|| panic!("{text}"));
        count.parse().unwrap()
    }

    async fn token(&self, login: &str) -> String {
        let body = json!({ "login": login, "password": self.password() });
        let answer = reqwest::Client::new().post(format!("{}/api/v1/sessions", self.text("url"))).json(&body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn get(&self, token: &str, path: &str) -> Value {
        let answer = reqwest::Client::new().get(format!("{}{path}", self.text("url"))).bearer_auth(token).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// The manifests that the district's officer sees.
    async fn manifests(&self) -> Vec<Value> {
        let page = self.get(&self.token("jinpu-viewer").await, "/api/v1/manifests?limit=500").await;
        page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
    }

    /// Ends it as a terminal would; gives what it said on standard error. Its one object was all on standard output.
    fn end(mut self) -> String {
        assert!(Command::new("/bin/sh").args(["-c", "kill -TERM \"$0\"", &self.child.id().to_string()]).status().unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        assert_eq!((rest.as_str(), self.child.wait().unwrap().code()), ("", Some(0)));
        self.hearing.join().unwrap();
        self.said.lock().unwrap().clone()
    }
}

/// A start that a kill ends in the middle of the building.
fn break_off(data: &Path) {
    let mut child = Running::spawn(data, &["--stories", "1"]);
    let mut errors = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.contains(" acts") {
        line.clear();
        assert!(errors.read_line(&mut line).unwrap() > 0, "it ended by itself");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut out = String::new();
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    assert_eq!(out, "", "a world that was not finished is never served");
}

fn ids(manifests: &[Value]) -> Vec<String> {
    manifests.iter().map(|manifest| manifest["id"].as_str().unwrap().to_owned()).collect()
}

fn tour(data: &Path, arguments: &[&str]) -> Output {
    liandan(data, &[&["demo", "tour"], arguments].concat()).output().unwrap()
}

/// A tour of a running demonstration: both refusals are explained, by a sentence and the law or the help.
fn tour_is_played(data: &Path, url: &str) {
    let output = tour(data, &["--url", url]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text} {output:?}");
    assert_eq!(text.matches("✗ ").count(), 2, "{text}");
    for part in [
        "✗ 管理计划未包含",
        "law: decree_23_2021/",
        "help: POST /api/v1/plan_flows",
        "✗ 车牌与派车不符",
        "辽B99999",
        "Valid",
        "two refusals included",
    ] {
        assert!(text.contains(part), "{part} is missing in {text}");
    }
    let output = tour(data, &["--url", url, "--lang", "en"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && text.matches("✗ ").count() == 2 && !text.contains("✗ 管理计划"), "{text}");
    let output = tour(data, &["--url", url, "--password", "not the password"]);
    assert!(refused(&output, 1).contains("g01-clerk: 200 expected, 401 came"), "{output:?}");
    let output = tour(data, &["--url", "http://127.0.0.1:1"]);
    assert!(refused(&output, 1).contains("nothing answers at http://127.0.0.1:1"), "{output:?}");
}

/// The evidence of a manifest of the demonstration, checked by the command as its reader would.
async fn evidence_is_verified(running: &Running, data: &Path) {
    let token = running.token("jinpu-viewer").await;
    let manifests = running.manifests().await;
    let treated = manifests.iter().find(|manifest| manifest["state"] == "treated").unwrap();
    let evidence = running.get(&token, &format!("/api/v1/manifests/{}/evidence", treated["id"].as_str().unwrap())).await.to_string();
    let keys = running.get(&token, "/.well-known/liandan-keys").await.to_string();
    let (file, key_file) = (data.join("evidence.json"), data.join("keys.json"));
    std::fs::write(&key_file, keys).unwrap();
    let changed = evidence.replacen("2026", "2027", 1).replacen("2025", "2026", 1);
    assert_ne!(changed, evidence);
    for (text, with_keys, code) in [(&evidence, true, 0), (&changed, true, 1), (&evidence, false, 2)] {
        std::fs::write(&file, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_liandan"));
        command.arg("verify").arg(&file);
        if with_keys {
            command.arg("--keys").arg(&key_file);
        }
        assert_eq!(command.output().unwrap().status.code(), Some(code));
    }
}

#[actix_web::test]
async fn a_demonstration_lives_from_a_broken_start_to_its_reset() {
    let folder = Folder::new("demo");
    let data = folder.0.as_path();
    break_off(data);

    // What was broken off is begun anew; its one object names every account.
    let first = Running::start(data, &["--stories", "1"]);
    let accounts = first.ready["accounts"].as_array().unwrap().clone();
    assert!(accounts.len() > 200, "{}", accounts.len());
    for account in &accounts {
        for member in ["role", "login", "password", "unit"] {
            assert!(account[member].as_str().is_some_and(|text| !text.is_empty()), "{member} in {account}");
        }
    }
    assert!(first.text("url").starts_with("http://127.0.0.1:") && first.text("database").starts_with("private PostgreSQL"));
    assert_eq!(first.hashes().await, 1, "one password for all");
    let made = ids(&first.manifests().await);
    assert!(made.len() > 30, "{}", made.len());
    assert_eq!(first.hashes().await, 2, "and a log-in is counted");
    let refusal = Running::spawn(data, &[]).wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&refusal.stderr).contains("in use by another liandan process"), "{refusal:?}");
    assert_eq!((refusal.status.code(), refusal.stdout.len()), (Some(1), 0));
    let password = first.password();
    let said = first.end();
    assert!(said.contains("the building was broken off; it begins anew") && said.contains("manifests made in"), "{said}");

    // The second start keeps all of it and hashes nothing.
    let second = Running::start(data, &[]);
    assert_eq!(second.hashes().await, 0);
    assert_eq!((second.password(), second.ready["accounts"].as_array().unwrap()), (password.clone(), &accounts));
    assert_eq!(ids(&second.manifests().await), made);
    tour_is_played(data, &second.text("url"));
    evidence_is_verified(&second, data).await;
    assert_eq!(second.manifests().await.len(), made.len() + 2, "the tours made one each");
    let said = second.end();
    assert!(!said.contains("registering") && !said.contains("anew"), "{said}");

    // Another district takes its place only where that is asked for.
    let other = Running::spawn(data, &["--seed", "2"]).wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&other.stderr).contains("--reset makes the other one in its place"), "{other:?}");
    assert_eq!((other.status.code(), other.stdout.len()), (Some(1), 0));
    let reset = Running::start(data, &["--seed", "2", "--reset", "--stories", "0"]);
    assert_ne!(reset.password(), password);
    assert_eq!(ids(&reset.manifests().await), Vec::<String>::new());
    let said = reset.end();
    assert!(said.contains("throwing the old district away"), "{said}");
}

#[test]
fn a_day_outside_the_demonstrations_law_is_refused_before_anything_is_made() {
    let folder = Folder::new("demo-day");
    for day in ["2022-05-31", "2999-01-01"] {
        let output = liandan(&folder.0, &["demo", "--as-of", day, "--listen", "127.0.0.1:0"]).output().unwrap();
        assert!(refused(&output, 1).contains("--as-of must be a day from 2022-06-01"), "{output:?}");
    }
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}
