//! What is logged: one warning for what somebody should look at, events on level debug for what is usual, and no secret ever.

mod support;

use std::{
    collections::BTreeMap,
    fmt::{Debug, Write},
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body, http::Request, routing::get};
use axum_user_session::{
    AuthenticationProperties, KeyRing, Principal, UserSession, UserSessionLayer,
    cleanup::CleanupTask,
    ended::Ended,
    error::BoxError,
    events,
    hook::EndedHook,
    testing::{Browser, Fault},
};
use support::*;
use tower_cookies::{Cookie, CookieManagerLayer, Cookies};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// What happens while the log is read. Gives what the log must not show: cookie values and session ids.
type Scenario = Pin<Box<dyn Future<Output = Vec<String>>>>;

#[tokio::test]
async fn each_cause_is_logged_once_and_no_event_shows_a_secret() {
    let rows: [(&str, Scenario, &[&str]); _] = [
        (
            "a visit, a sign-in, a look, a client, a sign-out",
            Box::pin(plain()),
            &["DEBUG session_ended", "DEBUG session_started"],
        ),
        (
            "a session that has expired",
            Box::pin(expired()),
            &["DEBUG cookie_refused", "DEBUG session_started"],
        ),
        (
            "a forged cookie",
            Box::pin(forged()),
            &["DEBUG cookie_refused", "DEBUG session_started"],
        ),
        (
            "a cookie that was never one of ours",
            Box::pin(garbage()),
            &["DEBUG cookie_refused"],
        ),
        (
            "a cookie under an unknown key",
            Box::pin(unknown_key(0)),
            &["DEBUG session_started", "WARN cookie_left_alone"],
        ),
        (
            "the same again and again, within a second",
            Box::pin(unknown_key(999)),
            &["DEBUG session_started", "WARN cookie_left_alone"],
        ),
        (
            "the same again and again, for longer",
            Box::pin(unknown_key(1000)),
            &["DEBUG session_started", "WARN cookie_left_alone x2"],
        ),
        (
            "more cookies than are tried",
            Box::pin(too_many()),
            &["DEBUG session_started", "WARN cookie_left_alone"],
        ),
        (
            "conflicting cookies",
            Box::pin(conflict(0)),
            &["DEBUG session_started x2", "WARN cookie_left_alone"],
        ),
        (
            "conflicting cookies behind others that are left alone",
            Box::pin(conflict(1)),
            &["DEBUG session_started x3", "WARN cookie_left_alone x2"],
        ),
        (
            "a session id that no sign-in followed",
            Box::pin(id_without_sign_in()),
            &["WARN"],
        ),
        (
            "a client list that can't be decoded",
            Box::pin(undecodable_clients()),
            &["DEBUG session_started", "WARN"],
        ),
        (
            "the application's own cookie under our name",
            Box::pin(own_header()),
            &["DEBUG session_started", "WARN"],
        ),
        (
            "the same through a jar",
            Box::pin(own_cookie_in_the_jar()),
            &["DEBUG session_started", "WARN"],
        ),
        (
            "a renewal that does not fit the budget",
            Box::pin(failed_renewal()),
            &["DEBUG seal_failed", "DEBUG session_started", "WARN"],
        ),
        (
            "a record that was changed, and its cookie",
            Box::pin(rejected_record()),
            &[
                "DEBUG cookie_refused",
                "DEBUG session_ended",
                "DEBUG session_started",
                "WARN",
            ],
        ),
        (
            "a record under an unknown key",
            Box::pin(unknown_records_key()),
            &["DEBUG session_started x2", "WARN cookie_left_alone"],
        ),
        (
            "an outage, for a second",
            Box::pin(outage(999)),
            &[
                "DEBUG session_started",
                "DEBUG store_failed x22",
                "WARN session_not_loaded",
            ],
        ),
        (
            "an outage, for longer",
            Box::pin(outage(1000)),
            &[
                "DEBUG session_started",
                "DEBUG store_failed x22",
                "WARN session_not_loaded x2",
            ],
        ),
        (
            "ends that nobody has dealt with",
            Box::pin(unheard_ends(true)),
            &[
                "DEBUG cleanup_done",
                "DEBUG session_ended",
                "DEBUG session_started",
                "WARN ends_dropped",
            ],
        ),
        (
            "ends that nobody was to hear of",
            Box::pin(unheard_ends(false)),
            &[
                "DEBUG cleanup_done",
                "DEBUG session_ended",
                "DEBUG session_started",
            ],
        ),
        (
            "a session without its layer",
            Box::pin(missing_layer()),
            &["DEBUG session_started", "ERROR"],
        ),
    ];
    for (name, scenario, expected) in rows {
        let log = Log::default();
        let secrets = {
            let _guard = tracing::subscriber::set_default(log.clone());
            scenario.await
        };
        let entries = log.0.lock().unwrap();
        assert_eq!(summary(&entries), expected, "{name}: {entries:?}");
        assert!(!secrets.is_empty(), "{name}");
        for entry in entries.iter() {
            assert!(entry.target.starts_with("axum_user_session"), "{name}");
            for secret in secrets.iter().map(String::as_str).chain(USERS) {
                assert!(!entry.text.contains(secret), "{name}: {entry:?}");
                // Nor a part of it: the end, because the beginning is the same in all tickets under one key.
                let end = &secret[secret.len().saturating_sub(16)..];
                assert!(!entry.text.contains(end), "{name}: {entry:?}");
            }
        }
    }
}

