//! Ended means ended (s6): requests that read, touch, register a client, change or sign in again, against whatever ends their session, in every order of
//! their operations on the store. The session is gone afterwards, and no response that comes late sends a cookie of ours.

#[cfg(all(unix, any(feature = "postgres", feature = "redis")))]
#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/mod.rs"]
mod support;

mod schedule;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum_user_session::{
    UserSession,
    admin::{Extension, SessionAdmin},
    ended::EndReason,
    error::{ErrorKind, StoreError},
    id::SessionId,
    store::{Filter, MemoryStore, Selection, SessionStore},
    testing::{Intercepted, Interceptor, Operation, Page},
};
use schedule::{Act, Gate, Run, every_order};
use support::*;

/// What may be under way.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Late {
    Read,
    /// A read whose response has to set the session id cookie.
    ReadWithoutSessionId,
    /// By a client, at another endpoint.
    Touch,
    AddClient,
    Update,
    SignInAgain,
}

const LATE: [Late; 6] = [
    Late::Read,
    Late::ReadWithoutSessionId,
    Late::Touch,
    Late::AddClient,
    Late::Update,
    Late::SignInAgain,
];

/// What ends the session.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    SignOut,
    Revoke,
    Expire,
}

const ENDS: [End; 3] = [End::SignOut, End::Revoke, End::Expire];

/// One play: a session, requests that are under way, and its end.
struct Play<S> {
    store: S,
    subject: String,
    lab: Lab,
    session_id: SessionId,
    /// Counts what is done: who comes after the end is late.
    steps: Arc<AtomicUsize>,
    ended_at: Arc<AtomicUsize>,
    pages: Arc<Mutex<Vec<(Late, usize, Page)>>>,
}

impl<S: SessionStore + Clone> Play<S> {
    async fn new(store: &S, number: usize) -> Self {
        let subject = format!("alice{number}");
        let kept = store.clone();
        let mut lab = Lab::with(|config| config.store(kept).sliding(true));
        lab.sign_in(&subject).await;
        lab.add_client("before").await;
        // A touch is due.
        lab.clock.advance(2 * MINUTE);
        let id = lab.browser.cookie(SID).unwrap();
        Self {
            store: store.clone(),
            session_id: SessionId::parse(id).unwrap(),
            subject,
            lab,
            steps: Arc::new(AtomicUsize::new(1)),
            ended_at: Arc::new(AtomicUsize::new(usize::MAX)),
            pages: Arc::default(),
        }
    }

    /// The same application on a node of its own, behind a gate.
    fn node(&self, gated: impl SessionStore) -> Lab {
        let clock = self.lab.clock.clone();
        let mut node = Lab::with_ring(self.lab.ring.clone(), |config| {
            // Whoever waits for the others must not run out of time on a busy machine.
            let config = config.load_limit(MINUTE).write_limit(MINUTE);
            config.store(gated).sliding(true).clock(clock)
        });
        node.clock = self.lab.clock.clone();
        for name in [AUTH, SID] {
            node.browser
                .plant(name, self.lab.browser.cookie(name).unwrap());
        }
        node
    }

    fn late(&self, what: Late, gate: Gate) -> Act {
        let mut node = self.node(gate.around(self.store.clone()));
        let (subject, session_id) = (self.subject.clone(), self.session_id);
        let (steps, pages) = (Arc::clone(&self.steps), Arc::clone(&self.pages));
        if what == Late::ReadWithoutSessionId {
            node.browser.forget(SID);
        }
        Box::pin(async move {
            if what == Late::Touch {
                let admin = SessionAdmin::new(&node.config).unwrap();
                let extend = Extension::Extend;
                let session = admin.validate(&subject, session_id, "before", extend).await;
                drop(session.unwrap());
                return;
            }
            let page = node.visit(async move |session: UserSession| {
                let outcome = match what {
                    Late::Touch | Late::Read | Late::ReadWithoutSessionId => Ok(()),
                    Late::AddClient => session.add_client_id("late").await.map(drop),
                    Late::Update => session.set_item("item", "late").await,
                    Late::SignInAgain => session.sign_in(user(&subject)).await.map(drop),
                };
                let told = [ErrorKind::SessionEnded, ErrorKind::NotSignedIn];
                assert!(outcome.is_ok_or(|error| told.contains(&error.kind())));
                gate.pause("response").await;
                session
                    .session_id()
                    .map_or(String::new(), |id| id.as_str().to_owned())
            });
            let page = page.await;
            let at = steps.fetch_add(1, Ordering::SeqCst);
            pages.lock().unwrap().push((what, at, page));
        })
    }

