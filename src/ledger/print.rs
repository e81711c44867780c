//! What of the ledger goes on paper: labels of fillings, and the ledger of a month.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate};
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::balance::{self, Totals};
use super::label::Label;
use super::labels::LabelFacts;
use super::month_sheet::{Entrusted, Entry as Printed, Generated, MonthLedger, OwnTreated, Stock, Stored, TakenOut, Waste};
use super::read;
use super::read::{Entry, EntryFilter, Page};
use crate::platform::calendar::{end_of, start_of};
use crate::platform::db::Sql;
use crate::platform::mass::Grams;
use crate::platform::problem::Problem;
use crate::registry::Scope;

/// Entries that one sheet takes; a site with more prints its months in parts.
pub const SHEET_ENTRIES_MAX: i64 = 3_000;
const MILLILITRES: i64 = 1_000;

impl From<LabelFacts> for Label {
    fn from(facts: LabelFacts) -> Self {
        let litres = facts.capacity_ml.saturating_add(MILLILITRES - 1) / MILLILITRES;
        Self {
            name: facts.name,
            category: facts.category,
            code: facts.waste_code,
            form: facts.form,
            components: facts.main_components,
            harmful: facts.harmful_components,
            hazards: facts.hazards,
            precautions: facts.precautions,
            qr: facts.code.clone(),
            digital_code: facts.code,
            unit: facts.unit_name,
            contact: facts.contact,
            generated_on: facts.filled_on,
            mass_g: Some(facts.filled_g),
            note: facts.note,
            capacity_litres: i32::try_from(litres).unwrap_or(i32::MAX),
        }
    }
}

#[derive(diesel::QueryableByName)]
struct HeadRow {
    #[diesel(sql_type = Text)]
    unit: String,
    #[diesel(sql_type = Text)]
    uscc: String,
    #[diesel(sql_type = Text)]
    site: String,
}

#[derive(diesel::QueryableByName)]
struct BatchRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Text)]
    batch: String,
}

fn grams(mass_g: i64) -> Grams {
    Grams::try_from(mass_g.max(0)).unwrap_or(Grams::ZERO)
}

fn waste(code: &str, name: Option<&str>) -> Waste {
    let category = code.get(8..).map(|digits| format!("HW{digits}")).unwrap_or_default();
    Waste { name: name.unwrap_or_default().to_owned(), category, code: code.to_owned() }
}

/// The ledger of a site in a month as it stands now; none where it has more entries than a sheet takes.
///
/// # Errors
/// As the database.
pub async fn month(conn: &mut AsyncPgConnection, scope: &Scope, site: Uuid, month: NaiveDate) -> Result<Option<MonthLedger>, Problem> {
    let from = month.with_day(1).unwrap_or(month);
    let until = from.checked_add_months(chrono::Months::new(1)).and_then(|next| next.pred_opt()).unwrap_or(from);
    let page = Page { limit: SHEET_ENTRIES_MAX + 1, ..Page::default() };
    let filter = EntryFilter { site: Some(site), from: Some(start_of(from)), until: Some(end_of(until)), ..EntryFilter::default() };
    let mut entries = read::entries(conn, scope, &page, &filter).await?;
    if i64::try_from(entries.len()).is_ok_and(|count| count > SHEET_ENTRIES_MAX) {
        return Ok(None);
    }
    entries.sort_by(|a, b| a.happened_at.cmp(&b.happened_at).then(a.batch.cmp(&b.batch)));
    let head: Option<HeadRow> =
        Sql("SELECT u.name AS unit, coalesce(u.uscc, '') AS uscc, s.name AS site FROM sites s JOIN units u ON u.id = s.unit_id WHERE s.id = $1")
            .bind::<SqlUuid, _>(site)
            .load(conn)
            .await?
            .pop();
    let head = head.ok_or_else(Problem::not_found)?;
    let sources: Vec<Uuid> = entries.iter().flat_map(|entry| entry.sources.iter().copied()).collect();
    let batches: Vec<BatchRow> = Sql("SELECT id, batch FROM ledger_entries WHERE id = ANY($1)").bind::<Array<SqlUuid>, _>(sources).load(conn).await?;
    let batches: BTreeMap<Uuid, String> = batches.into_iter().map(|row| (row.id, row.batch)).collect();
    let totals = balance::totals(conn, site, from, until).await?;
    let mut ledger = MonthLedger {
        unit: head.unit,
        uscc: head.uscc,
        site: head.site,
        year: from.year(),
        month: from.month(),
        stocks: totals.iter().map(stock).collect(),
        generated: Vec::new(),
        stored: Vec::new(),
        taken_out: Vec::new(),
        own_treated: Vec::new(),
        entrusted: Vec::new(),
    };
    for entry in &entries {
        put(&mut ledger, entry, &batches);
    }
    Ok(Some(ledger))
}

