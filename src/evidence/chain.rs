//! Bytes and hashes of the chain. No clock and no I/O here.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::platform::clock::rfc3339;
use crate::platform::problem::Problem;

/// The `prev_hash` of a first event.
pub const GENESIS: [u8; 32] = [0; 32];

/// How a person signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Logged in with a password.
    Password,
    /// Switched by PIN on a shared device (快速切换).
    Pin,
    /// By a one-time code told by voice (一次性口令).
    OneTimeCode,
    /// By a machine, for what needs no signatory.
    ApiKey,
    /// By a machine, under a signatory's delegation (委托签名).
    DelegatedKey,
    /// By the installation itself.
    System,
}

/// Who signs, as plain ids: names and phones stay out of the chain.
#[derive(Debug, Clone)]
pub struct Signer {
    /// The person who signs by law: of a key, the signatory who let it sign, else whoever made it.
    pub user: Uuid,
    /// The membership under which the person acts; none for a driver bound to a leg.
    pub membership: Option<Uuid>,
    /// The unit for which it counts.
    pub unit: Option<Uuid>,
    /// How.
    pub method: Method,
    /// Who else took part: whoever made the one-time code or the key; where the signer made the code himself, the person at
    /// whose device it was used.
    pub with: Option<Uuid>,
    /// The person at whose device a one-time code was used.
    pub device_user: Option<Uuid>,
    /// The API key by which a machine acted.
    pub api_key: Option<Uuid>,
    /// The membership of the signatory in whose place a deputy (代理人) signs; none where the person signs by an own role.
    pub stands_in_for: Option<Uuid>,
}

impl Signer {
    /// The installation itself: nobody signs.
    #[must_use]
    pub const fn system() -> Self {
        Self {
            user: Uuid::nil(),
            membership: None,
            unit: None,
            method: Method::System,
            with: None,
            device_user: None,
            api_key: None,
            stands_in_for: None,
        }
    }
}

/// An event before it has its place in the chain.
#[derive(Debug, Clone)]
pub struct NewEvent {
    /// Kind of the subject: manifest, trip, unit, site, vehicle …
    pub subject_kind: &'static str,
    /// The subject.
    pub subject: Uuid,
    /// The act.
    pub act: &'static str,
    /// When the signer says it happened; equals `recorded_at` online.
    pub claimed_at: DateTime<Utc>,
    /// Legal keys that were applied.
    pub law: Vec<&'static str>,
    /// Content hash of each part that the act sealed.
    pub sealed: BTreeMap<String, String>,
    /// What the act says; integers and strings only.
    pub payload: Value,
}

/// RFC 8785 bytes of a document.
///
/// # Errors
/// 500: a document that is not plain JSON.
pub fn canonical(document: &impl Serialize) -> Result<Vec<u8>, Problem> {
    serde_json_canonicalizer::to_vec(document).map_err(|error| Problem::internal(&error))
}

/// Hash of a part: `SHA-256(0x00 ‖ bytes)`; the prefix keeps it apart from an event's hash.
#[must_use]
pub fn content_hash(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([0x00]);
    hash.update(bytes);
    hash.finalize().into()
}

/// Hash of an event: `SHA-256(0x01 ‖ prev_hash ‖ bytes)`.
#[must_use]
pub fn event_hash(prev_hash: &[u8], bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update([0x01]);
    hash.update(prev_hash);
    hash.update(bytes);
    hash.finalize().into()
}

impl NewEvent {
    /// The event's bytes at its place.
    pub(super) fn bytes(&self, id: Uuid, seq: i64, signer: &Signer, recorded_at: DateTime<Utc>, request_id: Uuid) -> Result<Vec<u8>, Problem> {
        let mut document = json!({
            "v": 1,
            "id": id,
            "subject": { "kind": self.subject_kind, "id": self.subject },
            "seq": seq,
            "act": self.act,
            "actor": signer.user,
            "membership": signer.membership,
            "unit": signer.unit,
            "method": signer.method,
            "with": signer.with,
            "stands_in_for": signer.stands_in_for,
            "claimed_at": rfc3339(self.claimed_at),
            "recorded_at": rfc3339(recorded_at),
            "request_id": request_id,
            "law": self.law,
            "sealed": self.sealed,
            "payload": self.payload,
        });
        // Only where there is something to say: an event without them is what it always was, and `v` stays.
        for (name, value) in [("device_user", signer.device_user), ("api_key", signer.api_key)] {
            if let Some(value) = value {
                document[name] = json!(value);
            }
        }
        canonical(&document)
    }
}

/// The installation's signed word that an event stands at its place (回执签名).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Proof {
    /// Subject of the chain.
    pub subject_id: Uuid,
    /// Place in the chain.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// Hash of the event, hex.
    pub hash: String,
    /// When it was recorded, RFC 3339 UTC.
    pub recorded_at: String,
    /// Name of the key under `/.well-known/liandan-keys`.
    pub kid: String,
    /// Ed25519 over the RFC 8785 bytes of the other members, hex.
    pub signature: String,
}

impl Proof {
    /// Signs the head of a chain.
    ///
    /// # Errors
    /// 500, if it cannot be written.
    pub fn sign(key: &crate::platform::keys::Key, subject_id: Uuid, seq: i64, hash: &[u8], recorded_at: DateTime<Utc>) -> Result<Self, Problem> {
        let mut proof =
            Self { subject_id, seq, hash: hex::encode(hash), recorded_at: rfc3339(recorded_at), kid: key.kid.clone(), signature: String::new() };
        proof.signature = hex::encode(key.sign(&proof.signed_bytes()?));
        Ok(proof)
    }

    /// What the signature covers.
    pub(super) fn signed_bytes(&self) -> Result<Vec<u8>, Problem> {
        canonical(&json!({
            "subject_id": self.subject_id, "seq": self.seq, "hash": self.hash, "recorded_at": self.recorded_at, "kid": self.kid,
        }))
    }
}
