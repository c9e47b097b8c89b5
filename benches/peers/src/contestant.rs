//! Who is measured, and at what.

use axum::Router;
use http::Method;

use crate::principal::{CLAIM, SUBJECT};

/// A router to be measured, and how to get a session from it.
#[derive(Clone, Copy, Debug)]
pub struct Contestant {
    /// The name in the table.
    pub name: &'static str,
    /// What it is compared as.
    pub role: Role,
    /// A new router with a store and keys of its own, its state given: a router that waits for a state rebuilds
    /// its layers for every request, which `axum::serve` never sees. Called on the runtime.
    pub router: fn() -> Router,
    /// The paths to post to, in this order, for a session that holds the whole principal.
    pub session: &'static [&'static str],
    /// What is measured.
    pub rows: &'static [Row],
    /// Whether it sets cookies even where nothing has changed, so that this is not taken for a mistake.
    pub cookies_on_every_answer: bool,
}

/// What a contestant is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// axum alone.
    Bare,
    /// This crate.
    Ours,
    /// This crate where it has most to do.
    OursAtWorst,
    /// A session crate that works in a layer.
    LayeredPeer,
    /// A session crate that works in an extractor alone: what an anonymous request costs there, no layer can match.
    ExtractorPeer,
}

impl Role {
    /// Whether it is somebody else's session crate.
    pub fn is_peer(self) -> bool {
        matches!(self, Role::LayeredPeer | Role::ExtractorPeer)
    }
}

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// No session machinery at all.
    Bare,
    /// A layer inserts an extension, the handler extracts it: the least that any layer with a handle costs.
    Extension,
    /// Cookies from elsewhere, as most visitors bring them, but none of a session; the handler finds nobody.
    Anonymous,
    /// With a session; the handler answers with the subject.
    Read,
    /// With a session; the handler answers with a claim.
    ReadClaim,
    /// With a session; the handler asks for the user twice.
    ReadTwice,
    /// No session cookie; the handler makes the principal from its parts and signs it in.
    SignIn,
    /// With a session; the handler adds a client that it does not hold yet.
    AddClient,
}

/// Whether an answer sets cookies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetCookie {
    /// It must.
    Required,
    /// It must not.
    Forbidden,
}

impl Row {
    /// How the row is called behind the contestant's name.
    pub fn label(self) -> &'static str {
        match self {
            Row::Bare => "route",
            Row::Extension => "route, layer inserts an extension that the handler extracts",
            Row::Anonymous => "anonymous",
            Row::Read => "authenticated, reads the subject",
            Row::ReadClaim => "authenticated, reads a claim",
            Row::ReadTwice => "authenticated, a second `user()`",
            Row::SignIn => "sign-in",
            Row::AddClient => "add client",
        }
    }

    /// The request line.
    pub fn target(self) -> (Method, &'static str) {
        match self {
            Row::Bare | Row::Extension | Row::Anonymous | Row::Read => (Method::GET, "/"),
            Row::ReadClaim => (Method::GET, "/claim"),
            Row::ReadTwice => (Method::GET, "/twice"),
            Row::SignIn => (Method::POST, "/sign-in"),
            Row::AddClient => (Method::POST, "/clients/new"),
        }
    }

    /// Whether the request carries a session.
    pub fn has_session(self) -> bool {
        matches!(
            self,
            Row::Read | Row::ReadClaim | Row::ReadTwice | Row::AddClient
        )
    }

    /// Whether a contestant's store may grow with every request of this row.
    pub fn may_grow(self) -> bool {
        matches!(self, Row::Anonymous | Row::SignIn)
    }

    /// The body of a right answer.
    pub fn body(self) -> &'static str {
        match self {
            Row::Anonymous => "",
            Row::ReadClaim => CLAIM.1,
            _ => SUBJECT,
        }
    }

    /// Whether a right answer sets cookies.
    pub fn set_cookie(self) -> SetCookie {
        match self {
            Row::SignIn | Row::AddClient => SetCookie::Required,
            _ => SetCookie::Forbidden,
        }
    }
}

/// The rows of every peer.
pub const PEER_ROWS: &[Row] = &[Row::Anonymous, Row::Read, Row::SignIn];
