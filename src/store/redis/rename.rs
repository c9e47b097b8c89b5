//! A session gets another name, which the index of names must have before the session does.

use redis::Value;

use super::{
    call::Call,
    entry::{Entry, MarkedName},
    failure::Failure,
    keys::Keys,
    reply::bytes,
    row::{identity, marked_name},
};

/// The two steps that such a change takes. A script that finds another name than it is to write does nothing but say of which session; then the index
/// is written, and the script is run again and told so.
pub(super) struct Renaming {
    to: Option<MarkedName>,
    asked: Option<Asked>,
}

struct Asked {
    /// As the store writes it.
    identity: Vec<u8>,
    entry: Entry,
    from: Option<MarkedName>,
}

impl Renaming {
    pub(super) fn new(to: Option<MarkedName>) -> Self {
        Self { to, asked: None }
    }

    /// The session for which the index of names has been written.
    pub(super) fn indexed(&self) -> &[u8] {
        self.asked.as_ref().map_or(b"", |asked| &asked.identity)
    }

    /// What writes the index, if that was asked for.
    pub(super) fn calls(&self, keys: &Keys) -> Vec<Call> {
        let asked = self.asked.iter().zip(&self.to);
        asked
            .map(|(asked, to)| asked.entry.call_to_name(keys, to))
            .collect()
    }

    /// Whether a reply asks for the index to be written first.
    pub(super) fn is_asked_for(&mut self, reply: &Value) -> Result<bool, Failure> {
        let Value::Array(parts) = reply else {
            return Ok(false);
        };
        let [Value::BulkString(outcome), session, from] = &parts[..] else {
            return Ok(false);
        };
        if outcome != b"rename" {
            return Ok(false);
        }
        let session = bytes(session.clone())?;
        let from = match from {
            Value::Nil => None,
            from => Some(marked_name(&bytes(from.clone())?)?),
        };
        self.asked = Some(Asked {
            entry: identity(&session)?,
            identity: session,
            from,
        });
        Ok(true)
    }

    /// What drops the name of before, or the new one if nothing came of it.
    pub(super) fn calls_to_tidy(&self, keys: &Keys, done: bool) -> Vec<Call> {
        let Some(asked) = &self.asked else {
            return Vec::new();
        };
        let name = if done { &asked.from } else { &self.to };
        let call = name
            .iter()
            .map(|name| asked.entry.call_to_unname(keys, name));
        call.collect()
    }
}
