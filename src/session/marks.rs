//! What a session without a store keeps beside its ticket, so that two requests of one browser that are answered at the same time lose nothing.
//!
//! The authentication cookie holds a whole ticket, and of two responses that set it the browser keeps the one that comes last. That is harmless for
//! a renewal, but it would lose a client that the other response has added, or bring back a session that the other has ended. So:
//!
//! - **Each added client is a cookie of its own** (a *mark*), sealed, bound to the session id and to its name, which is a hash of session id and client. Two additions never
//!   write the same cookie with different content, so they commute. A session's clients are those of its ticket and those of its marks.
//! - **A ticket takes a client up only when no response can be under way that does not know of it.** Marks are *folded* into the ticket once they are [`IN_FLIGHT`]
//!   old: requests that began before the mark was there are answered by then. Younger ones stay out of renewals. A sign-in takes all of them up, and leaves the marks
//!   where they are, for a renewal that comes after it would bring back the ticket of before.
//! - **A mark goes when its clients are in the ticket that the request carried, and it is [`KEEP`] old**: it came to the browser within [`IN_FLIGHT`], so every request that is under way then
//!   has carried it, and began when it was old enough to be folded: whichever ticket comes last holds its clients.
//! - **Many marks become one.** With [`MOST`] of them, the next addition writes one mark that says what all of them say, named by a hash of all of it, and expires them. Two
//!   requests that do so at once write two such marks, and their union is complete.
//! - **A sign-out, or another user's sign-in, leaves a mark that the session has ended.** A renewal that was under way may set its ticket afterwards: with the mark beside it, it is
//!   no session, and is cleared. The mark lives as long as such a ticket could. It goes with the first request after [`KEEP`], when nothing can be under way any more that does not know of it.
//!   Of more than [`MOST_ENDED`] the oldest go before: a browser that signs in and out all day must not run out of room, and no response is that late.
//!
//! A sign-out wins over additions too: the marks of a session that has ended are expired. Those of a session that is just not the current one go when
//! they are [`KEEP`] old: it may have been overwritten by another sign-in, and come back with a renewal that was under way.

use std::{collections::BTreeSet, time::Duration};

use crate::{
    clock::Timestamp,
    config::Settings,
    cookie::{Candidates, Lifespan, MarkKind, Suffix, mark_len},
    error::{Error, ErrorKind},
    events::{Event, SealFailure},
    id::{ClientId, SessionId},
    lifetimes::IN_FLIGHT,
    protector::{OpenError, Purpose},
    ticket::{ClientList, Reader, Slice, put_bytes},
};

/// When no request can be under way that has not carried a mark, and known that it was [`IN_FLIGHT`] old: it may take that long to come to the browser, and
/// as long again until the requests of before are answered.
const KEEP: Duration = Duration::from_secs(2 * IN_FLIGHT.as_secs());
/// How many marks with clients a browser is given.
const MOST: usize = 16;
/// How many ends a browser remembers.
const MOST_ENDED: usize = 8;
/// Browsers drop a cookie whose name and value are longer together (RFC 6265bis section 5.6).
const MAX_COOKIE: usize = 4096;

/// The marks of a request, and those that its response sets.
#[derive(Default)]
pub(super) struct Marks {
    carried: Vec<Carried>,
    issued: Vec<Issued>,
    /// The clients in the ticket as it arrived.
    main: ClientList,
    /// A mark has had its time, so the response has something to do.
    due: bool,
}

struct Carried {
    suffix: Suffix,
    /// The length of name and value.
    len: usize,
    said: Said,
}

enum Said {
    /// A session has these clients, each since a time.
    Clients(SessionId, Added),
    /// A session has ended, at a time.
    Ended(SessionId, Timestamp),
    /// Forged, or another's.
    Nothing,
    /// Another node's key or a later release's format: not ours to judge.
    Unknown,
}

struct Issued {
    suffix: Suffix,
    text: String,
    clients: Added,
}

/// Clients, each with the time since when it is there in front, as they are sealed.
#[derive(Clone)]
struct Added(Slice);

