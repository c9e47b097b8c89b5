//! The pieces that a ticket's bytes are made of: a shared slice, lengths as LEB128, and a reader that never panics.

use std::{
    fmt,
    ops::{Deref, Range},
    sync::Arc,
};

/// A part of a shared buffer. A ticket is opened into one buffer, and everything in it is such a part, so that loading a
/// session copies nothing.
#[derive(Clone, Default)]
pub(crate) struct Slice {
    /// None for an empty slice: an empty `Arc<[u8]>` would be an allocation.
    bytes: Option<Arc<[u8]>>,
    /// Four bytes each: tickets are small, and slices are moved about a lot.
    start: u32,
    end: u32,
}

impl Slice {
    pub(crate) fn new(bytes: Arc<[u8]>, start: usize, end: usize) -> Self {
        debug_assert!(start <= end && end <= bytes.len());
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) if start < end => Self {
                bytes: Some(bytes),
                start,
                end,
            },
            _ => Self::default(),
        }
    }

    /// A part of this slice, in the same buffer.
    pub(super) fn share(&self, part: Range<usize>) -> Self {
        match &self.bytes {
            Some(bytes) if !part.is_empty() => Self::new(
                Arc::clone(bytes),
                self.start as usize + part.start,
                self.start as usize + part.end,
            ),
            _ => Self::default(),
        }
    }

    /// This slice from an offset on.
    pub(crate) fn tail(mut self, offset: usize) -> Self {
        match self.len().checked_sub(offset) {
            None | Some(0) => Self::default(),
            Some(len) => {
                // At most the length, which fits.
                self.start = self.end - len as u32;
                self
            }
        }
    }
}

impl From<Vec<u8>> for Slice {
    fn from(bytes: Vec<u8>) -> Self {
        let end = bytes.len();
        Self::new(bytes.into(), 0, end)
    }
}

impl Deref for Slice {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Some(bytes) => &bytes[self.start as usize..self.end as usize],
            None => &[],
        }
    }
}

impl PartialEq for Slice {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Slice {}

/// Tickets hold what a log must not.
impl fmt::Debug for Slice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{} bytes]", self.len())
    }
}

pub(crate) fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

pub(crate) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Reads what `put_*` wrote, and nothing else: a length in more bytes than it needs is refused, so that a ticket has one form.
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) fn len(&self) -> usize {
        self.rest.len()
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        let (&byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(byte)
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        // Most numbers are the length of something short.
        if let [small @ 0..0x80, rest @ ..] = self.rest {
            self.rest = rest;
            return Some(u64::from(*small));
        }
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7F);
            // The tenth byte has room for one bit.
            if shift == 63 && bits > 1 {
                return None;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return (byte != 0).then_some(number);
            }
        }
        None
    }

    pub(crate) fn bytes(&mut self) -> Option<&'a [u8]> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(*array)
    }

    pub(crate) fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn numbers_round_trip(number: u64) {
            let mut out = Vec::new();
            put_number(&mut out, number);
            let mut reader = Reader::new(&out);
            prop_assert_eq!(reader.number(), Some(number));
            prop_assert_eq!(reader.len(), 0);
        }

        #[test]
        fn a_number_has_one_form(bytes in prop::collection::vec(any::<u8>(), 0..12)) {
            let mut reader = Reader::new(&bytes);
            if let Some(number) = reader.number() {
                let mut again = Vec::new();
                put_number(&mut again, number);
                prop_assert_eq!(&again[..], &bytes[..bytes.len() - reader.len()]);
            }
        }
    }

    #[test]
    fn a_length_beyond_the_end_is_no_slice() {
        assert_eq!(Reader::new(&[5, 1, 2]).bytes(), None);
        assert_eq!(Reader::new(&[0xFF; 20]).bytes(), None);
    }

    #[test]
    fn a_shared_part_is_the_same_bytes() {
        let whole = Slice::from(vec![1, 2, 3, 4]);
        let part = whole.share(1..3);
        assert_eq!(*part, [2, 3]);
        assert_eq!(*part.share(1..2), [3]);
        assert!(whole.share(2..2).is_empty());
    }
}
