use std::borrow::Cow;

use url::form_urlencoded;

use crate::{
    error::Error,
    id::ClientId,
    oidc::{origin::Origin, registry::Clients},
};

/// What the page's script asks: whether pages of an origin belong to a client.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Question {
    client: ClientId,
    origin: Origin,
}

/// The query of a request for the page's route.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It asks nothing, so the page itself is wanted.
    Page,
    Question(Question),
    /// It is none that the script makes.
    Malformed,
}

impl Asked {
    pub(super) fn of(query: &str) -> Self {
        if query.len() > LONGEST {
            return Self::Malformed;
        }
        let (mut client, mut origin) = (Field::Absent, Field::Absent);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "client_id" => client.add(value),
                "origin" => origin.add(value),
                // Not ours, such as the number of a release.
                _ => {}
            }
        }
        let (client, origin) = match (client, origin) {
            (Field::Absent, Field::Absent) => return Self::Page,
            (Field::Once(client), Field::Once(origin)) => (client, origin),
            _ => return Self::Malformed,
        };
        match (ClientId::parse(&client), origin.parse()) {
            (Ok(client), Ok(origin)) => Self::Question(Question { client, origin }),
            _ => Self::Malformed,
        }
    }
}

impl Question {
    /// Whether they do, as the host's registry has it now. A client that nobody knows has no origin.
    pub(super) async fn answer(&self, clients: &Clients) -> Result<bool, Error> {
        let client = clients.client(&self.client).await?;
        Ok(client.is_some_and(|client| client.origins().contains(&self.origin)))
    }
}

/// A parameter that may be there once.
enum Field<'a> {
    Absent,
    Once(Cow<'a, str>),
    Twice,
}

impl<'a> Field<'a> {
    fn add(&mut self, value: Cow<'a, str>) {
        *self = match self {
            Self::Absent => Self::Once(value),
            Self::Once(_) | Self::Twice => Self::Twice,
        };
    }
}

/// In bytes: the longest client id, each character in four bytes of three characters, and an origin with the longest name of a host.
const LONGEST: usize = ClientId::MAX_CHARS * 4 * 3 + 600;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o2_query_table() {
        let question = |client: &str, origin: &str| {
            Asked::Question(Question {
                client: ClientId::parse(client).unwrap(),
                origin: Origin::of(origin).unwrap(),
            })
        };
        let longest = "🦀".repeat(ClientId::MAX_CHARS);
        let crabs = "%F0%9F%A6%80".repeat(ClientId::MAX_CHARS);
        let crabs = format!(
            "client_id={crabs}&origin=https%3A%2F%2F{}.example",
            "a".repeat(63)
        );
        for (name, query, expected) in [
            ("nothing", "", Asked::Page),
            ("something else", "v=2", Asked::Page),
            (
                "as the script asks",
                "client_id=a+b&origin=https%3A%2F%2Fa.example%3A8443",
                question("a b", "https://a.example:8443"),
            ),
            (
                "the longest client id",
                &crabs,
                question(&longest, &format!("https://{}.example", "a".repeat(63))),
            ),
            ("only a client", "client_id=a", Asked::Malformed),
            (
                "only an origin",
                "origin=https://a.example",
                Asked::Malformed,
            ),
            (
                "no client",
                "client_id=&origin=https://a.example",
                Asked::Malformed,
            ),
            (
                "a line feed",
                "client_id=a%0A&origin=https://a.example",
                Asked::Malformed,
            ),
            ("no origin", "client_id=a&origin=", Asked::Malformed),
            (
                "an opaque origin",
                "client_id=a&origin=null",
                Asked::Malformed,
            ),
            (
                "a URI",
                "client_id=a&origin=https://a.example/cb",
                Asked::Malformed,
            ),
            (
                "an app",
                "client_id=a&origin=com.example.app:",
                Asked::Malformed,
            ),
            (
                "two clients",
                "client_id=a&client_id=b&origin=https://a.example",
                Asked::Malformed,
            ),
            (
                "three clients",
                "client_id=a&client_id=b&client_id=a&origin=https://a.example",
                Asked::Malformed,
            ),
            (
                "two origins",
                "client_id=a&origin=https://a.example&origin=https://a.example",
                Asked::Malformed,
            ),
            (
                "too long",
                &format!("v={}", "a".repeat(LONGEST)),
                Asked::Malformed,
            ),
        ] {
            assert_eq!(Asked::of(query), expected, "{name}");
        }
    }
}
