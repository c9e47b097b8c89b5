//! What is counted: each thing that happens, once, and never under a label that a request or a user could choose.

mod meter;
#[path = "../support/mod.rs"]
mod support;

use std::{future::Future, pin::Pin, time::Duration};

use axum::{body::Body, http::Request};
use axum_user_session::{
    AuthenticationProperties, Principal, SessionConfig,
    admin::SessionAdmin,
    cleanup::{CleanupTask, EndedTask},
    config::WhenReached,
    ended::{EndReason, Ended},
    error::{BoxError, ErrorKind},
    hook::{EndedHook, Validation, Validator},
    id::SessionId,
    store::{Filter, SessionStore},
    testing::{Fault, Operation},
    ticket::Ticket,
};
use support::*;

use crate::meter::Meter;

/// Gives what must show nowhere: cookies and session ids.
type Scenario = Pin<Box<dyn Future<Output = Vec<String>>>>;

const OTHER_ID: &str = "0123456789ABCDEF0123456789ABCDEF";

/// Every scenario, and what is counted in it.
fn scenarios() -> Vec<(&'static str, Scenario, &'static [&'static str])> {
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

#[test]
fn each_thing_that_happens_is_counted_once() {
    for (name, scenario, expected) in scenarios() {
        let meter = Meter::of(async { drop(scenario.await) });
        assert_eq!(meter.numbers(), expected, "{name}");
    }
}

#[test]
fn no_label_and_no_field_shows_who_or_which_session() {
    for (name, scenario, _) in scenarios() {
        let mut secrets = Vec::new();
        let meter = Meter::of(async { secrets = scenario.await });
        let labels = meter.labels().into_iter().map(|(_, value)| value);
        let shown = meter.log() + &labels.collect::<Vec<_>>().join("\n");
        assert!(!secrets.is_empty(), "{name}");
        let users = ["alice", "bob", "carol"].map(str::to_owned);
        for secret in secrets.iter().chain(&users) {
            let end = &secret[secret.len().saturating_sub(16)..];
            assert!(!shown.contains(end), "{name}: {end} in {shown}");
        }
    }
}

#[test]
fn what_requests_bring_makes_no_time_series() {
    let hostile = |requests: usize| {
        Meter::of(async move {
            let (mut lab, _) = Lab::in_store();
            for index in 0..requests {
                lab.browser = lab.other_browser();
                lab.visit(move |session| async move {
                    let subject = format!("mallory{index}");
                    session.sign_in(user(&subject)).await.unwrap();
                    let client = format!("client{index}");
                    session.add_client_id(client).await.unwrap();
                })
                .await;
                let cookie = lab.browser.cookie(AUTH).unwrap().to_owned();
                lab.browser.plant(AUTH, &cookie[index % 100..]);
                lab.seen().await;
                lab.browser.plant(AUTH, &format!("{index}"));
                lab.browser.plant(SID, &format!("{index}"));
                lab.seen().await;
            }
        })
    };
    let (few, many) = (hostile(200), hostile(600));
    assert_eq!(few.series(), many.series());
    assert_eq!(few.labels(), many.labels());
    let refused = "open_failures_total{kind=forged}";
    let counted = |meter: &Meter| meter.numbers().iter().any(|line| line.starts_with(refused));
    assert!(counted(&few));
    let known: Vec<_> = Operation::ALL
        .iter()
        .map(|operation| operation.name())
        .collect();
    for (label, value) in many.labels() {
        let known = match &*label {
            "operation" => known.contains(&&*value),
            "outcome" => ["ok", "error", "abandoned", "done", "failed"].contains(&&*value),
            "kind" => ["forged", "unknown_key"].contains(&&*value),
            "reason" => value.parse::<EndReason>().is_ok(),
            _ => false,
        };
        assert!(known, "{label}={value}");
    }
}

#[test]
fn a_configuration_describes_all_that_is_counted() {
    let meter = Meter::of(async { drop(Lab::new()) });
    let described = meter.described();
    assert!(described.contains("store_duration_seconds"));
    for (_, _, expected) in scenarios() {
        for line in expected {
            let name = line.split(['{', ' ']).next().unwrap();
            assert!(described.contains(name), "{name}");
        }
    }
    assert_eq!(meter.series(), 0, "and counts nothing itself");
}

#[test]
fn s7_a_read_is_one_operation_of_the_store() {
    let meter = Meter::of(async {
        let (mut lab, _) = Lab::in_store();
        lab.sign_in("alice").await;
        for _ in 0..3 {
            lab.seen().await;
        }
    });
    // The response that sets the cookie makes sure that the session is still there.
    assert_eq!(
        meter.durations(),
        ["create ok [0.0]", "load ok [0.0, 0.0, 0.0, 0.0]"]
    );
}

#[test]
fn s9_how_long_the_store_takes_is_measured_whatever_comes_of_it() {
    let second = Duration::from_secs(1);
    for (name, fault, expected) in [
        (
            "slow",
            Fault::delay(second / 4).once(),
            &["load ok [0.25]"][..],
        ),
        (
            "refuses once",
            Fault::refuse().once(),
            &["load error [0.0]", "load ok [0.0]"],
        ),
        ("refuses", Fault::refuse(), &["load error [0.0, 0.0]"]),
        (
            "answers too late",
            Fault::delay_reply(5 * second),
            &["load abandoned [1.0]"],
        ),
    ] {
        let (mut lab, bench) = Lab::in_store();
        let meter = Meter::of(async {
            let silent = Meter::default();
            let guard = metrics::set_default_local_recorder(&silent);
            lab.sign_in("alice").await;
            drop(guard);
            bench.faults.inject(fault);
            lab.visit(|_| async {}).await;
        });
        assert_eq!(meter.durations(), expected, "{name}");
    }
}

async fn strangers() -> Vec<String> {
    let mut lab = Lab::new();
    lab.seen().await;
    let (mut lab, _) = Lab::in_store();
    lab.seen().await;
    vec![OTHER_ID.to_owned()]
}

async fn reads(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    for _ in 0..3 {
        assert_eq!(lab.seen().await, "alice []");
    }
    lab.add_client("client1").await;
    carried(&lab)
}

async fn sign_out(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.sign_out().await;
    lab.sign_out().await;
    secrets
}

async fn sign_in_as(mut lab: Lab, subject: &str) -> Vec<String> {
    lab.sign_in("alice").await;
    let mut secrets = carried(&lab);
    lab.sign_in(subject).await;
    secrets.extend(carried(&lab));
    secrets
}

async fn another_session(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let mut secrets = carried(&lab);
    lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        properties.set_session_id(SessionId::parse(OTHER_ID).unwrap());
        let signed_in = session.sign_in_with(user("alice"), properties).await;
        let ended = signed_in.unwrap().ended().cloned();
        assert_eq!(ended.unwrap().reason, EndReason::Replaced);
    })
    .await;
    secrets.extend(carried(&lab));
    secrets
}

