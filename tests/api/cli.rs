//! Commands beside a running server.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A data folder that goes with the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("liandan-{name}-{}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        // Whoever runs the database when root may not must be able to pass.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o711)).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A command on a data folder, without a named database and without input.
pub fn liandan(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_liandan"));
    command.args(arguments).arg("--data").arg(data).env_remove("DATABASE_URL").stdin(Stdio::null());
    command
}

/// A server on a private cluster; stopped with the value.
struct Serving(Child);

impl Serving {
    fn start(data: &Path) -> Self {
        let mut child = liandan(data, &["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        assert!(line.contains("serves on http://127.0.0.1:"), "{line}");
        Self(child)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = Command::new("/bin/sh").args(["-c", "kill -TERM \"$0\"", &self.0.id().to_string()]).status();
        let _ = self.0.wait();
    }
}

/// Verdicts by check.
fn doctor(data: &Path) -> (Output, Vec<(String, String)>) {
    let output = liandan(data, &["doctor", "--json"]).output().unwrap();
    let checks: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let member = |check: &Value, name: &str| check[name].as_str().unwrap_or_default().to_owned();
    let verdicts = checks.iter().map(|check| (member(check, "name"), member(check, "verdict"))).collect();
    (output, verdicts)
}

fn failed(verdicts: &[(String, String)]) -> Vec<&str> {
    verdicts.iter().filter(|(_, verdict)| verdict == "failed").map(|(name, _)| name.as_str()).collect()
}

#[test]
fn other_commands_join_a_running_server() {
    let folder = Folder::new("attach");
    let data = folder.0.as_path();
    let serving = Serving::start(data);

    let (output, verdicts) = doctor(data);
    assert!(output.status.success() && verdicts.len() >= 8, "{output:?}");

    let create = ["admin", "create", "--login", "root", "--uscc", "91110000600037341L", "--unit", "平台运营方"];
    let run = || {
        let mut child = liandan(data, &create).stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(b"a good password\n").unwrap();
        child.wait_with_output().unwrap()
    };
    assert!(run().status.success());
    let second = run();
    assert!(!second.status.success() && String::from_utf8_lossy(&second.stderr).contains("admin-exists"), "{second:?}");

    // A second server must own the cluster.
    let second = liandan(data, &["serve", "--listen", "127.0.0.1:0"]).output().unwrap();
    assert!(String::from_utf8_lossy(&second.stderr).contains("in use by another liandan process"), "{second:?}");

    std::fs::set_permissions(data.join("keys/token.key"), std::fs::Permissions::from_mode(0o640)).unwrap();
    let (output, verdicts) = doctor(data);
    assert_eq!((output.status.code(), failed(&verdicts)), (Some(1), vec!["keys are private"]));
    std::fs::set_permissions(data.join("keys/token.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
    // Their folder is made private, and missed where it is not.
    assert_eq!(std::fs::metadata(data.join("keys")).unwrap().permissions().mode() & 0o777, 0o700);
    std::fs::set_permissions(data.join("keys"), std::fs::Permissions::from_mode(0o750)).unwrap();
    assert_eq!(failed(&doctor(data).1), vec!["keys are private"]);
    std::fs::set_permissions(data.join("keys"), std::fs::Permissions::from_mode(0o700)).unwrap();

    drop(serving);
    let (output, _) = doctor(data);
    assert!(output.status.success(), "alone it starts the cluster for a moment: {output:?}");
}

#[test]
fn a_doctor_finds_foreign_keys_and_rights_that_are_too_wide() {
    let folder = Folder::new("doctor");
    let data = folder.0.as_path();
    let serving = Serving::start(data);
    std::fs::write(data.join("keys/proof.key"), "07".repeat(32)).unwrap();
    let url = liandan::platform::cluster::Cluster::attach(data).unwrap();
    let widen = "GRANT UPDATE ON events TO liandan_app; GRANT CREATE ON SCHEMA public TO liandan_app";
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
        use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
        AsyncPgConnection::establish(&url).await.unwrap().batch_execute(widen).await.unwrap();
    });
    let (output, verdicts) = doctor(data);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(failed(&verdicts), ["evidence cannot be changed", "schema cannot be changed", "keys belong to the database"]);
    drop(serving);
    assert_eq!(liandan::platform::cluster::Cluster::attach(data), None);
}

#[test]
fn a_doctor_makes_no_installation() {
    let folder = Folder::new("nothing");
    let (output, _) = doctor(&folder.0);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(std::fs::read_dir(&folder.0).unwrap().count(), 0);
}

#[test]
fn one_file_holds_the_settings_of_every_command() {
    let folder = Folder::new("settings");
    let (data, file) = (folder.0.join("data"), folder.0.join("liandan.toml"));
    std::fs::create_dir(&data).unwrap();
    std::fs::set_permissions(&data, std::fs::Permissions::from_mode(0o711)).unwrap();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\ndata = \"{}\"\nmode = \"local\"\n[limits]\nrequests_per_minute = 7\n",
        data.display()
    );
    std::fs::write(&file, &text).unwrap();
    let configured = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_liandan"));
        command.args(arguments).arg("--config").arg(&file).env_remove("DATABASE_URL").stdin(Stdio::null());
        command
    };
    let mut child = configured(&["serve"]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let serving = Serving(child);
    let address_in = |line: String| line.split("http://").nth(1).and_then(|rest| rest.split('/').next()).unwrap().to_owned();
    let (api, admin) = (address_in(lines.next().unwrap().unwrap()), address_in(lines.next().unwrap().unwrap()));
    let get = |address: &str, path: &str| {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        std::io::read_to_string(stream).unwrap()
    };
    assert!(get(&admin, "/metrics").contains("liandan_database_up 1"));
    assert!(get(&admin, "/api/v1/me").starts_with("HTTP/1.1 404"), "nothing but metrics");
    assert!(get(&api, "/metrics").starts_with("HTTP/1.1 404"), "and those nowhere else");

    // The others find the same installation by the same file.
    let doctor = configured(&["doctor"]).output().unwrap();
    let said = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(doctor.status.success() && said.contains("data checksums on"), "{doctor:?}");
    let migrate = configured(&["migrate"]).output().unwrap();
    assert!(migrate.status.success(), "{migrate:?}");
    let catalogue = configured(&["catalogue", "load"]).output().unwrap();
    assert!(catalogue.status.success() && String::from_utf8_lossy(&catalogue.stdout).contains("unchanged"), "{catalogue:?}");
    drop(serving);

    let refused = |arguments: &[&str]| {
        let output = configured(arguments).output().unwrap();
        assert!(!output.status.success(), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    assert!(refused(&["serve", "--mode", "national"]).contains("mode `local`"), "the mode of the first start stays");
    std::fs::write(&file, text.replace("requests_per_minute", "requests_a_minute")).unwrap();
    let said = refused(&["doctor"]);
    assert!(said.contains("liandan.toml") && said.contains("requests_a_minute"), "{said}");
}
