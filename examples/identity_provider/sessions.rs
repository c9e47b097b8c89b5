//! How this site keeps sessions: what all of its nodes must agree on.

use axum_user_session::{KeyRing, SessionConfig, config::SessionConfigBuilder};

/// The configuration but for what depends on the machine.
pub(crate) fn configuration(keys: KeyRing) -> SessionConfigBuilder {
    SessionConfig::builder(keys)
        .application_id("identity_provider")
        .sliding(true)
}
