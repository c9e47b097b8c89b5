//! What is counted in which scenario.

use std::{future::Future, pin::Pin};

use crate::{scenarios::*, support::Lab};

/// Gives what must show nowhere: cookies and session ids.
pub(crate) type Scenario = Pin<Box<dyn Future<Output = Vec<String>>>>;

/// Every scenario, and what is counted in it.
pub(crate) fn scenarios() -> Vec<(&'static str, Scenario, &'static [&'static str])> {
    vec![
        ("visits without a cookie", Box::pin(strangers()), &[]),
        (
            "visits with a session, in cookies",
            Box::pin(reads(Lab::new())),
            &["sessions_started_total 1"],
        ),
        (
            "visits with a session, in a store",
            Box::pin(reads(Lab::in_store().0)),
            &["sessions_started_total 1"],
        ),
        (
            "a sign-out, in cookies",
            Box::pin(sign_out(Lab::new())),
            &[
                "sessions_ended_total{reason=sign_out} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a sign-out, in a store",
            Box::pin(sign_out(Lab::in_store().0)),
            &[
                "sessions_ended_total{reason=sign_out} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "the same user again, in cookies",
            Box::pin(sign_in_as(Lab::new(), "alice")),
            &["sessions_continued_total 1", "sessions_started_total 1"],
        ),
        (
            "the same user again, in a store",
            Box::pin(sign_in_as(Lab::in_store().0, "alice")),
            &["sessions_continued_total 1", "sessions_started_total 1"],
        ),
        (
            "another user, in cookies",
            Box::pin(sign_in_as(Lab::new(), "bob")),
            &[
                "sessions_ended_total{reason=user_switch} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "another user, in a store",
            Box::pin(sign_in_as(Lab::in_store().0, "bob")),
            &[
                "sessions_ended_total{reason=user_switch} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "the same user with another session, in cookies",
            Box::pin(another_session(Lab::new())),
            &[
                "sessions_ended_total{reason=replaced} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "the same user with another session, in a store",
            Box::pin(another_session(Lab::in_store().0)),
            &[
                "sessions_ended_total{reason=replaced} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "a revocation of three sessions",
            Box::pin(revocation()),
            &[
                "sessions_ended_total{reason=revoked} 3",
                "sessions_started_total 4",
            ],
        ),
        (
            "a clean-up that counts",
            Box::pin(cleanup()),
            &[
                "active_sessions 1",
                "cleanup_rounds_total{outcome=done} 1",
                "sessions_ended_total{reason=expired} 2",
                "sessions_started_total 3",
            ],
        ),
        (
            "a clean-up whose store can't count",
            Box::pin(cleanup_without_count()),
            &[
                "cleanup_rounds_total{outcome=done} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a clean-up that fails, and then does not",
            Box::pin(failing_cleanup()),
            &[
                "cleanup_rounds_total{outcome=done} 1",
                "cleanup_rounds_total{outcome=failed} 1",
                "sessions_ended_total{reason=expired} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "an expired session that comes back, in cookies",
            Box::pin(expired(Lab::new())),
            &[
                "open_failures_total{kind=expired} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "an expired session that comes back, in a store",
            Box::pin(expired(Lab::in_store().0)),
            &[
                "open_failures_total{kind=expired} 1",
                "sessions_ended_total{reason=expired} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "one session too many",
            Box::pin(eviction()),
            &[
                "sessions_ended_total{reason=limit_reached} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "a session too many that is denied",
            Box::pin(denial()),
            &["sessions_started_total 1"],
        ),
        (
            "a refused validation, in cookies",
            Box::pin(refused(false)),
            &[
                "sessions_ended_total{reason=validation_refused} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a refused validation, in a store",
            Box::pin(refused(true)),
            &[
                "sessions_ended_total{reason=validation_refused} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a response that is lost",
            Box::pin(lost_response()),
            &[
                "sessions_ended_total{reason=response_lost} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a forged cookie",
            Box::pin(forged(Lab::new())),
            &[
                "open_failures_total{kind=forged} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a forged reference",
            Box::pin(forged(Lab::in_store().0)),
            &[
                "open_failures_total{kind=forged} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a chunk that is missing",
            Box::pin(incomplete()),
            &[
                "open_failures_total{kind=incomplete} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a cookie under an unknown key",
            Box::pin(unknown_key(Lab::new(), Lab::new())),
            &[
                "open_failures_total{kind=unknown_key} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a reference under an unknown key",
            Box::pin(unknown_key(Lab::in_store().0, Lab::in_store().0)),
            &[
                "open_failures_total{kind=unknown_key} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "more cookies than are tried",
            Box::pin(too_many()),
            &["open_failures_total{kind=too_many} 1"],
        ),
        (
            "valid cookies of two sessions",
            Box::pin(conflict(Lab::new())),
            &[
                "open_failures_total{kind=conflict} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "valid references to two sessions",
            Box::pin(conflict(Lab::in_store().0)),
            &[
                "open_failures_total{kind=conflict} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "the cookie of a session that has ended, beside the mark of that",
            Box::pin(after_the_end(Lab::new())),
            &[
                "open_failures_total{kind=ended} 1",
                "sessions_ended_total{reason=sign_out} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "the reference to a session that has just ended",
            Box::pin(after_the_end(Lab::in_store().0)),
            &[
                "open_failures_total{kind=ended} 1",
                "sessions_ended_total{reason=sign_out} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a store that has forgotten everything",
            Box::pin(no_record()),
            &[
                "open_failures_total{kind=no_record} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a record that was changed",
            Box::pin(record_forged()),
            &[
                "open_failures_total{kind=record_forged} 1",
                "sessions_ended_total{reason=record_rejected} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a record under an unknown key",
            Box::pin(record_unknown_key()),
            &[
                "open_failures_total{kind=record_unknown_key} 1",
                "sessions_started_total 2",
            ],
        ),
        (
            "a ticket that is too large for its cookies, and for a store",
            Box::pin(too_large()),
            &["seal_failures_total{kind=too_large} 2"],
        ),
        (
            "an outage, more often than it is logged",
            Box::pin(outage()),
            &["sessions_not_loaded_total 3", "sessions_started_total 1"],
        ),
        (
            "a hook that fails in the request",
            Box::pin(failing_hook(false)),
            &[
                "ended_hook_failures_total 1",
                "sessions_ended_total{reason=sign_out} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "a hook that fails beside the requests",
            Box::pin(failing_hook(true)),
            &[
                "ended_hook_failures_total 1",
                "sessions_ended_total{reason=sign_out} 1",
                "sessions_started_total 1",
            ],
        ),
        (
            "ends that nobody deals with",
            Box::pin(dropped_ends()),
            &[
                "cleanup_rounds_total{outcome=done} 1",
                "ends_dropped_total 2",
                "sessions_ended_total{reason=sign_out} 2",
                "sessions_started_total 2",
            ],
        ),
    ]
}
