//! Liandan (联单): waste transfer manifests as a REST API over one PostgreSQL.
//!
//! Rooms, from left to right; imports point left only:
//! `platform` ← `evidence` ← `identity` ← `catalogue` ← `registry` ← `ledger` ← `filing` ← `manifest` ← `demo`, `cli`.

pub mod cli;
pub mod evidence;
pub mod identity;
pub mod platform;

pub mod contract;
pub mod schema;
