//! What happens when a session ends, in whatever way.

use axum_user_session::{ended::Ended, error::BoxError, hook::EndedHook};

/// Tells the clients of a session about its end: here, the log.
pub(crate) struct Notifier;

impl EndedHook for Notifier {
    /// Where a real identity provider sends logout notifications (OpenID Connect Back-Channel Logout 1.0).
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        tracing::info!(
            subject = ended.subject,
            clients = ?ended.clients,
            reason = %ended.reason,
            event = %ended.event_id,
            "a session has ended; its clients are to be told"
        );
        Ok(())
    }
}
