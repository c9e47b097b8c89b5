//! Finding, paging through and ending sessions, for administrators and for users; the tasks beside the requests; what clients do elsewhere.

mod support;

use std::{
    collections::HashSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum_user_session::{
    AuthenticationProperties, KeyRing, SessionConfig,
    admin::{Extension, SessionAdmin, SessionInfo, SessionPage, SessionQuery},
    cleanup::{CleanupTask, EndedTask},
    ended::{EndReason, Ended},
    error::{BoxError, ErrorKind},
    hook::EndedHook,
    id::SessionId,
    store::{Filter, Selection, SessionStore},
    testing::{Fault, Operation},
};
use support::*;

fn admin(lab: &Lab) -> SessionAdmin {
    SessionAdmin::new(&lab.config).unwrap()
}

/// Signs users in, a minute apart, each from a browser of its own; gives their session ids.
async fn sign_in_all(lab: &mut Lab, subjects: &[&str]) -> Vec<SessionId> {
    let mut ids = Vec::new();
    for subject in subjects {
        lab.browser = lab.other_browser();
        lab.sign_in(subject).await;
        ids.push(SessionId::parse(lab.browser.cookie(SID).unwrap()).unwrap());
        lab.clock.advance(MINUTE);
    }
    ids
}

fn subjects(sessions: &[SessionInfo]) -> Vec<&str> {
    sessions.iter().map(|session| &*session.subject).collect()
}

#[tokio::test]
async fn s10_find_by_subject_and_session_id() {
    let (mut lab, _) = Lab::in_store();
    let ids = sign_in_all(&mut lab, &["alice", "bob", "alice"]).await;
    let admin = admin(&lab);
    let table = [
        ("a subject", Filter::subject("alice"), vec![ids[2], ids[0]]),
        ("not its beginning", Filter::subject("ali"), vec![]),
        ("not another case", Filter::subject("Alice"), vec![]),
        ("a session id", Ok(Filter::session_id(ids[1])), vec![ids[1]]),
        (
            "both",
            Filter::subject("alice").map(|filter| filter.and_session_id(ids[0])),
            vec![ids[0]],
        ),
        (
            "both, of different sessions",
            Filter::subject("bob").map(|filter| filter.and_session_id(ids[0])),
            vec![],
        ),
        ("a name", Filter::name_begins_with("BOB s"), vec![ids[1]]),
        (
            "a part of a name",
            Filter::name_contains("SMITH"),
            vec![ids[2], ids[1], ids[0]],
        ),
        ("a wildcard", Filter::name_begins_with("%"), vec![]),
        ("another wildcard", Filter::name_begins_with("_"), vec![]),
    ];
    for (name, filter, expected) in table {
        let filter = filter.unwrap();
        let found = admin.find(&filter).await.unwrap();
        let found: Vec<_> = found.iter().map(|session| session.session_id).collect();
        assert_eq!(found, expected, "{name}");
        let count = admin.count(&filter).await.unwrap();
        assert_eq!(count, expected.len() as u64, "{name}");
    }
    assert_eq!(admin.count(Selection::Everyone).await.unwrap(), 3);
}

async fn page(admin: &SessionAdmin, token: Option<&str>) -> SessionPage {
    let query = SessionQuery::everyone().page_size(3);
    let query = match token {
        None => query,
        Some(token) => query.page(token),
    };
    admin.query(&query).await.unwrap()
}

#[tokio::test]
async fn s10_pages_forward_and_back() {
    let (mut lab, _) = Lab::in_store();
    let names = ["a", "b", "c", "d", "e", "f", "g"];
    sign_in_all(&mut lab, &names).await;
    let admin = admin(&lab);
    let first = page(&admin, None).await;
    assert_eq!(subjects(&first.sessions), ["g", "f", "e"]);
    assert_eq!(first.previous, None);
    let second = page(&admin, first.next.as_deref()).await;
    assert_eq!(subjects(&second.sessions), ["d", "c", "b"]);
    let third = page(&admin, second.next.as_deref()).await;
    assert_eq!(subjects(&third.sessions), ["a"]);
    assert_eq!(third.next, None);
    let back = page(&admin, third.previous.as_deref()).await;
    assert_eq!(subjects(&back.sessions), ["d", "c", "b"]);
    let back = page(&admin, back.previous.as_deref()).await;
    assert_eq!(subjects(&back.sessions), ["g", "f", "e"]);
    assert_eq!(back.previous, None);
    let forth = page(&admin, back.next.as_deref()).await;
    assert_eq!(subjects(&forth.sessions), ["d", "c", "b"]);
}

/// Sessions begin, end and are signed in to again between the pages.
#[tokio::test]
async fn s10_who_is_there_throughout_is_seen_once() {
    let (mut lab, _) = Lab::in_store();
    let stay = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let mut browsers = Vec::new();
    for subject in stay {
        sign_in_all(&mut lab, &[subject]).await;
        browsers.push(lab.browser.clone());
        sign_in_all(&mut lab, &["passing"]).await;
    }
    let admin = admin(&lab);
    let mut seen = Vec::new();
    let mut token = None;
    for round in 0.. {
        let page = page(&admin, token.as_deref()).await;
        seen.extend(page.sessions.into_iter().map(|session| session.subject));
        // Somebody comes, somebody signs in again, and some go.
        sign_in_all(&mut lab, &["new"]).await;
        lab.browser = browsers[round % stay.len()].clone();
        lab.sign_in(stay[round % stay.len()]).await;
        browsers[round % stay.len()] = lab.browser.clone();
        if round == 1 {
            admin
                .revoke(&Filter::subject("passing").unwrap())
                .await
                .unwrap();
        }
        token = page.next;
        if token.is_none() {
            break;
        }
    }
    seen.retain(|subject| stay.contains(&&**subject));
    seen.sort();
    assert_eq!(seen, stay);
}

#[tokio::test]
async fn s10_tokens_from_elsewhere_are_refused() {
    let (mut lab, bench) = Lab::in_store();
    sign_in_all(&mut lab, &["a", "b", "c", "d", "alice", "alice"]).await;
    let admin_here = admin(&lab);
    let next = page(&admin_here, None).await.next.unwrap();
    let other_app = Lab::with_ring(lab.ring.clone(), |config| {
        config.application_id("another").store(bench.watched())
    });
    let other_ring = Lab::with(|config| config.store(bench.watched()));
    let of_alice = SessionQuery::matching(Filter::subject("alice").unwrap()).page_size(1);
    let alices = admin_here.query(&of_alice).await.unwrap().next.unwrap();
    let mut edited = next.clone().into_bytes();
    edited[30] = if edited[30] == b'A' { b'B' } else { b'A' };
    let everyone = || SessionQuery::everyone();
    let table = [
        (
            "edited",
            &admin_here,
            everyone(),
            String::from_utf8(edited).unwrap(),
        ),
        ("cut", &admin_here, everyone(), next[1..].to_owned()),
        ("empty", &admin_here, everyone(), String::new()),
        ("no base64", &admin_here, everyone(), "../../%00".to_owned()),
        ("another filter's", &admin_here, everyone(), alices.clone()),
        (
            "everyone's for a filter",
            &admin_here,
            of_alice.clone(),
            next.clone(),
        ),
        (
            "a filter that holds the same text in another criterion",
            &admin_here,
            SessionQuery::matching(Filter::name_begins_with("alice").unwrap()),
            alices.clone(),
        ),
        (
            "another application's",
            &admin(&other_app),
            everyone(),
            next.clone(),
        ),
        (
            "another key ring's",
            &admin(&other_ring),
            everyone(),
            next.clone(),
        ),
    ];
    for (name, admin, query, token) in table {
        let error = admin.query(&query.page(token)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidPageToken, "{name}");
    }
    let alices = of_alice.page(alices);
    assert_eq!(
        subjects(&admin_here.query(&alices).await.unwrap().sessions),
        ["alice"]
    );
    // And a session's cookie is no token.
    let cookie = lab.browser.cookie(AUTH).unwrap();
    let error = admin_here
        .query(&everyone().page(cookie))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidPageToken);
}

