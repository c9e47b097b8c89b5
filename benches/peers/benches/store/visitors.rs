//! The browsers that the requests come from.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, AtomicUsize, Ordering},
};

use axum::body::Body;
use axum_user_session_peers::browser::{self, Browser};
use http::{HeaderMap, HeaderValue, Request};

use crate::{asked::NUMBER, operation::Operation};

/// Browsers with a session each, and any number of strangers.
pub(crate) struct Visitors {
    known: Vec<Mutex<Visitor>>,
    stranger: HeaderValue,
    /// Whose turn it is.
    next: AtomicUsize,
    /// The users who sign in as strangers; they come back to no other turn.
    next_stranger: AtomicU64,
}

#[derive(Default)]
struct Visitor {
    browser: Browser,
    cookies: Option<HeaderValue>,
    /// How many clients it has asked for.
    clients: u64,
}

impl Visitors {
    /// They have no session yet: [`Operation::SignInAgain`] gives it to them.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            known: (0..count).map(|_| Mutex::default()).collect(),
            stranger: Browser::default().cookie_header(),
            next: AtomicUsize::new(0),
            next_stranger: AtomicU64::new(count as u64),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.known.len()
    }

    /// The next visitor. In as many calls as there are visitors, everyone's turn comes once.
    pub(crate) fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.known.len()
    }

    /// The visitor's request.
    pub(crate) fn request(&self, operation: Operation, visitor: usize) -> Request<Body> {
        let (method, path) = operation.target();
        if !operation.has_session() {
            let user = self.next_stranger.fetch_add(1, Ordering::Relaxed);
            return numbered(browser::request(&method, path, &self.stranger), user);
        }
        let mut known = self.visitor(visitor);
        let cookies = known.cookies.as_ref().unwrap_or(&self.stranger);
        let request = browser::request(&method, path, cookies);
        match operation {
            Operation::AddClient => {
                known.clients += 1;
                numbered(request, known.clients)
            }
            Operation::SignInAgain => numbered(request, visitor as u64),
            Operation::Read | Operation::SignIn => request,
        }
    }

    /// Another path, with the visitor's session.
    pub(crate) fn get(&self, path: &'static str, visitor: usize) -> Request<Body> {
        let known = self.visitor(visitor);
        let cookies = known.cookies.as_ref().unwrap_or(&self.stranger);
        browser::request(&http::Method::GET, path, cookies)
    }

    /// Keeps what the answer sets.
    pub(crate) fn receive(&self, visitor: usize, headers: &HeaderMap) {
        let mut known = self.visitor(visitor);
        known.browser.receive(headers);
        known.cookies = Some(known.browser.cookie_header());
    }

    /// How many clients the visitor's session has.
    pub(crate) fn clients(&self, visitor: usize) -> u64 {
        self.visitor(visitor).clients
    }

    fn visitor(&self, visitor: usize) -> MutexGuard<'_, Visitor> {
        let visitor = self.known[visitor].lock();
        visitor.unwrap_or_else(PoisonError::into_inner)
    }
}

fn numbered(mut request: Request<Body>, number: u64) -> Request<Body> {
    request.headers_mut().insert(NUMBER, number.into());
    request
}
