//! Small cookies beside the authentication cookie, named `name.c` and `name.e` with the digits of a hash behind.
//!
//! A session without a store is in one cookie, which whoever writes last replaces as a whole. What must not be lost when two requests of one browser
//! are answered at the same time is in a cookie of its own, whose name follows from what it says, so that two writers never mean the
//! same cookie with different content.

use std::fmt::Write;

use aws_lc_rs::digest::{SHA256, digest};

/// How many are looked at: far more than are ever set, and about what fits into the headers that servers accept.
const MAX_MARKS: usize = 64;
/// `c` or `e`, and 16 hexadecimal digits.
pub(super) const SUFFIX_LEN: usize = 1 + 2 * HASH_LEN;
const HASH_LEN: usize = 8;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkKind {
    /// Clients take part in a session.
    Client,
    /// A session has ended.
    Ended,
}

impl MarkKind {
    /// The kind that a suffix begins with.
    pub(crate) fn of(suffix: &[u8]) -> Self {
        match suffix {
            [b'e', ..] => Self::Ended,
            _ => Self::Client,
        }
    }

    /// The name of a mark, without the authentication cookie's and the dot: it follows from what the mark says.
    pub(crate) fn suffix(self, said: &[u8]) -> String {
        let mut suffix = String::with_capacity(SUFFIX_LEN);
        suffix.push(match self {
            Self::Client => 'c',
            Self::Ended => 'e',
        });
        for byte in &digest(&SHA256, said).as_ref()[..HASH_LEN] {
            // Writing to a string can't fail.
            let _ = write!(suffix, "{byte:02x}");
        }
        suffix
    }
}

/// The marks of a request.
#[derive(Default)]
pub(crate) struct Marks<'a> {
    /// Most requests carry none.
    found: Vec<(&'a [u8], &'a [u8])>,
}

impl<'a> Marks<'a> {
    pub(super) fn take(&mut self, suffix: &'a [u8], value: &'a [u8]) {
        if self.found.len() < MAX_MARKS && !self.found.contains(&(suffix, value)) {
            self.found.push((suffix, value));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Suffix and value of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> {
        self.found.iter().copied()
    }
}

/// Whether this is what stands behind the dot in the name of a mark.
pub(crate) fn is_mark_suffix(suffix: &[u8]) -> bool {
    match suffix {
        [b'c' | b'e', hash @ ..] => {
            suffix.len() == SUFFIX_LEN
                && hash
                    .iter()
                    .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        }
        _ => false,
    }
}

/// The name of a mark.
pub(crate) fn mark_name(name: &str, suffix: &str) -> String {
    format!("{name}.{suffix}")
}
