//! Deliveries, as they are written and read.

use super::{failure::Failure, row::time};
use crate::{
    ended::{Ended, EventId},
    id::{ClientId, SessionId},
    store::delivery::{Delivery, DeliveryState, TakenDelivery},
};

/// What names a delivery in the sets: the end's bytes, then the client.
pub(super) fn name_of(event: &EventId, client: &ClientId) -> Vec<u8> {
    [event.as_bytes(), client.as_str().as_bytes()].concat()
}

/// Reads what [`name_of`] writes.
pub(super) fn named(name: &[u8]) -> Result<(EventId, ClientId), Failure> {
    let (event, client) = name.split_first_chunk().ok_or(DAMAGED)?;
    let client = ClientId::parse(utf8(client)?).map_err(|_| DAMAGED)?;
    Ok((EventId::new(*event), client))
}

/// Whose session has ended, as it is written once for all deliveries of an end.
pub(super) fn whose(ended: &Ended) -> String {
    format!("{} {}", ended.session_id.as_str(), ended.subject)
}

fn read_whose(whose: &[u8]) -> Result<(SessionId, &str), Failure> {
    let (session_id, subject) = utf8(whose)?.split_once(' ').ok_or(DAMAGED)?;
    let session_id = SessionId::parse(session_id).map_err(|_| DAMAGED)?;
    Ok((session_id, subject))
}

/// The letter that stands for a state.
pub(super) fn letter(state: DeliveryState) -> &'static str {
    match state {
        DeliveryState::Pending => "p",
        DeliveryState::Failed => "f",
        DeliveryState::Delivered => "d",
        DeliveryState::GivenUp => "g",
    }
}

pub(super) fn state(of: &str) -> Option<DeliveryState> {
    DeliveryState::ALL
        .into_iter()
        .find(|state| letter(*state) == of)
}

/// Reads what `take_due.lua` gives of a delivery: its name, whose session it was, when it was put in, attempts and turn.
pub(super) fn taken(parts: [Vec<u8>; 4]) -> Result<TakenDelivery, Failure> {
    let [name, whose, created, numbers] = parts;
    let (event_id, client) = named(&name)?;
    let (session_id, subject) = read_whose(&whose)?;
    let created = time(number(utf8(&created)?)?);
    let (attempt, turn) = utf8(&numbers)?.split_once(' ').ok_or(DAMAGED)?;
    let mut taken = TakenDelivery::new(event_id, client, subject, session_id, created);
    taken.attempt = number(attempt)?;
    taken.turn = number(turn)?;
    Ok(taken)
}

/// Reads a delivery, as `outbox.lua` writes it.
pub(super) fn delivery(name: &[u8], whose: &[u8], written: &[u8]) -> Result<Delivery, Failure> {
    let (event_id, client) = named(name)?;
    let (session_id, subject) = read_whose(whose)?;
    let mut parts = utf8(written)?.splitn(8, ' ');
    let mut next = || parts.next().ok_or(DAMAGED);
    let state = state(next()?).ok_or(DAMAGED)?;
    let attempts = number(next()?)?;
    let _turn = next()?;
    let created = time(number(next()?)?);
    let _due = next()?;
    let free_from = time(number(next()?)?);
    let settled = Some(next()?).filter(|settled| !settled.is_empty());
    let settled = settled.map(number).transpose()?.map(time);
    let mut delivery = Delivery::new(event_id, client, subject, session_id, created);
    delivery.state = state;
    delivery.attempts = attempts;
    delivery.due = (!state.is_settled()).then_some(free_from);
    delivery.settled = settled;
    delivery.failure = next()?.strip_prefix(MARK).map(str::to_owned);
    Ok(delivery)
}

/// Stands before a text that may be there or not, so that an empty one can be told from none.
pub(super) const MARK: &str = "=";

/// With a mark, or nothing at all.
pub(super) fn marked(text: Option<&str>) -> String {
    text.map(|text| format!("{MARK}{text}")).unwrap_or_default()
}

fn utf8(bytes: &[u8]) -> Result<&str, Failure> {
    std::str::from_utf8(bytes).map_err(|_| DAMAGED)
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, Failure> {
    text.parse().map_err(|_| DAMAGED)
}

const DAMAGED: Failure = Failure::Nonsense("a delivery that is none");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o6_deliveries_table() {
        let name = [&[7; 16][..], b"client 1"].concat();
        let read = |written: &str| delivery(&name, b"sid alice and bob", written.as_bytes());
        for (what, written, accepted) in [
            ("waiting", "p 0 0 10 20 30  ", true),
            ("failed", "f 2 4 10 20 -30  =why, and how", true),
            ("delivered", "d 2 4 10 20 30 40 ", true),
            ("given up", "g 2 4 10 20 30 40 =", true),
            ("another state", "x 2 4 10 20 30 40 ", false),
            ("no number of attempts", "p -1 0 10 20 30  ", false),
            ("a time that is none", "p 0 0 ten 20 30  ", false),
            ("cut off", "p 0 0 10 20 30", false),
            ("nothing", "", false),
        ] {
            assert_eq!(read(written).is_ok(), accepted, "{what}");
        }
        let failed = read("f 2 4 10 20 -30  =why, and how").unwrap();
        assert_eq!(failed.subject, "alice and bob");
        assert_eq!((failed.attempts, failed.due), (2, Some(time(-30))));
        assert_eq!(failed.failure.as_deref(), Some("why, and how"));
        let given_up = read("g 2 4 10 20 30 40 =").unwrap();
        assert_eq!((given_up.due, given_up.settled), (None, Some(time(40))));
        assert_eq!(given_up.failure.as_deref(), Some(""));
        for name in [&name[..15], &name[..16], b"\xff".repeat(20).as_slice()] {
            assert!(named(name).is_err());
        }
    }
}
