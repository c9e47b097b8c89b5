use tokio::time::timeout_at;

use crate::{config::Settings, ended::Ended};

/// Without a store, tells the host of a session that has ended: it is the only time, so what goes wrong is lost.
pub(super) async fn tell(settings: &Settings, ended: Option<&Ended>) {
    let (None, Some(hook), Some(ended)) = (&settings.store, &settings.ended_hook, ended) else {
        return;
    };
    let heard = timeout_at(settings.write_deadline(), hook.ended(ended)).await;
    if let Err(error) = heard.unwrap_or_else(|late| Err(late.into())) {
        tracing::warn!(
            error = &*error as &dyn std::error::Error,
            event = %ended.event_id,
            "the end of a session was not dealt with, and there is no store to keep it"
        );
    }
}
