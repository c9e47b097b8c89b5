//! Section A of the contract: the session.

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::http::StatusCode;
use axum_user_session::{
    AuthenticationProperties, Principal, UserSession,
    ended::{EndReason, Ended},
    error::{BoxError, ErrorKind},
    hook::ClaimsTransformation,
    id::SessionId,
};
use serde_json::json;
use support::*;

const OTHER_ID: &str = "0123456789ABCDEF0123456789ABCDEF";

struct Counted(Arc<AtomicUsize>, bool);

impl ClaimsTransformation for Counted {
    async fn transform(&self, principal: Principal) -> Result<Principal, BoxError> {
        self.0.fetch_add(1, Ordering::Relaxed);
        if self.1 {
            return Err("the directory is down".into());
        }
        tokio::task::yield_now().await;
        let mut claims = principal.claims().clone();
        claims.insert("role".to_owned(), "reader".into());
        Ok(Principal::from_claims(claims)?)
    }
}

fn counted(fails: bool) -> (Lab, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let transformation = Counted(Arc::clone(&count), fails);
    (
        Lab::with(|config| config.claims_transformation(transformation)),
        count,
    )
}

#[tokio::test]
async fn c1_user_is_the_current_principal_without_transformation() {
    let (mut lab, count) = counted(false);
    assert_eq!(lab.seen().await, "nobody");
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        let user = session.user().unwrap();
        format!("{:?}", user.claim("role"))
    });
    assert_eq!(page.await.body, "None");
    assert_eq!(count.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn c2_authenticate_gives_the_incoming_ticket_transformed_once() {
    let (mut lab, count) = counted(false);
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        session.sign_in(user("bob")).await.unwrap();
        let (one, two) = tokio::join!(session.authenticate(), session.authenticate());
        let ticket = one.unwrap().unwrap();
        assert_eq!(Some(&ticket), two.unwrap().as_ref());
        assert_eq!(ticket.principal().subject(), "alice");
        assert_eq!(ticket.principal().claim_str("role"), Some("reader"));
        session.sign_out().await.unwrap();
        let again = session.authenticate().await.unwrap().unwrap();
        assert_eq!(again.principal().subject(), "alice");
    })
    .await;
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn c2_the_transformation_is_never_written_back() {
    let (mut lab, _) = counted(false);
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        session.authenticate().await.unwrap();
        session.add_client_id("client1").await.unwrap();
        assert_eq!(session.user().unwrap().claim("role"), None);
    })
    .await;
    lab.visit(|session| async move { assert_eq!(session.user().unwrap().claim("role"), None) })
        .await;
}

#[tokio::test]
async fn c2_a_failed_transformation_is_an_error_and_runs_once() {
    let (mut lab, count) = counted(true);
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        for _ in 0..2 {
            let error = session.authenticate().await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ClaimsTransformation);
            let source = std::error::Error::source(&error).unwrap();
            assert_eq!(source.to_string(), "the directory is down");
        }
        assert_eq!(report(&session), "alice []");
    })
    .await;
    assert_eq!(count.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn c3_a_sign_in_shows_at_once_in_every_clone() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        let clone = session.clone();
        let signed_in = session.sign_in(user("alice")).await.unwrap();
        assert_eq!(clone.session_id(), Some(signed_in.session_id()));
        let task = tokio::spawn(async move {
            clone.add_client_id("client1").await.unwrap();
            report(&clone)
        });
        assert_eq!(task.await.unwrap(), "alice [client1]");
        report(&session)
    });
    assert_eq!(page.await.body, "alice [client1]");
    assert_eq!(lab.seen().await, "alice [client1]");
}

#[tokio::test]
async fn c3_the_ticket_is_the_current_session_as_a_whole() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        assert_eq!(session.ticket(), None);
        session.sign_in(user("alice")).await.unwrap();
        let ticket = session.ticket().unwrap();
        assert_eq!(Some(ticket.principal()), session.user().as_ref());
        assert_eq!(Some(ticket.properties()), session.properties().as_ref());
    })
    .await;
}

#[tokio::test]
async fn c4_a_session_id_is_32_upper_case_hex_digits() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let id = lab.browser.cookie(SID).unwrap();
    assert_eq!(id.len(), 32);
    assert!(
        id.bytes()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'A'..=b'F'))
    );
}

