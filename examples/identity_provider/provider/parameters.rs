//! The parameters of an OAuth request.

use std::collections::BTreeMap;

use url::form_urlencoded;

/// Names and values; one without a value counts as left out, and none is there twice (RFC 6749 section 3.1). Secrets are among them, so they are not
/// to be printed.
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    /// Reads a query, or the body of a form. None if a name comes twice.
    pub(crate) fn parse(encoded: &[u8]) -> Option<Self> {
        let mut parameters = BTreeMap::new();
        for (name, value) in form_urlencoded::parse(encoded) {
            if value.is_empty() {
                continue;
            }
            if parameters.insert(name.into(), value.into()).is_some() {
                return None;
            }
        }
        Some(Self(parameters))
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// The words of a list with spaces between them.
    pub(crate) fn words(&self, name: &str) -> impl Iterator<Item = &str> {
        self.text(name).unwrap_or_default().split_ascii_whitespace()
    }
}

/// A form as a query that can stand in an address, however it was written.
pub(crate) fn encoded_anew(form: &[u8]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(form_urlencoded::parse(form)).finish()
}
