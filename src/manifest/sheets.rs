//! Sheets of a manifest (纸质单据): the official form's three parts, and the dispatch sheet for the cab.
//!
//! What stands on a sheet comes from sealed parts and events alone; masses are tonnes, exact to the gram. A sheet says itself
//! what it is not: without a national number 尚无国家联单号, of a demonstration 演示·非国家联单, of a void one 作废. Fields that
//! nobody has filled in yet are left blank, to be written by hand. Laying out needs no clock and no database.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use serde::Deserialize;
use uuid::Uuid;

use super::parts::{Assignment, Cover, LinkKind, PartName, Stream};
use super::policy::Scope;
use super::store::{self, Stored};
use super::table::{self, State};
use super::token::{Numbered, number_of};
use super::{public, signatures, words};
use crate::evidence::{self, Head};
use crate::identity::{self, Actor};
use crate::platform::app::{App, NumberMode};
use crate::platform::calendar::local_text;
use crate::platform::lang::Lang;
use crate::platform::mass::{Grams, tonnes_text};
use crate::platform::problem::Problem;
use crate::platform::sheet::{Cell, Flow, Format, Ink, Margins, Qr, Row, Sheet, Stamp, Table, size};

/// Height of a row in which somebody may write. Unit: 0.01 mm.
const WRITING: i32 = 620;
/// Twelve columns of a form over the width of A4. Unit: 0.01 mm.
const TWELVE: [i32; 12] = [1_500; 12];
/// Side of the code on a sheet. Unit: 0.01 mm.
const CODE_SIDE: i32 = 3_400;

/// A signature as a form names it; the names are those of its day.
#[derive(Debug, Clone, Default, Deserialize)]
struct Signature {
    act: String,
    seals: Vec<String>,
    user_name: Option<String>,
    unit_name: Option<String>,
    method: String,
    stands_in_for: Option<Named>,
    claimed_at: Option<DateTime<Utc>>,
    recorded_at: Option<DateTime<Utc>>,
    reason: Option<String>,
    proxy: Option<ByProxy>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Named {
    user_name: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct ByProxy {
    reference: Option<String>,
}

/// All that the sheets of one manifest need.
pub struct Material {
    stored: Stored,
    signatures: Vec<Signature>,
    numbers: NumberMode,
    code: Option<Qr>,
    driver_phones: BTreeMap<Uuid, String>,
    linked_number: Option<String>,
    departure: String,
    destination: String,
    made_at: DateTime<Utc>,
}

/// Who looks, at which sheet, in which request.
pub struct Asked<'a> {
    /// The caller.
    pub actor: &'a Actor,
    /// The manifest.
    pub id: Uuid,
    /// Name in the access log.
    pub what: &'static str,
    /// The request.
    pub request_id: Uuid,
}

/// Reads what the sheets need, for whoever may see the manifest; `address` makes the address in the code from a token.
///
/// # Errors
/// 404.
pub async fn material(app: &App, asked: Asked<'_>, address: impl FnOnce(&str) -> String) -> Result<Material, Problem> {
    let mut conn = app.db.get().await?;
    let (stored, signatures) = seen(app, &mut conn, &asked).await?;
    let signatures = serde_json::from_value(signatures).map_err(|error| Problem::internal(&error))?;
    let token = super::token::Token::of(&stored).sign(&app.keys.proof);
    let mut driver_phones = BTreeMap::new();
    for driver in stored.record.assignments.values().filter_map(|assignment| assignment.driver_id) {
        if let Some(phone) = identity::phone_of(&mut conn, driver).await? {
            driver_phones.insert(driver, phone);
        }
    }
    let linked_number = match &stored.record.consignment.link {
        Some(link) => store::load(&conn, link.manifest_id, Head::NEW, &[]).await.ok().and_then(|from| number_of(&from).digits().map(str::to_owned)),
        None => None,
    };
    let departure = public::district(&mut conn, &stored.record.consignment.departure().division).await?;
    let destination = public::district(&mut conn, &stored.record.consignment.receiver.division).await?;
    Ok(Material {
        code: Qr::of(&address(&token)),
        stored,
        signatures,
        numbers: app.numbers,
        driver_phones,
        linked_number,
        departure,
        destination,
        made_at: app.clock.now(),
    })
}

/// A manifest with its chain's head, and its signatures as a reading shows them, if the caller may see it; an officer's look
/// goes to the access log.
///
/// # Errors
/// 404.
async fn seen(app: &App, conn: &mut AsyncPgConnection, asked: &Asked<'_>) -> Result<(Stored, serde_json::Value), Problem> {
    let actor = asked.actor;
    let shown = store::get(conn, asked.id, &Scope::of(actor)).await?.ok_or_else(Problem::not_found)?;
    let mut stored = store::load(conn, asked.id, Head::NEW, &[]).await?;
    if actor.is_officer() {
        evidence::log_access(conn, app.clock.new_id(), actor.user, actor.unit_id(), asked.id, asked.what, asked.request_id, app.clock.now()).await?;
    }
    stored.head.version = shown.version;
    let (seq, hash) = evidence::head_of(conn, asked.id).await?.ok_or_else(|| Problem::broken("a manifest without a chain"))?;
    let hash = hash.try_into().map_err(|_| Problem::broken("a head that is no SHA-256"))?;
    (stored.head.seq, stored.head.hash) = (seq, hash);
    let signatures = signatures::shown(app, conn, &shown.events, &shown.parties).await?;
    Ok((stored, signatures))
}

/// A mass as the form gives it.
fn tonnes(grams: i64) -> String {
    Grams::try_from(grams).map(tonnes_text).unwrap_or_default()
}

fn method_word(method: &str) -> &'static str {
    match method {
        "pin" => "PIN 码",
        "one_time_code" => "一次性口令",
        "api_key" => "设备",
        "delegated_key" => "委托签名",
        _ => "口令登录",
    }
}

