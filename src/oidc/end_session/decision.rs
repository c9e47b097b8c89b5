//! What is to be done about a request: decided over values, so that a table can test it.

use super::kept::Hinted;
use crate::id::SessionId;

/// Who is signed in, where.
#[derive(Clone, Copy)]
pub(super) struct Current<'a> {
    pub(super) subject: &'a str,
    pub(super) session_id: SessionId,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// There is nothing to end.
    NobodySignedIn,
    Ask,
    GoAhead,
}

/// A client wants the user signed out (OpenID Connect RP-Initiated Logout 1.0 section 2).
pub(super) fn requested(current: Option<Current<'_>>, hint: Option<&Hinted>) -> Course {
    let Some(current) = current else {
        return Course::NobodySignedIn;
    };
    let is_for_this = |hint: &Hinted| {
        hint.subject == current.subject && hint.session_id == Some(current.session_id)
    };
    match hint.is_some_and(is_for_this) {
        true => Course::GoAhead,
        false => Course::Ask,
    }
}

/// The user of a session has said yes.
pub(super) fn confirmed(current: Option<Current<'_>>, asked: SessionId, expired: bool) -> Course {
    match current {
        None => Course::NobodySignedIn,
        Some(current) if current.session_id == asked && !expired => Course::GoAhead,
        Some(_) => Course::Ask,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> SessionId {
        SessionId::parse(text).unwrap()
    }

    fn alice_in_s1() -> Option<Current<'static>> {
        Some(Current {
            subject: "alice",
            session_id: id("s1"),
        })
    }

    #[test]
    fn o3_only_a_hint_for_the_current_session_goes_ahead() {
        let hint = |subject: &str, session_id: Option<&str>| {
            Some(Hinted {
                subject: subject.to_owned(),
                session_id: session_id.map(id),
            })
        };
        for (name, current, hint, expected) in [
            (
                "this session",
                alice_in_s1(),
                hint("alice", Some("s1")),
                Course::GoAhead,
            ),
            ("no hint", alice_in_s1(), None, Course::Ask),
            (
                "another session",
                alice_in_s1(),
                hint("alice", Some("s2")),
                Course::Ask,
            ),
            (
                "no session",
                alice_in_s1(),
                hint("alice", None),
                Course::Ask,
            ),
            (
                "another user",
                alice_in_s1(),
                hint("bob", Some("s2")),
                Course::Ask,
            ),
            (
                "another user, this session",
                alice_in_s1(),
                hint("bob", Some("s1")),
                Course::Ask,
            ),
            (
                "other case",
                alice_in_s1(),
                hint("Alice", Some("s1")),
                Course::Ask,
            ),
            (
                "nobody",
                None,
                hint("alice", Some("s1")),
                Course::NobodySignedIn,
            ),
            ("nobody, no hint", None, None, Course::NobodySignedIn),
        ] {
            assert_eq!(requested(current, hint.as_ref()), expected, "{name}");
        }
    }

    #[test]
    fn o3_a_confirmation_counts_for_the_session_that_was_asked() {
        for (name, current, asked, expired, expected) in [
            ("this session", alice_in_s1(), "s1", false, Course::GoAhead),
            ("too late", alice_in_s1(), "s1", true, Course::Ask),
            ("another session", alice_in_s1(), "s2", false, Course::Ask),
            ("after the end", None, "s1", false, Course::NobodySignedIn),
            (
                "long after the end",
                None,
                "s1",
                true,
                Course::NobodySignedIn,
            ),
        ] {
            assert_eq!(confirmed(current, id(asked), expired), expected, "{name}");
        }
    }
}
