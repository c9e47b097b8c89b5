use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower::Service;

use super::{
    response,
    service::{Call, Exchange},
};
use crate::{
    error::Error,
    hook::BoxFuture,
    session::{Close, Closed, UserSession},
};

pin_project! {
    /// The future of [`UserSessionService`](super::UserSessionService): the session where it must be waited for, the inner service, then our cookies.
    pub struct ResponseFuture<S, B>
    where
        S: Service<Request<B>>,
    {
        #[pin]
        stage: Stage<S, B, S::Future, S::Response>,
    }
}

pin_project! {
    #[project = Projected]
    enum Stage<S, B, F, R> {
        Loading {
            loading: BoxFuture<'static, Result<UserSession, Error>>,
            // None once it has been made.
            call: Option<Box<Call<S, B>>>,
        },
        Running {
            #[pin]
            inner: F,
            // None once the response head is there, and for requests that have no session.
            exchange: Option<Exchange>,
        },
        Closing {
            closing: BoxFuture<'static, Option<Closed>>,
            exchange: Exchange,
            // None once it is given.
            response: Option<R>,
        },
    }
}

impl<S, B> ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    pub(super) fn running(inner: S::Future, exchange: Option<Exchange>) -> Self {
        Self {
            stage: Stage::Running { inner, exchange },
        }
    }

    pub(super) fn loading(
        loading: BoxFuture<'static, Result<UserSession, Error>>,
        call: Call<S, B>,
    ) -> Self {
        let call = Some(Box::new(call));
        Self {
            stage: Stage::Loading { loading, call },
        }
    }
}

impl<S, B, R> Future for ResponseFuture<S, B>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut stage = self.project().stage;
        loop {
            match stage.as_mut().project() {
                Projected::Loading { loading, call } => {
                    let loaded = ready!(loading.as_mut().poll(cx));
                    let call = call.take().expect("a session is loaded once");
                    let (inner, exchange) = call.make(loaded);
                    stage.set(Stage::Running { inner, exchange });
                }
                Projected::Running { inner, exchange } => {
                    let outcome = ready!(inner.poll(cx));
                    // An error drops the exchange, and with it whatever the request has made of its session.
                    let (exchange, mut response) = match (exchange.take(), outcome) {
                        (Some(exchange), Ok(response)) => (exchange, response),
                        (_, outcome) => return Poll::Ready(outcome),
                    };
                    match exchange.session.close(exchange.may_remove) {
                        Close::Now(closed) => {
                            response::finish(&exchange, closed, &mut response);
                            return Poll::Ready(Ok(response));
                        }
                        Close::Later(closing) => stage.set(Stage::Closing {
                            closing,
                            exchange,
                            response: Some(response),
                        }),
                    }
                }
                Projected::Closing {
                    closing,
                    exchange,
                    response,
                } => {
                    let closed = ready!(closing.as_mut().poll(cx));
                    let mut response = response.take().expect("not polled after completion");
                    response::finish(exchange, closed, &mut response);
                    return Poll::Ready(Ok(response));
                }
            }
        }
    }
}

impl<S, B> fmt::Debug for ResponseFuture<S, B>
where
    S: Service<Request<B>>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
