//! Words and values of the ledger: kinds of entries and containers, what a unit states. No clock and no I/O here.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::codes::{DigitalCode, Prefix};
use super::rules;
use crate::catalogue::{MethodCode, MethodGroup, WasteCode};
use crate::platform::mass::MassInput;
use crate::registry::{PaperNo, Plate, Words};

/// A closed set of words that is stored as text: one spelling for JSON, contract and database.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$case_doc])* $case),* }

        impl $name {
            /// As stored and shown.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$case => $text),* }
            }
        }
    };
}

words! {
    /// What an entry of the ledger records (台账环节).
    ///
    /// Legal source: `hj_1259_2022/6.3`.
    EntryKind {
        /// 产生.
        Generated = "generated",
        /// 入库.
        Stored = "stored",
        /// 出库.
        TakenOut = "taken_out",
        /// 自行利用.
        UsedOnSite = "used_on_site",
        /// 自行处置.
        DisposedOnSite = "disposed_on_site",
        /// 委外, export too.
        Sent = "sent",
        /// 接收, of a licence holder.
        Received = "received",
        /// 盘点.
        Counted = "counted",
        /// 更正: it reverses an earlier entry.
        Corrected = "corrected",
    }
}

words! {
    /// What a unit records by hand; reversals are made by a correction.
    RecordKind {
        /// 产生.
        Generated = "generated",
        /// 入库.
        Stored = "stored",
        /// 出库.
        TakenOut = "taken_out",
        /// 自行利用.
        UsedOnSite = "used_on_site",
        /// 自行处置.
        DisposedOnSite = "disposed_on_site",
        /// 委外, where no manifest of this system carries it.
        Sent = "sent",
        /// 接收, where no manifest of this system brought it.
        Received = "received",
        /// 盘点.
        Counted = "counted",
    }
}

impl From<RecordKind> for EntryKind {
    fn from(kind: RecordKind) -> Self {
        match kind {
            RecordKind::Generated => Self::Generated,
            RecordKind::Stored => Self::Stored,
            RecordKind::TakenOut => Self::TakenOut,
            RecordKind::UsedOnSite => Self::UsedOnSite,
            RecordKind::DisposedOnSite => Self::DisposedOnSite,
            RecordKind::Sent => Self::Sent,
            RecordKind::Received => Self::Received,
            RecordKind::Counted => Self::Counted,
        }
    }
}

words! {
    /// Kind of container (容器类型).
    ContainerKind {
        /// 桶.
        Drum = "drum",
        /// 袋.
        Bag = "bag",
        /// 箱.
        Box = "box",
        /// 吨桶.
        Ibc = "ibc",
        /// 储罐.
        Tank = "tank",
        /// 堆.
        Heap = "heap",
        /// 管道.
        Pipe = "pipe",
    }
}

words! {
    /// Where a container stands in its life.
    ContainerState {
        /// 空.
        Empty = "empty",
        /// 已装.
        Filled = "filled",
        /// 已随货离场.
        Away = "away",
        /// 停用.
        Retired = "retired",
    }
}

words! {
    /// Form of the waste (形态), on a label and on a manifest.
    WasteForm {
        /// 固态.
        Solid = "solid",
        /// 半固态.
        SemiSolid = "semi_solid",
        /// 液态.
        Liquid = "liquid",
        /// 气态.
        Gas = "gas",
        /// 其他.
        Other = "other",
    }
}

impl WasteForm {
    /// As printed on a label.
    #[must_use]
    pub const fn zh(self) -> &'static str {
        match self {
            Self::Solid => "固态",
            Self::SemiSolid => "半固态",
            Self::Liquid => "液态",
            Self::Gas => "气态",
            Self::Other => "其他",
        }
    }
}

words! {
    /// What kind of unit receives (接收单位类型).
    OutsideKind {
        /// 持证单位.
        LicenceHolder = "licence_holder",
        /// 豁免环节单位.
        ExemptUnit = "exempt_unit",
        /// 境外单位.
        Foreign = "foreign",
    }
}

