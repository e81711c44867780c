//! Commands: the way from a shell into the program. No rule lives here.

mod acts;
pub mod bench;
pub mod boot;
mod catalogue;
mod demo;
pub mod doctor;
pub mod metrics;
pub mod print_schema;
pub mod serve;
pub mod settings;
mod tour;
mod verify;
mod verify_token;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use settings::PlaceOptions;

/// Liandan (联单): waste transfer manifests over one PostgreSQL.
#[derive(Parser)]
#[command(version, about)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the API (also without a command).
    Serve(serve::Options),
    /// Make a fictional district with the manifests of its last sixty days, and serve it.
    Demo(demo::Demo),
    /// Check an exported evidence file: exit 0 valid, 1 tampered, 2 incomplete or not authenticated.
    Verify(verify::Options),
    /// Check what the code on a sheet carries, without a network: exit 0 valid, 1 forged, 2 expired or unreadable.
    VerifyToken(verify_token::Options),
    /// Bring the database to the present schema.
    Migrate {
        /// Take every step back, then forward again: only for an empty database.
        #[arg(long)]
        down: bool,
        #[command(flatten)]
        place: PlaceOptions,
    },
    /// Print the contract.
    Openapi,
    /// Print acts, rules and states of a manifest for a lawyer (docs/acts.md).
    Acts,
    /// Reference data of law.
    Catalogue {
        #[command(subcommand)]
        command: CatalogueCommand,
    },
    /// Measure this build on this machine, beside what PostgreSQL alone can do here.
    Bench(bench::Options),
    /// Print src/schema.rs from the tables of DATABASE_URL, else of a throw-away cluster.
    PrintSchema,
    /// Check the installation; exit code 1 where something is wrong.
    Doctor(doctor::Options),
    /// Make the first platform administrator.
    Admin {
        #[command(subcommand)]
        command: AdminCommand,
    },
}

#[derive(Subcommand)]
enum CatalogueCommand {
    /// Bring this program's files into the database, and list them.
    Load {
        #[command(flatten)]
        place: PlaceOptions,
    },
}

#[derive(Subcommand)]
enum AdminCommand {
    /// Create the first administrator; the password is read from standard input.
    Create {
        /// Log-in name.
        #[arg(long)]
        login: String,
        /// 统一社会信用代码 of the operating unit.
        #[arg(long)]
        uscc: String,
        /// Its name.
        #[arg(long)]
        unit: String,
        #[command(flatten)]
        place: PlaceOptions,
    },
}

/// Why a command ended: a sentence and an exit code.
#[derive(Debug)]
pub struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// A failure with exit code 1.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }
    /// A failure with its own exit code.
    pub fn with_code(message: impl Into<String>, code: u8) -> Self {
        Self { message: message.into(), code }
    }
    /// The whole chain of an error.
    pub fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut message = error.to_string();
        let mut cause = error.source();
        while let Some(next) = cause {
            message.push_str(": ");
            message.push_str(&next.to_string());
            cause = next.source();
        }
        Self::new(message)
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

/// Runs the command line.
#[must_use]
pub fn main() -> ExitCode {
    // Parsed again rather than made by hand, so that a bare `liandan` hears the environment as `liandan serve` does.
    let result = match Cli::parse().command.or_else(|| Cli::parse_from(["liandan", "serve"]).command) {
        None => Err(Failure::new("there is no command")),
        Some(command) => match command {
            Command::Serve(options) => serve::run(&options),
            Command::Demo(options) => demo::run(&options),
            Command::Verify(options) => return verify::run(&options),
            Command::VerifyToken(options) => return verify_token::run(&options),
            Command::Migrate { down, place } => migrate(down, &place),
            Command::Bench(options) => bench::run(&options),
            Command::Openapi => crate::contract::printed().map_err(Failure::from).and_then(|text| write_out(&text)),
            Command::Acts => acts::print(),
            Command::Catalogue { command: CatalogueCommand::Load { place } } => catalogue::load(&place),
            Command::PrintSchema => print_schema::run(),
            Command::Doctor(options) => doctor::run(&options),
            Command::Admin { command: AdminCommand::Create { login, uscc, unit, place } } => serve::create_admin(&login, &uscc, &unit, &place),
        },
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("liandan: {}", failure.message);
            ExitCode::from(failure.code)
        }
    }
}

/// Writes a document to standard output. Whoever reads only its beginning (`| head`) has what he wanted; a full disk is a failure.
fn write_out(text: &str) -> Result<(), Failure> {
    use std::io::{ErrorKind, Write, stdout};
    match stdout().write_all(text.as_bytes()).and_then(|()| stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

fn migrate(down: bool, place: &PlaceOptions) -> Result<(), Failure> {
    use crate::platform::migrate::{Direction, run};
    let database = boot::Database::reach(&place.find()?.0)?;
    if down {
        run(&database.url, Direction::Down)?;
    }
    let steps = run(&database.url, Direction::Up)?;
    match steps {
        0 => println!("the schema was at its newest step already"),
        1 => println!("1 step run: the schema is at its newest step"),
        steps => println!("{steps} steps run: the schema is at its newest step"),
    }
    database.stop()
}
