//! Acts that record what a unit holds: papers, export notices, transfers of industrial solid waste to another province.

use chrono::NaiveDate;
use serde_json::{Value, json};
use uuid::Uuid;

use super::attachment::{Named, attach};
use super::{event, is_own_site, refusals, refuse};
use crate::catalogue::in_force_on;
use crate::evidence::{Head, Outcome, Tx};
use crate::filing::domain::record::{ExportStatement, GeneralTransferStatement, PaperStatement, RetirePaper, TransferPurpose};
use crate::filing::store::record as store;
use crate::identity::{self, Actor, transact};
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals, kinds};
use crate::registry::{self, months_after, own, verified_states_for};

refusals! {
    /// Why a record is refused.
    RecordRefusal KINDS {
        /// Not a site of the actor's unit.
        NotOwnSite = 422 "record-site-not-own" "不是本单位的场所" "It is no site of your unit",
        /// The days are in the wrong order.
        DaysOutOfOrder = 422 "record-days-out-of-order" "日期顺序有误" "The days are out of order",
        /// Later than today.
        InFuture = 422 "record-day-in-future" "日期晚于今天" "The day lies in the future",
        /// Taken out of use already.
        Retired = 409 "paper-retired-already" "已停用" "It is taken out of use already",
        /// No such unit, or it does not sit abroad.
        NotForeign = 422 "export-receiver-not-foreign" "接受单位不存在或不在境外" "There is no such receiver, or it does not sit abroad",
        /// A record of nothing.
        NoMass = 422 "record-no-mass" "数量须大于零" "The mass must be above zero",
        /// Recorded already.
        ExportExists = 409 "export-exists" "该通知单已登记" "This notice is recorded already",
        /// No such unit.
        UnknownReceiver = 422 "general-receiver-unknown" "接受单位不存在" "There is no such receiver",
        /// Both units in one province.
        SameProvince = 422 "general-same-province" "移出地与接受地在同一省" "Both lie in one province",
        /// Storage and disposal are approved, use is told to both provinces.
        NotWhole = 422 "general-not-whole" "贮存、处置须填批准文号和日期，利用须填向两省报送信息的日期，其他不填" "Storage and disposal need number and day of the approval, use the days on which both provinces were told, and nothing else",
    }
}

fn warning(code: &str, pointer: &str, zh: &str, en: &str, law: &[&'static str], today: NaiveDate) -> Value {
    json!({ "code": code, "effect": "warn", "pointer": pointer, "message": { "zh-CN": zh, "en": en }, "legal": in_force_on(law, today) })
}

/// The division of an own site; none for another's.
async fn own_division(tx: &mut Tx<'_>, unit: Uuid, site: Uuid) -> Result<Option<String>, Problem> {
    if !is_own_site(tx, unit, site).await? {
        return Ok(None);
    }
    Ok(registry::sites(tx.conn, &[site]).await?.first().map(|facts| facts.division().to_owned()))
}

/// Records a paper of a site.
///
/// Legal source: `decree_23_2021/9/para2`, `eco_code_2026/539`.
///
/// # Errors
/// 403; `record-site-not-own`, `record-days-out-of-order`, `record-day-in-future`, `attachment-unknown`.
pub async fn record_paper(call: &Call, actor: &Actor, new: PaperStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = verified_states_for(actor)?;
        let (now, today) = (tx.now(), legal_day(tx.now()));
        let mut refusals = Refusals::none();
        let division = own_division(tx, unit, new.site_id).await?;
        if division.is_none() {
            refusals.add("/site_id", RecordRefusal::NotOwnSite);
        }
        if new.issued_on > today {
            refusals.add("/issued_on", RecordRefusal::InFuture);
        }
        if new.valid_to.is_some_and(|last| last < new.issued_on) {
            refusals.add("/valid_to", RecordRefusal::DaysOutOfOrder);
        }
        refusals.or(())?;
        let id = tx.new_id();
        store::insert_paper(tx.conn, id, unit, &new, now).await?;
        let named = Named { kind: "paper", subject: id, units: &[unit], division: division.as_deref().unwrap_or_default() };
        attach(tx, actor, &named, &new.attachments).await?;
        let mut warnings = Vec::new();
        if new.valid_to.is_some_and(|last| last < today) {
            warnings.push(warning("paper-expired", "/valid_to", "该材料已过期", "This paper has run out", &[], today));
        }
        let payload = json!({
            "paper_id": id, "unit_id": unit, "site_id": new.site_id, "kind": new.kind, "number": new.number, "issuer": new.issuer,
            "issued_on": new.issued_on, "valid_to": new.valid_to, "attachments": new.attachments, "warnings": warnings,
        });
        let law = &["decree_23_2021/9/para2", "eco_code_2026/539"];
        tx.append(&Head::NEW, event(tx, "paper", id, "record_paper", law, payload)).await?;
        Ok(())
    })
    .await
}

