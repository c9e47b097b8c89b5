//! What may happen to sessions. Each scenario gives what must show nowhere: cookies and session ids.

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

use crate::support::*;

const OTHER_ID: &str = "0123456789ABCDEF0123456789ABCDEF";

pub(crate) async fn strangers() -> Vec<String> {
    let mut lab = Lab::new();
    lab.seen().await;
    let (mut lab, _) = Lab::in_store();
    lab.seen().await;
    vec![OTHER_ID.to_owned()]
}

pub(crate) async fn reads(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    for _ in 0..3 {
        assert_eq!(lab.seen().await, "alice []");
    }
    lab.add_client("client1").await;
    carried(&lab)
}

pub(crate) async fn sign_out(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.sign_out().await;
    lab.sign_out().await;
    secrets
}

pub(crate) async fn sign_in_as(mut lab: Lab, subject: &str) -> Vec<String> {
    lab.sign_in("alice").await;
    let mut secrets = carried(&lab);
    lab.sign_in(subject).await;
    secrets.extend(carried(&lab));
    secrets
}

pub(crate) async fn another_session(mut lab: Lab) -> Vec<String> {
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

pub(crate) async fn revocation() -> Vec<String> {
    let (mut lab, _) = Lab::in_store();
    let ids = lab.sign_in_all(&["alice", "alice", "alice", "bob"]).await;
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let all = Filter::subject("alice").unwrap();
    assert_eq!(admin.revoke(&all).await.unwrap(), 3);
    assert_eq!(admin.revoke(&all).await.unwrap(), 0);
    texts(&ids)
}

pub(crate) async fn cleanup() -> Vec<String> {
    let (mut lab, _) = Lab::in_store();
    let ids = lab.sign_in_all(&["alice", "bob", "carol"]).await;
    lab.clock.set(start() + 10 * HOUR + MINUTE);
    let task = CleanupTask::new(&lab.config).unwrap().batch_size(1);
    let cleaned = task.count_sessions(true).run_once().await.unwrap();
    assert_eq!((cleaned.expired, cleaned.sessions), (2, Some(1)));
    texts(&ids)
}

pub(crate) async fn cleanup_without_count() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    bench.faults.inject(Fault::refuse().on(Operation::Count));
    let task = CleanupTask::new(&lab.config).unwrap();
    let cleaned = task.count_sessions(true).run_once().await.unwrap();
    assert_eq!(cleaned.sessions, None);
    carried(&lab)
}

pub(crate) async fn failing_cleanup() -> Vec<String> {
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

pub(crate) async fn expired(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let cookie = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.clock.advance(10 * HOUR);
    lab.browser.plant(AUTH, &cookie);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

pub(crate) async fn eviction() -> Vec<String> {
    let (mut lab, _) = Lab::in_store_with(|config| config.session_limit(1, WhenReached::EndOldest));
    texts(&lab.sign_in_all(&["alice", "alice"]).await)
}

pub(crate) async fn denial() -> Vec<String> {
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

pub(crate) async fn refused(in_store: bool) -> Vec<String> {
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

pub(crate) async fn lost_response() -> Vec<String> {
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

pub(crate) async fn forged(mut lab: Lab) -> Vec<String> {
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

pub(crate) async fn incomplete() -> Vec<String> {
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

pub(crate) async fn unknown_key(mut lab: Lab, mut elsewhere: Lab) -> Vec<String> {
    elsewhere.sign_in("alice").await;
    lab.browser
        .plant(AUTH, elsewhere.browser.cookie(AUTH).unwrap());
    assert_eq!(lab.seen().await, "nobody");
    carried(&elsewhere)
}

pub(crate) async fn too_many() -> Vec<String> {
    let mut lab = Lab::new();
    let cookies = format!("{AUTH}=a; {AUTH}=b; {AUTH}=c; {AUTH}=d; {AUTH}=e");
    assert_eq!(seen_with(&mut lab, &cookies).await, "nobody");
    vec![OTHER_ID.to_owned()]
}

pub(crate) async fn conflict(mut lab: Lab) -> Vec<String> {
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

pub(crate) async fn after_the_end(mut lab: Lab) -> Vec<String> {
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let cookie = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.sign_out().await;
    lab.browser.plant(AUTH, &cookie);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

pub(crate) async fn no_record() -> Vec<String> {
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

pub(crate) async fn record_forged() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let mut record = bench.records(lab.now()).await.remove(0);
    record.ticket[50] ^= 1;
    bench.overwrite(&record).await;
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

pub(crate) async fn record_unknown_key() -> Vec<String> {
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

pub(crate) async fn too_large() -> Vec<String> {
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

pub(crate) async fn outage() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    bench.faults.inject(Fault::refuse());
    for _ in 0..3 {
        assert_eq!(lab.visit(handler_that_must_not_run).await.status, 503);
    }
    carried(&lab)
}

pub(crate) async fn failing_hook(in_store: bool) -> Vec<String> {
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

pub(crate) async fn dropped_ends() -> Vec<String> {
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
