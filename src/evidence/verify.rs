//! Verification of an exported file, by anyone, without this installation. No clock and no I/O here.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use ed25519_dalek::{Signature, VerifyingKey};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

use super::chain::{GENESIS, Proof, canonical, content_hash, event_hash};
use crate::platform::keys::kid_of;

/// Format of the exported file.
pub const FORMAT: &str = "liandan-evidence/1";

/// One event, as exported.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedEvent {
    /// Place in the chain.
    pub seq: i64,
    /// Hash of the event before, hex.
    pub prev_hash: String,
    /// Its hash, hex.
    pub hash: String,
    /// Its bytes, which are UTF-8 JSON.
    pub bytes: String,
}

/// The chain of one subject with its signed head.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedChain {
    /// Kind of the subject.
    pub subject_kind: String,
    /// The subject.
    pub subject_id: Uuid,
    /// Every event, oldest first.
    pub events: Vec<ExportedEvent>,
    /// The installation's signature under the last event.
    pub head: Proof,
}

/// A sealed part, as exported.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ExportedPart {
    /// `part/part_no/revision`, as the event's `sealed` names it.
    pub name: String,
    /// The subject whose event sealed it.
    pub subject_id: Uuid,
    /// Its bytes, which are UTF-8 JSON.
    pub bytes: String,
}

/// The exported file (证据包).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Evidence {
    /// `FORMAT`.
    pub format: String,
    /// When it was exported.
    pub exported_at: String,
    /// The subject of the export.
    pub subject_id: Uuid,
    /// Its chain, and those it leans on (trips with weighings).
    pub chains: Vec<ExportedChain>,
    /// Every sealed part.
    pub parts: Vec<ExportedPart>,
    /// Key that signed the file.
    pub kid: String,
    /// Ed25519 over the RFC 8785 bytes of the other members, hex.
    pub signature: String,
}

impl Evidence {
    /// What the file's signature covers.
    ///
    /// # Errors
    /// 500, if it cannot be written.
    pub fn signed_bytes(&self) -> Result<Vec<u8>, crate::platform::problem::Problem> {
        let mut unsigned = json!(self);
        if let Value::Object(map) = &mut unsigned {
            map.remove("signature");
        }
        canonical(&unsigned)
    }
}

/// Public keys by name.
#[derive(Debug, Default)]
pub struct KeySet(HashMap<String, VerifyingKey>);

impl KeySet {
    /// Reads the document of `/.well-known/liandan-keys`; keys that are no Ed25519 points are left out.
    #[must_use]
    pub fn parse(document: &Value) -> Self {
        let mut keys = HashMap::new();
        for key in document["keys"].as_array().into_iter().flatten() {
            let public = key["public_key"].as_str().and_then(|text| hex::decode(text).ok()).and_then(|bytes| VerifyingKey::try_from(&bytes[..]).ok());
            // The name is recomputed: a file that names another's key must not borrow its trust.
            if let Some(public) = public.filter(|_| key["purpose"] == "proof") {
                keys.insert(kid_of(&public), public);
            }
        }
        Self(keys)
    }

    /// The set of these public keys, 32 bytes each.
    pub(super) fn of(public_keys: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let keys = public_keys.into_iter().filter_map(|bytes| VerifyingKey::try_from(&bytes[..]).ok());
        Self(keys.map(|public| (kid_of(&public), public)).collect())
    }

    /// Whether the key of this name is among them and made this signature (hex) over these bytes.
    #[must_use]
    pub fn signed(&self, kid: &str, bytes: &[u8], signature: &str) -> bool {
        let Some(key) = self.0.get(kid) else { return false };
        let Ok(bytes_of_signature) = hex::decode(signature) else { return false };
        Signature::from_slice(&bytes_of_signature).is_ok_and(|signature| key.verify_strict(bytes, &signature).is_ok())
    }
}

/// What a file proves.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Complete, unchanged, signed by the installation.
    Valid,
    /// In itself consistent; without keys nobody knows who made it.
    NotAuthenticated,
    /// In itself consistent, but signed under keys that were not given: their names.
    UnknownKeys(BTreeSet<String>),
    /// Changed: every place that shows it, in words.
    Tampered(Vec<String>),
    /// Something is missing: what.
    Incomplete(Vec<String>),
}

impl Verdict {
    /// Exit code of `liandan verify`: 0 valid, 1 tampered, 2 incomplete or not authenticated.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Valid => 0,
            Self::Tampered(_) => 1,
            Self::NotAuthenticated | Self::UnknownKeys(_) | Self::Incomplete(_) => 2,
        }
    }
}

/// Checks a file completely; with keys also who signed it.
#[must_use]
pub fn verify(evidence: &Evidence, keys: Option<&KeySet>) -> Verdict {
    let mut check = Check { keys, wrong: Vec::new(), missing: Vec::new(), unknown: BTreeSet::new() };
    check.file(evidence);
    match (check.wrong.is_empty(), check.missing.is_empty(), keys) {
        (false, ..) => Verdict::Tampered(check.wrong),
        (true, false, _) => Verdict::Incomplete(check.missing),
        (true, true, None) => Verdict::NotAuthenticated,
        (true, true, Some(_)) if !check.unknown.is_empty() => Verdict::UnknownKeys(check.unknown),
        (true, true, Some(_)) => Verdict::Valid,
    }
}

struct Check<'k> {
    keys: Option<&'k KeySet>,
    wrong: Vec<String>,
    missing: Vec<String>,
    unknown: BTreeSet<String>,
}

