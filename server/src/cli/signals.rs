//! Signals that ask a process to end.

use tokio::signal;

/// Waits for Ctrl-C, or for SIGTERM as service managers send it.
///
/// It listens from the call on, not from when it is awaited: a signal in between is not lost.
pub fn stop_requested() -> impl Future<Output = ()> {
    #[cfg(unix)]
    let terminate = signal::unix::signal(signal::unix::SignalKind::terminate());
    async move {
        #[cfg(unix)]
        if let Ok(mut terminate) = terminate {
            tokio::select! {
                _ = signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
        // Without a handler the system ends the process itself.
        let _ = signal::ctrl_c().await;
    }
}
