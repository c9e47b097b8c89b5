use askama::Template;
use axum::{
    http::{HeaderValue, header::CONTENT_SECURITY_POLICY},
    response::{IntoResponse, Redirect, Response},
};
use url::form_urlencoded;

use crate::{pages::html, provider::script};

/// Where an answer goes, and how.
pub(super) struct Reply {
    pub(super) redirect_uri: String,
    pub(super) mode: Mode,
    pub(super) state: Option<String>,
}

/// How it gets there (OAuth 2.0 Multiple Response Types 1.0 section 2.1, OAuth 2.0 Form Post Response Mode 1.0).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Query,
    FormPost,
}

/// The names of all modes.
pub(in crate::provider) const MODES: [&str; 2] = ["query", "form_post"];

impl Mode {
    pub(super) fn of(name: Option<&str>) -> Option<Self> {
        match name {
            None | Some("query") => Some(Self::Query),
            Some("form_post") => Some(Self::FormPost),
            Some(_) => None,
        }
    }
}

impl Reply {
    /// Sends the browser back to the client with an answer; `state` and the issuer (RFC 9207) go along.
    pub(super) fn with(&self, issuer: &str, answer: &[(&str, &str)]) -> Response {
        let mut fields = answer.to_vec();
        fields.extend(self.state.as_deref().map(|state| ("state", state)));
        fields.push(("iss", issuer));
        match self.mode {
            Mode::Query => Redirect::to(&self.with_query(&fields)).into_response(),
            Mode::FormPost => self.form(fields),
        }
    }

    /// The registered URI with its own query kept.
    fn with_query(&self, fields: &[(&str, &str)]) -> String {
        let joint = match self.redirect_uri.contains('?') {
            true => '&',
            false => '?',
        };
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(fields);
        format!("{}{joint}{}", self.redirect_uri, query.finish())
    }

    fn form(&self, fields: Vec<(&str, &str)>) -> Response {
        let mut response = html(FormPost {
            action: &self.redirect_uri,
            fields,
        });
        // No `form-action`: it would forbid what the application's own redirects lead to.
        let policy = format!(
            "default-src 'none'; style-src 'self'; script-src '{}'; base-uri 'none'",
            script::hash(SUBMIT)
        );
        if let Ok(policy) = HeaderValue::try_from(policy) {
            let headers = response.headers_mut();
            headers.insert(CONTENT_SECURITY_POLICY, policy);
        }
        response
    }
}

/// A form that sends itself; with a button for browsers without scripts.
#[derive(Template)]
#[template(
    path = "form_post.html",
    config = "examples/identity_provider/askama.toml"
)]
struct FormPost<'a> {
    action: &'a str,
    fields: Vec<(&'a str, &'a str)>,
}

/// The page's script.
const SUBMIT: &str = include_str!("../../pages/submit.js");
