//! Tokens (查验凭证): what the QR code of a sheet carries, so that whoever stops the lorry can look it up without an account,
//! and check it without a network.
//!
//! A token says what was true when the sheet was printed: manifest, number, the plate that should be on the truck. It is
//! signed with the installation's proof key and ends 24 hours after the planned day of arrival. What has happened since only
//! the page says. No clock and no database here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use uuid::Uuid;

use super::domain::Record;
use super::store::Stored;
use crate::evidence::KeySet;
use crate::platform::calendar::end_of;
use crate::platform::keys::Key;

/// How long after the end of the planned day of receipt a token is good: a lorry that is a day late still has its sheet.
pub const GOOD_AFTER_ARRIVAL: Duration = Duration::hours(24);
/// Characters of a token at most; a longer text is not even decoded.
pub const TOKEN_LENGTH_MAX: usize = 400;

/// Format of today's tokens.
const FORMAT: u8 = 1;
/// Signed before the token's own bytes, so that no other signature of the same key is ever one of a token.
const PURPOSE: &[u8] = b"liandan-token\0";
/// Unit: bytes.
const SIGNATURE: usize = 64;
/// Plates in a token at most.
const PLATES_MAX: usize = 4;

/// The number in a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Numbered {
    /// 尚无国家联单号.
    Not,
    /// 演示·非国家联单: given by the installation itself.
    Local(String),
    /// 国家联单编号.
    National(String),
}

impl Numbered {
    const fn tag(&self) -> u8 {
        match self {
            Self::Not => 0,
            Self::Local(_) => 1,
            Self::National(_) => 2,
        }
    }
    /// The digits, where there are any.
    #[must_use]
    pub fn digits(&self) -> Option<&str> {
        match self {
            Self::Not => None,
            Self::Local(digits) | Self::National(digits) => Some(digits),
        }
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The manifest.
    pub manifest: Uuid,
    /// Its number on that day.
    pub number: Numbered,
    /// Plates that should be on the truck.
    pub plates: Vec<String>,
    /// From when on it is good for nothing.
    pub expires_at: DateTime<Utc>,
}

/// Why a text is no token of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// Not the form of a token.
    #[error("it is no token")]
    Unreadable,
    /// The form of a token, and no signature of these keys.
    #[error("none of the keys signed it")]
    Forged,
}

/// The present number of a manifest: the national one before ours.
#[must_use]
pub fn number_of(stored: &Stored) -> Numbered {
    match (&stored.official_no, &stored.number) {
        (Some(official_no), _) => Numbered::National(official_no.clone()),
        (None, Some(number)) => Numbered::Local(number.clone()),
        (None, None) => Numbered::Not,
    }
}

/// The plate that should be on the truck now: of the present leg; none before a vehicle was named.
#[must_use]
pub fn plates_of(record: &Record) -> Vec<String> {
    record.assignment().map(|assignment| assignment.plate.to_string()).into_iter().collect()
}

impl Token {
    /// What a sheet that is printed now carries.
    #[must_use]
    pub fn of(stored: &Stored) -> Self {
        Self {
            manifest: stored.record.id,
            number: number_of(stored),
            plates: plates_of(&stored.record),
            expires_at: end_of(stored.record.consignment.planned_receipt_on) + GOOD_AFTER_ARRIVAL,
        }
    }

