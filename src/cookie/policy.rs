use std::{fmt::Write, time::Duration};

use http::HeaderValue;
use tower_cookies::{Cookie, cookie};

use crate::{clock::Timestamp, error::ConfigError};

/// The longest name of a cookie, in bytes: it must leave room for the value, and is part of what is authenticated.
const MAX_NAME_LEN: usize = 64;
/// Browsers cap longer lifetimes (RFC 6265bis section 5.5).
const MAX_AGE: Duration = Duration::from_secs(400 * 24 * 3600);

/// From which sites a browser sends a cookie along (RFC 6265bis section 4.1.2.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// Only from the site itself: a user who follows a link to the site arrives signed out.
    Strict,
    /// From the site itself, and from elsewhere by top-level navigation with a safe method.
    Lax,
    /// From everywhere; needs Secure.
    None,
}

impl SameSite {
    fn name(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// A domain and path under which an earlier configuration set its cookies.
///
/// Browsers keep a cookie per name, domain and path, so cookies of the old place would stay beside the new ones. Sign-in and
/// sign-out expire them there too.
///
/// ```
/// use axum_user_session::{KeyRing, SessionConfig, config::LegacyScope};
///
/// let config = SessionConfig::builder(KeyRing::ephemeral())
///     .legacy_scopes([LegacyScope::new("/").with_domain("example.com")])
///     .build()?;
/// # Ok::<_, axum_user_session::error::ConfigError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LegacyScope(pub(crate) Scope);

impl LegacyScope {
    /// The scope of a path, without a domain.
    pub fn new(path: impl Into<String>) -> Self {
        Self(Scope {
            domain: None,
            path: path.into(),
        })
    }

    /// The same path under a domain.
    #[must_use]
    pub fn with_domain(mut self, domain: impl Into<String>) -> Self {
        self.0.domain = Some(domain.into());
        self
    }
}

/// What a browser keeps cookies of one name apart by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scope {
    pub(crate) domain: Option<String>,
    pub(crate) path: String,
}

impl Scope {
    /// The scope as browsers see it: without regard to case, and to a dot in front (RFC 6265bis section 5.6.3).
    fn checked(mut self) -> Result<Self, ConfigError> {
        let illegal = |value: &str| ConfigError::IllegalCookieScope {
            value: value.to_owned(),
        };
        let plain = |byte: u8| byte.is_ascii_graphic() && byte != b';';
        if !self.path.starts_with('/') || !self.path.bytes().all(plain) {
            return Err(illegal(&self.path));
        }
        if let Some(domain) = &mut self.domain {
            let host = domain.strip_prefix('.').unwrap_or(domain);
            let label = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
            let is_host = host
                .split('.')
                .all(|part| !part.is_empty() && part.bytes().all(label));
            if !is_host {
                return Err(illegal(domain));
            }
            *domain = host.to_ascii_lowercase();
        }
        Ok(self)
    }

    fn render(&self, out: &mut String) {
        out.push_str("; Path=");
        out.push_str(&self.path);
        if let Some(domain) = &self.domain {
            out.push_str("; Domain=");
            out.push_str(domain);
        }
    }
}

/// A cookie's attributes other than its scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attributes {
    pub(crate) secure: bool,
    pub(crate) http_only: bool,
    pub(crate) same_site: SameSite,
}

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lifespan {
    Browser,
    Until {
        now: Timestamp,
        expires: Timestamp,
    },
    /// Not at all: expire it.
    Removed,
}

/// One of our cookies: its name, where it is valid, and its attributes, rendered once.
#[derive(Clone, Debug)]
pub(crate) struct CookiePolicy {
    pub(crate) name: String,
    pub(crate) scope: Scope,
    attributes: Attributes,
    rendered: String,
    /// The scopes of earlier configurations, and the same attributes under them.
    legacy: Vec<(Scope, String)>,
}

impl CookiePolicy {
    /// Checks a policy, and refuses what browsers would refuse later and silently.
    pub(crate) fn new(
        name: String,
        scope: Scope,
        attributes: Attributes,
        legacy_scopes: &[LegacyScope],
    ) -> Result<Self, ConfigError> {
        check_name(&name)?;
        let scope = scope.checked()?;
        check_prefix(&name, &scope, attributes)?;
        if attributes.same_site == SameSite::None && !attributes.secure {
            return Err(ConfigError::SameSiteNoneWithoutSecure { name });
        }
        let mut legacy: Vec<(Scope, String)> = Vec::new();
        for LegacyScope(old) in legacy_scopes {
            let old = old.clone().checked()?;
            let known = old == scope || legacy.iter().any(|(known, _)| *known == old);
            // A name with __Host- can't have lived anywhere else.
            if !known && !has_prefix(&name, "__Host-") {
                let rendered = render(&old, attributes);
                legacy.push((old, rendered));
            }
        }
        Ok(Self {
            rendered: render(&scope, attributes),
            name,
            scope,
            attributes,
            legacy,
        })
    }