impl Material {
    /// Name of the file, without its ending.
    #[must_use]
    pub fn name(&self, kind: &str) -> String {
        let id = self.stored.record.id.to_string();
        format!("{kind}-{}", number_of(&self.stored).digits().unwrap_or(&id))
    }

    fn is_demonstration(&self) -> bool {
        self.numbers == NumberMode::Local
    }

    /// The signature under a part: the last act of its own party that sealed it; a correction is none.
    fn signature(&self, part: PartName, part_no: i32) -> Option<&Signature> {
        let prefix = format!("{}/{part_no}/", part.as_str());
        let is_of_part = |signature: &&Signature| signature.seals.iter().any(|sealed| sealed.starts_with(&prefix));
        self.signatures.iter().rev().filter(|signature| !matches!(signature.act.as_str(), "correct" | "agree")).find(is_of_part)
    }

    /// 姓名（单位），时间，方式.
    fn signed(&self, part: PartName, part_no: i32) -> String {
        let Some(signature) = self.signature(part, part_no) else { return String::new() };
        // What was taken from paper bears the name of whoever entered it, and is nobody's signature.
        let mut text = if signature.act == "back_enter" { "据纸质联单补录：".to_owned() } else { String::new() };
        text.push_str(signature.user_name.as_deref().unwrap_or_default());
        if let Some(principal) = signature.stands_in_for.as_ref().and_then(|named| named.user_name.as_deref()) {
            text.push_str(&format!("（代理 {principal}）"));
        }
        text.push_str(&format!("，{}", signature.unit_name.as_deref().unwrap_or_default()));
        let (claimed, recorded) = (signature.claimed_at.map(local_text), signature.recorded_at.map(local_text));
        text.push_str(&format!("，{}", claimed.as_deref().or(recorded.as_deref()).unwrap_or_default()));
        if claimed != recorded {
            text.push_str(&format!("（{} 记入系统）", recorded.unwrap_or_default()));
        }
        text.push_str(&format!("，{}", method_word(&signature.method)));
        if let Some(reference) = signature.proxy.as_ref().and_then(|proxy| proxy.reference.as_deref()) {
            text.push_str(&format!("，系统外单位代录，依据 {reference}"));
        }
        text
    }

