//! Declarations (申报): their periods, who owes which, and whether a row balances. No clock and no I/O here.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};
use uuid::Uuid;

use super::plan::{ReceiverKind, mass};
use crate::catalogue::{MethodCode, WasteCode};
use crate::filing::rules::{PERIOD_DUE_DAY, YEARLY_DUE};
use crate::platform::mass::{Grams, MassInput};
use crate::registry::{ManagementClass, PaperNo, Words, months_after};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = DeclarationPeriodKind)]
pub enum PeriodKind {
    /// 月报 (C.1).
    Month,
    /// 季报 (C.2).
    Quarter,
    /// 年报 (C.3).
    Year,
}

/// A period that is declared (申报期间): `2026-11`, `2026-Q4`, `2026`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct Period {
    year: i32,
    /// Unit: months from January, from 0.
    from: u32,
    /// Unit: months; 1, 3 or 12.
    months: u32,
}

/// A text that is no period.
#[derive(Debug, thiserror::Error)]
#[error("a period is a month 2026-11, a quarter 2026-Q4 or a year 2026")]
pub struct PeriodRefusal;

/// What [`Period::from_str`] takes.
const PERIOD_PATTERN: &str = "^20[0-9]{2}(-(0[1-9]|1[0-2])|-Q[1-4])?$";

impl Period {
    /// A year.
    #[must_use]
    pub const fn of_year(year: i32) -> Self {
        Self { year, from: 0, months: 12 }
    }
    /// Its calendar year.
    #[must_use]
    pub const fn year(self) -> i32 {
        self.year
    }
    /// How long it is.
    #[must_use]
    pub const fn kind(self) -> PeriodKind {
        match self.months {
            1 => PeriodKind::Month,
            3 => PeriodKind::Quarter,
            _ => PeriodKind::Year,
        }
    }
    /// First day.
    #[must_use]
    pub fn begins_on(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.from + 1, 1).unwrap_or_default()
    }
    /// The day after the last.
    fn after_on(self) -> NaiveDate {
        months_after(self.begins_on(), self.months)
    }
    /// Last day.
    #[must_use]
    pub fn ends_on(self) -> NaiveDate {
        self.after_on().pred_opt().unwrap_or_default()
    }
    /// The last day on which its declaration is in time; a calendar day, worked or not.
    ///
    /// Legal source: `hj_1259_2022/7.2`.
    #[must_use]
    pub fn due_on(self) -> NaiveDate {
        let next = self.after_on();
        let day = match self.kind() {
            PeriodKind::Year => {
                let (month, day) = *YEARLY_DUE.on(next);
                NaiveDate::from_ymd_opt(next.year(), month, day)
            }
            PeriodKind::Month | PeriodKind::Quarter => next.with_day(*PERIOD_DUE_DAY.on(next)),
        };
        day.unwrap_or(next)
    }
    /// The one before it, of the same length.
    #[must_use]
    pub const fn before(self) -> Self {
        match self.from.checked_sub(self.months) {
            Some(from) => Self { from, ..self },
            None => Self { year: self.year - 1, from: 12 - self.months, ..self },
        }
    }
    /// All of a kind in a year.
    #[must_use]
    pub fn all_of(year: i32, kind: PeriodKind) -> Vec<Self> {
        let months = match kind {
            PeriodKind::Month => 1,
            PeriodKind::Quarter => 3,
            PeriodKind::Year => 12,
        };
        (0..12 / months).map(|place| Self { year, from: place * months, months }).collect()
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind() {
            PeriodKind::Month => write!(f, "{}-{:02}", self.year, self.from + 1),
            PeriodKind::Quarter => write!(f, "{}-Q{}", self.year, self.from / 3 + 1),
            PeriodKind::Year => write!(f, "{}", self.year),
        }
    }
}

impl FromStr for Period {
    type Err = PeriodRefusal;

    fn from_str(text: &str) -> Result<Self, PeriodRefusal> {
        let (year, rest) = text.split_at_checked(4).ok_or(PeriodRefusal)?;
        let digits = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit()).then(|| text.parse::<u32>().ok()).flatten().ok_or(PeriodRefusal);
        let year = i32::try_from(digits(year)?).ok().filter(|year| (2000..2100).contains(year)).ok_or(PeriodRefusal)?;
        match (rest.len(), rest.strip_prefix('-').map(|rest| (rest.strip_prefix('Q'), rest))) {
            (0, _) => Ok(Self::of_year(year)),
            (3, Some((Some(quarter), _))) => match digits(quarter)? {
                quarter @ 1..=4 => Ok(Self { year, from: (quarter - 1) * 3, months: 3 }),
                _ => Err(PeriodRefusal),
            },
            (3, Some((None, month))) => match digits(month)? {
                month @ 1..=12 => Ok(Self { year, from: month - 1, months: 1 }),
                _ => Err(PeriodRefusal),
            },
            _ => Err(PeriodRefusal),
        }
    }
}

