use super::{
    authenticator,
    marks::{Addition, MarkWrite, Marks},
    plan::{Arrival, Closing, Keeping, Offer, SessionIdCookie},
    reference::Reference,
    state::State,
};
use crate::{
    clock::Timestamp,
    config::Settings,
    cookie::{Candidates, Lifespan, Pieces},
    error::{Error, ErrorKind},
    events::Refusal,
    id::{ClientId, SessionId},
    lifetimes::Times,
    protector::OpenError,
    store::RecordKey,
    ticket::Ticket,
};

/// The session of one request: its state, and what is known of its cookies.
pub(super) struct InRequest {
    pub(super) state: State,
    /// The ticket as it was last sealed in this request.
    pub(super) sealed: Option<Box<Pieces>>,
    /// What goes with the ticket; none for most.
    marks: Option<Box<Marks>>,
    /// The record of the session, if it is in a store.
    pub(super) kept: Option<Kept>,
    /// A record that the request referred to, and that has ended or was replaced a moment ago.
    pub(super) gone: Option<RecordKey>,
    /// How many cookies the incoming ticket was in.
    count: usize,
    /// The length of names and values of the cookies that the incoming ticket was in.
    arrived_len: usize,
    /// The chunks that the request carried, a bit for each.
    chunks: u16,
    carried: bool,
}

/// Where a session is in the store.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kept {
    pub(super) key: RecordKey,
    pub(super) version: u64,
}

/// What a request has brought, as far as it matters until the store has answered.
pub(super) struct Carried {
    pub(super) references: Vec<Reference>,
    /// What those cookies came to that are no reference.
    pub(super) arrival: Arrival,
    session_ids: Vec<Vec<u8>>,
    more_session_ids: bool,
    chunks: u16,
    carried: bool,
}

impl Carried {
    pub(super) fn of(settings: &Settings, candidates: &Candidates<'_>, now: Timestamp) -> Self {
        let mut references = Vec::with_capacity(1);
        let mut arrival = Arrival::Nothing;
        for sealed in candidates.authentication.as_slice() {
            match Reference::open(settings, sealed, now) {
                Ok(reference) => references.push(reference),
                Err(OpenError::Forged) => arrival = arrival.max(Arrival::Dead(Refusal::Forged)),
                Err(OpenError::Unknown) => {
                    arrival = arrival.max(Arrival::Foreign(Refusal::UnknownKey));
                }
            }
        }
        let session_ids = candidates.session_id.as_slice().iter();
        Self {
            references,
            arrival: authenticator::unless_more(arrival, candidates),
            session_ids: session_ids.map(|value| value.to_vec()).collect(),
            more_session_ids: candidates.session_id.has_more(),
            chunks: candidates.chunks.carried(),
            carried: !candidates.authentication.is_empty(),
        }
    }

    /// What the session id cookie shows, if there is one of it.
    pub(super) fn only_session_id(&self) -> Option<SessionId> {
        match &self.session_ids[..] {
            [id] if !self.more_session_ids => SessionId::from_bytes(id),
            _ => None,
        }
    }
}

/// What the middleware must write when the response head is sent.
pub(crate) struct Closed {
    pub(crate) closing: Closing,
    pub(crate) sealed: Option<Box<Pieces>>,
    pub(crate) marks: Vec<MarkWrite>,
    /// How long the browser is to keep the authentication cookie, if it is issued.
    pub(crate) lifespan: Lifespan,
    pub(crate) count: usize,
    chunks: u16,
    carried: bool,
    pub(crate) carried_session_id: bool,
}

impl Closed {
    /// Whether the request carried the authentication cookie, or for another index than 0 that chunk of it.
    pub(crate) fn carries(&self, index: usize) -> bool {
        match index {
            0 => self.carried,
            _ => self.chunks & (1 << index) != 0,
        }
    }
}

impl InRequest {
    pub(super) fn new(keeping: Keeping, cookie: SessionIdCookie) -> Self {
        Self {
            state: State::new(keeping, cookie),
            sealed: None,
            marks: None,
            kept: None,
            gone: None,
            count: 1,
            arrived_len: 0,
            chunks: 0,
            carried: false,
        }
    }

    /// Opens what the request carried.
    pub(super) fn arrive(&mut self, settings: &Settings, candidates: &Candidates<'_>) {
        let now = settings.now();
        let (state, marks) = (&mut self.state, &mut self.marks);
        (self.count, self.arrived_len) =
            authenticator::authenticate(settings, candidates, now, state, marks);
        self.chunks = candidates.chunks.carried();
        self.carried = !candidates.authentication.is_empty();
        // A renewal is sealed here, so that what the handle reports from now on is what the browser gets.
        self.seal_renewal(settings, now);
    }

    /// Begins with what a store has: the sessions that the references of a request have led to, and where they are.
    pub(super) fn arrive_from_store(
        &mut self,
        settings: &Settings,
        carried: &Carried,
        mut arrival: Arrival,
        loaded: Vec<(Ticket, Kept)>,
        now: Timestamp,
    ) {
        for (ticket, kept) in loaded {
            let found = match self.state.offer(ticket, now) {
                Offer::Conflict => Arrival::Conflict,
                Offer::Passed => Arrival::Ticket,
                Offer::Taken => {
                    self.kept = Some(kept);
                    Arrival::Ticket
                }
            };
            arrival = arrival.max(found);
        }
        let (values, more) = (&carried.session_ids, carried.more_session_ids);
        let cookie =
            authenticator::session_id_cookie(settings, values, more, self.state.incoming());
        let lifetimes = &settings.lifetimes;
        self.state.arrive(arrival, cookie, &[], now, lifetimes);
        authenticator::report(settings, arrival, &self.state, now);
        if self.state.current().is_none() {
            self.kept = None;
        }
        self.chunks = carried.chunks;
        self.carried = carried.carried;
    }

