//! The API from outside, as a client sees it. One program, so that one link and one cluster serve all tests.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that fails should stop where it stands")]

mod approvals;
mod attachments;
mod cli;
mod commands;
mod consent;
mod containers;
mod corrections;
mod days;
mod declarations;
mod demo;
mod district;
mod duties;
mod events;
mod everyday;
mod evidence;
mod evidence_mutation;
mod facts;
mod filing;
mod harness;
mod identity;
mod imports;
mod law;
mod ledger;
mod limits;
mod list;
mod manifest;
mod matrix;
mod outside;
mod paper;
mod papers;
mod pdf;
mod plans;
mod plant;
mod reading;
mod registry;
mod rights;
mod road;
mod rooms;
mod round_trips;
mod shape;
mod sheets;
mod signing;
mod tables;
mod tokens;
