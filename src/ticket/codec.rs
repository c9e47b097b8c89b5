//! Ticket to bytes and back. What was read writes the same bytes again.
//!
//! ```text
//! flags      1 byte
//! session id length, text                                  if flagged
//! times      issued, sealed, validated, expires, absolute, window     if flagged; milliseconds, 8 bytes each, little-endian
//! clients    length, (length, text)*
//! items      length, (length, name, length, value)*
//! principal  the rest: length, subject, then per claim one byte for kind and name, ...
//! ```
//!
//! Lengths are LEB128. The format's version stands in front of the sealed bytes, where it can be read without a key.

use super::{
    client_list::ClientList,
    items::Items,
    principal::Principal,
    properties::AuthenticationProperties,
    ticket::Ticket,
    wire::{Reader, Slice, put_bytes},
};
use crate::{clock::Timestamp, id::SessionId, lifetimes::Times};

const PERSISTENT: u8 = 1;
const REFRESH_STATED: u8 = 2;
const REFRESH_ALLOWED: u8 = 4;
const HAS_SESSION_ID: u8 = 8;
const HAS_TIMES: u8 = 16;
const ALL: u8 = 31;
/// Six times.
const TIMES_LEN: usize = 48;

/// Appends the ticket's bytes.
pub(crate) fn encode(ticket: &Ticket, out: &mut Vec<u8>) {
    let properties = &ticket.properties;
    let (clients, items, principal) = (
        properties.clients.wire(),
        properties.own.wire(),
        ticket.principal.wire(),
    );
    out.push(flags(properties));
    if let Some(id) = &properties.session_id {
        put_bytes(out, id.as_bytes());
    }
    if let Some(times) = &properties.times {
        let window = Timestamp(times.window_ms);
        for time in [
            times.issued,
            times.sealed,
            times.validated,
            times.expires,
            times.absolute,
            window,
        ] {
            out.extend_from_slice(&time.0.to_le_bytes());
        }
    }
    put_bytes(out, clients);
    put_bytes(out, items);
    out.extend_from_slice(principal);
}

/// How many bytes [`encode`] appends at most, short of a few hundred thousand in one section.
pub(crate) fn most_bytes(ticket: &Ticket) -> usize {
    let properties = &ticket.properties;
    let sections = [
        properties.clients.wire(),
        properties.own.wire(),
        ticket.principal.wire(),
    ];
    sections.map(<[u8]>::len).iter().sum::<usize>() + 1 + 1 + SessionId::MAX_LEN + TIMES_LEN + 2 * 3
}

/// Reads a ticket, or nothing if the bytes are not exactly one.
pub(crate) fn decode(wire: Slice) -> Option<Ticket> {
    let mut reader = Reader::new(&wire);
    let flags = reader.byte().filter(|flags| *flags <= ALL)?;
    let stated = flags & REFRESH_STATED != 0;
    let allowed = flags & REFRESH_ALLOWED != 0;
    if allowed && !stated {
        return None;
    }
    let session_id = match flags & HAS_SESSION_ID {
        0 => None,
        _ => Some(SessionId::from_bytes(reader.bytes()?)?),
    };
    let times = match flags & HAS_TIMES {
        0 => None,
        _ => Some(times(&mut reader)?),
    };
    let properties = AuthenticationProperties {
        session_id,
        times,
        clients: ClientList::over(section(&wire, &mut reader)?),
        own: Items::over(section(&wire, &mut reader)?),
        persistent: flags & PERSISTENT != 0,
        allow_refresh: stated.then_some(allowed),
        ..AuthenticationProperties::default()
    };
    let rest = wire.len() - reader.len();
    let principal = Principal::from_wire(wire.tail(rest))?;
    Some(Ticket::new(principal, properties))
}

/// The next length and bytes, as a part of the ticket's own buffer.
#[inline]
fn section(wire: &Slice, reader: &mut Reader<'_>) -> Option<Slice> {
    let len = reader.bytes()?.len();
    let end = wire.len() - reader.len();
    Some(wire.share(end - len..end))
}

fn flags(properties: &AuthenticationProperties) -> u8 {
    let refresh = match properties.allow_refresh {
        None => 0,
        Some(false) => REFRESH_STATED,
        Some(true) => REFRESH_STATED | REFRESH_ALLOWED,
    };
    let mark = |set: bool, flag: u8| if set { flag } else { 0 };
    refresh
        | mark(properties.persistent, PERSISTENT)
        | mark(properties.session_id.is_some(), HAS_SESSION_ID)
        | mark(properties.times.is_some(), HAS_TIMES)
}

