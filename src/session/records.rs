//! What is done to one session's record.

use tokio::time::Instant;

use super::{in_request::Kept, sealed_record};
use crate::{
    config::{Settings, StoreSettings},
    ended::Ended,
    error::Error,
    events::Event,
    store::{End, Loaded, RecordKey, Updated, ask},
    ticket::Ticket,
};

/// What became of a change.
pub(super) enum Changed {
    /// It is written, and the record has this version.
    Written(u64),
    /// Somebody else was quicker: this is the session now.
    Conflict(Box<Ticket>, Kept),
    /// The session is not there any more.
    Gone,
}

/// Writes another form of a session.
pub(super) async fn change(
    settings: &Settings,
    store: &StoreSettings,
    kept: Kept,
    ticket: &Ticket,
    deadline: Instant,
) -> Result<Changed, Error> {
    let now = settings.now();
    let update = sealed_record::update(settings, kept.key, ticket, now)?;
    let write = || {
        store
            .store
            .update(&kept.key, &update, kept.version, now.into())
    };
    let answer = ask(deadline, write).await?;
    match answer.value {
        Updated::Updated { version } => return Ok(Changed::Written(version)),
        Updated::Missing => return Ok(Changed::Gone),
        Updated::Conflict => {}
    }
    let load = || store.store.load(&kept.key, None, now.into());
    let Loaded::Found(record) = ask(deadline, load).await?.value else {
        return Ok(Changed::Gone);
    };
    // The answer to the first attempt was lost, and the conflict is with that.
    if answer.repeated && record.ticket == update.ticket {
        return Ok(Changed::Written(record.version));
    }
    Ok(match sealed_record::open_record(settings, &record, now) {
        Ok(ticket) if ticket.expires_after(now) => {
            let kept = Kept {
                key: record.key,
                version: record.version,
            };
            Changed::Conflict(Box::new(ticket), kept)
        }
        _ => Changed::Gone,
    })
}

/// Whether a session is still there.
pub(super) async fn is_there(
    settings: &Settings,
    store: &StoreSettings,
    key: &RecordKey,
) -> Result<bool, Error> {
    let now = settings.now();
    let load = || store.store.load(key, None, now.into());
    Ok(match ask(settings.load_deadline(), load).await?.value {
        Loaded::Found(record) => !record.has_expired(now.into()),
        Loaded::Gone | Loaded::Missing => false,
    })
}

/// What became of a session that was to end.
pub(super) enum Finished {
    /// It has ended.
    Ended(Ended),
    /// It had ended before, or was not to end.
    Before,
    /// It has ended, now or before: the answer was lost, and the second one says that it is gone.
    Either,
}

/// Ends a session.
pub(super) async fn finish(
    settings: &Settings,
    store: &StoreSettings,
    key: &RecordKey,
    end: End,
    deadline: Instant,
) -> Result<Finished, Error> {
    let now = settings.now();
    let delete = || store.store.delete(key, end, now.into());
    let answer = ask(deadline, delete).await?;
    Ok(match answer.value {
        Some(mut ended) => {
            store.ended.notify_one();
            ended.issuer.clone_from(&settings.issuer);
            Event::SessionEnded(&ended).emit();
            Finished::Ended(ended)
        }
        None if answer.repeated => Finished::Either,
        None => Finished::Before,
    })
}
