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
    /// How to send it: `POST`.
    pub method: &'static str,
    /// Where to send it.
    pub path: String,
    /// For `If-Match`.
    pub version: i64,
    /// What it still lacks; empty when it can be done at once.
    pub lacks: Vec<&'static str>,
}

/// Several acts that the caller may do now in one request, all or nothing.
#[derive(Debug, Serialize, ToSchema)]
pub struct NextTogether {
    /// `load` (装车交接) or `gate` (入厂一次办理).
    pub together: &'static str,
    /// Its name, in the caller's language.
    pub name: &'static str,
    /// How to send it: `POST`.
    pub method: &'static str,
    /// Where to send it.
    pub path: String,
    /// For `If-Match`.
    pub version: i64,
    /// What the body may hold, in the order in which it is done.
    pub body: Vec<Member>,
    /// What it still lacks; empty when it can be done at once.
    pub lacks: Vec<&'static str>,
}

/// A member of the body of several acts in one request.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
pub struct Member {
    /// Its key; that of an act's own body has the act's name.
    pub member: &'static str,
    /// Whether it must be there.
    pub is_required: bool,
    /// What it is, in the caller's language.
    pub what: &'static str,
}

/// What the caller may do now.
#[derive(Debug, Serialize, ToSchema)]
pub struct Next {
    /// The acts.
    pub next: Vec<NextAct>,
    /// Several of them in one request.
    pub together: Vec<NextTogether>,
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
    /// Whether a reported discrepancy waits for him.
    pub discrepancy: bool,
}

/// Every act possible in this state for this caller.
#[must_use]
pub fn next(stored: &Stored, standing: &Standing, asked: Asked, needs_official_no: bool, lang: Lang) -> Next {
    let record = &stored.record;
    let next = ACTS
        .iter()
        .filter(|rule| is_open(stored, standing, rule.act) && makes_sense(stored, &asked, rule.act))
        .map(|rule| NextAct {
            act: rule.act,
            name: rule.name(lang),
            method: "POST",
            path: match (rule.act, record.assignment()) {
                // A weighing belongs to the vehicle's journey, not to one manifest.
                (Act::Weigh, Some(assignment)) => format!("/api/v1/trips/{}/weigh", assignment.trip_id),
                (act, _) => path_of(stored, act.as_str()),
            },
            version: stored.head.version,
            lacks: lacks(stored, standing, rule.act, needs_official_no),
        })
        .collect();
    let together = [load(stored, standing, needs_official_no, lang), gate(stored, standing, needs_official_no, lang)];
    Next { next, together: together.into_iter().flatten().collect(), note: stored.is_void.then_some(VOID) }
}

/// Whether state and rights allow an act now.
fn is_open(stored: &Stored, standing: &Standing, act: Act) -> bool {
    act.rule().from.contains(&stored.record.state) && standing.allows(stored, act) && (!stored.is_void || work::is_open_when_void(act))
}

const fn pick(lang: Lang, zh: &'static str, en: &'static str) -> &'static str {
    match lang {
        Lang::ZhCn => zh,
        Lang::En => en,
    }
}

fn path_of(stored: &Stored, verb: &str) -> String {
    format!("/api/v1/manifests/{}/{verb}", stored.record.id)
}

/// Release and take over at the loading place. The second act is the driver's, who brings his own token.
fn load(stored: &Stored, standing: &Standing, needs_official_no: bool, lang: Lang) -> Option<NextTogether> {
    if !is_open(stored, standing, Act::Release) {
        return None;
    }
    let needed = |member, zh, en| Member { member, is_required: true, what: pick(lang, zh, en) };
    Some(NextTogether {
        together: "load",
        name: pick(lang, "装车交接（交付、接运一次办理）", "Load: release and take over in one request"),
        method: "POST",
        path: path_of(stored, "load"),
        version: stored.head.version,
        body: vec![
            needed("release", "交付，内容同 release", "The release, as the body of release"),
            needed("take_over", "接运，内容同 take_over，由驾驶员签字", "The take-over, as the body of take_over; the driver signs it"),
            needed("driver_token", "驾驶员在本机登录取得的 access_token", "The access token of the driver, who has logged in on this device"),
        ],
        lacks: lacks(stored, standing, Act::Release, needs_official_no),
    })
}

/// Arrive, weigh, receive and confirm at the gate, as far as the caller may; it is offered where that is more than one act.
fn gate(stored: &Stored, standing: &Standing, needs_official_no: bool, lang: Lang) -> Option<NextTogether> {
    if !is_open(stored, standing, Act::Receive) {
        return None;
    }
    let may = |act| standing.allows(stored, act);
    let member = |member, is_required, zh, en| Member { member, is_required, what: pick(lang, zh, en) };
    let body: Vec<Member> = [
        (is_open(stored, standing, Act::Arrive)).then(|| {
            member(
                "arrive",
                false,
                "到达；驾驶员可凭 driver_code 签字，否则由门岗登记",
                "The arrival; the driver signs by his driver_code, else the gate tells of it",
            )
        }),
        (may(Act::Weigh) && stored.record.assignment().is_some())
            .then(|| member("weigh", false, "过磅，内容同 weigh", "The weighing, as the body of weigh")),
        Some(member("receive", true, "入厂，内容同 receive，可为 {}", "The receipt, as the body of receive; {} will do")),
        may(Act::Confirm).then(|| member("confirm", false, "确认接受，内容同 confirm，可为 {}", "The verdict, as the body of confirm; {} will do")),
    ]
    .into_iter()
    .flatten()
    .collect();
    (body.len() > 1).then(|| NextTogether {
        together: "gate",
        name: pick(lang, "入厂一次办理（到达、过磅、入厂、确认）", "Gate: arrive, weigh, receive and confirm in one request"),
        method: "POST",
        path: path_of(stored, "gate"),
        version: stored.head.version,
        body,
        lacks: lacks(stored, standing, Act::Receive, needs_official_no),
    })
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
        Act::ReportDiscrepancy => super::discrepancies::is_unreported(stored),
        Act::AcknowledgeDiscrepancy => asked.discrepancy,
        Act::RecordTreatment | Act::CheckFate => !record.is_return(),
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