fn stock(totals: &Totals) -> Stock {
    let of = |columns: &[&str]| -> i64 { totals.flows.iter().filter(|flow| columns.contains(&flow.column.as_str())).map(|flow| flow.mass_g).sum() };
    Stock {
        waste: waste(&totals.code, None),
        opening_g: grams(totals.opening_g),
        // What was received came into the store as well; what weighing found otherwise did not, and shows as what does not balance.
        generated_g: grams(totals.generated_g.saturating_add(totals.received_g)),
        own_g: grams(of(&["used", "disposed"])),
        outside_g: grams(of(&["sent"])),
        closing_g: grams(totals.closing_g),
    }
}

fn put(ledger: &mut MonthLedger, entry: &Entry, batches: &BTreeMap<Uuid, String>) {
    let from_batch = entry.sources.iter().filter_map(|id| batches.get(id).cloned()).collect::<Vec<_>>().join("、");
    let containers: Vec<&str> = entry.fillings.as_array().into_iter().flatten().filter_map(|filling| filling["filling"].as_str()).collect();
    let mut notes: Vec<&str> = Vec::new();
    if entry.is_reversed {
        notes.push("已更正");
    }
    if entry.replaces.is_some() || entry.adjusts.is_some() {
        notes.push("更正后");
    }
    if entry.is_late {
        notes.push("补记");
    }
    notes.extend(entry.note.as_deref());
    let printed = Printed {
        batch: entry.batch.clone(),
        at: entry.happened_at,
        waste: waste(&entry.code, entry.common_name.as_deref()),
        container_codes: containers.join("、"),
        container_kind: String::new(),
        containers: i64::try_from(containers.len()).unwrap_or(i64::MAX),
        mass_g: grams(entry.mass_g),
        note: notes.join("；"),
    };
    let facility = entry.facility_code.clone().unwrap_or_default();
    let said = |text: &Option<String>| text.clone().unwrap_or_default();
    let receiver = |key: &str| entry.receiver.as_ref().and_then(|receiver| receiver[key].as_str()).unwrap_or_default().to_owned();
    match entry.kind.as_str() {
        "generated" => ledger.generated.push(Generated { entry: printed, facility, clerk: entry.handler.clone(), goes_to: said(&entry.destination) }),
        "stored" => ledger.stored.push(Stored {
            entry: printed,
            facility,
            facility_kind: String::new(),
            carried_by: said(&entry.carried_by),
            kept_by: said(&entry.store_keeper),
            from_batch,
        }),
        "taken_out" => ledger.taken_out.push(TakenOut {
            entry: printed,
            facility,
            facility_kind: String::new(),
            given_by: entry.handler.clone(),
            carried_by: said(&entry.carried_by),
            from_batch,
            goes_to: said(&entry.destination),
        }),
        "used_on_site" | "disposed_on_site" => ledger.own_treated.push(OwnTreated {
            entry: printed,
            facility,
            method: said(&entry.method),
            done_at: entry.done_at,
            clerk: entry.handler.clone(),
            from_batch,
        }),
        "sent" => ledger.entrusted.push(Entrusted {
            entry: printed,
            method: said(&entry.method),
            receiver_kind: match receiver("kind").as_str() {
                "exempt_unit" => "豁免环节单位".into(),
                "foreign" => "境外单位".into(),
                _ => "持证单位".into(),
            },
            receiver: receiver("name"),
            permit: receiver("number"),
            from_batch,
        }),
        _ => {}
    }
}
