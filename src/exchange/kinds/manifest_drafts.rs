//! Manifests to come as a table: one load of one waste a row, kept as a draft, with what its issue would be refused for.
//!
//! A row has a number of the unit's own; by it a file sent again finds the draft that it made, or the manifest that the draft
//! became. Nothing is issued here: a signature is given to a manifest and not to a spreadsheet.

use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::{Acted, Import, Present, RowProblem, body_of};
use crate::exchange::store;
use crate::identity::Actor;
use crate::manifest::acts::issue;
use crate::manifest::drafts;
use crate::manifest::input::IssueManifest;
use crate::platform::call::{Call, parse};
use crate::platform::mass::MassUnit;
use crate::platform::problem::{Problem, Text, kinds};
use crate::platform::table::{Choice, Choices, Column, Kind, RowFault, Sheet};

pub const SHEET: Sheet = Sheet {
    name: "manifest_drafts",
    title: ("联单草稿", "Manifest drafts"),
    help: (
        "每行一车一种废物，保存为联单草稿，不会提交；提交须在系统中由经办人完成。自编号由本单位自行编写，不可重复使用：再次上传时按自编号识别同一行。\
         带 * 的列必填。移出量可带单位（1.25吨、300kg），不带单位按吨计。处理结果列会列出提交时将遇到的问题。",
        "One load of one waste a row, kept as a draft and not issued. Your own number tells a row when the file is sent again; do not use one twice. Columns with \
         * are needed. A mass may have its unit, else it is tonnes. The result names what an issue would meet.",
    ),
    columns: &[
        Column { key: "ref", title: ("自编号", "Own number"), kind: Kind::Text(60), required: true, locked: true },
        Column { key: "consignor_site_id", title: ("移出场所", "Consignor's site"), kind: Kind::List, required: true, locked: false },
        Column { key: "receiver_site_id", title: ("接受场所", "Receiver's site"), kind: Kind::List, required: true, locked: false },
        Column { key: "carrier_id", title: ("承运单位", "Carrier"), kind: Kind::List, required: true, locked: false },
        Column { key: "hirer", title: ("托运人", "Hirer"), kind: Kind::List, required: true, locked: false },
        Column { key: "waste_code", title: ("废物代码", "Waste code"), kind: Kind::Code(12), required: true, locked: false },
        Column { key: "name", title: ("废物名称", "Waste"), kind: Kind::Text(200), required: false, locked: false },
        Column { key: "harmful", title: ("有害成分名称", "Harmful component"), kind: Kind::Text(200), required: true, locked: false },
        Column { key: "form", title: ("形态", "Form"), kind: Kind::List, required: true, locked: false },
        Column { key: "packaging", title: ("包装方式", "Packaging"), kind: Kind::Text(60), required: true, locked: false },
        Column { key: "packages", title: ("包装数量", "Packages"), kind: Kind::Whole(0, 100_000), required: true, locked: false },
        Column { key: "declared_g", title: ("移出量（吨）", "Mass (t)"), kind: Kind::Mass(MassUnit::T), required: true, locked: false },
        Column { key: "method", title: ("拟利用处置方式", "Method"), kind: Kind::List, required: true, locked: false },
        Column { key: "planned_departure_on", title: ("计划移出日", "Planned departure"), kind: Kind::Day, required: true, locked: false },
        Column { key: "planned_receipt_on", title: ("计划接受日", "Planned receipt"), kind: Kind::Day, required: true, locked: false },
        Column { key: "emergency_measures", title: ("应急措施", "Emergency measures"), kind: Kind::Text(1_000), required: true, locked: false },
        Column { key: "contact_name", title: ("经办人", "Contact"), kind: Kind::Text(60), required: false, locked: false },
    ],
};

/// Members of the document, and of its one line.
const HEAD: [&str; 8] = [
    "consignor_site_id",
    "receiver_site_id",
    "carrier_id",
    "hirer",
    "planned_departure_on",
    "planned_receipt_on",
    "emergency_measures",
    "contact_name",
];
const LINE: [&str; 8] = ["waste_code", "name", "harmful", "form", "packaging", "packages", "declared_g", "method"];

