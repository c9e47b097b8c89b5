//! Which sessions are meant, and which part of a list.

use std::time::SystemTime;

use super::record::Record;
use crate::{
    error::{Error, ErrorKind},
    id::SessionId,
};

/// Which sessions are meant: those that meet every criterion. There is at least one.
///
/// ```
/// use axum_user_session::{id::SessionId, store::Filter};
///
/// let alices = Filter::subject("alice")?;
/// let others = alices.clone().except(SessionId::parse("0123456789ABCDEF0123456789ABCDEF")?);
/// let smiths = Filter::name_begins_with("smith")?;
/// assert!(Filter::subject("").is_err());
/// # Ok::<_, axum_user_session::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    subject: Option<String>,
    session_id: Option<SessionId>,
    name: Option<NameMatch>,
    except: Option<SessionId>,
}

/// How a display name is searched; the text is [folded](fold) and not empty.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameMatch {
    /// The folded name begins with it.
    BeginsWith(String),
    /// The folded name has it somewhere. Only for stores that
    /// [offer](crate::store::SessionStore::searches_within_names) it.
    Contains(String),
}

impl Filter {
    /// The sessions of a subject.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidFilter`] for an empty text, or one with a control character, as in the others.
    pub fn subject(subject: impl Into<String>) -> Result<Self, Error> {
        Self::none().and_subject(subject)
    }

    /// The session of an id.
    pub fn session_id(id: SessionId) -> Self {
        Self::none().and_session_id(id)
    }

    /// The sessions whose display name begins with a text, whatever the case.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidFilter`].
    pub fn name_begins_with(text: &str) -> Result<Self, Error> {
        Self::none().and_name_begins_with(text)
    }

    /// The sessions whose display name has a text somewhere, whatever the case. Every name must be looked at, and not every store offers it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidFilter`].
    pub fn name_contains(text: &str) -> Result<Self, Error> {
        Self::none().and_name_contains(text)
    }

    /// Only those of a subject.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidFilter`].
    pub fn and_subject(mut self, subject: impl Into<String>) -> Result<Self, Error> {
        self.subject = Some(searchable(subject.into())?);
        Ok(self)
    }

    /// Only the one of an id.
    #[must_use]
    pub fn and_session_id(mut self, id: SessionId) -> Self {
        self.session_id = Some(id);
        self
    }

    /// Only those whose display name begins with a text, whatever the case.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidFilter`].
    pub fn and_name_begins_with(mut self, text: &str) -> Result<Self, Error> {
        self.name = Some(NameMatch::BeginsWith(searchable(fold(text))?));
        Ok(self)
    }

    /// Only those whose display name has a text somewhere, whatever the case.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidFilter`].
    pub fn and_name_contains(mut self, text: &str) -> Result<Self, Error> {
        self.name = Some(NameMatch::Contains(searchable(fold(text))?));
        Ok(self)
    }

    /// But for the one of an id.
    #[must_use]
    pub fn except(mut self, id: SessionId) -> Self {
        self.except = Some(id);
        self
    }

    /// The subject asked for. For stores, as the other getters.
    pub fn wanted_subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The session id asked for.
    pub fn wanted_session_id(&self) -> Option<&SessionId> {
        self.session_id.as_ref()
    }

    /// What the display name must be like.
    pub fn wanted_name(&self) -> Option<&NameMatch> {
        self.name.as_ref()
    }

    /// The session id that is left out.
    pub fn excepted(&self) -> Option<&SessionId> {
        self.except.as_ref()
    }

    /// Whether a record meets every criterion, for stores that look at records one by one.
    pub fn matches(&self, record: &Record) -> bool {
        let name = || record.display_name.as_deref().map(fold);
        let subject = self.subject.as_ref();
        subject.is_none_or(|subject| *subject == record.subject)
            && self.session_id.is_none_or(|id| id == record.session_id)
            && self.except.is_none_or(|id| id != record.session_id)
            && match &self.name {
                None => true,
                Some(NameMatch::BeginsWith(text)) => {
                    name().is_some_and(|name| name.starts_with(text))
                }
                Some(NameMatch::Contains(text)) => name().is_some_and(|name| name.contains(text)),
            }
    }

    fn none() -> Self {
        Self {
            subject: None,
            session_id: None,
            name: None,
            except: None,
        }
    }
}

/// All sessions, or some.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Every session of every user.
    Everyone,
    /// Those that a filter lets through.
    Matching(Filter),
}

impl Selection {
    /// Whether a record is meant.
    pub fn matches(&self, record: &Record) -> bool {
        match self {
            Self::Everyone => true,
            Self::Matching(filter) => filter.matches(record),
        }
    }

    /// The filter, if there is one.
    pub fn filter(&self) -> Option<&Filter> {
        match self {
            Self::Everyone => None,
            Self::Matching(filter) => Some(filter),
        }
    }
}

