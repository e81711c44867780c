//! `liandan verify`: whether an exported file is what the installation sealed. Needs neither database nor network.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::Value;

use crate::evidence::{Evidence, KeySet, Verdict, verify};

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
        Ok((verdict, deputies)) => (verdict.exit_code(), sentences(&verdict).into_iter().chain(deputies).collect()),
        Err((code, line)) => (code, vec![line]),
    };
    for line in lines {
        println!("{line}");
    }
    ExitCode::from(code)
}

fn check(options: &Options) -> Result<(Verdict, Vec<String>), (u8, String)> {
    let text = read(&options.file)?;
    let keys = match &options.keys {
        None => None,
        Some(path) => {
            let document: Value =
                serde_json::from_str(&read(path)?).map_err(|error| (NO_INPUT, format!("{}: no key file: {error}", path.display())))?;
            Some(KeySet::parse(&document))
        }
    };
    let evidence: Evidence = serde_json::from_str(&text).map_err(|error| {
        let is_part = error.is_eof() || error.to_string().starts_with("missing field");
        let (code, word) = if is_part { (INCOMPLETE, "incomplete") } else { (TAMPERED, "tampered") };
        (code, format!("{word}: {} is not a whole evidence file: {error}", options.file.display()))
    })?;
    Ok((verify(&evidence, keys.as_ref()), deputies(&evidence)))
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

fn read(path: &Path) -> Result<String, (u8, String)> {
    std::fs::read_to_string(path).map_err(|error| (NO_INPUT, format!("{}: {error}", path.display())))
}

fn sentences(verdict: &Verdict) -> Vec<String> {
    match verdict {
        Verdict::Valid => vec!["valid: complete, unchanged, and signed by the installation whose keys were given".into()],
        Verdict::NotAuthenticated => {
            vec!["consistent, not authenticated: nothing contradicts itself, but without --keys nobody knows who made this file".into()]
        }
        Verdict::Tampered(wrong) => wrong.iter().map(|line| format!("tampered: {line}")).collect(),
        Verdict::Incomplete(missing) => missing.iter().map(|line| format!("incomplete: missing {line}")).collect(),
    }
}
