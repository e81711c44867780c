//! Which authority answers for a place (主管部门).

use chrono::NaiveDate;
use diesel::sql_types::{Date, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::platform::db::Sql;
use crate::platform::problem::Problem;

#[derive(diesel::QueryableByName)]
struct AuthorityRow {
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
}

// The nearest node up the tree that has an authority decides; the city is asked only where no district is.
const NEAREST: Sql = Sql("WITH a AS (SELECT j.unit_id, p.distance FROM division_paths p JOIN jurisdictions j ON j.division = p.ancestor \
     WHERE p.code = $1 AND j.from_on <= $2 AND (j.until_on IS NULL OR j.until_on >= $2)) \
     SELECT DISTINCT unit_id FROM a WHERE distance = (SELECT min(distance) FROM a) ORDER BY unit_id");

/// The authorities that answer for a division on a day: those of its nearest node that has any. None where nobody has an
/// account yet.
///
/// # Errors
/// As the database.
pub async fn authorities_of(conn: &mut AsyncPgConnection, division: &str, day: NaiveDate) -> Result<Vec<Uuid>, Problem> {
    let rows: Vec<AuthorityRow> = NEAREST.bind::<Text, _>(division).bind::<Date, _>(day).load(conn).await?;
    Ok(rows.into_iter().map(|row| row.unit_id).collect())
}
