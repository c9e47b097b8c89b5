//! What axum itself costs: the route alone, and the route under the least of layers.

use std::sync::Arc;

use axum::{Extension, Router, routing::get};

use crate::{
    contestant::{Contestant, Role, Row},
    principal::SUBJECT,
};

/// The route alone: what every overhead is measured from.
pub const BARE: Contestant = Contestant {
    name: "bare",
    role: Role::Bare,
    router: bare,
    session: &[],
    rows: &[Row::Bare],
    cookies_on_every_answer: false,
};

/// The route with an extension inserted by a layer and extracted by the handler.
pub const EXTENSION: Contestant = Contestant {
    name: "bare",
    role: Role::Bare,
    router: extension,
    session: &[],
    rows: &[Row::Extension],
    cookies_on_every_answer: false,
};

fn bare() -> Router {
    Router::new().route("/", get(subject)).with_state(())
}

fn extension() -> Router {
    Router::new()
        .route("/", get(extracted))
        .layer(Extension(Visitor(SUBJECT.into())))
        .with_state(())
}

// Owned, as everyone's body is: the principal is not there any more when the body is sent.
async fn subject() -> String {
    SUBJECT.to_owned()
}

async fn extracted(Extension(visitor): Extension<Visitor>) -> String {
    visitor.0.to_string()
}

#[derive(Clone)]
struct Visitor(Arc<str>);
