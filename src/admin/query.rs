use super::info::SessionInfo;
use crate::store::{Filter, Selection};

/// A page of a list of sessions, to be asked for with [`SessionAdmin::query`](super::SessionAdmin::query).
///
/// ```
/// use axum_user_session::{admin::SessionQuery, store::Filter};
///
/// let first = SessionQuery::matching(Filter::name_begins_with("smith")?).page_size(50);
/// # let token = "from the page before";
/// let next = SessionQuery::matching(Filter::name_begins_with("smith")?).page_size(50).page(token);
/// # Ok::<_, axum_user_session::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SessionQuery {
    pub(super) selection: Selection,
    pub(super) page_size: usize,
    pub(super) token: Option<String>,
}

impl SessionQuery {
    /// The largest page.
    pub const MAX_PAGE_SIZE: usize = 500;

    /// All sessions.
    pub fn everyone() -> Self {
        Self::of(Selection::Everyone)
    }

    /// The sessions that a filter lets through.
    pub fn matching(filter: Filter) -> Self {
        Self::of(Selection::Matching(filter))
    }

    /// How many sessions are on a page: 1 to [`MAX_PAGE_SIZE`](Self::MAX_PAGE_SIZE), and the nearest of these for any other number. Default: 25.
    pub fn page_size(mut self, sessions: usize) -> Self {
        self.page_size = sessions.clamp(1, Self::MAX_PAGE_SIZE);
        self
    }

    /// The page of a token, which a page before has given as [`next`](SessionPage::next) or [`previous`](SessionPage::previous). Default: the first one.
    pub fn page(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    fn of(selection: Selection) -> Self {
        Self {
            selection,
            page_size: 25,
            token: None,
        }
    }
}

/// A page of a list of sessions, newest first.
///
/// Tokens are text that can stand in a URL. They are sealed, and good for the same filter only. A session that is there throughout is on exactly one page of those that
/// are reached by one after the other, whatever begins and ends meanwhile; two users' sessions with the same id, begun in the same millisecond, are the
/// [exception](crate::store::Position).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions.
    pub sessions: Vec<SessionInfo>,
    /// The token of the page with older sessions, if there are any.
    pub next: Option<String>,
    /// The token of the page with newer sessions, if there are any.
    pub previous: Option<String>,
}
