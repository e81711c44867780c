//! One function, one transaction per act. Each opens with `work::open` and ends with `work::finish`.

pub mod ending;
pub mod issue;
pub mod receipt;
pub mod transport;