/// What a sign-in makes of an id in its properties, by who is signed in.
#[tokio::test]
async fn c5_session_id_in_the_properties_table() {
    #[derive(Clone, Copy, PartialEq)]
    enum Given {
        Current,
        Other,
        Nothing,
    }
    use Given::*;
    for (name, signed_in, given, hosts, subject, kept) in [
        (
            "current id, same user, carried",
            Some("alice"),
            Current,
            false,
            "alice",
            true,
        ),
        (
            "current id, same user, set by the host",
            Some("alice"),
            Current,
            true,
            "alice",
            true,
        ),
        (
            "current id, another user, carried",
            Some("alice"),
            Current,
            false,
            "bob",
            false,
        ),
        (
            "current id, another user, set by the host",
            Some("alice"),
            Current,
            true,
            "bob",
            false,
        ),
        (
            "another id, same user, carried",
            Some("alice"),
            Other,
            false,
            "alice",
            false,
        ),
        (
            "another id, same user, set by the host",
            Some("alice"),
            Other,
            true,
            "alice",
            false,
        ),
        ("nobody, carried", None, Other, false, "alice", false),
        ("nobody, set by the host", None, Other, true, "alice", true),
        (
            "no id, same user (c6)",
            Some("alice"),
            Nothing,
            false,
            "alice",
            true,
        ),
        (
            "no id, another user (c7)",
            Some("alice"),
            Nothing,
            false,
            "bob",
            false,
        ),
    ] {
        let mut lab = Lab::new();
        let mut id = OTHER_ID.to_owned();
        if let Some(subject) = signed_in {
            lab.sign_in(subject).await;
            lab.add_client("client1").await;
            if given != Other {
                id = lab.browser.cookie(SID).unwrap().to_owned();
            }
        }
        let before = id.clone();
        let page = lab.visit(move |session| async move {
            let mut properties = AuthenticationProperties::new();
            match (given, hosts) {
                (Nothing, _) => {}
                (_, true) => properties.set_session_id(SessionId::parse(&id).unwrap()),
                (_, false) => properties = properties.with_item("session_id", &id),
            }
            let signed_in = session
                .sign_in_with(user(subject), properties)
                .await
                .unwrap();
            signed_in.session_id().as_str().to_owned()
        });
        assert_eq!(page.await.body == before, kept, "{name}");
        let clients = if kept && signed_in.is_some() {
            "client1"
        } else {
            ""
        };
        assert_eq!(lab.seen().await, format!("{subject} [{clients}]"), "{name}");
    }
}

#[tokio::test]
async fn c5_an_id_that_this_request_ended_is_never_taken_up() {
    for hosts in [true, false] {
        let mut lab = Lab::new();
        lab.sign_in("alice").await;
        lab.add_client("client1").await;
        let before = lab.browser.cookie(SID).unwrap().to_owned();
        let page = lab.visit(move |session| async move {
            let mut properties = session.properties().unwrap();
            if hosts {
                properties.set_session_id(session.session_id().unwrap());
            }
            session.sign_out().await.unwrap();
            session
                .sign_in_with(user("alice"), properties)
                .await
                .unwrap();
            session.session_id().unwrap().as_str().to_owned()
        });
        assert_ne!(page.await.body, before);
        assert_eq!(lab.seen().await, "alice []");
    }
}

#[tokio::test]
async fn c5_passing_the_same_properties_back_means_the_same_session() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    lab.visit(|session| async move {
        let items = session.properties().unwrap().items();
        let through_a_form = AuthenticationProperties::from_items(items);
        let before = session.session_id();
        let signed_in = session
            .sign_in_with(user("alice"), through_a_form)
            .await
            .unwrap();
        assert_eq!(Some(signed_in.session_id()), before);
        assert_eq!(signed_in.ended(), None);
    })
    .await;
    assert_eq!(lab.seen().await, "alice [client1]");
}

#[tokio::test]
async fn c6_same_subject_keeps_session_id_and_clients() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let before = lab.browser.cookie(SID).unwrap().to_owned();
    lab.sign_in("alice").await;
    assert_eq!(lab.browser.cookie(SID), Some(&*before));
    assert_eq!(lab.seen().await, "alice [client1]");
}

