//! Why a transition is not possible (状态机拒绝理由), whatever the law says: kinds and sentences in both languages.

use super::table;
use crate::platform::problem::{Kind, Refusal, Text};

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
    /// More on a line than any load.
    #[error("line {line}: more than any load")]
    LineTooHeavy {
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
    /// What was returned is in the generator's own store; its treatment belongs into his ledger.
    #[error("the return is back")]
    ReturnIsBack,
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
pub static KINDS: [Kind; 27] = [
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
    Kind::new(422, "line-too-heavy", "单项移出量超过 10000 吨", "A line holds more than 10,000 t"),
    Kind::new(
        409,
        "return-is-back",
        "退回的废物已回到移出人，请在台账中登记其利用处置",
        "The return is back with its generator: its treatment belongs into the ledger",
    ),
];

impl Refusal for DomainRefusal {
    fn kind(&self) -> &'static Kind {
        // A gate act refuses what a fact act only flags: one kind for both.
        if let Self::PlateDiffers { .. } = self {
            return &table::PLATE_DIFFERS.kind;
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
            Self::LineTooHeavy { .. } => 25,
            Self::ReturnIsBack => 26,
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
            Self::LineTooHeavy { line } => Text::new(
                format!("第 {line} 项：移出量超过 10000 吨，请确认单位是 kg 还是 t"),
                format!("Line {line}: more than 10,000 t; please check: kg or t"),
            ),
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
            | Self::ReturnIsBack
            | Self::Voided => Text::new(self.kind().zh, self.kind().en),
        }
    }
}
