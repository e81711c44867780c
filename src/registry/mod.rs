//! Registry (登记): all else of a unit — sites, facilities, licences, vehicles, people's papers, contracts — and what is
//! lawful on a day. Others import the evidence types and their look-ups, nothing else. Invariants: only what an officer
//! verified counts as a licence or an exempt stage; whether a paper is in force is asked of a day, never stored.

pub mod acts;
mod domain;
pub mod http;
mod lawful;
pub mod page;
pub mod plate;
mod policy;
mod rules;
mod store;
mod titles;

pub use domain::{CertificateKind, ManagementClass, Name, PaperNo, Sentence, VehicleStatement, Words, months_after};
pub use lawful::{
    ContractInForce, ExemptStage, LicenceInForce, NoLicence, Paper, Papers, Person, SiteFacts, SiteProfile, carrier_permit, closed_on,
    contract_between, exempt_receiver, licence_cover, rated_loads, site_profile, sites, transport_papers,
};
pub use plate::Plate;
pub use policy::{Scope, officer_of, own, verified_states_for, visible_to};
pub use store::Shown;
pub(crate) use store::{scoped_sql, shown};
pub use titles::title_of;
