//! States and transitions (联单状态机). A struct per state, so that a transition exists exactly where the law has it.
//! No clock, no database, no policy here: who may do it was decided before.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::parts::{
    Assignment, Basis, Consignment, Decision, HandOver, PartName, Party, Receipt, ReceivedLine, Release, ReleasedLine, RoadStep, Skipped, Treatment,
    Verdict,
};
use super::refusal::DomainRefusal;
use super::table::{Act, State};
use crate::platform::problem::{Problem, Refusals, Text, kinds};

/// Everything that was sealed so far, current revisions only.
#[derive(Debug, Clone)]
pub struct Record {
    /// The manifest.
    pub id: Uuid,
    /// Where it stands.
    pub state: State,
    /// 移出信息.
    pub consignment: Consignment,
    /// 派车信息 by leg.
    pub assignments: BTreeMap<i32, Assignment>,
    /// 交付 of leg 1.
    pub release: Option<Release>,
    /// 接运 by leg.
    pub take_overs: BTreeMap<i32, RoadStep>,
    /// 换车 by the leg that ended.
    pub hand_overs: BTreeMap<i32, HandOver>,
    /// 到达 by leg.
    pub arrivals: BTreeMap<i32, RoadStep>,
    /// 入厂.
    pub receipt: Option<Receipt>,
    /// 接受人意见.
    pub verdict: Option<Verdict>,
    /// 利用处置.
    pub treatments: Vec<Treatment>,
    /// Current revision of each part.
    pub revisions: BTreeMap<(PartName, i32), i32>,
}

