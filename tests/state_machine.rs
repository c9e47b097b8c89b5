//! The session under random requests and operations: what the handle reports is what its cookies, sent back, give.

mod support;

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum_user_session::{AuthenticationProperties, UserSession, id::SessionId, testing::Page};
use proptest::{collection::vec, prelude::*};
use support::*;

#[derive(Clone, Copy, Debug)]
enum Operation {
    SignIn {
        subject: &'static str,
        persistent: bool,
    },
    SignInWithTheSameProperties {
        subject: &'static str,
    },
    SignInWithAnIdOfTheHost {
        subject: &'static str,
    },
    CreateSessionId {
        subject: &'static str,
    },
    SignOut,
    AddClient(&'static str),
    Refresh,
    SetItem(&'static str),
    RemoveItem,
    Ensure,
    Remove,
}

#[derive(Clone, Debug)]
enum Step {
    Request(Vec<Operation>),
    Wait(Duration),
    ForgetSessionId,
    PlantSessionId,
    PlantChunk,
    Restart,
    Rotate,
}

fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let subject = || prop::sample::select(vec!["alice", "bob"]);
    // A long one, so that tickets are split and joined again.
    let client = prop::sample::select(vec!["client1", "client2", "client3"]);
    let value = prop::sample::select(vec!["", "short", LONG]);
    prop_oneof![
        3 => (subject(), any::<bool>()).prop_map(|(subject, persistent)| SignIn { subject, persistent }),
        1 => subject().prop_map(|subject| SignInWithTheSameProperties { subject }),
        1 => subject().prop_map(|subject| SignInWithAnIdOfTheHost { subject }),
        1 => subject().prop_map(|subject| CreateSessionId { subject }),
        2 => Just(SignOut),
        4 => client.prop_map(AddClient),
        1 => Just(Refresh),
        2 => value.prop_map(SetItem),
        1 => Just(RemoveItem),
        1 => Just(Ensure),
        1 => Just(Remove),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => vec(operation(), 0..6).prop_map(Step::Request),
        2 => (0..8_u32).prop_map(|hours| Step::Wait(HOUR * hours)),
        1 => Just(Step::ForgetSessionId),
        1 => Just(Step::PlantSessionId),
        1 => Just(Step::PlantChunk),
        1 => Just(Step::Restart),
        1 => Just(Step::Rotate),
    ]
}

const LONG: &str = match std::str::from_utf8(&[b'x'; 4000]) {
    Ok(text) => text,
    Err(_) => unreachable!(),
};

/// Carries an operation out; refusals are part of the game.
async fn perform(session: &UserSession, operation: Operation) {
    use Operation::*;
    match operation {
        SignIn {
            subject,
            persistent,
        } => {
            let properties = AuthenticationProperties::new().with_persistent(persistent);
            session
                .sign_in_with(user(subject), properties)
                .await
                .unwrap();
        }
        SignInWithTheSameProperties { subject } => {
            let properties = session.properties().unwrap_or_default();
            session
                .sign_in_with(user(subject), properties)
                .await
                .unwrap();
        }
        SignInWithAnIdOfTheHost { subject } => {
            let mut properties = AuthenticationProperties::new();
            properties.set_session_id(SessionId::parse("upstream-1").unwrap());
            session
                .sign_in_with(user(subject), properties)
                .await
                .unwrap();
        }
        CreateSessionId { subject } => {
            let mut properties = AuthenticationProperties::new();
            let id = session
                .create_session_id(&user(subject), &mut properties)
                .await
                .unwrap();
            assert_eq!(session.session_id(), Some(id));
        }
        SignOut => drop(session.sign_out().await.unwrap()),
        AddClient(client) => drop(session.add_client_id(client).await),
        Refresh => drop(match session.user() {
            Some(user) => session.refresh(user).await,
            None => Ok(()),
        }),
        SetItem(value) => drop(session.set_item("item", value).await),
        RemoveItem => drop(session.remove_item("item").await),
        Ensure => session.ensure_session_id_cookie().await.unwrap(),
        Remove => session.remove_session_id_cookie().await.unwrap(),
    }
    check_handle(session);
}

/// Who has a user has a session id and properties, and the other way round.
fn check_handle(session: &UserSession) {
    let user = session.user();
    assert_eq!(user.is_some(), session.session_id().is_some());
    assert_eq!(user.is_some(), session.properties().is_some());
    let clients = session.client_list();
    let distinct: HashSet<_> = clients.iter().collect();
    assert_eq!(distinct.len(), clients.len());
}

#[derive(Debug, PartialEq)]
struct Seen {
    user: Option<axum_user_session::Principal>,
    properties: Option<AuthenticationProperties>,
}

impl Seen {
    fn of(session: &UserSession) -> Self {
        Self {
            user: session.user(),
            properties: session.properties(),
        }
    }
}

fn check_response(page: &Page) {
    let mut places = HashSet::new();
    for cookie in page.set_cookies() {
        let name = cookie.split('=').next().unwrap();
        let scope: Vec<_> = cookie
            .split("; ")
            .filter(|part| part.starts_with("Path=") || part.starts_with("Domain="))
            .collect();
        assert!(places.insert((name, scope)), "twice: {name}");
        assert!(cookie.split(';').next().unwrap().len() - 1 <= 4096);
    }
    let no_store = page.header("cache-control") == Some("no-store");
    assert_eq!(no_store, !page.set_cookies().is_empty());
}

async fn run(steps: Vec<Step>) {
    let mut lab = Lab::with(|config| config.sliding(true).cookie_budget(9000));
    for step in steps {
        match step {
            // Never just past an expiry, where a ticket is no session but its cookies are left alone for a minute.
            Step::Wait(time) => lab.clock.advance(time + 7 * MINUTE),
            Step::ForgetSessionId => lab.browser.forget(SID),
            Step::PlantSessionId => lab.browser.plant(SID, "planted"),
            Step::PlantChunk => lab.browser.plant("__Host-idsrv.5", "planted"),
            Step::Restart => lab.browser.restart(),
            Step::Rotate => lab.ring.promote(lab.ring.add().unwrap()).unwrap(),
            Step::Request(operations) => request(&mut lab, operations).await,
        }
    }
}

async fn request(lab: &mut Lab, operations: Vec<Operation>) {
    let kept = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&kept);
    let removes = operations
        .iter()
        .any(|operation| matches!(operation, Operation::Remove));
    let page = lab.visit(|session| async move {
        for operation in operations {
            perform(&session, operation).await;
        }
        *keep.lock().unwrap() = Some(session);
    });
    check_response(&page.await);
    let session = kept.lock().unwrap().take().unwrap();
    let reported = Seen::of(&session);

