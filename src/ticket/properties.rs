use std::{collections::BTreeMap, fmt, sync::Arc, time::SystemTime};

use super::{client_list::ClientList, items::Items};
use crate::{
    clock::Timestamp,
    device::Device,
    id::{ClientId, SessionId},
    lifetimes::Times,
};

/// What is known of a sign-in, beside who the user is: the session, its clients, its times, and string items of your own.
///
/// Make one to ask for something at [`sign_in_with`](crate::UserSession::sign_in_with), or read those of the current session
/// with [`properties`](crate::UserSession::properties). Passing a session's own properties to a sign-in again means the same session.
///
/// ```
/// use axum_user_session::AuthenticationProperties;
///
/// let properties = AuthenticationProperties::new()
///     .with_persistent(true)
///     .with_item("tenant", "blue");
/// assert_eq!(properties.item("tenant"), Some("blue"));
/// ```
#[derive(Clone, Default)]
pub struct AuthenticationProperties {
    pub(crate) session_id: Option<SessionId>,
    /// Set by the host in this process, in contrast to an id that was carried from a ticket or through items.
    pub(crate) session_id_is_the_hosts: bool,
    pub(crate) clients: ClientList,
    /// None until a sign-in.
    pub(crate) times: Option<Times>,
    pub(crate) asked_expires: Option<Timestamp>,
    pub(crate) asked_absolute: Option<Timestamp>,
    pub(crate) persistent: bool,
    pub(crate) allow_refresh: Option<bool>,
    pub(super) own: Items,
    /// What to note with the session's record. Not a part of the ticket.
    pub(crate) device: Option<Arc<Device>>,
}

impl AuthenticationProperties {
    /// The item that shows the session id.
    pub const SESSION_ID_ITEM: &str = "session_id";
    /// The item that shows the list of clients: unpadded base64url of a JSON array of strings.
    pub const CLIENT_LIST_ITEM: &str = "client_list";

    /// Properties that ask for nothing: a session of the configured length that ends with the browser.
    pub fn new() -> Self {
        Self::default()
    }

    /// Properties from string items, as [`items`](Self::items) shows them.
    ///
    /// The items may have been through a form or a query, so they are not believed: a session id in them is kept by a sign-in only if
    /// it is the current one, a list of clients only along with that id, and a list that can't be decoded is logged and dropped.
    pub fn from_items<N: AsRef<str>, V: AsRef<str>>(
        items: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let items: Vec<(N, V)> = items.into_iter().collect();
        let items = items
            .iter()
            .map(|(name, value)| (name.as_ref(), value.as_ref()));
        let reserved = [Self::SESSION_ID_ITEM, Self::CLIENT_LIST_ITEM];
        let (carried, own): (Vec<_>, Vec<_>) = items.partition(|(name, _)| reserved.contains(name));
        let properties = Self {
            own: Items::of(own),
            ..Self::new()
        };
        carried
            .into_iter()
            .fold(properties, |properties, (name, value)| {
                properties.with_item(name, value)
            })
    }

    /// All items: your own, the session id and the list of clients. A session without clients shows no list.
    pub fn items(&self) -> BTreeMap<String, String> {
        let own = self
            .own
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut items: BTreeMap<_, _> = own.collect();
        if let Some(id) = &self.session_id {
            items.insert(Self::SESSION_ID_ITEM.to_owned(), id.as_str().to_owned());
        }
        if !self.clients.is_empty() {
            items.insert(Self::CLIENT_LIST_ITEM.to_owned(), self.clients.to_item());
        }
        items
    }

    /// One of your own items.
    pub fn item(&self, name: &str) -> Option<&str> {
        self.own.get(name)
    }

    /// Sets an item. The two names of [`SESSION_ID_ITEM`](Self::SESSION_ID_ITEM) and
    /// [`CLIENT_LIST_ITEM`](Self::CLIENT_LIST_ITEM) are read as [`from_items`](Self::from_items) does.
    #[must_use]
    pub fn with_item(mut self, name: &str, value: &str) -> Self {
        match name {
            Self::SESSION_ID_ITEM => {
                self.session_id = SessionId::parse(value).ok();
                self.session_id_is_the_hosts = false;
            }
            Self::CLIENT_LIST_ITEM => {
                self.clients = ClientList::from_item(value).unwrap_or_else(|| {
                    tracing::warn!("a client list that can't be decoded was dropped");
                    ClientList::default()
                });
            }
            _ => self.own = self.own.with(name, Some(value)),
        }
        self
    }

    /// Removes one of your own items.
    #[must_use]
    pub fn without_item(mut self, name: &str) -> Self {
        self.own = self.own.with(name, None);
        self
    }

    /// The session id.
    pub fn session_id(&self) -> Option<SessionId> {
        self.session_id
    }

