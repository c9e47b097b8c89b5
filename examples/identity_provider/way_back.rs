//! Where the login page leads.

use std::fmt;

use axum_user_session::return_url::ReturnUrl;

use crate::provider;

/// An address of this site that it is safe to redirect to: a page, or an application's request.
///
/// A request holds what others have written, and so may hold more than a page's address: `login_hint=DOMAIN%5Cuser`, or a state of some
/// thousand characters. It leads to one endpoint, whatever it holds.
pub(crate) struct WayBack(String);

impl WayBack {
    /// Takes an address from a form or a query, or nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        let is_request = visible && provider::is_request(text);
        let is_safe = is_request || ReturnUrl::parse(text).is_some();
        is_safe.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WayBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
