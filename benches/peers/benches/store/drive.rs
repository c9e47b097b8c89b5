//! Sends requests, some at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tower_service::Service;

use crate::{asked::subject, contestant::Contestant, operation::Operation};

/// What one turn has taken.
pub(crate) struct Turn {
    pub(crate) elapsed: Duration,
    /// Of each request, in nanoseconds.
    pub(crate) latencies: Vec<u32>,
}

/// Sends requests for that long or until the operation has had enough of them, from so many tasks, each of which waits for the answer before it
/// sends the next.
///
/// # Panics
///
/// When an answer is not 200: what fails must not be timed.
pub(crate) async fn drive(
    contestant: &Arc<Contestant>,
    operation: Operation,
    at_once: usize,
    time: Duration,
) -> Turn {
    let most = operation.most_in_a_turn(contestant.visitors.len());
    let sent = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    let begun = Instant::now();
    for _ in 0..at_once {
        let (contestant, sent) = (Arc::clone(contestant), Arc::clone(&sent));
        tasks.spawn(async move {
            let mut router = contestant.router.clone();
            let mut latencies = Vec::new();
            while begun.elapsed() < time && sent.fetch_add(1, Ordering::Relaxed) < most {
                latencies.push(send(&contestant, &mut router, operation).await);
            }
            latencies
        });
    }
    let latencies = tasks.join_all().await.concat();
    Turn {
        elapsed: begun.elapsed(),
        latencies,
    }
}

/// One request and the nanoseconds that it took. Making it and keeping the cookies of its answer is the browser's work, and not in them.
async fn send(contestant: &Contestant, router: &mut Router, operation: Operation) -> u32 {
    let visitor = contestant.visitors.next();
    let request = contestant.visitors.request(operation, visitor);
    let begun = Instant::now();
    let response = call(router, request).await;
    let took = begun.elapsed();
    assert_eq!(response.status(), StatusCode::OK, "{operation:?}");
    if operation == Operation::SignInAgain {
        contestant.visitors.receive(visitor, response.headers());
    }
    u32::try_from(took.as_nanos()).unwrap_or(u32::MAX)
}

/// Looks at whole answers of every kind.
///
/// # Panics
///
/// When one of them is wrong.
pub(crate) async fn verify(contestant: &Contestant) {
    let mut router = contestant.router.clone();
    let visitors = &contestant.visitors;
    for visitor in [0, visitors.len() - 1] {
        for operation in Operation::ALL {
            let request = visitors.request(operation, visitor);
            let response = call(&mut router, request).await;
            assert_eq!(response.status(), StatusCode::OK, "{operation:?}");
            let sets_cookie = response.headers().contains_key(header::SET_COOKIE);
            match operation {
                Operation::Read => assert!(!sets_cookie, "{operation:?}"),
                Operation::SignIn => assert!(sets_cookie, "{operation:?}"),
                Operation::SignInAgain => {
                    assert!(sets_cookie, "{operation:?}");
                    visitors.receive(visitor, response.headers());
                }
                Operation::AddClient => (),
            }
            if operation.has_session() {
                assert_eq!(
                    text(response).await,
                    subject(visitor as u64),
                    "{operation:?}"
                );
            }
        }
        let clients = call(&mut router, visitors.get("/clients", visitor)).await;
        let count = text(clients).await.split_whitespace().count();
        assert_eq!(count as u64, visitors.clients(visitor), "no client is lost");
    }
}

async fn call(router: &mut Router, request: Request<Body>) -> Response<Body> {
    match router.call(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

async fn text(response: Response<Body>) -> String {
    let body = response.into_body().collect().await;
    let body = body.expect("a body in memory").to_bytes();
    String::from_utf8(body.into()).expect("a body of text")
}
