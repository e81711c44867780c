//! What a caller may do now (下一步), and what each act still lacks. Read from the act table, like policy itself.

use serde::Serialize;
use utoipa::ToSchema;

use super::corrections::Say;
use super::policy::Standing;
use super::store::Stored;
use super::table::{ACTS, Act, NOT_RECEIVED, State};
use super::work;
use crate::platform::lang::Lang;

/// An act that the caller may do now.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextAct {
    /// The act.
    pub act: Act,
    /// Its name, in the caller's language.
    pub name: &'static str,
    /// Where to send it.
    pub path: String,
    /// For `If-Match`.
    pub version: i64,
    /// What it still lacks; empty when it can be done at once.
    pub lacks: Vec<&'static str>,
}

/// What the caller may do now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Next {
    /// The acts.
    pub next: Vec<NextAct>,
    /// Why so little is open, where that is not seen from the state.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub note: Option<Note>,
}

/// A sentence in both languages.
#[derive(Debug, Serialize, ToSchema)]
pub struct Note {
    /// In Chinese.
    #[serde(rename = "zh-CN")]
    pub zh: &'static str,
    /// In English.
    pub en: &'static str,
}

const VOID: Note = Note {
    zh: "联单已作废：仅可如实记录在途货物的事实（到达、入厂、确认、事故等）和更正，不再启动新的操作",
    en: "The manifest is void: what happens to a load on the road is still recorded (arrival, receipt, verdict, incidents) and may be corrected, but nothing new is set going",
};

/// What waits for the caller beside the state.
pub struct Asked {
    /// What he may say to an open correction.
    pub say: Say,
    /// Whether an incident waits for him.
    pub incident: bool,
}

/// Every act possible in this state for this caller.
#[must_use]
pub fn next(stored: &Stored, standing: &Standing, asked: Asked, needs_official_no: bool, lang: Lang) -> Next {
    let record = &stored.record;
    let next = ACTS
        .iter()
        .filter(|rule| rule.from.contains(&record.state) && standing.allows(stored, rule.act))
        .filter(|rule| !stored.is_void || work::is_open_when_void(rule.act))
        .filter(|rule| makes_sense(stored, &asked, rule.act))
        .map(|rule| NextAct {
            act: rule.act,
            name: rule.name(lang),
            path: match (rule.act, record.assignment()) {
                // A weighing belongs to the vehicle's journey, not to one manifest.
                (Act::Weigh, Some(assignment)) => format!("/api/v1/trips/{}/weigh", assignment.trip_id),
                (act, _) => format!("/api/v1/manifests/{}/{}", record.id, act.as_str()),
            },
            version: stored.head.version,
            lacks: lacks(stored, standing, rule.act, needs_official_no),
        })
        .collect();
    Next { next, note: stored.is_void.then_some(VOID) }
}

/// Leaves out what the state allows but nothing calls for.
fn makes_sense(stored: &Stored, asked: &Asked, act: Act) -> bool {
    let record = &stored.record;
    let is_correction_open = stored.flags.contains(super::corrections::OPEN_FLAG);
    match act {
        Act::SendOn => !stored.flags.contains(super::store::SENT_ON) && record.verdict.as_ref().is_some_and(|verdict| verdict.refused_g() > 0),
        Act::SignLate => record.unsigned().next().is_some(),
        Act::TurnBack if record.is_turned_back() => !stored.flags.contains(super::store::SENT_ON),
        Act::TurnBack => record.state == State::InTransit && stored.flags.contains(NOT_RECEIVED.kind.code),
        Act::Agree => asked.say.agree,
        Act::Disagree => asked.say.disagree,
        Act::AcknowledgeIncident => asked.incident,
        Act::Correct => !is_correction_open,
        Act::RecordOfficialNo => stored.official_no.is_none(),
        Act::Weigh => record.assignment().is_some() && record.state != State::Treated,
        _ => true,
    }
}

fn lacks(stored: &Stored, standing: &Standing, act: Act, needs_official_no: bool) -> Vec<&'static str> {
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
    if standing.is_by_proxy(stored, act) {
        lacks.push("proxy-source-missing");
    }
    lacks
}