    // The response's cookies, sent back at once, give the same, and the session id cookie shows its id.
    let id = session.session_id().map(|id| id.as_str().to_owned());
    if !removes {
        assert_eq!(lab.browser.cookie(SID), id.as_deref());
    }
    let (seen, page) = look(lab).await;
    assert_eq!(seen, reported);
    // A mark whose client has just been taken up can go now; nothing else is left to do, and then nothing at all.
    let left = names(&page).into_iter().filter(|name| *name != ADDED);
    assert!(removes || left.count() == 0, "left: {:?}", names(&page));
    assert_eq!(lab.browser.cookie(SID), id.as_deref());
    let (seen, page) = look(lab).await;
    assert_eq!(seen, reported);
    assert!(page.set_cookies().is_empty(), "left: {:?}", names(&page));
}

async fn look(lab: &mut Lab) -> (Seen, Page) {
    let seen = Arc::new(Mutex::new(None));
    let see = Arc::clone(&seen);
    let page = lab.visit(|session| async move { *see.lock().unwrap() = Some(Seen::of(&session)) });
    let page = page.await;
    let seen = seen.lock().unwrap().take().unwrap();
    (seen, page)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn cookies_sent_back_give_what_the_handle_reported(steps in vec(step(), 1..12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps));
    }
}