#[tokio::test]
async fn c7_another_subject_gets_a_new_session_and_the_old_one_is_reported() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let before = lab.browser.cookie(SID).unwrap().to_owned();
    lab.visit(|session| async move {
        let old = session.session_id().unwrap();
        let signed_in = session.sign_in(user("bob")).await.unwrap();
        let ended = signed_in.ended().unwrap();
        assert_eq!((&*ended.subject, ended.session_id), ("alice", old));
        assert_eq!(ended.clients, ["client1"]);
        assert_eq!(ended.reason, EndReason::UserSwitch);
    })
    .await;
    assert_ne!(lab.browser.cookie(SID), Some(&*before));
    assert_eq!(lab.seen().await, "bob []");
}

#[tokio::test]
async fn c8_a_created_session_id_is_current_and_its_sign_in_keeps_it() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        let id = session
            .create_session_id(&user("alice"), &mut properties)
            .await
            .unwrap();
        assert_eq!(
            (session.session_id(), properties.session_id()),
            (Some(id), Some(id))
        );
        assert_eq!(report(&session), "alice []");
        let signed_in = session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
        assert_eq!(signed_in.session_id(), id);
    })
    .await;
    assert_eq!(lab.seen().await, "alice []");
}

#[tokio::test]
async fn c8_without_a_sign_in_nothing_is_set() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        session
            .create_session_id(&user("alice"), &mut properties)
            .await
            .unwrap();
        for result in [
            session.add_client_id("client1").await.map(drop),
            session.refresh(user("alice")).await,
            session.set_item("a", "b").await,
        ] {
            assert_eq!(result.unwrap_err().kind(), ErrorKind::SignInPending);
        }
    });
    assert!(page.await.set_cookies().is_empty());
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn c8_without_a_sign_in_the_session_before_stays() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        session
            .create_session_id(&user("bob"), &mut properties)
            .await
            .unwrap();
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "bob []");
    assert!(page.set_cookies().is_empty());
    assert_eq!(lab.seen().await, "alice []");
}

#[tokio::test]
async fn c8_ensuring_the_cookie_of_an_id_without_sign_in_does_not_keep_a_stale_one() {
    let mut lab = Lab::new();
    lab.browser.plant(SID, OTHER_ID);
    let page = lab.visit(|session| async move {
        let mut properties = AuthenticationProperties::new();
        session
            .create_session_id(&user("alice"), &mut properties)
            .await
            .unwrap();
        session.ensure_session_id_cookie().await.unwrap();
    });
    assert!(is_expired(&page.await, SID));
}

#[tokio::test]
async fn c9_sign_in_sets_both_cookies() {
    let mut lab = Lab::new();
    let page = lab.sign_in("alice").await;
    assert_eq!(names(&page), [AUTH, SID]);
}

#[tokio::test]
async fn c10_missing_claims_are_filled_in_at_sign_in() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        let user = session.user().unwrap();
        assert_eq!(user.claim("idp"), Some(&json!("local")));
        assert_eq!(user.claim("amr"), Some(&json!(["pwd"])));
        assert_eq!(user.claim("auth_time"), Some(&json!(1_800_000_000)));
    })
    .await;
}

#[tokio::test]
async fn c10_no_subject_is_an_error_that_changes_nothing() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        let error = session
            .sign_in(Principal::builder("").build())
            .await
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::MissingSubject);
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "alice []");
    assert!(page.set_cookies().is_empty());
}

#[tokio::test]
async fn c12_a_session_id_cookie_that_differs_or_is_missing_is_issued() {
    for (name, planted, issued) in [
        ("missing", None, true),
        ("different", Some("x"), true),
        ("equal", Some("="), false),
    ] {
        let mut lab = Lab::new();
        lab.sign_in("alice").await;
        let id = lab.browser.cookie(SID).unwrap().to_owned();
        lab.browser.forget(SID);
        if let Some(planted) = planted {
            lab.browser
                .plant(SID, if planted == "=" { &id } else { planted });
        }
        let (_, page) = lab.look().await;
        let expected = issued.then_some(&*id);
        assert_eq!(value_set(&page, SID), expected, "{name}");
        assert_eq!(names(&page).len(), usize::from(issued), "{name}");
    }
}

#[tokio::test]
async fn c12_one_equal_value_among_several_is_enough() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let cookies = format!("{SID}=x; {}", lab.browser.cookie_header("/"));
    lab.script.set(|session| async move { report(&session) });
    let request = axum::http::Request::get("/").header("cookie", cookies);
    let page = lab
        .browser
        .send(request.body(axum::body::Body::empty()).unwrap())
        .await;
    assert_eq!(page.body, "alice []");
    assert!(page.set_cookies().is_empty());
}