    fn revision(&self, parts: &[(PartName, i32)]) -> String {
        let revisions = parts.iter().filter_map(|part| self.stored.record.revisions.get(part));
        match revisions.max() {
            Some(revision) if *revision > 1 => format!("　第 {revision} 版"),
            _ => String::new(),
        }
    }

    fn paper_no(&self) -> Option<&str> {
        let record = &self.stored.record;
        let elsewhere = record.consignment.elsewhere.as_ref().and_then(|elsewhere| elsewhere.paper_no.as_deref());
        record.release.as_ref().and_then(|release| release.paper_no.as_deref()).or(elsewhere)
    }

    /// Words across the pages.
    fn stamps(&self) -> Vec<Stamp> {
        let mut words = Vec::new();
        if self.stored.is_void {
            words.push("作　废");
        } else if self.stored.record.state == State::Cancelled {
            words.push("已　取　消");
        }
        if self.is_demonstration() {
            words.push("演示·非国家联单");
        } else if self.stored.official_no.is_none() {
            words.push("尚无国家联单号");
        }
        words.into_iter().map(|words| Stamp { words: words.to_owned(), ink: Ink::PALE_RED }).collect()
    }

    fn begin(&self, title: &str) -> Flow {
        let number = number_of(&self.stored);
        let footer =
            format!("联单 Liandan　{}　{} 打印（北京时间）　以系统内记录为准", number.digits().unwrap_or("尚无国家联单号"), local_text(self.made_at));
        let mut flow = Flow::new(Format::A4, Margins::SHEET, self.stamps(), &footer);
        if let Some(code) = &self.code {
            flow.code_at_right(Margins::SHEET.above - 200, CODE_SIDE, code.clone());
        }
        flow.centred(title, size::TITLE, Ink::BLACK, CODE_SIDE);
        flow.space(150);
        let (line, ink) = match &number {
            Numbered::National(digits) => (format!("国家联单编号：{digits}"), Ink::BLACK),
            _ => ("国家联单编号：尚无国家联单号".to_owned(), Ink::RED),
        };
        flow.text(&line, size::HEADING, ink, true, CODE_SIDE);
        if let Some(number) = &self.stored.number {
            flow.text(&format!("本平台演示编号：{number}（演示·非国家联单）"), size::TEXT, Ink::BLACK, false, CODE_SIDE);
        }
        if let Some(paper_no) = self.paper_no() {
            flow.text(&format!("纸质联单编号：{paper_no}"), size::TEXT, Ink::BLACK, false, CODE_SIDE);
        }
        flow.text(&format!("状态：{}", self.state_words()), size::TEXT, Ink::BLACK, false, CODE_SIDE);
        flow.text("扫描右侧二维码可查验联单状态与车辆", size::NOTE, Ink::GREY, false, CODE_SIDE);
        flow.space((Margins::SHEET.above - 200 + CODE_SIDE + 100 - flow.y()).max(100));
        for (text, is_filled) in self.marks() {
            flow.banner(&text, size::TEXT, Ink::RED, is_filled);
            flow.space(120);
        }
        flow
    }

    fn state_words(&self) -> String {
        let state = words::say(words::state(self.stored.record.state), Lang::ZhCn);
        if self.stored.is_void { format!("作废（作废时：{state}）") } else { state.to_owned() }
    }

