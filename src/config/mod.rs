//! The configuration: a builder that says no to contradictions, and the validated result.

mod build;
mod builder;
mod recent;
mod session_config;
mod settings;
mod throttle;

pub use self::builder::SessionConfigBuilder;
pub use self::session_config::SessionConfig;
pub use crate::cookie::{LegacyScope, SameSite};
pub use crate::store::WhenReached;

pub(crate) use self::settings::{Settings, StoreSettings};
pub(crate) use self::throttle::Throttle;
