//! What a caller may do now (下一步), and what each act still lacks. Read from the act table, like policy itself.

use serde::Serialize;
use utoipa::ToSchema;

use super::store::Stored;
use super::table::{ACTS, Act, Relation, State};
use crate::identity::Roles;

/// An act that the caller may do now.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextAct {
    /// The act.
    pub act: Act,
    /// Its name on paper.
    pub name_zh: &'static str,
    /// Where to send it.
    pub path: String,
    /// For `If-Match`.
    pub version: i64,
    /// What it still lacks; empty when it can be done at once.
    pub lacks: Vec<&'static str>,
}

/// Every act possible in this state for these relations and roles.
#[must_use]
pub fn next(stored: &Stored, relations: &[Relation], roles: Roles, needs_official_no: bool) -> Vec<NextAct> {
    let record = &stored.record;
    ACTS.iter()
        .filter(|rule| rule.from.contains(&record.state) && rule.act.allows(relations, roles) && !stored.is_void)
        .filter(|rule| makes_sense(stored, rule.act))
        .map(|rule| NextAct {
            act: rule.act,
            name_zh: rule.zh,
            path: match (rule.act, record.assignment()) {
                // A weighing belongs to the vehicle's journey, not to one manifest.
                (Act::Weigh, Some(assignment)) => format!("/api/v1/trips/{}/weigh", assignment.trip_id),
                (act, _) => format!("/api/v1/manifests/{}/{}", record.id, act.as_str()),
            },
            version: stored.head.version,
            lacks: lacks(stored, rule.act, needs_official_no),
        })
        .collect()
}

/// Leaves out what the state allows but nothing calls for.
fn makes_sense(stored: &Stored, act: Act) -> bool {
    let record = &stored.record;
    let is_correction_open = stored.flags.contains(super::corrections::OPEN_FLAG);
    match act {
        Act::SendOn => !stored.flags.contains(super::store::SENT_ON) && record.verdict.as_ref().is_some_and(|verdict| verdict.refused_g() > 0),
        Act::SignLate => record.unsigned().next().is_some(),
        Act::Agree | Act::Disagree => is_correction_open,
        Act::Correct => !is_correction_open,
        Act::RecordOfficialNo => stored.official_no.is_none(),
        Act::Weigh => record.assignment().is_some() && record.state != State::Treated,
        _ => true,
    }
}

fn lacks(stored: &Stored, act: Act, needs_official_no: bool) -> Vec<&'static str> {
    let record = &stored.record;
    let mut lacks = Vec::new();
    if act == Act::Release {
        if record.assignment().is_none() {
            lacks.push("not-assigned");
        }
        if needs_official_no && stored.official_no.is_none() {
            lacks.push("official-number-missing");
        }
    }
    lacks
}
