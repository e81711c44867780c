//! The API from outside, as a client sees it. One program, so that one link and one cluster serve all tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails should stop where it stands")]

mod corrections;
mod district;
mod evidence;
mod everyday;
mod harness;
mod identity;
mod law;
mod manifest;
mod matrix;
mod rooms;
mod shape;
mod tokens;
