//! `liandan verify`: whether an exported file is what the installation sealed. Needs neither database nor network.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::contract;
use crate::evidence::{Evidence, FORMAT, KeySet, Verdict, verify};
use crate::platform::lang::Lang;
use crate::platform::shape::{self, Fault, FaultDetail};

/// Exit code of sysexits.h for an input that cannot be read.
const NO_INPUT: u8 = 66;
const TAMPERED: u8 = 1;
const INCOMPLETE: u8 = 2;

/// Options of `verify`.
#[derive(Args, Debug)]
pub struct Options {
    /// The file, as `GET /api/v1/manifests/{id}/evidence` gave it.
    file: PathBuf,
    /// Public keys, as `GET /.well-known/liandan-keys` gave them on a day when you trusted the server.
    #[arg(long)]
    keys: Option<PathBuf>,
}

/// Checks and says what is wrong, a sentence a line.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let (code, lines) = match check(options) {
        Ok((verdict, evidence)) => (verdict.exit_code(), report(&verdict, &evidence)),
        Err((code, lines)) => (code, lines),
    };
    for line in lines {
        println!("{line}");
    }
    ExitCode::from(code)
}

/// Exit code and sentences of a file that cannot be looked into.
pub(super) type Refused = (u8, Vec<String>);

fn check(options: &Options) -> Result<(Verdict, Evidence), Refused> {
    let text = read(&options.file)?;
    let keys = options.keys.as_deref().map(read_keys).transpose()?;
    let evidence = parse(&options.file, &text)?;
    Ok((verify(&evidence, keys.as_ref()), evidence))
}

fn unreadable(path: &Path, why: impl Display) -> Refused {
    (NO_INPUT, vec![format!("{}: {why}", path.display())])
}

fn read(path: &Path) -> Result<String, Refused> {
    std::fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::NotFound => unreadable(path, "there is no such file"),
        ErrorKind::InvalidData => unreadable(path, "it is not text in UTF-8"),
        ErrorKind::PermissionDenied => unreadable(path, "it may not be read"),
        ErrorKind::IsADirectory => unreadable(path, "it is a folder"),
        _ => unreadable(path, error),
    })
}

/// The public keys in a file.
///
/// # Errors
/// 66 with a sentence for a file that cannot be read or holds no keys.
pub(super) fn read_keys(path: &Path) -> Result<KeySet, Refused> {
    let document: Value = serde_json::from_str(&read(path)?)
        .map_err(|error| unreadable(path, format!("no key file: it is not JSON (line {}, column {})", error.line(), error.column())))?;
    // Without this a wrong file would make every true signature a false one.
    if !document["keys"].is_array() {
        return Err(unreadable(path, "no key file: it has no list \"keys\""));
    }
    Ok(KeySet::parse(&document))
}

/// Reads the file by the contract's own schema, which names each place in words; what never was an evidence file is not
/// called a changed one.
fn parse(path: &Path, text: &str) -> Result<Evidence, Refused> {
    let document: Value = serde_json::from_str(text).map_err(|error| {
        let place = format!("(line {}, column {})", error.line(), error.column());
        match text.contains(FORMAT) {
            _ if error.is_eof() && !text.trim().is_empty() => {
                (INCOMPLETE, vec![format!("incomplete: {} ends in the middle {place}", path.display())])
            }
            true => (TAMPERED, vec![format!("tampered: {} is not JSON any more {place}", path.display())]),
            false => unreadable(path, format!("no evidence file: it is not JSON {place}")),
        }
    })?;
    let is_ours = MEMBERS.iter().filter(|member| document.get(**member).is_some()).count() * 2 > MEMBERS.len();
    if !is_ours {
        return Err(unreadable(path, "no evidence file: it is JSON, but not what GET /api/v1/manifests/{id}/evidence gives"));
    }
    let faults = faults(&document).map_err(|error| (NO_INPUT, vec![error]))?;
    let is_short = faults.iter().all(|fault| matches!(fault.detail, FaultDetail::MissingField { .. }));
    if !faults.is_empty() {
        let (code, word) = if is_short { (INCOMPLETE, "incomplete") } else { (TAMPERED, "tampered") };
        let place = |fault: &Fault| if fault.pointer.is_empty() { "the file".to_owned() } else { fault.pointer.clone() };
        return Err((code, faults.iter().map(|fault| format!("{word}: {}: {}", place(fault), fault.message(Lang::En))).collect()));
    }
    // The schema hides one thing: a member that stands twice.
    serde_json::from_str(text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        (TAMPERED, vec![format!("tampered: {place}: a member stands twice, or a value has no meaning there")])
    })
}

/// The members of an evidence file; what has most of them was meant to be one.
const MEMBERS: [&str; 7] = ["format", "exported_at", "subject_id", "chains", "parts", "kid", "signature"];

