//! An application for another province (跨省转移申请): its steps and their clocks. No clock and no I/O here.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use crate::catalogue::{MethodCode, WasteCode};
use crate::filing::rules::{ANSWER_WORKING_DAYS, COMPLETENESS_WORKING_DAYS, DECISION_WORKING_DAYS, OPINION_WORKING_DAYS};
use crate::platform::blobs::BlobHash;
use crate::platform::calendar::{Deadline, WorkingDays};
use crate::platform::mass::MassInput;
use crate::registry::{PaperNo, Sentence, Words};

/// What an authority did with an application, short of deciding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationStep {
    /// 补正告知: what is missing, told once.
    CompletenessNotice,
    /// 补正: what was missing is there.
    Supplemented,
    /// 受理.
    Accepted,
    /// 初审同意并发出商请函.
    Consulted,
    /// 接受地省级主管部门复函.
    Answered,
}

impl ApplicationStep {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CompletenessNotice => "completeness_notice",
            Self::Supplemented => "supplemented",
            Self::Accepted => "accepted",
            Self::Consulted => "consulted",
            Self::Answered => "answered",
        }
    }
}

/// An application as its unit states it.
///
/// Legal source: `decree_23_2021/22/para1`, `decree_23_2021/22/para2`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApplicationStatement {
    /// The site of the consignor.
    pub site_id: Uuid,
    /// Receiver.
    pub receiver_id: Uuid,
    /// Its site.
    pub receiver_site_id: Uuid,
    /// Waste.
    pub code: WasteCode,
    /// Method.
    pub method: MethodCode,
    /// Mass applied for.
    pub applied_g: MassInput,
    /// Day on which the application was handed in.
    pub applied_on: NaiveDate,
    /// First day of the period wished for.
    pub wished_from: NaiveDate,
    /// Last day of the period wished for.
    pub wished_until: NaiveDate,
    /// Last day of the receiver's licence, from the copy in the application.
    pub licence_valid_to: NaiveDate,
    /// Papers: form, copy of the licence, statement of the method, contract or letter of intent.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub attachments: Vec<BlobHash>,
}

/// A step as somebody records it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationStepStatement)]
pub struct StepStatement {
    /// Which.
    pub step: ApplicationStep,
    /// When it happened.
    pub happened_on: NaiveDate,
    /// 文号.
    #[serde(default)]
    pub number: Option<PaperNo>,
    /// What it says: what is missing, what was answered.
    #[serde(default)]
    pub says: Option<Words<2, 2_000>>,
    /// Papers.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub attachments: Vec<BlobHash>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ApplicationDecision)]
pub enum Decision {
    /// 批准.
    Approved,
    /// 不予批准.
    Refused,
}

/// A decision on an application.
///
/// Legal source: `decree_23_2021/26`, `decree_23_2021/27/para1`.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApplicationDecisionStatement)]
pub struct DecisionStatement {
    /// Approved or refused.
    pub decision: Decision,
    /// 批准文号, or the number of the refusal.
    pub decision_no: PaperNo,
    /// Day of the decision.
    pub decided_on: NaiveDate,
    /// Mass approved; what was applied for without it.
    #[serde(default)]
    pub approved_g: Option<MassInput>,
    /// Why it was refused; needed then.
    #[serde(default)]
    pub reasons: Option<Words<2, 2_000>>,
    /// Papers.
    #[serde(default)]
    #[schema(max_items = 20)]
    pub attachments: Vec<BlobHash>,
}

/// Why an application is taken back.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = WithdrawApplication)]
pub struct WithdrawStatement {
    /// In words.
    pub reason: Sentence,
}

/// A step of the law with its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ApplicationClockStep)]
pub enum ClockStep {
    /// Telling what is missing, or accepting.
    Completeness,
    /// First opinion, with the letter to the other province.
    Opinion,
    /// The other province's answer.
    Answer,
    /// The decision.
    Decision,
}

/// How a step stands to its time limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ApplicationClockState)]
pub enum ClockState {
    /// There is time.
    Running,
    /// Done in time.
    Kept,
    /// Done, or still open, after its last day.
    Late,
    /// The last day may still move: the calendar of its year is not published.
    Unknown,
}

/// A time limit of the procedure, as a fact: nothing here binds an authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = ApplicationClock)]
pub struct Clock {
    /// Which step.
    pub step: ClockStep,
    /// From which day it is counted, that day not included.
    pub counted_from: NaiveDate,
    /// Last day.
    pub due_on: NaiveDate,
    /// The last day may still move.
    pub is_provisional: bool,
    /// When it was done.
    pub done_on: Option<NaiveDate>,
    /// How it stands.
    pub state: ClockState,
}

/// The steps that an application went through, each with its day; of several of a kind the last.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steps {
    /// 补正告知.
    pub noticed_on: Option<NaiveDate>,
    /// 受理.
    pub accepted_on: Option<NaiveDate>,
    /// 商请函.
    pub consulted_on: Option<NaiveDate>,
    /// 复函.
    pub answered_on: Option<NaiveDate>,
    /// The decision.
    pub decided_on: Option<NaiveDate>,
}

