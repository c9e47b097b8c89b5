use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::Response;
use pin_project_lite::pin_project;

use super::{response, service::Exchange};

pin_project! {
    /// The future of [`UserSessionService`](super::UserSessionService): the inner one, then our cookies.
    #[derive(Debug)]
    pub struct ResponseFuture<F> {
        #[pin]
        inner: F,
        // None once the response head is there, and for requests that are none of ours.
        exchange: Option<Exchange>,
    }

    impl<F> PinnedDrop for ResponseFuture<F> {
        // The client went away, or the server gave up: no cookie goes out any more.
        fn drop(this: Pin<&mut Self>) {
            if let Some(exchange) = this.project().exchange.take() {
                exchange.session.abandon();
            }
        }
    }
}

impl<F> ResponseFuture<F> {
    pub(super) fn new(inner: F, exchange: Option<Exchange>) -> Self {
        Self { inner, exchange }
    }
}

impl<F, B, E> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<B>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let mut outcome = ready!(this.inner.poll(cx));
        if let Some(exchange) = this.exchange.take() {
            match &mut outcome {
                Ok(response) => response::finish(&exchange, response.headers_mut()),
                Err(_) => exchange.session.abandon(),
            }
        }
        Poll::Ready(outcome)
    }
}