impl Record {
    /// A new manifest.
    #[must_use]
    pub fn new(id: Uuid, consignment: Consignment) -> Self {
        Self {
            id,
            state: State::Issued,
            consignment,
            assignments: BTreeMap::new(),
            release: None,
            take_overs: BTreeMap::new(),
            hand_overs: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            receipt: None,
            verdict: None,
            treatments: Vec::new(),
            revisions: BTreeMap::new(),
        }
    }
    /// The leg on which the load is, or which is offered: 1 before the first take-over.
    #[must_use]
    pub fn leg(&self) -> i32 {
        let ended = self.hand_overs.keys().max().copied().unwrap_or(0);
        ended + 1
    }
    /// The assignment of the present leg.
    #[must_use]
    pub fn assignment(&self) -> Option<&Assignment> {
        self.assignments.get(&self.leg())
    }
    /// Who gave, or gives, the load on the present leg: the carrier of the leg before, first of all whoever it leaves.
    #[must_use]
    pub fn giver_id(&self) -> Uuid {
        self.assignments.get(&(self.leg() - 1)).map_or(self.consignment.departure().unit_id, |giving| giving.carrier.unit_id)
    }
    /// Everybody named on it, the present leg's carrier first.
    pub fn everybody(&self) -> impl Iterator<Item = &Party> {
        let consignment = &self.consignment;
        let holder = consignment.link.as_ref().map(|link| &link.holder);
        let carriers = self.assignments.values().rev().map(|assignment| &assignment.carrier);
        carriers.chain([&consignment.carrier, &consignment.receiver]).chain(holder).chain([&consignment.consignor])
    }
    /// Who enters what a unit outside the system owes (代录): the consignor, else the receiver, else the holder, whoever logs
    /// in here.
    #[must_use]
    pub fn partner(&self) -> Option<Uuid> {
        let consignment = &self.consignment;
        let holder = consignment.link.as_ref().map(|link| &link.holder);
        let partners = [&consignment.consignor, &consignment.receiver].into_iter().chain(holder);
        partners.into_iter().find(|party| !party.is_external).map(|party| party.unit_id)
    }
    /// The unit that does what another owes: itself, or its partner where nobody logs in for it.
    #[must_use]
    pub fn on_behalf(&self, unit: Uuid) -> Uuid {
        let is_external = self.everybody().any(|party| party.unit_id == unit && party.is_external);
        self.partner().filter(|_| is_external).unwrap_or(unit)
    }
    /// The carrier of the present leg.
    #[must_use]
    pub fn carrier_id(&self) -> Uuid {
        self.assignment().map_or(self.consignment.carrier.unit_id, |assignment| assignment.carrier.unit_id)
    }
    /// Mass of a line that left, or that was declared where nothing was released. Unit: grams.
    #[must_use]
    pub fn moved_g(&self, line: i32) -> i64 {
        let released = self.release.as_ref().and_then(|release| release.lines.iter().find(|one| one.line == line)).map(|one| one.released_g.get());
        released.or_else(|| self.consignment.line(line).map(|line| line.declared_g.get())).unwrap_or(0)
    }
    /// Whether the load is on the road, or was: from the first take-over on, or the receipt where that was skipped.
    #[must_use]
    pub fn has_left(&self) -> bool {
        !matches!(self.state, State::Issued | State::Offered) || !self.take_overs.is_empty()
    }
    /// Whether it carries refused mass back to its generator: once confirmed it is in his own store, and nobody owes a
    /// treatment under this manifest.
    #[must_use]
    pub fn is_return(&self) -> bool {
        self.consignment.link.as_ref().is_some_and(|link| link.kind == super::parts::LinkKind::Return)
    }
    /// Accepted mass of a line. Unit: grams.
    #[must_use]
    pub fn accepted_g(&self, line: i32) -> i64 {
        self.verdict.as_ref().and_then(|verdict| verdict.lines.iter().find(|one| one.line == line)).map_or(0, |one| one.accepted_g.get())
    }
    /// Treated mass of a line. Unit: grams.
    #[must_use]
    pub fn treated_g(&self, line: i32) -> i64 {
        self.treatments.iter().filter(|one| one.line == line).map(|one| one.treated_g.get()).sum()
    }
    /// Whether all that was accepted is treated.
    #[must_use]
    pub fn is_all_treated(&self) -> bool {
        self.consignment.lines.iter().all(|line| self.treated_g(line.line) >= self.accepted_g(line.line))
    }
    /// Whether the load was turned back on the road: it ended refused without ever having been in.
    #[must_use]
    pub fn is_turned_back(&self) -> bool {
        self.state == State::Refused && self.receipt.is_none()
    }
    /// Signatures that were skipped and not given since. The sealed receipt keeps the whole list for ever.
    pub fn unsigned(&self) -> impl Iterator<Item = &Skipped> {
        self.receipt.iter().flat_map(|receipt| &receipt.skipped).filter(|skipped| match skipped.act.as_str() {
            "release" => self.release.is_none(),
            "take_over" => !self.take_overs.contains_key(&skipped.leg_no),
            "arrive" => !self.arrivals.contains_key(&skipped.leg_no),
            _ => true,
        })
    }
    fn code(&self, line: i32) -> bool {
        self.consignment.line(line).is_some()
    }
}

/// 已提交.
pub struct Issued(Record);
/// 已交付待接运.
pub struct Offered(Record);
/// 运输中.
pub struct InTransit(Record);
/// 已到达.
pub struct Arrived(Record);
/// 已入厂待确认.
pub struct Received {
    record: Record,
    receipt: Receipt,
}
/// 已确认, in whole or in part.
pub struct Decided {
    record: Record,
    verdict: Verdict,
}

/// A manifest before its receipt, in whatever state: the receiver never waits for a missing signature.
pub struct BeforeReceipt(Record);

macro_rules! states { ($($fn:ident $type:ident $state:ident;)*) => { $(
    impl Record {
        /// The manifest in this state.
        ///
        /// # Errors
        /// 409 `wrong-state` in any other.
        pub fn $fn(self, act: Act) -> Result<$type, Problem> {
            if self.state == State::$state { Ok($type(self)) } else { Err(self.wrong_state(act)) }
        }
    }
    impl From<$type> for Record {
        fn from(state: $type) -> Self { state.0 }
    }
)* } }
states! {
    issued Issued Issued;
    offered Offered Offered;
    in_transit InTransit InTransit;
    arrived Arrived Arrived;
}

