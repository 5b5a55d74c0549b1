//! The binary: words typed in, an exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    capture::cli::main()
}
