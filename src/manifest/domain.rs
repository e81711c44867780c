//! States and transitions (联单状态机). A struct per state, so that a transition exists exactly where the law has it.
//! No clock, no database, no policy here: who may do it was decided before.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::parts::{
    Assignment, Basis, Consignment, Decision, HandOver, PartName, Party, Receipt, ReceivedLine, Release, ReleasedLine, RoadStep, Skipped, Treatment,
    Verdict,
};
use super::table::{Act, State};
use crate::platform::problem::{Kind, Problem, Refusal, Refusals, Text, kinds};

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

/// Why a transition is not possible, whatever the law says.
#[derive(Debug, thiserror::Error)]
pub enum DomainRefusal {
    /// A line that is not on the manifest.
    #[error("line {line} is not on this manifest")]
    UnknownLine {
        /// The line.
        line: i32,
    },
    /// A line given twice.
    #[error("line {line} is given twice")]
    LineTwice {
        /// The line.
        line: i32,
    },
    /// A line that is not told of.
    #[error("line {line} is missing")]
    LineMissing {
        /// The line.
        line: i32,
    },
    /// More accepted than came.
    #[error("line {line}: accepted {accepted_g} g of {weighed_g} g")]
    AcceptedExceedsWeighed {
        /// The line.
        line: i32,
        /// Unit: grams.
        accepted_g: i64,
        /// Unit: grams.
        weighed_g: i64,
    },
    /// Decision and mass contradict each other.
    #[error("line {line}: the decision does not fit the accepted mass")]
    DecisionContradictsMass {
        /// The line.
        line: i32,
    },
    /// A refusal without its reason.
    #[error("line {line}: a refusal needs a reason")]
    ReasonMissing {
        /// The line.
        line: i32,
    },
    /// A refusal for another reason, without saying which.
    #[error("line {line}: another reason needs a note")]
    NoteMissing {
        /// The line.
        line: i32,
    },
    /// No vehicle is assigned.
    #[error("no vehicle is assigned to leg {leg_no}")]
    NotAssigned {
        /// The leg.
        leg_no: i32,
    },
    /// The plate is another than the one assigned.
    #[error("plate {seen}, assigned {assigned}")]
    PlateDiffers {
        /// As seen.
        seen: String,
        /// As assigned.
        assigned: String,
    },
    /// A container is given twice.
    #[error("container {code} is given twice")]
    ContainerTwice {
        /// Its code.
        code: String,
    },
    /// Containers do not add up to the line.
    #[error("line {line}: containers hold {containers_g} g, the line {line_g} g")]
    ContainersDoNotAddUp {
        /// The line.
        line: i32,
        /// Unit: grams.
        containers_g: i64,
        /// Unit: grams.
        line_g: i64,
    },
    /// Nothing declared on a line.
    #[error("line {line}: nothing was declared")]
    NothingDeclared {
        /// The line.
        line: i32,
    },
    /// A treatment of nothing.
    #[error("line {line}: nothing was treated")]
    NothingTreated {
        /// The line.
        line: i32,
    },
    /// A time before the one that it follows.
    #[error("{at} is before {after}")]
    TimesOutOfOrder {
        /// What is too early.
        at: &'static str,
        /// What it follows.
        after: &'static str,
    },
    /// Nothing released on a line.
    #[error("line {line}: nothing was released")]
    NothingReleased {
        /// The line.
        line: i32,
    },
    /// More treated than accepted.
    #[error("line {line}: treated {treated_g} g of {accepted_g} g accepted")]
    TreatedExceedsAccepted {
        /// The line.
        line: i32,
        /// Unit: grams.
        treated_g: i64,
        /// Unit: grams.
        accepted_g: i64,
    },
    /// At most ten legs.
    #[error("more than ten legs")]
    TooManyLegs,
    /// There is nothing to sign late.
    #[error("no signature was skipped")]
    NothingSkipped,
    /// A dispatcher signs in the driver's place only with a reason.
    #[error("a reason is missing")]
    InsteadReasonMissing,
    /// Entered for a unit outside the system without saying where it comes from.
    #[error("the source of another's part is missing")]
    ProxySourceMissing,
    /// A source for what the caller does for his own unit.
    #[error("nobody is acted for")]
    ProxyNotNeeded,
    /// Begun for a consignor outside the system without a number of his manifest.
    #[error("no number proves the manifest")]
    ProofMissing,
    /// What only a consignor outside the system holds elsewhere.
    #[error("held by this installation")]
    NotHeldElsewhere,
    /// There is nothing left to send on.
    #[error("nothing was refused, or it is on its way already")]
    NothingToSendOn,
    /// The manifest has been voided.
    #[error("voided")]
    Voided,
    /// The receiver has not turned the load away on this leg.
    #[error("the load was not turned away on leg {leg_no}")]
    NotTurnedAway {
        /// The leg.
        leg_no: i32,
    },
}