    fn end(&self, how: End, gate: Gate) -> Act {
        let moment = Moment {
            steps: Arc::clone(&self.steps),
            ended_at: Arc::clone(&self.ended_at),
        };
        let store = gate.around(self.store.clone());
        let store = Intercepted::new(store, moment.clone());
        let mut node = self.node(store.clone());
        let subject = self.subject.clone();
        Box::pin(async move {
            match how {
                End::SignOut => {
                    let page = node.sign_out().await;
                    assert!(is_expired(&page, AUTH));
                }
                End::Revoke => {
                    let admin = SessionAdmin::new(&node.config).unwrap();
                    let filter = Filter::subject(subject).unwrap();
                    admin.revoke(&filter).await.unwrap();
                }
                End::Expire => {
                    gate.pause("time").await;
                    node.clock.advance(25 * HOUR);
                    // What the clean-up does besides is to forget what is over, which nobody who is late can meet a day later.
                    store.take_expired(100, node.now()).await.unwrap();
                }
            }
            moment.note();
        })
    }

    /// The session is gone, and nobody who was late has told the browser of it.
    async fn check(self, how: End, run: &Run) {
        let trace = run.trace();
        let now = self.lab.now();
        let filter = Filter::session_id(self.session_id);
        let left = self.store.find(&filter, 10, now).await.unwrap();
        assert!(left.is_empty(), "{how:?}: the session is back. {trace}");

        let ended_at = self.ended_at.load(Ordering::SeqCst);
        let pages = std::mem::take(&mut *self.pages.lock().unwrap());
        for (late, at, page) in pages {
            assert!(
                page.status.is_success(),
                "{late:?}, {how:?}: {page:?}. {trace}"
            );
            // Whoever has authenticated after the end has begun another session, which is nobody's ghost.
            let another = !page.body.is_empty() && page.body != self.session_id.as_str();
            if at > ended_at && !another {
                let set = page.set_cookies();
                assert!(
                    set.is_empty(),
                    "{late:?}, {how:?}: {:?}. {trace}",
                    names(&page)
                );
            }
            // Whatever the browser has got, it is not this session's.
            let mut browser = self.lab.other_browser();
            browser.plant(AUTH, self.lab.browser.cookie(AUTH).unwrap());
            browser.receive("/", &page.headers);
            self.lab.script.set(|session| async move {
                session
                    .session_id()
                    .map_or(String::new(), |id| id.as_str().to_owned())
            });
            let seen = browser.get("/").await.body;
            assert_ne!(seen, self.session_id.as_str(), "{late:?}, {how:?}. {trace}");
            assert!(
                another || seen.is_empty(),
                "{late:?}, {how:?}: {seen}. {trace}"
            );
        }
        // What was begun anew must not meet the clean-up of a later play.
        let left = Selection::Matching(Filter::subject(self.subject).unwrap());
        let reason = EndReason::Revoked;
        let deleted = self.store.delete_matching(&left, reason, 10, now).await;
        deleted.unwrap();
    }
}

/// Notes when the session has ended: right after the operation that ends it, whatever its caller then goes on to do.
#[derive(Clone)]
struct Moment {
    steps: Arc<AtomicUsize>,
    ended_at: Arc<AtomicUsize>,
}

