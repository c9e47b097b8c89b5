//! Section C of the contract through the public face: sessions in a store.

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use axum_user_session::{
    AuthenticationProperties, KeyRing, Principal, UserSession,
    config::WhenReached,
    ended::{EndReason, Ended},
    error::ErrorKind,
    id::{ClientId, SessionId},
    store::{ClientAdded, Device, End, Filter, MemoryStore, Record, Selection, SessionStore},
    testing::{Fault, Operation},
};
use support::*;

/// The one record in a store.
async fn only_record(lab: &Lab, bench: &Bench) -> Record {
    let mut records = bench.records(lab.now()).await;
    assert_eq!(records.len(), 1);
    records.remove(0)
}

#[tokio::test]
async fn s1_the_cookie_is_a_reference_of_constant_size() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let small = lab.browser.cookie(AUTH).unwrap().to_owned();
    let picture = "x".repeat(20_000);
    lab.visit(|session| async move {
        let user = Principal::builder("bob").claim("picture", picture).build();
        session.sign_in(user).await.unwrap();
        for number in 0..100 {
            session
                .add_client_id(format!("client{number}"))
                .await
                .unwrap();
        }
    })
    .await;
    assert_eq!(lab.browser.cookie(AUTH).unwrap().len(), small.len());
    assert!(small.len() < 130, "{}", small.len());
    let record = only_record(&lab, &bench).await;
    assert_eq!((&*record.subject, record.clients.len()), ("bob", 100));
}

#[tokio::test]
async fn s1_a_copy_of_the_store_opens_no_session() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let record = only_record(&lab, &bench).await;
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    for bytes in [&record.key.as_bytes()[..], &record.ticket] {
        let mut thief = lab.other_browser();
        thief.plant(AUTH, &BASE64_URL_SAFE_NO_PAD.encode(bytes));
        lab.script.set(|session| async move { report(&session) });
        assert_eq!(thief.get("/").await.body, "nobody");
    }
    // What is sealed there says nothing to whoever has no key.
    let shown = String::from_utf8_lossy(&record.ticket).into_owned();
    assert!(!shown.contains("alice"));
}

#[tokio::test]
async fn s2_the_record_says_who_when_and_where_from() {
    let (mut lab, bench) = Lab::in_store();
    lab.visit(|session| async move {
        let device = Device::new()
            .with_user_agent("Browser/1")
            .with_address("192.0.2.1");
        let properties = AuthenticationProperties::new().with_device(device);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    })
    .await;
    let record = only_record(&lab, &bench).await;
    assert_eq!(record.session_id.as_str(), lab.browser.cookie(SID).unwrap());
    assert_eq!(record.display_name.as_deref(), Some("alice Smith"));
    assert_eq!((record.created, record.renewed), (start(), start()));
    assert_eq!(record.expires, start() + 10 * HOUR);
    assert_eq!(record.device.user_agent(), Some("Browser/1"));
    assert_eq!(record.device.address(), Some("192.0.2.1"));
    assert_eq!(record.version, 1);
}

#[tokio::test]
async fn s4_a_client_needs_no_cookie_and_is_seen_by_every_request() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let page = lab.add_client("client1").await;
    assert_eq!(page.set_cookies(), [""; 0]);
    assert_eq!(lab.seen().await, "alice [client1]");
    // One that another node adds is there at the next request, and is no news then.
    let key = only_record(&lab, &bench).await.key;
    let client = ClientId::parse("client2").unwrap();
    let added = bench.store.add_client(&key, &client, lab.now()).await;
    assert_eq!(added.unwrap(), ClientAdded::Added);
    lab.visit(|session| async move {
        assert!(!session.add_client_id("client2").await.unwrap());
        assert_eq!(session.client_list(), ["client1", "client2"]);
    })
    .await;
}

#[tokio::test]
async fn s4_a_client_that_was_added_meanwhile_is_not_new() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let (store, now) = (bench.store.clone(), lab.now());
    let key = only_record(&lab, &bench).await.key;
    lab.visit(move |session| async move {
        let client = ClientId::parse("client1").unwrap();
        store.add_client(&key, &client, now).await.unwrap();
        assert!(!session.add_client_id("client1").await.unwrap());
        assert_eq!(session.client_list(), ["client1"]);
    })
    .await;
}