    /// What must not be overlooked, in boxes above the form.
    fn marks(&self) -> Vec<(String, bool)> {
        let mut marks = Vec::new();
        let reason_of = |act: &str| self.signatures.iter().rev().find(|one| one.act == act).and_then(|one| one.reason.clone()).unwrap_or_default();
        if self.stored.is_void {
            marks.push((format!("作废：{}", reason_of("void")), true));
        } else if self.stored.record.state == State::Cancelled {
            marks.push((format!("已取消，货物没有移出：{}", reason_of("cancel")), true));
        }
        if self.is_demonstration() {
            marks.push(("演示·非国家联单：本单据由演示或测试数据生成，不具法律效力".into(), true));
        }
        if self.stored.flags.contains(table::BACK_ENTERED.kind.code) {
            let late = if self.stored.flags.contains(table::BACK_ENTERED_LATE.kind.code) { "，超过十个工作日" } else { "" };
            let paper_no = self.paper_no().unwrap_or("—");
            marks.push((format!("补录联单{late}　纸质联单编号 {paper_no}　补录原因：{}", reason_of("back_enter")), false));
        } else if self.stored.flags.contains(table::ON_PAPER.kind.code) && self.stored.official_no.is_none() {
            marks.push(("停网期间凭纸质联单交付，转移活动完成后十个工作日内须补录国家联单编号".into(), false));
        }
        let corrected: Vec<String> = self
            .signatures
            .iter()
            .filter(|one| matches!(one.act.as_str(), "correct" | "agree") && !one.seals.is_empty())
            .map(|one| one.recorded_at.map(local_text).unwrap_or_default())
            .collect();
        if !corrected.is_empty() {
            marks.push((format!("本联单经更正，下为现行版本；更正时间：{}", corrected.join("、")), false));
        }
        marks
    }

    /// The official form. Legal source: `mee_letter_577_2021` (its text is not held; the fields are those of R 2.14).
    #[must_use]
    pub fn manifest_sheet(&self) -> Sheet {
        let title = match self.stored.record.consignment.stream {
            Stream::Hazardous => "危险废物转移联单",
            Stream::Medical => "危险废物转移联单（医疗废物专用）",
            Stream::General => "一般工业固体废物转移联单",
        };
        let mut flow = self.begin(title);
        self.first_part(&mut flow);
        let legs: Vec<Option<&Assignment>> = match self.stored.record.assignments.len() {
            0 => vec![None],
            _ => self.stored.record.assignments.values().map(Some).collect(),
        };
        for leg in legs {
            self.second_part(&mut flow, leg);
        }
        self.third_part(&mut flow);
        self.notes(&mut flow);
        flow.finish(&self.title(title), "zh-CN", self.made_at)
    }

    fn title(&self, title: &str) -> String {
        format!("{title} {}", number_of(&self.stored).digits().unwrap_or("尚无国家联单号"))
    }

    fn first_part(&self, flow: &mut Flow) {
        let record = &self.stored.record;
        let consignment = &record.consignment;
        let consignor = &consignment.consignor;
        let revision = self.revision(&[(PartName::Consignment, 1), (PartName::Release, 1)]);
        let mut form = Table::new(TWELVE);
        form.rows.push(Row::heading([Cell::part(format!("第一部分　危险废物移出信息（由移出人填写）{revision}")).over(12)]));
        form.rows.push(written([label("单位名称", 2), value(&consignor.name, 4), label("应急联系电话", 2), value(&consignor.phone, 4)]));
        form.rows.push(written([label("单位地址", 2), value(&consignor.address, 10)]));
        let released_at = record.release.as_ref().map(|release| local_text(release.released_at)).unwrap_or_default();
        let clerk = consignor.contact_name.clone().or_else(|| self.signature(PartName::Consignment, 1).and_then(|one| one.user_name.clone()));
        form.rows.push(written([
            label("经办人", 2),
            value(&clerk.unwrap_or_default(), 2),
            label("联系电话", 2),
            value(&consignor.phone, 2),
            label("交付时间", 2),
            value(&released_at, 2),
        ]));
        if let Some(link) = &consignment.link {
            let kind = if link.kind == LinkKind::Return { "退回" } else { "改送" };
            let from = self.linked_number.as_deref().unwrap_or("—");
            let text = format!(
                "{kind}：由持有人 {} 交付，起运地 {}，电话 {}\n原移出人 {}，原联单编号 {from}",
                link.holder.name, link.holder.address, link.holder.phone, consignor.name
            );
            form.rows.push(written([label("持有人（退回或改送）", 2), value(&text, 10)]));
        }
        flow.table(&form);

        let mut wastes = Table::new([800, 3_300, 2_100, 1_500, 1_000, 2_400, 2_300, 1_500, 3_100]);
        wastes.head.push(Row::of(
            ["序号", "废物名称", "废物代码", "危险特性", "形态", "有害成分名称", "包装方式", "包装数量", "移出量（吨）"].map(Cell::label),
        ));
        for line in &consignment.lines {
            let declared = tonnes(line.declared_g.get());
            let released = record.release.as_ref().and_then(|release| release.lines.iter().find(|one| one.line == line.line));
            let moved = match released {
                Some(released) => {
                    let basis = words::say(words::basis(released.basis), Lang::ZhCn);
                    format!("{}\n（{basis}；申报 {declared}）", tonnes(released.released_g.get()))
                }
                None => format!("\n（申报 {declared}）"),
            };
            wastes.row([
                Cell::middle(line.line.to_string()),
                Cell::value(line.name.as_str()),
                Cell::middle(line.waste_code.to_string()),
                Cell::middle(line.hazards.as_str()),
                Cell::middle(words::say(words::form(line.form), Lang::ZhCn)),
                Cell::value(line.harmful.as_str()),
                Cell::value(line.packaging.as_str()),
                Cell::number(line.packages.to_string()),
                Cell::number(moved),
            ]);
        }
        flow.table(&wastes);

        let mut end = Table::new(TWELVE);
        end.rows.push(written([label("应急措施", 2), value(&consignment.emergency_measures, 10)]));
        end.rows.push(written([label("填写人", 2), value(&self.signed(PartName::Consignment, 1), 10)]));
        end.rows.push(written([label("交付签署", 2), value(&self.signed(PartName::Release, 1), 10)]));
        flow.table(&end);
        flow.space(200);
    }

