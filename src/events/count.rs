//! The same events, counted.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};

use super::event::Event;
use crate::ended::EndReason;

const SESSIONS_STARTED: &str = "axum_user_session_sessions_started_total";
const SESSIONS_CONTINUED: &str = "axum_user_session_sessions_continued_total";
const SESSIONS_ENDED: &str = "axum_user_session_sessions_ended_total";
const ACTIVE_SESSIONS: &str = "axum_user_session_active_sessions";
const SESSIONS_NOT_LOADED: &str = "axum_user_session_sessions_not_loaded_total";
const OPEN_FAILURES: &str = "axum_user_session_open_failures_total";
const SEAL_FAILURES: &str = "axum_user_session_seal_failures_total";
pub(super) const STORE_DURATION: &str = "axum_user_session_store_duration_seconds";
const CLEANUP_ROUNDS: &str = "axum_user_session_cleanup_rounds_total";
const ENDS_DROPPED: &str = "axum_user_session_ends_dropped_total";
const ENDED_HOOK_FAILURES: &str = "axum_user_session_ended_hook_failures_total";
#[cfg(feature = "back-channel")]
const LOGOUTS_QUEUED: &str = "axum_user_session_logout_deliveries_queued_total";
#[cfg(feature = "back-channel")]
const LOGOUTS: &str = "axum_user_session_logout_deliveries_total";
#[cfg(feature = "back-channel")]
const LOGOUTS_WAITING: &str = "axum_user_session_logout_deliveries_waiting";

impl Event<'_> {
    pub(super) fn count(self) {
        match self {
            Self::SessionStarted => counter!(SESSIONS_STARTED).increment(1),
            Self::SessionContinued => counter!(SESSIONS_CONTINUED).increment(1),
            Self::SessionEnded(ended) => sessions_ended(ended.reason, 1),
            Self::SessionsRevoked(sessions) => sessions_ended(EndReason::Revoked, sessions),
            Self::CookieRefused(kind) | Self::CookieLeftAlone { kind, .. } => {
                counter!(OPEN_FAILURES, "kind" => kind.as_str()).increment(1);
            }
            Self::SealFailed(kind) => {
                counter!(SEAL_FAILURES, "kind" => kind.as_str()).increment(1);
            }
            // The histogram of the operations has it.
            Self::StoreFailed { .. } => {}
            Self::SessionNotLoaded { .. } => counter!(SESSIONS_NOT_LOADED).increment(1),
            Self::CleanupDone { sessions, .. } => {
                counter!(CLEANUP_ROUNDS, "outcome" => "done").increment(1);
                if let Some(sessions) = sessions {
                    gauge!(ACTIVE_SESSIONS).set(sessions as f64);
                }
            }
            Self::CleanupFailed(_) => {
                counter!(CLEANUP_ROUNDS, "outcome" => "failed").increment(1);
            }
            Self::EndsDropped(dropped) => counter!(ENDS_DROPPED).increment(dropped),
            Self::EndedHookFailed { .. } => counter!(ENDED_HOOK_FAILURES).increment(1),
            #[cfg(feature = "back-channel")]
            Self::LogoutQueued { clients, .. } => counter!(LOGOUTS_QUEUED).increment(clients),
            #[cfg(feature = "back-channel")]
            Self::LogoutDelivered { .. } => {
                counter!(LOGOUTS, "outcome" => "delivered").increment(1);
            }
            #[cfg(feature = "back-channel")]
            Self::LogoutFailed { .. } => counter!(LOGOUTS, "outcome" => "failed").increment(1),
            #[cfg(feature = "back-channel")]
            Self::LogoutGivenUp { .. } => counter!(LOGOUTS, "outcome" => "given_up").increment(1),
            #[cfg(feature = "back-channel")]
            Self::LogoutsWaiting(waiting) => gauge!(LOGOUTS_WAITING).set(waiting as f64),
        }
    }
}

/// Tells the recorder what each metric is.
pub(crate) fn describe() {
    describe_counter!(
        SESSIONS_STARTED,
        Unit::Count,
        "Sessions that a sign-in has begun."
    );
    describe_counter!(
        SESSIONS_CONTINUED,
        Unit::Count,
        "Sign-ins of a user whose session goes on."
    );
    describe_counter!(
        SESSIONS_ENDED,
        Unit::Count,
        "Sessions that this process has ended, by reason."
    );
    describe_gauge!(
        ACTIVE_SESSIONS,
        Unit::Count,
        "Sessions in the store that have not expired; every node reports the same number."
    );
    describe_counter!(
        SESSIONS_NOT_LOADED,
        Unit::Count,
        "Requests whose session could not be loaded."
    );
    describe_counter!(
        OPEN_FAILURES,
        Unit::Count,
        "Requests with an authentication cookie that no session came of, by kind."
    );
    describe_counter!(
        SEAL_FAILURES,
        Unit::Count,
        "Sessions that could not be sealed, by kind."
    );
    describe_histogram!(
        STORE_DURATION,
        Unit::Seconds,
        "How long operations of the store take, by operation and outcome."
    );
    describe_counter!(
        CLEANUP_ROUNDS,
        Unit::Count,
        "Rounds of the clean-up, by outcome."
    );
    describe_counter!(
        ENDS_DROPPED,
        Unit::Count,
        "Ends of sessions that nobody has dealt with in time."
    );
    describe_counter!(
        ENDED_HOOK_FAILURES,
        Unit::Count,
        "Ends of sessions that the hook has failed at."
    );
    #[cfg(feature = "back-channel")]
    {
        describe_counter!(
            LOGOUTS_QUEUED,
            Unit::Count,
            "Logout notifications that were put in."
        );
        describe_counter!(
            LOGOUTS,
            Unit::Count,
            "Attempts to deliver a logout notification, by outcome."
        );
        describe_gauge!(
            LOGOUTS_WAITING,
            Unit::Count,
            "Logout notifications that are neither delivered nor given up; every node reports the same number."
        );
    }
}

fn sessions_ended(reason: EndReason, sessions: u64) {
    counter!(SESSIONS_ENDED, "reason" => reason.as_str()).increment(sessions);
}