#[tokio::test]
async fn s10_page_sizes_are_bounded() {
    let (mut lab, _) = Lab::in_store();
    sign_in_all(&mut lab, &["a", "b", "c"]).await;
    let admin = admin(&lab);
    for (asked, given) in [(0, 1), (1, 1), (2, 2), (usize::MAX, 3)] {
        let query = SessionQuery::everyone().page_size(asked);
        let page = admin.query(&query).await.unwrap();
        assert_eq!(page.sessions.len(), given, "{asked}");
    }
}

#[tokio::test]
async fn s10_revoking_ends_what_the_filter_means_and_nothing_else() {
    let (mut lab, bench) = Lab::in_store();
    sign_in_all(&mut lab, &["alice", "bob", "alice", "alice2"]).await;
    let admin = admin(&lab);
    let alice = Filter::subject("alice").unwrap();
    assert_eq!(admin.revoke(&alice).await.unwrap(), 2);
    assert_eq!(admin.revoke(&alice).await.unwrap(), 0);
    let left = admin.query(&SessionQuery::everyone()).await.unwrap();
    assert_eq!(subjects(&left.sessions), ["alice2", "bob"]);
    let taken = bench.store.take_ended(MINUTE, 10, lab.now()).await.unwrap();
    assert!(
        taken
            .iter()
            .all(|taken| taken.ended.reason == EndReason::Revoked)
    );
    assert_eq!(taken.len(), 2);
    assert_eq!(admin.revoke_the_sessions_of_everyone().await.unwrap(), 2);
    assert_eq!(admin.count(Selection::Everyone).await.unwrap(), 0);
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn s10_many_sessions_are_revoked_in_batches() {
    let (mut lab, bench) = Lab::in_store();
    for _ in 0..1100 {
        lab.browser = lab.other_browser();
        lab.sign_in("alice").await;
    }
    bench.counter.reset();
    // An answer of one of the batches is lost: what it ended is ended, and none is left out.
    bench
        .faults
        .inject(Fault::lose_reply().on(Operation::DeleteMatching).once());
    let revoked = admin(&lab)
        .revoke(&Filter::subject("alice").unwrap())
        .await
        .unwrap();
    assert_eq!(
        revoked, 600,
        "the first batch is not counted, for nobody heard of it"
    );
    assert_eq!(bench.counter.count(Operation::DeleteMatching), 3);
    assert!(bench.store.is_empty());
}

#[tokio::test]
async fn s10_without_a_store_there_is_nothing_to_administer() {
    let config = Lab::new().config;
    let no_store = ErrorKind::NoStore;
    assert_eq!(SessionAdmin::new(&config).unwrap_err().kind(), no_store);
    assert_eq!(CleanupTask::new(&config).unwrap_err().kind(), no_store);
    assert_eq!(EndedTask::new(&config).unwrap_err().kind(), no_store);
    let (lab, _) = Lab::in_store();
    let error = EndedTask::new(&lab.config).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoEndedHook);
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.visit(move |session| async move {
        assert_eq!(session.sessions().await.unwrap_err().kind(), no_store);
        let error = session.revoke_other_sessions().await.unwrap_err();
        assert_eq!(error.kind(), no_store);
    })
    .await;
}