    /// Gives the session an id of your own, say one from an upstream provider. A sign-in takes it when nobody is signed in, or
    /// when it is the current session's id and the same user's; otherwise it makes a new id.
    pub fn set_session_id(&mut self, id: SessionId) {
        self.session_id = Some(id);
        self.session_id_is_the_hosts = true;
    }

    /// The clients that take part in the session, in the order first added.
    pub fn client_list(&self) -> Vec<ClientId> {
        self.clients.to_vec()
    }

    /// When the user signed in to this session.
    pub fn issued(&self) -> Option<SystemTime> {
        self.times.map(|times| times.issued.into())
    }

    /// When the session expires, unless it is renewed before.
    pub fn expires(&self) -> Option<SystemTime> {
        let asked = self.asked_expires;
        asked
            .or(self.times.map(|times| times.expires))
            .map(Into::into)
    }

    /// Asks for an expiry other than the configured one. A sign-in cuts it off at the absolute expiry and refuses one that is not in the
    /// future. Times are kept in milliseconds.
    #[must_use]
    pub fn with_expires(mut self, at: SystemTime) -> Self {
        self.asked_expires = Some(at.into());
        self
    }

    /// When the session ends, whatever happens.
    pub fn absolute_expires(&self) -> Option<SystemTime> {
        let asked = self.asked_absolute;
        asked
            .or(self.times.map(|times| times.absolute))
            .map(Into::into)
    }

    /// Asks for an absolute expiry before the configured one.
    #[must_use]
    pub fn with_absolute_expires(mut self, at: SystemTime) -> Self {
        self.asked_absolute = Some(at.into());
        self
    }

    /// Whether the cookie outlives the browser.
    pub fn is_persistent(&self) -> bool {
        self.persistent
    }

    /// Makes the cookie outlive the browser, until the session expires ("remember me").
    #[must_use]
    pub fn with_persistent(mut self, persistent: bool) -> Self {
        self.persistent = persistent;
        self
    }

    /// Notes with the session where the user signs in from, to be shown in a list of sessions. Only a store keeps it.
    ///
    /// ```
    /// use axum_user_session::{AuthenticationProperties, store::Device};
    ///
    /// # let headers = http::HeaderMap::new();
    /// let user_agent = headers.get("user-agent").and_then(|value| value.to_str().ok());
    /// let device = Device::new().with_user_agent(user_agent.unwrap_or_default());
    /// let properties = AuthenticationProperties::new().with_device(device);
    /// ```
    #[must_use]
    pub fn with_device(mut self, device: Device) -> Self {
        self.device = Some(Arc::new(device));
        self
    }

    /// Whether sliding may renew the session; none means that it may.
    pub fn allow_refresh(&self) -> Option<bool> {
        self.allow_refresh
    }

    /// Allows or forbids that sliding renews the session.
    #[must_use]
    pub fn with_allow_refresh(mut self, allow: bool) -> Self {
        self.allow_refresh = Some(allow);
        self
    }
}

impl PartialEq for AuthenticationProperties {
    fn eq(&self, other: &Self) -> bool {
        self.items() == other.items()
            && self.issued() == other.issued()
            && self.expires() == other.expires()
            && self.absolute_expires() == other.absolute_expires()
            && self.persistent == other.persistent
            && self.allow_refresh == other.allow_refresh
    }
}

impl Eq for AuthenticationProperties {}

impl fmt::Debug for AuthenticationProperties {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticationProperties")
            .field("issued", &self.issued())
            .field("expires", &self.expires())
            .field("absolute_expires", &self.absolute_expires())
            .field("persistent", &self.persistent)
            .field("allow_refresh", &self.allow_refresh)
            .field("clients", &self.clients.iter().count())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0123456789ABCDEF0123456789ABCDEF";

    #[test]
    fn c19_items_show_and_accept_session_id_and_client_list() {
        let items = [
            ("client_list", "WyJjbGllbnQxIiwiY2xpZW50MiJd"),
            ("own", "value"),
            ("session_id", ID),
        ];
        let properties = AuthenticationProperties::from_items(items);
        assert_eq!(properties.session_id().unwrap().as_str(), ID);
        assert_eq!(properties.client_list(), ["client1", "client2"]);
        let shown = properties.items();
        assert!(
            shown
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .eq(items)
        );
    }

    #[test]
    fn c19_no_clients_no_entry() {
        assert!(AuthenticationProperties::new().items().is_empty());
    }

    #[test]
    fn c20_an_undecodable_client_list_is_dropped() {
        let properties = AuthenticationProperties::from_items([("client_list", "%%%"), ("a", "b")]);
        assert!(properties.client_list().is_empty());
        assert_eq!(properties.item("a"), Some("b"));
    }

    #[test]
    fn debug_shows_no_session_id() {
        let mut properties = AuthenticationProperties::new();
        properties.set_session_id(SessionId::parse(ID).unwrap());
        assert!(!format!("{properties:?}").contains(ID));
    }
}
