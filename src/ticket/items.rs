use std::collections::BTreeMap;

use super::wire::{Reader, Slice, put_bytes};

/// String items of the host's own, each name once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Items {
    wire: Slice,
}

impl Items {
    pub(super) fn get(&self, wanted: &str) -> Option<&str> {
        self.iter()
            .find_map(|(name, value)| (name == wanted).then_some(value))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let mut reader = Reader::new(&self.wire);
        std::iter::from_fn(move || Some((reader.text()?, reader.text()?)))
    }

    /// These items with one set, or without it if the value is none.
    pub(super) fn with(&self, changed: &str, value: Option<&str>) -> Self {
        let mut wire = Vec::with_capacity(self.wire.len() + changed.len() + 8);
        let kept = self.iter().filter(|(name, _)| *name != changed);
        for (name, value) in kept.chain(value.map(|value| (changed, value))) {
            put_bytes(&mut wire, name.as_bytes());
            put_bytes(&mut wire, value.as_bytes());
        }
        Self { wire: wire.into() }
    }

    /// Many items at once; of one name, the last value counts.
    pub(super) fn of<'a>(items: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut wire = Vec::new();
        for (name, value) in items.into_iter().collect::<BTreeMap<_, _>>() {
            put_bytes(&mut wire, name.as_bytes());
            put_bytes(&mut wire, value.as_bytes());
        }
        Self { wire: wire.into() }
    }

    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// The items in a ticket's bytes, authenticated and so not walked through before they are asked for.
    pub(super) fn over(wire: Slice) -> Self {
        Self { wire }
    }
}