    fn second_part(&self, flow: &mut Flow, leg: Option<&Assignment>) {
        let record = &self.stored.record;
        let leg_no = leg.map_or(1, |leg| leg.leg_no);
        let revision = self.revision(&[(PartName::Assignment, leg_no), (PartName::TakeOver, leg_no), (PartName::Arrival, leg_no)]);
        let of = record.assignments.len();
        let nth = if of > 1 { format!("　第 {leg_no} 承运段，共 {of} 段") } else { String::new() };
        let carrier = leg.map_or(&record.consignment.carrier, |leg| &leg.carrier);
        let paper = |name: &str| leg.and_then(|leg| leg.papers.iter().find(|paper| paper.paper == name)).and_then(|paper| paper.no.clone());
        let permits = [("道路运输证", paper("vehicle_permit")), ("经营许可", paper("carrier_permit"))];
        let permits: Vec<String> = permits.into_iter().filter_map(|(name, no)| no.map(|no| format!("{name} {no}"))).collect();
        let text = |of: fn(&Assignment) -> String| leg.map(of).unwrap_or_default();
        let driver_phone = leg.and_then(|leg| leg.driver_id).and_then(|driver| self.driver_phones.get(&driver)).cloned().unwrap_or_default();
        let began_at = record.take_overs.get(&leg_no).map(|step| local_text(step.at)).unwrap_or_default();
        let ended_at = match (record.arrivals.get(&leg_no), record.hand_overs.get(&leg_no)) {
            (Some(arrival), _) => local_text(arrival.at),
            (None, Some(hand_over)) => format!("{}（途中交接：{}）", local_text(hand_over.at), hand_over.reason),
            (None, None) => String::new(),
        };
        let mut form = Table::new(TWELVE);
        form.rows.push(Row::heading([Cell::part(format!("第二部分　危险废物运输信息（由承运人填写）{nth}{revision}")).over(12)]));
        form.rows.push(written([label("单位名称", 2), value(&carrier.name, 4), label("营运证件号", 2), value(&permits.join("\n"), 4)]));
        form.rows.push(written([label("单位地址", 2), value(&carrier.address, 4), label("联系电话", 2), value(&carrier.phone, 4)]));
        form.rows.push(written([
            label("驾驶员", 2),
            value(&text(|leg| leg.driver_name.clone()), 2),
            label("联系电话", 2),
            value(&driver_phone, 2),
            label("押运员", 2),
            value(&text(|leg| leg.escort_name.clone().unwrap_or_default()), 2),
        ]));
        let means = if leg.is_some() { "道路运输车辆" } else { "" };
        form.rows.push(written([
            label("运输工具", 2),
            value(means, 2),
            label("牌号", 2),
            value(&text(|leg| leg.plate.to_string()), 2),
            label("危货运单编号", 2),
            value(&text(|leg| leg.waybill_no.clone().unwrap_or_default()), 2),
        ]));
        form.rows.push(written([label("运输起点", 2), value(&text(|leg| leg.from.clone()), 4), label("实际起运时间", 2), value(&began_at, 4)]));
        form.rows.push(written([label("经由地", 2), value(&text(|leg| leg.via.clone().unwrap_or_default()), 10)]));
        form.rows.push(written([label("运输终点", 2), value(&text(|leg| leg.to.clone()), 4), label("实际到达时间", 2), value(&ended_at, 4)]));
        form.rows.push(written([label("接运签署", 2), value(&self.signed(PartName::TakeOver, leg_no), 10)]));
        let is_handed_over = record.hand_overs.contains_key(&leg_no);
        let (ending, name) = if is_handed_over { (PartName::HandOver, "交接签署") } else { (PartName::Arrival, "到达签署") };
        form.rows.push(written([label(name, 2), value(&self.signed(ending, leg_no), 10)]));
        flow.table(&form);
        flow.space(200);
    }

