//! The command `proxbox`.

use std::process::ExitCode;

/// What one thread takes another often gives back, which costs the allocator of glibc half of the time
/// of a proxied request.
#[cfg(not(target_env = "msvc"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> ExitCode {
    proxbox::cli::main().await
}