#[tokio::test]
async fn s5_signing_in_again_gives_a_fresh_reference_to_the_same_session() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let (old, id) = (
        lab.browser.cookie(AUTH).unwrap().to_owned(),
        lab.browser.cookie(SID).unwrap().to_owned(),
    );
    let before = only_record(&lab, &bench).await;
    lab.clock.advance(MINUTE);
    // A client that this request has not loaded is kept all the same.
    let (store, now) = (bench.store.clone(), lab.now());
    lab.visit(move |session| async move {
        let client = ClientId::parse("client2").unwrap();
        store.add_client(&before.key, &client, now).await.unwrap();
        let signed_in = session.sign_in(user("alice")).await.unwrap();
        assert_eq!(signed_in.ended(), None);
        assert_eq!(report(&session), "alice [client1,client2]");
    })
    .await;
    assert_ne!(lab.browser.cookie(AUTH).unwrap(), old);
    assert_eq!(lab.browser.cookie(SID).unwrap(), id);
    let after = only_record(&lab, &bench).await;
    assert_ne!(after.key, before.key);
    assert_eq!((after.created, after.version), (before.created, 1));
    assert_eq!(bench.ends(lab.now()).await, []);

    // The old one is nobody, and must not clear what the new one has set.
    let mut copy = lab.other_browser();
    copy.plant(AUTH, &old);
    lab.script.set(|session| async move { report(&session) });
    let page = copy.get("/").await;
    assert_eq!((&*page.body, page.set_cookies().len()), ("nobody", 0));
}

#[tokio::test]
async fn s5_another_user_ends_the_session_before() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.issuer("https://id.example"));
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let id = lab.browser.cookie(SID).unwrap().to_owned();
    lab.visit(move |session| async move {
        let signed_in = session.sign_in(user("bob")).await.unwrap();
        let ended = signed_in.ended().unwrap();
        assert_eq!(ended.session_id.as_str(), id);
        assert_eq!(ended.clients, ["client1"]);
        assert_eq!(ended.reason, EndReason::UserSwitch);
        assert_eq!(ended.issuer.as_deref(), Some("https://id.example"));
        assert_eq!(report(&session), "bob []");
    })
    .await;
    assert_eq!(only_record(&lab, &bench).await.subject, "bob");
    let expected = (EndReason::UserSwitch, "alice".to_owned());
    assert_eq!(bench.ends(lab.now()).await, [expected]);
}

#[tokio::test]
async fn s5_another_session_id_ends_the_session_before() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        properties.set_session_id(SessionId::parse("another").unwrap());
        let signed_in = session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
        assert_eq!(signed_in.ended().unwrap().reason, EndReason::Replaced);
        assert_eq!(report(&session), "alice []");
    })
    .await;
    let expected = (EndReason::Replaced, "alice".to_owned());
    assert_eq!(bench.ends(lab.now()).await, [expected]);
    only_record(&lab, &bench).await;
}

/// The session was revoked while the request ran: signing in begins a new one, and does not bring the old id back.
#[tokio::test]
async fn s5_signing_in_to_a_session_that_has_just_ended_begins_another() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let id = lab.browser.cookie(SID).unwrap().to_owned();
    let (store, now) = (bench.store.clone(), lab.now());
    let key = only_record(&lab, &bench).await.key;
    lab.visit(move |session| async move {
        let end = End::because(EndReason::Revoked);
        store.delete(&key, end, now).await.unwrap().unwrap();
        let signed_in = session.sign_in(user("alice")).await.unwrap();
        assert_ne!(signed_in.session_id().as_str(), id);
        assert_eq!(signed_in.ended(), None, "another has told of it");
        assert_eq!(report(&session), "alice []");
    })
    .await;
    assert_eq!(lab.seen().await, "alice []");
    only_record(&lab, &bench).await;
}

#[tokio::test]
async fn s6_after_a_sign_out_a_copy_of_the_cookie_is_nobody() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let copy = lab.browser.cookie(AUTH).unwrap().to_owned();
    let found = Arc::new(Mutex::new(None::<Ended>));
    let seen = Arc::clone(&found);
    let page = lab.visit(|session| async move {
        *seen.lock().unwrap() = session.sign_out().await.unwrap();
        assert_eq!(session.sign_out().await.unwrap(), None);
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "nobody");
    assert!(is_expired(&page, AUTH) && is_expired(&page, SID));
    let ended = found.lock().unwrap().take().unwrap();
    assert_eq!(ended.clients, ["client1"]);
    assert_eq!(ended.reason, EndReason::SignOut);

    let mut thief = lab.other_browser();
    thief.plant(AUTH, &copy);
    // Shortly after it is left alone, for another response may be about to set the next one; later it is cleared.
    for (wait, cleared) in [(Duration::ZERO, false), (2 * MINUTE, true)] {
        lab.clock.advance(wait);
        lab.script.set(|session| async move { report(&session) });
        let page = thief.get("/").await;
        assert_eq!(page.body, "nobody");
        assert_eq!(is_expired(&page, AUTH), cleared, "after {wait:?}");
    }
    assert_eq!(bench.records(lab.now()).await, []);
}

