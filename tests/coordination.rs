//! Tokens of clients that live no longer than the user's session: grants are revoked when it ends, and a refresh keeps it alive (s15).

mod support;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum_user_session::{
    admin::SessionAdmin,
    cleanup::EndedTask,
    ended::Ended,
    error::{BoxError, ErrorKind},
    hook::EndedHook,
    id::{ClientId, SessionId},
    oidc::{Client, ClientRegistry, FixedClients, GrantRevoker, LifetimeCoordination, Refresh},
    store::Filter,
};
use support::*;

/// A user, and clients.
type Revoked = (String, Vec<String>);

/// Notes what it is to revoke.
#[derive(Clone, Default)]
struct Grants {
    revoked: Arc<Mutex<Vec<Revoked>>>,
    fails: Arc<AtomicBool>,
    hangs: Arc<AtomicBool>,
}

impl Grants {
    fn revoked(&self) -> Vec<Revoked> {
        self.revoked.lock().unwrap().clone()
    }
}

impl GrantRevoker for Grants {
    async fn revoke(&self, ended: &Ended, clients: &[ClientId]) -> Result<(), BoxError> {
        if self.hangs.load(Ordering::Relaxed) {
            std::future::pending::<()>().await;
        }
        if self.fails.load(Ordering::Relaxed) {
            return Err("the grants are away".into());
        }
        let clients = clients.iter().map(ToString::to_string).collect();
        self.revoked
            .lock()
            .unwrap()
            .push((ended.subject.clone(), clients));
        Ok(())
    }
}

/// Hears of ends beside it.
#[derive(Clone, Default)]
struct Other(Arc<Mutex<Vec<String>>>);

impl EndedHook for Other {
    async fn ended(&self, ended: &Ended) -> Result<(), BoxError> {
        self.0.lock().unwrap().push(ended.subject.clone());
        Ok(())
    }
}

/// `coordinates` and `independent` say so, `silent` says nothing.
fn clients() -> FixedClients {
    let client = Client::builder;
    [
        client("coordinates").coordinates_lifetime(true),
        client("independent").coordinates_lifetime(false),
        client("silent"),
    ]
    .into_iter()
    .map(|client| client.build().unwrap())
    .collect()
}

async fn sign_in_with_all(lab: &mut Lab, subject: &str) -> SessionId {
    lab.browser = lab.other_browser();
    lab.sign_in(subject).await;
    for client in ["independent", "silent", "coordinates", "removed"] {
        lab.add_client(client).await;
    }
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let found = admin
        .find(&Filter::subject(subject).unwrap())
        .await
        .unwrap();
    found[0].session_id
}

#[tokio::test]
async fn s15_the_grants_of_clients_that_coordinate_end_with_the_session() {
    for (by_default, expected) in [
        (None, vec!["coordinates", "removed"]),
        (Some(false), vec!["coordinates", "removed"]),
        (Some(true), vec!["silent", "coordinates", "removed"]),
    ] {
        let grants = Grants::default();
        let mut coordination = LifetimeCoordination::new(clients());
        if let Some(by_default) = by_default {
            coordination = coordination.by_default(by_default);
        }
        let hook = coordination.revocation(grants.clone());
        let (mut lab, _) = Lab::in_store_with(|config| config.ended_hook(hook));
        let news = EndedTask::new(&lab.config).unwrap();

        sign_in_with_all(&mut lab, "alice").await;
        lab.sign_out().await;
        news.run_once().await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(str::to_owned).collect();
        assert_eq!(
            grants.revoked(),
            [("alice".to_owned(), expected)],
            "{by_default:?}"
        );

        lab.sign_in("bob").await;
        lab.add_client("independent").await;
        lab.sign_out().await;
        news.run_once().await.unwrap();
        assert_eq!(
            grants.revoked().len(),
            1,
            "{by_default:?}: nothing to revoke"
        );
    }
}

/// Neither waits for the other, and both hear again if one of them fails.
#[tokio::test(start_paused = true)]
async fn s14_hooks_hear_side_by_side() {
    for first in [true, false] {
        let (grants, other) = (Grants::default(), Other::default());
        let revocation = LifetimeCoordination::new(clients()).revocation(grants.clone());
        let (mut lab, _) = Lab::in_store_with(|config| match first {
            true => config.ended_hook((revocation, other.clone())),
            false => config.ended_hook((other.clone(), Other::default(), revocation)),
        });
        let heard = || other.0.lock().unwrap().len();
        let news = EndedTask::new(&lab.config).unwrap().lease(MINUTE);
        sign_in_with_all(&mut lab, "alice").await;
        lab.sign_out().await;

        grants.hangs.store(true, Ordering::Relaxed);
        assert_eq!(news.run_once().await.unwrap(), 0);
        assert_eq!(heard(), 1, "the other has heard all the same");
        grants.hangs.store(false, Ordering::Relaxed);
        grants.fails.store(true, Ordering::Relaxed);
        lab.clock.advance(MINUTE);
        assert_eq!(news.run_once().await.unwrap(), 0);
        assert_eq!((heard(), grants.revoked().len()), (2, 0));
        grants.fails.store(false, Ordering::Relaxed);
        lab.clock.advance(MINUTE);
        assert_eq!(news.run_once().await.unwrap(), 1);
        assert_eq!((heard(), grants.revoked().len()), (3, 1));
        lab.clock.advance(MINUTE);
        assert_eq!(news.run_once().await.unwrap(), 0);
    }
}