impl TryFrom<Cow<'_, str>> for Period {
    type Error = PeriodRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, PeriodRefusal> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl PartialSchema for Period {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some(PERIOD_PATTERN)).max_length(Some(7)).examples(["2026-11"]);
        Schema::from(schema.description(Some("Period (申报期间): a month 2026-11, a quarter 2026-Q4, a year 2026")).build()).into()
    }
}

impl ToSchema for Period {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("DeclarationPeriod")
    }
}

/// What a site of a class declares.
///
/// Legal source: `hj_1259_2022/7.2`.
#[must_use]
pub const fn duties_of(class: ManagementClass) -> &'static [PeriodKind] {
    match class {
        ManagementClass::KeySupervised => &[PeriodKind::Month, PeriodKind::Year],
        ManagementClass::Simplified => &[PeriodKind::Quarter, PeriodKind::Year],
        ManagementClass::Registered => &[PeriodKind::Year],
    }
}

/// Mass used or disposed of on the site (自行利用/处置).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeclaredOwnShare)]
pub struct OwnShare {
    /// 利用/处置方式代码.
    pub method: MethodCode,
    /// 数量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub g: Grams,
}

/// Mass handed to another unit (委托外单位).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeclaredOutsideShare)]
pub struct OutsideShare {
    /// 接收单位类型.
    pub receiver_kind: ReceiverKind,
    /// The unit, where this system knows it.
    #[serde(default)]
    pub receiver_id: Option<Uuid>,
    /// 单位名称.
    pub receiver_name: Words<2, 120>,
    /// 许可证编码, the number of an exempt unit, or 出口核准通知单编号.
    #[serde(default)]
    pub receiver_no: Option<PaperNo>,
    /// 省份: its division of GB/T 2260, or the country of a unit abroad.
    pub province: Words<2, 12>,
    /// 利用/处置方式代码.
    pub method: MethodCode,
    /// 数量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub g: Grams,
}

/// A row of a declaration: what happened to one waste in the period (表 C.1 to C.3).
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclaredRow {
    /// 废物代码.
    pub code: WasteCode,
    /// 期初剩余.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub opening_g: Grams,
    /// 产生量.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub generated_g: Grams,
    /// 自行利用/处置.
    #[serde(default)]
    #[schema(max_items = 30)]
    pub own: Vec<OwnShare>,
    /// 委托外单位利用/处置.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub outside: Vec<OutsideShare>,
    /// 期末剩余.
    #[serde(deserialize_with = "mass")]
    #[schema(value_type = MassInput)]
    pub closing_g: Grams,
}

impl DeclaredRow {
    /// A row in which nothing happened.
    #[must_use]
    pub const fn quiet(code: WasteCode, stock: Grams) -> Self {
        Self { code, opening_g: stock, generated_g: Grams::ZERO, own: Vec::new(), outside: Vec::new(), closing_g: stock }
    }
    /// What was there and what came.
    ///
    /// Unit: grams.
    #[must_use]
    pub const fn comes_g(&self) -> i64 {
        self.opening_g.get().saturating_add(self.generated_g.get())
    }
    /// What was treated, handed over, and is still there.
    ///
    /// Unit: grams.
    #[must_use]
    pub fn goes_g(&self) -> i64 {
        let own = self.own.iter().map(|share| share.g.get());
        own.chain(self.outside.iter().map(|share| share.g.get())).fold(self.closing_g.get(), i64::saturating_add)
    }
}

/// The rows that do not balance: 期初 + 产生 = 自行 + 委外 + 期末, to the gram.
#[must_use]
pub fn unbalanced(rows: &[DeclaredRow]) -> Vec<(usize, &DeclaredRow)> {
    rows.iter().enumerate().filter(|(_, row)| row.comes_g() != row.goes_g()).collect()
}

/// The rows of a code that an earlier row has.
#[must_use]
pub fn repeated(rows: &[DeclaredRow]) -> Vec<usize> {
    let mut seen = BTreeSet::new();
    rows.iter().enumerate().filter(|(_, row)| !seen.insert(row.code)).map(|(index, _)| index).collect()
}

