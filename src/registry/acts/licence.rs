//! Acts on operating licences and exempt-stage receivers.

use chrono::NaiveDate;
use serde_json::json;
use uuid::Uuid;

use super::{RegistryRefusal, event, refuse, texts};
use crate::evidence::{Head, Outcome, Tx};
use crate::identity::{self, Actor, Role, transact};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals, kinds};
use crate::registry::domain::{ExemptStatement, LicenceStatement, Sentence, WithdrawalKind, months_after};
use crate::registry::rules::licence_years_max;
use crate::registry::{policy, store};

/// Records a licence of the actor's unit. It counts only once an officer verified it. One of a unit outside the system is
/// a claim with its source, which warns until then.
///
/// Legal source: `hw_licence_2016/10`.
///
/// # Errors
/// 403; `unknown-unit-or-site`, `days-out-of-order`, `valid-too-long`, `empty-list`, `no-waste`, `source-only-of-others`.
pub async fn record_licence(call: &Call, actor: &Actor, licence: LicenceStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let site = store::site_key(tx.conn, licence.site_id).await?;
        let mut refusals = check_licence(&licence);
        let unit = match site {
            Some(site) if licence.source.is_some() && actor.unit_id() != Some(site.unit_id) => {
                policy::adds_to_external(tx.conn, actor, site.unit_id).await?;
                site.unit_id
            }
            site => {
                let unit = policy::states_for(actor)?;
                if site.is_none_or(|site| site.unit_id != unit) {
                    refusals.add("/site_id", RegistryRefusal::Unknown);
                }
                if licence.source.is_some() {
                    refusals.add("/source", RegistryRefusal::OwnSource);
                }
                unit
            }
        };
        refusals.or(())?;
        let (id, now) = (tx.new_id(), tx.now());
        store::insert_licence(tx.conn, id, unit, &licence, now).await?;
        let mut lines = Vec::new();
        for (index, line) in licence.lines.iter().enumerate() {
            let line_no = i32::try_from(index + 1).unwrap_or(i32::MAX);
            let line_id = tx.new_id();
            store::insert_licence_line(tx.conn, line_id, id, line_no, line).await?;
            lines.push(json!({
                "line_id": line_id, "line_no": line_no, "codes": texts(&line.codes), "categories": texts(&line.categories),
                "methods": texts(&line.methods), "year_g": line.year_g.grams(),
            }));
        }
        let payload = json!({
            "licence_id": id, "unit_id": unit, "site_id": licence.site_id, "number": licence.number, "kind": licence.kind,
            "issuer": licence.issuer, "issued_on": licence.issued_on, "valid_from": licence.valid_from, "valid_to": licence.valid_to, "lines": lines,
            "source": licence.source,
        });
        tx.append(&Head::NEW, event(tx, "licence", id, "record_licence", &["hw_licence_2016/10"], payload)).await?;
        Ok(())
    })
    .await
}

fn check_licence(licence: &LicenceStatement) -> Refusals<RegistryRefusal> {
    let mut refusals = Refusals::none();
    let years = licence_years_max(licence.kind);
    if licence.valid_to < licence.valid_from {
        refusals.add("/valid_to", RegistryRefusal::DaysOutOfOrder);
    } else if licence.valid_to > months_after(licence.valid_from, years * 12) {
        refusals.add("/valid_to", RegistryRefusal::ValidTooLong(years));
    }
    if licence.lines.is_empty() {
        refusals.add("/lines", RegistryRefusal::Empty);
    }
    for (index, line) in licence.lines.iter().enumerate() {
        if line.codes.is_empty() && line.categories.is_empty() {
            refusals.add(format!("/lines/{index}/codes"), RegistryRefusal::NoWaste);
        }
        if line.methods.is_empty() {
            refusals.add(format!("/lines/{index}/methods"), RegistryRefusal::Empty);
        }
    }
    refusals
}

/// An officer of the site's division verifies a licence against the register of licences.
///
/// # Errors
/// 403 outside the jurisdiction and for a mere viewer, 404, 412; `verified-already`.
pub async fn verify_licence(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let stored = store::licence_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let by = policy::officer_of(tx.conn, actor, &stored.division, &[Role::Inspector, Role::Manager], &kinds::FORBIDDEN).await?;
        tx.seen(id, &head).await?;
        let now = tx.now();
        if !store::verify_licence(tx.conn, id, by, now).await? {
            return Err(refuse("", RegistryRefusal::VerifiedAlready));
        }
        tx.append(&head, event(tx, "licence", id, "verify_licence", &[], json!({ "licence_id": id, "verified_by": by }))).await?;
        Ok(())
    })
    .await
}

