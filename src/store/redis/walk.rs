//! Goes through sessions, part by part.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use super::{
    call::Call,
    failure::Failure,
    look_up::{after, between, listed, members},
    script::LIST,
    store::Inner,
    way::{Direction, Way},
};
use crate::store::{key::bucket_of, record::Record};

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

/// A way through sessions. It gives all that are meant, and others.
pub(super) struct Walk {
    inner: Arc<Inner>,
    way: Way,
    /// How many are looked at in one step.
    step: usize,
}

impl Walk {
    pub(super) fn new(inner: Arc<Inner>, way: Way, step: usize) -> Self {
        Self { inner, way, step }
    }

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
