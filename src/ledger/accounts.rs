//! The three mass accounts (质量账户): plan flow and approval count mass moved out, a licence line mass accepted in
//! the calendar year of receipt. Exact under concurrency, because a posting is one conditional UPDATE on one row.

use diesel::sql_types::{Array, BigInt, Bool, Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::platform::db::Sql;
use crate::platform::problem::Problem;

/// Which account. The order is the order in which rows are locked, the same for every act.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AccountKind {
    /// A flow of the management plan (管理计划转移去向); mass moved out in the plan's year.
    PlanFlow,
    /// A cross-province approval (跨省转移批准); mass moved out, never beyond the approved mass.
    Approval,
    /// A scope line of a licence (经营许可证经营规模); mass accepted in the calendar year of receipt.
    LicenceLine,
}

impl AccountKind {
    /// As stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PlanFlow => "plan_flow",
            Self::Approval => "approval",
            Self::LicenceLine => "licence_line",
        }
    }
}

/// A change of one account. Unit: grams; negative gives back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Posting {
    /// Which account.
    pub kind: AccountKind,
    /// The flow, approval or licence line.
    pub owner: Uuid,
    /// Calendar year; 0 for an approval.
    pub year: i32,
    /// Change of what is reserved.
    pub reserved_g: i64,
    /// Change of what is settled.
    pub settled_g: i64,
    /// The posting is refused when it would bring the sum above this; None books unconditionally.
    pub at_most_g: Option<i64>,
}

/// An account after its posting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Balance {
    /// Which account.
    pub kind: AccountKind,
    /// The flow, approval or licence line.
    pub owner: Uuid,
    /// Reserved plus settled. Where the posting was refused: before it.
    pub sum_g: i64,
    /// Whether it was booked.
    pub is_booked: bool,
}

#[derive(diesel::QueryableByName)]
struct SumRow {
    #[diesel(sql_type = BigInt)]
    sum_g: i64,
}

#[derive(diesel::QueryableByName)]
struct BalanceRow {
    #[diesel(sql_type = Integer)]
    n: i32,
    #[diesel(sql_type = BigInt)]
    sum_g: i64,
    #[diesel(sql_type = Bool)]
    booked: bool,
}

