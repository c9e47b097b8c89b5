use std::time::Duration;

use redis::{
    ConnectionInfo, ErrorKind, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo,
    RedisResult, ServerErrorKind,
};

use super::{
    check::{NOT_A_CLUSTER, check, claim},
    cluster::Cluster,
    failure::Failure,
    keys::Keys,
    link::{Link, TimeLimits},
    servers::Servers,
    store::RedisStore,
};
use crate::error::StoreError;

/// How a [`RedisStore`] reaches its servers, and how it names its keys.
///
/// ```no_run
/// # async fn open() -> Result<(), axum_user_session::error::StoreError> {
/// use std::time::Duration;
/// use axum_user_session::store::RedisOptions;
///
/// let store = RedisOptions::new()
///     .key_prefix("shop")
///     .response_timeout(Duration::from_millis(500))
///     .connect("rediss://:secret@redis.example:6380/")
///     .await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is connected before `connect`"]
pub struct RedisOptions {
    prefix: String,
    limits: TimeLimits,
    policy_unchecked: bool,
}

impl RedisOptions {
    /// Keys that begin with `aus`, and a second to connect and for each reply.
    pub fn new() -> Self {
        Self {
            prefix: "aus".to_owned(),
            limits: TimeLimits {
                connect: Duration::from_secs(1),
                response: Duration::from_secs(1),
            },
            policy_unchecked: false,
        }
    }

    /// What all keys begin with, within braces. Stores with different prefixes on one server have nothing in common.
    ///
    /// 1 to 64 visible ASCII characters other than braces; default `aus`.
    pub fn key_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long connecting to a server may take. Default: one second.
    pub fn connect_timeout(mut self, limit: Duration) -> Self {
        self.limits.connect = limit;
        self
    }

    /// How long a server may take to reply. Default: one second.
    ///
    /// When it is over, the operation fails and its outcome is unknown; the next one has a new connection.
    pub fn response_timeout(mut self, limit: Duration) -> Self {
        self.limits.response = limit;
        self
    }

    /// Goes on if the server does not tell its `maxmemory-policy`, as managed ones may not.
    ///
    /// Then it is up to you to know that it is `noeviction`. With any other, Redis deletes sessions, and ends that nobody has been told of, when its memory is full. A
    /// policy that can be read, and is another, is refused in any case.
    pub fn accept_unchecked_eviction_policy(mut self) -> Self {
        self.policy_unchecked = true;
        self
    }

    /// Connects to a server that is not part of a cluster, and checks that it is fit.
    ///
    /// The URL is `redis://[USER][:PASSWORD@]HOST[:PORT][/DATABASE]`, or begins with `rediss` for TLS, which needs a feature of the crate `redis`, such as
    /// `tokio-rustls-comp` with `tls-rustls-webpki-roots`: add it to your own dependencies with that feature.
    ///
    /// # Errors
    ///
    /// If the URL or the prefix is none, if the server can't be reached, is older than Redis 7.0, is a node of a cluster or has another
    /// `maxmemory-policy` than `noeviction`, or if what it keeps under the prefix was written by a version of this crate that is not compatible.
    pub async fn connect(self, url: impl AsRef<str>) -> Result<RedisStore, StoreError> {
        let keys = self.keys()?;
        let info = self.info(url.as_ref()).map_err(|_| not_a_url())?;
        let link = Link::open(info, self.limits).map_err(Failure::from)?;
        self.begin(Servers::One(link), keys).await
    }

    /// Connects to a Redis Cluster by any of its nodes, and checks that all masters are fit.
    ///
    /// Name several nodes, so that it can be found when one is away. User, password and encryption of the first are used for all.
    ///
    /// # Errors
    ///
    /// As [`connect`](Self::connect), or if the server is not a node of a cluster.
    pub async fn connect_cluster<U: AsRef<str>>(
        self,
        urls: impl IntoIterator<Item = U>,
    ) -> Result<RedisStore, StoreError> {
        let keys = self.keys()?;
        let seeds = urls.into_iter().map(|url| self.info(url.as_ref()));
        let seeds: Vec<_> = seeds.collect::<Result<_, _>>().map_err(|_| not_a_url())?;
        if seeds.is_empty() {
            return Err(not_a_url());
        }
        let cluster = Cluster::connect(seeds, self.limits).await;
        let cluster = cluster.map_err(|error| match error.kind() {
            ErrorKind::Server(ServerErrorKind::ResponseError) => StoreError::new(NOT_A_CLUSTER),
            _ => Failure::from(error).into(),
        })?;
        self.begin(Servers::Cluster(cluster), keys).await
    }

    async fn begin(&self, servers: Servers, keys: Keys) -> Result<RedisStore, StoreError> {
        let in_cluster = matches!(servers, Servers::Cluster(_));
        for link in servers.links() {
            check(&link, in_cluster, self.policy_unchecked).await?;
        }
        claim(&servers, &keys).await?;
        Ok(RedisStore::new(servers, keys))
    }

    fn keys(&self) -> Result<Keys, StoreError> {
        Keys::new(&self.prefix).ok_or_else(|| {
            StoreError::new(
                "a key prefix has 1 to 64 visible ASCII characters, none of them a brace",
            )
        })
    }

    /// The older protocol, whatever the URL says, so that replies have one form.
    fn info(&self, url: &str) -> RedisResult<ConnectionInfo> {
        let info = url.into_connection_info()?;
        let settings: RedisConnectionInfo = info.redis_settings().clone();
        Ok(info.set_redis_settings(settings.set_protocol(ProtocolVersion::RESP2)))
    }
}

impl Default for RedisOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Says nothing of what it was instead, since that may hold a password.
fn not_a_url() -> StoreError {
    StoreError::new(
        "this is not the URL of a Redis server, or it needs a feature of the crate `redis` for TLS",
    )
}
