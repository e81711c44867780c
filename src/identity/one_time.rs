//! One-time codes (一次性口令): a signature without an own device. Made in the session of the signer or of his unit's
//! dispatcher, told by voice, bound to manifest, act and person; ten minutes, five tries with a growing wait.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use chrono::{DateTime, Duration, Utc};
use diesel::sql_types::{Array, Binary, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::LocalBoxFuture;
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use uuid::Uuid;

use super::auth::{digest, transact};
use super::domain::{Actor, Role};
use super::store;
use crate::evidence::{NewEvent, Outcome, Tx};
use crate::platform::app::App;
use crate::platform::calendar::legal_day;
use crate::platform::call::Call;
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, Text as Words, kinds};

/// How long a code lives.
const LIFE: Duration = Duration::minutes(10);
/// Wrong tries before a code is dead.
const TRIES_MAX: i32 = 5;
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
        if person != actor.user && !actor.roles.has(Role::Dispatcher) && !actor.roles.has(Role::UnitAdmin) {
            return Err(Problem::of(&kinds::FORBIDDEN));
        }
        if !store::memberships_of_user(tx.conn, person).await?.iter().any(|row| row.unit_id == unit) {
            return Err(Problem::not_found());
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
    #[diesel(sql_type = Nullable<Timestamptz>)]
    next_try_at: Option<DateTime<Utc>>,
}

/// The person whose code this is. A wrong try is counted in a statement of its own, so that a refused act cannot undo it.
async fn actor_by_code(app: &App, device: &Actor, manifest: Uuid, act: &str, digits: &str) -> Result<Actor, Problem> {
    let wrong = || Problem::new(&kinds::UNAUTHENTICATED, Words::new("一次性口令无效或已过期", "The one-time code is wrong or has expired"));
    let now = app.clock.now();
    let hash = digest(&format!("{manifest}/{act}/{digits}"));
    let mut conn = app.db.get().await?;
    let rows: Vec<CodeRow> = Sql("SELECT id, user_id, unit_id, made_by, code_hash = $3 AS is_match, next_try_at FROM one_time_codes \
         WHERE manifest_id = $1 AND act = $2 AND expires_at > $4 AND tries < $5 ORDER BY id")
    .bind::<SqlUuid, _>(manifest)
    .bind::<Text, _>(act)
    .bind::<Binary, _>(&hash)
    .bind::<Timestamptz, _>(now)
    .bind::<diesel::sql_types::Integer, _>(TRIES_MAX)
    .load(&mut conn)
    .await?;
    if let Some(at) = rows.iter().filter_map(|row| row.next_try_at).max().filter(|at| *at > now) {
        let wait = u32::try_from((at - now).num_seconds()).unwrap_or(u32::MAX).max(1);
        return Err(Problem { retry_after: Some(wait), ..Problem::of(&kinds::TOO_MANY) });
    }
    let Some(row) = rows.iter().find(|row| row.is_match) else {
        Sql("UPDATE one_time_codes SET tries = tries + 1, next_try_at = $2 + make_interval(secs => power(2, tries)) WHERE id = ANY($1)")
            .bind::<Array<SqlUuid>, _>(rows.iter().map(|row| row.id).collect::<Vec<_>>())
            .bind::<Timestamptz, _>(now)
            .execute(&mut conn)
            .await?;
        return Err(wrong());
    };
    let by_code = ByCode { code: row.id, made_by: row.made_by, device_user: device.user };
    store::actor_of_member(&conn, row.user_id, row.unit_id, legal_day(now), by_code).await?.ok_or_else(wrong)
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

/// Who signs an act on a manifest: the caller, or the person whose one-time code the request carries.
pub struct Signing(pub Actor);

impl FromRequest for Signing {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let actor = request.extensions().get::<Arc<Actor>>().cloned();
        let code = request.headers().get(HEADER).map(|value| value.to_str().unwrap_or_default().to_owned());
        let manifest = request.match_info().get("manifest_id").and_then(|text| text.parse::<Uuid>().ok());
        let act = request.path().rsplit('/').next().unwrap_or_default().to_owned();
        let app = request.app_data::<web::Data<App>>().cloned();
        Box::pin(async move {
            let actor = actor.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED))?;
            match (code, manifest, app) {
                (None, ..) => Ok(Self((*actor).clone())),
                (Some(digits), Some(manifest), Some(app)) => Ok(Self(actor_by_code(&app, &actor, manifest, &act, digits.trim()).await?)),
                (Some(_), ..) => Err(Problem::not_found()),
            }
        })
    }
}
