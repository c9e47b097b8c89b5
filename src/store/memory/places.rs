use std::{collections::BTreeSet, ops::RangeBounds};

use crate::store::{key::RecordKey, query::Position};

/// Where a record stands in the list, and which one it is.
pub(super) type Place = (Position, RecordKey);

/// Places in their order. Most subjects and ids have one, for which a tree would take a kilobyte.
#[derive(Default)]
pub(super) struct Places {
    /// The only one, while there is no tree.
    one: Option<Place>,
    many: Option<BTreeSet<Place>>,
}

impl Places {
    pub(super) fn insert(&mut self, place: Place) {
        match (&mut self.many, self.one) {
            (Some(many), _) => drop(many.insert(place)),
            (None, None) => self.one = Some(place),
            (None, Some(one)) if one == place => {}
            (None, Some(one)) => {
                self.many = Some(BTreeSet::from([one, place]));
                self.one = None;
            }
        }
    }

    pub(super) fn remove(&mut self, place: &Place) {
        match &mut self.many {
            Some(many) => drop(many.remove(place)),
            None => self.one = self.one.filter(|one| one != place),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.one.is_none() && self.many.as_ref().is_none_or(|many| many.is_empty())
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Place> {
        self.range(..)
    }

    pub(super) fn range(
        &self,
        range: impl RangeBounds<Place> + Clone,
    ) -> impl DoubleEndedIterator<Item = &Place> {
        let one = self.one.iter().filter({
            let range = range.clone();
            move |one| range.contains(*one)
        });
        one.chain(
            self.many
                .iter()
                .flat_map(move |many| many.range(range.clone())),
        )
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, time::UNIX_EPOCH};

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::id::SessionId;

    fn place(number: u8) -> Place {
        let created = UNIX_EPOCH + std::time::Duration::from_secs(number.into());
        let session_id = SessionId::parse("s").unwrap();
        let key = RecordKey::new([number; RecordKey::LEN], 0);
        (
            Position {
                created,
                session_id,
            },
            key,
        )
    }

    proptest! {
        #[test]
        fn s10_places_are_as_those_of_a_tree(steps in vec((0..4_u8, any::<bool>()), 0..20), from in 0..4_u8) {
            let (mut places, mut tree) = (Places::default(), BTreeSet::new());
            for (number, is_in) in steps {
                if is_in {
                    places.insert(place(number));
                    tree.insert(place(number));
                } else {
                    places.remove(&place(number));
                    tree.remove(&place(number));
                }
                prop_assert_eq!(places.is_empty(), tree.is_empty());
                let range = place(from)..;
                prop_assert!(places.range(range.clone()).eq(tree.range(range.clone())));
                prop_assert!(places.range(range.clone()).rev().eq(tree.range(range).rev()));
            }
        }
    }
}
