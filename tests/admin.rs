//! Finding, paging through and ending sessions, for administrators and for users; what clients do elsewhere.

mod support;

use axum_user_session::{
    KeyRing, SessionConfig,
    admin::{Extension, SessionAdmin, SessionInfo, SessionPage, SessionQuery},
    cleanup::{CleanupTask, EndedTask},
    ended::EndReason,
    error::ErrorKind,
    id::SessionId,
    store::{Filter, Selection, SessionStore},
    testing::{Fault, Operation},
};
use support::*;

fn admin(lab: &Lab) -> SessionAdmin {
    SessionAdmin::new(&lab.config).unwrap()
}

fn subjects(sessions: &[SessionInfo]) -> Vec<&str> {
    sessions.iter().map(|session| &*session.subject).collect()
}

#[tokio::test]
async fn s10_find_by_subject_and_session_id() {
    let (mut lab, _) = Lab::in_store();
    let ids = lab.sign_in_all(&["alice", "bob", "alice"]).await;
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
    lab.sign_in_all(&names).await;
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
        lab.sign_in_all(&[subject]).await;
        browsers.push(lab.browser.clone());
        lab.sign_in_all(&["passing"]).await;
    }
    let admin = admin(&lab);
    let mut seen = Vec::new();
    let mut token = None;
    for round in 0.. {
        let page = page(&admin, token.as_deref()).await;
        seen.extend(page.sessions.into_iter().map(|session| session.subject));
        // Somebody comes, somebody signs in again, and some go.
        lab.sign_in_all(&["new"]).await;
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
    lab.sign_in_all(&["a", "b", "c", "d", "alice", "alice"])
        .await;
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
    lab.sign_in_all(&["a", "b", "c"]).await;
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
    lab.sign_in_all(&["alice", "bob", "alice", "alice2"]).await;
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
    lab.sign_in_all(&["alice"]).await;
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
    let ids = lab.sign_in_all(&["alice", "bob", "alice"]).await;
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
    let ids = lab.sign_in_all(&["alice", "bob", "alice"]).await;
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
    lab.sign_in_all(&["alice", "alice", "bob", "alice"]).await;
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
    let ids = lab.sign_in_all(&["alice"]).await;
    let admin = admin(&lab);
    let page = admin.query(&SessionQuery::everyone()).await.unwrap();
    let config: &SessionConfig = &lab.config;
    let shown = format!("{page:?} {admin:?} {config:?}");
    assert!(
        !shown.contains(ids[0].as_str()) && !shown.contains("alice"),
        "{shown}"
    );
}
