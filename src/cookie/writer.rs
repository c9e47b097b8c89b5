//! Writing our cookies into a response: through the host's jar where there is one, else as headers.

use std::borrow::Cow;

use http::{
    HeaderMap, HeaderValue,
    header::{CACHE_CONTROL, PRAGMA, SET_COOKIE},
};
use tower_cookies::Cookies;

use super::policy::{CookiePolicy, Lifespan, Scope};

/// Collects the cookies of one response, and writes them in one go.
pub(crate) struct Writer<'a> {
    /// The jar of a `CookieManagerLayer` outside of our layer: it writes what is in it after us.
    jar: Option<&'a Cookies>,
    written: Vec<Written<'a>>,
    headers: Vec<HeaderValue>,
}

struct Written<'a> {
    name: Cow<'a, str>,
    scope: &'a Scope,
}

impl<'a> Writer<'a> {
    pub(crate) fn new(jar: Option<&'a Cookies>) -> Self {
        Self {
            jar,
            written: Vec::with_capacity(2),
            headers: Vec::with_capacity(2),
        }
    }

    /// Writes a cookie of a policy: itself, or one whose name begins with its own. `carried` says whether the request had it.
    pub(crate) fn set(
        &mut self,
        policy: &'a CookiePolicy,
        name: Cow<'a, str>,
        value: &[&str],
        lifespan: Lifespan,
        carried: bool,
    ) {
        match self.jar {
            None => self
                .headers
                .extend(policy.set_cookie(&name, value, lifespan)),
            Some(jar) => self.put(jar, policy, &name, value, lifespan, carried),
        }
        self.written.push(Written {
            name,
            scope: &policy.scope,
        });
    }

    /// Puts a cookie into the jar, which keeps one for each name.
    fn put(
        &mut self,
        jar: &Cookies,
        policy: &CookiePolicy,
        name: &str,
        value: &[&str],
        lifespan: Lifespan,
        carried: bool,
    ) {
        let there = jar.get(name);
        // What came with the request has no attributes; what the application has put there may.
        let theirs = there
            .as_ref()
            .filter(|cookie| cookie.path().is_some() || cookie.domain().is_some());
        if let Some(theirs) = theirs {
            if theirs.path() != Some(&policy.scope.path)
                || theirs.domain() != policy.scope.domain.as_deref()
            {
                // Another cookie for a browser, so it stays, and ours goes beside the jar.
                self.headers
                    .extend(policy.set_cookie(name, value, lifespan));
                return;
            }
            tracing::warn!("{DROPPED}");
        }
        let cookie = policy.jar_cookie(name, value, lifespan);
        // A jar's removal is written only if the jar took the cookie from the request, and hides it from whoever asks the jar;
        // an expired cookie is written in any case.
        if lifespan == Lifespan::Removed && carried && there.is_some() && theirs.is_none() {
            jar.remove(cookie);
        } else {
            jar.add(cookie);
        }
    }

    /// Expires a cookie wherever earlier configurations have set it. A jar keeps one cookie per name, so these are headers always.
    pub(crate) fn remove_legacy(&mut self, policy: &'a CookiePolicy, name: Cow<'a, str>) {
        for (scope, header) in policy.legacy_removals(&name) {
            self.written.push(Written {
                name: name.clone(),
                scope,
            });
            self.headers.push(header);
        }
    }

    /// Puts the cookies into the response. One of the application's own under a name, domain and path of ours gives way. Such a response must not be
    /// stored by any cache (RFC 6265bis section 8.3; RFC 9111 section 7.3).
    pub(crate) fn finish(self, headers: &mut HeaderMap) {
        if self.written.is_empty() && self.headers.is_empty() {
            return;
        }
        self.drop_others(headers);
        headers.reserve(self.headers.len() + 2);
        for header in self.headers {
            headers.append(SET_COOKIE, header);
        }
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    }

    fn drop_others(&self, headers: &mut HeaderMap) {
        let ours =
            |header: &HeaderValue| self.written.iter().any(|written| written.is_set_by(header));
        if !headers.get_all(SET_COOKIE).iter().any(ours) {
            return;
        }
        tracing::warn!("{DROPPED}");
        let all: Vec<_> = headers.get_all(SET_COOKIE).iter().cloned().collect();
        headers.remove(SET_COOKIE);
        for header in all.into_iter().filter(|header| !ours(header)) {
            headers.append(SET_COOKIE, header);
        }
    }
}

const DROPPED: &str =
    "the application set a cookie under the name of the session's own; it is dropped";

impl Written<'_> {
    /// Whether a `Set-Cookie` header sets this cookie: the same name in the same scope. Without a path the browser takes the request's, which
    /// may be ours, so it counts as ours.
    fn is_set_by(&self, header: &HeaderValue) -> bool {
        let mut parts = header
            .as_bytes()
            .split(|&byte| byte == b';')
            .map(<[u8]>::trim_ascii);
        let pair = parts.next().unwrap_or_default();
        let end = pair.iter().position(|&byte| byte == b'=').unwrap_or(0);
        if pair[..end].trim_ascii() != self.name.as_bytes() {
            return false;
        }
        let (mut domain, mut path) = (None, None);
        for part in parts {
            let end = part
                .iter()
                .position(|&byte| byte == b'=')
                .unwrap_or(part.len());
            let value = part.get(end + 1..).unwrap_or_default().trim_ascii();
            // The last attribute of a name counts (RFC 6265bis section 5.6).
            match &part[..end].trim_ascii().to_ascii_lowercase()[..] {
                b"domain" => domain = Some(value.strip_prefix(b".").unwrap_or(value)),
                b"path" => path = Some(value),
                _ => {}
            }
        }
        let our_domain = self
            .scope
            .domain
            .as_deref()
            .map(|domain| domain.trim_start_matches('.').as_bytes());
        let same_domain = match (domain.filter(|domain| !domain.is_empty()), our_domain) {
            (None, None) => true,
            (Some(theirs), Some(ours)) => theirs.eq_ignore_ascii_case(ours),
            _ => false,
        };
        same_domain && path.is_none_or(|path| path == self.scope.path.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cookie::policy::{Attributes, SameSite};

    #[test]
    fn a_cookie_is_told_by_name_domain_and_path() {
        let scope = Scope {
            domain: None,
            path: "/".to_owned(),
        };
        let attributes = Attributes {
            secure: true,
            http_only: true,
            same_site: SameSite::Lax,
        };
        let policy = CookiePolicy::new("sid".to_owned(), scope, attributes, &[]).unwrap();
        let written = Written {
            name: Cow::Borrowed("sid"),
            scope: &policy.scope,
        };
        for (name, header, ours) in [
            ("the same", "sid=1; Path=/; HttpOnly", true),
            ("attributes in capitals", "sid=1;PATH=/", true),
            ("without a path", "sid=1", true),
            ("another path", "sid=1; Path=/app", false),
            ("the last path counts", "sid=1; Path=/app; Path=/", true),
            ("with a domain", "sid=1; Path=/; Domain=example.com", false),
            ("an empty domain", "sid=1; Path=/; Domain=", true),
            ("another name", "sid2=1; Path=/", false),
            ("no name", "sid", false),
        ] {
            let header = HeaderValue::from_static(header);
            assert_eq!(written.is_set_by(&header), ours, "{name}");
        }
    }
}
