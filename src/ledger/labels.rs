//! What the label of a filling says (危险废物标签).

use chrono::NaiveDate;
use diesel::sql_types::{Array, BigInt, Date, Jsonb, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::domain::{LabelSize, LabelStatement};
use crate::platform::db::Sql;
use crate::platform::mass::{Grams, tonnes_text};
use crate::platform::problem::Problem;

/// Every field of a label as text, ready to be printed; what was not stated is empty.
///
/// Legal source: `hj_1276_2022`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LabelFacts {
    /// 废物名称.
    pub name: String,
    /// 废物类别.
    pub category: String,
    /// 废物代码.
    pub waste_code: String,
    /// 形态.
    pub form: String,
    /// 主要成分.
    pub main_components: String,
    /// 有害成分.
    pub harmful_components: String,
    /// 危险特性 as the catalogue writes them.
    pub hazards: String,
    /// 注意事项.
    pub precautions: String,
    /// 数字识别码; the QR repeats it.
    pub code: String,
    /// 产生、收集单位.
    pub unit_name: String,
    /// 联系人和联系方式: of the site, no person's name.
    pub contact: String,
    /// 产生、收集日期.
    pub filled_on: NaiveDate,
    /// 废物重量, as it was filled. Unit: tonnes.
    pub mass_t: String,
    /// 备注.
    pub note: String,
    /// Code of the container.
    pub container: String,
    /// Unit: millilitres.
    pub capacity_ml: i64,
    /// How large, and how many.
    pub size: LabelSize,
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    waste_code: String,
    #[diesel(sql_type = Date)]
    filled_on: NaiveDate,
    #[diesel(sql_type = BigInt)]
    filled_g: i64,
    #[diesel(sql_type = Jsonb)]
    label: Value,
    #[diesel(sql_type = Text)]
    container: String,
    #[diesel(sql_type = BigInt)]
    capacity_ml: i64,
    #[diesel(sql_type = Text)]
    unit_name: String,
    #[diesel(sql_type = Text)]
    contact: String,
}

/// What is stored of a label.
#[derive(Deserialize, Default)]
struct Kept {
    name: Option<String>,
    hazards: Option<String>,
    stated: Option<LabelStatement>,
}

impl From<Row> for LabelFacts {
    fn from(row: Row) -> Self {
        let kept: Kept = serde_json::from_value(row.label).unwrap_or_default();
        let stated = kept.stated;
        let said = |pick: fn(&LabelStatement) -> String| stated.as_ref().map(pick).unwrap_or_default();
        Self {
            name: kept.name.unwrap_or_default(),
            category: row.waste_code.get(8..).map(|digits| format!("HW{digits}")).unwrap_or_default(),
            form: said(|one| one.form.zh().to_owned()),
            main_components: said(|one| one.main_components.to_string()),
            harmful_components: said(|one| one.harmful_components.to_string()),
            hazards: kept.hazards.unwrap_or_default(),
            precautions: said(|one| one.precautions.to_string()),
            note: said(|one| one.note.as_ref().map(ToString::to_string).unwrap_or_default()),
            waste_code: row.waste_code,
            code: row.code,
            unit_name: row.unit_name,
            contact: row.contact,
            filled_on: row.filled_on,
            mass_t: Grams::try_from(row.filled_g).map(tonnes_text).unwrap_or_default(),
            container: row.container,
            capacity_ml: row.capacity_ml,
            size: LabelSize::of(row.capacity_ml),
        }
    }
}

/// Labels of a unit's fillings, by their codes or by the ids of their containers, in the order of their codes; of what is not
/// the unit's, or not there, nothing.
///
/// # Errors
/// As the database.
pub async fn labels(mut conn: &AsyncPgConnection, unit: Uuid, codes: &[String], containers: &[Uuid]) -> Result<Vec<LabelFacts>, Problem> {
    let rows: Vec<Row> =
        Sql("SELECT f.code, f.waste_code, f.filled_on, f.filled_g, f.label, c.code AS container, c.capacity_ml, u.name AS unit_name, \
         coalesce(s.contact_phone, u.contact_phone) AS contact FROM fillings f JOIN containers c ON c.id = f.container_id \
         JOIN units u ON u.id = f.unit_id JOIN ledger_entries e ON e.id = f.entry_id JOIN sites s ON s.id = e.site_id \
         WHERE (f.code = ANY($2) OR f.id IN (SELECT x.filling_id FROM containers x WHERE x.id = ANY($3))) AND f.unit_id = $1 ORDER BY f.code")
        .bind::<SqlUuid, _>(unit)
        .bind::<Array<Text>, _>(codes)
        .bind::<Array<SqlUuid>, _>(containers)
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().map(LabelFacts::from).collect())
}
