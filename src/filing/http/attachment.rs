//! Routes of files.

use actix_web::web::Path;
use actix_web::{HttpResponse, get, post, web};

use crate::evidence::{ActAnswer, CheckAnswer, created};
use crate::filing::acts::attachment as acts;
use crate::identity::Actor;
use crate::platform::app::App;
use crate::platform::blobs::{self, BlobHash, FILE_MAX, FileBytes};
use crate::platform::call::{ActHeaders, ActMode, Upload};
use crate::platform::problem::{Problem, ProblemBody};
use crate::platform::query::{NoQuery, Query};

/// Upload a file (附件) of at most 10 MiB: PDF, PNG or JPEG by its content. Pictures lose their EXIF. The result names it by `sha256`,
/// and things name it so.
#[utoipa::path(
    tag = "filing", operation_id = "upload_attachment", security(("bearer" = [])),
    request_body(content = FileBytes, content_type = "application/octet-stream", description = "The file itself"), params(ActHeaders, ActMode),
    responses((status = 201, description = "Kept", body = ActAnswer),
        (status = 200, description = "Check mode", body = CheckAnswer),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[post("/attachments")]
pub async fn upload_attachment(actor: Actor, upload: Upload<FILE_MAX>) -> Result<HttpResponse, Problem> {
    let Upload { call, bytes, .. } = upload;
    Ok(created(&acts::upload(&call, &actor, bytes).await?, None))
}

/// A file that the caller's unit uploaded, or that something names which he may see.
#[utoipa::path(
    tag = "filing", operation_id = "get_attachment", security(("bearer" = [])), params(("sha256" = BlobHash, Path)),
    responses((status = 200, description = "The file, to be saved", content(
            (FileBytes = "application/pdf"), (FileBytes = "image/png"), (FileBytes = "image/jpeg"))),
        (status = "4XX", description = "Refused", body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, description = "Busy", body = ProblemBody, content_type = "application/problem+json")),
)]
#[get("/attachments/{sha256}")]
pub async fn get_attachment(app: web::Data<App>, actor: Actor, hash: Path<String>, _: Query<NoQuery>) -> Result<HttpResponse, Problem> {
    // What is no hash names nothing.
    let hash: BlobHash = hash.parse().map_err(|_| Problem::not_found())?;
    let kept = acts::find(&app, &actor, hash).await?;
    Ok(blobs::send(app, kept))
}