impl Added {
    fn iter(&self) -> impl Iterator<Item = (&str, Timestamp)> {
        let mut reader = Reader::new(&self.0);
        std::iter::from_fn(move || {
            let since = read_time(&mut reader)?;
            Some((reader.text()?, since))
        })
    }
}

/// A mark, ready to be issued.
pub(super) struct Addition {
    issued: Issued,
    /// It says what all others of this session say, too.
    replaces_all: Option<SessionId>,
}

/// What the response does with a mark: sets it, or expires it if there is no value.
pub(crate) struct MarkWrite {
    pub(crate) suffix: Suffix,
    pub(crate) value: Option<String>,
    pub(crate) lifespan: Lifespan,
    /// The request had it.
    pub(crate) carried: bool,
}

impl Marks {
    /// Opens the marks of a request.
    pub(super) fn open(settings: &Settings, candidates: &Candidates<'_>, now: Timestamp) -> Self {
        let name = &settings.authentication.name;
        let carried = candidates.marks.iter().map(|(suffix, value)| Carried {
            suffix,
            len: mark_len(name, value.len()),
            said: Said::open(settings, suffix, value, now),
        });
        Self {
            carried: carried.collect(),
            ..Self::default()
        }
    }

    /// The sessions that have ended: a ticket of theirs came too late.
    pub(super) fn ended(&self) -> impl Iterator<Item = SessionId> {
        self.carried
            .iter()
            .filter_map(|carried| match carried.said {
                Said::Ended(id, _) => Some(id),
                _ => None,
            })
    }

    /// The clients of the marks of a session, in the order first added. `main` are those of its ticket.
    pub(super) fn of_session(
        &mut self,
        id: Option<SessionId>,
        main: &ClientList,
        now: Timestamp,
    ) -> Vec<(&str, Timestamp)> {
        self.main = main.clone();
        let ended: Vec<_> = self.ended().collect();
        let is_due = self.gone(id, &ended, now).next().is_some();
        self.due = is_due;
        let mut clients = Vec::with_capacity(self.carried.len());
        for carried in &self.carried {
            match &carried.said {
                Said::Clients(of, said) if Some(*of) == id => clients.extend(said.iter()),
                _ => {}
            }
        }
        clients.sort_by_key(|(_, since)| *since);
        clients
    }

    /// Whether a mark has had its time.
    pub(super) fn are_due(&self) -> bool {
        self.due
    }

    /// The length of names and values that the browser has with the session of this id.
    pub(super) fn len(&self, id: SessionId, name: &str) -> usize {
        let carried = self.carried.iter().filter(|carried| match carried.said {
            Said::Clients(of, _) => of == id,
            Said::Ended(..) | Said::Unknown => true,
            Said::Nothing => false,
        });
        let issued = self.issued.iter().map(|issued| issued.len(name));
        carried.map(|carried| carried.len).sum::<usize>() + issued.sum::<usize>()
    }

    /// Seals a mark for one more client of a session. `others` is the length of all other cookies.
    pub(super) fn add(
        &self,
        settings: &Settings,
        id: SessionId,
        client: &ClientId,
        others: usize,
        now: Timestamp,
    ) -> Result<Addition, Error> {
        let of_session = self
            .carried
            .iter()
            .filter_map(|carried| match &carried.said {
                Said::Clients(of, clients) if *of == id => Some(clients),
                _ => None,
            });
        let there: Vec<_> = of_session
            .chain(self.issued.iter().map(|issued| &issued.clients))
            .collect();
        let replaces_all = there.len() >= MOST;
        let mut clients = vec![(client.as_str(), now)];
        if replaces_all {
            clients.extend(there.into_iter().flat_map(Added::iter));
        }
        let issued = Issued::seal(settings, id, &clients, now)?;
        let name = &settings.authentication.name;
        let beside = if replaces_all { 0 } else { self.len(id, name) };
        if issued.len(name) > MAX_COOKIE
            || others + beside + issued.len(name) > settings.cookie_budget
        {
            Event::SealFailed(SealFailure::TooLarge).emit();
            return Err(ErrorKind::TooLarge.into());
        }
        Ok(Addition {
            issued,
            replaces_all: replaces_all.then_some(id),
        })
    }