#[tokio::test]
async fn c13_a_stale_session_id_cookie_is_removed_unless_in_a_frame() {
    for (name, headers, removed) in [
        ("no fetch metadata", &[][..], true),
        (
            "a page",
            &[("sec-fetch-site", "none"), ("sec-fetch-dest", "document")],
            true,
        ),
        (
            "a cross-site frame",
            &[
                ("sec-fetch-site", "cross-site"),
                ("sec-fetch-dest", "iframe"),
            ],
            false,
        ),
        (
            "a same-origin frame",
            &[
                ("sec-fetch-site", "same-origin"),
                ("sec-fetch-dest", "iframe"),
            ],
            false,
        ),
    ] {
        let mut lab = Lab::new();
        lab.browser.plant(SID, OTHER_ID);
        for (header, value) in headers {
            lab.browser.set_header(header, value);
        }
        let (_, page) = lab.look().await;
        assert_eq!(is_expired(&page, SID), removed, "{name}");
        assert_eq!(names(&page).len(), usize::from(removed), "{name}");
    }
}

#[tokio::test]
async fn c13_an_explicit_removal_needs_a_cookie_to_remove() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move { session.remove_session_id_cookie().await });
    assert!(page.await.set_cookies().is_empty());
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move { session.remove_session_id_cookie().await });
    assert!(is_expired(&page.await, SID));
    // Then it is put back.
    let (seen, page) = lab.look().await;
    assert_eq!(seen, "alice []");
    assert!(value_set(&page, SID).is_some());
}

#[tokio::test]
async fn c13_removed_and_ensured_again_is_left_alone_or_issued() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        session.remove_session_id_cookie().await.unwrap();
        session.ensure_session_id_cookie().await.unwrap();
    });
    assert!(value_set(&page.await, SID).is_some());
}

#[tokio::test]
async fn c14_the_session_id_cookie_is_script_readable_and_never_persistent() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        let properties = AuthenticationProperties::new().with_persistent(true);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    });
    let page = page.await;
    let cookie = header(&page, SID);
    let id = value_set(&page, SID).unwrap();
    assert_eq!(cookie, format!("{SID}={id}; Path=/; Secure; SameSite=None"));
}

#[tokio::test]
async fn c14_name_domain_and_base_path_are_options() {
    let mut lab = Lab::with(|config| {
        config
            .session_id_cookie_name("sid")
            .session_id_cookie_domain("example.com")
            .base_path("/idp")
    });
    let page = lab.sign_in("alice").await;
    let cookie = header(&page, "sid");
    assert!(cookie.starts_with("sid="));
    assert!(cookie.ends_with("; Path=/idp; Domain=example.com; Secure; SameSite=None"));
}

#[tokio::test]
async fn c14_without_check_session_there_is_no_session_id_cookie() {
    let mut lab = Lab::with(|config| config.check_session(false));
    lab.browser.plant(SID, OTHER_ID);
    let page = lab.sign_in("alice").await;
    assert_eq!(names(&page), [AUTH]);
    assert!(lab.look().await.1.set_cookies().is_empty());
    assert_eq!(
        names(&lab.sign_out().await),
        [AUTH, "__Host-idsrv.1", ENDED]
    );
}

#[tokio::test]
async fn c15_sign_out_clears_everything_at_once() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        session.sign_out().await.unwrap();
        report(&session)
    });
    let page = page.await;
    assert_eq!(page.body, "nobody");
    for name in [AUTH, "__Host-idsrv.1", SID] {
        assert!(is_expired(&page, name), "{name}");
    }
    let left = lab.browser.cookie_names();
    assert!(
        matches!(left[..], [mark] if mark.starts_with(ENDED)),
        "{left:?}"
    );
    assert_eq!(lab.seen().await, "nobody");
}

#[tokio::test]
async fn c15_sign_out_expires_cookies_that_the_request_did_not_carry() {
    let mut lab = Lab::new();
    let page = lab.sign_out().await;
    assert!(is_expired(&page, AUTH) && is_expired(&page, "__Host-idsrv.1"));
    assert!(!names(&page).contains(&SID));
}

#[tokio::test]
async fn c15_a_session_id_cookie_issued_in_the_same_response_is_expired() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        session.sign_out().await.unwrap();
    });
    let page = page.await;
    assert!(is_expired(&page, AUTH) && is_expired(&page, SID));
    assert_eq!(names(&page).len(), 3);
}

