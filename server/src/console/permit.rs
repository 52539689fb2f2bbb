//! What was permitted when a stream began may be taken back while it goes on.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use crate::auth::Caller;
use crate::edge::App;
use crate::endpoints::Session;

/// How long a change by another process may go unnoticed. Changes by this one hold at once.
const LOOK: Duration = Duration::from_secs(5);

/// Ends when the key is no longer what it was, or the endpoint is not, where one is watched; and says
/// which.
pub(crate) async fn taken_back(
    app: App,
    caller: Arc<Caller>,
    session: Option<Arc<Session>>,
) -> &'static str {
    let mut changes = app.store.changes();
    loop {
        // Whether there was a change or only time went by: look.
        let _ = timeout(LOOK, changes.changed()).await;
        // A state that cannot be read says nothing: it is looked at again.
        if let Ok(false) = app.store.is_key(caller.key, &caller.scopes).await {
            return "the key was revoked or changed";
        }
        if let Some(session) = &session
            && let Ok(all) = app.sessions.all(session.row.product.0).await
            && !all.iter().any(|now| now.row == session.row)
        {
            return "the endpoint was changed";
        }
    }
}
