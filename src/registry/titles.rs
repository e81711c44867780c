//! What the columns of an exported list are called, and in which order they stand: `titles.csv`, one row a member, for
//! every list of this room and those to its right. A member without a row keeps its own name and stands last.

use std::collections::HashMap;
use std::sync::OnceLock;

use crate::platform::problem::Text;
use crate::platform::table::export::Title;

/// The title of a member of a list's rows.
#[must_use]
pub fn title_of(key: &str) -> Option<Title> {
    static TITLES: OnceLock<HashMap<String, Title>> = OnceLock::new();
    TITLES.get_or_init(load).get(key).cloned()
}

fn load() -> HashMap<String, Title> {
    let mut reader = csv::Reader::from_reader(include_str!("titles.csv").as_bytes());
    let rows = reader.records().flatten().enumerate();
    rows.filter_map(|(place, row)| {
        let text = Text::new(row.get(1)?.to_owned(), row.get(2)?.to_owned());
        Some((row.get(0)?.to_owned(), Title { text, place }))
    })
    .collect()
}