#[tokio::test]
async fn c16_sign_out_yields_what_ended_once() {
    let mut lab = Lab::with(|config| config.issuer("https://id.example.com"));
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    lab.add_client("client2").await;
    let found = Arc::new(Mutex::new(None::<Ended>));
    let seen = Arc::clone(&found);
    let id = lab.browser.cookie(SID).unwrap().to_owned();
    lab.visit(|session| async move {
        *seen.lock().unwrap() = session.sign_out().await.unwrap();
        assert_eq!(session.sign_out().await.unwrap(), None);
    })
    .await;
    let ended = found.lock().unwrap().take().unwrap();
    assert_eq!(ended.subject, "alice");
    assert_eq!(ended.session_id.as_str(), id);
    assert_eq!(ended.display_name.as_deref(), Some("alice Smith"));
    assert_eq!(ended.clients, ["client1", "client2"]);
    assert_eq!(ended.issuer.as_deref(), Some("https://id.example.com"));
    assert_eq!(ended.reason, EndReason::SignOut);
    assert!(!format!("{ended:?}").contains(&id));
}

#[tokio::test]
async fn c17_add_client_id_table() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        let error = session.add_client_id("client1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSignedIn);
    })
    .await;
    lab.sign_in("alice").await;
    let page = lab.visit(|session| async move {
        for id in ["", &"x".repeat(201)] {
            let error = session.add_client_id(id).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidClientId);
        }
    });
    assert!(page.await.set_cookies().is_empty());
    let page = lab.visit(|session| async move {
        assert!(session.add_client_id("client1").await.unwrap());
        assert!(!session.add_client_id("client1").await.unwrap());
        report(&session)
    });
    let page = page.await;
    assert_eq!(
        (&*page.body, names(&page)),
        ("alice [client1]", vec![ADDED])
    );
    let page = lab.add_client("client1").await;
    assert!(
        page.set_cookies().is_empty(),
        "a known client needs no cookie"
    );
}

#[tokio::test]
async fn c17_a_client_does_not_extend_the_lifetime() {
    let mut lab = Lab::with(|config| config.sliding(true));
    lab.sign_in("alice").await;
    lab.clock.advance(4 * HOUR);
    lab.add_client("client1").await;
    lab.visit(|session| async move {
        assert_eq!(
            session.properties().unwrap().expires(),
            Some(start() + 10 * HOUR)
        );
    })
    .await;
}

#[tokio::test]
async fn c18_clients_in_the_order_first_added() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    for client in ["b", "a", "b", "c", "a"] {
        lab.add_client(client).await;
    }
    assert_eq!(lab.seen().await, "alice [b,a,c]");
}

#[tokio::test]
async fn c19_the_properties_show_the_documented_items() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    lab.add_client("client2").await;
    let id = lab.browser.cookie(SID).unwrap().to_owned();
    lab.visit(|session| async move {
        let items = session.properties().unwrap().items();
        assert_eq!(items["client_list"], "WyJjbGllbnQxIiwiY2xpZW50MiJd");
        assert_eq!(items["session_id"], id);
        assert_eq!(items.len(), 2);
    })
    .await;
}

#[tokio::test]
async fn c20_an_undecodable_client_list_is_dropped_and_clients_can_be_added() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.visit(|session| async move {
        let mut items = session.properties().unwrap().items();
        items.insert("client_list".to_owned(), "not a list".to_owned());
        let properties = AuthenticationProperties::from_items(items);
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
        assert_eq!(report(&session), "alice []");
        session.add_client_id("client1").await.unwrap();
    })
    .await;
    assert_eq!(lab.seen().await, "alice [client1]");
}

#[tokio::test]
async fn c22_items_can_be_written_after_sign_in() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        let properties = AuthenticationProperties::new().with_item("tenant", "blue");
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
    })
    .await;
    lab.visit(|session| async move {
        assert_eq!(session.properties().unwrap().item("tenant"), Some("blue"));
        session.set_item("theme", "dark").await.unwrap();
        session.remove_item("tenant").await.unwrap();
        for name in ["", "session_id", "client_list"] {
            let error = session.set_item(name, "x").await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidItem);
        }
    })
    .await;
    let page = lab.visit(|session| async move {
        let properties = session.properties().unwrap();
        assert_eq!(
            (properties.item("tenant"), properties.item("theme")),
            (None, Some("dark"))
        );
        session.set_item("theme", "dark").await.unwrap();
        session.remove_item("tenant").await.unwrap();
    });
    assert!(page.await.set_cookies().is_empty(), "nothing has changed");
}