#[tokio::test]
async fn s7_a_reading_request_is_one_round_trip_and_a_visitor_none() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.sliding(true));
    assert_eq!(lab.seen().await, "nobody");
    assert_eq!(bench.counter.total(), 0, "{:?}", bench.counter);
    lab.browser.plant("other", "1");
    lab.browser.plant(AUTH, "forged");
    assert_eq!(lab.seen().await, "nobody");
    assert_eq!(bench.counter.total(), 0, "{:?}", bench.counter);

    lab.sign_in("alice").await;
    for wait in [Duration::ZERO, MINUTE, HOUR, 9 * HOUR] {
        lab.clock.advance(wait);
        bench.counter.reset();
        let page = lab.visit(|session| async move {
            for _ in 0..3 {
                session.user().unwrap();
                session.client_list();
                session.authenticate().await.unwrap().unwrap();
            }
        });
        assert_eq!(page.await.set_cookies(), [""; 0]);
        assert_eq!(
            bench.counter.total(),
            1,
            "after {wait:?}: {:?}",
            bench.counter
        );
        assert_eq!(bench.counter.count(Operation::Load), 1);
    }
}

#[tokio::test]
async fn s7_use_is_noted_once_a_minute_and_extends_the_session() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    let table = [
        ("before a minute", 59, 0),
        ("at a minute", 60, 60),
        ("right after", 61, 60),
        ("hours later", 9 * 3600, 9 * 3600),
        ("near the absolute limit", 17 * 3600, 17 * 3600),
    ];
    for (name, at, noted) in table {
        lab.clock.set(start() + Duration::from_secs(at));
        assert_eq!(lab.seen().await, "alice []", "{name}");
        let record = only_record(&lab, &bench).await;
        let noted = start() + Duration::from_secs(noted);
        assert_eq!(record.renewed, noted, "{name}");
        let expires = (noted + 10 * HOUR).min(start() + 24 * HOUR);
        assert_eq!(record.expires, expires, "{name}");
    }
    lab.clock.set(start() + 24 * HOUR);
    assert_eq!(lab.seen().await, "nobody", "the absolute limit");
}

#[tokio::test]
async fn s7_without_sliding_use_is_noted_and_extends_nothing() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.clock.advance(HOUR);
    lab.seen().await;
    let record = only_record(&lab, &bench).await;
    assert_eq!(record.renewed, start() + HOUR);
    assert_eq!(record.expires, start() + 10 * HOUR);
}

#[tokio::test]
async fn s7_refresh_forbidden_is_not_extended() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.sliding(true));
    lab.visit(|session| async move {
        let properties = AuthenticationProperties::new().with_allow_refresh(false);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    })
    .await;
    lab.clock.advance(HOUR);
    lab.seen().await;
    let record = only_record(&lab, &bench).await;
    assert_eq!(record.expires, start() + 10 * HOUR);
}

#[tokio::test]
async fn s7_a_persistent_cookie_lasts_to_the_absolute_limit() {
    let (mut lab, _) = Lab::in_store_with(|config| config.sliding(true));
    let page = lab.visit(|session| async move {
        let properties = AuthenticationProperties::new().with_persistent(true);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    });
    let page = page.await;
    assert!(header(&page, AUTH).contains("; Max-Age=86400;"), "{page:?}");
    lab.browser.restart();
    lab.clock.advance(9 * HOUR);
    assert_eq!(lab.seen().await, "alice []");
    lab.clock.advance(9 * HOUR);
    let (seen, page) = lab.look().await;
    assert_eq!((&*seen, page.set_cookies().len()), ("alice []", 0));
}

#[tokio::test]
async fn s7_a_clock_that_steps_back_extends_and_ends_nothing() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    lab.clock.advance(HOUR);
    lab.seen().await;
    let before = only_record(&lab, &bench).await;
    lab.clock.set(start() - 5 * MINUTE);
    assert_eq!(lab.seen().await, "alice []");
    lab.add_client("client1").await;
    assert_eq!(lab.seen().await, "alice [client1]");
    let after = only_record(&lab, &bench).await;
    assert_eq!(after.expires, before.expires);
}

