//! The one act of the catalogue: a division sets a parameter. Subject with a chain: parameter.

use std::collections::BTreeMap;

use chrono::{Duration, NaiveDate};
use serde_json::json;
use uuid::Uuid;

use super::rules::{Form, form_of};
use super::store::{self, NewParameter};
use crate::evidence::{Head, NewEvent, Outcome, Tx};
use crate::identity::{Actor, Role, officer_sees, transact};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text, kinds};

/// Why a parameter cannot be set.
#[derive(Debug, thiserror::Error)]
pub enum ParameterRefusal {
    /// Nothing reads such a key.
    #[error("no such parameter")]
    UnknownParameter,
    /// The value has another form.
    #[error("the value must be {0:?}")]
    WrongValue(Form),
    /// No such node.
    #[error("no such division")]
    UnknownDivision,
    /// A category cannot be kept apart from itself.
    #[error("a pair of one category")]
    SameCategory,
    /// Before today, what was judged by the old value would look wrong; ten years on, it is a slip.
    #[error("the first day is past, or too far")]
    FromOutOfRange,
}

/// Kinds of problem of this room.
pub static KINDS: [Kind; 5] = [
    Kind::new(422, "unknown-parameter", "没有此参数", "There is no such parameter"),
    Kind::new(422, "parameter-value-wrong", "参数取值有误", "The parameter cannot have this value"),
    Kind::new(422, "unknown-division", "没有此行政区划", "There is no such division"),
    Kind::new(422, "parameter-from-out-of-range", "生效日期须在今日起十年之内", "The first day must lie between today and ten years on"),
    Kind::new(422, "same-category", "一对类别须为两个不同类别", "A pair must name two categories"),
];

impl Refusal for ParameterRefusal {
    fn kind(&self) -> &'static Kind {
        &KINDS[match self {
            Self::UnknownParameter => 0,
            Self::WrongValue(_) => 1,
            Self::UnknownDivision => 2,
            Self::FromOutOfRange => 3,
            Self::SameCategory => 4,
        }]
    }
    fn text(&self) -> Text {
        match self {
            Self::WrongValue(form) => {
                let (zh, en) = form.describe();
                Text::new(zh, en)
            }
            _ => Text::new(self.kind().zh, self.kind().en),
        }
    }
}

/// How far ahead a parameter may be set.
const FROM_AHEAD_MAX: Duration = Duration::days(3_660);

/// A parameter from a day on.
pub struct ParameterFacts {
    /// Which.
    pub key: String,
    /// Where, descendants included.
    pub division: String,
    /// First day.
    pub from_on: NaiveDate,
    /// Value.
    pub value: String,
    /// The decision it rests on.
    pub decided_by: String,
}

/// The subject of a parameter's chain: the same for one key and division in every installation.
#[must_use]
pub fn subject_of(key: &str, division: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("liandan/parameter/{key}/{division}").as_bytes())
}

/// Whether the actor decides what holds in a division: its authority's manager, or the platform's administrator.
///
/// # Errors
/// 403.
pub(super) async fn manages(conn: &mut diesel_async::AsyncPgConnection, actor: &Actor, division: &str) -> Result<(), Problem> {
    let is_manager = actor.roles.has(Role::Manager) && officer_sees(conn, actor, division).await?;
    if is_manager || actor.roles.has(Role::PlatformAdmin) { Ok(()) } else { Err(Problem::of(&kinds::FORBIDDEN)) }
}

/// Sets a parameter for a division and all below it, from today or a later day on.
///
/// # Errors
/// 403 unless a manager of the division or platform administrator; 428 and 412 once it was set before; all faults of
/// key, value, division and day together.
pub async fn set_parameter(call: &Call, actor: &Actor, facts: ParameterFacts) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        manages(tx.conn, actor, &facts.division).await?;
        let subject = subject_of(&facts.key, &facts.division);
        store::lock_parameter(tx.conn, subject).await?;
        let head = match tx.lock(subject).await {
            Err(problem) if problem.status == 404 => Head::NEW,
            other => other?,
        };
        if head.version > 0 || call.seen.is_some() {
            tx.seen(subject, &head).await?;
        }
        let mut refusals = Refusals::none();
        match form_of(&facts.key) {
            None => refusals.add("/key", ParameterRefusal::UnknownParameter),
            Some(form) if !form.takes(&facts.value) => refusals.add("/value", ParameterRefusal::WrongValue(form)),
            Some(_) => {}
        }
        if !store::division_exists(tx.conn, &facts.division).await? {
            refusals.add("/division", ParameterRefusal::UnknownDivision);
        }
        let now = tx.now();
        let today = legal_day(now);
        if facts.from_on < today || facts.from_on - today > FROM_AHEAD_MAX {
            refusals.add("/from_on", ParameterRefusal::FromOutOfRange);
        }
        refusals.or(())?;
        let before = store::parameter(tx.conn, &facts.key, &facts.division, facts.from_on).await?;
        let new = NewParameter {
            key: &facts.key,
            division: &facts.division,
            from_on: facts.from_on,
            value: &facts.value,
            decided_by: &facts.decided_by,
            event_seq: head.seq + 1,
        };
        store::set_parameter(tx.conn, &new).await?;
        let payload = json!({
            "key": facts.key, "division": facts.division, "from_on": facts.from_on, "value": facts.value, "decided_by": facts.decided_by,
            "value_before": before,
        });
        let event =
            NewEvent { subject_kind: "parameter", subject, act: "set_parameter", claimed_at: now, law: Vec::new(), sealed: BTreeMap::new(), payload };
        tx.append(&head, event).await?;
        Ok(())
    })
    .await
}
