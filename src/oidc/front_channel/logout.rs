use std::{error::Error as StdError, fmt, time::Duration};

use super::{frame::Frame, page::FrontChannelPage};
use crate::{
    ended::Ended,
    oidc::registry::{ClientRegistry, Clients},
};

/// Makes the page that tells the clients of a session that it has ended; cheap to clone. The [module](super) has the rules.
///
/// ```
/// use std::time::Duration;
/// use axum_user_session::oidc::{FixedClients, front_channel::FrontChannelLogout};
///
/// let front_channel = FrontChannelLogout::new(FixedClients::default()).time_limit(Duration::from_secs(3));
/// ```
#[derive(Clone)]
#[must_use]
pub struct FrontChannelLogout {
    clients: Clients,
    time_limit: Duration,
}

impl FrontChannelLogout {
    /// Tells clients of a registry.
    pub fn new(registry: impl ClientRegistry) -> Self {
        Self {
            clients: Clients::new(registry),
            time_limit: Duration::from_secs(5),
        }
    }

    /// How long the page waits for its frames, at most a minute. Default: five seconds. Without scripts it is rounded up to whole seconds.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        // A browser's timer takes 31 bits of milliseconds, and goes off at once for more (HTML Standard, timers).
        self.time_limit = limit.min(LONGEST);
        self
    }

    /// The page for a session that has ended; one without frames if none has, because something else was quicker.
    ///
    /// Clients that are not registered any more are left out. So are those that the registry does not answer for within five seconds, with a warning: the session
    /// has ended, and the user is to see that.
    pub async fn page(&self, ended: Option<&Ended>) -> FrontChannelPage {
        let frames = match ended {
            Some(ended) => {
                let (clients, trouble) = self.clients.found_soon(&ended.clients).await;
                if let Some(error) = trouble {
                    tracing::warn!(
                        error = &error as &dyn StdError,
                        cause = error.source(),
                        event_id = %ended.event_id,
                        "not all clients of a session that has ended could be looked up; these do not hear of it in the browser"
                    );
                }
                let issuer = ended.issuer.as_deref();
                let frame = |client| Frame::of(client, issuer, ended.session_id);
                clients.iter().filter_map(frame).collect()
            }
            None => Vec::new(),
        };
        FrontChannelPage::new(frames, self.time_limit)
    }
}

/// Somebody looks at the page.
const LONGEST: Duration = Duration::from_secs(60);

impl fmt::Debug for FrontChannelLogout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrontChannelLogout")
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}