/// What a record is made of is what it was sealed with, or it is none.
#[tokio::test]
async fn s8_records_that_were_tampered_with_are_no_session() {
    type Tamper = fn(&mut Record, &Record);
    let table: [(&str, Tamper); 7] = [
        ("a bit of the ticket", |record, _| record.ticket[40] ^= 1),
        ("a cut ticket", |record, _| record.ticket.truncate(60)),
        ("an empty ticket", |record, _| record.ticket.clear()),
        ("another subject", |record, _| {
            record.subject = "mallory".to_owned()
        }),
        ("another session id", |record, other| {
            record.session_id = other.session_id
        }),
        ("the ticket of another row", |record, other| {
            record.ticket = other.ticket.clone();
        }),
        ("all of another row", |record, other| {
            *record = Record {
                key: record.key,
                ..other.clone()
            };
        }),
    ];
    for (name, tamper) in table {
        let (mut lab, bench) = Lab::in_store();
        lab.sign_in("mallory").await;
        let other = only_record(&lab, &bench).await;
        lab.browser = lab.other_browser();
        lab.sign_in("alice").await;
        let alice = Filter::subject("alice").unwrap();
        let records = bench.store.find(&alice, 1, lab.now()).await.unwrap();
        let mut record = records[0].clone();
        tamper(&mut record, &other);
        bench.overwrite(&record).await;

        let (seen, page) = lab.look().await;
        assert_eq!(seen, "nobody", "{name}");
        assert!(is_expired(&page, AUTH), "{name}");
        let left = bench.records(lab.now()).await;
        assert_eq!(
            left,
            [other],
            "{name}: the record is removed, and nothing else"
        );
    }
}

#[tokio::test]
async fn s8_a_longer_expiry_in_the_store_does_not_pass_the_sealed_limit() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let mut record = only_record(&lab, &bench).await;
    record.expires += 1000 * HOUR;
    bench.overwrite(&record).await;
    lab.clock.advance(23 * HOUR);
    assert_eq!(lab.seen().await, "alice []");
    lab.clock.advance(HOUR);
    assert_eq!(lab.seen().await, "nobody");
    let expected = (EndReason::Expired, "alice".to_owned());
    assert_eq!(bench.ends(lab.now()).await, [expected]);
}

#[tokio::test]
async fn s8_a_missing_record_clears_the_cookies() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let key = only_record(&lab, &bench).await.key;
    let end = End::because(EndReason::Revoked);
    bench.store.delete(&key, end, lab.now()).await.unwrap();
    lab.clock.advance(2 * MINUTE);
    let (seen, page) = lab.look().await;
    assert_eq!(seen, "nobody");
    assert!(is_expired(&page, AUTH) && is_expired(&page, SID));
}

/// A key that this node does not have, or has no more, is another's business.
#[tokio::test]
async fn s8_a_record_under_an_unknown_key_is_left_alone() {
    let ring = KeyRing::ephemeral();
    let bench = Bench::new();
    let mut lab = Lab::with_ring(ring.clone(), |config| config.store(bench.watched()));
    lab.sign_in("alice").await;
    let record = only_record(&lab, &bench).await;
    let old = ring.keys()[0].id();
    ring.promote(ring.add().unwrap()).unwrap();

    // The reference is sealed anew by hand, as if only the record's key was unknown here.
    let other_ring = KeyRing::ephemeral();
    let mut elsewhere = Lab::with_ring(other_ring, |config| config.store(bench.watched()));
    elsewhere.sign_in("alice").await;
    let mut foreign = bench.records(lab.now()).await;
    foreign.retain(|found| found.key != record.key);
    let sealed_elsewhere = Record {
        ticket: foreign[0].ticket.clone(),
        ..record.clone()
    };
    bench.overwrite(&sealed_elsewhere).await;
    let (seen, page) = lab.look().await;
    assert_eq!((&*seen, page.set_cookies().len()), ("nobody", 0));
    assert_eq!(
        bench.records(lab.now()).await.len(),
        2,
        "nothing is removed"
    );

    // The same with a key that was here once.
    bench.overwrite(&record).await;
    ring.retire_and_sign_out_its_sessions(old).unwrap();
    let (seen, page) = lab.look().await;
    assert_eq!((&*seen, page.set_cookies().len()), ("nobody", 0));
    assert_eq!(
        bench.records(lab.now()).await.len(),
        2,
        "nothing is removed"
    );
}

#[tokio::test]
async fn k9_a_record_under_an_old_key_is_sealed_anew_by_the_next_request() {
    let ring = KeyRing::ephemeral();
    let bench = Bench::new();
    let mut lab = Lab::with_ring(ring.clone(), |config| config.store(bench.watched()));
    lab.sign_in("alice").await;
    let before = only_record(&lab, &bench).await;
    ring.promote(ring.add().unwrap()).unwrap();
    bench.counter.reset();
    lab.visit(|session| async move {
        session.set_item("item", "value").await.unwrap();
    })
    .await;
    assert_eq!(bench.counter.count(Operation::Update), 2);
    assert_eq!(bench.counter.count(Operation::Load), 1);
    let after = only_record(&lab, &bench).await;
    assert_ne!(after.ticket[..9], before.ticket[..9], "version and key id");
    bench.counter.reset();
    assert_eq!(lab.seen().await, "alice []");
    assert_eq!(bench.counter.total(), 1, "it is done once");
}

