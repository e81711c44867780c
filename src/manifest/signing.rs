//! Who signs an act on a manifest: the caller, or the person whose one-time code (一次性口令) the request carries.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use std::sync::Arc;
use uuid::Uuid;

use super::policy::Scope;
use super::store;
use crate::identity::{Actor, one_time};
use crate::platform::app::App;
use crate::platform::problem::{Problem, kinds};

/// The signer of an act.
pub struct Signing(pub Actor);

impl FromRequest for Signing {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let actor = request.extensions().get::<Arc<Actor>>().cloned();
        let code = request.headers().get(one_time::HEADER).map(|value| value.to_str().unwrap_or_default().trim().to_owned());
        let manifest = request.match_info().get("manifest_id").and_then(|text| text.parse::<Uuid>().ok());
        let act = request.path().rsplit('/').next().unwrap_or_default().to_owned();
        let app = request.app_data::<web::Data<App>>().cloned();
        Box::pin(async move {
            let actor = actor.ok_or_else(|| Problem::of(&kinds::UNAUTHENTICATED))?;
            match (code, manifest, app) {
                (None, ..) => Ok(Self((*actor).clone())),
                (Some(digits), Some(manifest), Some(app)) => Ok(Self(by_code(&app, &actor, manifest, &act, &digits).await?)),
                (Some(_), ..) => Err(Problem::not_found()),
            }
        })
    }
}

/// The person whose one-time code for an act this is.
///
/// # Errors
/// 404 for a stranger; 401, 429 as [`one_time::actor_by_code`].
pub async fn by_code(app: &App, device: &Actor, manifest: Uuid, act: &str, digits: &str) -> Result<Actor, Problem> {
    // A stranger who knows an id must not be able to use up the tries of a code.
    let mut conn = app.db.get().await?;
    store::get(&mut conn, manifest, &Scope::of(device)).await?.ok_or_else(Problem::not_found)?;
    drop(conn);
    one_time::actor_by_code(app, device, manifest, act, digits).await
}
