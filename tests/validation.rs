//! c23 of the contract: the host looks at sessions again, in a store and in cookies.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use axum_user_session::{
    Principal,
    ended::EndReason,
    error::BoxError,
    hook::{Validation, Validator},
    testing::{Fault, Operation, Page},
    ticket::Ticket,
};
use support::*;

struct Verdict {
    asked: Arc<AtomicUsize>,
    verdict: fn(&Ticket) -> Result<Validation, BoxError>,
}

impl Validator for Verdict {
    async fn validate(&self, ticket: &Ticket) -> Result<Validation, BoxError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        (self.verdict)(ticket)
    }
}

/// The same in a store and in a cookie.
async fn validated(
    verdict: fn(&Ticket) -> Result<Validation, BoxError>,
    check: impl AsyncFn(&mut Lab, &AtomicUsize, &str),
) {
    for in_store in [true, false] {
        let asked = Arc::new(AtomicUsize::new(0));
        let validator = Verdict {
            asked: Arc::clone(&asked),
            verdict,
        };
        let bench = Bench::new();
        let mut lab = Lab::with(|config| {
            let config = config.validation(validator, 30 * MINUTE);
            match in_store {
                true => config.store(bench.watched()),
                false => config,
            }
        });
        lab.sign_in("alice").await;
        assert_eq!(
            asked.load(Ordering::Relaxed),
            0,
            "a sign-in is the first look"
        );
        let name = if in_store {
            "in a store"
        } else {
            "in a cookie"
        };
        check(&mut lab, &asked, name).await;
    }
}

#[tokio::test]
async fn c23_a_session_is_validated_once_per_interval() {
    validated(
        |_| Ok(Validation::Valid),
        async |lab, asked, name| {
            for (minutes, expected) in [(29, 0), (30, 1), (31, 1), (59, 1), (60, 2), (61, 2)] {
                lab.clock.set(start() + minutes * MINUTE);
                lab.visit(|session| async move {
                    session.authenticate().await.unwrap().unwrap();
                    session.user().unwrap();
                })
                .await;
                let asked = asked.load(Ordering::Relaxed);
                assert_eq!(asked, expected, "{name}, after {minutes} minutes");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn c23_a_refused_session_ends_with_its_reason() {
    validated(
        |_| Ok(Validation::Refused),
        async |lab, _, name| {
            lab.add_client("client1").await;
            lab.clock.advance(30 * MINUTE);
            let page = lab.visit(|session| async move {
                assert_eq!(session.authenticate().await.unwrap(), None);
                report(&session)
            });
            let page = page.await;
            assert_eq!(page.body, "nobody", "{name}");
            assert!(is_expired(&page, AUTH) && is_expired(&page, SID), "{name}");
            assert_eq!(lab.seen().await, "nobody", "{name}");
            lab.sign_in("alice").await;
            assert_eq!(lab.seen().await, "alice []", "{name}");
        },
    )
    .await;
}

#[tokio::test]
async fn c23_a_refused_session_is_in_the_log_of_ends() {
    let bench = Bench::new();
    let validator = Verdict {
        asked: Arc::default(),
        verdict: |_| Ok(Validation::Refused),
    };
    let mut lab = Lab::with(|config| config.store(bench.watched()).validation(validator, MINUTE));
    lab.sign_in("alice").await;
    lab.clock.advance(MINUTE);
    lab.seen().await;
    let expected = (EndReason::ValidationRefused, "alice".to_owned());
    assert_eq!(bench.ends(lab.now()).await, [expected]);
    assert_eq!(bench.records(lab.now()).await, []);
}

#[tokio::test]
async fn c23_a_replaced_principal_is_kept() {
    let replace = |ticket: &Ticket| {
        let subject = ticket.principal().subject();
        Ok(Validation::Replaced(
            Principal::builder(subject).claim("role", "none").build(),
        ))
    };
    validated(replace, async |lab, asked, name| {
        lab.add_client("client1").await;
        lab.clock.advance(30 * MINUTE);
        for _ in 0..2 {
            let page = lab.visit(|session| async move {
                let user = session.user().unwrap();
                assert_eq!(user.claim_str("role"), Some("none"));
                assert_eq!(user.claim_str("name"), None);
                assert!(user.auth_time().is_some(), "how she signed in stays");
                report(&session)
            });
            assert_eq!(page.await.body, "alice [client1]", "{name}");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1, "{name}");
    })
    .await;
}

#[tokio::test]
async fn c23_another_subject_is_a_refusal() {
    let replace = |_: &Ticket| Ok(Validation::Replaced(Principal::builder("mallory").build()));
    validated(replace, async |lab, _, name| {
        lab.clock.advance(30 * MINUTE);
        assert_eq!(lab.seen().await, "nobody", "{name}");
    })
    .await;
}

#[tokio::test]
async fn c23_a_validation_that_fails_is_503_and_touches_nothing() {
    validated(
        |_| Err("the directory is down".into()),
        async |lab, _, name| {
            lab.clock.advance(30 * MINUTE);
            let before = lab.browser.cookie_header("/");
            let page: Page = lab.visit(handler_that_must_not_run).await;
            assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
            assert_eq!(page.set_cookies(), [""; 0], "{name}");
            assert_eq!(lab.browser.cookie_header("/"), before, "{name}");
        },
    )
    .await;
}

/// Answers after a time.
struct Slow(Duration);

impl Validator for Slow {
    async fn validate(&self, _: &Ticket) -> Result<Validation, BoxError> {
        tokio::time::sleep(self.0).await;
        Ok(Validation::Valid)
    }
}

/// The time that loading takes counts too: a request has one limit for both.
#[tokio::test(start_paused = true)]
async fn c23_a_validation_that_takes_too_long_is_503_in_time() {
    const MS: Duration = Duration::from_millis(1);
    for (name, in_store, loading, validating, in_time) in [
        ("in a cookie", false, Duration::ZERO, 900 * MS, true),
        ("in a cookie, hanging", false, Duration::ZERO, HOUR, false),
        ("in a store", true, Duration::ZERO, 900 * MS, true),
        ("in a store, hanging", true, Duration::ZERO, HOUR, false),
        ("both slow", true, 600 * MS, 600 * MS, false),
    ] {
        let bench = Bench::new();
        let mut lab = Lab::with(|config| {
            let config = config.validation(Slow(validating), 30 * MINUTE);
            match in_store {
                true => config.store(bench.watched()),
                false => config,
            }
        });
        lab.sign_in("alice").await;
        lab.clock.advance(30 * MINUTE);
        let before = lab.browser.cookie_header("/");
        bench
            .faults
            .inject(Fault::delay(loading).on(Operation::Load).once());
        let began = tokio::time::Instant::now();
        if in_time {
            assert_eq!(lab.seen().await, "alice []", "{name}");
            continue;
        }
        let page = lab.visit(handler_that_must_not_run).await;
        assert_eq!(began.elapsed(), Duration::from_secs(1), "{name}");
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert_eq!(page.set_cookies(), [""; 0], "{name}");
        assert_eq!(lab.browser.cookie_header("/"), before, "{name}");
    }
}