    /// The signed text; the same token always gives the same one.
    #[must_use]
    pub fn sign(&self, key: &Key) -> String {
        let mut bytes = self.bytes(&key.kid);
        bytes.extend(key.sign(&[PURPOSE, &bytes].concat()));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Format, key, manifest, end, number, plates; texts with their length in a byte before them.
    fn bytes(&self, kid: &str) -> Vec<u8> {
        let mut bytes = vec![FORMAT];
        // A name of a key is 16 hex digits.
        bytes.extend(hex::decode(kid).unwrap_or_default());
        bytes.extend(self.manifest.as_bytes());
        bytes.extend(self.expires_at.timestamp().to_be_bytes());
        bytes.push(self.number.tag());
        push_text(&mut bytes, self.number.digits().unwrap_or_default());
        let plates = self.plates.iter().take(PLATES_MAX);
        bytes.push(u8::try_from(plates.len()).unwrap_or_default());
        plates.for_each(|plate| push_text(&mut bytes, plate));
        bytes
    }

    /// Reads a token that one of these keys signed.
    ///
    /// # Errors
    /// See [`TokenFault`].
    pub fn read(text: &str, keys: &KeySet) -> Result<Self, TokenFault> {
        let unreadable = || TokenFault::Unreadable;
        if text.len() > TOKEN_LENGTH_MAX {
            return Err(TokenFault::Unreadable);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| TokenFault::Unreadable)?;
        let (said, signature) = bytes.split_at(bytes.len().checked_sub(SIGNATURE).ok_or_else(unreadable)?);
        let (kid, token) = parse(said).ok_or_else(unreadable)?;
        if keys.signed(&kid, &[PURPOSE, said].concat(), &hex::encode(signature)) { Ok(token) } else { Err(TokenFault::Forged) }
    }
}

fn push_text(bytes: &mut Vec<u8>, text: &str) {
    // Numbers and plates are far below a byte's reach; a longer one is left out rather than cut.
    let text = if text.len() > usize::from(u8::MAX) { "" } else { text };
    bytes.push(u8::try_from(text.len()).unwrap_or_default());
    bytes.extend(text.as_bytes());
}

/// Key and token of signed bytes; none where anything is left over or missing.
fn parse(bytes: &[u8]) -> Option<(String, Token)> {
    let mut rest = bytes;
    if take(&mut rest, 1)? != [FORMAT] {
        return None;
    }
    let kid = hex::encode(take(&mut rest, 8)?);
    let manifest = Uuid::from_slice(take(&mut rest, 16)?).ok()?;
    let expires_at = DateTime::from_timestamp(i64::from_be_bytes(take(&mut rest, 8)?.try_into().ok()?), 0)?;
    let tag = take(&mut rest, 1)?.first().copied()?;
    let digits = take_text(&mut rest)?;
    let number = match tag {
        0 if digits.is_empty() => Numbered::Not,
        1 => Numbered::Local(digits),
        2 => Numbered::National(digits),
        _ => return None,
    };
    let count = usize::from(take(&mut rest, 1)?.first().copied()?);
    let plates = (0..count).map(|_| take_text(&mut rest)).collect::<Option<Vec<_>>>()?;
    (rest.is_empty() && count <= PLATES_MAX).then_some((kid, Token { manifest, number, plates, expires_at }))
}

fn take<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(count)?;
    *rest = left;
    Some(taken)
}

fn take_text(rest: &mut &[u8]) -> Option<String> {
    let length = usize::from(take(rest, 1)?.first().copied()?);
    String::from_utf8(take(rest, length)?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn keys() -> (Key, KeySet) {
        let key = Key::from_seed(&[7; 32]);
        let keys = KeySet::parse(&json!({ "keys": [{ "purpose": "proof", "public_key": hex::encode(key.public().as_bytes()) }] }));
        (key, keys)
    }

    fn token() -> Token {
        Token {
            manifest: Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0042),
            number: Numbered::National("20262102000123".into()),
            plates: vec!["辽B12345".into()],
            expires_at: DateTime::from_timestamp(1_800_000_000, 0).unwrap(),
        }
    }

    #[test]
    fn what_was_signed_is_read_again_and_is_short_enough_for_a_small_code() {
        let (key, keys) = keys();
        for token in
            [token(), Token { number: Numbered::Not, plates: Vec::new(), ..token() }, Token { number: Numbered::Local("1".into()), ..token() }]
        {
            let text = token.sign(&key);
            assert_eq!(Token::read(&text, &keys), Ok(token));
            assert!(text.len() < 200, "{}", text.len());
        }
    }

    #[test]
    fn no_bit_of_a_token_can_be_changed() {
        let (key, keys) = keys();
        let bytes = URL_SAFE_NO_PAD.decode(token().sign(&key)).unwrap();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut changed = bytes.clone();
                changed[at] ^= 1 << bit;
                assert!(Token::read(&URL_SAFE_NO_PAD.encode(&changed), &keys).is_err(), "byte {at}, bit {bit}");
            }
        }
        for length in 0..bytes.len() {
            assert!(Token::read(&URL_SAFE_NO_PAD.encode(&bytes[..length]), &keys).is_err(), "{length}");
        }
        assert_eq!(Token::read("", &keys), Err(TokenFault::Unreadable));
        assert_eq!(Token::read(&"A".repeat(TOKEN_LENGTH_MAX + 1), &keys), Err(TokenFault::Unreadable));
    }

    #[test]
    fn another_installations_token_and_another_signature_of_ours_are_forged() {
        let (key, keys) = keys();
        assert_eq!(Token::read(&token().sign(&Key::from_seed(&[8; 32])), &keys), Err(TokenFault::Forged));
        // The same bytes, signed for another purpose.
        let said = token().bytes(&key.kid);
        let signed = [said.clone(), key.sign(&said).to_vec()].concat();
        assert_eq!(Token::read(&URL_SAFE_NO_PAD.encode(signed), &keys), Err(TokenFault::Forged));
    }
}