/// The declarations of the parts of a year put together: what happened is added up, the stock is that of the first and the last.
#[must_use]
pub fn added_up(parts: &[Vec<DeclaredRow>]) -> Vec<DeclaredRow> {
    let mut sums: BTreeMap<WasteCode, DeclaredRow> = BTreeMap::new();
    for (part, rows) in parts.iter().enumerate() {
        for row in rows {
            // What a later part names first had no stock before, or its own declaration says it had.
            let sum = sums.entry(row.code).or_insert_with(|| DeclaredRow {
                opening_g: if part == 0 { row.opening_g } else { Grams::ZERO },
                ..DeclaredRow::quiet(row.code, Grams::ZERO)
            });
            sum.generated_g = sum.generated_g.checked_add(row.generated_g).unwrap_or(Grams::MAX);
            sum.closing_g = row.closing_g;
            for share in &row.own {
                match sum.own.iter_mut().find(|known| known.method == share.method) {
                    Some(known) => known.g = known.g.checked_add(share.g).unwrap_or(Grams::MAX),
                    None => sum.own.push(share.clone()),
                }
            }
            for share in &row.outside {
                let is_same = |known: &&mut OutsideShare| {
                    known.method == share.method && known.receiver_id == share.receiver_id && known.receiver_name == share.receiver_name
                };
                match sum.outside.iter_mut().find(is_same) {
                    Some(known) => known.g = known.g.checked_add(share.g).unwrap_or(Grams::MAX),
                    None => sum.outside.push(share.clone()),
                }
            }
        }
    }
    sums.into_values().collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_knows_its_days() {
        for (text, from, until, due, before) in [
            ("2026-11", "2026-11-01", "2026-11-30", "2026-12-15", "2026-10"),
            ("2026-12", "2026-12-01", "2026-12-31", "2027-01-15", "2026-11"),
            ("2026-01", "2026-01-01", "2026-01-31", "2026-02-15", "2025-12"),
            ("2026-Q1", "2026-01-01", "2026-03-31", "2026-04-15", "2025-Q4"),
            ("2026-Q4", "2026-10-01", "2026-12-31", "2027-01-15", "2026-Q3"),
            ("2026", "2026-01-01", "2026-12-31", "2027-03-31", "2025"),
        ] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.begins_on(), period.ends_on(), period.due_on()), (day(from), day(until), day(due)), "{text}");
            assert_eq!((period.to_string().as_str(), period.before().to_string().as_str()), (text, before));
        }
        let quarters: Vec<_> = Period::all_of(2026, PeriodKind::Quarter).iter().map(ToString::to_string).collect();
        assert_eq!(quarters, ["2026-Q1", "2026-Q2", "2026-Q3", "2026-Q4"]);
        assert_eq!(Period::all_of(2026, PeriodKind::Month).len(), 12);
    }

    fn row(opening: i64, generated: i64, own: i64, outside: i64, closing: i64) -> DeclaredRow {
        serde_json::from_value(json!({
            "code": "900-249-08", "opening_g": opening, "generated_g": generated, "closing_g": closing,
            "own": [{ "method": "D10", "g": own }],
            "outside": [{ "receiver_kind": "licence_holder", "receiver_name": "处置中心", "province": "210000", "method": "R9", "g": outside }],
        }))
        .unwrap()
    }

    #[test]
    fn a_row_balances_to_the_gram() {
        assert!(unbalanced(&[row(5, 10, 3, 4, 8)]).is_empty());
        let rows = [row(5, 10, 3, 4, 8), row(5, 10, 3, 4, 7), row(5, 10, 3, 4, 9)];
        assert_eq!(unbalanced(&rows).iter().map(|(index, _)| *index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(repeated(&rows), [1, 2]);
    }

    #[test]
    fn parts_of_a_year_add_up_and_still_balance() {
        let year = added_up(&[vec![row(5, 10, 3, 4, 8)], vec![row(8, 1, 0, 9, 0)]]);
        assert_eq!((year.len(), year[0].opening_g.get(), year[0].generated_g.get(), year[0].closing_g.get()), (1, 5, 11, 0));
        assert_eq!((year[0].own[0].g.get(), year[0].outside.len(), year[0].outside[0].g.get()), (3, 1, 13));
        assert!(unbalanced(&year).is_empty());
    }

    #[test]
    fn each_class_declares_at_its_own_pace() {
        assert_eq!(duties_of(ManagementClass::KeySupervised), [PeriodKind::Month, PeriodKind::Year]);
        assert_eq!(duties_of(ManagementClass::Simplified), [PeriodKind::Quarter, PeriodKind::Year]);
        assert_eq!(duties_of(ManagementClass::Registered), [PeriodKind::Year]);
    }

    proptest! {
        #[test]
        fn the_pattern_takes_what_the_parser_takes(text in "(1|2)0[0-9]{2}(-[0-9Q][0-9]?)?|[0-9Q-]{0,8}") {
            let schema = serde_json::to_value(Period::schema()).unwrap();
            let validator = crate::platform::shape::validator(&schema, &[]).unwrap();
            prop_assert_eq!(validator.is_valid(&text.as_str().into()), text.parse::<Period>().is_ok());
        }
    }
}
