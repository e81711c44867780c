//! What an entry says that cannot be, before anything is read: fields of other kinds, masses that do not add up.

use crate::ledger::domain::{RecordEntry, RecordKind};
use crate::ledger::refusal::LedgerRefusal;
use crate::platform::problem::Refusals;

/// Which fields a kind has.
struct Fields {
    facility: bool,
    label: bool,
    stored: bool,
    method: bool,
    receiver: bool,
    /// Sources from which it draws, or which it names.
    sources: bool,
}

const fn fields_of(kind: RecordKind) -> Fields {
    let none = Fields { facility: true, label: false, stored: false, method: false, receiver: false, sources: true };
    match kind {
        RecordKind::Generated | RecordKind::Received => Fields { label: true, stored: true, ..none },
        RecordKind::Stored | RecordKind::TakenOut => none,
        RecordKind::UsedOnSite | RecordKind::DisposedOnSite => Fields { method: true, ..none },
        RecordKind::Sent => Fields { facility: false, method: true, receiver: true, ..none },
        RecordKind::Counted => Fields { sources: false, ..none },
    }
}

/// Everything that can be said without a look at the books.
pub fn check(entry: &RecordEntry, at: &str) -> Refusals<LedgerRefusal> {
    let mut refusals = Refusals::none();
    let has = fields_of(entry.kind);
    let is_new = matches!(entry.kind, RecordKind::Generated | RecordKind::Received);
    let given = [
        (entry.facility_id.is_some() && !has.facility, "facility_id"),
        (entry.label.is_some() && !has.label, "label"),
        (entry.stored.is_some() && !has.stored, "stored"),
        (entry.method.is_some() && !has.method, "method"),
        (entry.done_at.is_some() && !has.method, "done_at"),
        (entry.receiver.is_some() && !has.receiver, "receiver"),
        (!entry.sources.is_empty() && !has.sources, "sources"),
        (entry.is_piped && !(is_new || entry.kind == RecordKind::Stored), "is_piped"),
    ];
    for (_, name) in given.into_iter().filter(|(is_wrong, _)| *is_wrong) {
        refusals.add(format!("{at}/{name}"), LedgerRefusal::NotForThisKind);
    }
    if has.method && entry.method.is_none() {
        refusals.add(format!("{at}/method"), LedgerRefusal::MethodMissing);
    }
    if has.receiver && entry.receiver.is_none() {
        refusals.add(format!("{at}/receiver"), LedgerRefusal::ReceiverMissing);
    }
    if entry.kind == RecordKind::Stored && entry.facility_id.is_none() {
        refusals.add(format!("{at}/facility_id"), LedgerRefusal::FacilityMissing);
    }
    let may_be_nothing = entry.kind == RecordKind::Counted;
    if entry.mass_g.is_some_and(|mass| mass.grams().is_zero()) && !may_be_nothing {
        refusals.add(format!("{at}/mass_g"), LedgerRefusal::NothingEntered);
    }
    if entry.mass_g.is_none() && entry.containers.is_empty() {
        refusals.add(format!("{at}/mass_g"), LedgerRefusal::MassMissing);
    }
    let mut seen = Vec::new();
    for (index, container) in entry.containers.iter().enumerate() {
        let place = format!("{at}/containers/{index}");
        match (container.container_id, container.filling) {
            (None, None) => refusals.add(place.clone(), LedgerRefusal::ContainerUnnamed),
            (None, Some(_)) if is_new => refusals.add(format!("{place}/container_id"), LedgerRefusal::ContainerUnnamed),
            (Some(_), Some(_)) => refusals.add(format!("{place}/filling"), LedgerRefusal::NotForThisKind),
            _ => {}
        }
        let name = (container.container_id, container.filling.map(|code| code.to_string()));
        if seen.contains(&name) {
            refusals.add(place.clone(), LedgerRefusal::ContainerGivenTwice);
        }
        seen.push(name);
        if container.label.is_some() && !has.label {
            refusals.add(format!("{place}/label"), LedgerRefusal::NotForThisKind);
        }
        if container.mass_g.is_some_and(|mass| mass.grams().is_zero()) && !may_be_nothing {
            refusals.add(format!("{place}/mass_g"), LedgerRefusal::NothingEntered);
        }
        // What is new, and what is counted, nobody knows but by weighing.
        if container.mass_g.is_none() && (is_new || may_be_nothing) && (entry.containers.len() > 1 || entry.mass_g.is_none()) {
            refusals.add(format!("{place}/mass_g"), LedgerRefusal::MassMissing);
        }
    }
    if let Some(mass) = entry.mass_g.filter(|_| !entry.containers.is_empty() && entry.containers.iter().all(|one| one.mass_g.is_some())) {
        let sum_g: i64 = entry.containers.iter().filter_map(|one| one.mass_g).map(|mass| mass.grams().get()).sum();
        if sum_g != mass.grams().get() {
            refusals.add(format!("{at}/mass_g"), LedgerRefusal::MassesDoNotAddUp { sum_g, mass_g: mass.grams().get() });
        }
    }
    refusals
}