const USERS: [&str; 2] = ["alice", "bob"];

async fn plain() -> Vec<String> {
    let mut lab = Lab::new();
    lab.seen().await;
    lab.sign_in("alice").await;
    lab.seen().await;
    lab.add_client("client1").await;
    let secrets = carried(&lab);
    lab.sign_out().await;
    lab.seen().await;
    secrets
}

async fn expired() -> Vec<String> {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.clock.advance(10 * HOUR);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn forged() -> Vec<String> {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let mut secrets = carried(&lab);
    let mut value = lab.browser.cookie(AUTH).unwrap().to_owned();
    let middle = value.len() / 2;
    let other = if &value[middle..=middle] == "A" {
        "B"
    } else {
        "A"
    };
    value.replace_range(middle..=middle, other);
    lab.browser.plant(AUTH, &value);
    secrets.push(value);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn garbage() -> Vec<String> {
    let mut lab = Lab::new();
    lab.browser.plant(AUTH, "a-session-of-somebody-else");
    let secrets = carried(&lab);
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn unknown_key(milliseconds: u64) -> Vec<String> {
    let mut elsewhere = Lab::new();
    elsewhere.sign_in("alice").await;
    let mut lab = Lab::new();
    lab.browser
        .plant(AUTH, elsewhere.browser.cookie(AUTH).unwrap());
    for _ in 0..10 {
        assert_eq!(lab.seen().await, "nobody");
    }
    lab.clock.advance(Duration::from_millis(milliseconds));
    assert_eq!(lab.seen().await, "nobody");
    carried(&elsewhere)
}

async fn too_many() -> Vec<String> {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let good = lab.browser.cookie(AUTH).unwrap().to_owned();
    let cookies = format!("{AUTH}=a; {AUTH}=b; {AUTH}=c; {AUTH}=d; {AUTH}={good}");
    assert_eq!(seen_with(&mut lab, &cookies).await, "nobody");
    secrets
}

async fn conflict(behind: usize) -> Vec<String> {
    let mut lab = Lab::new();
    for _ in 0..behind {
        let mut elsewhere = Lab::new();
        elsewhere.sign_in("alice").await;
        let cookies = format!("{AUTH}={}", elsewhere.browser.cookie(AUTH).unwrap());
        assert_eq!(seen_with(&mut lab, &cookies).await, "nobody");
    }
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

async fn id_without_sign_in() -> Vec<String> {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        session
            .create_session_id(&user("alice"), &mut properties)
            .await
            .unwrap();
        properties.session_id().unwrap().as_str().to_owned()
    });
    vec![page.await.body]
}

async fn undecodable_clients() -> Vec<String> {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        let items = [(
            AuthenticationProperties::CLIENT_LIST_ITEM,
            "not a list of clients",
        )];
        let properties = AuthenticationProperties::from_items(items);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    })
    .await;
    let mut secrets = carried(&lab);
    secrets.push("not a list of clients".to_owned());
    secrets
}

async fn own_header() -> Vec<String> {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        [(
            "set-cookie",
            "__Host-idsrv=of-the-application; Path=/; Secure",
        )]
    })
    .await;
    let mut secrets = carried(&lab);
    secrets.push("of-the-application".to_owned());
    secrets
}

async fn own_cookie_in_the_jar() -> Vec<String> {
    async fn sign_in(session: UserSession, cookies: Cookies) {
        let own = Cookie::build((AUTH, "of-the-application")).path("/");
        cookies.add(own.secure(true).build());
        session.sign_in(user("alice")).await.unwrap();
    }
    let app = Router::new()
        .route("/", get(sign_in))
        .layer(UserSessionLayer::new(Lab::new().config))
        .layer(CookieManagerLayer::new());
    let mut browser = Browser::new(app);
    browser.get("/").await;
    let mut secrets = vec!["of-the-application".to_owned()];
    for name in [AUTH, SID] {
        secrets.push(browser.cookie(name).unwrap().to_owned());
    }
    secrets
}