    fn third_part(&self, flow: &mut Flow) {
        let record = &self.stored.record;
        let receiver = &record.consignment.receiver;
        let revision = self.revision(&[(PartName::Receipt, 1), (PartName::Verdict, 1)]);
        let mut licences: Vec<String> = record.consignment.lines.iter().map(|line| cover_text(&line.cover)).collect();
        licences.sort_unstable();
        licences.dedup();
        let clerk = self.signature(PartName::Verdict, 1).or_else(|| self.signature(PartName::Receipt, 1));
        let clerk = clerk.and_then(|one| one.user_name.clone()).unwrap_or_default();
        let received_at = record.receipt.as_ref().map(|receipt| local_text(receipt.received_at)).unwrap_or_default();
        let mut form = Table::new(TWELVE);
        form.rows.push(Row::heading([Cell::part(format!("第三部分　危险废物接受信息（由接受人填写）{revision}")).over(12)]));
        form.rows.push(written([label("单位名称", 2), value(&receiver.name, 4), label("危险废物经营许可证编号", 2), value(&licences.join("\n"), 4)]));
        form.rows.push(written([label("单位地址", 2), value(&receiver.address, 10)]));
        form.rows.push(written([
            label("经办人", 2),
            value(&clerk, 2),
            label("联系电话", 2),
            value(&receiver.phone, 2),
            label("接受时间", 2),
            value(&received_at, 2),
        ]));
        flow.table(&form);

        let mut wastes = Table::new([800, 3_000, 2_200, 2_800, 4_000, 2_000, 3_200]);
        wastes
            .head
            .push(Row::of(["序号", "废物名称", "废物代码", "是否存在重大差异", "接受人处理意见", "拟利用处置方式", "接受量（吨）"].map(Cell::label)));
        for line in &record.consignment.lines {
            let verdict = record.verdict.as_ref().and_then(|verdict| verdict.lines.iter().find(|one| one.line == line.line));
            let (differs, decision, accepted) = match verdict {
                None => (String::new(), String::new(), String::new()),
                Some(verdict) => {
                    let differs: Vec<&str> = verdict.differs.iter().map(|one| words::say(words::attribute(*one), Lang::ZhCn)).collect();
                    let differs = if differs.is_empty() { "否".to_owned() } else { format!("是：{}", differs.join("、")) };
                    let reasons = verdict.reasons.iter().map(|one| words::say(words::refusal_reason(*one), Lang::ZhCn).to_owned());
                    let reasons: Vec<String> = reasons.chain(verdict.note.clone()).collect();
                    let mut decision = words::say(words::decision(verdict.decision), Lang::ZhCn).to_owned();
                    if !reasons.is_empty() {
                        decision.push_str(&format!("：{}", reasons.join("、")));
                    }
                    let weighed = tonnes(verdict.weighed_g.get());
                    (differs, decision, format!("{}\n（过磅 {weighed}）", tonnes(verdict.accepted_g.get())))
                }
            };
            let method = verdict.map_or(line.method, |verdict| verdict.method);
            wastes.row([
                Cell::middle(line.line.to_string()),
                Cell::value(line.name.as_str()),
                Cell::middle(line.waste_code.to_string()),
                Cell::middle(differs),
                Cell::value(decision),
                Cell::middle(method.to_string()),
                Cell::number(accepted),
            ]);
        }
        flow.table(&wastes);

        let mut end = Table::new(TWELVE);
        end.rows.push(written([label("入厂签署", 2), value(&self.signed(PartName::Receipt, 1), 10)]));
        end.rows.push(written([label("接受签署", 2), value(&self.signed(PartName::Verdict, 1), 10)]));
        flow.table(&end);
        flow.space(200);
    }

