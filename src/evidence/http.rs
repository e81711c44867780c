//! Public keys of the installation.

use actix_web::{HttpResponse, get, web};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Binary, Nullable, Text, Timestamptz};
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::platform::app::App;
use crate::platform::clock::rfc3339;
use crate::platform::db::Sql;
use crate::platform::problem::{Problem, ProblemBody};

/// A public key.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PublicKey {
    /// Its name: the first 16 hex digits of its SHA-256.
    pub kid: String,
    /// `proof` or `token`.
    pub purpose: String,
    /// Always `Ed25519`.
    pub alg: &'static str,
    /// 32 bytes, hex.
    pub public_key: String,
    /// From when.
    pub valid_from: String,
    /// Until when; absent while in use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_until: Option<String>,
}

/// The installation's public keys, old ones included.
#[derive(Serialize, utoipa::ToSchema)]
pub struct PublicKeys {
    /// The keys.
    pub keys: Vec<PublicKey>,
}

#[derive(diesel::QueryableByName)]
struct KeyRow {
    #[diesel(sql_type = Text)]
    kid: String,
    #[diesel(sql_type = Text)]
    purpose: String,
    #[diesel(sql_type = Binary)]
    public_key: Vec<u8>,
    #[diesel(sql_type = Timestamptz)]
    valid_from: DateTime<Utc>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    valid_until: Option<DateTime<Utc>>,
}

/// The public keys with which anybody checks proofs and exported evidence.
#[utoipa::path(
    tag = "evidence", operation_id = "list_keys",
    responses(
        (status = 200, description = "The keys", body = PublicKeys),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
    ),
)]
#[get("/.well-known/liandan-keys")]
pub async fn list_keys(app: web::Data<App>) -> Result<HttpResponse, Problem> {
    let mut conn = app.db.get().await?;
    let rows: Vec<KeyRow> =
        Sql("SELECT kid, purpose, public_key, valid_from, valid_until FROM signing_keys ORDER BY valid_from, kid").load(&mut conn).await?;
    let keys = rows
        .into_iter()
        .map(|row| PublicKey {
            kid: row.kid,
            purpose: row.purpose,
            alg: "Ed25519",
            public_key: hex::encode(row.public_key),
            valid_from: rfc3339(row.valid_from),
            valid_until: row.valid_until.map(rfc3339),
        })
        .collect();
    Ok(HttpResponse::Ok().json(PublicKeys { keys }))
}