async fn failed_renewal() -> Vec<String> {
    let ring = KeyRing::ephemeral();
    let mut before = Lab::with_ring(ring.clone(), |config| {
        config.sliding(true).cookie_budget(32 * 1024)
    });
    before
        .visit(|session| async move {
            let large = Principal::builder("alice").claim("filler", "x".repeat(9000));
            session.sign_in(large.build()).await.unwrap();
        })
        .await;
    let mut after = Lab::with_ring(ring, |config| config.sliding(true));
    after.clock.advance(6 * HOUR);
    let cookies = before.browser.cookie_header("/");
    assert_eq!(seen_with(&mut after, &cookies).await, "alice []");
    carried(&before)
}

async fn rejected_record() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    let mut record = bench.records(lab.now()).await.remove(0);
    record.ticket[50] ^= 1;
    bench.overwrite(&record).await;
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

async fn unknown_records_key() -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let mut secrets = carried(&lab);
    let mut record = bench.records(lab.now()).await.remove(0);
    let mut elsewhere = Lab::with(|config| config.store(bench.watched()));
    elsewhere.sign_in("bob").await;
    secrets.extend(carried(&elsewhere));
    let mut records = bench.records(lab.now()).await;
    records.retain(|other| other.key != record.key);
    record.ticket = records.remove(0).ticket;
    bench.overwrite(&record).await;
    assert_eq!(lab.seen().await, "nobody");
    secrets
}

/// Requests all over it, and one at its end.
async fn outage(milliseconds: u64) -> Vec<String> {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    bench.faults.inject(Fault::refuse());
    for _ in 0..10 {
        assert_eq!(lab.visit(handler_that_must_not_run).await.status, 503);
    }
    lab.clock.advance(Duration::from_millis(milliseconds));
    assert_eq!(lab.visit(handler_that_must_not_run).await.status, 503);
    carried(&lab)
}

async fn unheard_ends(wanted: bool) -> Vec<String> {
    struct Deaf;
    impl EndedHook for Deaf {
        async fn ended(&self, _: &Ended) -> Result<(), BoxError> {
            Ok(())
        }
    }
    let (mut lab, _) = Lab::in_store_with(|config| match wanted {
        true => config.ended_hook(Deaf),
        false => config,
    });
    lab.sign_in("alice").await;
    let secrets = carried(&lab);
    lab.sign_out().await;
    lab.clock.advance(8 * 24 * HOUR);
    let task = CleanupTask::new(&lab.config).unwrap();
    assert_eq!(task.run_once().await.unwrap().unheard_ends, 1);
    secrets
}

async fn missing_layer() -> Vec<String> {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let app = Router::new().route("/", get(|_: UserSession| async {}));
    let mut browser = Browser::new(app);
    browser.plant(AUTH, lab.browser.cookie(AUTH).unwrap());
    assert_eq!(browser.get("/").await.status, 500);
    carried(&lab)
}

/// The values of all cookies that the browser keeps.
fn carried(lab: &Lab) -> Vec<String> {
    let names = lab.browser.cookie_names().into_iter();
    names
        .map(|name| lab.browser.cookie(name).unwrap().to_owned())
        .collect()
}

/// Who is seen in a request with exactly these cookies.
async fn seen_with(lab: &mut Lab, cookies: &str) -> String {
    lab.script.set(|session| async move { report(&session) });
    let request = Request::get("/").header("cookie", cookies);
    let page = lab.browser.send(request.body(Body::empty()).unwrap()).await;
    page.body
}

/// The level of each entry, and for events their name, in alphabetical order; those that are there several times with their number.
fn summary(entries: &[Entry]) -> Vec<String> {
    let mut counts = BTreeMap::new();
    for entry in entries {
        let what = format!("{} {}", entry.level, entry.event);
        *counts.entry(what.trim_end().to_owned()).or_insert(0) += 1;
    }
    let counts = counts.into_iter().map(|(what, count)| match count {
        1 => what,
        _ => format!("{what} x{count}"),
    });
    counts.collect()
}

/// Keeps every event of this thread, with all its fields.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<Entry>>>);

#[derive(Debug)]
struct Entry {
    level: Level,
    target: &'static str,
    /// Its name, for those of [`events`].
    event: String,
    text: String,
}

impl Visit for Entry {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "event" => self.event = value.to_owned(),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.text, "{field}={value:?} ").unwrap();
    }
}

impl Subscriber for Log {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut entry = Entry {
            level: *metadata.level(),
            target: metadata.target(),
            event: String::new(),
            text: String::new(),
        };
        event.record(&mut entry);
        let named = !entry.event.is_empty();
        assert_eq!(named, entry.target == events::TARGET, "{entry:?}");
        self.0.lock().unwrap().push(entry);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}
