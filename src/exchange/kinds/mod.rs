//! What can be sent in as a table: one file a kind, and one arm of each match below.

mod manifest_drafts;
mod plan_flows;
mod vehicles;

use std::collections::HashMap;

use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::evidence::Outcome;
use crate::identity::{Actor, Role, UnitKind};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Text, kinds};
use crate::platform::table::{Choices, RowFault, Sheet};

/// A kind of table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Import {
    /// Flows of the yearly plan (管理计划转移流向).
    PlanFlows,
    /// Vehicles (车辆).
    Vehicles,
    /// Manifests to come (联单草稿).
    ManifestDrafts,
}

/// A thing of the unit that a row may mean.
#[derive(Debug, Clone)]
pub struct Present {
    /// Id.
    pub id: Uuid,
    /// For `If-Match`.
    pub version: i64,
    /// Its values by column.
    pub values: Map<String, Value>,
    /// What the act of a change states and no column holds.
    pub beside: Map<String, Value>,
    /// How a table wrote it last, where no chain of events tells it.
    pub written: Option<Written>,
    /// The number of the manifest that it became; it is changed there and not by a table.
    pub became: Option<String>,
}

/// How a table wrote a thing last.
#[derive(Debug, Clone)]
pub struct Written {
    /// By whom.
    pub by: Uuid,
    /// The version that came of it.
    pub version: i64,
    /// What the row said; SHA-256.
    pub content: Vec<u8>,
}

/// What a row's act brought about.
#[derive(Debug, Default)]
pub struct Acted {
    /// The thing; nothing in check mode.
    pub id: Option<Uuid>,
    /// Its version.
    pub version: Option<i64>,
    /// What its sender should know beside.
    pub told: Vec<Text>,
}

impl From<Outcome> for Acted {
    fn from(outcome: Outcome) -> Self {
        let done = outcome.done().first();
        Self { id: done.map(|done| done.subject_id), version: done.map(|done| done.version), told: Vec::new() }
    }
}

pub use manifest_drafts::{content_of, values_of as draft_values};

/// What the rows of one file share.
pub struct Known {
    /// The lists of its columns.
    pub choices: Choices,
    /// The order in which a template shows what there is.
    pub order: Vec<Uuid>,
    /// What there is, by its id.
    pub present: HashMap<Uuid, Present>,
    /// The same by what makes a row what it is.
    pub by_identity: HashMap<String, Uuid>,
    /// Units that rows named, by code.
    pub units: HashMap<String, Option<Uuid>>,
}