#[tokio::test]
async fn s15_a_refresh_asks_the_session_and_keeps_it_alive() {
    let (mut lab, _) = Lab::in_store_with(|config| config.sliding(true).lifetime(HOUR));
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let coordination = LifetimeCoordination::new(clients());
    let all = coordination.clone().by_default(true);
    let id = sign_in_with_all(&mut lab, "alice").await;
    let refresh = async |coordination: &LifetimeCoordination, client: &str| {
        let refresh = coordination
            .refresh(&admin, "alice", id, client)
            .await
            .unwrap();
        match refresh {
            Refresh::Independent => "independent".to_owned(),
            Refresh::Ended => "ended".to_owned(),
            Refresh::Alive(session) => {
                let left = session.expires.duration_since(lab.now()).unwrap();
                format!("alive for {} minutes", left.as_secs() / 60)
            }
        }
    };
    lab.clock.advance(40 * MINUTE);
    for (name, coordination, client, expected) in [
        ("it says no", &coordination, "independent", "independent"),
        (
            "it says no, whatever the default",
            &all,
            "independent",
            "independent",
        ),
        ("it says nothing", &coordination, "silent", "independent"),
        ("it is not registered", &all, "removed", "ended"),
        (
            "it says yes",
            &coordination,
            "coordinates",
            "alive for 60 minutes",
        ),
        (
            "it says nothing, and the default yes",
            &all,
            "silent",
            "alive for 60 minutes",
        ),
    ] {
        assert_eq!(refresh(coordination, client).await, expected, "{name}");
    }
    // The last refresh counted: without it the session would be over now.
    lab.clock.advance(40 * MINUTE);
    assert_eq!(refresh(&all, "silent").await, "alive for 60 minutes");
    for _ in 0..40 {
        lab.clock.advance(50 * MINUTE);
        refresh(&all, "silent").await;
    }
    assert_eq!(
        refresh(&all, "silent").await,
        "ended",
        "not past the absolute expiry"
    );
    assert_eq!(refresh(&coordination, "silent").await, "independent");
}

#[tokio::test]
async fn s15_a_refresh_is_refused_where_there_is_no_such_session() {
    let (mut lab, _) = Lab::in_store();
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let coordination = LifetimeCoordination::new(clients());
    lab.sign_in("carol").await;
    let found = admin
        .find(&Filter::subject("carol").unwrap())
        .await
        .unwrap();
    let without_clients = found[0].session_id;
    let id = sign_in_with_all(&mut lab, "alice").await;
    for (name, subject, id, allowed) in [
        ("alive", "alice", id, true),
        ("another user", "bob", id, false),
        ("another session", "alice", without_clients, false),
        ("the client takes no part", "carol", without_clients, false),
    ] {
        let refresh = coordination
            .refresh(&admin, subject, id, "coordinates")
            .await;
        assert_eq!(refresh.unwrap().is_allowed(), allowed, "{name}");
    }
    lab.sign_out().await;
    let refresh = coordination
        .refresh(&admin, "alice", id, "coordinates")
        .await;
    assert!(!refresh.unwrap().is_allowed(), "the session has ended");
}

struct Away;

impl ClientRegistry for Away {
    async fn client(&self, _: &ClientId) -> Result<Option<Client>, BoxError> {
        Err("away".into())
    }
}

#[tokio::test]
async fn s15_without_the_registry_nobody_knows() {
    let grants = Grants::default();
    let coordination = LifetimeCoordination::new(Away);
    let hook = coordination.revocation(grants.clone());
    let (mut lab, _) = Lab::in_store_with(|config| config.ended_hook(hook));
    let id = sign_in_with_all(&mut lab, "alice").await;
    let admin = SessionAdmin::new(&lab.config).unwrap();
    let refresh = coordination
        .refresh(&admin, "alice", id, "coordinates")
        .await;
    assert_eq!(refresh.unwrap_err().kind(), ErrorKind::RegistryUnavailable);
    lab.sign_out().await;
    let news = EndedTask::new(&lab.config).unwrap();
    assert_eq!(news.run_once().await.unwrap(), 0, "it is handed out again");
    assert!(grants.revoked().is_empty());
}

/// Without a store the hooks are called in the request, and it waits no longer than for other changes.
#[tokio::test(start_paused = true)]
async fn s15_with_cookies_alone_grants_are_revoked_in_the_request() {
    let grants = Grants::default();
    let hook = LifetimeCoordination::new(clients()).revocation(grants.clone());
    let mut lab = Lab::with(|config| config.ended_hook(hook).write_limit(Duration::from_secs(3)));
    lab.sign_in("alice").await;
    lab.add_client("coordinates").await;
    lab.sign_out().await;
    assert_eq!(
        grants.revoked(),
        [("alice".to_owned(), vec!["coordinates".to_owned()])]
    );
}