/// The drafts that tables made, and what their lists offer.
pub async fn known(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<(Choices, Vec<Present>), Problem> {
    let words = |all: &[(&'static str, &'static str, &'static str)]| -> Vec<Choice> {
        all.iter().map(|(value, zh, en)| Choice { value: (*value).to_owned(), label: Text::new(*zh, *en) }).collect()
    };
    let forms = [
        ("solid", "固态", "solid"),
        ("semi_solid", "半固态", "semi-solid"),
        ("liquid", "液态", "liquid"),
        ("gas", "气态", "gas"),
        ("other", "其他", "other"),
    ];
    let choices = Choices::from([
        ("consignor_site_id", store::own_sites(conn, unit).await?),
        ("receiver_site_id", store::receiver_sites(conn, unit).await?),
        ("carrier_id", store::carriers(conn).await?),
        ("hirer", words(&[("consignor", "移出人", "consignor"), ("receiver", "接受人", "receiver")])),
        ("form", words(&forms)),
        ("method", store::methods(conn).await?),
    ]);
    Ok((choices, store::written_drafts(conn, unit, SHEET.name).await?))
}

/// The values of a draft's document; what has more than one line does not fit into a row.
pub fn values_of(own_number: &str, document: &Value) -> Map<String, Value> {
    let lines = document["lines"].as_array().map_or(&[][..], Vec::as_slice);
    let line = lines.first().and_then(Value::as_object).cloned().unwrap_or_default();
    let mut values = body_of(document.as_object().unwrap_or(&Map::new()), &HEAD);
    values.extend(body_of(&line, &LINE));
    values.insert("ref".into(), own_number.into());
    values
}

/// What a row says, in 32 bytes.
pub fn content_of(values: &Map<String, Value>) -> [u8; 32] {
    Sha256::digest(Value::Object(values.clone()).to_string()).into()
}

/// Keeps the draft, and asks what its issue would meet.
pub async fn act(call: &Call, actor: &Actor, values: &Map<String, Value>, of: Option<&Present>) -> Result<Acted, RowProblem> {
    let unit = Import::ManifestDrafts.unit_of(actor)?;
    if of.is_some_and(|present| present.beside.get("lines").and_then(Value::as_u64) != Some(1)) {
        let message = Text::new("此草稿已有多条明细，请在系统中修改", "The draft has several lines by now; change it there");
        return Err(RowProblem::Cell(RowFault { column: None, code: "row-several-lines".into(), message, law: Vec::new() }));
    }
    let mut document = body_of(values, &HEAD);
    document.insert("lines".into(), json!([body_of(values, &LINE)]));
    let document = Value::Object(document);
    let body: IssueManifest = parse(&call.app, document.to_string().as_bytes())?;
    let told = would_meet(call, actor, body).await?;
    if call.check {
        return Ok(Acted { id: None, version: None, told });
    }
    let own_number = values.get("ref").and_then(Value::as_str).unwrap_or_default();
    let mut conn = call.app.db.get().await?;
    // First the number, then the draft: what is cut off between them is made good by the next file.
    let id = match of {
        Some(present) => present.id,
        None => store::claim_ref(&mut conn, unit, SHEET.name, own_number, call.new_id(), actor.user, call.now).await?,
    };
    let version = drafts::put(&mut conn, id, unit, &document, call.seen, call.now).await?.ok_or_else(|| Problem::of(&kinds::STALE))?;
    store::note_ref(&mut conn, unit, SHEET.name, own_number, &content_of(values), actor.user, version, call.now).await?;
    Ok(Acted { id: Some(id), version: Some(version), told })
}

/// What the issue of a draft would be refused for or warned of, as it stands now.
async fn would_meet(call: &Call, actor: &Actor, body: IssueManifest) -> Result<Vec<Text>, Problem> {
    let check = Call { check: true, seen: None, ..call.clone() };
    let behind = |zh: &str, en: &str| Text::new(format!("提交时：{zh}"), format!("When issued: {en}"));
    match issue::issue(&check, actor, body).await {
        Ok(outcome) => {
            let warnings = outcome.body()["warnings"].as_array().cloned().unwrap_or_default();
            let say = |warning: &Value, lang: &str| warning["message"][lang].as_str().unwrap_or_default().to_owned();
            Ok(warnings.iter().map(|warning| behind(&say(warning, "zh-CN"), &say(warning, "en"))).collect())
        }
        Err(problem) if problem.status >= 500 || problem.status == 401 => Err(problem),
        Err(problem) if problem.errors.is_empty() => Ok(vec![behind(&problem.detail.zh, &problem.detail.en)]),
        Err(problem) => Ok(problem.errors.iter().map(|fault| behind(&fault.message.zh, &fault.message.en)).collect()),
    }
}
