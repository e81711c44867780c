//! Printing inside a server: few at once, the rest wait, too many are told to come again.

use std::sync::Arc;

use actix_web::http::header::{CONTENT_DISPOSITION, HeaderValue};
use actix_web::{HttpResponse, web};
use tokio::sync::Semaphore;

use super::{Sheet, pdf};
use crate::platform::app::App;
use crate::platform::problem::Problem;

/// Sheets that are drawn at once: a sheet takes a core for some milliseconds, and acts go first.
const AT_ONCE: usize = 1;
/// Sheets that wait or are drawn; beyond, 503.
const ACCEPTED: usize = 64;

/// The press of this process.
pub struct Press {
    running: Arc<Semaphore>,
    accepted: Arc<Semaphore>,
}

impl Default for Press {
    fn default() -> Self {
        Self { running: Arc::new(Semaphore::new(AT_ONCE)), accepted: Arc::new(Semaphore::new(ACCEPTED)) }
    }
}

impl Press {
    /// Lays out and draws away from the threads that answer requests.
    ///
    /// # Errors
    /// 503 where too many wait, 500 where no sheet came.
    pub async fn print(&self, lay_out: impl FnOnce() -> Sheet + Send + 'static) -> Result<Vec<u8>, Problem> {
        let _accepted = self.accepted.clone().try_acquire_owned().map_err(|_| Problem::busy())?;
        let running = self.running.clone().acquire_owned().await.map_err(|error| Problem::internal(&error))?;
        // The place goes with the work: a client that leaves does not let another one in before this is done.
        let printed = web::block(move || {
            let _running = running;
            pdf(&lay_out())
        });
        printed.await.map_err(|error| Problem::internal(&error))?.map_err(|error| Problem::internal(&error))
    }
}

/// A printed sheet as an answer, shown by a browser and kept under this name.
///
/// # Errors
/// As [`Press::print`].
pub async fn answer(app: &App, name: &str, lay_out: impl FnOnce() -> Sheet + Send + 'static) -> Result<HttpResponse, Problem> {
    let bytes = app.shelf::<Press>().print(lay_out).await?;
    let name: String = name.chars().filter(|character| character.is_ascii_alphanumeric() || matches!(character, '-' | '_')).collect();
    let disposition = HeaderValue::from_str(&format!("inline; filename=\"{name}.pdf\"")).map_err(|error| Problem::internal(&error))?;
    Ok(HttpResponse::Ok().content_type("application/pdf").insert_header((CONTENT_DISPOSITION, disposition)).body(bytes))
}