impl Record {
    /// 409 with the state and where the act would be possible.
    #[must_use]
    pub fn wrong_state(&self, act: Act) -> Problem {
        let possible: Vec<&str> = act.rule().from.iter().map(|state| state.as_str()).collect();
        let detail = Text::new(
            format!("联单状态为 {}，{} 只能在 {} 状态进行", self.state.as_str(), act.rule().zh, possible.join("、")),
            format!("The manifest is {}; {} is possible in {}", self.state.as_str(), act.as_str(), possible.join(", ")),
        );
        Problem::new(&kinds::WRONG_STATE, detail).with("state", self.state.as_str().into())
    }

    /// The manifest before its receipt.
    ///
    /// # Errors
    /// 409 after it.
    pub fn before_receipt(self, act: Act) -> Result<BeforeReceipt, Problem> {
        if matches!(self.state, State::Issued | State::Offered | State::InTransit | State::Arrived) {
            Ok(BeforeReceipt(self))
        } else {
            Err(self.wrong_state(act))
        }
    }
    /// The manifest with its receipt, undecided.
    ///
    /// # Errors
    /// 409 in any other state.
    pub fn received(self, act: Act) -> Result<Received, Problem> {
        match (self.state, self.receipt.clone()) {
            (State::Received, Some(receipt)) => Ok(Received { record: self, receipt }),
            _ => Err(self.wrong_state(act)),
        }
    }
    /// The manifest with its verdict, something accepted and not all treated.
    ///
    /// # Errors
    /// 409 in any other state.
    pub fn decided(self, act: Act) -> Result<Decided, Problem> {
        match (self.state, self.verdict.clone()) {
            (State::Confirmed | State::PartlyConfirmed, Some(verdict)) => Ok(Decided { record: self, verdict }),
            _ => Err(self.wrong_state(act)),
        }
    }
}

/// Names each line that is unknown, double or missing.
fn check_lines<'a>(record: &Record, lines: impl Iterator<Item = i32> + 'a, all: bool) -> Refusals<DomainRefusal> {
    let mut refusals = Refusals::none();
    let mut seen = Vec::new();
    for (index, line) in lines.enumerate() {
        if !record.code(line) {
            refusals.add(format!("/lines/{index}/line"), DomainRefusal::UnknownLine { line });
        } else if seen.contains(&line) {
            refusals.add(format!("/lines/{index}/line"), DomainRefusal::LineTwice { line });
        }
        seen.push(line);
    }
    if all {
        for line in record.consignment.lines.iter().filter(|line| !seen.contains(&line.line)) {
            refusals.add("/lines", DomainRefusal::LineMissing { line: line.line });
        }
    }
    refusals
}

impl Issued {
    /// The consignor gives: weighed masses and containers. The vehicle must be named by then.
    ///
    /// # Errors
    /// All refusals together.
    pub fn release(self, release: Release) -> Result<Offered, Refusals<DomainRefusal>> {
        let mut record = self.0;
        let mut refusals = check_lines(&record, release.lines.iter().map(|line| line.line), true);
        refusals.extend(check_containers(&release.lines));
        if record.assignment().is_none() {
            refusals.add("", DomainRefusal::NotAssigned { leg_no: record.leg() });
        }
        record.state = State::Offered;
        record.release = Some(release);
        refusals.or(Offered(record))
    }

    /// Takes it back before anything left.
    #[must_use]
    pub fn cancel(self) -> Record {
        Record { state: State::Cancelled, ..self.0 }
    }
}

/// What must hold of released lines, at the release and after a correction of it.
pub(super) fn check_containers(lines: &[ReleasedLine]) -> Refusals<DomainRefusal> {
    let mut refusals = Refusals::none();
    let mut seen = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        if line.released_g.get() == 0 {
            refusals.add(format!("/lines/{index}/released_g"), DomainRefusal::NothingReleased { line: line.line });
        }
        for (place, container) in line.containers.iter().enumerate() {
            if seen.contains(&&container.code) {
                refusals.add(format!("/lines/{index}/containers/{place}/code"), DomainRefusal::ContainerTwice { code: container.code.clone() });
            }
            seen.push(&container.code);
        }
        let containers_g: i64 = line.containers.iter().map(|container| container.mass_g.get()).sum();
        if line.basis == Basis::Containers && containers_g != line.released_g.get() {
            let refusal = DomainRefusal::ContainersDoNotAddUp { line: line.line, containers_g, line_g: line.released_g.get() };
            refusals.add(format!("/lines/{index}/released_g"), refusal);
        }
    }
    refusals
}

