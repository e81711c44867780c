//! What each act changes in the three mass accounts (质量账户). Pure: from the record before and after to postings.
//!
//! Plan flow and approval count mass moved out: reserved at issue, settled at release. The licence line counts mass
//! accepted in the calendar year of receipt: reserved at issue, adjusted at release, settled at confirm.

use chrono::{Datelike, NaiveDate};
use uuid::Uuid;

use super::domain::Record;
use super::parts::{Cover, Line};
use super::rules;
use crate::ledger::accounts::{AccountKind, Posting};
use crate::platform::calendar::legal_day;

/// Limits that a posting meets; only gate acts have them.
#[derive(Clone, Copy)]
enum Gate {
    /// Approval never above 100 %, licence below 120 %.
    Limited,
    /// Fact acts book unconditionally.
    Open,
}

fn posting(kind: AccountKind, owner: Uuid, year: i32, reserved_g: i64, settled_g: i64, at_most_g: Option<i64>) -> Posting {
    Posting { kind, owner, year, reserved_g, settled_g, at_most_g }
}

/// The last gram below the share from which a licence refuses (`hw_licence_2016/12`: 20 % or more).
#[must_use]
pub fn licence_limit_g(year_g: i64, day: NaiveDate) -> i64 {
    let percent = i128::from(*rules::LICENCE_REFUSED_FROM_PERCENT.on(day));
    let from = (i128::from(year_g) * percent + 99) / 100;
    i64::try_from(from - 1).unwrap_or(i64::MAX)
}

/// Reserves every declared mass.
#[must_use]
pub fn issued(record: &Record) -> Vec<Posting> {
    let consignment = &record.consignment;
    let mut postings = Vec::new();
    for line in &consignment.lines {
        let mass_g = line.declared_g.get();
        if let Some(flow) = line.plan_flow.as_ref().map(|flow| flow.flow_id) {
            postings.push(posting(AccountKind::PlanFlow, flow, consignment.planned_departure_on.year(), mass_g, 0, None));
        }
        if let Some(approval) = &line.approval {
            postings.push(posting(AccountKind::Approval, approval.approval_id, 0, mass_g, 0, Some(approval.approved_g.get())));
        }
        if let Cover::Licence { licence_line_id, year_g, .. } = &line.cover {
            let limit = licence_limit_g(year_g.get(), consignment.planned_receipt_on);
            postings.push(posting(AccountKind::LicenceLine, *licence_line_id, consignment.planned_receipt_on.year(), mass_g, 0, Some(limit)));
        }
    }
    postings
}

/// What moved out settles, the licence's reservation follows it.
#[must_use]
pub fn released(before: &Record, after: &Record) -> Vec<Posting> {
    moved_out(before, after, Gate::Limited)
}

fn moved_out(before: &Record, after: &Record, gate: Gate) -> Vec<Posting> {
    let year = before.consignment.planned_departure_on.year();
    each_line(after, |line, postings| {
        let (declared_g, moved_g) = (line.declared_g.get(), after.moved_g(line.line));
        if let Some(flow) = line.plan_flow.as_ref().map(|flow| flow.flow_id) {
            postings.push(posting(AccountKind::PlanFlow, flow, year, -declared_g, moved_g, None));
        }
        if let Some(approval) = &line.approval {
            let limit = match gate {
                Gate::Limited => Some(approval.approved_g.get()),
                Gate::Open => None,
            };
            postings.push(posting(AccountKind::Approval, approval.approval_id, 0, -declared_g, moved_g, limit));
        }
        if let Cover::Licence { licence_line_id, year_g, .. } = &line.cover {
            let limit = match gate {
                Gate::Limited => Some(licence_limit_g(year_g.get(), after.consignment.planned_receipt_on)),
                Gate::Open => None,
            };
            postings.push(posting(
                AccountKind::LicenceLine,
                *licence_line_id,
                after.consignment.planned_receipt_on.year(),
                moved_g - declared_g,
                0,
                limit,
            ));
        }
    })
}

