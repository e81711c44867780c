//! What a site holds of one waste, as read under the lock of its stock, and what is taken out of it. No clock and no I/O here.
//!
//! Everything that a draw changes is remembered, so that one statement can write it; no gram is taken twice, because what
//! is left is counted down as it is taken.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};
use uuid::Uuid;

/// A lot in a ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StockLot {
    /// The lot.
    pub id: Uuid,
    /// Unit: grams.
    pub left_g: i64,
    /// The store in which it stands.
    pub facility: Option<Uuid>,
    /// Since when the mass is on the site.
    pub since_at: DateTime<Utc>,
    /// The legal day from which on it can be taken.
    pub made_on: NaiveDate,
}

/// What is in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The filling.
    pub id: Uuid,
    /// 数字识别码.
    pub code: String,
    /// Its container.
    pub container: Uuid,
    /// Its lot.
    pub lot: Uuid,
    /// Unit: grams.
    pub left_g: i64,
}

/// Mass taken out of a lot. Unit: grams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Take {
    /// The lot.
    pub lot: Uuid,
    /// Unit: grams.
    pub mass_g: i64,
}

/// What a site holds of one waste.
#[derive(Debug, Clone, Default)]
pub struct Stock {
    lots: Vec<StockLot>,
    fillings: Vec<Held>,
    /// As they were read.
    before: Vec<Held>,
    touched_lots: Vec<Uuid>,
    touched_fillings: Vec<Uuid>,
}

impl Stock {
    /// Lots in the order in which they are drawn: those without a label first, since whoever takes a labelled drum names it;
    /// then the oldest first.
    #[must_use]
    pub fn new(mut lots: Vec<StockLot>, mut fillings: Vec<Held>) -> Self {
        let is_labelled = |lot: &StockLot| fillings.iter().any(|filling| filling.lot == lot.id && filling.left_g > 0);
        lots.sort_by_key(|lot| (is_labelled(lot), lot.since_at, lot.id));
        fillings.sort_by(|a, b| a.code.cmp(&b.code));
        Self { lots, before: fillings.clone(), fillings, ..Self::default() }
    }

    /// A lot as it stands now.
    #[must_use]
    pub fn lot(&self, id: Uuid) -> Option<&StockLot> {
        self.lots.iter().find(|lot| lot.id == id)
    }

    /// A filling as it stands now.
    #[must_use]
    pub fn filling(&self, id: Uuid) -> Option<&Held> {
        self.fillings.iter().find(|filling| filling.id == id)
    }

    /// What is in containers of a lot.
    #[must_use]
    pub fn held_in(&self, lot: Uuid) -> Vec<Held> {
        self.fillings.iter().filter(|filling| filling.lot == lot && filling.left_g > 0).cloned().collect()
    }

    /// What could be taken on a day from lots that fit. Unit: grams.
    #[must_use]
    pub fn left_g(&self, on: NaiveDate, fits: impl Fn(&StockLot) -> bool) -> i64 {
        self.lots.iter().filter(|lot| lot.made_on <= on && fits(lot)).map(|lot| lot.left_g).sum()
    }

    /// Takes what is wanted from lots that fit, the oldest first; gives what there was and how much is wanting.
    pub fn draw(&mut self, mut want_g: i64, on: NaiveDate, fits: impl Fn(&StockLot) -> bool) -> (Vec<Take>, i64) {
        let mut takes = Vec::new();
        let found: Vec<(Uuid, i64)> =
            self.lots.iter().filter(|lot| lot.left_g > 0 && lot.made_on <= on && fits(lot)).map(|lot| (lot.id, lot.left_g)).collect();
        for (lot, left_g) in found {
            if want_g == 0 {
                break;
            }
            let mass_g = left_g.min(want_g);
            want_g -= mass_g;
            takes.push(self.take(lot, mass_g));
        }
        (takes, want_g)
    }

    /// Takes from one lot, and out of what is in its containers as far as the rest of the lot does not give it.
    fn take(&mut self, lot: Uuid, mass_g: i64) -> Take {
        self.change(lot, -mass_g);
        let left_g = self.lot(lot).map_or(0, |lot| lot.left_g);
        let in_containers: i64 = self.fillings.iter().filter(|filling| filling.lot == lot).map(|filling| filling.left_g).sum();
        let mut over_g = (in_containers - left_g).max(0);
        for filling in self.fillings.iter_mut().filter(|filling| filling.lot == lot && filling.left_g > 0) {
            let part_g = filling.left_g.min(over_g);
            if part_g > 0 {
                filling.left_g -= part_g;
                over_g -= part_g;
                self.touched_fillings.push(filling.id);
            }
        }
        Take { lot, mass_g }
    }

    /// Takes out of one container.
    pub fn take_filling(&mut self, filling: Uuid, mass_g: i64) -> Option<Take> {
        let held = self.fillings.iter_mut().find(|held| held.id == filling)?;
        let lot = held.lot;
        held.left_g -= mass_g;
        self.touched_fillings.push(filling);
        self.change(lot, -mass_g);
        Some(Take { lot, mass_g })
    }

