//! What is counted: each thing that happens, once, and never under a label that a request or a user could choose.

mod meter;
mod rows;
mod scenarios;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use axum_user_session::{
    ended::EndReason,
    testing::{Fault, Operation},
};

use crate::{meter::Meter, rows::scenarios, support::*};

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