#[tokio::test]
async fn s10_an_outage_is_an_error() {
    let (mut lab, bench) = Lab::in_store();
    sign_in_all(&mut lab, &["alice"]).await;
    bench.faults.inject(Fault::refuse());
    let admin = admin(&lab);
    let alice = Filter::subject("alice").unwrap();
    for error in [
        admin.find(&alice).await.map(drop),
        admin.query(&SessionQuery::everyone()).await.map(drop),
        admin.count(Selection::Everyone).await.map(drop),
        admin.revoke(&alice).await.map(drop),
    ] {
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn s11_my_sessions_with_this_one_marked() {
    let (mut lab, _) = Lab::in_store();
    let ids = sign_in_all(&mut lab, &["alice", "bob", "alice"]).await;
    lab.visit(move |session| async move {
        let mine = session.sessions().await.unwrap();
        let shown: Vec<_> = mine
            .iter()
            .map(|mine| (mine.session.session_id, mine.is_this_one))
            .collect();
        assert_eq!(shown, [(ids[2], true), (ids[0], false)]);
    })
    .await;
    lab.browser = lab.other_browser();
    lab.visit(|session| async move {
        let error = session.sessions().await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSignedIn);
    })
    .await;
}

#[tokio::test]
async fn s11_ending_one_of_mine_never_ends_another_users() {
    let (mut lab, bench) = Lab::in_store();
    let ids = sign_in_all(&mut lab, &["alice", "bob", "alice"]).await;
    let [first, bobs, this] = ids[..] else {
        unreachable!()
    };
    lab.visit(move |session| async move {
        assert!(!session.revoke_session(bobs).await.unwrap());
        assert!(session.revoke_session(first).await.unwrap());
        assert!(!session.revoke_session(first).await.unwrap(), "it is gone");
        assert_eq!(report(&session), "alice []");
    })
    .await;
    let left = admin(&lab).query(&SessionQuery::everyone()).await.unwrap();
    assert_eq!(subjects(&left.sessions), ["alice", "bob"]);
    // This one: a sign-out.
    let page = lab.visit(move |session| async move {
        assert!(session.revoke_session(this).await.unwrap());
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "nobody");
    assert!(is_expired(&page, AUTH));
    assert_eq!(bench.store.len(), 1);
}

#[tokio::test]
async fn s11_ending_all_others() {
    let (mut lab, _) = Lab::in_store();
    sign_in_all(&mut lab, &["alice", "alice", "bob", "alice"]).await;
    let page = lab
        .visit(|session| async move { session.revoke_other_sessions().await.unwrap().to_string() });
    assert_eq!(page.await.body, "2");
    assert_eq!(lab.seen().await, "alice []");
    let left = admin(&lab).query(&SessionQuery::everyone()).await.unwrap();
    assert_eq!(subjects(&left.sessions), ["alice", "bob"]);
}

/// A revocation on one node ends the session on the other at its next request.
#[tokio::test]
async fn s10_two_nodes_on_one_store() {
    let bench = Bench::new();
    let ring = KeyRing::ephemeral();
    let node = || Lab::with_ring(ring.clone(), |config| config.store(bench.watched()));
    let (mut here, there) = (node(), node());
    here.sign_in("alice").await;
    assert_eq!(here.seen().await, "alice []");
    let alice = Filter::subject("alice").unwrap();
    assert_eq!(admin(&there).revoke(&alice).await.unwrap(), 1);
    assert_eq!(here.seen().await, "nobody");
}

#[derive(Clone, Default)]
struct News {
    heard: Arc<Mutex<Vec<Ended>>>,
    fails: Arc<AtomicUsize>,
    hangs: Arc<AtomicBool>,
}

impl EndedHook for News {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        let fails = self.fails.load(Ordering::Relaxed);
        if fails > 0 {
            self.fails.store(fails - 1, Ordering::Relaxed);
            return Err("the client is away".into());
        }
        self.heard.lock().unwrap().push(ended.clone());
        Ok(())
    }
}

impl News {
    fn heard(&self) -> Vec<(EndReason, String)> {
        let heard = self.heard.lock().unwrap();
        let told = heard
            .iter()
            .map(|ended| (ended.reason, ended.subject.clone()));
        told.collect()
    }
}

fn with_news() -> (Lab, Bench, News) {
    let news = News::default();
    let hook = news.clone();
    let (lab, bench) =
        Lab::in_store_with(|config| config.ended_hook(hook).issuer("https://id.example"));
    (lab, bench, news)
}

#[tokio::test]
async fn s13_the_clean_up_ends_what_has_expired_in_batches() {
    let (mut lab, bench, news) = with_news();
    sign_in_all(&mut lab, &["a", "b", "c", "d", "e"]).await;
    lab.clock
        .set(start() + 10 * HOUR + 90 * Duration::from_secs(1));
    bench.counter.reset();
    let task = CleanupTask::new(&lab.config).unwrap().batch_size(1);
    let cleaned = task.run_once().await.unwrap();
    assert_eq!((cleaned.expired, cleaned.unheard_ends), (2, 0));
    assert_eq!(bench.counter.count(Operation::TakeExpired), 3);
    assert_eq!(bench.store.len(), 3);
    let told = EndedTask::new(&lab.config).unwrap().run_once().await;
    assert_eq!(told.unwrap(), 2);
    let expired = |subject: &str| (EndReason::Expired, subject.to_owned());
    assert_eq!(news.heard(), [expired("a"), expired("b")]);
}

#[tokio::test]
async fn s13_news_that_nobody_takes_is_dropped_some_day() {
    let (mut lab, _) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.sign_out().await;
    let task = CleanupTask::new(&lab.config).unwrap();
    lab.clock.advance(6 * 24 * HOUR);
    assert_eq!(task.run_once().await.unwrap().unheard_ends, 0);
    lab.clock.advance(25 * HOUR);
    assert_eq!(task.run_once().await.unwrap().unheard_ends, 1);
}

#[tokio::test(start_paused = true)]
async fn s13_the_clean_up_goes_on_after_an_error_and_stops() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.clock.advance(11 * HOUR);
    bench.faults.inject(Fault::refuse());
    let task = CleanupTask::new(&lab.config)
        .unwrap()
        .interval(MINUTE)
        .spawn();
    tokio::time::sleep(5 * MINUTE).await;
    let tried = bench.counter.count(Operation::TakeExpired);
    assert!(
        (8..=12).contains(&tried),
        "{tried}: twice a minute, from a random moment on"
    );
    assert_eq!(bench.store.len(), 1);
    bench.faults.clear();
    tokio::time::sleep(2 * MINUTE).await;
    assert!(bench.store.is_empty());
    task.stop().await;
    bench.counter.reset();
    tokio::time::sleep(5 * MINUTE).await;
    assert_eq!(bench.counter.total(), 0);
}

