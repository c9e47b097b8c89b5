//! A provider with an end-session endpoint whose pages are plain text, and its clients.

use axum::{
    Router,
    extract::FromRef,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use axum_user_session::{
    AuthenticationProperties, Error, KeyRing, SessionConfig, UserSession, UserSessionLayer,
    config::SessionConfigBuilder,
    id::SessionId,
    oidc::{
        Client, ClientRegistry, FixedClients,
        end_session::{EndSession, EndSessionRequest, LogoutRequest},
    },
    testing::{Browser, ManualClock, Page},
};

use crate::{
    support::{start, user},
    tokens::{self, verifier},
};

pub(crate) const PATH: &str = "/connect/endsession";
pub(crate) const GOODBYE: &str = "https://client1.example/goodbye";
pub(crate) const WITH_QUERY: &str = "https://client1.example/goodbye?tenant=blue";

pub(crate) struct Provider {
    pub(crate) browser: Browser<Router, ManualClock>,
    pub(crate) clock: ManualClock,
}

/// The endpoint as a part of a state, which is how most hosts have it.
#[derive(Clone)]
struct App {
    end_session: EndSession,
}

impl FromRef<App> for EndSession {
    fn from_ref(app: &App) -> Self {
        app.end_session.clone()
    }
}

impl Provider {
    pub(crate) fn new() -> Self {
        Self::with(clients(), |endpoint| endpoint, |builder| builder)
    }

    pub(crate) fn with(
        registry: impl ClientRegistry,
        endpoint: impl FnOnce(EndSession) -> EndSession,
        configure: impl FnOnce(SessionConfigBuilder) -> SessionConfigBuilder,
    ) -> Self {
        let clock = ManualClock::at(start());
        let builder = SessionConfig::builder(KeyRing::ephemeral())
            .issuer(tokens::ISSUER)
            .clock(clock.clone());
        let config = configure(builder).build().unwrap();
        let end_session = EndSession::new(&config, registry).hint_verifier(verifier());
        let app = App {
            end_session: endpoint(end_session),
        };
        let router = Router::new()
            .nest(
                "/connect",
                Router::new().route("/endsession", get(end_session_page).post(end_session_page)),
            )
            .route("/sign-in/{user}", get(sign_in))
            .route("/sign-in-as/{id}/{user}", get(sign_in_as))
            .route("/who", get(who))
            .with_state(app)
            .layer(UserSessionLayer::new(config));
        let mut browser = Browser::with_clock(router, clock.clone());
        browser.set_header("host", "id.example");
        Self { browser, clock }
    }

    /// Signs a user in, and gives the session's id.
    pub(crate) async fn sign_in(&mut self, user: &str) -> String {
        let page = self.browser.get(&format!("/sign-in/{user}")).await;
        assert_eq!(page.status, StatusCode::OK);
        page.body
    }

    pub(crate) async fn who(&mut self) -> String {
        self.browser.get("/who").await.body
    }

    pub(crate) async fn get(&mut self, parameters: &[(&str, &str)]) -> Page {
        let query = form(parameters);
        self.browser.get(&format!("{PATH}?{query}")).await
    }

    pub(crate) async fn post(&mut self, parameters: &[(&str, &str)]) -> Page {
        self.browser.post(PATH, &form(parameters)).await
    }

    /// A post from another site, which comes without the `Lax` cookie.
    pub(crate) async fn post_from_elsewhere(&mut self, parameters: &[(&str, &str)]) -> Page {
        let mut elsewhere = self.browser.clone();
        elsewhere.forget(crate::support::AUTH);
        elsewhere.set_header("origin", "https://client1.example");
        elsewhere.set_header("sec-fetch-site", "cross-site");
        elsewhere.post(PATH, &form(parameters)).await
    }

    /// Follows a redirect that stays at the endpoint.
    pub(crate) async fn follow(&mut self, page: &Page) -> Page {
        assert_eq!(page.status, StatusCode::SEE_OTHER);
        let location = page.header("location").unwrap();
        assert!(location.starts_with("?sealed_request="), "{location}");
        self.browser.get(&format!("{PATH}{location}")).await
    }

    /// Posts the form of a page that asks.
    pub(crate) async fn answer(&mut self, page: &Page, more: &[(&str, &str)]) -> Page {
        let token = token(page);
        let mut parameters = vec![("confirmation", token)];
        parameters.extend(more);
        self.post(&parameters).await
    }
}

/// The token of a page that asks.
pub(crate) fn token(page: &Page) -> &str {
    let text = page.body.strip_prefix("ask ");
    let text = text.unwrap_or_else(|| panic!("it does not ask: {page:?}"));
    text.split(' ').next().unwrap()
}

pub(crate) fn clients() -> FixedClients {
    let client1 = Client::builder("client1")
        .name("Client <One>")
        .post_logout_redirect_uri(GOODBYE)
        .post_logout_redirect_uri(WITH_QUERY)
        .post_logout_redirect_uri("com.example.app:/goodbye");
    let client2 = Client::builder("client2").post_logout_redirect_uri("https://client2.example/");
    [client1, client2]
        .into_iter()
        .map(|client| client.build().unwrap())
        .collect()
}

pub(crate) fn form(parameters: &[(&str, &str)]) -> String {
    let mut form = url::form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(parameters).finish()
}

async fn end_session_page(request: EndSessionRequest) -> Result<Response, Error> {
    Ok(match request {
        EndSessionRequest::Resend(resend) => resend.into_response(),
        EndSessionRequest::Ask(question) => {
            let said = describe(question.request());
            format!("ask {} {said}", question.token()).into_response()
        }
        EndSessionRequest::GoAhead(logout) => {
            let signed_out = logout.sign_out().await?;
            let ended = signed_out.ended().map(|ended| ended.subject.as_str());
            match signed_out.request().redirect() {
                Some(redirect) => redirect.clone().into_response(),
                None => format!("signed out {}", ended.unwrap_or("nobody")).into_response(),
            }
        }
        EndSessionRequest::Declined(request) => {
            format!("declined {}", describe(&request)).into_response()
        }
        EndSessionRequest::NobodySignedIn(request) => match request.redirect() {
            Some(redirect) => redirect.clone().into_response(),
            None => format!("nobody {}", describe(&request)).into_response(),
        },
    })
}

fn describe(request: &LogoutRequest) -> String {
    format!(
        "client={} redirect={} locales={} hint={}",
        request.client().map_or("-", |client| client.id().as_str()),
        request.redirect().map_or("-", |redirect| redirect.as_str()),
        request.ui_locales().join(","),
        request.logout_hint().unwrap_or("-"),
    )
}

async fn sign_in(
    axum::extract::Path(name): axum::extract::Path<String>,
    session: UserSession,
) -> Result<String, Error> {
    let signed_in = session.sign_in(user(&name)).await?;
    Ok(signed_in.session_id().as_str().to_owned())
}

/// Into a session of an id that the host has chosen.
async fn sign_in_as(
    axum::extract::Path((id, name)): axum::extract::Path<(String, String)>,
    session: UserSession,
) -> Result<(), Error> {
    let mut properties = AuthenticationProperties::new();
    properties.set_session_id(SessionId::parse(&id)?);
    session.sign_in_with(user(&name), properties).await?;
    Ok(())
}

async fn who(session: UserSession) -> String {
    crate::support::report(&session)
}