/// Kinds of problem of the state machine.
pub static KINDS: [Kind; 25] = [
    Kind::new(422, "unknown-line", "联单上没有此废物明细", "This line is not on the manifest"),
    Kind::new(422, "line-twice", "同一明细重复填写", "A line is given twice"),
    Kind::new(422, "line-missing", "有明细未填写", "A line is missing"),
    Kind::new(422, "accepted-exceeds-weighed", "接受量大于过磅量", "More is accepted than was weighed"),
    Kind::new(422, "decision-contradicts-mass", "处理意见与接受量矛盾", "The decision does not fit the accepted mass"),
    Kind::new(422, "reason-missing", "须说明理由", "A reason is missing"),
    Kind::new(409, "not-assigned", "尚未派车", "No vehicle is assigned"),
    Kind::new(422, "nothing-declared", "移出量不能为零", "Nothing was declared"),
    Kind::new(422, "container-twice", "容器重复", "A container is given twice"),
    Kind::new(422, "containers-do-not-add-up", "容器重量之和与明细不符", "The containers do not add up to the line"),
    Kind::new(422, "nothing-released", "移出量不能为零", "Nothing was released"),
    Kind::new(422, "treated-exceeds-accepted", "利用处置量大于接受量", "More is treated than was accepted"),
    Kind::new(422, "too-many-legs", "运输段不得超过十段", "There are at most ten legs"),
    Kind::new(409, "nothing-skipped", "没有待补的签字", "No signature is missing"),
    Kind::new(422, "instead-reason-missing", "代签须说明理由", "Signing in the driver's place needs a reason"),
    Kind::new(409, "nothing-to-send-on", "没有可退回或改送的量", "There is nothing to return or send on"),
    Kind::new(409, "voided", "联单已作废", "The manifest is void"),
    Kind::new(409, "not-turned-away", "本段运输未登记“未入厂”，不能途中退回或改送", "The load was not turned away on this leg"),
    Kind::new(422, "proxy-source-missing", "代系统外单位登记须说明依据", "What is entered for a unit outside the system needs its source"),
    Kind::new(422, "proxy-not-needed", "并非代系统外单位登记，不得填写代录依据", "Nobody outside the system is acted for: no source may be given"),
    Kind::new(
        422,
        "proof-missing",
        "代系统外移出人提交须有国家联单编号或纸质联单编号",
        "A consignor outside the system needs a national number or a paper number",
    ),
    Kind::new(422, "not-held-elsewhere", "仅代系统外移出人登记时填写", "Only for a consignor outside the system"),
    Kind::new(422, "nothing-treated", "利用处置量不能为零", "Nothing was treated"),
    Kind::new(422, "note-missing", "理由为“其他”时须文字说明", "Another reason must be put in words"),
    Kind::new(422, "times-out-of-order", "所填时间先后有误", "The times are out of order"),
];

