//! `session_state` of a request's session.

use axum_user_session::{
    id::{ClientId, SessionId},
    oidc::{Origin, Salt, SessionState},
};

use crate::support::{Lab, SID, user};

const CALLBACK: &str = "https://client1.example:8443/callback?a=b";

#[tokio::test]
async fn o1_it_is_of_the_session_as_it_is_at_that_moment() {
    let mut lab = Lab::new();
    let page = lab
        .visit(|session| async move {
            let state = || session.session_state(&client(), CALLBACK).unwrap();
            let before = state();
            session.sign_in(user("alice")).await.unwrap();
            let signed_in = state();
            session.sign_out().await.unwrap();
            session.sign_in(user("bob")).await.unwrap();
            [before, signed_in, state()].join(" ")
        })
        .await;
    let states: Vec<_> = page.body.split(' ').collect();
    let [nobody, alice, bob] = states[..] else {
        panic!("{}", page.body);
    };
    let bobs = SessionId::parse(lab.browser.cookie(SID).unwrap()).unwrap();
    assert_eq!(nobody, expected(nobody, None));
    assert_ne!(alice, expected(alice, None));
    assert_ne!(alice, expected(alice, Some(bobs)));
    assert_eq!(bob, expected(bob, Some(bobs)));
}

#[tokio::test]
async fn o1_an_app_has_no_session_state() {
    let mut lab = Lab::new();
    lab.visit(|session| async move {
        for uri in ["com.example.app:/callback", "urn:ietf:wg:oauth:2.0:oob", ""] {
            assert_eq!(session.session_state(&client(), uri), None, "{uri}");
        }
    })
    .await;
}

#[tokio::test]
async fn o1_without_its_cookie_a_session_has_no_state() {
    let mut lab = Lab::with(|builder| builder.check_session(false));
    lab.visit(|session| async move {
        session.sign_in(user("alice")).await.unwrap();
        assert_eq!(session.session_state(&client(), CALLBACK), None);
    })
    .await;
}

/// What it must be with the salt that it has.
fn expected(state: &str, session: Option<SessionId>) -> String {
    let salt = Salt::parse(state.split_once('.').unwrap().1).unwrap();
    let origin = Origin::of(CALLBACK).unwrap();
    SessionState::with_salt(&client(), &origin, session, &salt).into()
}

fn client() -> ClientId {
    ClientId::parse("client1").unwrap()
}
