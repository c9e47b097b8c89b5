//! The clients of a session as PostgreSQL sends an array of texts: in one piece, so that a session with a thousand of them takes no thousand allocations.

use sqlx::{
    Decode, Postgres, Type,
    error::BoxDynError,
    postgres::{PgTypeInfo, PgValueFormat, PgValueRef},
};

use crate::id::ClientId;

/// Clients; none if somebody has written to the table what no client can be.
pub(super) struct ClientArray(pub(super) Option<Vec<ClientId>>);

impl Type<Postgres> for ClientArray {
    fn type_info() -> PgTypeInfo {
        <[&str] as Type<Postgres>>::type_info()
    }

    fn compatible(info: &PgTypeInfo) -> bool {
        <[&str] as Type<Postgres>>::compatible(info)
    }
}

impl<'r> Decode<'r, Postgres> for ClientArray {
    fn decode(value: PgValueRef<'r>) -> Result<Self, BoxDynError> {
        match value.format() {
            PgValueFormat::Binary => Ok(Self(clients(value.as_bytes()?))),
            // Only a statement that is not prepared is answered so, and there is none.
            PgValueFormat::Text => Err("an array of clients that is not binary".into()),
        }
    }
}

/// Reads what `array_send` and `textsend` write: the number of dimensions, whether there are nulls, the type of the elements, for each dimension its length and lowest index, and then each
/// element behind its length. All numbers have four bytes, the highest first.
fn clients(mut bytes: &[u8]) -> Option<Vec<ClientId>> {
    let rest = &mut bytes;
    let (dimensions, _nulls, _type) = (number(rest)?, number(rest)?, number(rest)?);
    let len = match dimensions {
        0 => 0,
        1 => {
            let (len, _lowest) = (number(rest)?, number(rest)?);
            len
        }
        _ => return None,
    };
    let mut is_whole = true;
    let texts = (0..len).map_while(|_| {
        let text = text(rest);
        is_whole &= text.is_some();
        text
    });
    let clients = ClientId::parse_all(texts).ok()?;
    (is_whole && bytes.is_empty()).then_some(clients)
}

/// An element, unless it is null, whose length is -1.
fn text<'a>(bytes: &mut &'a [u8]) -> Option<&'a str> {
    let len = usize::try_from(number(bytes)?).ok()?;
    let (text, rest) = bytes.split_at_checked(len)?;
    *bytes = rest;
    std::str::from_utf8(text).ok()
}

fn number(bytes: &mut &[u8]) -> Option<i32> {
    let (number, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(i32::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(dimensions: &[i32], elements: &[Option<&str>]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |number: i32| bytes.extend(number.to_be_bytes());
        // 25 is the type text.
        [dimensions.len() as i32, 0, 25]
            .into_iter()
            .for_each(&mut put);
        for len in dimensions {
            [*len, 1].into_iter().for_each(&mut put);
        }
        for element in elements {
            match element {
                None => bytes.extend((-1_i32).to_be_bytes()),
                Some(text) => {
                    bytes.extend((text.len() as i32).to_be_bytes());
                    bytes.extend(text.as_bytes());
                }
            }
        }
        bytes
    }

    #[test]
    fn s2_arrays_of_clients_table() {
        let two = array(&[2], &[Some("a"), Some("client ü")]);
        for (name, bytes, expected) in [
            ("none", array(&[], &[]), Some(&[][..])),
            ("two", two.clone(), Some(&["a", "client ü"][..])),
            ("cut off", two[..two.len() - 1].to_vec(), None),
            ("more than it says", [&two[..], b"a"].concat(), None),
            ("fewer than it says", array(&[2], &[Some("a")]), None),
            ("a null", array(&[2], &[Some("a"), None]), None),
            ("no client id", array(&[2], &[Some("a"), Some("")]), None),
            ("two dimensions", array(&[1, 1], &[Some("a")]), None),
            ("nothing", Vec::new(), None),
        ] {
            let read = clients(&bytes);
            assert_eq!(read.is_some(), expected.is_some(), "{name}");
            assert_eq!(
                read.unwrap_or_default(),
                expected.unwrap_or_default(),
                "{name}"
            );
        }
        let mut not_utf8 = array(&[1], &[Some("a")]);
        *not_utf8.last_mut().unwrap() = 0xFF;
        assert_eq!(clients(&not_utf8), None);
    }
}
