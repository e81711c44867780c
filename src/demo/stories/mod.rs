//! What happens to the manifests: one story for each way that a load can go, some of each. No clock and no I/O here.

mod load;
mod plays;

use chrono::{DateTime, Duration, NaiveDate, Utc};

use super::cast::{Cast, Way};
use super::random::Random;
use super::script::Script;

/// How a story goes. The number beside each in [`STORIES`] is how often it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Treated,
    AtTheGate,
    OnOneDevice,
    SeveralLines,
    OneLorry,
    OtherProvince,
    PartAndReturn,
    RefusedAndReturned,
    SentOn,
    Cancelled,
    LateConfirmation,
    Skipped,
    SkippedAndSignedLate,
    ExternalCarrier,
    Discrepancy,
    Breakdown,
    BreakdownSameCarrier,
    NotReceived,
    Voided,
    OwnCorrection,
    TwoVoices,
    BackEntered,
    Incident,
    DispatcherSigns,
    Withdrawn,
    DriverRefuses,
    OtherTruck,
    Estimated,
    // Still open on the last day.
    OpenIssued,
    OpenAssigned,
    OpenOffered,
    OpenOnTheRoad,
    OpenArrived,
    OpenReceived,
    OpenConfirmed,
    OpenRefused,
    OpenPart,
    OpenCorrection,
    OpenSkipped,
    OpenReturn,
}

const STORIES: &[(Kind, usize)] = &[
    (Kind::Treated, 70),
    (Kind::AtTheGate, 30),
    (Kind::OnOneDevice, 10),
    (Kind::SeveralLines, 14),
    (Kind::OneLorry, 6),
    (Kind::OtherProvince, 8),
    (Kind::PartAndReturn, 8),
    (Kind::RefusedAndReturned, 8),
    (Kind::SentOn, 8),
    (Kind::Cancelled, 12),
    (Kind::LateConfirmation, 10),
    (Kind::Skipped, 6),
    (Kind::SkippedAndSignedLate, 5),
    (Kind::ExternalCarrier, 4),
    (Kind::Discrepancy, 12),
    (Kind::Breakdown, 6),
    (Kind::BreakdownSameCarrier, 4),
    (Kind::NotReceived, 6),
    (Kind::Voided, 4),
    (Kind::OwnCorrection, 6),
    (Kind::TwoVoices, 6),
    (Kind::BackEntered, 8),
    (Kind::Incident, 4),
    (Kind::DispatcherSigns, 5),
    (Kind::Withdrawn, 4),
    (Kind::DriverRefuses, 4),
    (Kind::OtherTruck, 5),
    (Kind::Estimated, 6),
    (Kind::OpenIssued, 14),
    (Kind::OpenAssigned, 10),
    (Kind::OpenOffered, 8),
    (Kind::OpenOnTheRoad, 10),
    (Kind::OpenArrived, 6),
    (Kind::OpenReceived, 10),
    (Kind::OpenConfirmed, 14),
    (Kind::OpenRefused, 3),
    (Kind::OpenPart, 4),
    (Kind::OpenCorrection, 4),
    (Kind::OpenSkipped, 4),
    (Kind::OpenReturn, 3),
];

impl Kind {
    const fn is_open(self) -> bool {
        matches!(
            self,
            Self::OpenIssued
                | Self::OpenAssigned
                | Self::OpenOffered
                | Self::OpenOnTheRoad
                | Self::OpenArrived
                | Self::OpenReceived
                | Self::OpenConfirmed
                | Self::OpenRefused
                | Self::OpenPart
                | Self::OpenCorrection
                | Self::OpenSkipped
                | Self::OpenReturn
        )
    }

    /// The latest first day, counted back from the last, that leaves room for the whole story. Unit: days.
    const fn length(self) -> i64 {
        match self {
            Self::LateConfirmation => 26,
            Self::PartAndReturn | Self::RefusedAndReturned | Self::SentOn => 12,
            Self::BackEntered => 8,
            Self::OpenReceived | Self::OpenConfirmed | Self::OpenPart | Self::OpenRefused | Self::OpenCorrection | Self::OpenReturn => 2,
            Self::OpenIssued | Self::OpenAssigned | Self::OpenOffered | Self::OpenOnTheRoad | Self::OpenArrived | Self::OpenSkipped => 1,
            _ => 9,
        }
    }
}

/// Writes the stories into the script, at most so many of each kind; gives how many manifests they make.
pub fn tell(script: &mut Script, cast: &Cast, seed: u64, most: usize) -> usize {
    let days = (cast.as_of - cast.first_day).num_days();
    let mut made = 0;
    let mut number = 0;
    for (kind, times) in STORIES {
        for _ in 0..most.min(*times) {
            number += 1;
            let mut random = Random::of(seed, number);
            let span = if kind.is_open() { random.from(kind.length(), kind.length() + 2) } else { random.from(kind.length(), days) };
            let mut load = Load::new(script, cast, random, made, cast.as_of - Duration::days(span), *kind);
            load.play(*kind);
            made = load.made;
        }
    }
    made
}

/// One load with the people who move it.
struct Load<'s> {
    script: &'s mut Script,
    cast: &'s Cast,
    random: Random,
    /// Manifests made so far, by all stories.
    made: usize,
    name: String,
    day: NaiveDate,
    now: DateTime<Utc>,
    consignor: String,
    receiver: usize,
    ways: Vec<Way>,
    carrier: usize,
    truck: usize,
    driver: usize,
    declared_g: Vec<i64>,
    released_g: Vec<i64>,
}