    /// Its attributes as they are in `Set-Cookie`, each after a semicolon.
    #[cfg(feature = "oidc")]
    pub(crate) fn rendered(&self) -> &str {
        &self.rendered
    }

    /// The `Set-Cookie` value for a cookie of this policy; `name` is the policy's own, or that of a chunk.
    pub(crate) fn set_cookie(
        &self,
        name: &str,
        value: &[&str],
        lifespan: Lifespan,
    ) -> Option<HeaderValue> {
        header(name, value, &self.rendered, lifespan)
    }

    /// Where earlier configurations have set the cookie, and the `Set-Cookie` values that expire it there.
    pub(crate) fn legacy_removals(
        &self,
        name: &str,
    ) -> impl Iterator<Item = (&Scope, HeaderValue)> {
        self.legacy.iter().filter_map(move |(scope, rendered)| {
            Some((scope, header(name, &[], rendered, Lifespan::Removed)?))
        })
    }

    pub(crate) fn has_legacy_scopes(&self) -> bool {
        !self.legacy.is_empty()
    }

    /// The same as [`set_cookie`](Self::set_cookie), for a jar of tower-cookies.
    pub(crate) fn jar_cookie(
        &self,
        name: &str,
        value: &[&str],
        lifespan: Lifespan,
    ) -> Cookie<'static> {
        let same_site = match self.attributes.same_site {
            SameSite::Strict => cookie::SameSite::Strict,
            SameSite::Lax => cookie::SameSite::Lax,
            SameSite::None => cookie::SameSite::None,
        };
        let mut built = Cookie::build((name.to_owned(), value.concat()))
            .path(self.scope.path.clone())
            .secure(self.attributes.secure)
            .http_only(self.attributes.http_only)
            .same_site(same_site);
        if let Some(domain) = &self.scope.domain {
            built = built.domain(domain.clone());
        }
        let mut built = built.build();
        match lifespan {
            Lifespan::Browser => {}
            Lifespan::Until { now, expires } => {
                let age = expires.since(now).min(MAX_AGE);
                let seconds = i64::try_from(age.as_secs()).unwrap_or(i64::MAX);
                built.set_max_age(cookie::time::Duration::seconds(seconds));
                built.set_expires(cookie::time::OffsetDateTime::from(
                    std::time::SystemTime::from(end_of(now, age)),
                ));
            }
            Lifespan::Removed => built.make_removal(),
        }
        built
    }
}

/// `name=value` and the attributes. Everything in it is legal by construction, so there is a header value.
fn header(name: &str, value: &[&str], rendered: &str, lifespan: Lifespan) -> Option<HeaderValue> {
    let value_len: usize = value.iter().map(|part| part.len()).sum();
    // Exact where it can be: text with room to spare is copied when it becomes a header value.
    let room = match lifespan {
        Lifespan::Browser => 0,
        Lifespan::Until { .. } => "; Max-Age=34560000; Expires=Thu, 01 Jan 1970 00:00:00 GMT".len(),
        Lifespan::Removed => REMOVED.len(),
    };
    let len = name.len() + 1 + value_len + room + rendered.len();
    let mut text = String::with_capacity(len);
    text.push_str(name);
    text.push('=');
    value.iter().for_each(|part| text.push_str(part));
    match lifespan {
        Lifespan::Browser => {}
        Lifespan::Until { now, expires } => {
            let age = expires.since(now).min(MAX_AGE);
            let date = httpdate::HttpDate::from(std::time::SystemTime::from(end_of(now, age)));
            // Writing to a string can't fail.
            let _ = write!(text, "; Max-Age={}; Expires={date}", age.as_secs());
        }
        Lifespan::Removed => {
            text.push_str(REMOVED);
        }
    }
    text.push_str(rendered);
    let mut header = HeaderValue::try_from(text).ok()?;
    // Kept out of `Debug` and of HPACK's tables (RFC 7541 section 7.1.3).
    header.set_sensitive(true);
    Some(header)
}

const REMOVED: &str = "; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT";

/// The last second of the year 9999: dates in headers have four digits for the year.
const LAST: Timestamp = Timestamp(253_402_300_799_000);

fn end_of(now: Timestamp, age: Duration) -> Timestamp {
    now.plus(age).min(LAST)
}