/// The column of the balance that an edge belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CountsAs {
    /// 产生.
    Generated,
    /// 接收.
    Received,
    /// 自行利用.
    Used,
    /// 自行处置.
    Disposed,
    /// 委外.
    Sent,
    /// From lot to lot of one site: nothing in the sum.
    Moved,
    /// 计量差异: measured otherwise than booked.
    Adjusted,
}

impl CountsAs {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Received => "received",
            Self::Used => "used",
            Self::Disposed => "disposed",
            Self::Sent => "sent",
            Self::Moved => "moved",
            Self::Adjusted => "adjusted",
        }
    }
}

/// Whether a method is use; everything else, C and G and Y too, is booked as disposal.
#[must_use]
pub const fn is_use(group: MethodGroup) -> bool {
    matches!(group, MethodGroup::Use)
}

/// The prefix of an entry's batch.
#[must_use]
pub const fn prefix_of(kind: EntryKind, is_use: bool, is_export: bool) -> Prefix {
    match (kind, is_use, is_export) {
        (EntryKind::Generated, ..) => Prefix::Generated,
        (EntryKind::Stored, ..) => Prefix::Stored,
        (EntryKind::TakenOut, ..) => Prefix::TakenOut,
        (EntryKind::UsedOnSite, ..) => Prefix::UsedOnSite,
        (EntryKind::DisposedOnSite, ..) => Prefix::DisposedOnSite,
        (EntryKind::Sent, true, false) => Prefix::SentForUse,
        (EntryKind::Sent, false, false) => Prefix::SentForDisposal,
        (EntryKind::Sent, true, true) => Prefix::ExportedForUse,
        (EntryKind::Sent, false, true) => Prefix::ExportedForDisposal,
        (EntryKind::Received, ..) => Prefix::Received,
        (EntryKind::Counted | EntryKind::Corrected, ..) => Prefix::Counted,
    }
}

/// What a label says beside what is known anyway (标签内容).
///
/// Legal source: `hj_1276_2022`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LabelStatement {
    /// 形态.
    pub form: WasteForm,
    /// 主要成分.
    pub main_components: Words<1, 120>,
    /// 有害成分.
    pub harmful_components: Words<1, 120>,
    /// 注意事项.
    pub precautions: Words<1, 200>,
    /// 备注.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub note: Option<Words<1, 200>>,
}

/// A container of an entry: by its own id, or by the code on its label.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EntryContainer {
    /// The container; needed where it is being filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub container_id: Option<Uuid>,
    /// 数字识别码 of what is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub filling: Option<DigitalCode>,
    /// What was weighed; where it is left out, what the ledger says is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub mass_g: Option<MassInput>,
    /// Label of a new filling; without it that of the entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub label: Option<LabelStatement>,
}

/// Into which store what arose was put at once.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StoredAtOnce {
    /// 贮存设施.
    pub facility_id: Uuid,
    /// 贮存经办人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub store_keeper: Option<Words<1, 60>>,
}

/// Who receives what goes outside (接收单位).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// 接收单位类型.
    pub kind: OutsideKind,
    /// 名称.
    pub name: Words<2, 120>,
    /// 许可证编号, or 出口核准通知单编号.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub number: Option<PaperNo>,
}

/// An entry of the ledger (台账记录) as a unit states it.
///
/// Legal source: `hj_1259_2022/6.3`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordEntry {
    /// The site whose ledger it is.
    pub site_id: Uuid,
    /// What happened.
    pub kind: RecordKind,
    /// 废物代码.
    pub code: WasteCode,
    /// 行业俗称、内部名称.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub common_name: Option<Words<1, 120>>,
    /// When; now, where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub happened_at: Option<DateTime<Utc>>,
    /// 数量 as measured; where it is left out, the sum over the containers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub mass_g: Option<MassInput>,
    /// 设施: where it arose, the store, or where it was used or disposed of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub facility_id: Option<Uuid>,
    /// 容器.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 500)]
    pub containers: Vec<EntryContainer>,
    /// Label of new fillings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub label: Option<LabelStatement>,
    /// Entries of which it is a part: 产生批次, 入库批次 …; of new waste, what it came out of. Oldest first without them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, max_items = 100)]
    pub sources: Vec<Uuid>,
    /// Put into a store at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub stored: Option<StoredAtOnce>,
    /// It flows to the store by pipe: entered daily.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schema(required = false)]
    pub is_piped: bool,
    /// 利用处置方式.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub method: Option<MethodCode>,
    /// 完毕时间.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub done_at: Option<DateTime<Utc>>,
    /// 去向.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub destination: Option<Words<1, 120>>,
    /// 接收单位.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub receiver: Option<Outside>,
    /// 经办人.
    pub handler: Words<1, 60>,
    /// 运送经办人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub carried_by: Option<Words<1, 60>>,
    /// 贮存经办人.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub store_keeper: Option<Words<1, 60>>,
    /// 备注.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(required = false)]
    pub note: Option<Words<1, 200>>,
}

