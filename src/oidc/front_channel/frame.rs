use std::fmt;

use crate::{
    id::{ClientId, SessionId},
    oidc::{client::Client, origin::Origin, query::with_parameters},
};

/// A client to be told in the browser: what stands in one frame.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Frame {
    /// The client.
    pub client: ClientId,
    /// Its name for people, or its id. Escape it.
    pub name: String,
    /// The address to load, in visible ASCII. Escape it.
    pub uri: String,
    /// The origin of that address.
    pub origin: Origin,
}

impl Frame {
    /// The frame of a client, if it has a front-channel URI, and can be told what it must be told.
    pub(super) fn of(client: &Client, issuer: Option<&str>, session_id: SessionId) -> Option<Self> {
        let logout = client.front_channel_logout()?;
        let uri = match issuer {
            Some(issuer) => with_parameters(
                &logout.uri,
                &[("iss", issuer), ("sid", session_id.as_str())],
            ),
            None if logout.session_required => {
                tracing::warn!(
                    client = client.id().as_str(),
                    "front-channel logout: the client requires iss and sid, and the configuration has no issuer; it is not told"
                );
                return None;
            }
            None => logout.uri.clone(),
        };
        let origin = Origin::of(&uri).ok().filter(is_source);
        if origin.is_none() {
            tracing::warn!(
                client = client.id().as_str(),
                "front-channel logout: the origin can't stand in a content security policy; the client is not told"
            );
        }
        Some(Self {
            client: client.id().clone(),
            name: client.name().unwrap_or(client.id().as_str()).to_owned(),
            uri,
            origin: origin?,
        })
    }
}

impl fmt::Debug for Frame {
    /// Leaves the address out: it holds the session id.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

/// Whether an origin means itself as a source of a policy, and nothing else (CSP Level 3 section 2.3.1). A host may hold `;`, `,` or `*`, by the URL Standard.
fn is_source(origin: &Origin) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:/[]".contains(&byte);
    origin.as_str().bytes().all(legal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(uri: &str, required: bool, issuer: Option<&str>) -> Option<Frame> {
        let client = Client::builder("c").front_channel_logout_uri(uri, required);
        Frame::of(
            &client.build().unwrap(),
            issuer,
            SessionId::parse("s1").unwrap(),
        )
    }

    #[test]
    fn o4_iss_and_sid_are_appended_together_or_not_at_all() {
        let issuer = Some("https://id.example");
        for (name, uri, required, issuer, expected) in [
            (
                "no query",
                "https://a.example/out",
                false,
                issuer,
                Some("https://a.example/out?iss=https%3A%2F%2Fid.example&sid=s1"),
            ),
            (
                "a query is kept",
                "https://a.example/out?x=%26&y",
                true,
                issuer,
                Some("https://a.example/out?x=%26&y&iss=https%3A%2F%2Fid.example&sid=s1"),
            ),
            (
                "an empty query",
                "https://a.example/?",
                false,
                issuer,
                Some("https://a.example/?iss=https%3A%2F%2Fid.example&sid=s1"),
            ),
            (
                "no issuer",
                "https://a.example/out",
                false,
                None,
                Some("https://a.example/out"),
            ),
            (
                "no issuer, but required",
                "https://a.example/out",
                true,
                None,
                None,
            ),
        ] {
            let frame = frame(uri, required, issuer);
            assert_eq!(frame.map(|frame| frame.uri).as_deref(), expected, "{name}");
        }
    }

    #[test]
    fn o4_an_origin_that_would_change_the_policy_has_no_frame() {
        for (name, uri, expected) in [
            ("plain", "https://a.example/;,*", true),
            ("with a port", "https://a.example:8443/", true),
            ("IPv6", "http://[::1]:3000/", true),
            ("a directive", "https://a;script-src/", false),
            ("another policy", "https://a,b/", false),
            ("any host", "https://*/", false),
            ("any subdomain", "https://*.example/", false),
            ("a keyword", "https://'unsafe-inline'/", false),
        ] {
            assert_eq!(frame(uri, false, None).is_some(), expected, "{name}");
        }
    }
}