impl Refusal for DomainRefusal {
    fn kind(&self) -> &'static Kind {
        // A gate act refuses what a fact act only flags: one kind for both.
        if let Self::PlateDiffers { .. } = self {
            return &super::table::PLATE_DIFFERS.kind;
        }
        &KINDS[match self {
            Self::UnknownLine { .. } => 0,
            Self::LineTwice { .. } => 1,
            Self::LineMissing { .. } => 2,
            Self::AcceptedExceedsWeighed { .. } => 3,
            Self::DecisionContradictsMass { .. } => 4,
            Self::ReasonMissing { .. } => 5,
            Self::NotAssigned { .. } => 6,
            Self::NothingDeclared { .. } | Self::PlateDiffers { .. } => 7,
            Self::ContainerTwice { .. } => 8,
            Self::ContainersDoNotAddUp { .. } => 9,
            Self::NothingReleased { .. } => 10,
            Self::TreatedExceedsAccepted { .. } => 11,
            Self::TooManyLegs => 12,
            Self::NothingSkipped => 13,
            Self::InsteadReasonMissing => 14,
            Self::NothingToSendOn => 15,
            Self::Voided => 16,
            Self::NotTurnedAway { .. } => 17,
            Self::ProxySourceMissing => 18,
            Self::ProxyNotNeeded => 19,
            Self::ProofMissing => 20,
            Self::NotHeldElsewhere => 21,
            Self::NothingTreated { .. } => 22,
            Self::NoteMissing { .. } => 23,
            Self::TimesOutOfOrder { .. } => 24,
        }]
    }
    fn text(&self) -> Text {
        match self {
            Self::UnknownLine { line } => Text::new(format!("联单上没有第 {line} 项明细"), format!("Line {line} is not on this manifest")),
            Self::LineTwice { line } => Text::new(format!("第 {line} 项明细重复"), format!("Line {line} is given twice")),
            Self::LineMissing { line } => Text::new(format!("缺少第 {line} 项明细"), format!("Line {line} is missing")),
            Self::AcceptedExceedsWeighed { line, accepted_g, weighed_g } => Text::new(
                format!("第 {line} 项：接受 {accepted_g} 克，过磅仅 {weighed_g} 克"),
                format!("Line {line}: {accepted_g} g accepted, only {weighed_g} g weighed"),
            ),
            Self::DecisionContradictsMass { line } => {
                Text::new(format!("第 {line} 项：处理意见与接受量矛盾"), format!("Line {line}: the decision does not fit the accepted mass"))
            }
            Self::ReasonMissing { line } => {
                Text::new(format!("第 {line} 项：未全部接受须说明理由"), format!("Line {line}: not accepting all needs a reason"))
            }
            Self::NoteMissing { line } => {
                Text::new(format!("第 {line} 项：理由为“其他”时须文字说明"), format!("Line {line}: another reason must be put in words"))
            }
            Self::NotAssigned { leg_no } => Text::new(format!("第 {leg_no} 段尚未派车"), format!("No vehicle is assigned to leg {leg_no}")),
            Self::PlateDiffers { seen, assigned } => Text::new(
                format!("实际车牌 {seen}，派车为 {assigned}；请先更正派车"),
                format!("The plate is {seen}, {assigned} is assigned; correct the assignment first"),
            ),
            Self::ContainerTwice { code } => Text::new(format!("容器 {code} 重复"), format!("Container {code} is given twice")),
            Self::ContainersDoNotAddUp { line, containers_g, line_g } => Text::new(
                format!("第 {line} 项：容器合计 {containers_g} 克，明细为 {line_g} 克"),
                format!("Line {line}: the containers hold {containers_g} g, the line says {line_g} g"),
            ),
            Self::NothingDeclared { line } => Text::new(format!("第 {line} 项：移出量不能为零"), format!("Line {line}: nothing was declared")),
            Self::NothingTreated { line } => Text::new(format!("第 {line} 项：利用处置量不能为零"), format!("Line {line}: nothing was treated")),
            Self::TimesOutOfOrder { at, after } => Text::new(
                format!("{at} 早于 {after}：纸质联单所载时间不可能如此，请核对"),
                format!("{at} is before {after}: no paper can state this, check the times"),
            ),
            Self::NothingReleased { line } => Text::new(format!("第 {line} 项：移出量不能为零"), format!("Line {line}: nothing was released")),
            Self::TreatedExceedsAccepted { line, treated_g, accepted_g } => Text::new(
                format!("第 {line} 项：累计利用处置 {treated_g} 克，接受仅 {accepted_g} 克"),
                format!("Line {line}: {treated_g} g treated in all, only {accepted_g} g accepted"),
            ),
            Self::NotTurnedAway { leg_no } => Text::new(
                format!("第 {leg_no} 段未登记“未入厂”，不能途中退回或改送"),
                format!("The load was not turned away on leg {leg_no}: the receiver still waits for it"),
            ),
            Self::ProofMissing
            | Self::NotHeldElsewhere
            | Self::ProxySourceMissing
            | Self::ProxyNotNeeded
            | Self::TooManyLegs
            | Self::NothingSkipped
            | Self::InsteadReasonMissing
            | Self::NothingToSendOn
            | Self::Voided => Text::new(self.kind().zh, self.kind().en),
        }
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
