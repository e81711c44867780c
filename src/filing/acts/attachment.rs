//! Files that things name by their hash (附件).

use std::collections::BTreeSet;

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use super::{event, refusals, refuse};
use crate::evidence::{Head, Outcome, Tx};
use crate::filing::rules::UPLOAD_DAY_MAX;
use crate::filing::store::attachment::{self as store, NewUse};
use crate::identity::{Actor, Role, transact};
use crate::platform::app::App;
use crate::platform::blobs::{self, BlobHash, FileFault, Kept};
use crate::platform::call::Call;
use crate::platform::problem::{Problem, Refusals, kinds};
use crate::registry::verified_states_for;

refusals! {
    /// Why a file is not taken, or not found.
    AttachmentRefusal KINDS {
        /// Nothing in it.
        Empty = 422 "file-empty" "文件为空" "The file is empty",
        /// Another kind of file, whatever its name says.
        OtherKind = 415 "file-kind-not-taken" "只接受 PDF、PNG 和 JPEG 文件，以内容为准" "Only PDF, PNG and JPEG are taken, by their content",
        /// It begins as one of them and is not whole.
        Broken = 422 "file-broken" "文件不完整或已损坏" "The file is broken or cut off",
        /// Enough for a day.
        Quota = 429 "upload-quota-used" "本单位二十四小时内上传量已达上限" "Your unit has uploaded as much as it may in 24 hours",
        /// Not uploaded, or not visible.
        Unknown = 422 "attachment-unknown" "附件不存在或不可见，请先上传" "There is no such file, or you may not see it; upload it first",
    }
}

impl From<FileFault> for AttachmentRefusal {
    fn from(fault: FileFault) -> Self {
        match fault {
            FileFault::Empty => Self::Empty,
            FileFault::OtherKind => Self::OtherKind,
            FileFault::Broken => Self::Broken,
        }
    }
}

/// Who brings files in: a verified unit's clerk, or an officer.
fn uploads_for(actor: &Actor) -> Result<Uuid, Problem> {
    match actor.unit_id() {
        Some(unit) if actor.is_officer() && (actor.roles.has(Role::Inspector) || actor.roles.has(Role::Manager)) => Ok(unit),
        _ => verified_states_for(actor),
    }
}

/// Keeps a file, cleaned of what it tells of place and person. The same file twice is kept once.
///
/// # Errors
/// 403; `file-empty`, `file-kind-not-taken`, `file-broken`, `upload-quota-used`.
pub async fn upload(call: &Call, actor: &Actor, bytes: Vec<u8>) -> Result<Outcome, Problem> {
    uploads_for(actor)?;
    let (media_type, bytes) = blobs::clean(bytes).map_err(|fault| refuse("", AttachmentRefusal::from(fault)))?;
    transact(call, actor, 1, false, async |tx: &mut Tx<'_>, actor: &Actor| {
        let unit = uploads_for(actor)?;
        let (id, now) = (tx.new_id(), tx.now());
        let size = i64::try_from(bytes.len()).unwrap_or(i64::MAX);
        if store::uploaded_since(tx.conn, unit, now - TimeDelta::hours(24)).await?.saturating_add(size) > UPLOAD_DAY_MAX {
            return Err(Problem { retry_after: Some(3_600), ..refuse("", AttachmentRefusal::Quota) });
        }
        let kept = blobs::keep(tx.conn, media_type, &bytes, now).await?;
        store::insert(tx.conn, id, kept.hash, unit, now).await?;
        let payload = json!({ "attachment_id": id, "sha256": kept.hash, "media_type": kept.media_type.as_str(), "bytes": size });
        tx.append(&Head::NEW, event(tx, "attachment", id, "upload_attachment", &[], payload)).await?;
        Ok(())
    })
    .await
}

/// A file that the actor may see.
///
/// # Errors
/// 404.
pub async fn find(app: &App, actor: &Actor, hash: BlobHash) -> Result<Kept, Problem> {
    let mut conn = app.db.get().await?;
    if store::may_see(&mut conn, actor, &[hash]).await? != [true] {
        return Err(Problem::not_found());
    }
    blobs::find(&mut conn, hash).await?.ok_or_else(|| Problem::of(&kinds::NOT_FOUND))
}

/// The thing that names some files, and who may see it.
pub struct Named<'a> {
    /// Kind of its chain.
    pub kind: &'static str,
    /// The thing.
    pub subject: Uuid,
    /// Its parties: whoever may see the thing may see its files.
    pub units: &'a [Uuid],
    /// The division whose officers see it.
    pub division: &'a str,
}

/// Lets a thing name some files. Whoever names one must be allowed to see it: else a guessed hash would open it.
///
/// # Errors
/// `attachment-unknown` for each, at `/attachments/{n}`.
pub async fn attach(tx: &mut Tx<'_>, actor: &Actor, named: &Named<'_>, hashes: &[BlobHash]) -> Result<(), Problem> {
    if hashes.is_empty() {
        return Ok(());
    }
    let mut refusals = Refusals::none();
    for (index, may_see) in store::may_see(tx.conn, actor, hashes).await?.into_iter().enumerate() {
        if !may_see {
            refusals.add(format!("/attachments/{index}"), AttachmentRefusal::Unknown);
        }
    }
    refusals.or(())?;
    let once: Vec<BlobHash> = hashes.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
    let new = NewUse { kind: named.kind, subject: named.subject, units: named.units, division: named.division };
    let now = tx.now();
    store::insert_uses(tx.conn, &new, &once, now).await
}
