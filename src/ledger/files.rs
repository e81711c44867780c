//! The ledger's lists as files: all their pages one after the other, with the scope that the caller had when he asked.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::domain::{ContainerState, EntryKind};
use super::read::{self, Container, CustodyNote, Entry, EntryFilter, Filling, Page};
use crate::platform::app::App;
use crate::platform::call::lang_here;
use crate::platform::table::export::{Export, FileFormat, Next};
use crate::registry::{Scope, title_of};

/// Filters of entries, as a file keeps them over its pages.
#[derive(Clone, Default)]
pub struct Kept {
    pub site: Option<Uuid>,
    pub kind: Option<EntryKind>,
    pub code: Option<String>,
    pub from: Option<DateTime<Utc>>,
    pub until: Option<DateTime<Utc>>,
}

impl Kept {
    pub fn filter(&self) -> EntryFilter<'_> {
        EntryFilter { site: self.site, kind: self.kind, code: self.code.as_deref(), from: self.from, until: self.until }
    }
}

const fn page(unit: Option<Uuid>, before: Option<Uuid>, limit: i64) -> Page {
    Page { unit, id: None, before, limit }
}

pub fn entries(app: Arc<App>, scope: Scope, unit: Option<Uuid>, kept: Kept, format: FileFormat) -> Export<Entry> {
    let next: Next<Entry> = Box::new(move |before, limit| {
        let (app, scope, kept) = (app.clone(), scope.clone(), kept.clone());
        Box::pin(async move {
            let mut conn = app.db.get().await?;
            read::entries(&mut conn, &scope, &page(unit, before, limit), &kept.filter()).await
        })
    });
    Export { name: "list_entries", format, lang: lang_here(), title_of, next, id_of: |row| row.id }
}

pub fn containers(
    app: Arc<App>,
    scope: Scope,
    unit: Option<Uuid>,
    site: Option<Uuid>,
    state: Option<ContainerState>,
    format: FileFormat,
) -> Export<Container> {
    let next: Next<Container> = Box::new(move |before, limit| {
        let (app, scope) = (app.clone(), scope.clone());
        Box::pin(async move {
            let mut conn = app.db.get().await?;
            read::containers(&mut conn, &scope, &page(unit, before, limit), site, state).await
        })
    });
    Export { name: "list_containers", format, lang: lang_here(), title_of, next, id_of: |row| row.id }
}

pub fn fillings(app: Arc<App>, scope: Scope, unit: Option<Uuid>, site: Option<Uuid>, code: Option<String>, format: FileFormat) -> Export<Filling> {
    let next: Next<Filling> = Box::new(move |before, limit| {
        let (app, scope, code) = (app.clone(), scope.clone(), code.clone());
        Box::pin(async move {
            let mut conn = app.db.get().await?;
            read::fillings(&mut conn, &scope, &page(unit, before, limit), site, None, code.as_deref()).await
        })
    });
    Export { name: "list_fillings", format, lang: lang_here(), title_of, next, id_of: |row| row.id }
}

pub fn custody_notes(app: Arc<App>, scope: Scope, unit: Option<Uuid>, format: FileFormat) -> Export<CustodyNote> {
    let next: Next<CustodyNote> = Box::new(move |before, limit| {
        let (app, scope) = (app.clone(), scope.clone());
        Box::pin(async move {
            let mut conn = app.db.get().await?;
            read::custody_notes(&mut conn, &scope, &page(unit, before, limit)).await
        })
    });
    Export { name: "list_custody_notes", format, lang: lang_here(), title_of, next, id_of: |row| row.id }
}
