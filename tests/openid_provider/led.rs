//! Where an authorization request leads.

use url::Url;

use crate::{curl::Curl, journey::parameter, place::Place, request::CALLBACK};

/// What a request has led to.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Led {
    Code,
    /// To the login page, with a prompt.
    Login(Option<String>),
    Error(String),
}

impl Led {
    pub(crate) fn to(url: &Url) -> Self {
        if url.path() == "/login" {
            return Self::Login(parameter(url, "prompt"));
        }
        assert!(url.as_str().starts_with(CALLBACK), "{url}");
        match parameter(url, "error") {
            Some(error) => Self::Error(error),
            None => {
                assert!(parameter(url, "code").is_some(), "{url}");
                Self::Code
            }
        }
    }
}

impl Place {
    /// Where a page sends a browser on.
    pub(crate) fn follow(&self, user: &Curl, url: &Url) -> Url {
        let answer = user.get(url.as_str());
        assert_eq!(answer.status, 303, "{url}: {}", answer.body);
        self.location(&answer)
    }
}

/// Where the login page leads.
pub(crate) fn sign_in(place: &Place, user: &Curl, login: &Url, name: &str) -> Url {
    let return_url = parameter(login, "return_url").expect("the way back");
    let fields = [
        ("username", name),
        ("password", name),
        ("return_url", &return_url),
    ];
    let answer = user.post(&place.server.url("/login"), &fields);
    // Not by a redirect: the form's policy would be asked for all redirects that follow.
    assert_eq!(answer.status, 200, "{}", answer.body);
    place.location(&answer)
}
