//! The command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    liandan::cli::main()
}
