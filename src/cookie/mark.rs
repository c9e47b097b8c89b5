//! Small cookies beside the authentication cookie, named `name.c` and `name.e` with the digits of a hash behind.
//!
//! A session without a store is in one cookie, which whoever writes last replaces as a whole. What must not be lost when two requests of one browser
//! are answered at the same time is in a cookie of its own, whose name follows from what it says, so that two writers never mean the
//! same cookie with different content.

use aws_lc_rs::digest::{SHA256, digest};

/// How many are looked at: far more than are ever set, and about what fits into the headers that servers accept.
const MAX_MARKS: usize = 64;
const HASH_LEN: usize = 8;

/// What a mark says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MarkKind {
    /// Clients take part in a session.
    Client,
    /// A session has ended.
    Ended,
}

/// What stands behind the dot in the name of a mark: `c` or `e`, and 16 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Suffix([u8; Self::LEN]);

impl Suffix {
    pub(super) const LEN: usize = 1 + 2 * HASH_LEN;

    /// The name of a mark follows from what it says.
    pub(crate) fn new(kind: MarkKind, said: &[u8]) -> Self {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut suffix = [0; Self::LEN];
        suffix[0] = match kind {
            MarkKind::Client => b'c',
            MarkKind::Ended => b'e',
        };
        let hash = digest(&SHA256, said);
        let pairs = suffix[1..].chunks_exact_mut(2);
        for (pair, byte) in pairs.zip(hash.as_ref()) {
            pair[0] = DIGITS[usize::from(byte >> 4)];
            pair[1] = DIGITS[usize::from(byte & 15)];
        }
        Self(suffix)
    }

    /// Reads one, or nothing if it is none.
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        let suffix: [u8; Self::LEN] = text.try_into().ok()?;
        let digit = |digit: &u8| matches!(digit, b'0'..=b'9' | b'a'..=b'f');
        match &suffix {
            [b'c' | b'e', hash @ ..] if hash.iter().all(digit) => Some(Self(suffix)),
            _ => None,
        }
    }

    pub(crate) fn kind(&self) -> MarkKind {
        match self.0[0] {
            b'e' => MarkKind::Ended,
            _ => MarkKind::Client,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// The marks of a request.
#[derive(Default)]
pub(crate) struct Marks<'a> {
    /// Most requests carry none.
    found: Vec<(Suffix, &'a [u8])>,
}

impl<'a> Marks<'a> {
    pub(super) fn take(&mut self, suffix: Suffix, value: &'a [u8]) {
        if self.found.len() < MAX_MARKS && !self.found.contains(&(suffix, value)) {
            self.found.push((suffix, value));
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Suffix and value of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Suffix, &'a [u8])> {
        self.found.iter().copied()
    }
}

/// The name of a mark.
pub(crate) fn mark_name(name: &str, suffix: Suffix) -> String {
    let mut full = String::with_capacity(mark_len(name, 0));
    full.push_str(name);
    full.push('.');
    full.extend(suffix.0.map(char::from));
    full
}

/// The length of a mark's name and value.
pub(crate) fn mark_len(name: &str, value_len: usize) -> usize {
    name.len() + 1 + Suffix::LEN + value_len
}
