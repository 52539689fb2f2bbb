//! Signals that ask a process to end.

use tokio::signal;

/// Waits for Ctrl-C, or for SIGTERM as service managers send it.
pub async fn stop_requested() {
    #[cfg(unix)]
    {
        use signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without a handler the system ends the process itself.
    let _ = signal::ctrl_c().await;
}