    /// What was measured otherwise than booked is put right in a lot and, where it is named, a container. Unit: grams.
    pub fn adjust(&mut self, lot: Uuid, filling: Option<Uuid>, by_g: i64) {
        self.change(lot, by_g);
        if let Some(held) = self.fillings.iter_mut().find(|held| Some(held.id) == filling) {
            held.left_g += by_g;
            self.touched_fillings.push(held.id);
        }
    }

    fn change(&mut self, lot: Uuid, by_g: i64) {
        if let Some(found) = self.lots.iter_mut().find(|one| one.id == lot) {
            found.left_g += by_g;
            self.touched_lots.push(lot);
        }
    }

    /// What an entry tells of the fillings that it touched, enough to take it back: where each was, what it held before and
    /// after. `weighed` is what was weighed of them; `followed` went along with their lot and hold what is named there.
    #[must_use]
    pub fn told(&self, weighed: &BTreeMap<Uuid, i64>, followed: &[(Uuid, i64)]) -> Vec<Value> {
        let touched = self.before.iter().filter(|held| self.touched_fillings.contains(&held.id) || weighed.contains_key(&held.id));
        touched
            .map(|held| {
                let along = followed.iter().find(|(id, _)| *id == held.id).map(|(_, left_g)| *left_g);
                let left_g = along.or_else(|| self.filling(held.id).map(|now| now.left_g)).unwrap_or(0);
                let mass_g = weighed.get(&held.id).copied().unwrap_or_else(|| if along.is_some() { left_g } else { held.left_g - left_g });
                json!({
                    "container_id": held.container, "filling_id": held.id, "filling": held.code, "lot_id": held.lot, "mass_g": mass_g,
                    "booked_g": held.left_g, "left_g": left_g,
                })
            })
            .collect()
    }

    /// Lots that were changed, as they stand now.
    pub fn changed_lots(&self) -> impl Iterator<Item = &StockLot> {
        self.lots.iter().filter(|lot| self.touched_lots.contains(&lot.id))
    }

    /// Fillings that were changed, as they stand now.
    pub fn changed_fillings(&self) -> impl Iterator<Item = &Held> {
        self.fillings.iter().filter(|filling| self.touched_fillings.contains(&filling.id))
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;
    use proptest::prelude::*;

    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 11, day).unwrap()
    }

    fn lot(n: u128, left_g: i64, on: u32) -> StockLot {
        StockLot { id: Uuid::from_u128(n), left_g, facility: None, since_at: Utc.with_ymd_and_hms(2026, 11, on, 2, 0, 0).unwrap(), made_on: day(on) }
    }

    fn held(n: u128, lot: u128, left_g: i64) -> Held {
        Held { id: Uuid::from_u128(n), code: n.to_string(), container: Uuid::nil(), lot: Uuid::from_u128(lot), left_g }
    }

    #[test]
    fn the_oldest_is_drawn_first_and_labelled_drums_last() {
        let mut stock = Stock::new(vec![lot(1, 50, 3), lot(2, 100, 1), lot(3, 70, 2)], vec![held(9, 2, 100)]);
        let (takes, short_g) = stock.draw(130, day(5), |_| true);
        assert_eq!(takes.iter().map(|take| (take.lot.as_u128(), take.mass_g)).collect::<Vec<_>>(), [(3, 70), (1, 50), (2, 10)]);
        assert_eq!((short_g, stock.filling(Uuid::from_u128(9)).unwrap().left_g), (0, 90));
    }

    #[test]
    fn nothing_is_taken_before_it_was_there() {
        let mut stock = Stock::new(vec![lot(1, 50, 3)], Vec::new());
        assert_eq!(stock.draw(50, day(2), |_| true), (Vec::new(), 50));
        assert_eq!(stock.draw(60, day(3), |_| true).1, 10);
    }

    proptest! {
        #[test]
        fn no_gram_is_lost_or_taken_twice(masses in prop::collection::vec(0_i64..1_000, 1..8), wants in prop::collection::vec(0_i64..2_000, 1..8)) {
            let lots = masses.iter().enumerate().map(|(n, mass_g)| lot(n as u128 + 1, *mass_g, 1)).collect();
            let fillings = masses.iter().enumerate().filter(|(n, mass)| n % 2 == 0 && **mass > 1).map(|(n, mass)| held(n as u128 + 100, n as u128 + 1, mass / 2)).collect();
            let mut stock = Stock::new(lots, fillings);
            let before: i64 = masses.iter().sum();
            let mut taken = 0;
            for want in wants {
                let (takes, short_g) = stock.draw(want, day(2), |_| true);
                let got: i64 = takes.iter().map(|take| take.mass_g).sum();
                prop_assert_eq!(got + short_g, want);
                taken += got;
            }
            prop_assert_eq!(stock.left_g(day(2), |_| true) + taken, before);
            for lot in &stock.lots {
                let inside: i64 = stock.fillings.iter().filter(|one| one.lot == lot.id).map(|one| one.left_g).sum();
                prop_assert!(lot.left_g >= 0 && inside <= lot.left_g);
            }
        }
    }
}