async fn revocation() -> Vec<String> {
    let (mut lab, _) = Lab::in_store();
    let ids = lab.sign_in_all(&["alice", "alice", "alice", "bob"]).await;
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let all = Filter::subject("alice").unwrap();
    assert_eq!(admin.revoke(&all).await.unwrap(), 3);
    assert_eq!(admin.revoke(&all).await.unwrap(), 0);
    texts(&ids)
}

async fn cleanup() -> Vec<String> {
    let (mut lab, _) = Lab::in_store();
    let ids = lab.sign_in_all(&["alice", "bob", "carol"]).await;
    lab.clock.set(start() + 10 * HOUR + MINUTE);
    let task = CleanupTask::new(&lab.config).unwrap().batch_size(1);
    let cleaned = task.count_sessions(true).run_once().await.unwrap();
    assert_eq!((cleaned.expired, cleaned.sessions), (2, Some(1)));
    texts(&ids)
}

async fn cleanup_without_count() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    bench.faults.inject(Fault::refuse().on(Operation::Count));
    let task = CleanupTask::new(&lab.config).unwrap();
    let cleaned = task.count_sessions(true).run_once().await.unwrap();
    assert_eq!(cleaned.sessions, None);
    carried(&lab)
}

async fn failing_cleanup() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.clock.advance(11 * HOUR);
    bench.faults.inject(Fault::refuse().times(2));
    let task = CleanupTask::new(&lab.config).unwrap().interval(MINUTE);
    let stop = tokio::time::sleep(2 * MINUTE);
    task.run_until(stop).await;
    secrets
}