/// Nodes that start together don't work together.
#[tokio::test(start_paused = true)]
async fn s13_the_first_round_comes_at_a_random_moment() {
    let mut moments = HashSet::new();
    for _ in 0..5 {
        let (lab, bench) = Lab::in_store();
        let began = tokio::time::Instant::now();
        let task = CleanupTask::new(&lab.config)
            .unwrap()
            .interval(HOUR)
            .spawn();
        while bench.counter.total() == 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert!(began.elapsed() <= HOUR);
        moments.insert(began.elapsed().as_secs());
        task.stop().await;
    }
    assert!(moments.len() > 1, "{moments:?}");
}

#[tokio::test]
async fn s14_every_way_to_end_is_heard_of_with_its_reason() {
    let (mut lab, _, news) = with_news();
    lab.sign_in("signs-out").await;
    lab.add_client("client1").await;
    lab.sign_out().await;
    lab.sign_in("switched").await;
    lab.sign_in("replaced").await;
    lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        properties.set_session_id(SessionId::parse("another").unwrap());
        let user = user("replaced");
        session.sign_in_with(user, properties).await.unwrap();
    })
    .await;
    admin(&lab)
        .revoke(&Filter::subject("replaced").unwrap())
        .await
        .unwrap();
    lab.sign_in("expires").await;
    lab.clock.advance(10 * HOUR);
    lab.seen().await;
    let task = EndedTask::new(&lab.config).unwrap();
    assert_eq!(task.run_once().await.unwrap(), 5);
    assert_eq!(task.run_once().await.unwrap(), 0, "each once");
    let heard = news.heard();
    let expected = [
        (EndReason::SignOut, "signs-out"),
        (EndReason::UserSwitch, "switched"),
        (EndReason::Replaced, "replaced"),
        (EndReason::Revoked, "replaced"),
        (EndReason::Expired, "expires"),
    ];
    for (reason, subject) in expected {
        assert!(heard.contains(&(reason, subject.to_owned())), "{reason}");
    }
    let heard = news.heard.lock().unwrap();
    let signed_out = heard.iter().find(|ended| ended.subject == "signs-out");
    let signed_out = signed_out.unwrap();
    assert_eq!(signed_out.clients, ["client1"]);
    assert_eq!(signed_out.issuer.as_deref(), Some("https://id.example"));
    assert_eq!(signed_out.at, start());
    let events: HashSet<_> = heard.iter().map(|ended| ended.event_id).collect();
    assert_eq!(events.len(), heard.len());
}

