//! What of a unit could be loaded (可装运): containers by their codes, with what stands on their labels.

use diesel::sql_types::{Array, BigInt, Jsonb, Nullable, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Deserialize;
use serde_json::Value;
use uuid::Uuid;

use super::domain::LabelStatement;
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// A filling of a unit, or one that stands on its site.
#[derive(Debug, Clone)]
pub struct Loadable {
    /// 数字识别码.
    pub code: String,
    /// 废物代码.
    pub waste_code: String,
    /// What the ledger says is in it. Unit: grams.
    pub left_g: i64,
    /// Where it stands; nowhere while it is on the road.
    pub site: Option<Uuid>,
    /// The open manifest on which it is.
    pub manifest: Option<Uuid>,
    /// Kind of the container, as stored.
    pub container_kind: String,
    /// 废物名称 on the label.
    pub name: Option<String>,
    /// What else the label says.
    pub label: Option<LabelStatement>,
}

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    waste_code: String,
    #[diesel(sql_type = BigInt)]
    left_g: i64,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    site_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    manifest_id: Option<Uuid>,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Jsonb)]
    label: Value,
}

#[derive(Deserialize, Default)]
struct Kept {
    name: Option<String>,
    stated: Option<LabelStatement>,
}

/// The fillings with these codes that are a unit's or stand on its sites; of others nothing is told.
///
/// # Errors
/// As the database.
pub async fn loadable(mut conn: &AsyncPgConnection, unit: Uuid, codes: &[String]) -> Result<Vec<Loadable>, Problem> {
    let rows: Vec<Row> = Sql("SELECT f.code, f.waste_code, f.left_g, f.site_id, o.manifest_id, c.kind, f.label FROM fillings f \
         JOIN containers c ON c.id = f.container_id LEFT JOIN sites s ON s.id = f.site_id \
         LEFT JOIN loaded_fillings o ON o.filling_id = f.id AND o.ended_at IS NULL \
         WHERE f.code = ANY($1) AND (f.unit_id = $2 OR s.unit_id = $2)")
    .bind::<Array<Text>, _>(codes)
    .bind::<SqlUuid, _>(unit)
    .load(&mut conn)
    .await?;
    let read = |row: Row| {
        let kept: Kept = serde_json::from_value(row.label).unwrap_or_default();
        Loadable {
            code: row.code,
            waste_code: row.waste_code,
            left_g: row.left_g,
            site: row.site_id,
            manifest: row.manifest_id,
            container_kind: row.kind,
            name: kept.name,
            label: kept.stated,
        }
    };
    Ok(rows.into_iter().map(read).collect())
}
