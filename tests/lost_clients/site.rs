//! The application that every process runs.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header::COOKIE},
    routing::post,
};
use axum_user_session::{
    Principal, SessionConfig, UserSession, UserSessionLayer, error::ErrorKind, store::SessionStore,
};
use tokio::time::sleep;

use crate::place::Place;

#[derive(Clone)]
pub(crate) struct Site {
    pub(crate) router: Router,
    pub(crate) config: SessionConfig,
    met_another_reference: Arc<AtomicUsize>,
}

impl Site {
    pub(crate) fn new(store: impl SessionStore, place: &Place) -> Self {
        // Every request slides its session. Whoever waits on a busy machine must not run out of time.
        let config = SessionConfig::builder(place.keys())
            .store(store)
            .sliding(true)
            .activity_interval(Duration::from_millis(1))
            .load_limit(Duration::from_secs(60))
            .write_limit(Duration::from_secs(60))
            .build()
            .unwrap();
        let met_another_reference = Arc::default();
        let state = (place.clone(), Arc::clone(&met_another_reference));
        let router = Router::new()
            .route("/sign-in/{session}", post(sign_in))
            .route("/register/{session}/{client}", post(register))
            .with_state(state)
            .layer(UserSessionLayer::new(config.clone()));
        Self {
            router,
            config,
            met_another_reference,
        }
    }

    /// How many registrations began with a reference, and were done when another had taken its place.
    pub(crate) fn met_another_reference(&self) -> usize {
        self.met_another_reference.load(Ordering::Relaxed)
    }
}

pub(crate) fn subject(session: usize) -> String {
    format!("user {session}")
}

async fn sign_in(Path(number): Path<usize>, session: UserSession) {
    let user = Principal::builder(subject(number)).build();
    session.sign_in(user).await.unwrap();
}

/// 401 asks for another attempt: the reference had been replaced before this request was here.
async fn register(
    State((place, met_another_reference)): State<(Place, Arc<AtomicUsize>)>,
    Path((number, client)): Path<(usize, String)>,
    headers: HeaderMap,
    session: UserSession,
) -> StatusCode {
    // As an authorization endpoint is busy with other things first.
    sleep(Duration::from_millis(5)).await;
    let is_another = place.cookies(number).as_bytes() != headers[COOKIE].as_bytes();
    match session.add_client_id(&client).await {
        Ok(is_new) => assert!(is_new, "nobody else registers it"),
        Err(error) if error.kind() == ErrorKind::NotSignedIn => return StatusCode::UNAUTHORIZED,
        Err(error) => panic!("{client}: {error:?}"),
    }
    if is_another {
        met_another_reference.fetch_add(1, Ordering::Relaxed);
    }
    StatusCode::OK
}