/// Takes a paper out of use.
///
/// # Errors
/// 403, 404, 412; `paper-retired-already`.
pub async fn retire_paper(call: &Call, actor: &Actor, id: Uuid, new: RetirePaper) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let stored = store::paper_key(tx.conn, id).await?.ok_or_else(Problem::not_found)?;
        let may_see = identity::officer_sees(tx.conn, actor, &stored.division).await?;
        own(actor, stored.unit_id, if may_see { &kinds::FORBIDDEN } else { &kinds::NOT_FOUND })?;
        verified_states_for(actor)?;
        let head = tx.lock(id).await?;
        tx.seen(id, &head).await?;
        let today = legal_day(tx.now());
        if !store::retire_paper(tx.conn, id, today).await? {
            return Err(refuse("", RecordRefusal::Retired));
        }
        tx.append(&head, event(tx, "paper", id, "retire_paper", &[], json!({ "paper_id": id, "reason": new.reason }))).await?;
        Ok(())
    })
    .await
}

/// Records a notice that an export is approved.
///
/// # Errors
/// 403; `record-site-not-own`, `export-receiver-not-foreign`, `record-no-mass`, `record-days-out-of-order`, `export-exists`.
pub async fn record_export(call: &Call, actor: &Actor, new: ExportStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = verified_states_for(actor)?;
        let (now, today) = (tx.now(), legal_day(tx.now()));
        let mut refusals = Refusals::none();
        let division = own_division(tx, unit, new.site_id).await?;
        if division.is_none() {
            refusals.add("/site_id", RecordRefusal::NotOwnSite);
        }
        if identity::unit_by_id(tx.conn, new.receiver_id).await?.is_none_or(|receiver| receiver.country == "CN") {
            refusals.add("/receiver_id", RecordRefusal::NotForeign);
        }
        if new.total_g.grams().is_zero() {
            refusals.add("/total_g", RecordRefusal::NoMass);
        }
        if new.valid_to < new.valid_from {
            refusals.add("/valid_to", RecordRefusal::DaysOutOfOrder);
        }
        refusals.or(())?;
        let id = tx.new_id();
        if !store::insert_export(tx.conn, id, unit, &new, now).await? {
            return Err(refuse("/approval_no", RecordRefusal::ExportExists));
        }
        let named = Named { kind: "export_notice", subject: id, units: &[unit], division: division.as_deref().unwrap_or_default() };
        attach(tx, actor, &named, &new.attachments).await?;
        let mut warnings = Vec::new();
        if new.valid_to >= months_after(new.valid_from, 12) {
            warnings.push(warning("export-longer-than-a-year", "/valid_to", "核准期限超过一年", "It is longer than a year", &[], today));
        }
        let payload = json!({
            "export_notice_id": id, "unit_id": unit, "site_id": new.site_id, "receiver_id": new.receiver_id, "approval_no": new.approval_no,
            "notice_no": new.notice_no, "codes": new.codes, "importing_country": new.importing_country, "transit_countries": new.transit_countries,
            "importer": new.importer, "disposer": new.disposer, "shipments": new.shipments, "total_g": new.total_g.grams(),
            "valid_from": new.valid_from, "valid_to": new.valid_to, "attachments": new.attachments, "warnings": warnings,
        });
        tx.append(&Head::NEW, event(tx, "export_notice", id, "record_export_notice", &[], payload)).await?;
        Ok(())
    })
    .await
}

