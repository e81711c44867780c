//! One function, one transaction per act. Each opens with [`super::work::open`] and ends with [`super::work::finish`].

pub mod ending;
pub mod issue;
pub mod receipt;
pub mod transport;