/// An officer enters that a licence was revoked, cancelled or suspended from a day.
///
/// # Errors
/// 403 outside the jurisdiction and for a mere viewer, 404, 412; `not-verified`, `only-suspension-ends`, `days-out-of-order`.
pub async fn withdraw_licence(
    call: &Call,
    actor: &Actor,
    id: Uuid,
    kind: WithdrawalKind,
    from: NaiveDate,
    until: Option<NaiveDate>,
    reason: Sentence,
) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let stored = store::licence_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        policy::officer_of(tx.conn, actor, &stored.division, &[Role::Inspector, Role::Manager], &kinds::FORBIDDEN).await?;
        tx.seen(id, &head).await?;
        let mut refusals = Refusals::none();
        if !stored.is_verified {
            refusals.add("", RegistryRefusal::NotVerified);
        }
        if (kind == WithdrawalKind::Suspended) != until.is_some() {
            refusals.add("/until_on", RegistryRefusal::OnlySuspensionEnds);
        }
        if until.is_some_and(|until| until < from) {
            refusals.add("/until_on", RegistryRefusal::DaysOutOfOrder);
        }
        refusals.or(())?;
        let (row, now) = (tx.new_id(), tx.now());
        store::insert_withdrawal(tx.conn, row, id, kind, from, until, reason.as_str(), now).await?;
        let payload = json!({ "licence_id": id, "withdrawal_id": row, "kind": kind, "from_on": from, "until_on": until, "reason": reason });
        tx.append(&head, event(tx, "licence", id, "withdraw_licence", &[], payload)).await?;
        Ok(())
    })
    .await
}

/// Records that the actor's unit receives at an exempt stage, the condition confirmed. It counts only once verified.
///
/// Legal source: `decree_23_2021/2/para2`.
///
/// # Errors
/// 403; `days-out-of-order`, `empty-list`, `no-waste`.
pub async fn record_exempt_receiver(call: &Call, actor: &Actor, exempt: ExemptStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = policy::states_for(actor)?;
        let mut refusals = Refusals::none();
        if exempt.stages.is_empty() {
            refusals.add("/stages", RegistryRefusal::Empty);
        }
        if exempt.exemption_seq < 1 {
            refusals.add("/exemption_seq", RegistryRefusal::Unknown);
        }
        if exempt.codes.is_empty() && exempt.categories.is_empty() {
            refusals.add("/codes", RegistryRefusal::NoWaste);
        }
        if exempt.valid_to < exempt.valid_from {
            refusals.add("/valid_to", RegistryRefusal::DaysOutOfOrder);
        }
        refusals.or(())?;
        let (id, now) = (tx.new_id(), tx.now());
        store::insert_exempt_receiver(tx.conn, id, unit, &exempt, now).await?;
        let payload = json!({
            "exempt_receiver_id": id, "unit_id": unit, "stages": exempt.stages, "exemption_seq": exempt.exemption_seq,
            "codes": texts(&exempt.codes), "categories": texts(&exempt.categories), "condition": exempt.condition, "evidence": exempt.evidence,
            "valid_from": exempt.valid_from, "valid_to": exempt.valid_to,
        });
        tx.append(&Head::NEW, event(tx, "exempt_receiver", id, "record_exempt_receiver", &["decree_23_2021/2/para2"], payload)).await?;
        Ok(())
    })
    .await
}

/// An officer of the unit's division verifies an exempt-stage receiver.
///
/// # Errors
/// 404 outside the jurisdiction, 403 for a mere viewer, 412; `verified-already`.
pub async fn verify_exempt_receiver(call: &Call, actor: &Actor, id: Uuid) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let head = tx.lock(id).await?;
        let owner = store::exempt_receiver_owner(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let unit = identity::unit_by_id(tx.conn, owner).await?.ok_or_else(Problem::not_found)?;
        policy::officer_of(tx.conn, actor, &unit.division, &[Role::Inspector, Role::Manager], &kinds::NOT_FOUND).await?;
        tx.seen(id, &head).await?;
        let now = tx.now();
        if !store::verify_exempt_receiver(tx.conn, id, now).await? {
            return Err(refuse("", RegistryRefusal::VerifiedAlready));
        }
        tx.append(&head, event(tx, "exempt_receiver", id, "verify_exempt_receiver", &[], json!({ "exempt_receiver_id": id }))).await?;
        Ok(())
    })
    .await
}