impl Offered {
    /// The driver takes: the plate must be the one assigned.
    ///
    /// # Errors
    /// All refusals together.
    pub fn take_over(self, step: RoadStep) -> Result<InTransit, Refusals<DomainRefusal>> {
        let mut record = self.0;
        let mut refusals = Refusals::none();
        match record.assignment() {
            None => refusals.add("", DomainRefusal::NotAssigned { leg_no: record.leg() }),
            Some(assignment) if assignment.plate != step.plate => {
                refusals.add("/plate", DomainRefusal::PlateDiffers { seen: step.plate.to_string(), assigned: assignment.plate.to_string() });
            }
            Some(_) => {}
        }
        record.take_overs.insert(step.leg_no, step);
        record.state = State::InTransit;
        refusals.or(InTransit(record))
    }

    /// Back to the giver: withdrawn, or refused by the driver.
    #[must_use]
    pub fn back_to_giver(self) -> Record {
        let mut record = self.0;
        if record.leg() == 1 {
            record.release = None;
            record.state = State::Issued;
        } else {
            let giving = record.leg() - 1;
            record.hand_overs.remove(&giving);
            record.assignments.remove(&(giving + 1));
            record.state = State::InTransit;
        }
        record
    }
}

/// Legs of one manifest. Ten is more than any journey seen, and bounds a document.
pub const LEGS_MAX: i32 = 10;

impl InTransit {
    /// The load goes to another vehicle; the next driver takes it over.
    ///
    /// # Errors
    /// `too-many-legs`.
    pub fn hand_over(self, hand_over: HandOver, next: Assignment) -> Result<Offered, Refusals<DomainRefusal>> {
        let mut record = self.0;
        if record.leg() >= LEGS_MAX {
            return Err(DomainRefusal::TooManyLegs.into());
        }
        record.hand_overs.insert(hand_over.leg_no, hand_over);
        record.assignments.insert(next.leg_no, next);
        record.state = State::Offered;
        Ok(Offered(record))
    }

    /// The receiver turned the load away: this manifest ends, and the load goes on under a linked one.
    #[must_use]
    pub fn turn_back(self) -> Record {
        Record { state: State::Refused, ..self.0 }
    }

    /// At the receiver's gate.
    #[must_use]
    pub fn arrive(self, step: RoadStep) -> Arrived {
        let mut record = self.0;
        record.arrivals.insert(step.leg_no, step);
        record.state = State::Arrived;
        Arrived(record)
    }
}

impl Arrived {
    /// The gate stays shut: the load is on the road again.
    #[must_use]
    pub fn turn_away(self) -> Record {
        Record { state: State::InTransit, ..self.0 }
    }
}

impl BeforeReceipt {
    /// Signatures that the receiver does not wait for.
    #[must_use]
    pub fn missing(&self, reason: &str) -> Vec<Skipped> {
        let record = &self.0;
        let leg_no = record.leg();
        let mut missing = Vec::new();
        let mut skip = |act: Act, unit_id| missing.push(Skipped { act: act.as_str().to_owned(), leg_no, unit_id, reason: reason.to_owned() });
        let carrier = record.carrier_id();
        if record.state == State::Issued {
            skip(Act::Release, record.consignment.departure().unit_id);
        }
        if matches!(record.state, State::Issued | State::Offered) {
            skip(Act::TakeOver, carrier);
        }
        if matches!(record.state, State::Issued | State::Offered | State::InTransit) {
            skip(Act::Arrive, carrier);
        }
        missing
    }