/// Books every posting in one statement, in the order plan flow, approval, licence line, each by owner.
///
/// Where one is refused nothing must be kept: the caller refuses the act and its transaction rolls back. Postings of one
/// account are added up first, since a statement can change a row only once.
///
/// # Errors
/// As the database; a deadlock cannot arise between acts, since all lock in one order.
pub async fn post(conn: &mut AsyncPgConnection, postings: &[Posting]) -> Result<Vec<Balance>, Problem> {
    let postings = merged(postings);
    if postings.is_empty() {
        return Ok(Vec::new());
    }
    let kinds: Vec<&str> = postings.iter().map(|posting| posting.kind.as_str()).collect();
    let owners: Vec<Uuid> = postings.iter().map(|posting| posting.owner).collect();
    let years: Vec<i32> = postings.iter().map(|posting| posting.year).collect();
    let reserved: Vec<i64> = postings.iter().map(|posting| posting.reserved_g).collect();
    let settled: Vec<i64> = postings.iter().map(|posting| posting.settled_g).collect();
    let limits: Vec<i64> = postings.iter().map(|posting| posting.at_most_g.unwrap_or(i64::MAX)).collect();
    // ON CONFLICT locks the rows in the order of the input, which is sorted; a refused row stays as it was and is not
    // returned, so a refusal cannot be mistaken for a sum that fits. A new row that is refused is left at nothing.
    let rows: Vec<BalanceRow> = Sql("WITH p AS ( \
           SELECT *, r + s <= lim OR r + s <= 0 AS fits_alone FROM unnest($1::text[], $2::uuid[], $3::int[], $4::bigint[], $5::bigint[], $6::bigint[]) WITH ORDINALITY AS t(kind, owner_id, year, r, s, lim, n)), \
         done AS ( \
           INSERT INTO mass_accounts AS a (kind, owner_id, year, reserved_g, settled_g) SELECT kind, owner_id, year, \
             CASE WHEN fits_alone THEN r ELSE 0 END, CASE WHEN fits_alone THEN s ELSE 0 END FROM p ORDER BY n \
           ON CONFLICT (kind, owner_id, year) DO UPDATE SET \
             reserved_g = a.reserved_g + (SELECT p.r FROM p WHERE p.kind = a.kind AND p.owner_id = a.owner_id AND p.year = a.year), \
             settled_g = a.settled_g + (SELECT p.s FROM p WHERE p.kind = a.kind AND p.owner_id = a.owner_id AND p.year = a.year) \
           WHERE (SELECT a.reserved_g + a.settled_g + p.r + p.s <= p.lim OR p.r + p.s <= 0 FROM p WHERE p.kind = a.kind AND p.owner_id = a.owner_id AND p.year = a.year) \
           RETURNING kind, owner_id, year, reserved_g + settled_g AS sum_g) \
         SELECT p.n::int AS n, coalesce(d.sum_g, 0) AS sum_g, d.sum_g IS NOT NULL AND p.fits_alone AS booked \
         FROM p LEFT JOIN done d USING (kind, owner_id, year) ORDER BY p.n")
    .bind::<Array<Text>, _>(kinds)
    .bind::<Array<SqlUuid>, _>(owners)
    .bind::<Array<Integer>, _>(years)
    .bind::<Array<BigInt>, _>(reserved)
    .bind::<Array<BigInt>, _>(settled)
    .bind::<Array<BigInt>, _>(limits)
    .load(conn)
    .await?;
    let mut balances = Vec::new();
    for row in rows {
        let Some(posting) = usize::try_from(row.n - 1).ok().and_then(|index| postings.get(index)) else { continue };
        let sum_g = if row.booked { row.sum_g } else { sum_of(conn, posting).await? };
        balances.push(Balance { kind: posting.kind, owner: posting.owner, sum_g, is_booked: row.booked });
    }
    Ok(balances)
}

/// The sum that refused a posting. The row is locked by then, so this is what the refusal met.
async fn sum_of(conn: &mut AsyncPgConnection, posting: &Posting) -> Result<i64, Problem> {
    let row: Option<SumRow> = Sql("SELECT reserved_g + settled_g AS sum_g FROM mass_accounts WHERE kind = $1 AND owner_id = $2 AND year = $3")
        .bind::<Text, _>(posting.kind.as_str())
        .bind::<SqlUuid, _>(posting.owner)
        .bind::<Integer, _>(posting.year)
        .load(conn)
        .await?
        .pop();
    Ok(row.map_or(0, |row| row.sum_g))
}

fn merged(postings: &[Posting]) -> Vec<Posting> {
    let mut sorted = postings.to_vec();
    sorted.sort_by_key(|posting| (posting.kind, posting.owner, posting.year));
    let mut merged: Vec<Posting> = Vec::new();
    for posting in sorted {
        match merged.last_mut() {
            Some(last) if (last.kind, last.owner, last.year) == (posting.kind, posting.owner, posting.year) => {
                last.reserved_g += posting.reserved_g;
                last.settled_g += posting.settled_g;
                last.at_most_g = match (last.at_most_g, posting.at_most_g) {
                    (Some(a), Some(b)) => Some(a.min(b)),
                    (one, other) => one.or(other),
                };
            }
            _ => merged.push(posting),
        }
    }
    merged.retain(|posting| posting.reserved_g != 0 || posting.settled_g != 0);
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn postings_of_one_account_are_added_and_sorted() {
        let owner = Uuid::nil();
        let posting = |kind, reserved_g| Posting { kind, owner, year: 2026, reserved_g, settled_g: 0, at_most_g: Some(10) };
        let all = merged(&[posting(AccountKind::LicenceLine, 1), posting(AccountKind::PlanFlow, 2), posting(AccountKind::LicenceLine, 3)]);
        assert_eq!(all.iter().map(|p| (p.kind, p.reserved_g)).collect::<Vec<_>>(), [(AccountKind::PlanFlow, 2), (AccountKind::LicenceLine, 4)]);
    }
}
