//! Which way through sessions is the shortest to those that are meant.

use std::{collections::VecDeque, sync::Arc};

use super::{
    entry::{bounds_of_part, bounds_of_prefix, is_between},
    row::millis,
    store::Inner,
    walk::{STEP, Walk},
};
use crate::{
    error::StoreError,
    id::SessionId,
    store::query::{NameMatch, Part, Position, Selection},
};

/// A way, and how far it has been gone.
pub(super) enum Way {
    /// The records of a subject, in the order of the list.
    Subject {
        subject: String,
        session_id: Option<SessionId>,
        bounds: [String; 2],
        direction: Direction,
    },
    /// All sessions, in the order of the list.
    All {
        bounds: [Vec<u8>; 2],
        direction: Direction,
        /// The way to take instead, after so many more steps.
        or_named: Option<(String, u64)>,
    },
    /// Those whose folded names begin with a text, in the order of the list.
    Named {
        name: String,
        bounds: [Vec<u8>; 2],
        direction: Direction,
        /// The next ones, in the index of names.
        members: VecDeque<Vec<u8>>,
        /// Whether there may be more of them.
        more: bool,
    },
    /// Those whose folded names begin with a text, in the order of names.
    Names {
        bounds: [Vec<u8>; 2],
    },
    /// Those that were found already, as in the index of all sessions.
    Known(VecDeque<Vec<u8>>),
    End,
}

/// From the newest session on, or from the oldest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Older,
    Newer,
}

impl Direction {
    fn of(part: &Part) -> Self {
        match part {
            Part::NewerThan(_) => Self::Newer,
            _ => Self::Older,
        }
    }
}

/// An index of all sessions, or of all that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Index {
    All,
    Names,
}

impl Inner {
    /// Begins to go through a part of the list in its order, from where the part begins.
    pub(super) async fn walk_part(
        self: &Arc<Self>,
        selection: &Selection,
        part: &Part,
        limit: usize,
    ) -> Result<Walk, StoreError> {
        let filter = selection.filter();
        let (way, step) = match selection_by(selection)? {
            By::Subject(subject) => {
                let session_id = filter.and_then(|filter| filter.wanted_session_id());
                (subject_way(subject, session_id, part), limit.min(STEP) + 1)
            }
            By::SessionId(id) => {
                let members = self.members_of_id(id).await?;
                (in_order(members, part), STEP)
            }
            By::Name(name) => {
                let steps = self.steps_before_sorting(name, limit).await?;
                let or_named = Some((name.to_owned(), steps));
                (all_way(part, or_named), limit.min(STEP) + 5)
            }
            // Some have expired, or are just beginning.
            By::Nothing => (all_way(part, None), limit.min(STEP) + 5),
        };
        Ok(self.walk(way, step))
    }

    /// Begins to go through all that is selected, in whatever order.
    pub(super) async fn walk_all(
        self: &Arc<Self>,
        selection: &Selection,
    ) -> Result<Walk, StoreError> {
        let filter = selection.filter();
        let way = match selection_by(selection)? {
            By::Subject(subject) => {
                let session_id = filter.and_then(|filter| filter.wanted_session_id());
                subject_way(subject, session_id, &Part::Newest)
            }
            By::SessionId(id) => in_order(self.members_of_id(id).await?, &Part::Newest),
            By::Name(name) => Way::Names {
                bounds: bounds_of_prefix(name),
            },
            By::Nothing => all_way(&Part::Newest, None),
        };
        Ok(self.walk(way, STEP))
    }

    /// Begins to go through an index from a bound on.
    pub(super) fn walk_index(self: &Arc<Self>, index: Index, from: Vec<u8>) -> Walk {
        let bounds = [from, b"+".to_vec()];
        let way = match index {
            Index::All => Way::All {
                bounds,
                direction: Direction::Newer,
                or_named: None,
            },
            Index::Names => Way::Names { bounds },
        };
        self.walk(way, STEP)
    }

    fn walk(self: &Arc<Self>, way: Way, step: usize) -> Walk {
        Walk::new(self.clone(), way, step)
    }
}

/// By what sessions are looked for: whatever leads to the fewest.
enum By<'a> {
    Subject(&'a str),
    SessionId(&'a SessionId),
    /// What the folded name begins with.
    Name(&'a str),
    Nothing,
}

fn selection_by(selection: &Selection) -> Result<By<'_>, StoreError> {
    let Some(filter) = selection.filter() else {
        return Ok(By::Nothing);
    };
    if let Some(NameMatch::Contains(_)) = filter.wanted_name() {
        return Err(StoreError::new("this store does not search within names"));
    }
    Ok(if let Some(subject) = filter.wanted_subject() {
        By::Subject(subject)
    } else if let Some(id) = filter.wanted_session_id() {
        By::SessionId(id)
    } else if let Some(NameMatch::BeginsWith(name)) = filter.wanted_name() {
        By::Name(name)
    } else {
        By::Nothing
    })
}

fn subject_way(subject: &str, session_id: Option<&SessionId>, part: &Part) -> Way {
    let place = |position: &Position| millis(position.created).to_string();
    let [low, high] = match part {
        Part::Newest => ["-inf".to_owned(), "+inf".to_owned()],
        Part::OlderThan(position) => ["-inf".to_owned(), place(position)],
        Part::NewerThan(position) => [place(position), "+inf".to_owned()],
    };
    Way::Subject {
        subject: subject.to_owned(),
        session_id: session_id.copied(),
        bounds: [low, high],
        direction: Direction::of(part),
    }
}

fn all_way(part: &Part, or_named: Option<(String, u64)>) -> Way {
    Way::All {
        bounds: bounds_of_part(part, millis),
        direction: Direction::of(part),
        or_named,
    }
}

/// Those members of the index of all sessions that are in a part, from where it begins.
fn in_order(mut members: Vec<Vec<u8>>, part: &Part) -> Way {
    let bounds = bounds_of_part(part, millis);
    members.retain(|member| is_between(member, &bounds));
    members.sort_unstable();
    if Direction::of(part) == Direction::Older {
        members.reverse();
    }
    Way::Known(members.into())
}
