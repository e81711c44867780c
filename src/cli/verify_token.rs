//! `liandan verify-token`: whether the installation signed what a sheet's code carries. Needs neither database nor network.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::verify::read_keys;
use crate::manifest::token::{Numbered, Token, TokenFault};
use crate::platform::calendar::local_text;
use crate::platform::clock::Clock;

const FORGED: u8 = 1;
const EXPIRED_OR_UNREADABLE: u8 = 2;

/// Options of `verify-token`.
#[derive(Args, Debug)]
pub struct Options {
    /// The token, or the address in which it stands, as the code on the sheet has it.
    token: String,
    /// Public keys, as `GET /.well-known/liandan-keys` gave them on a day when you trusted the server.
    #[arg(long)]
    keys: PathBuf,
}

/// Checks, and says what it is in one sentence.
#[must_use]
pub fn run(options: &Options) -> ExitCode {
    let (code, sentence) = match read_keys(&options.keys) {
        Err((code, lines)) => (code, lines.concat()),
        Ok(keys) => {
            let text = options.token.trim();
            let token = text.rsplit_once('/').map_or(text, |(_, token)| token);
            match Token::read(token, &keys) {
                Ok(token) if Clock::system().now() >= token.expires_at => (EXPIRED_OR_UNREADABLE, format!("expired: {}", said(&token))),
                Ok(token) => (0, format!("valid: {}; what happened since it was printed, only the page says", said(&token))),
                Err(TokenFault::Forged) => (FORGED, "forged: none of these keys signed it".to_owned()),
                Err(TokenFault::Unreadable) => (EXPIRED_OR_UNREADABLE, "unreadable: it is no token, or not a whole one".to_owned()),
            }
        }
    };
    println!("{sentence}");
    ExitCode::from(code)
}

fn said(token: &Token) -> String {
    let number = match &token.number {
        Numbered::National(digits) => format!("national number {digits}"),
        Numbered::Local(digits) => format!("demonstration number {digits}, no national manifest"),
        Numbered::Not => "no national number".to_owned(),
    };
    let plates = if token.plates.is_empty() { "no vehicle named".to_owned() } else { format!("vehicle {}", token.plates.join(", ")) };
    format!("manifest {}, {number}, {plates}, good until {} Beijing time", token.manifest, local_text(token.expires_at))
}