    /// Seals what the state has planned as a renewal.
    pub(super) fn seal_renewal(&mut self, settings: &Settings, now: Timestamp) {
        let sealed = self.state.renewal().map(|ticket| {
            authenticator::seal(settings, &ticket, self.beside(settings, &ticket), now)
        });
        match sealed {
            None => {}
            Some(Ok(sealed)) => self.sealed = Some(Box::new(sealed)),
            Some(Err(error)) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "a session could not be renewed"
                );
                self.state.forgo_renewal();
            }
        }
    }

    /// Seals what the host's validation has left. If that is too large for its cookies, the request goes on with it, and the next one is validated again.
    pub(super) fn seal_validated(&mut self, settings: &Settings, now: Timestamp) {
        let Some(ticket) = self.state.renewal() else {
            return;
        };
        match authenticator::seal(settings, &ticket, self.beside(settings, &ticket), now) {
            Ok(sealed) => self.sealed = Some(Box::new(sealed)),
            Err(error) => {
                tracing::warn!(
                    error = &error as &dyn std::error::Error,
                    "that a session was validated could not be sealed"
                );
                self.state.keep_unsealed();
            }
        }
    }

    /// The session has ended elsewhere.
    pub(super) fn lose(&mut self) {
        self.state.lose();
        self.kept = None;
        self.sealed = None;
    }

    /// Whether the response has nothing to do if nothing changes.
    pub(super) fn is_clean(&self) -> bool {
        let due = self.marks.as_ref().is_some_and(|marks| marks.are_due());
        let marks_stay = !due || self.state.is_hands_off();
        self.state.is_clean() && self.chunks >> self.count == 0 && marks_stay
    }

    /// The length of the marks that go with a ticket.
    pub(super) fn beside(&self, settings: &Settings, ticket: &Ticket) -> usize {
        match (&self.marks, ticket.properties.session_id) {
            (Some(marks), Some(id)) => marks.len(id, &settings.authentication.name),
            _ => 0,
        }
    }

    /// Seals a mark for a client that a ticket's session is to have.
    pub(super) fn add(
        &self,
        settings: &Settings,
        ticket: &Ticket,
        client: &ClientId,
        now: Timestamp,
    ) -> Result<Addition, Error> {
        let id = ticket.properties.session_id.ok_or(ErrorKind::NotSignedIn)?;
        let main = match &self.sealed {
            Some(pieces) => pieces.total_len(&settings.authentication.name),
            None => self.arrived_len,
        };
        let others = main + authenticator::session_id_len(settings, ticket);
        match &self.marks {
            Some(marks) => marks.add(settings, id, client, others, now),
            None => Marks::default().add(settings, id, client, others, now),
        }
    }

    /// The response sets a mark.
    pub(super) fn issue(&mut self, addition: Addition) {
        self.marks.get_or_insert_default().issue(addition);
    }

    /// Gives what the response head must carry.
    pub(super) fn close(&mut self, settings: &Settings, may_remove: bool) -> Closed {
        let now = settings.now();
        let closing = self.state.close(may_remove);
        let marks = self.close_marks(settings, now);
        let ticket = self.state.session();
        if closing.abandoned {
            tracing::warn!("a session id was created, but no sign-in followed; it is dropped");
        }
        Closed {
            closing,
            sealed: self.sealed.take(),
            marks,
            lifespan: ticket.map_or(Lifespan::Browser, |ticket| lifespan(settings, ticket, now)),
            count: self.count,
            chunks: self.chunks,
            carried: self.carried,
            carried_session_id: self.state.request_has_session_id_cookie(),
        }
    }

    /// There will be no response, so no cookie reaches the browser. Gives the record that a sign-in made, which nobody can use.
    pub(super) fn abandon(&mut self) -> Option<RecordKey> {
        let made = self.state.has_signed_in();
        self.state.abandon();
        self.kept.take_if(|_| made).map(|kept| kept.key)
    }

    fn close_marks(&mut self, settings: &Settings, now: Timestamp) -> Vec<MarkWrite> {
        if self.state.is_hands_off() || settings.store.is_some() {
            return Vec::new();
        }
        // A mark is good for as long as any ticket of the session can be, however often that is renewed.
        let mark = |ticket: &Ticket| {
            let id = ticket.properties.session_id?;
            Some((id, as_long_as(ticket, now, |times| times.absolute)))
        };
        let current = self.state.session().and_then(mark);
        let over = self.state.ended_arrival().and_then(mark);
        if self.marks.is_none() && over.is_none() {
            return Vec::new();
        }
        let (ended, anew) = (self.state.ended(), self.state.is_anew());
        let marks = self.marks.get_or_insert_default();
        marks.close(settings, current, over, ended, anew, now)
    }
}

/// How long the browser is to keep the authentication cookie of a session. A reference is not set again when the session is extended, so it lasts as long as that ever can.
fn lifespan(settings: &Settings, ticket: &Ticket, now: Timestamp) -> Lifespan {
    match settings.store {
        Some(_) => as_long_as(ticket, now, |times| times.absolute),
        None => as_long_as(ticket, now, Times::end),
    }
}

fn as_long_as(ticket: &Ticket, now: Timestamp, end: impl Fn(&Times) -> Timestamp) -> Lifespan {
    match &ticket.properties.times {
        Some(times) if ticket.properties.persistent => Lifespan::Until {
            now,
            expires: end(times),
        },
        _ => Lifespan::Browser,
    }
}
