//! Authorization requests, right but for what a test changes.

use url::form_urlencoded;

/// Where every client of these tests may have users sent.
pub(crate) const CALLBACK: &str = "https://client.example/callback";
pub(crate) const STATE: &str = "the state";
/// A proof key and its challenge (RFC 7636 appendix B).
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// The parameters of a request.
#[derive(Clone)]
pub(crate) struct Request(Vec<(String, String)>);

impl Request {
    /// One that nothing is wrong with.
    pub(crate) fn new(client: &str) -> Self {
        let parameters = [
            ("client_id", client),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", "openid profile"),
            ("state", STATE),
            ("nonce", "the nonce"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let owned = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
        Self(owned.into())
    }

    /// With another value.
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        self.without(name).and(name, value)
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.0.retain(|(found, _)| found != name);
        self
    }

    /// With one more, which may be there already.
    pub(crate) fn and(mut self, name: &str, value: &str) -> Self {
        self.0.push((name.to_owned(), value.to_owned()));
        self
    }

    /// With what else a query has.
    pub(crate) fn and_query(mut self, query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes());
        self.0.extend(pairs.into_owned());
        self
    }

    pub(crate) fn path(&self) -> String {
        format!("/connect/authorize?{}", self.query())
    }

    /// Encoded, as a query or a form.
    pub(crate) fn query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.0).finish()
    }
}
