//! Files by the hash of their content (附件): kept in the database, so that one backup holds all. No word of the domain: who
//! may see a file is for those to say whose things name it.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use actix_web::HttpResponse;
use actix_web::body::SizedStream;
use actix_web::web::{self, Bytes};
use chrono::{DateTime, Utc};
use diesel::sql_types::{Binary, Integer, Text, Timestamptz};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::stream;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, Type};
use utoipa::{PartialSchema, ToSchema};

use super::app::App;
use super::db::Sql;
use super::problem::Problem;

mod clean;

pub use clean::{FileFault, MediaType, clean};

/// The largest file.
///
/// Unit: bytes.
pub const FILE_MAX: usize = 10_485_760;

/// How much of a file is read at a time while it is sent: a slow client holds no more than that.
///
/// Unit: bytes.
const PIECE: i32 = 262_144;

/// The SHA-256 of a file as kept (文件摘要), by which things name it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Cow<'_, str>", into = "String")]
pub struct BlobHash([u8; 32]);

/// A text that is no hash.
#[derive(Debug, thiserror::Error)]
#[error("a hash is 64 digits from 0 to f")]
pub struct BlobHashRefusal;

impl BlobHash {
    /// The bytes.
    #[must_use]
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl FromStr for BlobHash {
    type Err = BlobHashRefusal;

    fn from_str(text: &str) -> Result<Self, BlobHashRefusal> {
        // Written one way only, so that a hash is the same text wherever it stands.
        if text.len() != 64 || text.bytes().any(|digit| !matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(BlobHashRefusal);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| BlobHashRefusal)?;
        Ok(Self(bytes))
    }
}

impl TryFrom<Cow<'_, str>> for BlobHash {
    type Error = BlobHashRefusal;

    fn try_from(text: Cow<'_, str>) -> Result<Self, BlobHashRefusal> {
        text.parse()
    }
}

impl From<BlobHash> for String {
    fn from(hash: BlobHash) -> Self {
        hash.to_string()
    }
}

impl fmt::Display for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for BlobHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialSchema for BlobHash {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).pattern(Some("^[0-9a-f]{64}$")).min_length(Some(64)).max_length(Some(64));
        let schema = schema.examples([serde_json::Value::from("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")]);
        Schema::from(schema.description(Some("SHA-256 of a file that was uploaded")).build()).into()
    }
}

impl ToSchema for BlobHash {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("BlobHash")
    }
}

/// The bytes of a file, for the contract alone.
pub struct FileBytes;

impl PartialSchema for FileBytes {
    fn schema() -> RefOr<Schema> {
        let schema = ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)));
        Schema::from(schema.description(Some("A file as it is")).build()).into()
    }
}

impl ToSchema for FileBytes {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("FileBytes")
    }
}

/// A file as it is kept.
#[derive(Debug, Clone, Copy)]
pub struct Kept {
    /// What names it.
    pub hash: BlobHash,
    /// What it is.
    pub media_type: MediaType,
    /// Unit: bytes.
    pub size: usize,
}

/// Keeps a file that was cleaned; one that is there already stays as it is.
///
/// # Errors
/// As the database.
pub async fn keep(conn: &mut AsyncPgConnection, media_type: MediaType, bytes: &[u8], now: DateTime<Utc>) -> Result<Kept, Problem> {
    let hash = BlobHash(Sha256::digest(bytes).into());
    Sql("INSERT INTO blobs (sha256, media_type, bytes, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING")
        .bind::<Binary, _>(&hash.0[..])
        .bind::<Text, _>(media_type.as_str())
        .bind::<Binary, _>(bytes)
        .bind::<Timestamptz, _>(now)
        .execute(conn)
        .await?;
    Ok(Kept { hash, media_type, size: bytes.len() })
}

#[derive(diesel::QueryableByName)]
struct KeptRow {
    #[diesel(sql_type = Text)]
    media_type: String,
    #[diesel(sql_type = Integer)]
    size: i32,
}

/// What is kept under a hash.
///
/// # Errors
/// As the database.
pub async fn find(conn: &mut AsyncPgConnection, hash: BlobHash) -> Result<Option<Kept>, Problem> {
    let row: Option<KeptRow> =
        Sql("SELECT media_type, octet_length(bytes) AS size FROM blobs WHERE sha256 = $1").bind::<Binary, _>(&hash.0[..]).load(conn).await?.pop();
    let Some(row) = row else { return Ok(None) };
    let media_type = MediaType::parse(&row.media_type).ok_or_else(|| Problem::broken("a file of no known kind is kept"))?;
    Ok(Some(Kept { hash, media_type, size: usize::try_from(row.size).unwrap_or_default() }))
}

#[derive(diesel::QueryableByName)]
struct PieceRow {
    #[diesel(sql_type = Binary)]
    piece: Vec<u8>,
}

async fn piece(app: &App, hash: BlobHash, from: i32) -> Result<Vec<u8>, Problem> {
    let mut conn = app.db.get().await?;
    let rows: Vec<PieceRow> = Sql("SELECT substring(bytes FROM $2 FOR $3) AS piece FROM blobs WHERE sha256 = $1")
        .bind::<Binary, _>(&hash.0[..])
        // SQL counts from one.
        .bind::<Integer, _>(from + 1)
        .bind::<Integer, _>(PIECE)
        .load(&mut conn)
        .await?;
    Ok(rows.into_iter().next().map(|row| row.piece).unwrap_or_default())
}

/// Sends a file piece by piece: to be saved, never to be shown or run inside a page of ours.
#[must_use]
pub fn send(app: web::Data<App>, kept: Kept) -> HttpResponse {
    let size = i32::try_from(kept.size).unwrap_or(i32::MAX);
    let pieces = stream::try_unfold((app, 0_i32), move |(app, from)| async move {
        if from >= size {
            return Ok::<_, Problem>(None);
        }
        let bytes = piece(&app, kept.hash, from).await?;
        if bytes.is_empty() {
            return Err(Problem::broken("a file ended before its length"));
        }
        let next = from.saturating_add(PIECE);
        Ok(Some((Bytes::from(bytes), (app, next))))
    });
    HttpResponse::Ok()
        .insert_header(("Content-Type", kept.media_type.as_str()))
        .insert_header(("Content-Disposition", format!("attachment; filename=\"{}.{}\"", kept.hash, kept.media_type.ending())))
        .insert_header(("Content-Security-Policy", "default-src 'none'; sandbox"))
        .insert_header(("ETag", format!("\"{}\"", kept.hash)))
        .body(SizedStream::new(u64::try_from(kept.size).unwrap_or_default(), Box::pin(pieces)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_written_one_way_only() {
        let text = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(text.parse::<BlobHash>().unwrap().to_string(), text);
        for wrong in ["", &text[1..], &text.to_uppercase(), &format!("{text}0"), &text.replace('e', "g")] {
            assert!(wrong.parse::<BlobHash>().is_err(), "{wrong}");
        }
    }
}
