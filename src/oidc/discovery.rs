use std::fmt;

use serde::Serialize;
use url::Url;

/// What a provider's discovery document says of sessions and logout (OpenID Connect Discovery 1.0 section 3).
///
/// Merge it into the document that the host serves, by way of serde:
///
/// ```
/// use axum_user_session::oidc::LogoutMetadata;
/// use serde::Serialize;
///
/// #[derive(Serialize)]
/// struct Document {
///     issuer: &'static str,
///     authorization_endpoint: &'static str,
///     #[serde(flatten)]
///     logout: LogoutMetadata,
/// }
///
/// let logout = LogoutMetadata::new("https://id.example.com")?
///     .end_session("/connect/endsession")?
///     .check_session("/connect/checksession")?
///     .front_channel(true);
/// let document = Document {
///     issuer: "https://id.example.com",
///     authorization_endpoint: "https://id.example.com/connect/authorize",
///     logout,
/// };
/// let json = serde_json::to_value(&document)?;
/// assert_eq!(json["end_session_endpoint"], "https://id.example.com/connect/endsession");
/// assert_eq!(json["frontchannel_logout_session_supported"], true);
/// assert_eq!(json["backchannel_logout_supported"], false);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[must_use]
pub struct LogoutMetadata {
    #[serde(skip)]
    base: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    check_session_iframe: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_session_endpoint: Option<String>,
    frontchannel_logout_supported: bool,
    frontchannel_logout_session_supported: bool,
    backchannel_logout_supported: bool,
    backchannel_logout_session_supported: bool,
}

impl LogoutMetadata {
    /// For a provider at a base address, such as its issuer identifier; paths are appended to it. Nothing is supported yet.
    ///
    /// # Errors
    ///
    /// [`InvalidMetadata`] if it is no absolute http or https address, or has a query or a fragment.
    pub fn new(base: &str) -> Result<Self, InvalidMetadata> {
        let url = Url::parse(base).map_err(|_| InvalidMetadata)?;
        let visible = base.bytes().all(|byte| byte.is_ascii_graphic());
        let web = matches!(url.scheme(), "http" | "https");
        if !visible || !web || url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidMetadata);
        }
        Ok(Self {
            base: base.trim_end_matches('/').to_owned(),
            check_session_iframe: None,
            end_session_endpoint: None,
            frontchannel_logout_supported: false,
            frontchannel_logout_session_supported: false,
            backchannel_logout_supported: false,
            backchannel_logout_session_supported: false,
        })
    }

    /// The path of the check-session iframe (`check_session_iframe`, OpenID Connect Session Management 1.0 section 3.3).
    ///
    /// # Errors
    ///
    /// [`InvalidMetadata`] if it is no path in visible ASCII that begins with one slash.
    pub fn check_session(mut self, path: &str) -> Result<Self, InvalidMetadata> {
        self.check_session_iframe = Some(self.at(path)?);
        Ok(self)
    }

    /// The path of the end-session endpoint (`end_session_endpoint`, OpenID Connect RP-Initiated Logout 1.0 section 2.1).
    ///
    /// # Errors
    ///
    /// As [`check_session`](Self::check_session).
    pub fn end_session(mut self, path: &str) -> Result<Self, InvalidMetadata> {
        self.end_session_endpoint = Some(self.at(path)?);
        Ok(self)
    }

    /// Whether there is front-channel logout, with `iss` and `sid` (OpenID Connect Front-Channel Logout 1.0 section 3). Default: no.
    ///
    /// It needs an [issuer](crate::config::SessionConfigBuilder::issuer) in the configuration.
    pub fn front_channel(mut self, supported: bool) -> Self {
        self.frontchannel_logout_supported = supported;
        self.frontchannel_logout_session_supported = supported;
        self
    }

    /// Whether there is back-channel logout, with `sid` (OpenID Connect Back-Channel Logout 1.0 section 2.1). Default: no.
    pub fn back_channel(mut self, supported: bool) -> Self {
        self.backchannel_logout_supported = supported;
        self.backchannel_logout_session_supported = supported;
        self
    }

    fn at(&self, path: &str) -> Result<String, InvalidMetadata> {
        let visible = path.bytes().all(|byte| byte.is_ascii_graphic());
        match visible && path.starts_with('/') && !path.starts_with("//") && !path.contains('#') {
            true => Ok(format!("{}{path}", self.base)),
            false => Err(InvalidMetadata),
        }
    }
}

/// Something is no address or no path for a discovery document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidMetadata;

impl fmt::Display for InvalidMetadata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "no base address without query and fragment, or no path that begins with one slash",
        )
    }
}

impl std::error::Error for InvalidMetadata {}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn o8_all_members_have_their_specifications_names() {
        let metadata = LogoutMetadata::new("https://id.example/tenant/")
            .and_then(|metadata| metadata.end_session("/out"))
            .and_then(|metadata| metadata.check_session("/check"))
            .unwrap()
            .front_channel(true)
            .back_channel(true);
        let expected = json!({
            "check_session_iframe": "https://id.example/tenant/check",
            "end_session_endpoint": "https://id.example/tenant/out",
            "frontchannel_logout_supported": true,
            "frontchannel_logout_session_supported": true,
            "backchannel_logout_supported": true,
            "backchannel_logout_session_supported": true,
        });
        assert_eq!(serde_json::to_value(&metadata).unwrap(), expected);
    }

    #[test]
    fn o8_what_is_not_there_is_not_promised() {
        let metadata = LogoutMetadata::new("http://127.0.0.1:3000").unwrap();
        let expected = json!({
            "frontchannel_logout_supported": false,
            "frontchannel_logout_session_supported": false,
            "backchannel_logout_supported": false,
            "backchannel_logout_session_supported": false,
        });
        assert_eq!(serde_json::to_value(&metadata).unwrap(), expected);
    }

    #[test]
    fn o8_addresses_table() {
        for (name, base, path, accepted) in [
            ("plain", "https://id.example", "/out", true),
            ("a path below", "https://id.example/a", "/out", true),
            (
                "a query in the base",
                "https://id.example/?a",
                "/out",
                false,
            ),
            (
                "a fragment in the base",
                "https://id.example/#a",
                "/out",
                false,
            ),
            ("no scheme", "id.example", "/out", false),
            ("another scheme", "ftp://id.example", "/out", false),
            ("no slash", "https://id.example", "out", false),
            ("another host", "https://id.example", "//out", false),
            (
                "an address",
                "https://id.example",
                "https://a.example",
                false,
            ),
            ("a space", "https://id.example", "/o ut", false),
        ] {
            let built = LogoutMetadata::new(base).and_then(|metadata| metadata.end_session(path));
            assert_eq!(built.is_ok(), accepted, "{name}");
        }
    }
}