async fn expired(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let cookie = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.clock.advance(10 * HOUR);
    lab.browser.plant(AUTH, &cookie);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn eviction() -> Vec<String> {
    let (mut lab, _) = Lab::in_store_with(|config| config.session_limit(1, WhenReached::EndOldest));
    texts(&lab.sign_in_all(&["alice", "alice"]).await)
}

async fn denial() -> Vec<String> {
    let (mut lab, _) = Lab::in_store_with(|config| config.session_limit(1, WhenReached::Deny));
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.browser = lab.other_browser();
    lab.visit(|session| async move {
        let denied = session.sign_in(user("alice")).await.unwrap_err();
        assert_eq!(denied.kind(), ErrorKind::LimitReached);
    })
    .await;
    secrets
}

async fn refused(in_store: bool) -> Vec<String> {
    struct Refuse;
    impl Validator for Refuse {
        async fn validate(&self, _: &Ticket) -> Result<Validation, BoxError> {
            Ok(Validation::Refused)
        }
    }
    let mut lab = Lab::with(|config| {
        let config = config.validation(Refuse, MINUTE);
        match in_store {
            true => config.store(Bench::new().watched()),
            false => config,
        }
    });
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.clock.advance(MINUTE);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn lost_response() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    let visit = lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        std::future::pending::<()>().await;
    });
    assert!(tokio::time::timeout(MINUTE, visit).await.is_err());
    while !bench.records(lab.now()).await.is_empty() {
        tokio::task::yield_now().await;
    }
    let mut secrets = vec![OTHER_ID.to_owned()];
    let taken = bench.store.take_ended(MINUTE, 1, lab.now()).await.unwrap();
    secrets.push(taken[0].ended.session_id.as_str().to_owned());
    // The task that has ended it tells of it after the store.
    tokio::time::sleep(MINUTE).await;
    secrets
}

async fn forged(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let mut value = lab.browser.cookie(AUTH).unwrap().to_owned();
    let middle = value.len() / 2;
    let other = if &value[middle..=middle] == "A" {
        "B"
    } else {
        "A"
    };
    value.replace_range(middle..=middle, other);
    lab.browser.plant(AUTH, &value);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn incomplete() -> Vec<String> {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        let large = Principal::builder("alice").claim("filler", "x".repeat(4000));
        session.sign_in(large.build()).await.unwrap();
    })
    .await;
    let secrets = carried(&lab);
    lab.browser.forget("__Host-idsrv.1");
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn unknown_key(mut lab: Lab, mut elsewhere: Lab) -> Vec<String> {
    elsewhere.sign_in("alice").await;
    lab.browser
        .plant(AUTH, elsewhere.browser.cookie(AUTH).unwrap());
    assert_eq!(lab.seen().await, "nobody");
    carried(&elsewhere)
}

async fn too_many() -> Vec<String> {
    let mut lab = Lab::new();
    let cookies = format!("{AUTH}=a; {AUTH}=b; {AUTH}=c; {AUTH}=d; {AUTH}=e");
    assert_eq!(seen_with(&mut lab, &cookies).await, "nobody");
    vec![OTHER_ID.to_owned()]
}

async fn conflict(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let mut secrets = carried(&lab);
    let alice = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.browser.forget(AUTH);
    lab.sign_in("bob").await;
    secrets.extend(carried(&lab));
    let bob = lab.browser.cookie(AUTH).unwrap().to_owned();
    let cookies = format!("{AUTH}={alice}; {AUTH}={bob}");
    assert_eq!(seen_with(&mut lab, &cookies).await, "nobody");
    secrets
}

