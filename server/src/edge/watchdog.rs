//! Tells systemd how it goes, where it is the one who started the server.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio_util::sync::CancellationToken;

/// Says that requests are taken, and then, as long as the runtime gets to it, that the server lives.
pub(super) async fn keep(stop: CancellationToken) {
    tell(&[NotifyState::Ready]);
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    // Twice as often as it has to be.
    let every = (limit / 2).max(Duration::from_millis(100));
    while stop.run_until_cancelled(tokio::time::sleep(every)).await.is_some() {
        tell(&[NotifyState::Watchdog]);
    }
}

/// Says that the server is going down.
pub(super) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(state: &[NotifyState<'_>]) {
    // Without systemd there is nobody to tell.
    if let Err(error) = sd_notify::notify(state) {
        tracing::debug!(%error, "systemd cannot be told");
    }
}
