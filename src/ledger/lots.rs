//! The mass graph (物质流图): lots and the edges that move mass between them. Append-only.

use uuid::Uuid;

use super::domain::CountsAs;

/// What a lot came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LotKind {
    /// What arose on a site.
    Generated,
    /// What a stock count found beyond the books.
    Counted,
    /// What was moved into a store or out of it.
    Moved,
    /// What a ledger gave for a manifest, or for another way outside.
    Sent,
    /// A waste line that left its site.
    Released,
    /// What a receiver accepted of it.
    Received,
    /// What a receiver refused of it.
    Refused,
    /// What was used or disposed of.
    Treated,
    /// What a correction added to a lot or took from it.
    Adjusted,
}

impl LotKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Generated => "generated",
            Self::Counted => "counted",
            Self::Moved => "moved",
            Self::Sent => "sent",
            Self::Released => "released",
            Self::Received => "received",
            Self::Refused => "refused",
            Self::Treated => "treated",
            Self::Adjusted => "adjusted",
        }
    }
}

/// A lot to be made.
#[derive(Debug, Clone)]
pub struct NewLot {
    /// Id.
    pub id: Uuid,
    /// Where the mass is.
    pub site: Option<Uuid>,
    /// The manifest under which it moves.
    pub manifest: Option<Uuid>,
    /// Its line there.
    pub line: Option<i32>,
    /// Waste code.
    pub waste_code: String,
    /// Kind.
    pub kind: LotKind,
    /// Unit: grams.
    pub mass_g: i64,
    /// The entry of a ledger that makes it.
    pub entry: Option<Uuid>,
}

/// Mass that moves from one lot to another.
#[derive(Debug, Clone)]
pub struct NewEdge {
    /// Id.
    pub id: Uuid,
    /// From.
    pub from: Uuid,
    /// To.
    pub to: Uuid,
    /// Unit: grams.
    pub mass_g: i64,
    /// `accept`, `refuse`, `treat`, `move`, `send`, or `adjust` between a lot and what a correction adds or takes.
    pub kind: &'static str,
    /// The entry of a ledger that moves it, and the column of its balance.
    pub counts: Option<(Uuid, CountsAs)>,
}
