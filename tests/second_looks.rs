//! What is tried again because the first try may not have been the last word.

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use axum_user_session::{
    Principal,
    cleanup::CleanupTask,
    ended::EndReason,
    error::{BoxError, ErrorKind},
    hook::{Validation, Validator},
    store::{Selection, SessionStore},
    testing::{Fault, Operation},
    ticket::Ticket,
};
use support::*;

const SECOND: Duration = Duration::from_secs(1);

/// Refuses everybody once it is told to.
#[derive(Clone, Default)]
struct Disabled(Arc<AtomicBool>);

impl Validator for Disabled {
    async fn validate(&self, _: &Ticket) -> Result<Validation, BoxError> {
        Ok(match self.0.load(Ordering::Relaxed) {
            true => Validation::Refused,
            false => Validation::Valid,
        })
    }
}

async fn reasons(bench: &Bench, lab: &Lab) -> Vec<EndReason> {
    let taken = bench.store.take_ended(MINUTE, 10, lab.now()).await;
    let taken = taken.unwrap().into_iter();
    taken.map(|taken| taken.ended.reason).collect()
}

#[tokio::test]
async fn c23_a_refusal_that_could_not_be_stored_is_made_good_by_the_next_request() {
    let disabled = Disabled::default();
    let (mut lab, bench) =
        Lab::in_store_with(|config| config.validation(disabled.clone(), 30 * MINUTE));
    lab.sign_in("alice").await;
    disabled.0.store(true, Ordering::Relaxed);
    lab.clock.advance(30 * MINUTE);
    let refused = Fault::refuse().on(Operation::Delete).times(2);
    bench.faults.inject(refused);
    let (report, page) = lab.look().await;
    assert_eq!(report, "nobody");
    assert_eq!(page.set_cookies(), [""; 0], "the browser keeps its cookie");
    assert!(reasons(&bench, &lab).await.is_empty());

    let (report, page) = lab.look().await;
    assert_eq!(report, "nobody");
    assert!(is_expired(&page, "__Host-idsrv"));
    assert_eq!(reasons(&bench, &lab).await, [EndReason::ValidationRefused]);
}

#[tokio::test]
async fn c23_a_look_of_the_future_is_no_look() {
    for in_store in [false, true] {
        let disabled = Disabled::default();
        let bench = Bench::new();
        let mut lab = Lab::with(|config| {
            let config = config.validation(disabled.clone(), 30 * MINUTE);
            match in_store {
                true => config.store(bench.watched()),
                false => config,
            }
        });
        disabled.0.store(true, Ordering::Relaxed);
        // Another node's clock may be ahead by a little: its look counts.
        lab.clock.advance(25 * SECOND);
        lab.sign_in("alice").await;
        lab.clock.set(start());
        assert_eq!(lab.seen().await, "alice []", "in a store: {in_store}");
        // A clock that is ahead by a day.
        lab.clock.advance(24 * HOUR);
        lab.sign_in("alice").await;
        lab.clock.set(start());
        assert_eq!(lab.seen().await, "nobody", "in a store: {in_store}");
    }
}

/// The store comes to the sign-in only after the request has given it up, and the first attempt to take it back.
#[tokio::test(start_paused = true)]
async fn s5_a_sign_in_that_came_late_is_taken_back() {
    let (mut lab, bench) = Lab::in_store();
    bench
        .faults
        .inject(Fault::lose_reply().on(Operation::Create).times(2));
    bench
        .faults
        .inject(Fault::refuse().on(Operation::Delete).times(2));
    lab.visit(|session| async move {
        let error = session.sign_in(user("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
    })
    .await;
    let count = async || bench.store.count(&Selection::Everyone, start()).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(count().await.unwrap(), 1, "nobody has its cookie");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(count().await.unwrap(), 0);
}

#[tokio::test]
async fn s13_a_round_takes_away_all_that_there_is() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.sign_out().await;
    lab.clock.advance(HOUR);
    let task = CleanupTask::new(&lab.config).unwrap();
    for expected in [2, 1] {
        let before = bench.counter.count(Operation::Purge);
        task.run_once().await.unwrap();
        let purges = bench.counter.count(Operation::Purge) - before;
        assert_eq!(purges, expected, "until there is nothing more");
    }
}

/// Nobody is signed in as a user whose second factor is still to come.
#[tokio::test]
async fn s11_a_session_that_is_yet_to_begin_ends_no_others() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("bob").await;
    let mut stranger = lab.other_browser();
    std::mem::swap(&mut lab.browser, &mut stranger);
    let page = lab.visit(|session| async move {
        let bob = Principal::builder("bob").build();
        let mut properties = Default::default();
        session
            .create_session_id(&bob, &mut properties)
            .await
            .unwrap();
        let kinds = [
            session.sessions().await.map(drop).unwrap_err().kind(),
            session.revoke_other_sessions().await.unwrap_err().kind(),
        ];
        assert_eq!(kinds, [ErrorKind::SignInPending; 2]);
    });
    assert_eq!(page.await.status, StatusCode::OK);
    let bobs = bench.store.count(&Selection::Everyone, lab.now()).await;
    assert_eq!(bobs.unwrap(), 1);
}
