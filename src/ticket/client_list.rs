use std::collections::HashSet;

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::wire::{Reader, Slice, put_bytes};
use crate::id::ClientId;

/// The clients of a session, in the order first added, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClientList {
    wire: Slice,
}

impl ClientList {
    /// The clients of a record, in which each is once: its store sees to that, and there may be a thousand of them in every request.
    pub(crate) fn of_record(clients: &[ClientId]) -> Self {
        let mut wire = Vec::with_capacity(clients.iter().map(most_bytes).sum());
        for client_id in clients {
            put_bytes(&mut wire, client_id.as_str().as_bytes());
        }
        Self { wire: wire.into() }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.wire.is_empty()
    }

    pub(crate) fn contains(&self, client_id: &str) -> bool {
        self.iter().any(|known| known == client_id)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> {
        entries(&self.wire)
    }

    pub(crate) fn to_vec(&self) -> Vec<ClientId> {
        // What is in a list was parsed when it came in.
        ClientId::parse_all(self.iter())
            .unwrap_or_else(|_| self.iter().flat_map(ClientId::parse).collect())
    }

    /// This list with one client after its own, which it must not hold yet.
    pub(crate) fn with(&self, added: &str) -> Self {
        let mut wire = self.wire.to_vec();
        put_bytes(&mut wire, added.as_bytes());
        Self { wire: wire.into() }
    }

    /// This list and, after its own, what it does not hold yet.
    pub(crate) fn merged<'a>(&'a self, added: impl IntoIterator<Item = &'a str>) -> Self {
        let added = added.into_iter();
        let mut wire = self.wire.to_vec();
        let mut known = Known::of(self, added.size_hint().0);
        for client_id in added {
            if known.insert(client_id) {
                put_bytes(&mut wire, client_id.as_bytes());
            }
        }
        Self { wire: wire.into() }
    }

    /// This list without what another holds.
    pub(crate) fn without(&self, other: &Self) -> Self {
        if other.is_empty() {
            return self.clone();
        }
        let mut wire = Vec::with_capacity(self.wire.len());
        let mut known = Known::of(other, 0);
        for client_id in self.iter().filter(|id| known.insert(id)) {
            put_bytes(&mut wire, client_id.as_bytes());
        }
        Self { wire: wire.into() }
    }

    /// Unpadded base64url of a JSON array of strings: the form in which properties show the list.
    pub(super) fn to_item(&self) -> String {
        let json = serde_json::to_vec(&self.iter().collect::<Vec<_>>()).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode(json)
    }

    /// Reads the form of [`to_item`](Self::to_item), or nothing if it is another.
    pub(super) fn from_item(text: &str) -> Option<Self> {
        let json = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        let ids: Vec<String> = serde_json::from_slice(&json).ok()?;
        if ids.iter().any(|id| ClientId::parse(id).is_err()) {
            return None;
        }
        Some(Self::default().merged(ids.iter().map(String::as_str)))
    }

    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The list in a ticket's bytes. Those have been authenticated, so they are not walked through before they are asked for.
    pub(super) fn over(wire: Slice) -> Self {
        Self { wire }
    }
}

/// What a client takes, with its length.
fn most_bytes(client_id: &ClientId) -> usize {
    client_id.as_str().len() + 2
}

/// Clients that are known. There may be many, and then each is looked up and not searched for; most sessions have few.
enum Known<'a> {
    Few(Vec<&'a str>),
    Many(HashSet<&'a str>),
}

impl<'a> Known<'a> {
    const FEW: usize = 16;

    /// Those of a list, and room for about so many more.
    fn of(list: &'a ClientList, more: usize) -> Self {
        let mut known = match more > Self::FEW {
            true => Self::Many(HashSet::with_capacity(more)),
            false => Self::Few(Vec::with_capacity(4)),
        };
        for client_id in list.iter() {
            known.insert(client_id);
        }
        known
    }

    /// Whether it was not known before.
    fn insert(&mut self, client_id: &'a str) -> bool {
        match self {
            Self::Many(known) => known.insert(client_id),
            Self::Few(known) if known.contains(&client_id) => false,
            Self::Few(known) => {
                known.push(client_id);
                if known.len() > Self::FEW {
                    *self = Self::Many(known.drain(..).collect());
                }
                true
            }
        }
    }
}

fn entries(wire: &[u8]) -> impl Iterator<Item = &str> {
    let mut reader = Reader::new(wire);
    std::iter::from_fn(move || reader.text())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c19_the_item_form_is_the_documented_one() {
        let list = ClientList::default().merged(["client1", "client2"]);
        assert_eq!(list.to_item(), "WyJjbGllbnQxIiwiY2xpZW50MiJd");
        assert_eq!(
            ClientList::from_item("WyJjbGllbnQxIiwiY2xpZW50MiJd"),
            Some(list)
        );
    }

    #[test]
    fn c18_first_added_first_and_each_once() {
        let first = ClientList::default().merged(["b", "a", "b"]);
        let list = first.merged(["c", "a"]);
        assert_eq!(list.iter().collect::<Vec<_>>(), ["b", "a", "c"]);
    }

    #[test]
    fn c20_what_is_no_list_is_none() {
        for (name, text) in [
            ("not base64", "***"),
            ("padded", "W10="),
            ("not JSON", "eA"),
            ("not an array", "e30"),
            ("an array of numbers", "WzFd"),
            ("an empty id", "WyIiXQ"),
        ] {
            assert_eq!(ClientList::from_item(text), None, "{name}");
        }
    }
}
