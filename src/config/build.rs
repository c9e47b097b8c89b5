use std::{num::NonZeroU32, time::Duration};

use tokio::sync::Notify;

use super::{
    builder::{HOUR, SessionConfigBuilder},
    recent::Recent,
    session_config::SessionConfig,
    settings::{Settings, StoreSettings, ValidationSettings},
    throttle::Throttle,
};
use crate::{
    cookie::{Attributes, CookiePolicy, Pieces, SameSite, Suffix},
    error::ConfigError,
    lifetimes::Lifetimes,
    protector::{Protector, Purpose, Vault},
    store::Limit,
};

impl SessionConfigBuilder {
    /// Checks the settings against each other.
    ///
    /// # Errors
    ///
    /// [`ConfigError`] says what contradicts what, and why it would not work.
    pub fn build(mut self) -> Result<SessionConfig, ConfigError> {
        if self.key_ring.is_empty() {
            return Err(ConfigError::EmptyKeyRing);
        }
        if self.application_id.is_empty() || self.application_id.len() > 64 {
            return Err(ConfigError::IllegalApplicationId);
        }
        if !(512..=32 * 1024).contains(&self.cookie_budget) {
            return Err(ConfigError::CookieBudgetOutOfRange {
                bytes: self.cookie_budget,
            });
        }
        self.check_time_limits()?;
        let lifetimes = self.lifetimes()?;
        let (authentication, session_id) = self.cookies()?;
        self.key_ring.retain_for(lifetimes.absolute);
        let store = self.store_settings()?;
        let validation = self.validation_settings()?;
        let purpose = match &store {
            None => Purpose::Ticket,
            Some(_) => Purpose::Reference,
        };
        #[cfg(feature = "metrics")]
        crate::events::describe();
        let name = authentication.name.as_bytes();
        let protector = Protector::new(self.key_ring.clone(), &self.application_id, purpose, name);
        Ok(SessionConfig::of(Settings {
            protector,
            vault: Vault::new(self.key_ring, self.application_id),
            most_pieces: Pieces::most_for(&authentication.name, self.cookie_budget),
            authentication,
            #[cfg(feature = "oidc")]
            comes_from_other_sites: self.same_site != SameSite::Strict,
            session_id,
            cookie_budget: self.cookie_budget,
            lifetimes,
            issuer: self.issuer,
            claims_transformation: self.claims_transformation,
            validation,
            ended_hook: self.ended_hook,
            store,
            load_limit: self.load_limit,
            write_limit: self.write_limit,
            not_loaded: Throttle::default(),
            left_alone: Throttle::default(),
            in_conflict: Throttle::default(),
            clock: self.clock,
            ids: self.ids,
        }))
    }

    fn check_time_limits(&self) -> Result<(), ConfigError> {
        let sound = Duration::from_millis(1)..=Duration::from_secs(60);
        for (setting, limit) in [
            ("load_limit", self.load_limit),
            ("write_limit", self.write_limit),
        ] {
            if !sound.contains(&limit) {
                return Err(ConfigError::TimeLimitOutOfRange { setting });
            }
        }
        Ok(())
    }

    fn lifetimes(&self) -> Result<Lifetimes, ConfigError> {
        let absolute = self.absolute_lifetime.unwrap_or(match self.sliding {
            true => 24 * HOUR,
            false => self.lifetime.max(24 * HOUR),
        });
        for (setting, value) in [("lifetime", self.lifetime), ("absolute_lifetime", absolute)] {
            if value < Duration::from_secs(1) || value > 400 * 24 * HOUR {
                return Err(ConfigError::LifetimeOutOfRange { setting });
            }
        }
        if self.lifetime > absolute {
            return Err(ConfigError::LifetimeBeyondAbsolute);
        }
        Ok(Lifetimes {
            window: self.lifetime,
            sliding: self.sliding,
            absolute,
        })
    }

    fn store_settings(&mut self) -> Result<Option<StoreSettings>, ConfigError> {
        let Some(store) = self.store.take() else {
            return match self.session_limit {
                None => Ok(None),
                Some(_) => Err(ConfigError::LimitWithoutStore),
            };
        };
        if self.activity_interval > HOUR {
            return Err(ConfigError::IntervalOutOfRange {
                setting: "activity_interval",
            });
        }
        let limit = |(max, when_reached)| {
            let max = NonZeroU32::new(max).ok_or(ConfigError::LimitOfNoSessions)?;
            Ok(Limit { max, when_reached })
        };
        Ok(Some(StoreSettings {
            store,
            activity_interval: self.activity_interval,
            session_limit: self.session_limit.map(limit).transpose()?,
            recent: Recent::new(),
            ended: Notify::new(),
        }))
    }

    fn validation_settings(&mut self) -> Result<Option<ValidationSettings>, ConfigError> {
        let Some((validator, interval)) = self.validator.take() else {
            return Ok(None);
        };
        if interval < Duration::from_secs(1) || interval > 24 * HOUR {
            return Err(ConfigError::IntervalOutOfRange {
                setting: "validation",
            });
        }
        Ok(Some(ValidationSettings {
            validator,
            interval,
        }))
    }

    fn cookies(&self) -> Result<(CookiePolicy, Option<CookiePolicy>), ConfigError> {
        let name = match (&self.name, self.plain_http) {
            (Some(name), _) => name.clone(),
            (None, false) => "__Host-idsrv".to_owned(),
            (None, true) => "idsrv".to_owned(),
        };
        if name.is_empty() {
            return Err(ConfigError::EmptyCookieName {
                cookie: "authentication",
            });
        }
        let attributes = Attributes {
            secure: !self.plain_http,
            http_only: self.http_only,
            same_site: self.same_site,
        };
        let authentication =
            CookiePolicy::new(name, self.scope.clone(), attributes, &self.legacy_scopes)?;
        if !self.check_session {
            return Ok((authentication, None));
        }
        let name = self.session_id_name.clone();
        if name.is_empty() {
            return Err(ConfigError::EmptyCookieName {
                cookie: "session id",
            });
        }
        if collide(&authentication.name, &name) {
            return Err(ConfigError::CookieNamesCollide { name });
        }
        let default_same_site = match self.plain_http {
            true => SameSite::Lax,
            false => SameSite::None,
        };
        let attributes = Attributes {
            secure: !self.plain_http,
            http_only: false,
            same_site: self.session_id_same_site.unwrap_or(default_same_site),
        };
        let scope = self.session_id_scope.clone();
        let session_id = CookiePolicy::new(name, scope, attributes, &self.legacy_scopes)?;
        Ok((authentication, Some(session_id)))
    }
}

/// Whether a name is the authentication cookie's, or may be that of a chunk or a mark.
fn collide(authentication: &str, name: &str) -> bool {
    match name.strip_prefix(authentication).map(str::as_bytes) {
        None => false,
        Some([]) => true,
        Some([b'.', b'1'..=b'9']) => true,
        Some([b'.', suffix @ ..]) => Suffix::read(suffix).is_some(),
        Some(_) => false,
    }
}
