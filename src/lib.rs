//! Liandan (联单): waste transfer manifests as a REST API over one PostgreSQL.
//!
//! Rooms, from left to right; imports point left only:
//! `platform` ← `evidence` ← `identity` ← `catalogue` ← `registry` ← `ledger` ← `filing` ← `manifest` ← `exchange` ← `demo` ← `cli`.

pub mod catalogue;
pub mod cli;
pub mod demo;
pub mod evidence;
pub mod exchange;
pub mod filing;
pub mod identity;
pub mod ledger;
pub mod manifest;
pub mod platform;
pub mod registry;

pub mod contract;