fn render(scope: &Scope, attributes: Attributes) -> String {
    let mut out = String::new();
    scope.render(&mut out);
    if attributes.http_only {
        out.push_str("; HttpOnly");
    }
    if attributes.secure {
        out.push_str("; Secure");
    }
    out.push_str("; SameSite=");
    out.push_str(attributes.same_site.name());
    out
}

fn check_name(name: &str) -> Result<(), ConfigError> {
    // RFC 9110 section 5.6.2; '%' is left out, because jars in between decode it.
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(&byte);
    if name.len() > MAX_NAME_LEN || !name.bytes().all(token) {
        return Err(ConfigError::IllegalCookieName {
            name: name.to_owned(),
        });
    }
    Ok(())
}

/// RFC 6265bis section 5.4: browsers compare the prefixes without regard to case.
fn check_prefix(name: &str, scope: &Scope, attributes: Attributes) -> Result<(), ConfigError> {
    let name_owned = || name.to_owned();
    if has_prefix(name, "__Host-") {
        let violated = match (attributes.secure, &*scope.path, &scope.domain) {
            (false, ..) => "needs the Secure attribute, which plain http has not",
            (_, path, _) if path != "/" => "needs the path /",
            (.., Some(_)) => "allows no domain",
            _ => "",
        };
        if !violated.is_empty() {
            return Err(ConfigError::HostPrefix {
                name: name_owned(),
                violated,
            });
        }
    }
    let http = has_prefix(name, "__Http-") || has_prefix(name, "__Host-Http-");
    if (http || has_prefix(name, "__Secure-")) && !attributes.secure {
        return Err(ConfigError::SecurePrefix { name: name_owned() });
    }
    if http && !attributes.http_only {
        return Err(ConfigError::HttpPrefix { name: name_owned() });
    }
    Ok(())
}

fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(name: &str) -> CookiePolicy {
        let scope = Scope {
            domain: None,
            path: "/".to_owned(),
        };
        let attributes = Attributes {
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
        };
        CookiePolicy::new(name.to_owned(), scope, attributes, &[]).unwrap()
    }

    #[test]
    fn k1_the_header_of_a_browser_session() {
        let header = policy("__Host-a").set_cookie("__Host-a", &["v", "w"], Lifespan::Browser);
        assert_eq!(
            header.unwrap(),
            "__Host-a=vw; Path=/; HttpOnly; Secure; SameSite=Lax"
        );
    }

    #[test]
    fn k3_a_persistent_cookie_has_both_attributes_capped_at_400_days() {
        let now = Timestamp(784_111_777_000);
        for (name, expires, expected) in [
            (
                "an hour",
                now.plus(Duration::from_secs(3600)),
                "a=v; Max-Age=3600; Expires=Sun, 06 Nov 1994 09:49:37 GMT",
            ),
            (
                "ten years",
                now.plus(MAX_AGE * 9),
                "a=v; Max-Age=34560000; Expires=Mon, 11 Dec 1995 08:49:37 GMT",
            ),
        ] {
            let header = policy("a").set_cookie("a", &["v"], Lifespan::Until { now, expires });
            let header = header.unwrap();
            assert!(
                header.to_str().unwrap().starts_with(expected),
                "{name}: {header:?}"
            );
        }
    }

    /// A removal without Secure, Path or Domain is ignored by browsers.
    #[test]
    fn c15_a_removal_has_every_attribute_of_the_cookie() {
        let header = policy("a").set_cookie("a", &[], Lifespan::Removed).unwrap();
        assert_eq!(
            header,
            "a=; Max-Age=0; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Path=/; HttpOnly; Secure; SameSite=Lax"
        );
    }

    #[test]
    fn the_jar_gets_the_same_cookie() {
        let now = Timestamp(784_111_777_000);
        let until = Lifespan::Until {
            now,
            expires: now.plus(Duration::from_secs(60)),
        };
        for (name, value, lifespan) in [
            ("browser", &["v"][..], Lifespan::Browser),
            ("persistent", &["v"], until),
            ("removed", &[], Lifespan::Removed),
        ] {
            let policy = policy("a");
            let header = policy.set_cookie("a", value, lifespan).unwrap();
            let header = Cookie::parse(header.to_str().unwrap().to_owned()).unwrap();
            let mut jar = policy.jar_cookie("a", value, lifespan);
            if lifespan == Lifespan::Removed {
                // The crate's own removal says a year ago, with the same effect.
                jar.set_expires(header.expires_datetime());
            }
            assert_eq!(jar, header, "{name}");
        }
    }
}