#[tokio::test(start_paused = true)]
async fn s9_an_outage_is_503_touches_no_cookie_and_passes() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let before = lab.browser.cookie_header("/");
    for (name, fault) in [
        ("refused", Fault::refuse()),
        ("too late", Fault::delay(10 * MINUTE)),
        ("answered too late", Fault::delay_reply(10 * MINUTE)),
    ] {
        bench.faults.inject(fault);
        let began = tokio::time::Instant::now();
        let page = lab.visit(handler_that_must_not_run).await;
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{name}");
        assert_eq!(page.header("retry-after"), Some("5"), "{name}");
        assert_eq!(page.set_cookies(), [""; 0], "{name}");
        assert!(began.elapsed() <= Duration::from_secs(1), "{name}");
        bench.faults.clear();
        assert_eq!(lab.seen().await, "alice []", "{name}: back again");
    }
    assert_eq!(lab.browser.cookie_header("/"), before);
}

/// However many steps there are: two references one after the other, of which each alone would be in time.
#[tokio::test(start_paused = true)]
async fn s9_all_that_loading_takes_has_one_limit() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let alices = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.browser = lab.other_browser();
    lab.sign_in("bob").await;
    let bobs = lab.browser.cookie(AUTH).unwrap();
    let cookies = format!("{AUTH}={alices}; {AUTH}={bobs}");
    bench
        .faults
        .inject(Fault::delay(Duration::from_millis(600)));
    lab.script.set(handler_that_must_not_run);
    let request = Request::get("/").header("cookie", cookies);
    let began = tokio::time::Instant::now();
    let page = lab.browser.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}

/// What is done beside the loading must not cost the session.
#[tokio::test(start_paused = true)]
async fn s9_a_session_that_can_not_be_sealed_anew_in_time_is_there_all_the_same() {
    let ring = KeyRing::ephemeral();
    let bench = Bench::new();
    let mut lab = Lab::with_ring(ring.clone(), |config| config.store(bench.watched()));
    lab.sign_in("alice").await;
    ring.promote(ring.add().unwrap()).unwrap();
    bench
        .faults
        .inject(Fault::delay(HOUR).on(Operation::Update).once());
    let began = tokio::time::Instant::now();
    assert_eq!(lab.seen().await, "alice []");
    assert_eq!(began.elapsed(), Duration::from_secs(1));
}

/// A switch of users creates one record and ends another.
#[tokio::test(start_paused = true)]
async fn s9_all_that_a_change_takes_has_one_limit() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let faults = bench.faults.clone();
    let page = lab.visit(move |session| async move {
        for operation in [Operation::Create, Operation::Delete] {
            faults.inject(Fault::delay(Duration::from_secs(3)).on(operation).once());
        }
        let began = tokio::time::Instant::now();
        let error = session.sign_in(user("bob")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        report(&session)
    });
    assert_eq!(page.await.body, "alice []");
    settled(&lab, &bench, 1).await;
    assert_eq!(only_record(&lab, &bench).await.subject, "alice");
}

#[tokio::test]
async fn s9_a_full_store_refuses_sign_ins_and_keeps_its_sessions() {
    let store = MemoryStore::new(2);
    let mut lab = Lab::with(|config| config.store(store.clone()));
    let mut browsers = Vec::new();
    for subject in ["alice", "bob"] {
        lab.browser = lab.other_browser();
        lab.sign_in(subject).await;
        browsers.push((subject, lab.browser.clone()));
    }
    lab.browser = lab.other_browser();
    let page = lab.visit(|session| async move {
        let refused = session.sign_in(user("carol")).await.map(drop);
        let kind = refused.as_ref().map_err(axum_user_session::Error::kind);
        assert_eq!(kind, Err(ErrorKind::StoreFull));
        assert_eq!(report(&session), "nobody");
        refused
    });
    let page = page.await;
    assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(page.header("retry-after"), Some("5"));
    assert_eq!(page.set_cookies(), [""; 0]);
    for (subject, browser) in browsers {
        lab.browser = browser;
        assert_eq!(lab.seen().await, format!("{subject} []"));
        // Who is in may sign in again: it takes no further room.
        lab.sign_in(subject).await;
        assert_eq!(lab.seen().await, format!("{subject} []"));
    }
    lab.sign_out().await;
    lab.sign_in("carol").await;
    assert_eq!(lab.seen().await, "carol []");
}

