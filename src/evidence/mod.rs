//! Evidence (证据): what was signed, in an order that nobody can change in silence.
//!
//! Every act appends exactly one event to the chain of its subject, in the act's own transaction, as the
//! last statement. Hashes are over stored bytes, never over a row written again. This room knows no
//! feature: it takes a plain [`Signer`] and a payload. Invariants: `seq` has no gap, `prev_hash` is the
//! hash before, `hash = SHA-256(0x01 ‖ prev_hash ‖ bytes)`.

mod act;
mod chain;
mod feed;
pub mod http;
mod store;
mod system;
mod verify;

pub use act::{ActAnswer, After, CheckAnswer, Done, Head, NUMBERS_EXHAUSTED, Outcome, Tx, answer, created, prepare, transact};
pub use chain::{GENESIS, Method, NewEvent, Proof, Signer, canonical, content_hash, event_hash};
pub use feed::run_feed;
pub use store::{StoredEvent, events_of, feed_lag, forget_old_keys, head_of, log_access, log_accesses, proof_keys};
pub use system::by_system;
pub use verify::{Evidence, ExportedChain, ExportedEvent, ExportedPart, FORMAT, KeySet, Verdict, verify};
