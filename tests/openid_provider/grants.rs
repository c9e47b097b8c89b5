//! What clients have been given, between one step of a request and the next.

use std::sync::Arc;

use axum_user_session::{
    Principal,
    id::{ClientId, SessionId},
};

use crate::example::grants::{Code, Grant, Grants};

#[test]
fn whoever_redeems_a_code_while_it_is_used_again_gets_nothing() {
    let (grants, code, grant) = with_code();
    let (family, ()) = redeem(&grants, &code).expect("it is new");
    // The thief comes before the tokens are there.
    assert!(redeem(&grants, &code).is_none());
    assert!(grants.issue_tokens(family, &grant, true).is_none());
}

#[test]
fn whoever_refreshes_while_the_token_is_used_again_gets_nothing() {
    let (grants, code, grant) = with_code();
    let (family, ()) = redeem(&grants, &code).expect("it is new");
    let tokens = grants.issue_tokens(family, &grant, true);
    let refresh = tokens.and_then(|tokens| tokens.refresh).expect("a token");
    let (family, grant) = grants
        .redeem_refresh(&refresh, &grant.client)
        .expect("once");
    assert!(grants.redeem_refresh(&refresh, &grant.client).is_none());
    assert!(grants.issue_tokens(family, &grant, true).is_none());

    // Others are not.
    let (grants, code, grant) = with_code();
    let (family, ()) = redeem(&grants, &code).expect("it is new");
    assert!(grants.issue_tokens(family, &grant, true).is_some());
}

#[test]
fn whoever_redeems_a_code_while_the_session_ends_gets_nothing() {
    let (grants, code, grant) = with_code();
    let (family, ()) = redeem(&grants, &code).expect("it is new");
    grants.take_back(&grant.client, "alice", grant.session_id);
    assert!(grants.issue_tokens(family, &grant, true).is_none());

    let (grants, code, grant) = with_code();
    let (family, ()) = redeem(&grants, &code).expect("it is new");
    let tokens = grants.issue_tokens(family, &grant, true);
    let tokens = tokens.expect("it is not void");
    let refresh = tokens.refresh.as_deref().expect("a token");
    let redeemed = grants.redeem_refresh(refresh, &grant.client);
    let (family, _) = redeemed.expect("once");
    grants.take_back(&grant.client, "alice", grant.session_id);
    assert!(grants.issue_tokens(family, &grant, true).is_none());
    assert!(grants.access(&tokens.access).is_none());
    assert!(grants.peek_refresh(refresh, &grant.client).is_none());
}

fn with_code() -> (Grants, String, Arc<Grant>) {
    let grants = Grants::default();
    let grant = Arc::new(Grant {
        client: ClientId::parse("web").expect("a client id"),
        session_id: SessionId::parse(&"A1".repeat(16)).expect("a session id"),
        user: Principal::builder("alice").build(),
        scope: Vec::new(),
        until: None,
    });
    let code = grants.issue_code(Code {
        grant: Arc::clone(&grant),
        redirect_uri: String::new(),
        challenge: String::new(),
        nonce: None,
    });
    (grants, code, grant)
}

fn redeem(grants: &Grants, code: &str) -> Option<(crate::example::grants::Family, ())> {
    let client = ClientId::parse("web").expect("a client id");
    grants.redeem_code(code, &client, |_| ())
}
