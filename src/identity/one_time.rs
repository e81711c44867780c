//! One-time codes (一次性口令): a signature without an own device. Made in the session of the signer or of his unit's
//! dispatcher, told by voice, bound to manifest, act and person; ten minutes, five tries with a growing wait.

use chrono::{DateTime, Duration, Utc};
use diesel::sql_types::{Array, Binary, Bool, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde_json::json;
use std::collections::BTreeMap;
use uuid::Uuid;

use super::auth::{digest, transact};
use super::domain::{Actor, Role};
use super::store;
use crate::evidence::{NewEvent, Outcome, Tx};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Kind, Problem, Text as Words, kinds};

/// How long a code lives.
const LIFE: Duration = Duration::minutes(10);
/// Tries of one person after which a code is dead for him. Counted for each person, so that no party's wrong digits keep
/// the right ones of another waiting.
const TRIES_MAX: i32 = 5;
/// Tries of all together after which a code is dead for everybody, however many accounts a unit makes to guess with.
const TRIES_OF_ALL_MAX: i32 = 100;
/// Whoever made a code for another must not be the one who uses it.
pub static OWN_CODE: Kind =
    Kind::new(403, "code-of-own-making", "不得自行使用为他人生成的一次性口令", "A one-time code made for another is not for its maker to use");

/// The header that carries a code.
pub const HEADER: &str = "liandan-code";

/// A code on an actor: which, and whose device sent it.
#[derive(Debug, Clone)]
pub struct ByCode {
    /// The code.
    pub code: Uuid,
    /// Who made it.
    pub made_by: Uuid,
    /// Whose device sent it.
    pub device_user: Uuid,
}

/// Makes a code for an act on a manifest; the digits are told once.
///
/// # Errors
/// 403 for anybody but the person himself and his unit's dispatcher, 404 for a person of another unit.
pub async fn make(call: &Call, actor: &Actor, manifest: Uuid, act: &str, user: Option<Uuid>) -> Result<(Outcome, String), Problem> {
    let digits = format!("{:08}", rand::random_range(0..100_000_000_u32));
    let hash = digest(&format!("{manifest}/{act}/{digits}"));
    let outcome = transact(call, actor, 1, true, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = actor.unit_id().ok_or_else(|| Problem::of(&kinds::FORBIDDEN))?;
        let person = user.unwrap_or(actor.user);
        let membership = store::memberships_of_user(tx.conn, person).await?.into_iter().find(|row| row.unit_id == unit);
        let membership = membership.ok_or_else(Problem::not_found)?;
        // A dispatcher speaks for his drivers; nobody makes a code in a signatory's name but himself.
        let is_driver = membership.roles.iter().any(|role| role == Role::Driver.as_str());
        if person != actor.user && !(actor.roles.has(Role::Dispatcher) && is_driver) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        let (id, now) = (tx.new_id(), tx.now());
        Sql("INSERT INTO one_time_codes (id, code_hash, manifest_id, act, user_id, unit_id, made_by, made_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
            .bind::<SqlUuid, _>(id)
            .bind::<Binary, _>(&hash)
            .bind::<SqlUuid, _>(manifest)
            .bind::<Text, _>(act)
            .bind::<SqlUuid, _>(person)
            .bind::<SqlUuid, _>(unit)
            .bind::<SqlUuid, _>(actor.user)
            .bind::<Timestamptz, _>(now)
            .bind::<Timestamptz, _>(now + LIFE)
            .execute(tx.conn)
            .await?;
        let head = match tx.lock(person).await {
            Err(problem) if problem.status == 404 => crate::evidence::Head::NEW,
            other => other?,
        };
        let payload = json!({ "code_id": id, "manifest_id": manifest, "for_act": act, "user_id": person });
        let event =
            NewEvent { subject_kind: "user", subject: person, act: "make_one_time_code", claimed_at: now, law: Vec::new(), sealed: BTreeMap::new(), payload };
        tx.append(&head, event).await?;
        Ok(())
    })
    .await?;
    Ok((outcome, digits))
}