fn faults(document: &Value) -> Result<Vec<Fault>, String> {
    let contract = serde_json::to_value(contract::openapi()).map_err(|error| error.to_string())?;
    let schema = json!({ "$ref": "#/components/schemas/Evidence", "components": contract["components"] });
    Ok(shape::check_schema(&shape::validator(&schema, &contract::formats())?, document))
}

fn report(verdict: &Verdict, evidence: &Evidence) -> Vec<String> {
    let (unsigned, struck) = match verdict {
        // Of a changed file nothing is known, so nothing is told from it.
        Verdict::Tampered(_) => (Vec::new(), Vec::new()),
        _ => (unsigned(evidence), struck(evidence)),
    };
    sentences(verdict, unsigned.len()).into_iter().chain(unsigned).chain(struck).chain(deputies(evidence)).collect()
}

/// Signatures for which the receiver did not wait and which nobody gave since. The file is whole without them, but a reader
/// must not take it for a manifest that everybody signed.
fn unsigned(evidence: &Evidence) -> Vec<String> {
    let mut newest: BTreeMap<(Uuid, &str), (i32, &str)> = BTreeMap::new();
    for part in &evidence.parts {
        let Some((name, revision)) = part.name.rsplit_once('/') else { continue };
        let revision = revision.parse().unwrap_or_default();
        let known = newest.entry((part.subject_id, name)).or_insert((revision, &part.bytes));
        if known.0 < revision {
            *known = (revision, &part.bytes);
        }
    }
    let stands = |subject, name: String| newest.get(&(subject, name.as_str())).is_some_and(|(_, bytes)| *bytes != "null");
    let mut lines = Vec::new();
    for ((subject, name), (_, bytes)) in &newest {
        let Ok(document) = serde_json::from_str::<Value>(bytes) else { continue };
        for skipped in document["skipped"].as_array().into_iter().flatten().filter(|_| name.starts_with("receipt/")) {
            let (act, leg_no) = (skipped["act"].as_str().unwrap_or_default(), skipped["leg_no"].as_i64().unwrap_or_default());
            let part = match act {
                "release" => "release/1".to_owned(),
                "arrive" => format!("arrival/{leg_no}"),
                act => format!("{act}/{leg_no}"),
            };
            if !stands(*subject, part) {
                let (unit, reason) = (skipped["unit_id"].as_str().unwrap_or_default(), skipped["reason"].as_str().unwrap_or_default());
                lines.push(format!("not signed: {act} of leg {leg_no}, by the unit {unit}; the receiver went on without it: {reason}"));
            }
        }
    }
    lines
}

/// Weighings that were struck out: the chain of the trip is whole with them, but what rests on them rests on nothing.
fn struck(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    for event in evidence.chains.iter().flat_map(|chain| &chain.events) {
        let Ok(document) = serde_json::from_str::<Value>(&event.bytes) else { continue };
        let payload = &document["payload"];
        if let (Some(trip), Some(seq), Some(reason)) = (payload["trip_id"].as_str(), payload["struck_seq"].as_i64(), payload["reason"].as_str()) {
            lines.push(format!("struck out: weighing {seq} of trip {trip}: {reason}"));
        }
    }
    lines
}

/// Which events a deputy (代理人) signed, and in whose place: the file names memberships, no names.
fn deputies(evidence: &Evidence) -> Vec<String> {
    let mut lines = Vec::new();
    for event in evidence.chains.iter().flat_map(|chain| &chain.events) {
        let Ok(document) = serde_json::from_str::<Value>(&event.bytes) else { continue };
        if let (Some(principal), Some(deputy), Some(act)) =
            (document["stands_in_for"].as_str(), document["membership"].as_str(), document["act"].as_str())
        {
            lines.push(format!("event {} ({act}) was signed by the deputy {deputy} in place of {principal}", event.seq));
        }
    }
    lines
}

fn sentences(verdict: &Verdict, unsigned: usize) -> Vec<String> {
    match verdict {
        Verdict::Valid if unsigned > 0 => {
            let what = if unsigned == 1 {
                "a signature of the manifest itself is missing".to_owned()
            } else {
                format!("{unsigned} signatures of the manifest itself are missing")
            };
            vec![format!("valid: the file is whole, unchanged, and signed by the installation whose keys were given, but {what}")]
        }
        Verdict::Valid => vec!["valid: complete, unchanged, and signed by the installation whose keys were given".into()],
        Verdict::NotAuthenticated => {
            vec!["consistent, not authenticated: nothing contradicts itself, but without --keys nobody knows who made this file".into()]
        }
        Verdict::UnknownKeys(kids) => kids.iter().map(|kid| format!("not authenticated: the keys given do not hold {kid}")).collect(),
        Verdict::Tampered(wrong) => wrong.iter().map(|line| format!("tampered: {line}")).collect(),
        Verdict::Incomplete(missing) => missing.iter().map(|line| format!("incomplete: missing {line}")).collect(),
    }
}
