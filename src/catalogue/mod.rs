//! Catalogue (目录): reference data of law by edition and day, and the parameters that a division sets.
//!
//! Tables come from CSV files in the program; [`loader`] records edition and SHA-256 of each. Others import the words of
//! `code` and `domain` and the look-ups below, each with the day that decides. Invariants: a code outside the table is
//! no fault of its own while the day's edition is not loaded; an article whose text is not held is named, never quoted.

pub mod acts;
pub mod code;
mod domain;
pub mod http;
mod laws;
pub mod loader;
pub mod pairs;
mod rules;
mod store;

pub use code::{Hazard, HazardRelation, Hazards, MethodCode, WasteCode};
pub use domain::{CodeFact, CodeFacts, EDITION_NOT_LOADED, Listing, MassTolerance, MethodGroup, Stage, edition_not_loaded};
pub use laws::in_force_on;
pub use store::{
    Article, Division, Exemption, article, code_facts, division, division_exists, division_of, exemption, exemptions_for, mass_tolerance,
    method_group, parameter, parameter_integer, text_grades, working_days,
};
