use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, Pipeline, RedisError,
    RedisResult, ServerErrorKind, Value, aio::MultiplexedConnection, io::tcp::TcpSettings,
};
use tokio::sync::OnceCell;

/// How long the network may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct TimeLimits {
    pub(super) connect: Duration,
    pub(super) response: Duration,
}

/// The way to one server: a connection that all requests share, and another one when it is lost.
///
/// Replies come in the order of requests, and belong to them whether or not somebody still waits: a cancelled request can't shift them.
///
/// A request is never sent twice. If its connection is lost, its outcome is unknown, and the caller is told so; the next one gets a new connection.
pub(super) struct Link {
    client: Client,
    config: AsyncConnectionConfig,
    current: ArcSwap<Attempt>,
}

/// A connection that is being made, has been made, or could not be made. All who ask meanwhile share the outcome.
#[derive(Default)]
struct Attempt(OnceCell<RedisResult<MultiplexedConnection>>);

impl Link {
    pub(super) fn open(info: ConnectionInfo, limits: TimeLimits) -> RedisResult<Arc<Self>> {
        // Small requests must not wait for each other.
        let info = info.set_tcp_settings(TcpSettings::default().set_nodelay(true));
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(limits.connect))
            .set_response_timeout(Some(limits.response));
        Ok(Arc::new(Self {
            client: Client::open(info)?,
            config,
            current: ArcSwap::default(),
        }))
    }

    /// The reply, or the server's refusal as the error.
    pub(super) async fn send(self: &Arc<Self>, cmd: &Cmd) -> RedisResult<Value> {
        let (attempt, mut connection) = self.connection().await?;
        let reply = connection.send_packed_command(cmd).await;
        self.judge(&attempt, reply.and_then(or_refusal))
    }

    /// The replies to all commands, refusals among them, in order.
    pub(super) async fn send_all(self: &Arc<Self>, pipeline: &Pipeline) -> RedisResult<Vec<Value>> {
        let (attempt, mut connection) = self.connection().await?;
        let count = pipeline.len();
        let replies = connection.send_packed_commands(pipeline, 0, count).await;
        self.judge(&attempt, replies)
    }

    /// The replies to all commands of a transaction, refusals while it ran among them.
    pub(super) async fn send_transaction(
        self: &Arc<Self>,
        transaction: &Pipeline,
    ) -> RedisResult<Vec<Value>> {
        let (attempt, mut connection) = self.connection().await?;
        // One reply to the beginning and one to each command that is queued, and then all of them in one.
        let queued = transaction.len() + 1;
        let replies = connection.send_packed_commands(transaction, queued, 1);
        let mut replies = self.judge(&attempt, replies.await)?;
        match replies.pop().map(or_refusal).transpose()? {
            Some(Value::Array(replies)) => Ok(replies),
            _ => Err((ErrorKind::UnexpectedReturnType, "not a transaction").into()),
        }
    }

    /// The connection to use. If the last attempt at one has failed, that was for those who waited for it; a new one is made.
    async fn connection(self: &Arc<Self>) -> RedisResult<(Arc<Attempt>, MultiplexedConnection)> {
        let mut attempt = self.current.load_full();
        if matches!(attempt.0.get(), Some(Err(_))) {
            attempt = self.renew(&attempt);
        }
        if !attempt.0.initialized() {
            // Whoever waits may be cancelled before there is a connection; others must not have to begin again.
            let (link, attempt) = (self.clone(), attempt.clone());
            tokio::spawn(async move { link.outcome(&attempt).await.is_ok() });
        }
        let connection = self.outcome(&attempt).await?;
        Ok((attempt, connection))
    }

    async fn outcome(&self, attempt: &Attempt) -> RedisResult<MultiplexedConnection> {
        let connect = || {
            self.client
                .get_multiplexed_async_connection_with_config(&self.config)
        };
        attempt.0.get_or_init(connect).await.clone()
    }

    /// Lets nobody use a connection again that was lost; or on which a reply is overdue, as the other end may be gone without a word; or whose other end takes
    /// no writes any more, as another may have taken over its name.
    fn judge<T>(&self, attempt: &Arc<Attempt>, reply: RedisResult<T>) -> RedisResult<T> {
        let read_only = ErrorKind::Server(ServerErrorKind::ReadOnly);
        if let Err(error) = &reply
            && (error.is_unrecoverable_error() || error.is_timeout() || error.kind() == read_only)
        {
            self.renew(attempt);
        }
        reply
    }

    /// The attempt that takes the place of another one, which somebody else may have begun.
    fn renew(&self, old: &Arc<Attempt>) -> Arc<Attempt> {
        self.current.compare_and_swap(old, Arc::default());
        self.current.load_full()
    }
}

pub(super) fn or_refusal(reply: Value) -> RedisResult<Value> {
    match reply {
        Value::ServerError(refusal) => Err(RedisError::from(refusal)),
        reply => Ok(reply),
    }
}
