//! Pairs of categories that may not be collected, kept or carried together (不相容的危险废物). No statute names them: a
//! division loads the list of a document of its own. Subject with a chain: incompatible_pairs.
//!
//! Legal source: `eco_code_2026/535/para1`.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::sql_types::{Array, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use uuid::Uuid;

use super::acts::{ParameterRefusal, manages};
use super::store;
use crate::evidence::{Head, NewEvent, Outcome, Tx};
use crate::identity::{Actor, transact};
use crate::platform::call::Call;
use crate::platform::db::{Sql, TextRow};
use crate::platform::problem::{Problem, Refusals};

/// A category of the list, `HW01` to `HW50`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Category(String);

impl std::str::FromStr for Category {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let number = text.strip_prefix("HW").filter(|digits| digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit()));
        match number.and_then(|digits| digits.parse::<u8>().ok()) {
            Some(1..=50) => Ok(Self(text.to_owned())),
            _ => Err(()),
        }
    }
}

/// The list of a division.
pub struct PairList {
    /// Where it holds, descendants included.
    pub division: String,
    /// The document that it stands in.
    pub source: String,
    /// Its pairs; an empty list takes back what was loaded.
    pub pairs: Vec<(Category, Category)>,
}

/// A list as it is held.
#[derive(diesel::QueryableByName)]
pub(super) struct HeldList {
    #[diesel(sql_type = Text)]
    pub division: String,
    #[diesel(sql_type = Text)]
    pub source: String,
    #[diesel(sql_type = Array<Text>)]
    pub categories_a: Vec<String>,
    #[diesel(sql_type = Array<Text>)]
    pub categories_b: Vec<String>,
    #[diesel(sql_type = Timestamptz)]
    pub loaded_at: DateTime<Utc>,
}

/// The lists that hold in a division: its own and those above, none of which takes away from another.
pub(super) async fn lists(conn: &mut AsyncPgConnection, division: &str) -> Result<Vec<HeldList>, Problem> {
    Ok(Sql("SELECT p.division, p.source, p.categories_a, p.categories_b, p.loaded_at FROM incompatible_pairs p \
         JOIN division_paths d ON d.ancestor = p.division WHERE d.code = $1 AND cardinality(p.categories_a) > 0 ORDER BY d.distance")
    .bind::<Text, _>(division)
    .load(conn)
    .await?)
}

/// The pairs of a division of which both categories are there, such as `HW06 / HW34`.
///
/// # Errors
/// As the database.
pub async fn incompatible_among(mut conn: &AsyncPgConnection, division: &str, categories: &[String]) -> Result<Vec<String>, Problem> {
    let rows: Vec<TextRow> =
        Sql("SELECT DISTINCT x.a || ' / ' || x.b AS doc FROM incompatible_pairs p JOIN division_paths d ON d.ancestor = p.division, \
         unnest(p.categories_a, p.categories_b) AS x (a, b) WHERE d.code = $1 AND x.a = ANY($2) AND x.b = ANY($2) ORDER BY 1")
        .bind::<Text, _>(division)
        .bind::<Array<Text>, _>(categories)
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().map(|row| row.doc).collect())
}

/// The subject of a division's list: the same in every installation.
#[must_use]
pub fn subject_of(division: &str) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("liandan/incompatible_pairs/{division}").as_bytes())
}

/// Loads the list of a division anew, whole, from the document that it stands in.
///
/// Legal source: `eco_code_2026/535/para1`.
///
/// # Errors
/// 403 unless a manager of the division or platform administrator; 428 and 412 once a list was loaded before;
/// `unknown-division`, `same-category`.
pub async fn load_incompatible_pairs(call: &Call, actor: &Actor, list: PairList) -> Result<Outcome, Problem> {
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        manages(tx.conn, actor, &list.division).await?;
        let subject = subject_of(&list.division);
        store::lock_parameter(tx.conn, subject).await?;
        let head = match tx.lock(subject).await {
            Err(problem) if problem.status == 404 => Head::NEW,
            other => other?,
        };
        if head.version > 0 || call.seen.is_some() {
            tx.seen(subject, &head).await?;
        }
        let mut refusals = Refusals::none();
        if !store::division_exists(tx.conn, &list.division).await? {
            refusals.add("/division", ParameterRefusal::UnknownDivision);
        }
        for (index, _) in list.pairs.iter().enumerate().filter(|(_, (a, b))| a == b) {
            refusals.add(format!("/pairs/{index}"), ParameterRefusal::SameCategory);
        }
        refusals.or(())?;
        // Each pair once, whichever way round it is written.
        let mut pairs: Vec<(String, String)> =
            list.pairs.iter().map(|(a, b)| if a < b { (a.0.clone(), b.0.clone()) } else { (b.0.clone(), a.0.clone()) }).collect();
        pairs.sort_unstable();
        pairs.dedup();
        let now = tx.now();
        let (a, b): (Vec<&str>, Vec<&str>) = pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).unzip();
        Sql("INSERT INTO incompatible_pairs (division, source, categories_a, categories_b, loaded_at) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (division) DO UPDATE SET source = excluded.source, categories_a = excluded.categories_a, \
             categories_b = excluded.categories_b, loaded_at = excluded.loaded_at")
        .bind::<Text, _>(&list.division)
        .bind::<Text, _>(&list.source)
        .bind::<Array<Text>, _>(a)
        .bind::<Array<Text>, _>(b)
        .bind::<Timestamptz, _>(now)
        .execute(tx.conn)
        .await?;
        let payload = json!({ "division": list.division, "source": list.source, "pairs": pairs });
        let event = NewEvent {
            subject_kind: "incompatible_pairs",
            subject,
            act: "load_incompatible_pairs",
            claimed_at: now,
            law: vec!["eco_code_2026/535/para1"],
            sealed: BTreeMap::new(),
            payload,
        };
        tx.append(&head, event).await?;
        Ok(())
    })
    .await
}
