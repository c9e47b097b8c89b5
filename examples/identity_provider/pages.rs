//! The pages: what their templates in the folder `pages` are compiled against.

use askama::Template;
use axum::{
    http::{
        StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{Html, IntoResponse, Response},
};
use axum_user_session::{UserSession, extract::RequireUser};

use crate::shown::{ShownSession, ShownUser};

/// Where the stylesheet is; the templates name it too.
pub(crate) const STYLESHEET: &str = "/style.css";

/// `GET /`
pub(crate) async fn home(session: UserSession) -> Response {
    html(Home::new(&session))
}

/// `GET /account`
pub(crate) async fn account(RequireUser(user): RequireUser) -> Response {
    html(Account {
        user: ShownUser(user),
    })
}

/// `GET /style.css`
pub(crate) async fn stylesheet() -> impl IntoResponse {
    let headers = [
        (CONTENT_TYPE, "text/css; charset=utf-8"),
        (CACHE_CONTROL, "max-age=600"),
    ];
    let style = concat!(
        include_str!("pages/style/page.css"),
        include_str!("pages/style/content.css"),
        include_str!("pages/style/forms.css"),
    );
    (headers, style)
}

/// A template as a response.
pub(crate) fn html(page: impl Template) -> Response {
    match page.render() {
        Ok(page) => Html(page).into_response(),
        Err(error) => {
            tracing::error!(error = &error as &dyn std::error::Error, "a page failed");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Who is signed in, or how to.
#[derive(Template)]
#[template(path = "home.html", config = "examples/identity_provider/askama.toml")]
pub(crate) struct Home {
    session: Option<ShownSession>,
    problem: Option<&'static str>,
}

impl Home {
    pub(crate) fn new(session: &UserSession) -> Self {
        Self {
            session: ShownSession::of(session),
            problem: None,
        }
    }

    /// With what was wrong with the client that was to be added.
    pub(crate) fn refused(mut self, problem: &'static str) -> Self {
        self.problem = Some(problem);
        self
    }
}

/// What stands in the redirect after a sign-in: browsers go on at once, and others see that it worked.
#[derive(Template)]
#[template(
    path = "signed_in.html",
    config = "examples/identity_provider/askama.toml"
)]
pub(crate) struct SignedIn<'a> {
    session: Option<ShownSession>,
    return_url: &'a str,
}

impl<'a> SignedIn<'a> {
    pub(crate) fn new(session: &UserSession, return_url: &'a str) -> Self {
        Self {
            session: ShownSession::of(session),
            return_url,
        }
    }
}

/// What client applications may learn about the user.
#[derive(Template)]
#[template(
    path = "account.html",
    config = "examples/identity_provider/askama.toml"
)]
struct Account {
    user: ShownUser,
}

/// A page that says one thing.
#[derive(Template)]
#[template(
    path = "message.html",
    config = "examples/identity_provider/askama.toml"
)]
pub(crate) struct Message<'a> {
    pub(crate) title: &'a str,
    pub(crate) text: &'a str,
}