#[tokio::test]
async fn s9_one_lost_answer_is_asked_for_again() {
    for fault in [Fault::refuse, Fault::lose_reply] {
        let (mut lab, bench) = Lab::in_store();
        let arm = |operation| bench.faults.inject(fault().on(operation).once());
        arm(Operation::Create);
        lab.sign_in("alice").await;
        arm(Operation::Load);
        assert_eq!(lab.seen().await, "alice []");
        arm(Operation::AddClient);
        let page = lab.visit(|session| async move {
            assert!(session.add_client_id("client1").await.unwrap(), "it is new");
        });
        assert_eq!(page.await.status, StatusCode::OK);
        arm(Operation::Update);
        lab.visit(|session| async move { session.set_item("a", "b").await.unwrap() })
            .await;
        assert_eq!(only_record(&lab, &bench).await.version, 2, "once");
        arm(Operation::Replace);
        lab.sign_in("alice").await;
        assert_eq!(lab.seen().await, "alice [client1]");
        arm(Operation::Delete);
        let page = lab.visit(|session| async move {
            let ended = session.sign_out().await.unwrap();
            ended.unwrap().clients[0].to_string()
        });
        assert_eq!(page.await.body, "client1");
        assert_eq!(bench.faults.hits(), 6);
        assert_eq!(bench.ends(lab.now()).await.len(), 1);
        assert_eq!(lab.seen().await, "nobody");
    }
}

#[tokio::test]
async fn s9_a_change_that_fails_leaves_the_session_as_it_was() {
    let (mut lab, bench) = Lab::in_store();
    bench.faults.inject(Fault::refuse());
    let page = lab.visit(|session| async move {
        let error = session.sign_in(user("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        assert!(std::error::Error::source(&error).is_some());
        report(&session)
    });
    let page = page.await;
    assert_eq!((&*page.body, page.set_cookies().len()), ("nobody", 0));
    bench.faults.clear();
    lab.sign_in("alice").await;

    let faults = bench.faults.clone();
    let page = lab.visit(move |session| async move {
        faults.inject(Fault::refuse());
        let errors = [
            session.sign_in(user("bob")).await.map(drop),
            session.sign_out().await.map(drop),
            session.add_client_id("client1").await.map(drop),
            session.set_item("a", "b").await,
            session.refresh(user("alice")).await,
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().kind(), ErrorKind::Unavailable);
        }
        faults.clear();
        report(&session)
    });
    let page = page.await;
    assert_eq!((&*page.body, page.set_cookies().len()), ("alice []", 0));
    assert_eq!(lab.seen().await, "alice []");
}

/// The new user's record is there when the old one's can't be ended: then nobody new is signed in, and nothing is left over.
#[tokio::test]
async fn s9_a_user_switch_that_fails_half_way_is_undone() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    bench
        .faults
        .inject(Fault::refuse().on(Operation::Delete).times(2));
    let page = lab.visit(|session| async move {
        let error = session.sign_in(user("bob")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unavailable);
        report(&session)
    });
    let page = page.await;
    assert_eq!((&*page.body, page.set_cookies().len()), ("alice []", 0));
    settled(&lab, &bench, 1).await;
    assert_eq!(only_record(&lab, &bench).await.subject, "alice");
}

/// Waits for what is done beside the requests.
async fn settled(lab: &Lab, bench: &Bench, records: usize) {
    for _ in 0..1000 {
        if bench.records(lab.now()).await.len() == records {
            return;
        }
        tokio::task::yield_now().await;
    }
    panic!("there are not {records} records");
}

#[tokio::test]
async fn s12_one_session_too_many() {
    for when_reached in [WhenReached::Deny, WhenReached::EndOldest] {
        let (mut lab, bench) = Lab::in_store_with(|config| config.session_limit(2, when_reached));
        let mut browsers = Vec::new();
        for _ in 0..2 {
            lab.browser = lab.other_browser();
            lab.sign_in("alice").await;
            browsers.push(lab.browser.clone());
            lab.clock.advance(MINUTE);
        }
        // To sign in again is no further session.
        lab.sign_in("alice").await;
        browsers[1] = lab.browser.clone();

        lab.browser = lab.other_browser();
        let page = lab.visit(|session| async move {
            match session.sign_in(user("alice")).await {
                Ok(_) => "in".to_owned(),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::LimitReached);
                    report(&session)
                }
            }
        });
        let (expected, first) = match when_reached {
            WhenReached::Deny => ("nobody", "alice []"),
            WhenReached::EndOldest => ("in", "nobody"),
        };
        assert_eq!(page.await.body, expected);
        lab.sign_in("bob").await;
        lab.browser = browsers.remove(0);
        assert_eq!(lab.seen().await, first, "{when_reached:?}");
        lab.browser = browsers.remove(0);
        assert_eq!(lab.seen().await, "alice []", "{when_reached:?}");
        drop(bench);
    }
}