    /// The response sets a mark.
    pub(super) fn issue(&mut self, addition: Addition) {
        if let Some(id) = addition.replaces_all {
            self.issued.clear();
            for carried in &mut self.carried {
                if matches!(carried.said, Said::Clients(of, _) if of == id) {
                    carried.said = Said::Nothing;
                }
            }
        }
        self.issued.push(addition.issued);
    }

    /// What the response does with the marks. `current` is the session that goes on, and `over` the one that arrived if this request ended it, each with
    /// how long the browser keeps its cookies. `ended` are all sessions that are known to have ended. `anew` says that the current one has begun in
    /// this request.
    pub(super) fn close(
        &mut self,
        settings: &Settings,
        current: Option<(SessionId, Lifespan)>,
        over: Option<(SessionId, Lifespan)>,
        ended: &[SessionId],
        anew: bool,
        now: Timestamp,
    ) -> Vec<MarkWrite> {
        // What the browser has brought for an id that the host has used before says nothing of the session that has just begun under it.
        let id = current.map(|(id, _)| id);
        let ended = &[ended, id.filter(|_| anew).as_slice()].concat();
        let gone: Vec<_> = self.gone(id, ended, now).collect();
        let mut writes = Vec::with_capacity(gone.len());
        if let Some((_, lifespan)) = current {
            let issued = std::mem::take(&mut self.issued).into_iter();
            writes.extend(issued.map(|issued| MarkWrite {
                suffix: issued.suffix,
                value: Some(issued.text),
                lifespan,
                carried: false,
            }));
        }
        writes.extend(over.and_then(|(id, lifespan)| mark_ended(settings, id, lifespan, now)));
        // What is set takes the place of what was there.
        for suffix in gone {
            if writes.iter().all(|write| write.suffix != suffix) {
                writes.push(MarkWrite {
                    suffix,
                    value: None,
                    lifespan: Lifespan::Removed,
                    carried: true,
                });
            }
        }
        writes
    }

    /// The marks that are of no more use, each once. Of several cookies of one name at most one is ours, the others were planted in another path or domain, and
    /// ours is the one that would expire: so all of them must be of no use.
    fn gone(
        &self,
        id: Option<SessionId>,
        ended: &[SessionId],
        now: Timestamp,
    ) -> impl Iterator<Item = Suffix> {
        self.carried
            .iter()
            .enumerate()
            .filter_map(move |(at, mark)| {
                let same = |other: &&Carried| other.suffix == mark.suffix;
                let (before, rest) = self.carried.split_at(at);
                let is_first = !before.iter().any(|other| same(&other));
                let mut all = rest.iter().filter(same);
                (is_first && all.all(|mark| self.goes(&mark.said, id, ended, now)))
                    .then_some(mark.suffix)
            })
    }

    /// Whether a mark is of no more use where the session of this id goes on, and those others have ended.
    fn goes(
        &self,
        said: &Said,
        id: Option<SessionId>,
        ended: &[SessionId],
        now: Timestamp,
    ) -> bool {
        match said {
            Said::Clients(of, _) if ended.contains(of) => true,
            Said::Clients(of, clients) if Some(*of) == id => {
                let settled = |(client, since): (&str, Timestamp)| {
                    now.since(since) > KEEP && self.main.contains(client)
                };
                clients.iter().all(settled)
            }
            Said::Clients(_, clients) => clients.iter().all(|(_, since)| now.since(since) > KEEP),
            Said::Ended(id, at) => now.since(*at) > KEEP || self.is_long_past((*at, *id)),
            Said::Nothing => true,
            Said::Unknown => false,
        }
    }

