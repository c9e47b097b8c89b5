use super::{
    authenticator,
    plan::{Closing, SessionIdCookie},
    state::State,
};
use crate::{
    clock::Timestamp,
    config::Settings,
    cookie::{Candidates, Lifespan, Pieces},
    ticket::Ticket,
};

/// The session of one request: its state, and what is known of its cookies.
pub(super) struct InRequest {
    pub(super) state: State,
    /// The ticket as it was last sealed in this request.
    pub(super) sealed: Option<Box<Pieces>>,
    /// How many cookies the incoming ticket was in.
    count: usize,
    /// The chunks that the request carried, a bit for each.
    chunks: u16,
    carried: bool,
}

/// What the middleware must write when the response head is sent.
pub(crate) struct Closed {
    pub(crate) closing: Closing,
    pub(crate) sealed: Option<Box<Pieces>>,
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
    pub(super) fn new(cookie: SessionIdCookie) -> Self {
        Self {
            state: State::new(cookie),
            sealed: None,
            count: 1,
            chunks: 0,
            carried: false,
        }
    }

    /// Opens what the request carried.
    pub(super) fn arrive(&mut self, settings: &Settings, candidates: &Candidates<'_>) {
        let now = settings.now();
        self.count = authenticator::authenticate(settings, candidates, now, &mut self.state);
        self.chunks = candidates.chunks.carried();
        self.carried = !candidates.authentication.is_empty();
        // A renewal is sealed here, so that what the handle reports from now on is what the browser gets.
        let sealed = self
            .state
            .renewal()
            .map(|ticket| authenticator::seal(settings, ticket, now));
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

    /// Whether the response has nothing to do if nothing changes.
    pub(super) fn is_clean(&self) -> bool {
        self.state.is_clean() && self.chunks >> self.count == 0
    }

    /// Gives what the response head must carry.
    pub(super) fn close(&mut self, settings: &Settings, may_remove: bool) -> Closed {
        let now = settings.now();
        let closing = self.state.close(may_remove);
        let ticket = self.state.session();
        if closing.abandoned {
            tracing::warn!("a session id was created, but no sign-in followed; it is dropped");
        }
        Closed {
            closing,
            sealed: self.sealed.take(),
            lifespan: ticket.map_or(Lifespan::Browser, |ticket| lifespan(ticket, now)),
            count: self.count,
            chunks: self.chunks,
            carried: self.carried,
            carried_session_id: self.state.request_has_session_id_cookie(),
        }
    }
}

fn lifespan(ticket: &Ticket, now: Timestamp) -> Lifespan {
    match ticket.properties.times {
        Some(times) if ticket.properties.persistent => Lifespan::Until {
            now,
            expires: times.end(),
        },
        _ => Lifespan::Browser,
    }
}