#[tokio::test]
async fn c22_properties_are_kept_through_renewals() {
    let mut lab = Lab::with(|config| config.sliding(true));
    lab.visit(|session| async move {
        let properties = AuthenticationProperties::new()
            .with_persistent(true)
            .with_allow_refresh(true)
            .with_item("tenant", "blue");
        session
            .sign_in_with(user("alice"), properties)
            .await
            .unwrap();
        session.add_client_id("client1").await.unwrap();
    })
    .await;
    lab.clock.advance(6 * HOUR);
    let (_, page) = lab.look().await;
    assert!(value_set(&page, AUTH).is_some(), "renewed");
    lab.visit(|session| async move {
        let properties = session.properties().unwrap();
        assert_eq!(properties.issued(), Some(start()));
        assert_eq!(properties.expires(), Some(start() + 16 * HOUR));
        assert_eq!(properties.absolute_expires(), Some(start() + 24 * HOUR));
        assert!(properties.is_persistent());
        assert_eq!(properties.allow_refresh(), Some(true));
        assert_eq!(properties.item("tenant"), Some("blue"));
        assert_eq!(report(&session), "alice [client1]");
    })
    .await;
}

#[tokio::test]
async fn c22_the_absolute_expiry_carries_over_unless_the_user_authenticated_anew() {
    for (name, auth_time, expected) in [
        (
            "the same authentication",
            Some(1_800_000_000_u64),
            24 * HOUR,
        ),
        ("an older one", Some(1_700_000_000), 24 * HOUR),
        ("a newer one", Some(1_800_000_001), 29 * HOUR),
        ("now, as filled in", None, 29 * HOUR),
    ] {
        let mut lab = Lab::new();
        lab.sign_in("alice").await;
        lab.clock.advance(5 * HOUR);
        lab.visit(move |session| async move {
            let mut again = Principal::builder("alice");
            if let Some(auth_time) = auth_time {
                again = again.claim("auth_time", auth_time);
            }
            let properties = session.properties().unwrap();
            session
                .sign_in_with(again.build(), properties)
                .await
                .unwrap();
            let limit = session.properties().unwrap().absolute_expires();
            assert_eq!(limit, Some(start() + expected), "{name}");
        })
        .await;
    }
}

#[tokio::test]
async fn c22_expiries_asked_for_are_kept_within_the_limits() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        for at in [start(), start() - HOUR] {
            for properties in [
                AuthenticationProperties::new().with_expires(at),
                AuthenticationProperties::new().with_absolute_expires(at),
            ] {
                let error = session
                    .sign_in_with(user("alice"), properties)
                    .await
                    .unwrap_err();
                assert_eq!(error.kind(), ErrorKind::InvalidExpiry);
            }
        }
        for (asked, absolute, expected) in [
            (HOUR, 90 * HOUR, (HOUR, 24 * HOUR)),
            (90 * HOUR, 90 * HOUR, (24 * HOUR, 24 * HOUR)),
            (5 * HOUR, 2 * HOUR, (2 * HOUR, 2 * HOUR)),
        ] {
            session.sign_out().await.unwrap();
            let properties = AuthenticationProperties::new()
                .with_expires(start() + asked)
                .with_absolute_expires(start() + absolute);
            session
                .sign_in_with(user("alice"), properties)
                .await
                .unwrap();
            let properties = session.properties().unwrap();
            assert_eq!(properties.expires(), Some(start() + expected.0));
            assert_eq!(properties.absolute_expires(), Some(start() + expected.1));
        }
    })
    .await;
}