#[derive(diesel::QueryableByName)]
struct CodeRow {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    user_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    unit_id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    made_by: Uuid,
    #[diesel(sql_type = Bool)]
    is_match: bool,
}

#[derive(diesel::QueryableByName)]
struct WaitRow {
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_try_at: Option<DateTime<Utc>>,
}

/// Counts a try of a person at every living code of a manifest's act. His own row is written first and locked by that, so
/// parallel tries are counted one after the other.
const TRY: Sql = Sql("WITH live AS (SELECT id, user_id, unit_id, made_by, code_hash = $3 AS is_match FROM one_time_codes \
     WHERE manifest_id = $1 AND act = $2 AND used_at IS NULL AND expires_at > $4 AND tries < $6), \
     t AS (INSERT INTO one_time_tries AS t (code_id, user_id, tries, next_try_at) \
     SELECT id, $7, 1, CASE WHEN is_match THEN NULL ELSE $4 + interval '1 second' END FROM live ORDER BY id \
     ON CONFLICT (code_id, user_id) DO UPDATE SET tries = t.tries + 1, \
     next_try_at = CASE WHEN excluded.next_try_at IS NULL THEN t.next_try_at ELSE $4 + make_interval(secs => power(2, least(t.tries, 9))) END \
     RETURNING code_id, tries), \
     u AS (UPDATE one_time_codes c SET tries = c.tries + 1 FROM t WHERE c.id = t.code_id) \
     SELECT l.id, l.user_id, l.unit_id, l.made_by, l.is_match FROM live l JOIN t ON t.code_id = l.id WHERE t.tries <= $5");

/// The person whose code this is. The caller has been asked before whether he may see the manifest at all.
///
/// # Errors
/// 401 for a wrong or dead code; 403 `code-of-own-making`; 429 while the wait after a wrong one of the same person runs.
pub async fn actor_by_code(app: &App, device: &Actor, manifest: Uuid, act: &str, digits: &str) -> Result<Actor, Problem> {
    let now = app.clock.now();
    let hash = digest(&format!("{manifest}/{act}/{digits}"));
    let mut conn = app.db.get().await?;
    // Before anything is counted: whoever asks for a lost answer again must not use up the tries of the next code.
    let row = match used_code(&conn, manifest, act, &hash, now).await? {
        Some(row) => row,
        None => living_code(&mut conn, device, manifest, act, &hash, now).await?,
    };
    // The signer gives his word by telling the code; whoever made it for him would else sign in his name alone.
    if row.made_by == device.user && row.user_id != device.user {
        return Err(Problem::new(
            &OWN_CODE,
            Words::new(
                "您为他人生成的一次性口令须在他人设备上使用；如须代驾驶员签署，请以本人身份签署并说明原因（将标记 dispatcher-signed）",
                "A code that you made for somebody else is for another person's device; to sign for a driver, sign yourself with a reason (flagged dispatcher-signed)",
            ),
        ));
    }
    let by_code = ByCode { code: row.id, made_by: row.made_by, device_user: device.user };
    store::actor_of_member(&conn, row.user_id, row.unit_id, legal_day(now), by_code).await?.ok_or_else(wrong)
}

fn wrong() -> Problem {
    Problem::new(&kinds::UNAUTHENTICATED, Words::new("一次性口令无效或已过期", "The one-time code is wrong or has expired"))
}

