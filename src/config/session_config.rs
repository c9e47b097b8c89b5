use std::{fmt, sync::Arc};

use super::{builder::SessionConfigBuilder, settings::Settings};
use crate::key_ring::KeyRing;

/// How sessions are kept: a validated configuration, cheap to clone.
///
/// Make it with [`SessionConfig::builder`], and give it to a [`UserSessionLayer`](crate::UserSessionLayer).
///
/// ```
/// use std::time::Duration;
/// use axum_user_session::{KeyRing, SessionConfig};
///
/// let config = SessionConfig::builder(KeyRing::ephemeral())
///     .application_id("example-idp")
///     .lifetime(Duration::from_secs(3600))
///     .sliding(true)
///     .build()?;
/// # Ok::<_, axum_user_session::error::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct SessionConfig {
    settings: Arc<Settings>,
}

impl SessionConfig {
    /// Begins a configuration with the keys that seal its tickets; everything else has a safe default.
    pub fn builder(key_ring: KeyRing) -> SessionConfigBuilder {
        SessionConfigBuilder::new(key_ring)
    }

    pub(super) fn of(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.settings
    }
}

impl fmt::Debug for SessionConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &*self.settings;
        f.debug_struct("SessionConfig")
            .field("cookie_name", &settings.authentication.name)
            .field("lifetimes", &settings.lifetimes)
            .field("cookie_budget", &settings.cookie_budget)
            .field("in_store", &settings.store.is_some())
            .finish_non_exhaustive()
    }
}
