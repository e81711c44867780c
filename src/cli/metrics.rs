//! The admin listener: `/metrics` and nothing else, on an address of its own that no stranger reaches.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{HttpResponse, HttpServer, web};

use super::Failure;
use crate::platform::app::App;
use crate::platform::metrics::{CONTENT_TYPE, Levels};
use crate::platform::problem::Problem;
use crate::{evidence, identity, manifest};

/// A look must tell of a database that is away, not wait for it.
const DATABASE_WAIT: Duration = Duration::from_secs(1);

/// Binds and serves the metrics; gives the address and the handle to stop it.
///
/// # Errors
/// When the address cannot be bound.
pub fn listen(app: &Arc<App>, address: SocketAddr) -> Result<(SocketAddr, ServerHandle), Failure> {
    let shared = web::Data::from(app.clone());
    let server = HttpServer::new(move || actix_web::App::new().app_data(shared.clone()).route("/metrics", web::get().to(metrics)))
        .workers(1)
        .client_request_timeout(Duration::from_secs(10))
        .shutdown_timeout(1)
        .disable_signals()
        .bind(address)
        .map_err(|error| Failure::new(format!("cannot listen on {address}: {error}")))?;
    let address = server.addrs().into_iter().next().ok_or_else(|| Failure::new("no address was bound"))?;
    let server = server.run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok((address, handle))
}

async fn metrics(app: web::Data<App>) -> HttpResponse {
    match text(&app).await {
        Ok(text) => HttpResponse::Ok().content_type(CONTENT_TYPE).body(text),
        Err(error) => {
            tracing::error!(%error, "the metrics cannot be written");
            HttpResponse::InternalServerError().finish()
        }
    }
}

/// What `/metrics` says at this moment.
///
/// # Errors
/// Never in practice; a text that cannot be written.
pub async fn text(app: &App) -> Result<String, std::fmt::Error> {
    // Before this look takes a connection itself.
    let pool = app.db.load();
    let (hashes_running, hashes_waiting) = identity::hashing(app);
    let feed = tokio::time::timeout(DATABASE_WAIT, feed_lag(app)).await.ok().and_then(Result::ok);
    app.metrics.text(&Levels { pool, hashes_running, hashes_waiting, feed, streams: manifest::stream::open_streams(app) })
}

async fn feed_lag(app: &App) -> Result<(i64, i64), Problem> {
    let conn = app.db.get().await?;
    let (waiting, oldest) = evidence::feed_lag(&conn).await?;
    Ok((waiting, oldest.map_or(0, |oldest| (app.clock.now() - oldest).num_seconds().max(0))))
}
