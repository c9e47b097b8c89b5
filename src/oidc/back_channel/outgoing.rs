use std::{fmt, sync::Arc, time::Duration};

use reqwest::{
    Certificate, Client, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::{CONTENT_TYPE, HeaderValue},
    redirect, retry,
};
use tokio::time::{Instant, timeout, timeout_at};
use url::{Host, Url};

use super::addresses::Addresses;
use crate::error::BoxError;

/// What a client has answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// It has heard (OpenID Connect Back-Channel Logout 1.0 section 2.8: 200, or 204, which frameworks make of it).
    Heard,
    /// It can't or won't, and will hardly change its mind: 400, say.
    Refused(String),
    /// It failed, and may do better soon: 500, say.
    Failed(String),
    /// It was not reached, or gave no answer within the time limit.
    Silent(String),
}

/// Sends logout tokens, and nothing else, to nobody but clients.
#[derive(Clone)]
pub(super) struct Outgoing {
    client: Client,
    addresses: Arc<Addresses>,
    plain_http: bool,
    limit: Duration,
}

/// What is chosen of it.
pub(super) struct Choices {
    pub(super) addresses: Addresses,
    pub(super) plain_http: bool,
    pub(super) limit: Duration,
    /// Certificates of authorities in PEM that are trusted beside the system's.
    pub(super) also_trusted: Vec<Vec<u8>>,
    /// The system's are not.
    pub(super) trust_no_others: bool,
}

impl Outgoing {
    pub(super) fn new(choices: Choices) -> Result<Self, BoxError> {
        let addresses = Arc::new(choices.addresses);
        let mut authorities = Vec::new();
        for pem in &choices.also_trusted {
            let found = Certificate::from_pem_bundle(pem).map_err(reqwest::Error::without_url)?;
            if found.is_empty() {
                return Err("there is no certificate in the PEM".into());
            }
            authorities.extend(found);
        }
        let client = Client::builder()
            .user_agent(USER_AGENT)
            .redirect(redirect::Policy::none())
            // A token is for one attempt.
            .retry(retry::never())
            // Those that the environment names are meant for other programs, and would be asked for addresses that are refused here.
            .no_proxy()
            .referer(false)
            .https_only(!choices.plain_http)
            .dns_resolver(Resolver(Arc::clone(&addresses)))
            .timeout(choices.limit)
            .pool_max_idle_per_host(2)
            .pool_idle_timeout(IDLE);
        let client = match choices.trust_no_others {
            true => client.tls_certs_only(authorities),
            false => client.tls_certs_merge(authorities),
        };
        Ok(Self {
            client: client.build()?,
            addresses,
            plain_http: choices.plain_http,
            limit: choices.limit,
        })
    }

    /// The longest that an exchange takes.
    pub(super) fn limit(&self) -> Duration {
        self.limit
    }

    /// Posts a signed token to a client (section 2.5).
    pub(super) async fn post(&self, uri: &str, token: &str) -> Answer {
        let url = match self.checked(uri) {
            Ok(url) => url,
            Err(why) => return Answer::Refused(why),
        };
        let deadline = Instant::now() + self.limit;
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, FORM)
            .body(format!("logout_token={token}"));
        let response = match timeout_at(deadline, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return of_error(error),
            Err(_) => return Answer::Silent("no answer within the time limit".to_owned()),
        };
        let answer = of_status(response.status());
        drain(response).await;
        answer
    }

    /// The resolver is not asked for addresses that stand in the URI itself, so those are looked at here.
    fn checked(&self, uri: &str) -> Result<Url, String> {
        let url = Url::parse(uri).map_err(|_| "the URI is none")?;
        match url.scheme() {
            "https" => {}
            "http" if self.plain_http => {}
            _ => return Err("the URI is not https".to_owned()),
        }
        let permitted = match url.host() {
            Some(Host::Ipv4(address)) => self.addresses.permit(address.into()),
            Some(Host::Ipv6(address)) => self.addresses.permit(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        match permitted {
            true => Ok(url),
            false => Err(NotPermitted.to_string()),
        }
    }
}

/// Reads on for a moment, so that the connection can serve the next token. Bodies say nothing that is needed here.
async fn drain(mut response: reqwest::Response) {
    let mut left = MOST_BODY;
    let read = async {
        while let Ok(Some(part)) = response.chunk().await {
            left = match left.checked_sub(part.len()) {
                Some(left) => left,
                None => return,
            };
        }
    };
    // A body that is longer, or slower, costs its connection.
    let _ = timeout(DRAIN, read).await;
}

fn of_status(status: StatusCode) -> Answer {
    let said = || format!("the client answered {}", status.as_u16());
    match status {
        StatusCode::OK | StatusCode::NO_CONTENT => Answer::Heard,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            Answer::Failed(said())
        }
        status if status.is_server_error() => Answer::Failed(said()),
        _ => Answer::Refused(said()),
    }
}

/// The innermost cause tells most. The address is left out: a client may have put a secret into it.
fn of_error(error: reqwest::Error) -> Answer {
    if error.is_timeout() {
        return Answer::Silent("no answer within the time limit".to_owned());
    }
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match error.is_connect() {
        // As if the address stood in the URI.
        true if cause.is::<NotPermitted>() => Answer::Refused(cause.to_string()),
        true => Answer::Silent(format!("not connected: {cause}")),
        false => Answer::Silent(cause.to_string()),
    }
}

/// Looks names up with the system, and keeps the addresses that may be connected to. What is connected to is what was looked at, so a name can't change in between.
struct Resolver(Arc<Addresses>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = Arc::clone(&self.0);
        Box::pin(async move {
            // The port of the URI is put in later.
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let permitted: Vec<_> = found
                .filter(|address| addresses.permit(address.ip()))
                .collect();
            match permitted.is_empty() {
                true => Err(NotPermitted.into()),
                false => Ok(Box::new(permitted.into_iter()) as Addrs),
            }
        })
    }
}

/// A name leads to no address that may be connected to.
#[derive(Debug)]
struct NotPermitted;

impl fmt::Display for NotPermitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the address is not one that clients may have")
    }
}

impl std::error::Error for NotPermitted {}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing")
            .field("addresses", &self.addresses)
            .field("plain_http", &self.plain_http)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

const USER_AGENT: &str = concat!("axum-user-session/", env!("CARGO_PKG_VERSION"));
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
/// How long a connection waits for another token: the number of them is bounded by those of that time.
const IDLE: Duration = Duration::from_secs(10);
/// How much of a body is read, and for how long.
const MOST_BODY: usize = 16 * 1024;
const DRAIN: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn o6_a_status_is_success_refusal_or_failure() {
        for (status, expected) in [
            (200, "heard"),
            (204, "heard"),
            (201, "refused"),
            (202, "refused"),
            (206, "refused"),
            (301, "refused"),
            (302, "refused"),
            (307, "refused"),
            (400, "refused"),
            (401, "refused"),
            (404, "refused"),
            (408, "failed"),
            (410, "refused"),
            (425, "failed"),
            (429, "failed"),
            (500, "failed"),
            (502, "failed"),
            (503, "failed"),
            (599, "failed"),
            (999, "refused"),
        ] {
            let answer = of_status(StatusCode::from_u16(status).unwrap());
            let answer = match answer {
                Answer::Heard => "heard",
                Answer::Refused(_) => "refused",
                Answer::Failed(_) => "failed",
                Answer::Silent(_) => "silent",
            };
            assert_eq!(answer, expected, "{status}");
        }
    }
}
