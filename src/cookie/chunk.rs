//! A ticket too large for one cookie: the first piece in the cookie itself behind `count.`, the others in `name.1`, `name.2`, ...

use std::borrow::Cow;

/// The most cookies that one ticket is split over: the cookie itself, and chunks 1 to 9.
const MAX_CHUNKS: usize = 10;
/// Browsers drop a cookie whose name and value are longer together (RFC 6265bis section 5.6).
const MAX_COOKIE: usize = 4096;
/// `2.` in front of the first piece's value, `.1` behind the others' names.
const MARK: usize = 2;

/// The chunks that a request carries.
#[derive(Default)]
pub(crate) struct Chunks<'a> {
    /// Most requests carry none.
    found: Option<Box<[Chunk<'a>; MAX_CHUNKS]>>,
    /// A bit for each index.
    carried: u16,
}

#[derive(Clone, Copy, Default)]
enum Chunk<'a> {
    #[default]
    Missing,
    Found(&'a [u8]),
    /// Two cookies of the name with different values: one of them was planted.
    Ambiguous,
}

impl<'a> Chunks<'a> {
    pub(super) fn take(&mut self, index: usize, value: &'a [u8]) {
        let found = self.found.get_or_insert_default();
        let Some(chunk) = found.get_mut(index) else {
            return;
        };
        *chunk = match *chunk {
            Chunk::Missing => Chunk::Found(value),
            Chunk::Found(same) if same == value => Chunk::Found(same),
            _ => Chunk::Ambiguous,
        };
        self.carried |= 1 << index;
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.carried == 0
    }

    pub(crate) fn carried(&self) -> u16 {
        self.carried
    }

    /// The sealed text that begins in `first`, and the number of cookies it was in; none if a piece is missing or ambiguous.
    pub(crate) fn join(&self, first: &'a [u8]) -> Option<(Cow<'a, [u8]>, usize)> {
        let (count, start) = match first {
            // Base64url has no dot, so this is no text of one piece.
            [digit @ b'0'..=b'9', b'.', start @ ..] => (usize::from(digit - b'0'), start),
            _ => return Some((Cow::Borrowed(first), 1)),
        };
        if !(2..MAX_CHUNKS).contains(&count) {
            return None;
        }
        if first.len() > MAX_COOKIE {
            return None;
        }
        let mut joined = start.to_vec();
        for chunk in &self.found.as_ref()?[1..count] {
            match chunk {
                // Nothing longer was ever set, so it is not worth a copy.
                Chunk::Found(piece) if piece.len() <= MAX_COOKIE => {
                    joined.extend_from_slice(piece);
                }
                _ => return None,
            }
        }
        Some((Cow::Owned(joined), count))
    }
}

/// Sealed text, split so that no cookie is longer than a browser keeps.
pub(crate) struct Pieces {
    text: String,
    capacity: usize,
    count: usize,
}

