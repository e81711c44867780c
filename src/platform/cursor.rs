//! Cursors of lists: where the last page ended, bound to the filters it was made with.
//!
//! A cursor is no secret and grants nothing: it names a place, and the scope of the caller is applied to every page
//! anew. It is bound to its filters because a place in one list is no place in another. No clock and no I/O here.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// Unit: bytes. Against mix-ups, not against an adversary, who gains nothing.
const FILTER_BYTES: usize = 8;
/// Unit: bytes of a UUID.
const KEY_BYTES: usize = 16;

/// What a cursor says about the list it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FilterHash([u8; FILTER_BYTES]);

/// Why a cursor cannot be used.
#[derive(thiserror::Error, Debug, Clone, Copy, PartialEq, Eq)]
pub enum CursorFault {
    /// Not a text that we made.
    #[error("the cursor cannot be read")]
    Malformed,
    /// Made for another list or with other filters.
    #[error("the cursor belongs to other filters")]
    Mismatch,
}

impl FilterHash {
    /// The hash of a list (its operation id) and its filters; their order does not matter, `limit` is none of them.
    pub fn of(list: &str, filters: &[(&str, &str)]) -> Self {
        let mut filters = filters.to_vec();
        filters.sort_unstable();
        let mut hash = Sha256::new();
        for text in std::iter::once(list).chain(filters.into_iter().flat_map(|(name, value)| [name, value])) {
            // With its length before it, no text can run into the next.
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
        let digest = hash.finalize();
        let mut short = [0; FILTER_BYTES];
        for (byte, from) in short.iter_mut().zip(digest) {
            *byte = from;
        }
        Self(short)
    }
}

/// Writes the cursor of a page that ended with `last`.
pub fn encode(filter: FilterHash, last: Uuid) -> String {
    URL_SAFE_NO_PAD.encode([filter.0.as_slice(), last.as_bytes().as_slice()].concat())
}

/// Reads a cursor: the last key of the page before.
///
/// # Errors
/// `Malformed` where the text is none of ours, `Mismatch` where it belongs to another list or other filters.
pub fn decode(text: &str, filter: FilterHash) -> Result<Uuid, CursorFault> {
    let mut bytes = [0; FILTER_BYTES + KEY_BYTES];
    match URL_SAFE_NO_PAD.decode_slice(text, &mut bytes) {
        Ok(length) if length == bytes.len() => {}
        Ok(_) | Err(_) => return Err(CursorFault::Malformed),
    }
    let Some((hash, key)) = bytes.split_first_chunk::<FILTER_BYTES>() else {
        return Err(CursorFault::Malformed);
    };
    if *hash != filter.0 {
        return Err(CursorFault::Mismatch);
    }
    Uuid::from_slice(key).map_err(|_wrong_length| CursorFault::Malformed)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cursor_leads_back_only_under_its_filters() {
        let last = Uuid::from_u128(0x0190_a5e0_0000_7000_8000_0000_0000_0001);
        let filter = FilterHash::of("list_manifests", &[("state", "received"), ("unit", "a")]);
        let cursor = encode(filter, last);
        assert_eq!(cursor.len(), 32);
        assert_eq!(decode(&cursor, filter), Ok(last));
        assert_eq!(decode(&cursor, FilterHash::of("list_manifests", &[("unit", "a"), ("state", "received")])), Ok(last));
        for other in [
            FilterHash::of("list_lots", &[("state", "received"), ("unit", "a")]),
            FilterHash::of("list_manifests", &[("state", "received")]),
            FilterHash::of("list_manifests", &[("state", "receiveda"), ("unit", "")]),
            FilterHash::of("list_manifests", &[("state", "unit"), ("received", "a")]),
        ] {
            assert_eq!(decode(&cursor, other), Err(CursorFault::Mismatch));
        }
    }

    #[test]
    fn other_texts_are_malformed() {
        let filter = FilterHash::of("l", &[]);
        let cursor = encode(filter, Uuid::nil());
        for text in
            ["", "x", "中", &cursor[..31], &format!("{cursor}A"), &format!("{cursor}AAAA"), &format!("{cursor}="), &cursor.replace(&cursor[..1], "+")]
        {
            assert_eq!(decode(text, filter), Err(CursorFault::Malformed), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_key_survives(key in any::<u128>(), name in ".{0,8}", value in ".{0,8}") {
            let filter = FilterHash::of("l", &[(&name, &value)]);
            prop_assert_eq!(decode(&encode(filter, Uuid::from_u128(key)), filter), Ok(Uuid::from_u128(key)));
        }

        #[test]
        fn any_text_is_survived(text in ".{0,40}") {
            prop_assert!(decode(&text, FilterHash::of("l", &[])).is_err());
        }
    }
}