fn each_line(record: &Record, mut post: impl FnMut(&Line, &mut Vec<Posting>)) -> Vec<Posting> {
    let mut postings = Vec::new();
    for line in &record.consignment.lines {
        post(line, &mut postings);
    }
    postings
}

/// A release taken back is a release reversed.
#[must_use]
pub fn unreleased(before: &Record, after: &Record) -> Vec<Posting> {
    if before.release.is_some() && after.release.is_none() { reversed(moved_out(before, before, Gate::Open)) } else { Vec::new() }
}

fn reversed(mut postings: Vec<Posting>) -> Vec<Posting> {
    for posting in &mut postings {
        posting.reserved_g = -posting.reserved_g;
        posting.settled_g = -posting.settled_g;
        posting.at_most_g = None;
    }
    postings
}

/// Cancelled before it left: every reservation goes back.
#[must_use]
pub fn cancelled(before: &Record) -> Vec<Posting> {
    reversed(issued(before))
}

/// Turned back on the road: the load never came to this receiver, so his licence has it back. Plan flow and approval keep it
/// as they do after a refusal at the gate, for it has moved out (`decree_23_2021/28`); only a void takes that back.
#[must_use]
pub fn turned_back(record: &Record) -> Vec<Posting> {
    let year = record.consignment.planned_receipt_on.year();
    each_line(record, |line, postings| {
        if let Cover::Licence { licence_line_id, .. } = &line.cover {
            postings.push(posting(AccountKind::LicenceLine, *licence_line_id, year, -record.moved_g(line.line), 0, None));
        }
    })
}

/// Voided: what is still reserved goes back, and what was settled for it too; the graph keeps what really moved.
#[must_use]
pub fn voided(record: &Record) -> Vec<Posting> {
    let mut postings = issued(record);
    let unsealed = Record::new(record.id, record.consignment.clone());
    if record.release.is_some() {
        postings.extend(moved_out(&unsealed, record, Gate::Open));
    }
    if record.receipt.is_some() {
        let before = Record { receipt: None, verdict: None, ..record.clone() };
        postings.extend(received(&before, record));
        if record.verdict.is_some() {
            postings.extend(confirmed(record, record));
        }
    }
    if record.is_turned_back() {
        postings.extend(turned_back(record));
    }
    reversed(postings)
}

/// Where release was skipped, what came counts as moved out; the licence's reservation moves to the year of receipt.
#[must_use]
pub fn received(before: &Record, after: &Record) -> Vec<Posting> {
    let Some(receipt) = &after.receipt else { return Vec::new() };
    let planned_year = after.consignment.planned_receipt_on.year();
    let year = legal_day(receipt.received_at).year();
    each_line(after, |line, postings| {
        let came_g = receipt.lines.iter().find(|one| one.line == line.line).map_or(0, |one| one.weighed_g.get());
        if before.release.is_none() {
            let departed = before.consignment.planned_departure_on.year();
            if let Some(flow) = line.plan_flow.as_ref().map(|flow| flow.flow_id) {
                postings.push(posting(AccountKind::PlanFlow, flow, departed, -line.declared_g.get(), came_g, None));
            }
            if let Some(approval) = line.approval.as_ref().map(|approval| approval.approval_id) {
                postings.push(posting(AccountKind::Approval, approval, 0, -line.declared_g.get(), came_g, None));
            }
        }
        if let Cover::Licence { licence_line_id, .. } = &line.cover {
            let reserved_g = before.moved_g(line.line);
            if year != planned_year {
                postings.push(posting(AccountKind::LicenceLine, *licence_line_id, planned_year, -reserved_g, 0, None));
                postings.push(posting(AccountKind::LicenceLine, *licence_line_id, year, reserved_g, 0, None));
            }
        }
    })
}

