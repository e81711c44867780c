//! Pages of lists: newest first by id, as every room shows them.

use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::cursor::{self, FilterHash};
use super::problem::{Problem, Text};

/// Unit: rows of a page, where the caller does not say.
const PAGE_SIZE: i64 = 50;

/// A page of a list, newest first.
#[derive(Serialize, ToSchema)]
pub struct PageOf<T> {
    /// The rows.
    items: Vec<T>,
    /// Give it as `cursor` for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    next_cursor: Option<String>,
}

/// Which page of a list is wanted.
pub struct Wanted {
    filter: FilterHash,
    /// Only rows with a smaller id; from the newest on without it.
    pub before: Option<Uuid>,
    limit: i64,
}

impl Wanted {
    /// Reads a list's `cursor` and `limit`.
    ///
    /// # Errors
    /// 400 for a cursor that is none, or that belongs to another list or other filters.
    pub fn read(filter: FilterHash, cursor: Option<&str>, limit: Option<i64>) -> Result<Self, Problem> {
        let before = cursor.map(|text| cursor::decode(text, filter)).transpose().map_err(|_| {
            Problem::parameter("cursor", Text::new("游标无效，或属于其他查询条件", "The cursor cannot be read, or belongs to other filters"))
        })?;
        Ok(Self { filter, before, limit: limit.unwrap_or(PAGE_SIZE) })
    }
    /// How many rows to read: one more than are shown tells whether there is a next page.
    #[must_use]
    pub const fn rows(&self) -> i64 {
        self.limit + 1
    }
    /// The page made of the rows read.
    pub fn page<T>(&self, mut items: Vec<T>, id_of: impl Fn(&T) -> Uuid) -> PageOf<T> {
        let size = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let has_more = items.len() > size;
        items.truncate(size);
        let next_cursor = items.last().filter(|_| has_more).map(|last| cursor::encode(self.filter, id_of(last)));
        PageOf { items, next_cursor }
    }
}