impl Moment {
    /// The first time counts.
    fn note(&self) {
        let now = self.steps.fetch_add(1, Ordering::SeqCst);
        self.ended_at.fetch_min(now, Ordering::SeqCst);
    }
}

impl Interceptor for Moment {
    async fn after(&self, operation: Operation) -> Result<(), StoreError> {
        let ends = [
            Operation::Delete,
            Operation::DeleteMatching,
            Operation::TakeExpired,
        ];
        if ends.contains(&operation) {
            self.note();
        }
        Ok(())
    }
}

trait OkOr {
    fn is_ok_or(&self, accepted: impl Fn(&axum_user_session::Error) -> bool) -> bool;
}

impl OkOr for Result<(), axum_user_session::Error> {
    fn is_ok_or(&self, accepted: impl Fn(&axum_user_session::Error) -> bool) -> bool {
        match self {
            Ok(()) => true,
            Err(error) => accepted(error),
        }
    }
}

/// Plays some requests against every end in every order, and gives the number of orders.
async fn against_every_end<S: SessionStore + Clone>(store: &S, late: &[Late]) -> usize {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let mut orders = 0;
    for how in ENDS {
        orders += every_order(async |run| {
            let number = NUMBER.fetch_add(1, Ordering::Relaxed);
            let play = Play::new(store, number).await;
            let mut acts = vec![play.end(how, run.gate(0))];
            for (actor, what) in (1..).zip(late) {
                acts.push(play.late(*what, run.gate(actor)));
            }
            run.play(acts).await;
            play.check(how, run).await;
        })
        .await;
    }
    orders
}

async fn one_against_every_end<S: SessionStore + Clone>(store: S) {
    let mut orders = 0;
    for late in LATE {
        let of_this = against_every_end(&store, &[late]).await;
        assert!(of_this >= 3 + 6 + 6, "{late:?}: only {of_this}");
        orders += of_this;
    }
    println!("{orders} orders of one request and an end");
}

#[tokio::test]
async fn s6_nothing_comes_back_in_memory() {
    one_against_every_end(MemoryStore::new(1_000_000)).await;
}

/// Two that are under way at once, of which one signs in again, as only that puts another record in the place of the one that the other knows, and the other
/// writes.
#[tokio::test]
async fn s6_nothing_comes_back_in_memory_with_two_under_way() {
    let store = MemoryStore::new(1_000_000);
    let mut orders = 0;
    for other in [Late::AddClient, Late::Update, Late::SignInAgain] {
        orders += against_every_end(&store, &[Late::SignInAgain, other]).await;
    }
    println!("{orders} orders of two requests and an end");
}

#[cfg(feature = "sqlite")]
#[tokio::test]
async fn s6_nothing_comes_back_in_sqlite() {
    use axum_user_session::store::SqliteStore;
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(folder.path().join("sessions.db")).unwrap();
    one_against_every_end(store).await;
}

#[cfg(all(unix, feature = "postgres"))]
#[tokio::test]
#[ignore = "needs PostgreSQL: bash tests/run.sh"]
async fn s6_nothing_comes_back_in_postgres() {
    use axum_user_session::store::PostgresStore;
    let database = servers::Postgres::shared().create_database();
    let store = PostgresStore::connect(&database.url).await.unwrap();
    store.migrate().await.unwrap();
    one_against_every_end(store).await;
}

/// On one server, and on a cluster.
#[cfg(all(unix, feature = "redis"))]
#[tokio::test]
#[ignore = "needs Redis: bash tests/run.sh"]
async fn s6_nothing_comes_back_in_redis() {
    use axum_user_session::store::RedisStore;
    let server = servers::Redis::shared();
    one_against_every_end(RedisStore::connect(server.url()).await.unwrap()).await;
    let nodes = servers::Cluster::shared().urls();
    one_against_every_end(RedisStore::connect_cluster(nodes).await.unwrap()).await;
}
