use std::time::Duration;

use tokio::{sync::Notify, time::Instant};

use super::{recent::Recent, throttle::Throttle};
use crate::{
    clock::{Clock, Timestamp},
    cookie::CookiePolicy,
    error::{Error, ErrorKind},
    hook::{BoxedClaimsTransformation, BoxedEndedHook, BoxedValidator},
    id::IdGenerator,
    lifetimes::Lifetimes,
    protector::{Protector, Vault},
    store::{BoxedStore, Limit},
};

/// What the rest of the crate reads of a configuration.
pub(crate) struct Settings {
    /// Seals the authentication cookie: the ticket, or the reference to a record.
    pub(crate) protector: Protector,
    /// Seals what does not belong to the authentication cookie itself.
    pub(crate) vault: Vault,
    pub(crate) authentication: CookiePolicy,
    /// Whether a browser sends the authentication cookie when another site has sent it here.
    #[cfg(feature = "oidc")]
    pub(crate) comes_from_other_sites: bool,
    /// None when check-session is switched off.
    pub(crate) session_id: Option<CookiePolicy>,
    pub(crate) cookie_budget: usize,
    /// In how many cookies a ticket can have been within the budget.
    pub(crate) most_pieces: usize,
    pub(crate) lifetimes: Lifetimes,
    pub(crate) issuer: Option<String>,
    pub(crate) claims_transformation: Option<Box<dyn BoxedClaimsTransformation>>,
    pub(crate) validation: Option<ValidationSettings>,
    pub(crate) ended_hook: Option<Box<dyn BoxedEndedHook>>,
    pub(crate) store: Option<StoreSettings>,
    /// How long a request waits for its session.
    pub(super) load_limit: Duration,
    /// How long a change waits.
    pub(super) write_limit: Duration,
    /// Which of the sessions that could not be loaded are logged.
    pub(crate) not_loaded: Throttle,
    /// Which of the cookies that are left alone are logged: anybody can send them. Those of several sessions by themselves, so that nobody can hide them behind others.
    pub(crate) left_alone: Throttle,
    pub(crate) in_conflict: Throttle,
    pub(super) clock: Box<dyn Clock>,
    pub(crate) ids: Box<dyn IdGenerator>,
}

impl Settings {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now().into()
    }

    /// Until when a request whose session is loaded now waits for it, whatever it takes.
    pub(crate) fn load_deadline(&self) -> Instant {
        Instant::now() + self.load_limit
    }

    /// Until when a change that begins now waits for what it takes.
    pub(crate) fn write_deadline(&self) -> Instant {
        Instant::now() + self.write_limit
    }

    /// The store, for those who need one.
    pub(crate) fn store(&self) -> Result<&StoreSettings, Error> {
        self.store.as_ref().ok_or_else(|| ErrorKind::NoStore.into())
    }
}

/// How sessions are validated.
pub(crate) struct ValidationSettings {
    pub(crate) validator: Box<dyn BoxedValidator>,
    /// How old a look at a session may be.
    pub(crate) interval: Duration,
}

/// How sessions are kept in a store.
pub(crate) struct StoreSettings {
    pub(crate) store: Box<dyn BoxedStore>,
    /// How old the last sign of life must be for another one to be noted.
    pub(crate) activity_interval: Duration,
    /// How many sessions a user may have.
    pub(crate) session_limit: Option<Limit>,
    /// Which sessions were in use not long ago.
    pub(crate) recent: Recent,
    /// Rings when this process has ended a session, so that whoever waits for ends need not look all the time.
    pub(crate) ended: Notify,
}
