//! Flows of the yearly plan as a table: a site sends a waste to a receiver by a method.
//!
//! Legal source: `hj_1259_2022/5.1`, `hj_1259_2022/5.2`.

use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Acted, Known, Present, RowProblem, body_of};
use crate::exchange::store;
use crate::filing::{self, PlanFlowChange, PlanFlowStatement};
use crate::identity::{Actor, Uscc};
use crate::platform::call::{Call, parse};
use crate::platform::mass::MassUnit;
use crate::platform::problem::{Problem, Text};
use crate::platform::table::{Choices, Column, Kind, RowFault, Sheet};

pub const SHEET: Sheet = Sheet {
    name: "plan_flows",
    title: ("管理计划转移流向", "Plan flows"),
    help: (
        "每行一条流向：场所、年度、废物代码、接受单位、利用处置方式。灰色单元格不可修改；带 * 的列必填。数量可带单位（1.25吨、300kg），不带单位按吨计。\
         新流向写在已有行之下。上传时可先“检查”，不会保存任何内容。",
        "One flow a row: site, year, waste code, receiver, method. Grey cells stay as they are; columns with * are needed. A mass may have its unit \
         (1.25 t, 300 kg), else it is tonnes. New flows go below. A check first keeps nothing.",
    ),
    columns: &[
        Column { key: "site_id", title: ("场所", "Site"), kind: Kind::List, required: true, locked: true },
        Column { key: "year", title: ("年度", "Year"), kind: Kind::Whole(1990, 2200), required: true, locked: true },
        Column { key: "code", title: ("废物代码", "Waste code"), kind: Kind::Code(12), required: true, locked: true },
        Column {
            key: "receiver_uscc", title: ("接受单位统一社会信用代码", "Receiver's USCC"), kind: Kind::Code(20), required: true, locked: true
        },
        Column { key: "receiver_name", title: ("接受单位名称", "Receiver"), kind: Kind::Shown, required: false, locked: true },
        Column { key: "method", title: ("利用处置方式", "Method"), kind: Kind::List, required: true, locked: true },
        Column { key: "planned_g", title: ("计划转移量（吨）", "Planned (t)"), kind: Kind::Mass(MassUnit::T), required: true, locked: false },
        Column { key: "filing_no", title: ("备案编号", "Filing number"), kind: Kind::Text(60), required: false, locked: false },
    ],
};

/// The unit's flows, its sites and the methods.
pub async fn known(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<(Choices, Vec<Present>), Problem> {
    let choices = Choices::from([("site_id", store::own_sites(conn, unit).await?), ("method", store::methods(conn).await?)]);
    Ok((choices, store::plan_flows(conn, unit).await?))
}

/// The unit of a code that a cell names.
async fn receiver(call: &Call, known: &mut Known, values: &Map<String, Value>) -> Result<Uuid, RowProblem> {
    let code = values.get("receiver_uscc").and_then(Value::as_str).unwrap_or_default();
    let fault =
        |code: &str, message: Text| RowProblem::Cell(RowFault { column: Some("receiver_uscc"), code: code.to_owned(), message, law: Vec::new() });
    if let Err(error) = code.parse::<Uscc>() {
        return Err(fault("bad-uscc", Text::new(format!("“{code}”不是有效的统一社会信用代码"), error.to_string())));
    }
    let found = match known.units.get(code) {
        Some(found) => *found,
        None => {
            let mut conn = call.app.db.get().await?;
            let found = store::unit_of(&mut conn, code).await?;
            known.units.insert(code.to_owned(), found);
            found
        }
    };
    found.ok_or_else(|| {
        fault(
            "unknown-receiver",
            Text::new(format!("系统中没有代码为 {code} 的单位，请先登记"), format!("No unit of the code {code} is recorded here")),
        )
    })
}

/// States a flow, or changes its mass and filing number.
pub async fn act(call: &Call, actor: &Actor, known: &mut Known, values: &Map<String, Value>, of: Option<&Present>) -> Result<Acted, RowProblem> {
    if let Some(present) = of {
        let mut body = body_of(values, &["planned_g", "filing_no"]);
        body.extend(present.beside.clone());
        let change: PlanFlowChange = parse(&call.app, Value::Object(body).to_string().as_bytes())?;
        return Ok(filing::acts::change_plan_flow(call, actor, present.id, change).await?.into());
    }
    let receiver = receiver(call, known, values).await?;
    let mut body = body_of(values, &["site_id", "year", "code", "method", "planned_g", "filing_no"]);
    body.insert("receiver_id".into(), receiver.to_string().into());
    let statement: PlanFlowStatement = parse(&call.app, Value::Object(body).to_string().as_bytes())?;
    Ok(filing::acts::record_plan_flow(call, actor, statement).await?.into())
}
