//! What comes of the tickets that a request carries.

use std::time::Duration;

use super::state::{Current, State};
use crate::{
    clock::Timestamp,
    lifetimes::{IN_FLIGHT, Lifetimes, Times},
    session::plan::{Arrival, Keeping, Offer, SessionIdCookie, Write},
    ticket::{ClientList, Ticket},
};

/// A ticket that expired no longer ago than this is not cleared: a request sent at the same time may have renewed it, and clearing
/// it late would sign the user out.
const EXPIRED_GRACE: Duration = Duration::from_secs(60);

impl State {
    /// Offers the ticket of a cookie that could be opened; of several of one session, the newest counts.
    pub(crate) fn offer(&mut self, ticket: Ticket, now: Timestamp) -> Offer {
        if let Some(best) = &self.incoming {
            // An expired one beside a live one is an old copy, not a second session.
            let better = match (ticket.expires_after(now), best.expires_after(now)) {
                (true, true) if !ticket.is_same_session(best) => return Offer::Conflict,
                (true, true) => ticket.sealed_after(best),
                (live, _) => live,
            };
            if !better {
                return Offer::Passed;
            }
        }
        self.incoming = Some(ticket);
        Offer::Taken
    }

    /// Everything that the request carried has been looked at: a ticket that has expired is no session, one that is due slides. `beside` are clients of the
    /// session that its cookie does not have to hold, and since when they are there.
    pub(crate) fn arrive(
        &mut self,
        arrival: Arrival,
        session_id_cookie: SessionIdCookie,
        beside: &[(&str, Timestamp)],
        now: Timestamp,
        lifetimes: &Lifetimes,
    ) {
        self.session_id_cookie = session_id_cookie;
        match arrival {
            Arrival::Nothing => {}
            Arrival::Ticket => self.take_up(beside, now, lifetimes),
            Arrival::Dead(_) => self.authentication = Some(Write::Remove),
            Arrival::Foreign(_) | Arrival::Gone(_) => self.hands_off = true,
            Arrival::Conflict => {
                self.incoming = None;
                (self.hands_off, self.conflict) = (true, true);
            }
        }
    }

    /// The session is over, and its id must not show any longer. What becomes of the other cookies stays as it is.
    pub(crate) fn let_session_id_go(&mut self) {
        if self.current().is_none() && self.request_has_session_id_cookie() {
            self.session_id = Some(Write::Remove);
        }
    }

    /// Begins with the incoming ticket, if it is alive.
    fn take_up(&mut self, beside: &[(&str, Timestamp)], now: Timestamp, lifetimes: &Lifetimes) {
        let Some(ticket) = &mut self.incoming else {
            return;
        };
        let properties = &ticket.properties;
        let (Some(times), Some(_)) = (properties.times, properties.session_id) else {
            // Nothing that signs in seals such a ticket.
            self.authentication = Some(Write::Remove);
            self.incoming = None;
            return;
        };
        if times.end() <= now {
            // In a store it was alive a moment ago, so another response may be about to set the cookies of the next.
            match now.since(times.end()) > EXPIRED_GRACE && self.keeping == Keeping::Cookie {
                true => self.authentication = Some(Write::Remove),
                false => self.hands_off = true,
            }
            self.incoming = None;
            return;
        }
        self.current = Current::Incoming;
        if self.keeping == Keeping::Store {
            return;
        }
        let renewal = lifetimes.renewal(&times, now);
        let renewal = renewal.filter(|_| properties.allow_refresh != Some(false));
        let mut folds = false;
        if !beside.is_empty() {
            let main = std::mem::take(&mut ticket.properties.clients);
            let old = |since: &Timestamp| now.since(*since) > IN_FLIGHT;
            let young = beside.iter().filter(|(_, since)| !old(since));
            let young = young.map(|(client, _)| *client);
            self.apart = ClientList::default().merged(young).without(&main);
            let all = main.merged(beside.iter().map(|(client, _)| *client));
            folds = all.without(&self.apart) != main;
            ticket.properties.clients = all;
        }
        if folds || renewal.is_some() {
            let mut renewed = Box::new(ticket.clone());
            renewed.properties.times = Some(Times {
                expires: renewal.unwrap_or(times.expires),
                sealed: now,
                ..times
            });
            self.current = Current::Changed(renewed);
            self.authentication = Some(Write::Issue(()));
        }
    }

    /// A renewal that the state planned at its arrival, as it is to be sealed.
    pub(crate) fn renewal(&self) -> Option<Ticket> {
        match &self.current {
            Current::Changed(renewed) => {
                Some(renewed.with_clients(renewed.properties.clients.without(&self.apart)))
            }
            _ => None,
        }
    }

    /// The renewal can't be sealed: the session goes on as it arrived.
    pub(crate) fn forgo_renewal(&mut self) {
        self.current = Current::Incoming;
        self.authentication = None;
    }
}
