use axum_user_session::store::{LogoutOutbox, SessionStore};

/// Where a store keeps its sessions, and how that is put into a text and taken out of it.
pub(crate) trait Place: Sized {
    type Store: SessionStore + LogoutOutbox + Clone;

    /// What the names of its fixtures begin with.
    const NAME: &'static str;
    /// And what the one with its content ends with.
    const ENDING: &'static str;

    /// A store of this release, with nothing in it.
    async fn empty() -> Self;

    /// A store that the release of a text has left behind, once this release has brought it up to date.
    async fn load(text: &str) -> Self;

    fn store(&self) -> Self::Store;

    /// All that is there.
    async fn text(&self) -> String;

    fn content_path() -> String {
        format!("{}.{}", Self::NAME, Self::ENDING)
    }

    fn sessions_path() -> String {
        format!("{}.json", Self::NAME)
    }
}
