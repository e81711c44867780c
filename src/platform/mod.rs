//! Platform: what every room stands on. No word of the domain lives here.

pub mod app;
pub mod blobs;
pub mod calendar;
pub mod call;
pub mod clock;
pub mod cluster;
pub mod cursor;
pub mod dated;
pub mod db;
pub mod jobs;
pub mod keys;
pub mod lang;
pub mod mass;
pub mod metrics;
pub mod migrate;
pub mod page;
pub mod problem;
pub mod query;
pub mod respond;
pub mod shape;
pub mod sheet;
pub mod table;
