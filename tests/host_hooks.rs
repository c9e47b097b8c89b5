//! A host's hooks that hang hold no request up for longer than the configuration says.

mod support;

use std::{future::pending, time::Duration};

use axum::http::StatusCode;
use axum_user_session::{
    ended::Ended,
    error::BoxError,
    hook::{EndedHook, Validation, Validator},
    ticket::Ticket,
};
use support::*;
use tokio::time::Instant;

struct Hangs;

impl Validator for Hangs {
    async fn validate(&self, _: &Ticket) -> Result<Validation, BoxError> {
        pending().await
    }
}

impl EndedHook for Hangs {
    async fn ended(&self, _: &Ended) -> Result<(), BoxError> {
        pending().await
    }
}

const LIMIT: Duration = Duration::from_millis(700);

#[tokio::test(start_paused = true)]
async fn c23_a_validator_that_hangs_is_one_that_fails() {
    for in_store in [false, true] {
        let bench = Bench::new();
        let mut lab = Lab::with(|config| {
            let config = config.validation(Hangs, MINUTE).load_limit(LIMIT);
            match in_store {
                true => config.store(bench.watched()),
                false => config,
            }
        });
        lab.sign_in("alice").await;
        lab.clock.advance(MINUTE);
        let began = Instant::now();
        let page = lab.visit(|_| async { "must not run" }).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{in_store}");
        assert_eq!(page.set_cookies(), [""; 0], "{in_store}");
        assert_eq!(began.elapsed(), LIMIT, "{in_store}");
    }
}

#[tokio::test(start_paused = true)]
async fn s14_a_hook_that_hangs_does_not_keep_a_user_from_signing_out() {
    let mut lab = Lab::with(|config| config.ended_hook(Hangs).write_limit(LIMIT));
    lab.sign_in("alice").await;
    let began = Instant::now();
    let page = lab.sign_out().await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(is_expired(&page, "__Host-idsrv"));
    assert_eq!(began.elapsed(), LIMIT);
    assert_eq!(lab.seen().await, "nobody");
}