impl Pieces {
    /// None if the text needs more cookies than can be counted.
    pub(crate) fn new(name: &str, text: String) -> Option<Self> {
        let (capacity, count) = if name.len() + text.len() <= MAX_COOKIE {
            (text.len(), 1)
        } else {
            let capacity = Self::capacity(name);
            (capacity, text.len().div_ceil(capacity))
        };
        (count < MAX_CHUNKS).then_some(Self {
            text,
            capacity,
            count,
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The length of all names and values.
    pub(crate) fn total_len(&self, name: &str) -> usize {
        let marks = if self.count > 1 { self.count * MARK } else { 0 };
        self.text.len() + self.count * name.len() + marks
    }

    /// The value of each cookie in its order, in two parts, the first of which is the count where there is one.
    pub(crate) fn values(&self) -> impl DoubleEndedIterator<Item = [&str; 2]> + ExactSizeIterator {
        (0..self.count).map(|index| {
            let start = index * self.capacity;
            let end = (start + self.capacity).min(self.text.len());
            let mark = match (index, self.count) {
                (0, 2..) => COUNTS[self.count],
                _ => "",
            };
            [mark, &self.text[start..end]]
        })
    }

    /// How many cookies of this name it takes to fill a budget.
    pub(crate) fn most_for(name: &str, budget: usize) -> usize {
        budget.div_ceil(Self::capacity(name)).min(MAX_CHUNKS - 1)
    }

    /// How much text fits into one of several cookies; names are short enough to leave room.
    fn capacity(name: &str) -> usize {
        MAX_COOKIE - MARK - name.len()
    }
}

const COUNTS: [&str; MAX_CHUNKS] = ["", "", "2.", "3.", "4.", "5.", "6.", "7.", "8.", "9."];

/// The cookie's own name for the first piece, then `name.1` and so on.
pub(crate) fn chunk_name(name: &str, index: usize) -> Cow<'_, str> {
    match index {
        0 => Cow::Borrowed(name),
        _ => Cow::Owned(format!("{name}.{index}")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(len: usize) -> Option<Vec<(String, String)>> {
        let text: String = (0..len)
            .map(|index| char::from(b'a' + (index % 26) as u8))
            .collect();
        let pieces = Pieces::new("name", text)?;
        Some(
            pieces
                .values()
                .enumerate()
                .map(|(index, value)| (chunk_name("name", index).into_owned(), value.concat()))
                .collect(),
        )
    }

    proptest! {
        #[test]
        fn k6_any_text_is_split_and_joined(len in 0..40_000_usize, reversed: bool) {
            let Some(cookies) = split(len) else {
                prop_assert!(len > 36_000);
                return Ok(());
            };
            let mut chunks = Chunks::default();
            let mut rest: Vec<_> = cookies[1..].iter().enumerate().collect();
            if reversed {
                rest.reverse();
            }
            for (index, (name, value)) in rest {
                prop_assert_eq!(name, &format!("name.{}", index + 1));
                prop_assert!(name.len() + value.len() <= 4096);
                chunks.take(index + 1, value.as_bytes());
            }
            prop_assert!(cookies[0].1.len() + 4 <= 4096);
            let (joined, count) = chunks.join(cookies[0].1.as_bytes()).unwrap();
            prop_assert_eq!(count, cookies.len());
            prop_assert_eq!(joined.len(), len);
        }
    }

    #[test]
    fn k6_total_length_is_that_of_the_cookies() {
        for len in [10, 4092, 4093, 9000] {
            let pieces = Pieces::new("name", "x".repeat(len)).unwrap();
            let total: usize = pieces
                .values()
                .enumerate()
                .map(|(index, value)| chunk_name("name", index).len() + value.concat().len())
                .sum();
            assert_eq!(pieces.total_len("name"), total, "{len}");
        }
    }

    #[test]
    fn k7_join_table() {
        type Row<'a> = (&'a str, &'a str, &'a [(usize, &'a str)], Option<&'a str>);
        let table: [Row<'_>; 11] = [
            ("one piece", "abc", &[], Some("abc")),
            (
                "one piece, a left-over chunk",
                "abc",
                &[(1, "x")],
                Some("abc"),
            ),
            ("two pieces", "2.ab", &[(1, "cd")], Some("abcd")),
            (
                "an identical duplicate",
                "2.ab",
                &[(1, "cd"), (1, "cd")],
                Some("abcd"),
            ),
            (
                "differing duplicates",
                "2.ab",
                &[(1, "cd"), (1, "ce")],
                None,
            ),
            (
                "three differing and again the first",
                "2.ab",
                &[(1, "cd"), (1, "ce"), (1, "cd")],
                None,
            ),
            ("missing", "3.ab", &[(2, "ef")], None),
            (
                "beyond the count",
                "2.ab",
                &[(1, "cd"), (2, "ef")],
                Some("abcd"),
            ),
            ("a count of one", "1.ab", &[], None),
            ("a count of none", "0.ab", &[], None),
            ("no digit", "x.ab", &[], Some("x.ab")),
        ];
        for (name, first, found, expected) in table {
            let mut chunks = Chunks::default();
            for (index, value) in found {
                chunks.take(*index, value.as_bytes());
            }
            let joined = chunks
                .join(first.as_bytes())
                .map(|(text, _)| text.into_owned());
            assert_eq!(joined.as_deref(), expected.map(str::as_bytes), "{name}");
        }
    }
}