impl Check<'_> {
    /// Whether a key was given; of a signature under one that was not, nobody can say that it is false.
    fn holds(&mut self, keys: &KeySet, kid: &str) -> bool {
        let is_held = keys.0.contains_key(kid);
        if !is_held {
            self.unknown.insert(kid.to_owned());
        }
        is_held
    }

    fn file(&mut self, evidence: &Evidence) {
        if evidence.format != FORMAT {
            self.wrong.push(format!("the format is {:?}, not {FORMAT}", evidence.format));
        }
        if let (Some(keys), Ok(bytes)) = (self.keys, evidence.signed_bytes())
            && self.holds(keys, &evidence.kid)
            && !keys.signed(&evidence.kid, &bytes, &evidence.signature)
        {
            self.wrong.push("the file is not what the installation signed".into());
        }
        if !evidence.chains.iter().any(|chain| chain.subject_id == evidence.subject_id) {
            self.missing.push(format!("the chain of {}", evidence.subject_id));
        }
        let mut sealed: BTreeMap<(Uuid, String), String> = BTreeMap::new();
        let mut places: BTreeMap<(Uuid, i64), String> = BTreeMap::new();
        for chain in &evidence.chains {
            self.chain(chain, &mut sealed, &mut places);
        }
        self.parts(evidence, &sealed, &places);
    }

    fn chain(&mut self, chain: &ExportedChain, sealed: &mut BTreeMap<(Uuid, String), String>, places: &mut BTreeMap<(Uuid, i64), String>) {
        let subject = chain.subject_id;
        let mut prev = hex::encode(GENESIS);
        let mut expected = 1;
        for event in &chain.events {
            let at = format!("event {} of {subject}", event.seq);
            if event.seq > expected {
                self.missing.push(format!("events {expected} to {} of {subject}", event.seq - 1));
            } else if event.seq < expected {
                self.wrong.push(format!("{at} stands twice or out of order"));
            }
            if event.seq == expected && event.prev_hash != prev {
                self.wrong.push(format!("{at} does not follow the event before it"));
            }
            let hash = hex::decode(&event.prev_hash).map(|prev| hex::encode(event_hash(&prev, event.bytes.as_bytes())));
            if hash.as_deref() != Ok(event.hash.as_str()) {
                self.wrong.push(format!("the hash of {at} does not fit its bytes"));
            }
            match serde_json::from_str::<Value>(&event.bytes) {
                Ok(document) => {
                    if canonical(&document).ok().as_deref() != Some(event.bytes.as_bytes()) {
                        self.wrong.push(format!("{at} is not written in canonical form"));
                    }
                    if document["seq"] != json!(event.seq) || document["subject"] != json!({ "kind": chain.subject_kind, "id": subject }) {
                        self.wrong.push(format!("{at} says that it belongs elsewhere"));
                    }
                    for (name, hash) in document["sealed"].as_object().into_iter().flatten() {
                        sealed.insert((subject, name.clone()), hash.as_str().unwrap_or_default().to_owned());
                    }
                }
                Err(_) => self.wrong.push(format!("{at} is not JSON")),
            }
            places.insert((subject, event.seq), event.hash.clone());
            prev.clone_from(&event.hash);
            expected = event.seq + 1;
        }
        let head = &chain.head;
        match chain.events.last() {
            None => self.missing.push(format!("all events of {subject}")),
            Some(last) if head.seq > last.seq => self.missing.push(format!("events {} to {} of {subject}", last.seq + 1, head.seq)),
            Some(last) if head.subject_id != subject || head.seq != last.seq || head.hash != last.hash => {
                self.wrong.push(format!("the signed head of {subject} is not its last event"));
            }
            Some(_) => {}
        }
        if let (Some(keys), Ok(bytes)) = (self.keys, head.signed_bytes())
            && self.holds(keys, &head.kid)
            && !keys.signed(&head.kid, &bytes, &head.signature)
        {
            self.wrong.push(format!("the head of {subject} is not signed by the installation"));
        }
    }

    fn parts(&mut self, evidence: &Evidence, sealed: &BTreeMap<(Uuid, String), String>, places: &BTreeMap<(Uuid, i64), String>) {
        let mut seen = BTreeSet::new();
        for part in &evidence.parts {
            let key = (part.subject_id, part.name.clone());
            match sealed.get(&key) {
                None => self.wrong.push(format!("no event sealed the part {} of {}", part.name, part.subject_id)),
                Some(hash) if *hash != hex::encode(content_hash(part.bytes.as_bytes())) => {
                    self.wrong.push(format!("the part {} of {} was changed after it was sealed", part.name, part.subject_id));
                }
                Some(_) => {}
            }
            if !seen.insert(key) {
                self.wrong.push(format!("the part {} of {} stands twice", part.name, part.subject_id));
            }
            self.weighings(part, places);
        }
        for (subject, name) in sealed.keys() {
            if !seen.contains(&(*subject, name.clone())) {
                self.missing.push(format!("the part {name} of {subject}"));
            }
        }
    }

    /// A receipt names the weighings it used; those chains travel with it.
    fn weighings(&mut self, part: &ExportedPart, places: &BTreeMap<(Uuid, i64), String>) {
        let Ok(document) = serde_json::from_str::<Value>(&part.bytes) else {
            self.wrong.push(format!("the part {} is not JSON", part.name));
            return;
        };
        for weighing in document["weighings"].as_array().into_iter().flatten() {
            let trip = weighing["trip_id"].as_str().and_then(|text| text.parse::<Uuid>().ok()).unwrap_or_default();
            let seq = weighing["seq"].as_i64().unwrap_or_default();
            match places.get(&(trip, seq)) {
                None => self.missing.push(format!("weighing {seq} of trip {trip}")),
                Some(hash) if weighing["hash"] != json!(hash) => {
                    self.wrong.push(format!("the part {} names another weighing than {seq} of trip {trip}", part.name))
                }
                Some(_) => {}
            }
        }
    }
}
