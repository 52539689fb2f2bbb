//! The command `proxbox`.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    proxbox::cli::main().await
}