#[tokio::test]
async fn s13_a_request_that_meets_an_expired_session_ends_it() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    lab.clock.advance(10 * HOUR);
    let (seen, page) = lab.look().await;
    assert_eq!(seen, "nobody");
    assert_eq!(
        page.set_cookies(),
        [""; 0],
        "another response may be about to set the next ones"
    );
    let expected = (EndReason::Expired, "alice".to_owned());
    assert_eq!(bench.ends(lab.now()).await, [expected]);
    lab.clock.advance(2 * MINUTE);
    let (_, page) = lab.look().await;
    assert!(is_expired(&page, AUTH));
}

#[tokio::test]
async fn s1_changes_are_written_and_conflicts_are_tried_again() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    // Two requests that have loaded the same version.
    let page = lab.visit(|session| async move {
        session.set_item("one", "1").await.unwrap();
        session.refresh(user("alice")).await.unwrap();
        session
            .properties()
            .unwrap()
            .item("one")
            .unwrap()
            .to_owned()
    });
    let page = page.await;
    assert_eq!((&*page.body, page.set_cookies().len()), ("1", 0));
    let kept = Arc::new(Mutex::new(None::<UserSession>));
    let keep = Arc::clone(&kept);
    lab.visit(|session| async move { *keep.lock().unwrap() = Some(session) })
        .await;
    lab.visit(|session| async move { session.set_item("two", "2").await.unwrap() })
        .await;
    // The response of the first was sent long ago; what needs no cookie is written all the same.
    let late = kept.lock().unwrap().take().unwrap();
    late.set_item("three", "3").await.unwrap();
    late.add_client_id("client1").await.unwrap();
    lab.visit(|session| async move {
        let items = session.properties().unwrap();
        let items = ["one", "two", "three"].map(|name| items.item(name).unwrap().to_owned());
        assert_eq!(items, ["1", "2", "3"]);
        assert_eq!(session.client_list(), ["client1"]);
    })
    .await;
    assert_eq!(only_record(&lab, &bench).await.version, 5);
}

#[tokio::test]
async fn s6_after_the_response_a_sign_out_ends_the_session_and_says_that_no_cookie_was_sent() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let kept = Arc::new(Mutex::new(None::<UserSession>));
    let keep = Arc::clone(&kept);
    lab.visit(|session| async move { *keep.lock().unwrap() = Some(session) })
        .await;
    let late = kept.lock().unwrap().take().unwrap();
    let error = late.sign_in(user("bob")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResponseSent);
    assert_eq!(bench.records(lab.now()).await.len(), 1);
    let error = late.sign_out().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::CookieNotSent);
    assert_eq!(report(&late), "nobody");
    let error = late.sign_out().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResponseSent);
    assert_eq!(lab.seen().await, "nobody");
    let expected = (EndReason::SignOut, "alice".to_owned());
    assert_eq!(bench.ends(lab.now()).await, [expected]);
}

#[tokio::test]
async fn s6_changes_of_a_session_that_has_ended_say_so_and_send_no_cookie() {
    for operation in ["add", "item", "refresh"] {
        let (mut lab, bench) = Lab::in_store();
        lab.sign_in("alice").await;
        lab.browser.forget(SID);
        let (store, now) = (bench.store.clone(), lab.now());
        let key = only_record(&lab, &bench).await.key;
        let page = lab.visit(move |session| async move {
            let end = End::because(EndReason::Revoked);
            store.delete(&key, end, now).await.unwrap().unwrap();
            let outcome = match operation {
                "add" => session.add_client_id("client1").await.map(drop),
                "item" => session.set_item("a", "b").await,
                _ => session.refresh(user("alice")).await,
            };
            assert_eq!(outcome.unwrap_err().kind(), ErrorKind::SessionEnded);
            report(&session)
        });
        let page = page.await;
        assert_eq!(
            (&*page.body, page.set_cookies().len()),
            ("nobody", 0),
            "{operation}"
        );
        assert_eq!(bench.records(lab.now()).await, []);
    }
}

/// Signed in, and revoked before the response went out.
#[tokio::test]
async fn s6_a_sign_in_that_was_revoked_before_its_response_sends_no_cookie() {
    let (mut lab, bench) = Lab::in_store();
    let (store, now) = (bench.store.clone(), lab.now());
    let page = lab.visit(move |session| async move {
        session.sign_in(user("alice")).await.unwrap();
        let everyone = Selection::Everyone;
        let reason = EndReason::Revoked;
        let revoked = store.delete_matching(&everyone, reason, 10, now).await;
        assert_eq!(revoked.unwrap(), 1);
    });
    assert_eq!(page.await.set_cookies(), [""; 0]);
}