fn clock(step: ClockStep, from: NaiveDate, deadline: Deadline, done_on: Option<NaiveDate>, today: NaiveDate) -> Clock {
    let is_past = done_on.unwrap_or(today) > deadline.last_day;
    let state = match (is_past, deadline.provisional, done_on) {
        (true, true, _) => ClockState::Unknown,
        (true, false, _) => ClockState::Late,
        (false, _, Some(_)) => ClockState::Kept,
        (false, _, None) => ClockState::Running,
    };
    Clock { step, counted_from: from, due_on: deadline.last_day, is_provisional: deadline.provisional, done_on, state }
}

/// The day on which an application counts as accepted: as told, else the day it came where nothing was told in time.
///
/// Legal source: `decree_23_2021/23`.
#[must_use]
pub fn accepted_on(applied_on: NaiveDate, steps: &Steps, calendar: &WorkingDays, today: NaiveDate) -> Option<NaiveDate> {
    let due = calendar.add_working_days(applied_on, *COMPLETENESS_WORKING_DAYS.on(applied_on)).last_day;
    let was_told = steps.noticed_on.is_some_and(|told| told <= due);
    steps.accepted_on.or_else(|| (!was_told && today > due).then_some(applied_on))
}

/// The time limits of the procedure as far as it has come.
///
/// Legal source: `decree_23_2021/23`, `decree_23_2021/24`, `decree_23_2021/25`, `decree_23_2021/26`.
#[must_use]
pub fn clocks(applied_on: NaiveDate, steps: &Steps, calendar: &WorkingDays, today: NaiveDate) -> Vec<Clock> {
    let mut all = Vec::new();
    let mut add = |step, from: NaiveDate, days: u32, done_on: Option<NaiveDate>| {
        all.push(clock(step, from, calendar.add_working_days(from, days), done_on, today));
    };
    let told_on = match (steps.noticed_on, steps.accepted_on) {
        (Some(noticed), Some(accepted)) => Some(noticed.min(accepted)),
        (one, other) => one.or(other),
    };
    add(ClockStep::Completeness, applied_on, *COMPLETENESS_WORKING_DAYS.on(applied_on), told_on);
    // A refusal ends the procedure at any step.
    if let Some(accepted) = accepted_on(applied_on, steps, calendar, today) {
        add(ClockStep::Opinion, accepted, *OPINION_WORKING_DAYS.on(accepted), steps.consulted_on.or(steps.decided_on));
    }
    if let Some(consulted) = steps.consulted_on {
        add(ClockStep::Answer, consulted, *ANSWER_WORKING_DAYS.on(consulted), steps.answered_on.or(steps.decided_on));
    }
    if let Some(answered) = steps.answered_on {
        add(ClockStep::Decision, answered, *DECISION_WORKING_DAYS.on(answered), steps.decided_on);
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn calendar() -> WorkingDays {
        WorkingDays::new([], [2026, 2027])
    }

    fn told(steps: &Steps, today: &str) -> Vec<(ClockStep, String, ClockState)> {
        // Monday 2 November 2026.
        clocks(day("2026-11-02"), steps, &calendar(), day(today)).into_iter().map(|one| (one.step, one.due_on.to_string(), one.state)).collect()
    }

    #[test]
    fn silence_accepts_an_application_on_the_day_it_came() {
        let none = Steps::default();
        assert_eq!(told(&none, "2026-11-09"), [(ClockStep::Completeness, "2026-11-09".into(), ClockState::Running)]);
        assert_eq!(
            told(&none, "2026-11-10"),
            [(ClockStep::Completeness, "2026-11-09".into(), ClockState::Late), (ClockStep::Opinion, "2026-11-09".into(), ClockState::Late)]
        );
        let noticed = Steps { noticed_on: Some(day("2026-11-09")), ..none };
        assert_eq!(
            told(&noticed, "2026-11-30"),
            [(ClockStep::Completeness, "2026-11-09".into(), ClockState::Kept)],
            "what is missing was told in time"
        );
        let too_late = Steps { noticed_on: Some(day("2026-11-10")), ..none };
        assert_eq!(told(&too_late, "2026-11-10").len(), 2);
    }

    #[test]
    fn each_step_starts_the_next_clock() {
        let mut steps = Steps { accepted_on: Some(day("2026-11-04")), consulted_on: Some(day("2026-11-11")), ..Steps::default() };
        let expected = [
            (ClockStep::Completeness, "2026-11-09".to_owned(), ClockState::Kept),
            (ClockStep::Opinion, "2026-11-11".to_owned(), ClockState::Kept),
            (ClockStep::Answer, "2026-11-25".to_owned(), ClockState::Running),
        ];
        assert_eq!(told(&steps, "2026-11-25"), expected);
        assert_eq!(told(&steps, "2026-11-26")[2].2, ClockState::Late);
        steps.answered_on = Some(day("2026-11-20"));
        steps.decided_on = Some(day("2026-11-30"));
        assert_eq!(told(&steps, "2026-12-01")[3], (ClockStep::Decision, "2026-11-27".into(), ClockState::Late));
    }

    #[test]
    fn nobody_is_late_for_a_day_that_may_move() {
        let unpublished = WorkingDays::new([], []);
        let one = &clocks(day("2026-11-02"), &Steps::default(), &unpublished, day("2026-11-20"))[0];
        assert_eq!((one.is_provisional, one.state), (true, ClockState::Unknown));
    }
}
