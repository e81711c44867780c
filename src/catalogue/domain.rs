//! Words of the catalogue. No clock and no I/O here.

use serde::{Deserialize, Serialize};

use super::code::WasteCode;
use crate::platform::problem::Text;

/// Code of the warning that the edition in force is known but its table is not here.
pub const EDITION_NOT_LOADED: &str = "catalogue-edition-not-loaded";

/// The sentence of that warning.
#[must_use]
pub fn edition_not_loaded(known: &str, used: &str) -> Text {
    Text::new(
        format!("当日施行的 {known} 年版名录尚未载入，暂按 {used} 年版核对"),
        format!("The edition in force on the day, {known}, is not loaded; that of {used} was used"),
    )
}

/// A stage at which a waste may be exempt (豁免环节).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = ExemptStage)]
pub enum Stage {
    /// 收集.
    Collection,
    /// 运输.
    Transport,
    /// 利用.
    Use,
    /// 处置.
    Disposal,
}

impl Stage {
    /// Every stage. 全部环节 in the list means all of them.
    pub const ALL: [Self; 4] = [Self::Collection, Self::Transport, Self::Use, Self::Disposal];

    /// As stored and shown.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Collection => "collection",
            Self::Transport => "transport",
            Self::Use => "use",
            Self::Disposal => "disposal",
        }
    }
    /// Reads what [`Self::as_str`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == text)
    }
}

/// What a method belongs to, as the list of codes groups it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MethodGroup {
    /// 利用 (R).
    Use,
    /// 处置 (D); it excludes 利用.
    Disposal,
    /// 其他 (C): cement kilns, building materials, cleaning of packages. Sources differ on whether it is 利用.
    Other,
    /// 医疗废物处置 (Y).
    MedicalDisposal,
    /// 铬渣 (G).
    ChromiumSlag,
}

impl MethodGroup {
    /// Reads the group as the list prints it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "利用" => Some(Self::Use),
            "处置" => Some(Self::Disposal),
            "其他" => Some(Self::Other),
            "医疗废物处置" => Some(Self::MedicalDisposal),
            "铬渣" => Some(Self::ChromiumSlag),
            _ => None,
        }
    }
}

/// A listed code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeFact {
    /// Code.
    pub code: String,
    /// Category, `HW08`.
    pub category: String,
    /// 危险废物 as the catalogue describes it.
    pub name: String,
    /// 危险特性 as the catalogue writes them, `T,I`.
    pub hazards: String,
}

/// What a day's catalogue says of some codes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CodeFacts {
    /// The edition in force on the day, whether its table is here or not.
    pub known: Option<String>,
    /// The edition whose table was read: that one where it is loaded, else the newest loaded.
    pub used: Option<String>,
    /// The codes found in it.
    pub listed: Vec<CodeFact>,
}

/// How a well-formed code stands to a day's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing<'a> {
    /// In the table.
    Listed(&'a CodeFact),
    /// `900-000-CC`: found hazardous by a test, so in no table.
    ByIdentification,
    /// Not in the table used, which is not that of the day: it may be in the right one.
    Unknown,
    /// Not in the table of the day.
    Unlisted,
}

impl CodeFacts {
    /// Whether the table used is that of the day.
    #[must_use]
    pub fn is_edition_loaded(&self) -> bool {
        self.known.is_some() && self.known == self.used
    }
    /// How a code stands.
    #[must_use]
    pub fn listing(&self, code: WasteCode) -> Listing<'_> {
        let text = code.to_string();
        match self.listed.iter().find(|fact| fact.code == text) {
            Some(fact) => Listing::Listed(fact),
            None if code.is_by_identification() => Listing::ByIdentification,
            None if self.is_edition_loaded() => Listing::Unlisted,
            None => Listing::Unknown,
        }
    }
    /// The warning `catalogue-edition-not-loaded`, where the table used is not that of the day.
    #[must_use]
    pub fn warning(&self) -> Option<Text> {
        let used = self.used.as_deref().unwrap_or_default();
        self.known.as_deref().filter(|known| *known != used).map(|known| edition_not_loaded(known, used))
    }
}

/// From where on a mass does not agree (重大差异 has no figure in the decree).
///
/// Legal source: `decree_23_2021/18/para2`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MassTolerance {
    /// Unit: basis points of the declared mass of a line.
    pub bp: i64,
    /// Unit: grams. A difference below it agrees.
    pub floor_g: i64,
}

impl MassTolerance {
    /// Whether two masses of one thing lie further apart, as a share of the first. Unit: grams.
    #[must_use]
    pub fn is_exceeded(&self, mass_g: i64, other_g: i64) -> bool {
        let difference = i128::from(mass_g.abs_diff(other_g));
        difference >= i128::from(self.floor_g) && difference * 10_000 > i128::from(mass_g) * i128::from(self.bp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(known: &str, used: &str) -> CodeFacts {
        let fact = CodeFact { code: "900-249-08".into(), category: "HW08".into(), name: "其他".into(), hazards: "T,I".into() };
        CodeFacts { known: Some(known.into()), used: Some(used.into()), listed: vec![fact] }
    }

    #[test]
    fn a_missing_code_is_unlisted_only_in_the_table_of_the_day() {
        let (listed, tested, other) = ("900-249-08".parse().unwrap(), "900-000-49".parse().unwrap(), "900-250-08".parse().unwrap());
        let (loaded, not_loaded) = (facts("2021", "2021"), facts("2025", "2021"));
        assert!(matches!(loaded.listing(listed), Listing::Listed(fact) if fact.hazards == "T,I"));
        assert_eq!(loaded.listing(tested), Listing::ByIdentification);
        assert_eq!(loaded.listing(other), Listing::Unlisted);
        assert_eq!(not_loaded.listing(other), Listing::Unknown);
        assert_eq!(loaded.warning(), None);
        assert!(not_loaded.warning().unwrap().en.contains("2025"));
        assert_eq!(CodeFacts::default().listing(other), Listing::Unknown);
    }
}
