//! The end-session endpoint, and the page after a sign-out (OpenID Connect RP-Initiated Logout 1.0, Front-Channel Logout 1.0).

use askama::Template;
use axum::{
    extract::State,
    http::{HeaderValue, header::CONTENT_SECURITY_POLICY},
    response::{IntoResponse, Redirect, Response},
};
use axum_user_session::{
    ended::Ended,
    oidc::{
        end_session::{Confirmation, EndSessionRequest, LogoutRequest},
        front_channel::FrontChannelPage,
    },
    return_url::ReturnUrl,
};

use super::{script, state::Provider};
use crate::{failure::Failure, pages::html};

/// `GET` and `POST /connect/endsession`
pub(super) async fn end_session(
    State(provider): State<Provider>,
    request: EndSessionRequest,
) -> Result<Response, Failure> {
    match request {
        EndSessionRequest::Resend(resend) => Ok(resend.into_response()),
        EndSessionRequest::Ask(question) => Ok(html(Question { question })),
        EndSessionRequest::GoAhead(logout) => {
            let signed_out = logout.sign_out().await?;
            let request = signed_out.request();
            Ok(goodbye(&provider, signed_out.ended(), request).await)
        }
        EndSessionRequest::NobodySignedIn(request) => Ok(goodbye(&provider, None, &request).await),
        EndSessionRequest::Declined(_) => Ok(Redirect::to("/").into_response()),
    }
}

/// What this site's own button leads to: the page for clients that hear of it in the browser, if there are any.
pub(crate) async fn signed_out(provider: &Provider, ended: Option<&Ended>) -> Response {
    let page = provider.front_channel.page(ended).await;
    if page.frames().is_empty() {
        return Redirect::to("/").into_response();
    }
    let home = ReturnUrl::or_default(None, "/");
    SignedOut::response(page.then_return(&home), "the start page")
}

async fn goodbye(provider: &Provider, ended: Option<&Ended>, request: &LogoutRequest) -> Response {
    let page = provider.front_channel.page(ended).await;
    let client = request.client();
    let client = client.map_or("the application", |client| {
        client.name().unwrap_or(client.id().as_str())
    });
    SignedOut::response(page.then_redirect(request.redirect()), client)
}

/// Asks whether the user wants to sign out.
#[derive(Template)]
#[template(
    path = "sign_out.html",
    config = "examples/identity_provider/askama.toml"
)]
struct Question {
    question: Confirmation,
}

impl Question {
    /// Who asks for it, if that is known.
    fn client(&self) -> Option<&str> {
        let client = self.question.request().client()?;
        Some(client.name().unwrap_or(client.id().as_str()))
    }
}

/// Says that the user is signed out, tells clients in frames that nobody sees, and goes on if a client wants that.
#[derive(Template)]
#[template(
    path = "signed_out.html",
    config = "examples/identity_provider/askama.toml"
)]
struct SignedOut<'a> {
    page: FrontChannelPage,
    /// Where it goes on.
    place: &'a str,
}

impl<'a> SignedOut<'a> {
    fn response(page: FrontChannelPage, place: &'a str) -> Response {
        let frames = page.frame_src();
        if frames.len() > LONGEST {
            // The library's own page puts it elsewhere.
            return page.into_response();
        }
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src '{}'; {frames}; \
             form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            script::hash(GO_ON)
        );
        let mut response = html(SignedOut { page, place });
        if let Ok(policy) = HeaderValue::try_from(policy) {
            let headers = response.headers_mut();
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// The page's script.
const GO_ON: &str = include_str!("../pages/go_on.js");
/// In bytes; proxies take some thousand for all headers together.
const LONGEST: usize = 2048;