/// An entry of a batch; each stands alone.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchEntry {
    /// The client's own id of the row, once in the batch; the same row sent again is the same entry.
    #[schema(min_length = 1, max_length = 60, pattern = "^[!-~]{1,60}$")]
    pub client_id: String,
    /// The entry.
    pub entry: RecordEntry,
}

/// Many entries.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchEntries {
    /// The rows.
    #[schema(min_items = 1, max_items = 500)]
    pub items: Vec<BatchEntry>,
}

/// A correction: the entry is reversed, and another stands in its place where one is given.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectEntry {
    /// Why; no name, phone or identity number of a person, for it is kept for ever.
    pub reason: Words<2, 400>,
    /// What is right.
    #[serde(default)]
    #[schema(required = false)]
    pub entry: Option<RecordEntry>,
}

/// New containers, all alike.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterContainers {
    /// Where they are.
    pub site_id: Uuid,
    /// Kind.
    pub kind: ContainerKind,
    /// How many.
    #[schema(minimum = 1, maximum = 2_000)]
    pub count: u32,
    /// 容积. Unit: millilitres.
    #[schema(minimum = 1, maximum = 100_000_000_000_i64)]
    pub capacity_ml: i64,
    /// Filled again when it is empty.
    pub is_reusable: bool,
    /// 材质.
    #[serde(default)]
    #[schema(required = false)]
    pub material: Option<Words<1, 60>>,
}

/// Empties that go home (空桶交接).
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SendEmpties {
    /// The site that they leave.
    pub site_id: Uuid,
    /// A site of the unit that they belong to.
    pub to_site_id: Uuid,
    /// The containers.
    #[schema(min_items = 1, max_items = 500)]
    pub containers: Vec<Uuid>,
    /// 车牌.
    pub plate: Plate,
    /// 交接日期.
    pub sent_on: NaiveDate,
}

/// What came of a custody note.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReceiveEmpties {
    /// Containers that did not come: they stay away.
    #[serde(default)]
    #[schema(required = false, max_items = 500)]
    pub missing: Vec<Uuid>,
}

/// The size of a label (标签尺寸).
///
/// Legal source: `hj_1276_2022`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LabelSize {
    /// Side of the square at least. Unit: millimetres.
    pub side_mm: u32,
    /// How many, on opposite sides.
    pub labels: u32,
}

impl LabelSize {
    /// By capacity. Unit: millilitres.
    #[must_use]
    pub fn of(capacity_ml: i64) -> Self {
        let (side_mm, labels) = match capacity_ml {
            ml if ml <= rules::LABEL_100_MM_TO_ML => (100, 1),
            ml if ml <= rules::LABEL_150_MM_TO_ML => (150, 1),
            _ => (200, 2),
        };
        Self { side_mm, labels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_grows_with_its_container() {
        let of = |ml| (LabelSize::of(ml).side_mm, LabelSize::of(ml).labels);
        assert_eq!([of(50_000), of(50_001), of(450_000), of(450_001)], [(100, 1), (150, 1), (150, 1), (200, 2)]);
    }

    #[test]
    fn what_goes_outside_is_named_by_its_purpose() {
        assert_eq!(prefix_of(EntryKind::Sent, true, false).as_str(), "HWWWLY");
        assert_eq!(prefix_of(EntryKind::Sent, false, true).as_str(), "HWCKCZ");
        assert_eq!(prefix_of(EntryKind::TakenOut, true, true).as_str(), "HWCK");
    }
}