impl From<Filter> for Selection {
    fn from(filter: Filter) -> Self {
        Self::Matching(filter)
    }
}

impl From<&Filter> for Selection {
    fn from(filter: &Filter) -> Self {
        Self::Matching(filter.clone())
    }
}

/// A place in the list of sessions, which is ordered by `created` and then by session id, newest first.
///
/// A record that takes the place of another takes over both, so a session keeps its place when its user signs in again.
///
/// Of two places, the newer one is the greater one. There is one session at a place, unless the host chooses session ids: two users whose sessions have the same id and
/// began in the same millisecond share one, and if a page ends between them, the other is left out of the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// When the session at this place began.
    pub created: SystemTime,
    /// Its id; ids are compared as bytes.
    pub session_id: SessionId,
}

impl Position {
    /// The place of a record.
    pub fn of(record: &Record) -> Self {
        Self {
            created: record.created,
            session_id: record.session_id,
        }
    }
}

/// A part of the list of sessions that have not expired.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Which sessions are in the list.
    pub selection: Selection,
    /// Which part of the list.
    pub part: Part,
    /// How many records at most: 1 to 1000.
    pub limit: usize,
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The newest sessions.
    Newest,
    /// The sessions that follow after a place.
    OlderThan(Position),
    /// The sessions that come right before a place.
    NewerThan(Position),
}

impl Part {
    /// Whether a place is in this part, leaving the limit aside.
    pub fn contains(&self, position: &Position) -> bool {
        match self {
            Self::Newest => true,
            Self::OlderThan(place) => position < place,
            Self::NewerThan(place) => position > place,
        }
    }
}

/// A name as it is searched for: without regard to case.
///
/// Each character is folded by itself, through its upper-case form, so that `Straße` and `STRASSE` are one. Accents count.
pub fn fold(name: &str) -> String {
    let upper = name.chars().flat_map(char::to_uppercase);
    upper.flat_map(char::to_lowercase).collect()
}

/// The least text that is greater than every text that begins with `prefix`, in the order of code points, which is that of UTF-8 bytes. None if
/// there is no such text.
///
/// A store that keeps folded names in that order finds those that begin with a text between it and this, with no pattern to escape.
pub fn end_of_prefix(prefix: &str) -> Option<String> {
    let mut end = prefix.to_owned();
    while let Some(last) = end.pop() {
        // Steps over the surrogates, and off the end of the planes.
        if let Some(next) = (last..=char::MAX).nth(1) {
            end.push(next);
            return Some(end);
        }
    }
    None
}

/// No subject and no name has a control character, and stores need not bear a search for one.
fn searchable(text: String) -> Result<String, Error> {
    match text.is_empty() || text.contains(char::is_control) {
        true => Err(ErrorKind::InvalidFilter.into()),
        false => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn s10_names_are_folded() {
        for (name, text, expected) in [
            ("capitals", "Alice SMITH", "alice smith"),
            ("sharp s", "Straße", "strasse"),
            ("final sigma", "ΟΔΟΣ ὁδός", "οδοσ ὁδόσ"),
            ("wildcards", "100%_", "100%_"),
        ] {
            assert_eq!(fold(text), expected, "{name}");
        }
    }

    #[test]
    fn s10_the_end_of_a_prefix() {
        for (name, prefix, expected) in [
            ("a letter", "ab", Some("ac")),
            ("before the surrogates", "\u{D7FF}", Some("\u{E000}")),
            ("the last character", "a\u{10FFFF}", Some("b")),
            ("only last characters", "\u{10FFFF}", None),
            ("nothing", "", None),
        ] {
            assert_eq!(end_of_prefix(prefix).as_deref(), expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn s10_a_range_is_a_prefix(prefix in ".{1,3}", other in ".{0,5}", extended: bool) {
            let name = if extended { format!("{prefix}{other}") } else { other };
            let end = end_of_prefix(&prefix);
            let inside = name >= prefix && end.is_none_or(|end| name < end);
            prop_assert_eq!(inside, name.starts_with(&prefix));
        }

        #[test]
        fn s10_folding_is_done_once(name in ".*") {
            prop_assert_eq!(fold(&fold(&name)), fold(&name));
        }
    }

    #[test]
    fn s10_empty_texts_and_control_characters_are_no_filter() {
        let id = SessionId::parse("s").unwrap();
        for (name, filter) in [
            ("subject", Filter::subject("")),
            ("beginning", Filter::name_begins_with("")),
            ("part", Filter::name_contains("")),
            ("further subject", Filter::session_id(id).and_subject("")),
            ("NUL in a subject", Filter::subject("a\0b")),
            ("NUL in a name", Filter::name_begins_with("\0")),
            ("a line end", Filter::name_contains("a\nb")),
            ("C1", Filter::subject("a\u{85}b")),
        ] {
            assert_eq!(
                filter.unwrap_err().kind(),
                ErrorKind::InvalidFilter,
                "{name}"
            );
        }
    }
}