async fn after_the_end(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let cookie = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.sign_out().await;
    lab.browser.plant(AUTH, &cookie);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn no_record() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let config = SessionConfig::builder(lab.ring.clone()).clock(lab.clock.clone());
    let emptied = config.store(Bench::new().watched()).build().unwrap();
    let cookies = lab.browser.cookie_header("/");
    lab.config = emptied;
    lab.browser = lab.other_browser();
    assert_eq!(seen_with(&mut lab, &cookies).await, "nobody");
    drop(bench);
    secrets
}

async fn record_forged() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let mut record = bench.records(lab.now()).await.remove(0);
    record.ticket[50] ^= 1;
    bench.overwrite(&record).await;
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn record_unknown_key() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let mut record = bench.records(lab.now()).await.remove(0);
    let mut elsewhere = Lab::with(|config| config.store(bench.watched()));
    elsewhere.sign_in("bob").await;
    let mut records = bench.records(lab.now()).await;
    records.retain(|other| other.key != record.key);
    record.ticket = records.remove(0).ticket;
    bench.overwrite(&record).await;
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn too_large() -> Vec<String> {
    for (mut lab, len) in [(Lab::new(), 10_000), (Lab::in_store().0, 70_000)] {
        lab.visit(move |session| async move {
            let large = Principal::builder("alice").claim("filler", "x".repeat(len));
            let refused = session.sign_in(large.build()).await.unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::TooLarge);
        })
        .await;
    }
    vec!["x".repeat(16)]
}

async fn outage() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    bench.faults.inject(Fault::refuse());
    for _ in 0..3 {
        assert_eq!(lab.visit(handler_that_must_not_run).await.status, 503);
    }
    carried(&lab)
}

async fn failing_hook(in_store: bool) -> Vec<String> {
    struct Away;
    impl EndedHook for Away {
        async fn ended(&self, _: &Ended) -> Result<(), BoxError> {
            Err("the clients are away".into())
        }
    }
    let mut lab = Lab::with(|config| {
        let config = config.ended_hook(Away);
        match in_store {
            true => config.store(Bench::new().watched()),
            false => config,
        }
    });
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.sign_out().await;
    if in_store {
        let task = EndedTask::new(&lab.config).unwrap();
        assert_eq!(task.run_once().await.unwrap(), 0);
    }
    secrets
}

async fn dropped_ends() -> Vec<String> {
    struct Deaf;
    impl EndedHook for Deaf {
        async fn ended(&self, _: &Ended) -> Result<(), BoxError> {
            Ok(())
        }
    }
    let (mut lab, _) = Lab::in_store_with(|config| config.ended_hook(Deaf));
    let mut secrets = Vec::new();
    for subject in ["alice", "bob"] {
        lab.sign_in(subject).await;
        secrets.extend(carried(&lab));
        lab.sign_out().await;
    }
    lab.clock.advance(8 * 24 * HOUR);
    let task = CleanupTask::new(&lab.config).unwrap();
    assert_eq!(task.run_once().await.unwrap().unheard_ends, 2);
    secrets
}

/// The values of all cookies that the browser keeps.
fn carried(lab: &Lab) -> Vec<String> {
    let names = lab.browser.cookie_names().into_iter();
    names
        .map(|name| lab.browser.cookie(name).unwrap().to_owned())
        .collect()
}

fn texts(ids: &[SessionId]) -> Vec<String> {
    ids.iter().map(|id| id.as_str().to_owned()).collect()
}

/// Who is seen in a request with exactly these cookies.
async fn seen_with(lab: &mut Lab, cookies: &str) -> String {
    lab.script.set(|session| async move { report(&session) });
    let request = Request::get("/").header("cookie", cookies);
    let page = lab.browser.send(request.body(Body::empty()).unwrap()).await;
    page.body
}
