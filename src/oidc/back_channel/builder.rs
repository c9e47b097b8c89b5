use std::{fmt, sync::Arc, time::Duration};

use url::Url;

use super::{
    addresses::Addresses,
    back_channel_logout::{BackChannelLogout, Inner},
    outbox::Outbox,
    outgoing::{Choices, Outgoing},
    signer::Signer,
};
use crate::{
    clock::{Clock, SystemClock},
    oidc::registry::Clients,
};

/// Collects the settings of a [`BackChannelLogout`].
#[must_use]
pub struct BackChannelLogoutBuilder {
    issuer: String,
    outbox: Outbox,
    clients: Clients,
    signer: Signer,
    networks: Vec<String>,
    for_development: bool,
    limit: Duration,
    also_trusted: Vec<Vec<u8>>,
    trust_no_others: bool,
    clock: Box<dyn Clock>,
}

impl BackChannelLogoutBuilder {
    pub(super) fn new(issuer: String, outbox: Outbox, clients: Clients, signer: Signer) -> Self {
        Self {
            issuer,
            outbox,
            clients,
            signer,
            networks: Vec::new(),
            for_development: false,
            limit: Duration::from_secs(10),
            also_trusted: Vec::new(),
            trust_no_others: false,
            clock: Box::new(SystemClock),
        }
    }

    /// How long a client may take, from the look-up of its name to the end of its answer. Default: 10 seconds; 100 milliseconds to a minute.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Sends tokens also to these addresses of networks that the public does not reach, such as `10.1.0.0/16` or `fd12:3456::/32`: for clients in the same data centre. Default:
    /// none.
    ///
    /// **Whoever can register a client can make this server post to whatever listens there**, so name the network of the clients, and no more than that. Link-local addresses stay
    /// refused.
    pub fn dangerously_allow_network(mut self, network: impl Into<String>) -> Self {
        self.networks.push(network.into());
        self
    }

    /// Speaks plain http as well, and with every address of this machine and of private networks. For development only.
    pub fn insecure_clients_for_development(mut self) -> Self {
        self.for_development = true;
        self
    }

    /// Trusts the certificates of further authorities, in PEM: a company's own, say. Default: those that the system trusts.
    pub fn trust_authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.also_trusted.push(pem.into());
        self
    }

    /// Trusts no others than [those](Self::trust_authorities), and needs none of the system's: a container may have none.
    pub fn trust_no_other_authorities(mut self) -> Self {
        self.trust_no_others = true;
        self
    }

    /// Where the time comes from. Default: the system; others are for tests.
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Box::new(clock);
        self
    }

    /// Checks the settings.
    ///
    /// # Errors
    ///
    /// [`InvalidBackChannel`], which says what is wrong.
    pub fn build(self) -> Result<BackChannelLogout, InvalidBackChannel> {
        if !is_issuer(&self.issuer) {
            return Err(InvalidBackChannel::Issuer(self.issuer));
        }
        if !LIMITS.contains(&self.limit) {
            return Err(InvalidBackChannel::TimeLimit);
        }
        let networks = self.networks.into_iter();
        let read = |text: String| text.parse().map_err(|()| InvalidBackChannel::Network(text));
        let outgoing = Outgoing::new(Choices {
            addresses: Addresses {
                allowed: networks.map(read).collect::<Result<_, _>>()?,
                all_local: self.for_development,
            },
            plain_http: self.for_development,
            limit: self.limit,
            also_trusted: self.also_trusted,
            trust_no_others: self.trust_no_others,
        });
        let outgoing = outgoing.map_err(|error| InvalidBackChannel::Tls(Arc::from(error)))?;
        Ok(BackChannelLogout {
            inner: Arc::new(Inner {
                issuer: self.issuer,
                outbox: self.outbox,
                clients: self.clients,
                signer: self.signer,
                outgoing,
                clock: self.clock,
                unsigned: Default::default(),
                put_in: Default::default(),
            }),
        })
    }
}

impl fmt::Debug for BackChannelLogoutBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackChannelLogoutBuilder")
            .field("issuer", &self.issuer)
            .field("networks", &self.networks)
            .field("for_development", &self.for_development)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

/// As ID tokens have it (OpenID Connect Core 1.0 section 2): https, without query and fragment. Plain http is for development, and clients refuse it anyway.
fn is_issuer(issuer: &str) -> bool {
    let is_one = |url: Url| {
        matches!(url.scheme(), "https" | "http")
            && url.query().is_none()
            && url.fragment().is_none()
    };
    Url::parse(issuer).is_ok_and(is_one)
}

const LIMITS: std::ops::RangeInclusive<Duration> =
    Duration::from_millis(100)..=Duration::from_secs(60);

/// Why back-channel logout can't be set up like that.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum InvalidBackChannel {
    /// The issuer is no URL with the scheme https or http, or has a query or a fragment.
    Issuer(String),
    /// A network is no address with a prefix.
    Network(String),
    /// The time limit is out of its range.
    TimeLimit,
    /// A certificate can't be read, or the system has none.
    Tls(Arc<dyn std::error::Error + Send + Sync>),
}

impl fmt::Display for InvalidBackChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Issuer(issuer) => write!(
                f,
                "{issuer:?} can be no issuer: it is an https URL without query and fragment"
            ),
            Self::Network(network) => write!(
                f,
                "{network:?} is no network: write an address and the length of its prefix, such as 10.1.0.0/16"
            ),
            Self::TimeLimit => {
                f.write_str("the time limit must be 100 milliseconds to a minute")
            }
            Self::Tls(_) => f.write_str(
                "TLS can't be set up: a certificate of an authority can't be read, or the system has none",
            ),
        }
    }
}

impl std::error::Error for InvalidBackChannel {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Tls(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o5_an_issuer_is_as_in_id_tokens() {
        for (name, issuer, is_one) in [
            ("https", "https://idp.example", true),
            ("a path", "https://idp.example/tenant", true),
            ("development", "http://127.0.0.1:3000", true),
            ("a query", "https://idp.example/?a=b", false),
            ("a fragment", "https://idp.example/#a", false),
            ("a name", "idp.example", false),
            ("another scheme", "ftp://idp.example", false),
            ("nothing", "", false),
        ] {
            assert_eq!(is_issuer(issuer), is_one, "{name}");
        }
    }
}
