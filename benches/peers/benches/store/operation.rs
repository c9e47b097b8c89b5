//! What is measured.

use http::Method;

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operation {
    /// With a session; the handler answers with the subject.
    Read,
    /// Without a session; the handler makes the principal from its parts and signs it in.
    SignIn,
    /// With a session of the same user, which goes on under another key.
    SignInAgain,
    /// With a session; the handler adds a client that it does not have yet.
    AddClient,
}

impl Operation {
    pub(crate) const ALL: [Self; 4] =
        [Self::Read, Self::SignIn, Self::SignInAgain, Self::AddClient];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::SignIn => "sign-in",
            Self::SignInAgain => "sign-in again",
            Self::AddClient => "add client",
        }
    }

    /// The request line.
    pub(crate) fn target(self) -> (Method, &'static str) {
        match self {
            Self::Read => (Method::GET, "/"),
            Self::SignIn | Self::SignInAgain => (Method::POST, "/sign-in"),
            Self::AddClient => (Method::POST, "/clients"),
        }
    }

    pub(crate) fn has_session(self) -> bool {
        self != Self::SignIn
    }

    /// How many requests a turn may have, so that what they leave in the store stays bounded. Of those that change a session, each session gets
    /// one, so that no two meet.
    pub(crate) fn most_in_a_turn(self, sessions: usize) -> usize {
        match self {
            Self::Read => usize::MAX,
            Self::SignIn => 4 * sessions,
            Self::SignInAgain | Self::AddClient => sessions,
        }
    }

    /// How many times the rate of the peer is wanted.
    pub(crate) fn goal(self) -> f64 {
        match self {
            Self::Read => 1.5,
            _ => 1.0,
        }
    }
}