    /// What the form has no field for, and where the evidence stands.
    fn notes(&self, flow: &mut Flow) {
        let record = &self.stored.record;
        let mut lines = vec![format!("托运人：{}", words::say(words::hirer(record.consignment.hirer), Lang::ZhCn))];
        lines.push(format!("移出地：{}　接受地：{}", self.departure, self.destination));
        let mut known: Vec<String> = Vec::new();
        for party in record.everybody().filter(|party| !party.uscc.is_empty()) {
            let code = format!("{} {}", party.name, party.uscc);
            if !known.contains(&code) {
                known.insert(0, code);
            }
        }
        lines.push(format!("统一社会信用代码：{}", known.join("；")));
        for skipped in record.unsigned() {
            let act = table::ACTS.iter().find(|rule| rule.act.as_str() == skipped.act).map_or(skipped.act.as_str(), |rule| rule.zh);
            lines.push(format!("缺少签署：第 {} 段 {act}；接受人说明：{}", skipped.leg_no, skipped.reason));
        }
        let approvals = record.consignment.lines.iter().filter_map(|line| line.approval.as_ref()).map(|approval| approval.decision_no.as_str());
        let mut approvals: Vec<&str> = approvals.collect();
        approvals.sort_unstable();
        approvals.dedup();
        if !approvals.is_empty() {
            lines.push(format!("跨省转移批准文号：{}", approvals.join("、")));
        }
        let hash: String = hex::encode(self.stored.head.hash).chars().take(16).collect();
        lines.push(format!("证据：联单 {}，第 {} 号事件，散列 {hash}…", record.id, self.stored.head.seq));
        let mut form = Table::new(TWELVE);
        form.row([label("备注", 2), value(&lines.join("\n"), 10)]);
        flow.table(&form);
    }

