//! Identity (身份): units, people, memberships with roles, sessions, API keys, delegations; makes the
//! [`Actor`] of every request. Others import the words of `domain` and the look-ups below, nothing else.
//! Invariant: a right is read from the database at most a second before it is used, and in the act's own
//! transaction for every act.

pub mod acts;
pub mod auth;
mod authorities;
mod domain;
mod guessable;
pub mod http;
pub mod names;
pub mod one_time;
mod password;
mod standing;
mod store;
pub mod token;
pub mod uscc;

pub use auth::{actor_of_token, fresh, transact};
pub use authorities::authorities_of;
pub use domain::{ActingUnit, Actor, Delegation, Role, Roles, SignedAct, UnitKind};
pub use password::load as hashing;
pub use standing::Standing;
pub use store::{UnitRow, driver_unit, forget_old_failures, officer_sees, phone_of, unit_by_id};
pub use uscc::Uscc;