#[tokio::test]
async fn s9_a_sign_in_stands_when_the_store_fails_right_after_it() {
    let (mut lab, bench) = Lab::in_store();
    let faults = bench.faults.clone();
    let page = lab.visit(move |session| async move {
        session.sign_in(user("alice")).await.unwrap();
        faults.inject(Fault::refuse());
        StatusCode::INTERNAL_SERVER_ERROR
    });
    let page = page.await;
    assert!(value_set(&page, AUTH).is_some());
    bench.faults.clear();
    assert_eq!(lab.seen().await, "alice []");
}

/// A handler that gives up, as behind a time limit of its own, leaves nothing half done: what has begun is finished, and its cookies go out.
#[tokio::test(start_paused = true)]
async fn a_dropped_handler_future_leaves_nothing_half_done() {
    let (mut lab, bench) = Lab::in_store();
    bench
        .faults
        .inject(Fault::delay_reply(Duration::from_secs(2)).once());
    let page = lab.visit(|session| async move {
        let sign_in = session.sign_in(user("alice"));
        let outcome = tokio::time::timeout(Duration::from_secs(1), sign_in).await;
        assert!(outcome.is_err());
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "nobody", "not yet");
    assert!(value_set(&page, AUTH).is_some());
    assert_eq!(lab.seen().await, "alice []");
}

/// The response does not wait for ever: then the sign-in fails, and leaves no session.
#[tokio::test(start_paused = true)]
async fn a_response_waits_no_longer_than_the_time_limit() {
    let (mut lab, bench) = Lab::in_store_with(|config| config.write_limit(Duration::from_secs(3)));
    bench.faults.inject(Fault::delay_reply(MINUTE).once());
    let outcome = Arc::new(Mutex::new(None));
    let seen = Arc::clone(&outcome);
    let began = tokio::time::Instant::now();
    let page = lab.visit(|session| async move {
        tokio::spawn(async move {
            let outcome = session.sign_in(user("alice")).await;
            *seen.lock().unwrap() = Some(outcome.unwrap_err().kind());
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
    });
    let page = page.await;
    assert_eq!(page.set_cookies(), [""; 0]);
    assert!(
        began.elapsed() <= Duration::from_secs(4),
        "{:?}",
        began.elapsed()
    );
    settled(&lab, &bench, 0).await;
    let kind = outcome.lock().unwrap().take();
    assert_eq!(kind, Some(ErrorKind::Unavailable));
}

#[tokio::test]
async fn many_changes_at_once_all_happen() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        let tasks = (0..50).map(|number| {
            let session = session.clone();
            tokio::spawn(async move {
                session
                    .add_client_id(format!("client{number}"))
                    .await
                    .unwrap();
                session
                    .set_item(&format!("item{number}"), "x")
                    .await
                    .unwrap();
            })
        });
        let tasks: Vec<_> = tasks.collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_eq!(session.client_list().len(), 50);
    })
    .await;
    let record = only_record(&lab, &bench).await;
    assert_eq!((record.clients.len(), record.version), (50, 51));
}

#[tokio::test]
async fn sign_ins_with_impossible_subjects_are_refused() {
    for (name, subject, kind) in [
        ("empty", String::new(), ErrorKind::MissingSubject),
        ("10 KB", "x".repeat(10_000), ErrorKind::InvalidSubject),
        ("256 characters", "ä".repeat(256), ErrorKind::InvalidSubject),
        ("a NUL", "a\0b".to_owned(), ErrorKind::InvalidSubject),
        ("a line feed", "a\nb".to_owned(), ErrorKind::InvalidSubject),
    ] {
        for in_store in [true, false] {
            let bench = Bench::new();
            let mut lab = Lab::with(|config| match in_store {
                true => config.store(bench.watched()),
                false => config,
            });
            let subject = subject.clone();
            let page = lab.visit(move |session| async move {
                let user = Principal::builder(subject).build();
                let error = session.sign_in(user).await.unwrap_err();
                assert_eq!(error.kind(), kind, "{name}");
            });
            assert_eq!(page.await.set_cookies(), [""; 0]);
        }
    }
    let (mut lab, _) = Lab::in_store();
    let longest = "🦀".repeat(255);
    lab.sign_in(&longest).await;
    assert_eq!(lab.seen().await, format!("{longest} []"));
}

#[tokio::test]
async fn a_ticket_too_large_for_a_record_is_refused() {
    let (mut lab, bench) = Lab::in_store();
    lab.visit(|session| async move {
        let user = Principal::builder("alice")
            .claim("picture", "x".repeat(70_000))
            .build();
        let error = session.sign_in(user).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
    })
    .await;
    assert_eq!(bench.records(lab.now()).await, []);
}