    /// The sheet for the cab: what whoever stands at an accident needs, large. Legal source: `decree_23_2021/9/para2`,
    /// `decree_23_2021/11/2`.
    #[must_use]
    pub fn dispatch_sheet(&self) -> Sheet {
        let record = &self.stored.record;
        let consignment = &record.consignment;
        let departure = consignment.departure();
        let leg = record.assignment();
        let mut flow = self.begin("危险废物运输随车单");
        let plate = leg.map_or("　".to_owned(), |leg| leg.plate.to_string());
        flow.banner(&format!("车辆 {plate}"), size::TITLE, Ink::BLACK, false);
        flow.space(150);
        flow.banner(&format!("应急联系电话 {}", departure.phone), size::TITLE, Ink::RED, true);
        flow.space(150);

        let mut measures = Table::new([3_000, 15_000]);
        measures.size = size::HEADING;
        measures.rows.push(Row::of([Cell::label("应急措施"), Cell::value(consignment.emergency_measures.as_str())]).high(2_000));
        let duty = "立即采取有效措施消除或者减轻对环境的污染危害，并向事故发生地有关部门报告（《危险废物转移管理办法》第九条）";
        measures.row([Cell::label("发生事故时"), Cell::value(duty)]);
        flow.table(&measures);
        flow.space(200);

        let mut wastes = Table::new([800, 3_600, 2_300, 4_600, 1_300, 3_000, 2_400]);
        wastes.size = size::TEXT;
        wastes.head.push(Row::of(["序号", "废物名称", "废物代码", "危险特性", "形态", "包装", "数量（吨）"].map(Cell::label)));
        for line in &consignment.lines {
            wastes.row([
                Cell::middle(line.line.to_string()),
                Cell::value(line.name.as_str()),
                Cell::middle(line.waste_code.to_string()),
                Cell::value(format!("{}（{}）\n有害成分：{}", words::hazards(&line.hazards).zh, line.hazards, line.harmful)),
                Cell::middle(words::say(words::form(line.form), Lang::ZhCn)),
                Cell::value(format!("{} × {}", line.packaging, line.packages)),
                Cell::number(tonnes(record.moved_g(line.line))),
            ]);
        }
        flow.table(&wastes);
        flow.space(200);

        let mut form = Table::new(TWELVE);
        form.size = size::TEXT;
        let planned = format!("计划 {} 移出，{} 接受", consignment.planned_departure_on, consignment.planned_receipt_on);
        let place = |name: &str, address: &str, phone: &str| format!("{name}\n{address}，电话 {phone}");
        let from = place(&departure.name, leg.map_or(departure.address.as_str(), |leg| leg.from.as_str()), &departure.phone);
        let receiver = &consignment.receiver;
        let to = place(&receiver.name, leg.map_or(receiver.address.as_str(), |leg| leg.to.as_str()), &receiver.phone);
        let carrier = leg.map_or(&consignment.carrier, |leg| &leg.carrier);
        form.rows.push(written([label("运输起点", 2), value(&from, 10)]));
        form.rows.push(written([label("经由地", 2), value(leg.and_then(|leg| leg.via.as_deref()).unwrap_or_default(), 10)]));
        form.rows.push(written([label("运输终点", 2), value(&to, 10)]));
        form.rows.push(written([label("日期", 2), value(&planned, 10)]));
        form.rows.push(written([label("承运人", 2), value(&place(&carrier.name, &carrier.address, &carrier.phone), 10)]));
        let driver = leg.map(|leg| {
            let phone = leg.driver_id.and_then(|driver| self.driver_phones.get(&driver)).map(String::as_str).unwrap_or_default();
            format!("{} {phone}", leg.driver_name)
        });
        form.rows.push(written([
            label("驾驶员", 2),
            value(&driver.unwrap_or_default(), 4),
            label("押运员", 2),
            value(leg.and_then(|leg| leg.escort_name.as_deref()).unwrap_or_default(), 4),
        ]));
        form.rows.push(written([
            label("危险货物运单编号", 2),
            value(leg.and_then(|leg| leg.waybill_no.as_deref()).unwrap_or_default(), 4),
            label("核定载质量（吨）", 2),
            value(&leg.and_then(|leg| leg.rated_load_g).map(tonnes_text).unwrap_or_default(), 4),
        ]));
        flow.table(&form);
        flow.finish(&self.title("危险废物运输随车单"), "zh-CN", self.made_at)
    }
}

fn label(text: &str, columns: usize) -> Cell {
    Cell::label(text).over(columns)
}

fn value(text: &str, columns: usize) -> Cell {
    Cell::value(text).over(columns)
}

/// A row in which somebody may write.
fn written(cells: impl IntoIterator<Item = Cell>) -> Row {
    Row::of(cells).high(WRITING)
}

fn cover_text(cover: &Cover) -> String {
    match cover {
        Cover::Licence { licence_no, .. } => licence_no.clone(),
        Cover::Claimed { licence_no, source, .. } => format!("{licence_no}（未经核验，来源：{source}）"),
        Cover::Exemption { seq, condition, .. } => format!("豁免清单第 {seq} 项：{condition}"),
        Cover::Export { approval_no, .. } => format!("出口核准通知单 {approval_no}"),
        Cover::OwnSite => "退回本单位场所".into(),
        Cover::NotCovered => "无许可依据（补录）".into(),
    }
}