fn times(reader: &mut Reader<'_>) -> Option<Times> {
    let bytes: [u8; TIMES_LEN] = reader.array()?;
    let time = |index: usize| {
        let start = index * 8;
        let bytes = bytes[start..start + 8]
            .try_into()
            .expect("8 of the 48 bytes");
        Timestamp(u64::from_le_bytes(bytes))
    };
    Some(Times {
        issued: time(0),
        sealed: time(1),
        validated: time(2),
        expires: time(3),
        absolute: time(4),
        window_ms: time(5).0,
    })
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};
    use serde_json::{Value, json};

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            ".*".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 16, 4, |inner| {
            prop_oneof![
                vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map(".*", inner, 0..4).prop_map(|map| json!(map)),
            ]
        })
    }

    prop_compose! {
        fn times()(issued: u64, sealed: u64, validated: u64, expires: u64, absolute: u64, window: u64) -> Times {
            Times {
                issued: Timestamp(issued),
                sealed: Timestamp(sealed),
                validated: Timestamp(validated),
                expires: Timestamp(expires),
                absolute: Timestamp(absolute),
                window_ms: window,
            }
        }
    }

    prop_compose! {
        fn ticket()(
            subject in ".+",
            claims in vec(("[a-z_]{1,12}", value()), 0..10),
            session_id in prop::option::of("[A-Za-z0-9._~-]{1,64}"),
            times in prop::option::of(times()),
            clients in vec(".{1,40}", 0..6),
            items in vec((".*", ".*"), 0..6),
            persistent: bool,
            allow_refresh: Option<bool>,
        ) -> Ticket {
            let mut principal = Principal::builder(subject);
            for (name, value) in claims {
                principal = principal.claim(&name, value);
            }
            let mut properties = AuthenticationProperties::from_items(items);
            properties.session_id = session_id.map(|id| SessionId::parse(&id).unwrap());
            properties.clients = ClientList::default().merged(clients.iter().map(String::as_str));
            properties.times = times;
            properties.persistent = persistent;
            properties.allow_refresh = allow_refresh;
            Ticket::new(principal.build(), properties)
        }
    }

    fn encoded(ticket: &Ticket) -> Vec<u8> {
        let mut out = Vec::new();
        encode(ticket, &mut out);
        out
    }

    proptest! {
        #[test]
        fn any_ticket_round_trips(ticket in ticket()) {
            let bytes = encoded(&ticket);
            let decoded = decode(bytes.clone().into()).unwrap();
            prop_assert_eq!(&decoded, &ticket);
            prop_assert_eq!(decoded.properties.times, ticket.properties.times);
            prop_assert_eq!(encoded(&decoded), bytes);
        }

        #[test]
        fn any_bytes_give_a_ticket_of_the_same_bytes_or_none(bytes in vec(any::<u8>(), 0..200)) {
            if let Some(ticket) = decode(bytes.clone().into()) {
                prop_assert_eq!(encoded(&ticket), bytes);
            }
        }

        #[test]
        fn a_ticket_cut_anywhere_is_none_or_another_whole_one(ticket in ticket(), at: prop::sample::Index) {
            let bytes = encoded(&ticket);
            let cut = &bytes[..at.index(bytes.len())];
            if let Some(shorter) = decode(cut.to_vec().into()) {
                prop_assert_eq!(encoded(&shorter), cut);
            }
        }
    }

    #[test]
    fn bytes_that_are_no_ticket() {
        for (name, bytes) in [
            ("nothing", &[][..]),
            ("unknown flag", &[32, 0, 0, 1, b'a']),
            ("refresh allowed but not stated", &[4, 0, 0, 1, b'a']),
            ("no principal", &[0, 0, 0]),
            (
                "a session id that ends its cookie",
                &[8, 1, b';', 0, 0, 1, b'a'],
            ),
            ("an empty session id", &[8, 0, 0, 0, 1, b'a']),
            ("empty subject", &[0, 0, 0, 0]),
            ("subject that is not UTF-8", &[0, 0, 0, 1, 0xFF]),
            ("subject cut", &[0, 0, 0, 2, b'a']),
        ] {
            assert!(decode(bytes.to_vec().into()).is_none(), "{name}");
        }
    }
}