/// A code that may still sign. Every try is counted before it is compared, in a statement of its own: neither a refused act nor
/// a parallel try can undo it.
async fn living_code(
    conn: &mut AsyncPgConnection,
    device: &Actor,
    manifest: Uuid,
    act: &str,
    hash: &[u8],
    now: DateTime<Utc>,
) -> Result<CodeRow, Problem> {
    let waits: Vec<WaitRow> =
        Sql("SELECT max(t.next_try_at) AS next_try_at FROM one_time_codes c JOIN one_time_tries t ON t.code_id = c.id AND t.user_id = $5 \
         WHERE c.manifest_id = $1 AND c.act = $2 AND c.used_at IS NULL AND c.expires_at > $3 AND c.tries < $6 AND t.tries < $4")
        .bind::<SqlUuid, _>(manifest)
        .bind::<Text, _>(act)
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(TRIES_MAX)
        .bind::<SqlUuid, _>(device.user)
        .bind::<Integer, _>(TRIES_OF_ALL_MAX)
        .load(conn)
        .await?;
    if let Some(at) = waits.into_iter().find_map(|row| row.next_try_at).filter(|at| *at > now) {
        let wait = u32::try_from((at - now).num_seconds()).unwrap_or(u32::MAX).max(1);
        return Err(Problem { retry_after: Some(wait), ..Problem::of(&kinds::TOO_MANY) });
    }
    let rows: Vec<CodeRow> = TRY
        .bind::<SqlUuid, _>(manifest)
        .bind::<Text, _>(act)
        .bind::<Binary, _>(hash)
        .bind::<Timestamptz, _>(now)
        .bind::<Integer, _>(TRIES_MAX)
        .bind::<Integer, _>(TRIES_OF_ALL_MAX)
        .bind::<SqlUuid, _>(device.user)
        .load(conn)
        .await?;
    rows.into_iter().find(|row| row.is_match).ok_or_else(wrong)
}

/// Ends the codes for these acts that nobody used yet: another crew was named, and who was to sign is no more the one.
///
/// # Errors
/// As the database.
pub async fn end_codes(conn: &mut AsyncPgConnection, manifest: Uuid, acts: &[&str], now: DateTime<Utc>) -> Result<(), Problem> {
    Sql("UPDATE one_time_codes SET expires_at = $3 WHERE manifest_id = $1 AND act = ANY($2) AND used_at IS NULL AND expires_at > $3")
        .bind::<SqlUuid, _>(manifest)
        .bind::<Array<Text>, _>(acts)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(())
}

/// A code that was used names its person for ever, so that a lost answer can be asked for again under its key however late;
/// it signs nothing more ([`use_up`]), so nothing is counted. A living code of the same digits goes before it.
async fn used_code(mut conn: &AsyncPgConnection, manifest: Uuid, act: &str, hash: &[u8], now: DateTime<Utc>) -> Result<Option<CodeRow>, Problem> {
    Ok(Sql("SELECT id, user_id, unit_id, made_by, true AS is_match FROM one_time_codes \
         WHERE manifest_id = $1 AND act = $2 AND code_hash = $3 AND used_at IS NOT NULL \
         AND NOT EXISTS (SELECT FROM one_time_codes o \
         WHERE o.manifest_id = $1 AND o.act = $2 AND o.code_hash = $3 AND o.used_at IS NULL AND o.expires_at > $4) \
         ORDER BY used_at DESC LIMIT 1")
    .bind::<SqlUuid, _>(manifest)
    .bind::<Text, _>(act)
    .bind::<Binary, _>(hash)
    .bind::<Timestamptz, _>(now)
    .load(&mut conn)
    .await?
    .pop())
}

/// Uses a code up inside the act's transaction, and reads the person's rights again.
///
/// # Errors
/// 401 for a code that was used.
pub(super) async fn use_up(mut conn: &AsyncPgConnection, actor: &Actor, by_code: &ByCode, now: DateTime<Utc>) -> Result<Option<Actor>, Problem> {
    let used = Sql("UPDATE one_time_codes SET used_at = $2 WHERE id = $1 AND used_at IS NULL AND expires_at > $2")
        .bind::<SqlUuid, _>(by_code.code)
        .bind::<Timestamptz, _>(now)
        .execute(&mut conn)
        .await?;
    match actor.unit_id() {
        Some(unit) if used == 1 => store::actor_of_member(conn, actor.user, unit, legal_day(now), by_code.clone()).await,
        _ => Ok(None),
    }
}
