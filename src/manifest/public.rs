//! A look at the public page of a manifest (查验): from a token to a page, counted, bounded and recorded.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::OnceLock;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::sql_types::{BigInt, Binary, Date, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::page::{self, Standing, View};
use super::store;
use super::token::Token;
use crate::catalogue;
use crate::evidence::{self, Head};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::db::Sql;
use crate::platform::keys::Key;
use crate::platform::lang::Lang;
use crate::platform::problem::{Problem, kinds};

/// Sources whose counters are kept; beyond it those are forgotten that have their whole quota again.
const SOURCES_MAX: usize = 10_000;

#[derive(Default)]
struct Sources(OnceLock<Option<governor::DefaultKeyedRateLimiter<IpAddr>>>);

/// Bounds what one source may look up. Whoever has a whole network of IPv6 addresses (/64) is one source.
///
/// # Errors
/// 429.
pub fn bound(app: &App, source: IpAddr) -> Result<(), Problem> {
    let sources = app.shelf::<Sources>();
    let limit = || NonZeroU32::new(app.limits.looks_per_minute).map(|limit| governor::RateLimiter::keyed(governor::Quota::per_minute(limit)));
    let Some(limiter) = sources.0.get_or_init(limit) else { return Ok(()) };
    if limiter.len() > SOURCES_MAX {
        limiter.retain_recent();
    }
    let refused = |_| Problem { retry_after: Some(10), ..Problem::of(&kinds::TOO_MANY) };
    limiter.check_key(&network(source)).map(|_| ()).map_err(refused)
}

fn network(source: IpAddr) -> IpAddr {
    match source {
        IpAddr::V4(_) => source,
        IpAddr::V6(address) => match address.to_ipv4_mapped() {
            Some(mapped) => mapped.into(),
            None => std::net::Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        },
    }
}

/// What is kept of a source: the same all day, another one tomorrow, and nothing to whoever has only the database.
fn hash_of(key: &Key, source: IpAddr, day: NaiveDate) -> Vec<u8> {
    // A signature is a keyed function that only this installation can compute.
    let salt = key.sign(format!("liandan-look-source\0{day}").as_bytes());
    Sha256::new_with_prefix(salt).chain_update(network(source).to_string()).finalize()[..16].to_vec()
}

/// What a look finds.
pub struct Look {
    /// What the page says.
    pub standing: Standing,
    /// The page.
    pub html: String,
}

/// Looks a token up. A token of ours is recorded; anything else leaves nothing behind.
///
/// # Errors
/// As the database.
pub async fn look(app: &App, text: &str, source: IpAddr, lang: Lang) -> Result<Look, Problem> {
    let unknown = || Look { standing: Standing::Unknown, html: page::unknown(lang) };
    let mut conn = app.db.get().await?;
    let keys = evidence::proof_keys(&mut conn).await?;
    let Ok(token) = Token::read(text, &keys) else { return Ok(unknown()) };
    let stored = match store::load(&conn, token.manifest, Head::NEW, &[]).await {
        Ok(stored) => stored,
        Err(problem) if problem.status == kinds::NOT_FOUND.status => return Ok(unknown()),
        Err(problem) => return Err(problem),
    };
    let now = app.clock.now();
    let standing = Standing::of(&stored, &token, app.numbers, now);
    let looks_today = record(&mut conn, app, token.manifest, standing, source, now).await?;
    let departure = district(&mut conn, &stored.record.consignment.departure().division).await?;
    let destination = district(&mut conn, &stored.record.consignment.receiver.division).await?;
    let view = View { stored: &stored, token: &token, standing, departure, destination, looks_today, now };
    Ok(Look { standing, html: page::shown(&view, lang) })
}

/// A division with those above it below the country: 辽宁省大连市金州区.
///
/// # Errors
/// As the database.
pub async fn district(conn: &mut AsyncPgConnection, code: &str) -> Result<String, Problem> {
    let mut names = Vec::new();
    let mut next = Some(code.to_owned());
    // Country, province, prefecture, county, local node: no path is longer.
    while let (Some(code), true) = (next.take(), names.len() < 5) {
        if let Some(division) = catalogue::division(conn, &code).await?
            && division.level != "country"
        {
            // A municipality's districts hang under a node that only keeps the code's form.
            names.extend((division.name != "市辖区").then_some(division.name));
            next = division.parent_code;
        }
    }
    names.reverse();
    Ok(names.concat())
}

// Written and counted in one statement; the row of this look is not seen by the count beside it.
const RECORD: Sql =
    Sql("WITH l AS (INSERT INTO token_looks (id, manifest_id, looked_at, looked_on, shown, source_hash) VALUES ($1, $2, $3, $4, $5, $6)) \
     SELECT count(*) + 1 AS looks FROM token_looks WHERE manifest_id = $2 AND looked_on = $4");

async fn record(
    conn: &mut AsyncPgConnection,
    app: &App,
    manifest: Uuid,
    standing: Standing,
    source: IpAddr,
    now: DateTime<Utc>,
) -> Result<i64, Problem> {
    #[derive(diesel::QueryableByName)]
    struct Row {
        #[diesel(sql_type = BigInt)]
        looks: i64,
    }
    let day = legal_day(now);
    let row: Option<Row> = RECORD
        .bind::<SqlUuid, _>(app.clock.new_id())
        .bind::<SqlUuid, _>(manifest)
        .bind::<Timestamptz, _>(now)
        .bind::<Date, _>(day)
        .bind::<Text, _>(standing.as_str())
        .bind::<Binary, _>(hash_of(&app.keys.proof, source, day))
        .load(conn)
        .await?
        .pop();
    Ok(row.map_or(1, |row| row.looks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_source_is_one_all_day_and_another_one_tomorrow() {
        let (key, day) = (Key::from_seed(&[1; 32]), NaiveDate::from_ymd_opt(2026, 11, 23).unwrap());
        let [one, other]: [IpAddr; 2] = ["203.0.113.7", "203.0.113.8"].map(|text| text.parse().unwrap());
        assert_eq!(hash_of(&key, one, day), hash_of(&key, one, day));
        assert_ne!(hash_of(&key, one, day), hash_of(&key, other, day));
        assert_ne!(hash_of(&key, one, day), hash_of(&key, one, day.succ_opt().unwrap()));
        assert_ne!(hash_of(&key, one, day), hash_of(&Key::from_seed(&[2; 32]), one, day));
    }

    #[test]
    fn a_network_of_ipv6_is_one_source() {
        let [one, same, other, mapped]: [IpAddr; 4] =
            ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1", "::ffff:203.0.113.7"].map(|text| text.parse().unwrap());
        assert_eq!(network(one), network(same));
        assert_ne!(network(one), network(other));
        assert_eq!(network(mapped), "203.0.113.7".parse::<IpAddr>().unwrap());
    }
}
