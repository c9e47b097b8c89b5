//! Goes through sessions, part by part, by the shortest way to those that are meant.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use super::{
    call::Call,
    entry::{bounds_of_part, bounds_of_prefix, is_between},
    failure::Failure,
    look_up::{after, between, listed, members},
    row::millis,
    script::LIST,
    store::Inner,
};
use crate::{
    error::StoreError,
    id::SessionId,
    store::{
        key::bucket_of,
        query::{NameMatch, Part, Position, Selection},
        record::Record,
    },
};

/// How much of each record is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Whole,
    /// What is needed to find and to count it: no ticket, no clients, no device.
    Outline,
}

impl Form {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Outline => "outline",
        }
    }
}

/// An index of all sessions, or of all that have a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Index {
    All,
    Names,
}

/// A way through sessions. It gives all that are meant, and others.
pub(super) struct Walk {
    inner: Arc<Inner>,
    way: Way,
    /// How many are looked at in one step.
    step: usize,
}

enum Way {
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
        Walk {
            inner: self.clone(),
            way,
            step,
        }
    }
}

impl Walk {
    /// The bound to go on from through an index; none at its end.
    pub(super) fn place(&self) -> Option<Vec<u8>> {
        match &self.way {
            Way::All { bounds, .. } | Way::Names { bounds } => Some(bounds[0].clone()),
            _ => None,
        }
    }

    /// The next records, none at the end. Some may be given twice.
    pub(super) async fn next(
        &mut self,
        form: Form,
        now: SystemTime,
    ) -> Result<Option<Vec<Record>>, Failure> {
        let inner = self.inner.clone();
        let step = self.step;
        match &mut self.way {
            Way::End => Ok(None),
            Way::Known(members) => match next_of(members, step) {
                next if next.is_empty() => Ok(None),
                next => inner.look_up_newest(next, form, now).await.map(Some),
            },
            Way::Named {
                name,
                bounds,
                direction,
                members,
                more,
            } => {
                if members.is_empty() && *more {
                    let first = inner.first_named(name, bounds, *direction, SORTED);
                    (*members, *more) = first.await?;
                }
                match next_of(members, step) {
                    next if next.is_empty() => Ok(None),
                    next => inner.look_up_named(next, form, now).await.map(Some),
                }
            }
            Way::All {
                bounds,
                direction,
                or_named,
            } => {
                if let Some((name, 0)) = or_named {
                    self.way = Way::Named {
                        name: std::mem::take(name),
                        bounds: bounds.clone(),
                        direction: *direction,
                        members: VecDeque::new(),
                        more: true,
                    };
                    return Ok(Some(Vec::new()));
                }
                let call = between(&inner.keys.newest(), bounds, *direction, step);
                let members = members(inner.servers.call(&call).await?)?;
                if let Some(last) = members.last() {
                    go_on_after(bounds, *direction, last);
                }
                if let Some((_, steps)) = or_named {
                    *steps -= 1;
                }
                if members.len() < step {
                    self.way = Way::End;
                }
                self.step = (step * 2).min(STEP);
                inner.look_up_newest(members, form, now).await.map(Some)
            }
            Way::Names { bounds } => {
                let call = between(&inner.keys.names(), bounds, Direction::Newer, step);
                let members = members(inner.servers.call(&call).await?)?;
                if let Some(last) = members.last() {
                    bounds[0] = after(last);
                }
                if members.len() < step {
                    self.way = Way::End;
                }
                inner.look_up_named(members, form, now).await.map(Some)
            }
            Way::Subject {
                subject,
                session_id,
                bounds,
                direction,
            } => {
                let bucket = bucket_of(subject);
                let [low, high] = bounds.clone();
                let (first, last, word) = match direction {
                    Direction::Older => (high, low, "older"),
                    Direction::Newer => (low, high, "newer"),
                };
                let call = Call::script(&LIST, vec![inner.keys.subject(bucket, subject)])
                    .arg(first)
                    .arg(last)
                    .arg(word)
                    .arg(step.to_string())
                    .arg(session_id.map_or(String::new(), |id| id.as_str().to_owned()))
                    .arg(form.word());
                let (place, records) = listed(inner.servers.call(&call).await?, bucket)?;
                match (place.as_str(), *direction) {
                    ("", _) => self.way = Way::End,
                    (place, Direction::Older) => bounds[1] = format!("({place}"),
                    (place, Direction::Newer) => bounds[0] = format!("({place}"),
                }
                Ok(Some(records))
            }
        }
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

fn next_of(members: &mut VecDeque<Vec<u8>>, step: usize) -> Vec<Vec<u8>> {
    members.drain(..step.min(members.len())).collect()
}

/// Leaves out a member of the index of all sessions, and what comes before it in a direction.
pub(super) fn go_on_after(bounds: &mut [Vec<u8>; 2], direction: Direction, member: &[u8]) {
    match direction {
        Direction::Older => bounds[1] = after(member),
        Direction::Newer => bounds[0] = after(member),
    }
}

/// How many sessions are looked at in one step at most.
pub(super) const STEP: usize = 250;

/// How many of the sessions of a name are sorted out at once, so that memory is bounded.
const SORTED: usize = 2000;
