use tokio::time::timeout_at;

use crate::{config::Settings, ended::Ended, events::Event};

/// Without a store, tells of a session that has ended, the host too: it is the only time, so what goes wrong is lost.
pub(super) async fn tell(settings: &Settings, ended: Option<&Ended>) {
    let (None, Some(ended)) = (&settings.store, ended) else {
        return;
    };
    Event::SessionEnded(ended).emit();
    let Some(hook) = &settings.ended_hook else {
        return;
    };
    let heard = timeout_at(settings.write_deadline(), hook.ended(ended)).await;
    if let Err(error) = heard.unwrap_or_else(|late| Err(late.into())) {
        let event = Event::EndedHookFailed {
            event_id: ended.event_id,
            attempts: 1,
            again: false,
            error: &*error,
        };
        event.emit();
    }
}
