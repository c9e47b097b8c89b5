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
            // An error drops the exchange, and with it whatever the request has made of its session.
            if let Ok(response) = &mut outcome {
                response::finish(&exchange, response.headers_mut());
            }
        }
        Poll::Ready(outcome)
    }
}
