use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

/// A decision over a request: none lets it through, a response head answers it with an empty body.
pub trait Decide: Sealed {
    /// Decides.
    fn decide<B>(&self, request: &Request<B>) -> Option<Response<()>>;
}

/// Only this crate's guards decide.
pub trait Sealed {}

/// The service of a guard: asks its decision, then the inner service.
#[derive(Clone, Debug)]
#[must_use]
pub struct Gate<S, D> {
    inner: S,
    decision: D,
}

impl<S, D> Gate<S, D> {
    pub(super) fn new(inner: S, decision: D) -> Self {
        Self { inner, decision }
    }
}

impl<S, D, ReqBody, ResBody> Service<Request<ReqBody>> for Gate<S, D>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>>,
    D: Decide,
    ResBody: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S::Future, ResBody>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqBody>) -> Self::Future {
        let course = match self.decision.decide(&request) {
            None => Course::Passed {
                inner: self.inner.call(request),
            },
            Some(head) => Course::Answered {
                response: Some(head.map(|()| ResBody::default())),
            },
        };
        ResponseFuture { course }
    }
}

pin_project! {
    /// The future of a [`Gate`]: the inner service's, or the guard's own answer.
    #[derive(Debug)]
    pub struct ResponseFuture<F, B> {
        #[pin]
        course: Course<F, B>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum Course<F, B> {
        Passed { #[pin] inner: F },
        Answered { response: Option<Response<B>> },
    }
}

impl<F, B, E> Future for ResponseFuture<F, B>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        match self.project().course.project() {
            Projected::Passed { inner } => inner.poll(cx),
            Projected::Answered { response } => {
                Poll::Ready(Ok(response.take().expect("not polled after completion")))
            }
        }
    }
}
