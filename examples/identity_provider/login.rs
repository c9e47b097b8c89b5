//! The form to sign in.

use askama::Template;
use axum_user_session::UserSession;

use crate::{shown::ShownUser, way_back::WayBack};

/// Why somebody sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// To sign in, as anybody.
    NobodyYet,
    /// Somebody is signed in, and has to show once more who that is.
    Again,
    /// Somebody is signed in, and may go on with that account or sign in with another.
    SelectAccount,
}

/// The page.
#[derive(Template)]
#[template(path = "login.html", config = "examples/identity_provider/askama.toml")]
pub(crate) struct Login<'a> {
    return_url: Option<&'a WayBack>,
    user: Option<ShownUser>,
    why: Why,
    refused: bool,
    username: String,
    remember: bool,
}

impl Why {
    /// By the parameter `prompt`.
    pub(crate) fn of(prompt: Option<&str>) -> Self {
        match prompt {
            Some("login") => Self::Again,
            Some("select_account") => Self::SelectAccount,
            _ => Self::NobodyYet,
        }
    }

    /// The parameter that says so.
    fn prompt(self) -> Option<&'static str> {
        match self {
            Self::NobodyYet => None,
            Self::Again => Some("login"),
            Self::SelectAccount => Some("select_account"),
        }
    }
}

impl<'a> Login<'a> {
    pub(crate) fn new(return_url: Option<&'a WayBack>, session: &UserSession, why: Why) -> Self {
        let page = Self {
            return_url,
            user: session.user().map(ShownUser),
            why: Why::NobodyYet,
            refused: false,
            username: String::new(),
            remember: false,
        };
        match &page.user {
            Some(user) if why == Why::Again => Self {
                why,
                username: user.claim("preferred_username"),
                remember: session
                    .properties()
                    .is_some_and(|properties| properties.is_persistent()),
                ..page
            },
            Some(_) => Self { why, ..page },
            None => page,
        }
    }

    /// With who it is, as the application thinks; whoever is to sign in again is known.
    pub(crate) fn hinted(mut self, username: Option<String>) -> Self {
        if let (Some(username), true) = (username, self.username.is_empty()) {
            self.username = username;
        }
        self
    }

    /// After a wrong username or password; what was entered stays, but for the password.
    pub(crate) fn refused(mut self, username: String, remember: bool) -> Self {
        self.refused = true;
        self.username = username;
        self.remember = remember;
        self
    }

    fn again(&self) -> bool {
        self.why == Why::Again
    }

    fn chooses(&self) -> bool {
        self.why == Why::SelectAccount
    }
}