#[tokio::test(start_paused = true)]
async fn s14_what_the_hook_fails_at_is_handed_out_again_when_its_lease_is_over() {
    let (mut lab, _, news) = with_news();
    lab.sign_in("alice").await;
    lab.sign_out().await;
    news.fails.store(2, Ordering::Relaxed);
    let task = EndedTask::new(&lab.config).unwrap().lease(MINUTE);
    assert_eq!(task.run_once().await.unwrap(), 0);
    assert_eq!(task.run_once().await.unwrap(), 0, "it is leased");
    lab.clock.advance(MINUTE);
    assert_eq!(task.run_once().await.unwrap(), 0);
    lab.clock.advance(MINUTE);
    // One that hangs is given up in time for another to try.
    news.hangs.store(true, Ordering::Relaxed);
    let began = tokio::time::Instant::now();
    assert_eq!(task.run_once().await.unwrap(), 0);
    assert_eq!(began.elapsed(), MINUTE / 2);
    news.hangs.store(false, Ordering::Relaxed);
    lab.clock.advance(MINUTE);
    assert_eq!(task.run_once().await.unwrap(), 1);
    assert_eq!(news.heard().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn s14_the_task_hears_of_its_own_nodes_ends_at_once() {
    let (mut lab, bench, news) = with_news();
    let task = EndedTask::new(&lab.config)
        .unwrap()
        .poll_interval(HOUR)
        .spawn();
    tokio::time::sleep(Duration::from_secs(1)).await;
    bench.counter.reset();
    lab.sign_in("alice").await;
    lab.sign_out().await;
    tokio::time::sleep(Duration::from_millis(10)).await;
    assert_eq!(news.heard().len(), 1);
    task.stop().await;
}

struct Panics;

impl EndedHook for Panics {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        panic!("at {}", ended.reason)
    }
}

#[tokio::test(start_paused = true)]
async fn s14_a_hook_that_panics_does_not_end_the_task() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.ended_hook(Panics));
    lab.sign_in("alice").await;
    lab.sign_out().await;
    let task = EndedTask::new(&lab.config).unwrap().spawn();
    tokio::time::sleep(MINUTE).await;
    let polls = bench.counter.count(Operation::TakeEnded);
    assert!(polls > 10, "{polls}");
    task.stop().await;
}

