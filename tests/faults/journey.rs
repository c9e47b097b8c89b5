//! What one user does, and what must be true of the answers.

use std::time::{Duration, Instant};

use axum::{Router, http::StatusCode};
use axum_user_session::testing::{Browser, Page};

use crate::{
    crowd::Outcome,
    site::{LOAD_LIMIT, NOBODY, WRITE_LIMIT},
};

/// How long the machine may take for anything else.
const LEISURE: Duration = Duration::from_secs(1);

pub(crate) struct Journey {
    user: usize,
    browser: Browser<Router>,
    state: State,
    /// The clients that were answered for in this session.
    clients: Vec<String>,
    /// Browsers as they were when they signed out.
    left: Vec<Browser<Router>>,
    rounds: usize,
    outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum State {
    SignedOut,
    SignedIn,
    /// Signing in or out was answered with 503: it may have happened, or not.
    Unknown,
}

impl Journey {
    pub(crate) fn begin(site: Router, user: usize) -> Self {
        Self {
            user,
            browser: Browser::new(site),
            state: State::SignedOut,
            clients: Vec::new(),
            left: Vec::new(),
            rounds: 0,
            outcome: Outcome::default(),
        }
    }

    /// Looks, signs in if need be, registers a client, and signs in again or out now and then. Says whether all of it was answered.
    pub(crate) async fn round(&mut self) -> bool {
        self.rounds += 1;
        let unavailable = self.outcome.unavailable;
        self.look().await;
        if self.state == State::SignedOut && self.sign_in().await {
            self.clients.clear();
        }
        if self.state == State::SignedIn {
            self.register().await;
        }
        match self.rounds % 6 {
            2 | 4 if self.state == State::SignedIn => {
                self.sign_in().await;
            }
            0 if self.state == State::SignedIn => self.sign_out().await,
            _ => {}
        }
        self.outcome.unavailable == unavailable
    }

    /// When all works again.
    pub(crate) async fn end(mut self) -> Outcome {
        let unavailable = self.outcome.unavailable;
        self.look().await;
        for mut browser in std::mem::take(&mut self.left) {
            let page = browser.get("/").await;
            assert_eq!(page.body, NOBODY, "a session is back: {page:?}");
        }
        assert_eq!(self.outcome.unavailable, unavailable);
        self.outcome
    }

    async fn look(&mut self) {
        let Some(page) = self.get(LOAD_LIMIT).await else {
            return;
        };
        let is_signed_in = page.body != NOBODY;
        match self.state {
            State::Unknown => {}
            State::SignedIn => assert!(is_signed_in, "a session is lost"),
            State::SignedOut => assert!(!is_signed_in, "a session is back"),
        }
        self.state = if is_signed_in {
            State::SignedIn
        } else {
            State::SignedOut
        };
        if is_signed_in {
            let seen: Vec<_> = page.body.split(' ').collect();
            for client in &self.clients {
                assert!(seen.contains(&&**client), "{client} is lost: {seen:?}");
            }
        }
    }

    async fn sign_in(&mut self) -> bool {
        let path = format!("/sign-in/user{}", self.user);
        let page = self.post(&path, 2 * LOAD_LIMIT + 2 * WRITE_LIMIT).await;
        self.state = match page {
            Some(_) => State::SignedIn,
            None if self.state == State::SignedIn => State::Unknown,
            // Without a cookie nobody is signed in, whatever the store has.
            None => State::SignedOut,
        };
        page.is_some()
    }

    async fn register(&mut self) {
        let client = format!("client{}", self.rounds);
        let path = format!("/register/{client}");
        if self.post(&path, LOAD_LIMIT + WRITE_LIMIT).await.is_some() {
            self.clients.push(client);
        }
    }

    async fn sign_out(&mut self) {
        let before = self.browser.clone();
        let page = self.post("/sign-out", LOAD_LIMIT + WRITE_LIMIT).await;
        self.state = State::Unknown;
        if page.is_some() {
            self.state = State::SignedOut;
            self.left.push(before);
        }
    }

    async fn get(&mut self, limit: Duration) -> Option<Page> {
        let began = Instant::now();
        let page = self.browser.get("/").await;
        self.judge(page, began.elapsed(), limit)
    }

    async fn post(&mut self, path: &str, limit: Duration) -> Option<Page> {
        let began = Instant::now();
        let page = self.browser.post(path, "").await;
        self.judge(page, began.elapsed(), limit)
    }

    /// None, if the service was not available.
    fn judge(&mut self, page: Page, took: Duration, limit: Duration) -> Option<Page> {
        assert!(took < limit + LEISURE, "{took:?}: {page:?}");
        self.outcome.slowest = self.outcome.slowest.max(took);
        if page.status == StatusCode::SERVICE_UNAVAILABLE {
            self.outcome.unavailable += 1;
            assert!(page.set_cookies().is_empty(), "{page:?}");
            assert_eq!(page.header("retry-after"), Some("5"));
            return None;
        }
        assert_eq!(page.status, StatusCode::OK, "{page:?}");
        self.outcome.answered += 1;
        Some(page)
    }
}
