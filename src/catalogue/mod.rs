//! Catalogue (名录).

pub mod code;