impl Import {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::PlanFlows, Self::Vehicles, Self::ManifestDrafts];

    /// Its name in addresses, and that of its sheet.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.sheet().name
    }

    /// The kind of this name.
    ///
    /// # Errors
    /// 404.
    pub fn of(name: &str) -> Result<Self, Problem> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(Problem::not_found)
    }

    /// Its sheet.
    #[must_use]
    pub const fn sheet(self) -> &'static Sheet {
        match self {
            Self::PlanFlows => &plan_flows::SHEET,
            Self::Vehicles => &vehicles::SHEET,
            Self::ManifestDrafts => &manifest_drafts::SHEET,
        }
    }

    /// Who may send it in, for which unit. The acts ask again for each row; this keeps a file out that could do nothing.
    ///
    /// # Errors
    /// 403.
    pub fn unit_of(self, actor: &Actor) -> Result<Uuid, Problem> {
        let forbidden = || Problem::of(&kinds::FORBIDDEN);
        let unit = actor.unit.as_ref().filter(|unit| unit.kind == UnitKind::Enterprise).ok_or_else(forbidden)?;
        let roles: &[Role] = match self {
            Self::PlanFlows => &[Role::Clerk, Role::UnitAdmin],
            Self::Vehicles => &[Role::Clerk, Role::UnitAdmin, Role::Dispatcher],
            Self::ManifestDrafts => &[Role::Clerk, Role::Signatory],
        };
        if roles.iter().any(|role| actor.roles.has(*role)) { Ok(unit.id) } else { Err(forbidden()) }
    }

    /// What there is of this kind, and the lists of its columns.
    ///
    /// # Errors
    /// As the database.
    pub async fn known(self, conn: &mut AsyncPgConnection, unit: Uuid) -> Result<Known, Problem> {
        let (choices, present) = match self {
            Self::PlanFlows => plan_flows::known(conn, unit).await?,
            Self::Vehicles => vehicles::known(conn, unit).await?,
            Self::ManifestDrafts => manifest_drafts::known(conn, unit).await?,
        };
        let order = present.iter().map(|thing| thing.id).collect();
        let mut known = Known { choices, order, present: HashMap::new(), by_identity: HashMap::new(), units: HashMap::new() };
        for thing in present {
            known.put(self, thing);
        }
        Ok(known)
    }

    /// Values in the one spelling in which they are stored, so that they can be compared.
    pub fn tidy(self, values: &mut Map<String, Value>) {
        match self {
            Self::PlanFlows => hyphenate(values, "code"),
            Self::Vehicles => vehicles::tidy(values),
            Self::ManifestDrafts => hyphenate(values, "waste_code"),
        }
    }

    /// What makes a row what it is: two rows that agree in it mean one thing.
    #[must_use]
    pub fn identity(self, values: &Map<String, Value>) -> String {
        let columns = self.sheet().columns.iter().filter(|column| column.locked && column.required);
        columns.map(|column| values.get(column.key).map(Value::to_string).unwrap_or_default()).collect::<Vec<_>>().join("\u{1f}")
    }

    /// Does what a row says: states a new thing, or changes the one that it means.
    ///
    /// # Errors
    /// As the act; a cell that names what is not there.
    pub async fn act(
        self,
        call: &Call,
        actor: &Actor,
        known: &mut Known,
        values: &Map<String, Value>,
        of: Option<&Present>,
    ) -> Result<Acted, RowProblem> {
        match self {
            Self::PlanFlows => plan_flows::act(call, actor, known, values, of).await,
            Self::Vehicles => vehicles::act(call, actor, values, of).await,
            Self::ManifestDrafts => manifest_drafts::act(call, actor, values, of).await,
        }
    }

    /// The column that a member of an act's body comes from.
    #[must_use]
    pub fn column_of(self, pointer: &str) -> Option<&'static str> {
        // A row of a draft is a manifest of one line.
        let pointer = pointer.strip_prefix("/lines/0").filter(|rest| !rest.is_empty()).unwrap_or(pointer);
        let member = pointer.trim_start_matches('/').split('/').next().unwrap_or_default();
        let member = match (self, member) {
            (Self::PlanFlows, "receiver_id" | "receiver_site_id") => "receiver_uscc",
            (_, other) => other,
        };
        self.sheet().columns.iter().map(|column| column.key).find(|key| *key == member)
    }
}

impl Known {
    /// Takes note of a thing.
    pub fn put(&mut self, kind: Import, thing: Present) {
        self.by_identity.insert(kind.identity(&thing.values), thing.id);
        self.present.insert(thing.id, thing);
    }

    /// The thing that a row's values mean.
    #[must_use]
    pub fn meant(&self, kind: Import, values: &Map<String, Value>) -> Option<&Present> {
        self.by_identity.get(&kind.identity(values)).and_then(|id| self.present.get(id))
    }
}

/// Why a row did nothing.
pub enum RowProblem {
    /// A cell.
    Cell(RowFault),
    /// The act.
    Act(Box<Problem>),
}

impl From<Problem> for RowProblem {
    fn from(problem: Problem) -> Self {
        Self::Act(Box::new(problem))
    }
}

/// Eight digits are a waste code whose hyphens were lost.
fn hyphenate(values: &mut Map<String, Value>, key: &str) {
    if let Some(Value::String(code)) = values.get_mut(key)
        && code.len() == 8
        && code.bytes().all(|digit| digit.is_ascii_digit())
    {
        *code = format!("{}-{}-{}", &code[..3], &code[3..6], &code[6..]);
    }
}

/// The members of a body that are there.
fn body_of(values: &Map<String, Value>, members: &[&str]) -> Map<String, Value> {
    members.iter().filter_map(|key| Some(((*key).to_owned(), values.get(*key).filter(|value| !value.is_null())?.clone()))).collect()
}
