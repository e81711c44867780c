//! By which methods a site's plan sends its wastes to a receiver.

use diesel::sql_types::{Array, Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::catalogue::{MethodCode, WasteCode};
use crate::platform::db::Sql;
use crate::platform::problem::Problem;

#[derive(diesel::QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    code: String,
    #[diesel(sql_type = Text)]
    method: String,
}

/// Waste and method of each flow of the site's plan to a receiver, by code and then by method.
///
/// # Errors
/// As the database.
pub async fn planned_methods(
    mut conn: &AsyncPgConnection,
    site: Uuid,
    year: i32,
    receiver_unit: Uuid,
    codes: &[String],
) -> Result<Vec<(WasteCode, MethodCode)>, Problem> {
    let rows: Vec<Row> =
        Sql("SELECT code, method FROM plan_flows WHERE site_id = $1 AND year = $2 AND receiver_id = $3 AND code = ANY($4) ORDER BY code, method")
            .bind::<SqlUuid, _>(site)
            .bind::<Integer, _>(year)
            .bind::<SqlUuid, _>(receiver_unit)
            .bind::<Array<Text>, _>(codes)
            .load(&mut conn)
            .await?;
    rows.into_iter()
        .map(|row| {
            let code = row.code.parse::<WasteCode>().map_err(|error| Problem::internal(&error))?;
            Ok((code, row.method.parse::<MethodCode>().map_err(|error| Problem::internal(&error))?))
        })
        .collect()
}