/// What was accepted settles on the licence in the year of receipt; the reservation goes.
#[must_use]
pub fn confirmed(before: &Record, after: &Record) -> Vec<Posting> {
    let Some(receipt) = &after.receipt else { return Vec::new() };
    let year = legal_day(receipt.received_at).year();
    each_line(after, |line, postings| {
        if let Cover::Licence { licence_line_id, .. } = &line.cover {
            postings.push(posting(AccountKind::LicenceLine, *licence_line_id, year, -before.moved_g(line.line), after.accepted_g(line.line), None));
        }
    })
}

fn came_g(record: &Record, line: i32) -> i64 {
    record.receipt.iter().flat_map(|receipt| &receipt.lines).find(|one| one.line == line).map_or(0, |one| one.weighed_g.get())
}

/// A release signed late says what moved out; until then what came was taken for it.
#[must_use]
pub fn released_late(before: &Record, after: &Record) -> Vec<Posting> {
    if before.release.is_some() || after.release.is_none() {
        return Vec::new();
    }
    let year = before.consignment.planned_departure_on.year();
    each_line(after, |line, postings| {
        let settled_g = after.moved_g(line.line) - came_g(before, line.line);
        if let Some(flow) = line.plan_flow.as_ref().map(|flow| flow.flow_id) {
            postings.push(posting(AccountKind::PlanFlow, flow, year, 0, settled_g, None));
        }
        if let Some(approval) = line.approval.as_ref().map(|approval| approval.approval_id) {
            postings.push(posting(AccountKind::Approval, approval, 0, 0, settled_g, None));
        }
    })
}

/// A correction posts the differences of what it changed: within the limits of the gate while the load has not left, and
/// unconditionally once it has.
#[must_use]
pub fn corrected(before: &Record, after: &Record) -> Vec<Posting> {
    let is_limited = !before.has_left();
    let year = before.consignment.planned_departure_on.year();
    let decided = after.verdict.is_some() && after.receipt.is_some();
    each_line(after, |line, postings| {
        let declared = line.declared_g.get() - before.consignment.line(line.line).map_or(0, |one| one.declared_g.get());
        let moved = after.moved_g(line.line) - before.moved_g(line.line);
        // Where release was skipped, what came counts as moved out.
        let (reserved_g, settled_g) = match (&after.release, &after.receipt) {
            (Some(_), _) => (0, moved),
            (None, Some(_)) => (0, came_g(after, line.line) - came_g(before, line.line)),
            (None, None) => (declared, 0),
        };
        if let Some(flow) = line.plan_flow.as_ref().map(|flow| flow.flow_id) {
            postings.push(posting(AccountKind::PlanFlow, flow, year, reserved_g, settled_g, None));
        }
        if let Some(approval) = &line.approval {
            let limit = is_limited.then(|| approval.approved_g.get());
            postings.push(posting(AccountKind::Approval, approval.approval_id, 0, reserved_g, settled_g, limit));
        }
        // What was turned back is off the licence already.
        if let Cover::Licence { licence_line_id, year_g, .. } = &line.cover
            && !after.is_turned_back()
        {
            let received_year =
                after.receipt.as_ref().map_or(after.consignment.planned_receipt_on.year(), |receipt| legal_day(receipt.received_at).year());
            let (reserved_g, settled_g) = if decided { (0, after.accepted_g(line.line) - before.accepted_g(line.line)) } else { (moved, 0) };
            let limit = is_limited.then(|| licence_limit_g(year_g.get(), after.consignment.planned_receipt_on));
            postings.push(posting(AccountKind::LicenceLine, *licence_line_id, received_year, reserved_g, settled_g, limit));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_licence_refuses_from_120_percent_on_and_not_a_gram_before() {
        let day = NaiveDate::from_ymd_opt(2026, 11, 23).unwrap();
        // 10,000 t a year: 11,999.999999 t is the last mass allowed, 12,000 t is refused.
        assert_eq!(licence_limit_g(10_000_000_000, day), 11_999_999_999);
        assert_eq!(licence_limit_g(1, day), 1);
    }
}
