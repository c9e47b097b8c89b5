//! A session to the record that a store keeps, and back.

use crate::{
    clock::Timestamp,
    config::Settings,
    error::{Error, ErrorKind},
    events::{Event, SealFailure},
    protector::{OpenError, Purpose},
    store::{Record, RecordKey, Update, display_name},
    ticket::{self, ClientList, Ticket},
};

/// The largest sealed ticket that a store is given.
const MAX_TICKET: usize = 64 * 1024;

/// The record of a new session.
pub(super) fn record(
    settings: &Settings,
    key: RecordKey,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<Record, Error> {
    let properties = &ticket.properties;
    let times = properties.times.ok_or(ErrorKind::Seal)?;
    let Update {
        ticket: sealed,
        display_name,
    } = update(settings, key, ticket, now)?;
    Ok(Record {
        key,
        subject: ticket.principal.subject().to_owned(),
        session_id: properties.session_id.ok_or(ErrorKind::Seal)?,
        display_name,
        created: now.into(),
        renewed: now.into(),
        expires: times.end().into(),
        clients: properties.clients.to_vec(),
        ticket: sealed,
        version: 1,
        device: properties.device.as_deref().cloned().unwrap_or_default(),
    })
}

/// What changes in a record when its session does.
pub(super) fn update(
    settings: &Settings,
    key: RecordKey,
    ticket: &Ticket,
    now: Timestamp,
) -> Result<Update, Error> {
    // Clients are a field of the record, so that they can be added without the ticket.
    let sealed_ticket = ticket.with_clients(ClientList::default());
    let session_id = ticket.properties.session_id.ok_or(ErrorKind::Seal)?;
    let belongs_to: &[&[u8]] = &[
        key.as_bytes(),
        ticket.principal.subject().as_bytes(),
        session_id.as_bytes(),
    ];
    let len = ticket::most_bytes(&sealed_ticket);
    let sealed = settings
        .vault
        .seal(now, Purpose::Record, belongs_to, len, |out| {
            ticket::encode(&sealed_ticket, out)
        })
        .ok_or(ErrorKind::Seal)?;
    if sealed.len() > MAX_TICKET {
        Event::SealFailed(SealFailure::TooLarge).emit();
        return Err(ErrorKind::TooLarge.into());
    }
    Ok(Update {
        ticket: sealed,
        display_name: ticket.principal.claim_str("name").and_then(display_name),
    })
}

/// The session of a record, if the record is as it was sealed, at its place, with its subject and session id.
pub(crate) fn open_record(
    settings: &Settings,
    record: &Record,
    now: Timestamp,
) -> Result<Ticket, OpenError> {
    let belongs_to: &[&[u8]] = &[
        record.key.as_bytes(),
        record.subject.as_bytes(),
        record.session_id.as_bytes(),
    ];
    let opened = settings
        .vault
        .open(now, Purpose::Record, belongs_to, &record.ticket)?;
    let mut ticket = ticket::decode(opened).ok_or(OpenError::Forged)?;
    let properties = &mut ticket.properties;
    let agrees = ticket.principal.subject() == record.subject
        && properties.session_id == Some(record.session_id);
    let times = properties.times.as_mut().filter(|_| agrees);
    let times = times.ok_or(OpenError::Forged)?;
    // The record may shorten the session's life, and never lengthen it.
    times.expires = Timestamp::from(record.expires).min(times.absolute);
    properties.clients = ClientList::of_record(&record.clients);
    Ok(ticket)
}

/// Whether a record is sealed under a key that will be retired some day.
pub(super) fn is_under_an_old_key(settings: &Settings, record: &Record, now: Timestamp) -> bool {
    !settings.vault.is_current(now, &record.ticket)
}
