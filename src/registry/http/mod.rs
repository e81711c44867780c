//! Wire types and routes of the registry. No rule lives here.

pub mod contract;
pub mod licence;
pub mod site;
pub mod transport;
