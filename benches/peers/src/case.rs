//! A row of a contestant, ready to be driven.

use axum::{Router, body::Body};
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tower_service::Service;

use crate::{
    browser::{self, Browser},
    contestant::{Contestant, Row, SetCookie},
};

/// A router, and the request that is sent to it again and again.
#[derive(Debug)]
pub struct Case {
    /// Who is measured.
    pub contestant: Contestant,
    /// At what.
    pub row: Row,
    router: Router,
    cookies: HeaderValue,
    method: Method,
    path: &'static str,
}

impl Case {
    /// Sets the contestant up; a session is got by real requests.
    ///
    /// Called on the runtime.
    pub async fn new(contestant: Contestant, row: Row) -> Self {
        let mut router = (contestant.router)();
        // Purge tasks that a store has spawned look around once and go to sleep, or end when another is there.
        tokio::task::yield_now().await;
        let cookies = match row.has_session() {
            true => open_session(&mut router, contestant.session).await,
            false => Browser::default(),
        };
        let (method, path) = row.target();
        Self {
            contestant,
            row,
            router,
            cookies: cookies.cookie_header(),
            method,
            path,
        }
    }

    /// The name in the table.
    pub fn label(&self) -> String {
        format!("{}: {}", self.contestant.name, self.row.label())
    }

    /// One request of this case.
    pub fn request(&self) -> Request<Body> {
        browser::request(&self.method, self.path, &self.cookies)
    }

    /// Drives one request, up to and with the drop of its answer.
    ///
    /// # Panics
    ///
    /// When the answer is not 200: what fails must not be timed.
    #[inline]
    pub async fn drive(&mut self, request: Request<Body>) {
        let response = call(&mut self.router, request).await;
        assert_eq!(response.status(), StatusCode::OK);
    }

    /// Drives one request and says whether the whole answer is right.
    ///
    /// # Errors
    ///
    /// What is wrong with the answer.
    pub async fn verify(&mut self) -> Result<(), String> {
        let request = self.request();
        let response = call(&mut self.router, request).await;
        let status = response.status();
        let sets_cookie = response.headers().contains_key(header::SET_COOKIE);
        let body = text(response).await;
        if status != StatusCode::OK || body != self.row.body() {
            return Err(format!("{}: {status}, body {body:?}", self.label()));
        }
        match (self.row.set_cookie(), sets_cookie) {
            (SetCookie::Required, false) => Err(format!("{}: no Set-Cookie", self.label())),
            (SetCookie::Forbidden, true) if !self.contestant.cookies_on_every_answer => {
                Err(format!("{}: a Set-Cookie", self.label()))
            }
            _ => Ok(()),
        }
    }

    /// Asks another path of the same router, with the session of this case, and returns the body.
    ///
    /// # Panics
    ///
    /// When the answer is not 200.
    pub async fn ask(&mut self, path: &'static str) -> String {
        let response = call(
            &mut self.router,
            browser::request(&Method::GET, path, &self.cookies),
        )
        .await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        text(response).await
    }
}

/// Posts to the paths in turn, as one browser.
async fn open_session(router: &mut Router, paths: &[&'static str]) -> Browser {
    let mut browser = Browser::default();
    for path in paths {
        let request = browser::request(&Method::POST, path, &browser.cookie_header());
        let response = call(router, request).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        browser.receive(response.headers());
    }
    browser
}

async fn call(router: &mut Router, request: Request<Body>) -> Response<Body> {
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn text(response: Response<Body>) -> String {
    let body = response
        .into_body()
        .collect()
        .await
        .expect("a body in memory");
    String::from_utf8(body.to_bytes().into()).expect("a body of text")
}
