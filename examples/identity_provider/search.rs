//! What the operator may search for, and what may be wrong with it.

use axum_user_session::{Error, error::ErrorKind, id::SessionId, store::Filter};
use serde::Deserialize;

/// What is searched for. Fields that are empty, as in a form that was not filled in, don't count.
#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    pub(crate) subject: String,
    #[serde(default)]
    pub(crate) session_id: String,
    /// How the name begins, whatever the case.
    #[serde(default)]
    pub(crate) name: String,
}

/// What is wrong with a search.
pub(crate) struct Problem {
    pub(crate) field: Option<&'static str>,
    pub(crate) text: &'static str,
}

impl Search {
    pub(crate) fn is_empty(&self) -> bool {
        let fields = [&self.subject, self.session_id.trim(), &self.name];
        fields.iter().all(|field| field.is_empty())
    }

    /// None if nothing is searched for.
    pub(crate) fn filter(&self) -> Result<Option<Filter>, Error> {
        let mut filter = None;
        if !self.subject.is_empty() {
            filter = Some(Filter::subject(&self.subject)?);
        }
        if !self.session_id.trim().is_empty() {
            let id = SessionId::parse(self.session_id.trim())?;
            filter = Some(match filter {
                None => Filter::session_id(id),
                Some(filter) => filter.and_session_id(id),
            });
        }
        if !self.name.is_empty() {
            filter = Some(match filter {
                None => Filter::name_begins_with(&self.name)?,
                Some(filter) => filter.and_name_begins_with(&self.name)?,
            });
        }
        Ok(filter)
    }
}

impl Problem {
    /// None if another search would not help.
    pub(crate) fn of(error: &Error) -> Option<Self> {
        let (field, text) = match error.kind() {
            ErrorKind::InvalidSubject => (
                Some("subject"),
                "This can't be a subject: it is too long, or has characters that none has.",
            ),
            ErrorKind::InvalidSessionId => (
                Some("session_id"),
                "This can't be a session id: it is too long, or has characters that none has.",
            ),
            ErrorKind::InvalidFilter => (Some("name"), "No name begins like that."),
            ErrorKind::InvalidPageToken => (
                None,
                "There is no such page of this list. Please search again.",
            ),
            _ => return None,
        };
        Some(Self { field, text })
    }
}
