use super::event::{Event, Refusal};

/// The target of every event, to filter by.
///
/// ```
/// assert_eq!(axum_user_session::events::TARGET, "axum_user_session::events");
/// ```
pub const TARGET: &str = "axum_user_session::events";

/// Logs under our target, with the name of the event in front.
macro_rules! log {
    ($level:ident, $name:literal, $message:expr $(, $field:ident = $value:expr)* $(,)?) => {
        tracing::$level!(target: TARGET, event = $name, $($field = $value,)* "{}", $message)
    };
}

impl Event<'_> {
    pub(super) fn log(self) {
        match self {
            Self::SessionStarted => log!(debug, "session_started", "a session has begun"),
            Self::SessionContinued => log!(
                debug,
                "session_continued",
                "the user of a session has signed in again"
            ),
            Self::SessionEnded(ended) => log!(
                debug,
                "session_ended",
                "a session has ended",
                reason = ended.reason.as_str(),
                event_id = tracing::field::display(ended.event_id),
                clients = ended.clients.len()
            ),
            Self::SessionsRevoked(sessions) => log!(
                debug,
                "sessions_revoked",
                "sessions were revoked",
                sessions = sessions
            ),
            Self::CookieRefused(kind) => log!(
                debug,
                "cookie_refused",
                "an authentication cookie is no session",
                kind = kind.as_str()
            ),
            Self::CookieLeftAlone {
                kind,
                left_out: Some(left_out),
            } => log!(
                warn,
                "cookie_left_alone",
                why_left_alone(kind),
                kind = kind.as_str(),
                left_out = left_out
            ),
            Self::CookieLeftAlone { left_out: None, .. } => {}
            Self::SealFailed(kind) => log!(
                debug,
                "seal_failed",
                "a session, or what belongs to one, could not be sealed",
                kind = kind.as_str()
            ),
            Self::StoreFailed {
                operation,
                outcome,
                error,
            } => log!(
                debug,
                "store_failed",
                "an operation of the store has failed",
                operation = operation,
                outcome = outcome,
                error = error
            ),
            Self::SessionNotLoaded {
                error,
                left_out: Some(left_out),
            } => log!(
                warn,
                "session_not_loaded",
                "a session could not be loaded; handlers that ask for it answer 503",
                left_out = left_out,
                error = error,
                cause = error.source()
            ),
            Self::SessionNotLoaded { left_out: None, .. } => {}
            Self::CleanupDone {
                expired,
                unheard_ends,
                sessions,
            } => log!(
                debug,
                "cleanup_done",
                "cleaned up",
                expired = expired,
                unheard_ends = unheard_ends,
                sessions = sessions
            ),
            Self::CleanupFailed(error) => log!(
                warn,
                "cleanup_failed",
                "sessions that have expired could not be cleaned up; the next round tries again",
                error = error
            ),
            Self::EndsDropped(dropped) => log!(
                warn,
                "ends_dropped",
                "nobody has dealt with the ends of some sessions; their clients were not told",
                dropped = dropped
            ),
            Self::EndedHookFailed {
                event_id,
                attempts,
                again,
                error,
            } => log!(
                warn,
                "ended_hook_failed",
                match again {
                    true => "the end of a session was not dealt with; it will be handed out again",
                    false =>
                        "the end of a session was not dealt with, and there is no store to keep it",
                },
                event_id = tracing::field::display(event_id),
                attempts = attempts,
                again = again,
                error = error
            ),
            #[cfg(feature = "back-channel")]
            Self::LogoutQueued { event_id, clients } => log!(
                debug,
                "logout_queued",
                "clients are to be told of the end of a session",
                event_id = tracing::field::display(event_id),
                clients = clients
            ),
            #[cfg(feature = "back-channel")]
            Self::LogoutDelivered {
                event_id,
                client,
                attempt,
            } => log!(
                debug,
                "logout_delivered",
                "a client was told of the end of a session",
                event_id = tracing::field::display(event_id),
                client = client.as_str(),
                attempt = attempt
            ),
            #[cfg(feature = "back-channel")]
            Self::LogoutFailed {
                event_id,
                client,
                attempt,
                why,
            } => log!(
                debug,
                "logout_failed",
                "a client could not be told of the end of a session; it is tried again",
                event_id = tracing::field::display(event_id),
                client = client.as_str(),
                attempt = attempt,
                why = why
            ),
            #[cfg(feature = "back-channel")]
            Self::LogoutGivenUp {
                event_id,
                client,
                attempt,
                why,
            } => log!(
                warn,
                "logout_given_up",
                "a client was not told of the end of a session, and will not be",
                event_id = tracing::field::display(event_id),
                client = client.as_str(),
                attempt = attempt,
                why = why
            ),
            #[cfg(feature = "back-channel")]
            Self::LogoutsWaiting(_) => {}
        }
    }
}

fn why_left_alone(kind: Refusal) -> &'static str {
    match kind {
        Refusal::Conflict => {
            "the request carries valid authentication cookies of different sessions and is treated as anonymous"
        }
        Refusal::TooMany => {
            "the request carries more authentication cookies than are tried, and none of those was a session; they are left alone"
        }
        _ => {
            "no authentication cookie could be opened; one was sealed under a key or in a format that this process does not know, so they are left alone"
        }
    }
}
