//! Vehicles as a table, with their road transport permits.

use diesel_async::AsyncPgConnection;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Acted, Present, RowProblem, body_of};
use crate::exchange::store;
use crate::identity::Actor;
use crate::platform::call::{Call, parse};
use crate::platform::mass::MassUnit;
use crate::platform::problem::{Problem, Text};
use crate::platform::table::{Choice, Choices, Column, Kind, Sheet};
use crate::registry::{self, Plate, VehicleStatement};

pub const SHEET: Sheet = Sheet {
    name: "vehicles",
    title: ("车辆", "Vehicles"),
    help: (
        "每行一辆车。灰色单元格不可修改；带 * 的列必填。类项之间用分号或空格隔开（如 3; 6.1）。核定载质量可带单位（15吨、15000kg），不带单位按吨计。\
         新车辆写在已有行之下。停用车辆请在系统中操作，不能通过删除行完成。",
        "One vehicle a row. Grey cells stay as they are; columns with * are needed. Classes have a semicolon or a blank between them (3; 6.1). The load may \
         have its unit, else it is tonnes. New vehicles go below. A row left out retires nothing.",
    ),
    columns: &[
        Column { key: "plate", title: ("车牌", "Plate"), kind: Kind::Code(20), required: true, locked: true },
        Column { key: "kind", title: ("车辆类型", "Kind"), kind: Kind::List, required: true, locked: false },
        Column { key: "permit_no", title: ("道路运输证号", "Permit number"), kind: Kind::Text(60), required: true, locked: false },
        Column { key: "permit_classes", title: ("类项", "Classes"), kind: Kind::Words(300), required: true, locked: false },
        Column { key: "permit_valid_to", title: ("道路运输证有效期至", "Permit valid to"), kind: Kind::Day, required: true, locked: false },
        Column {
            key: "rated_load_g", title: ("核定载质量（吨）", "Rated load (t)"), kind: Kind::Mass(MassUnit::T), required: true, locked: false
        },
        Column {
            key: "gb19217", title: ("医疗废物专用车（GB 19217）", "Meets GB 19217"), kind: Kind::YesNo, required: false, locked: false
        },
    ],
};

const MEMBERS: [&str; 7] = ["plate", "kind", "permit_no", "permit_classes", "permit_valid_to", "rated_load_g", "gb19217"];

/// The unit's vehicles in use.
pub async fn known(conn: &mut AsyncPgConnection, unit: Uuid) -> Result<(Choices, Vec<Present>), Problem> {
    let kinds = [("truck", "货车", "truck"), ("trailer", "挂车", "trailer"), ("tanker", "罐车", "tanker")];
    let kinds = kinds.map(|(value, zh, en)| Choice { value: value.into(), label: Text::new(zh, en) });
    Ok((Choices::from([("kind", kinds.to_vec())]), store::vehicles(conn, unit).await?))
}

/// A plate has one spelling, and what is not said of GB 19217 is no.
pub fn tidy(values: &mut Map<String, Value>) {
    if let Some(Value::String(plate)) = values.get_mut("plate")
        && let Ok(known) = plate.parse::<Plate>()
    {
        *plate = known.as_str().to_owned();
    }
    values.entry("gb19217").or_insert(Value::Bool(false));
}

/// States a vehicle, or states it anew.
pub async fn act(call: &Call, actor: &Actor, values: &Map<String, Value>, of: Option<&Present>) -> Result<Acted, RowProblem> {
    let statement: VehicleStatement = parse(&call.app, Value::Object(body_of(values, &MEMBERS)).to_string().as_bytes())?;
    Ok(match of {
        Some(present) => registry::acts::change_vehicle(call, actor, present.id, statement).await?,
        None => registry::acts::record_vehicle(call, actor, statement).await?,
    }
    .into())
}