#[tokio::test]
async fn s14_in_cookies_the_hook_is_called_in_the_request() {
    let news = News::default();
    let hook = news.clone();
    let mut lab = Lab::with(|config| config.ended_hook(hook));
    lab.sign_in("alice").await;
    lab.sign_in("bob").await;
    lab.sign_out().await;
    lab.sign_out().await;
    news.fails.store(1, Ordering::Relaxed);
    lab.sign_in("carol").await;
    lab.sign_out().await;
    let told = [
        (EndReason::UserSwitch, "alice".to_owned()),
        (EndReason::SignOut, "bob".to_owned()),
    ];
    assert_eq!(news.heard(), told);
}

async fn activity(lab: &Lab, client: &str, extension: Extension) -> Option<SessionInfo> {
    let id = SessionId::parse(lab.browser.cookie(SID).unwrap()).unwrap();
    let admin = admin(lab);
    admin
        .validate("alice", id, client, extension)
        .await
        .unwrap()
}

#[tokio::test]
async fn s15_a_clients_activity_is_checked_and_extends_only_if_asked_to() {
    let (mut lab, _) = Lab::in_store_with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let expires = |session: Option<SessionInfo>| {
        session.map(|session| session.expires.duration_since(start()).unwrap().as_secs() / 3600)
    };
    let table = [
        (
            "a client that is not in it",
            1,
            "client2",
            Extension::Extend,
            None,
        ),
        ("left alone", 1, "client1", Extension::Leave, Some(10)),
        ("extended", 2, "client1", Extension::Extend, Some(12)),
        ("left alone again", 4, "client1", Extension::Leave, Some(12)),
        (
            "near the absolute limit",
            11,
            "client1",
            Extension::Extend,
            Some(21),
        ),
        ("not past it", 20, "client1", Extension::Extend, Some(24)),
        ("at it", 24, "client1", Extension::Extend, None),
    ];
    for (name, hours, client, extension, expected) in table {
        lab.clock.set(start() + hours * HOUR);
        let session = activity(&lab, client, extension).await;
        assert_eq!(expires(session), expected, "{name}");
    }
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn s15_without_sliding_activity_is_noted_and_extends_nothing() {
    let (mut lab, _) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    lab.clock.advance(HOUR);
    let session = activity(&lab, "client1", Extension::Extend).await.unwrap();
    assert_eq!(session.expires, start() + 10 * HOUR);
    assert_eq!(session.last_active, start() + HOUR);
}

#[tokio::test]
async fn s15_a_session_that_has_ended_or_was_tampered_with_is_none() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let id = SessionId::parse(lab.browser.cookie(SID).unwrap()).unwrap();
    let filter = Filter::session_id(id);
    let mut record = bench
        .store
        .find(&filter, 1, lab.now())
        .await
        .unwrap()
        .remove(0);
    assert!(activity(&lab, "client1", Extension::Leave).await.is_some());
    let other = admin(&lab);
    let mallorys = other
        .validate("mallory", id, "client1", Extension::Leave)
        .await;
    assert_eq!(mallorys.unwrap(), None);
    // Somebody has put the client into a record whose ticket is broken.
    record.ticket[50] ^= 1;
    bench.overwrite(&record).await;
    assert_eq!(activity(&lab, "client1", Extension::Extend).await, None);
}