    /// The load is in.
    ///
    /// # Errors
    /// All refusals together.
    pub fn receive(self, receipt: Receipt) -> Result<Received, Refusals<DomainRefusal>> {
        let mut record = self.0;
        let refusals = check_lines(&record, receipt.lines.iter().map(|line| line.line), true);
        record.receipt = Some(receipt.clone());
        record.state = State::Received;
        refusals.or(Received { record, receipt })
    }
}

impl Received {
    /// The receipt.
    #[must_use]
    pub fn receipt(&self) -> &Receipt {
        &self.receipt
    }
    /// The record.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }
    /// A line as it came in.
    #[must_use]
    pub fn weighed(&self, line: i32) -> Option<&ReceivedLine> {
        self.receipt.lines.iter().find(|one| one.line == line)
    }

    /// The receiver decides on what came: all, part or none of each line.
    ///
    /// A fact act: lateness, a difference from the declared mass or a full licence never refuse it
    /// (`decree_23_2021/18`); they become flags.
    ///
    /// # Errors
    /// All refusals together.
    pub fn confirm(self, verdict: Verdict) -> Result<Decided, Refusals<DomainRefusal>> {
        let mut record = self.record;
        let mut refusals = check_lines(&record, verdict.lines.iter().map(|line| line.line), true);
        for (index, line) in verdict.lines.iter().enumerate() {
            let (accepted_g, weighed_g) = (line.accepted_g.get(), line.weighed_g.get());
            if accepted_g > weighed_g {
                let refusal = DomainRefusal::AcceptedExceedsWeighed { line: line.line, accepted_g, weighed_g };
                refusals.add(format!("/lines/{index}/accepted_g"), refusal);
            }
            if !line.decision.fits(accepted_g, weighed_g) && accepted_g <= weighed_g {
                refusals.add(format!("/lines/{index}/decision"), DomainRefusal::DecisionContradictsMass { line: line.line });
            }
            if line.decision != Decision::All && line.reasons.is_empty() {
                refusals.add(format!("/lines/{index}/reasons"), DomainRefusal::ReasonMissing { line: line.line });
            }
            if line.lacks_note() {
                refusals.add(format!("/lines/{index}/note"), DomainRefusal::NoteMissing { line: line.line });
            }
        }
        record.state = state_of(&verdict);
        record.verdict = Some(verdict.clone());
        refusals.or(Decided { record, verdict })
    }
}

/// The state that a verdict gives.
#[must_use]
pub fn state_of(verdict: &Verdict) -> State {
    if verdict.lines.iter().all(|line| line.decision == Decision::None) {
        State::Refused
    } else if verdict.lines.iter().all(|line| line.decision == Decision::All) {
        State::Confirmed
    } else {
        State::PartlyConfirmed
    }
}

impl Decided {
    /// The verdict.
    #[must_use]
    pub fn verdict(&self) -> &Verdict {
        &self.verdict
    }

    /// Use or disposal of accepted mass; treated when nothing accepted is left.
    ///
    /// # Errors
    /// All refusals together.
    pub fn record_treatment(self, treatment: Treatment) -> Result<Record, Refusals<DomainRefusal>> {
        let mut record = self.record;
        let mut refusals = Refusals::none();
        let line = treatment.line;
        if treatment.treated_g.is_zero() {
            refusals.add("/treated_g", DomainRefusal::NothingTreated { line });
        }
        if record.code(line) {
            let (treated_g, accepted_g) = (record.treated_g(line) + treatment.treated_g.get(), record.accepted_g(line));
            if treated_g > accepted_g {
                refusals.add("/treated_g", DomainRefusal::TreatedExceedsAccepted { line, treated_g, accepted_g });
            }
        } else {
            refusals.add("/line", DomainRefusal::UnknownLine { line });
        }
        record.treatments.push(treatment);
        if record.is_all_treated() {
            record.state = State::Treated;
        }
        refusals.or(record)
    }
}

macro_rules! into_record { ($($type:ident)*) => { $(
    impl From<$type> for Record {
        fn from(state: $type) -> Self { state.record }
    }
)* } }
into_record! { Received Decided }
impl From<BeforeReceipt> for Record {
    fn from(state: BeforeReceipt) -> Self {
        state.0
    }
}
