//! `liandan catalogue load`.

use diesel_async::{AsyncConnection, AsyncPgConnection};

use super::Failure;
use super::boot::Database;
use super::settings::PlaceOptions;
use crate::catalogue::loader::{self, LoadReport};
use crate::platform::clock::Clock;
use crate::platform::migrate::{self, Direction};

/// Loads the reference data and prints what there is.
///
/// # Errors
/// When the database is not to be had, or a file does not fit.
pub fn load(place: &PlaceOptions) -> Result<(), Failure> {
    super::serve::init_logs();
    let database = Database::reach(&place.find()?.0)?;
    migrate::run(&database.url, Direction::Up)?;
    let report = actix_web::rt::System::new().block_on(async {
        let mut owner = AsyncPgConnection::establish(&database.url).await?;
        Ok::<_, Failure>(loader::load(&mut owner, Clock::system().now()).await?)
    })?;
    super::write_out(&table(&report))?;
    database.stop()
}

fn table(report: &LoadReport) -> String {
    let mut text = format!("{:<32}{:<12}{:>6}  {:<14}\n", "file", "edition", "rows", "sha256");
    for file in &report.files {
        let state = if file.is_new { "loaded" } else { "unchanged" };
        let hash = hex::encode(file.sha256.get(..6).unwrap_or_default());
        text += &format!("{:<32}{:<12}{:>6}  {hash:<14}{state}\n", file.file, file.edition, file.rows);
    }
    text
}