#[tokio::test]
async fn s15_a_client_that_has_left_is_not_told_of_the_end() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    lab.add_client("client2").await;
    let id = SessionId::parse(lab.browser.cookie(SID).unwrap()).unwrap();
    let admin = admin(&lab);
    let remove =
        async |subject: &str, client: &str| admin.remove_client(subject, id, client).await.unwrap();
    assert!(!remove("mallory", "client1").await);
    assert!(remove("alice", "client1").await);
    assert!(!remove("alice", "client1").await);
    assert_eq!(lab.seen().await, "alice [client2]");
    lab.sign_out().await;
    let taken = bench.store.take_ended(MINUTE, 10, lab.now()).await.unwrap();
    assert_eq!(taken[0].ended.clients, ["client2"]);
    assert!(!remove("alice", "client2").await);
}

/// A token's claims come from elsewhere: a subject that nobody can have is an error of its own, and no outage of a store that has no such text.
#[tokio::test]
async fn s15_subjects_that_nobody_can_have_are_refused() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let id = SessionId::parse(lab.browser.cookie(SID).unwrap()).unwrap();
    let admin = admin(&lab);
    bench.counter.reset();
    for subject in ["", "\0", "alice\0", "alice\n"] {
        let leave = Extension::Leave;
        let validated = admin.validate(subject, id, "client1", leave).await;
        let removed = admin.remove_client(subject, id, "client1").await;
        for outcome in [validated.map(drop), removed.map(drop)] {
            let error = outcome.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidFilter, "{subject:?}");
        }
    }
    let removed = admin.remove_client("alice", id, "client1\0").await;
    assert_eq!(removed.unwrap_err().kind(), ErrorKind::InvalidClientId);
    assert_eq!(bench.counter.total(), 0, "the store is not asked");
    let long = "alice".repeat(2000);
    let validated = admin.validate(&long, id, "client1", Extension::Leave).await;
    assert_eq!(validated.unwrap(), None);
    assert!(!admin.remove_client(&long, id, "client1").await.unwrap());
}

/// Outside of a request, and with nothing but the configuration.
#[tokio::test]
async fn s10_debug_shows_no_session_id_and_no_name() {
    let (mut lab, _) = Lab::in_store();
    let ids = sign_in_all(&mut lab, &["alice"]).await;
    let admin = admin(&lab);
    let page = admin.query(&SessionQuery::everyone()).await.unwrap();
    let config: &SessionConfig = &lab.config;
    let shown = format!("{page:?} {admin:?} {config:?}");
    assert!(
        !shown.contains(ids[0].as_str()) && !shown.contains("alice"),
        "{shown}"
    );
}