#[tokio::test]
async fn c22_refresh_changes_claims_and_nothing_else() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        let alice = Principal::builder("alice")
            .claim("amr", json!(["hwk"]))
            .claim("email", "a@b")
            .build();
        session.sign_in(alice).await.unwrap();
        session.add_client_id("client1").await.unwrap();
    })
    .await;
    lab.clock.advance(HOUR);
    lab.visit(|session| async move {
        let before = session.properties().unwrap();
        let renamed = Principal::builder("alice")
            .claim("name", "Alice Jones")
            .build();
        session.refresh(renamed).await.unwrap();
        assert_eq!(session.properties().unwrap(), before);
        let error = session.refresh(user("bob")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SubjectChanged);
    })
    .await;
    lab.visit(|session| async move {
        let user = session.user().unwrap();
        assert_eq!(user.claim_str("name"), Some("Alice Jones"));
        assert_eq!(user.claim("email"), None);
        assert_eq!(
            user.claim("amr"),
            Some(&json!(["hwk"])),
            "said nothing of the authentication"
        );
        assert_eq!(user.claim("auth_time"), Some(&json!(1_800_000_000)));
        assert_eq!(report(&session), "alice [client1]");
    })
    .await;
    lab.sign_out().await;
    lab.visit(|session| async move {
        let error = session.refresh(user("alice")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotSignedIn);
    })
    .await;
}

#[tokio::test]
async fn requires_reauthentication_table() {
    for (name, auth_time, expected) in [
        ("just now", json!(1_800_000_000), false),
        ("at the limit", json!(1_799_999_700), false),
        ("past the limit", json!(1_799_999_699), true),
        (
            "a little ahead: another node's clock",
            json!(1_800_000_060),
            false,
        ),
        ("in the future", json!(1_800_000_061), true),
        ("no number", json!("now"), true),
        ("absurd", json!(u64::MAX), true),
    ] {
        let mut lab = Lab::new();
        lab.visit(move |session| async move {
            assert!(session.requires_reauthentication(Duration::MAX), "nobody");
            let user = Principal::builder("alice")
                .claim("auth_time", auth_time)
                .build();
            session.sign_in(user).await.unwrap();
            assert_eq!(
                session.requires_reauthentication(5 * MINUTE),
                expected,
                "{name}"
            );
        })
        .await;
    }
}

/// Keeps a handle beyond its response.
async fn late(lab: &mut Lab) -> UserSession {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    lab.visit(|session| async move { *keep.lock().unwrap() = Some(session) })
        .await;
    let session = kept.lock().unwrap().take();
    session.unwrap()
}

#[tokio::test]
async fn a_change_after_the_response_head_is_an_error_of_its_own_kind() {
    let mut lab = Lab::new();
    lab.sign_in("alice").await;
    lab.add_client("client1").await;
    let session = late(&mut lab).await;
    let mut properties = AuthenticationProperties::new();
    for (name, result) in [
        ("sign_in", session.sign_in(user("bob")).await.map(drop)),
        ("sign_out", session.sign_out().await.map(drop)),
        (
            "add_client_id",
            session.add_client_id("client2").await.map(drop),
        ),
        ("refresh", session.refresh(user("alice")).await),
        ("set_item", session.set_item("a", "b").await),
        (
            "remove_session_id_cookie",
            session.remove_session_id_cookie().await,
        ),
        (
            "create_session_id",
            session
                .create_session_id(&user("bob"), &mut properties)
                .await
                .map(drop),
        ),
    ] {
        assert_eq!(
            result.unwrap_err().kind(),
            ErrorKind::ResponseSent,
            "{name}"
        );
    }
    // What needs no cookie is still fine, and nothing has changed.
    assert!(!session.add_client_id("client1").await.unwrap());
    session.ensure_session_id_cookie().await.unwrap();
    assert_eq!(report(&session), "alice [client1]");
}

#[tokio::test]
async fn what_was_reported_as_done_goes_out_with_a_5xx_too() {
    let mut lab = Lab::new();
    let page = lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        StatusCode::INTERNAL_SERVER_ERROR
    });
    assert_eq!(names(&page.await), [AUTH, SID]);
    assert_eq!(lab.seen().await, "alice []");
}

/// As a browser of an end-to-end test does, or one that many people share.
#[tokio::test]
async fn c21_a_browser_signs_in_and_out_as_often_as_it_likes() {
    let mut lab = Lab::new();
    for time in 0..80 {
        let page = lab.sign_in("alice").await;
        assert_eq!(page.status, StatusCode::OK, "{time}: {}", page.body);
        lab.sign_out().await;
        let left = lab.browser.cookie_names().len();
        assert!(left < 12, "{time}: {left} cookies are left");
    }
    lab.clock.advance(Duration::from_secs(1201));
    lab.look().await;
    assert_eq!(lab.browser.cookie_names(), Vec::<&str>::new());
}