    /// Whether there are as many later ends as a browser remembers.
    fn is_long_past(&self, end: (Timestamp, SessionId)) -> bool {
        let later = self.carried.iter().filter(|carried| match carried.said {
            Said::Ended(id, at) => (at, id) > end,
            _ => false,
        });
        later.count() >= MOST_ENDED
    }
}

impl Said {
    fn open(settings: &Settings, suffix: Suffix, value: &[u8], now: Timestamp) -> Self {
        let name = settings.authentication.name.as_bytes();
        let belongs_to: &[&[u8]] = &[name, suffix.as_bytes()];
        let purpose = purpose(suffix.kind());
        match settings.vault.open_text(now, purpose, belongs_to, value) {
            Ok(opened) => Self::read(suffix.kind(), opened).unwrap_or(Self::Nothing),
            Err(OpenError::Forged) => Self::Nothing,
            Err(OpenError::Unknown) => Self::Unknown,
        }
    }

    /// A session id, then a time for an end, or client ids with a time in front of each. All of it has been authenticated, and was checked when it was
    /// written.
    fn read(kind: MarkKind, opened: Slice) -> Option<Self> {
        let mut reader = Reader::new(&opened);
        let id = SessionId::from_bytes(reader.bytes()?)?;
        Some(match kind {
            MarkKind::Ended => Self::Ended(id, read_time(&mut reader)?),
            MarkKind::Client => {
                let start = opened.len() - reader.len();
                Self::Clients(id, Added(opened.tail(start)))
            }
        })
    }
}

impl Issued {
    fn seal(
        settings: &Settings,
        id: SessionId,
        clients: &[(&str, Timestamp)],
        now: Timestamp,
    ) -> Result<Self, Error> {
        // The name follows from the session and the set of clients, whatever their times and order are.
        let mut set = Vec::new();
        put_bytes(&mut set, id.as_bytes());
        let ids: BTreeSet<_> = clients.iter().map(|(client, _)| *client).collect();
        ids.iter().for_each(|id| put_bytes(&mut set, id.as_bytes()));

        let mut said = Vec::new();
        put_bytes(&mut said, id.as_bytes());
        let start = said.len();
        for (client, since) in clients {
            said.extend_from_slice(&since.0.to_le_bytes());
            put_bytes(&mut said, client.as_bytes());
        }
        let suffix = Suffix::new(MarkKind::Client, &set);
        let text = seal(settings, suffix, &said, now).ok_or(ErrorKind::Seal)?;
        Ok(Self {
            suffix,
            text,
            clients: Added(Slice::from(said).tail(start)),
        })
    }

    fn len(&self, name: &str) -> usize {
        mark_len(name, self.text.len())
    }
}

fn mark_ended(
    settings: &Settings,
    id: SessionId,
    lifespan: Lifespan,
    now: Timestamp,
) -> Option<MarkWrite> {
    let mut said = Vec::new();
    put_bytes(&mut said, id.as_bytes());
    let suffix = Suffix::new(MarkKind::Ended, &said);
    said.extend_from_slice(&now.0.to_le_bytes());
    let value = seal(settings, suffix, &said, now);
    if value.is_none() {
        tracing::warn!(
            "there is no key to note with that a session has ended; a late renewal may bring it back"
        );
    }
    Some(MarkWrite {
        suffix,
        value: Some(value?),
        lifespan,
        carried: false,
    })
}

fn seal(settings: &Settings, suffix: Suffix, said: &[u8], now: Timestamp) -> Option<String> {
    let name = settings.authentication.name.as_bytes();
    let belongs_to: &[&[u8]] = &[name, suffix.as_bytes()];
    let purpose = purpose(suffix.kind());
    settings.vault.seal_text(now, purpose, belongs_to, said)
}

fn purpose(kind: MarkKind) -> Purpose {
    match kind {
        MarkKind::Client => Purpose::Client,
        MarkKind::Ended => Purpose::Ended,
    }
}

fn read_time(reader: &mut Reader<'_>) -> Option<Timestamp> {
    reader
        .array()
        .map(|bytes| Timestamp(u64::from_le_bytes(bytes)))
}