/// Records a transfer of industrial solid waste to another province: approved for storage or disposal, told beforehand for use.
///
/// Legal source: `eco_code_2026/476/para1`, `eco_code_2026/476/para2`.
///
/// # Errors
/// 403; all that is wrong in it at once.
pub async fn record_general(call: &Call, actor: &Actor, new: GeneralTransferStatement) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = verified_states_for(actor)?;
        let (now, today) = (tx.now(), legal_day(tx.now()));
        let mut refusals = Refusals::none();
        let division = own_division(tx, unit, new.site_id).await?;
        let receiver = identity::unit_by_id(tx.conn, new.receiver_id).await?;
        match (&division, &receiver) {
            (None, _) => refusals.add("/site_id", RecordRefusal::NotOwnSite),
            (_, None) => refusals.add("/receiver_id", RecordRefusal::UnknownReceiver),
            (Some(from), Some(to)) => {
                let from = crate::catalogue::division_of(tx.conn, from).await?;
                let to = crate::catalogue::division_of(tx.conn, &to.division).await?;
                if from.as_deref().and_then(|digits| digits.get(..2)) == to.as_deref().and_then(|digits| digits.get(..2)) {
                    refusals.add("/receiver_id", RecordRefusal::SameProvince);
                }
            }
        }
        if new.mass_g.grams().is_zero() {
            refusals.add("/mass_g", RecordRefusal::NoMass);
        }
        if new.until_on < new.from_on {
            refusals.add("/until_on", RecordRefusal::DaysOutOfOrder);
        }
        for (at, day) in [("/decided_on", new.decided_on), ("/told_origin_on", new.told_origin_on), ("/told_destination_on", new.told_destination_on)]
        {
            if day.is_some_and(|day| day > today) {
                refusals.add(at, RecordRefusal::InFuture);
            }
        }
        if !new.is_whole() {
            refusals.add("/purpose", RecordRefusal::NotWhole);
        }
        refusals.or(())?;
        let id = tx.new_id();
        store::insert_general(tx.conn, id, unit, &new, now).await?;
        let units = [unit, new.receiver_id];
        let named = Named { kind: "general_transfer", subject: id, units: &units, division: division.as_deref().unwrap_or_default() };
        attach(tx, actor, &named, &new.attachments).await?;
        let law: &[&'static str] = match new.purpose {
            TransferPurpose::Use => &["eco_code_2026/476/para2"],
            TransferPurpose::Storage | TransferPurpose::Disposal => &["eco_code_2026/476/para1"],
        };
        let mut warnings = Vec::new();
        if new.told_origin_on.max(new.told_destination_on).is_some_and(|told| told >= new.from_on) {
            let (zh, en) = ("信息须在转移前报送", "Both provinces are to be told before the transfer");
            warnings.push(warning("general-told-late", "/told_origin_on", zh, en, law, today));
        }
        let payload = json!({
            "general_transfer_id": id, "kind": new.purpose.asks_for(), "consignor_id": unit, "site_id": new.site_id, "receiver_id": new.receiver_id,
            "code": new.code, "purpose": new.purpose, "mass_g": new.mass_g.grams(), "from_on": new.from_on, "until_on": new.until_on,
            "decision_no": new.decision_no, "decided_on": new.decided_on, "told_origin_on": new.told_origin_on,
            "told_destination_on": new.told_destination_on, "attachments": new.attachments, "warnings": warnings,
        });
        tx.append(&Head::NEW, event(tx, "general_transfer", id, "record_general_transfer", law, payload)).await?;
        Ok(())
    })
    .await
}
