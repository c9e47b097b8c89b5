use std::sync::Arc;

use redis::{ErrorKind, Pipeline, RedisError, RedisResult, ServerErrorKind, Value};

use super::{
    call::Call,
    cluster::Cluster,
    failure::Failure,
    link::{Link, or_refusal},
};

/// One server, or the masters of a cluster.
pub(super) enum Servers {
    One(Arc<Link>),
    Cluster(Cluster),
}

impl Servers {
    pub(super) async fn call(&self, call: &Call) -> Result<Value, Failure> {
        let reply = match self {
            Self::One(link) => send(link, call).await,
            Self::Cluster(cluster) => cluster.call(call).await,
        };
        Ok(reply?)
    }

    /// Makes many calls in one round trip to each node. Those to one node are run in order.
    pub(super) async fn call_all(&self, calls: &[Call]) -> Vec<Result<Value, Failure>> {
        let replies = match self {
            _ if calls.is_empty() => Vec::new(),
            Self::One(link) => send_all(link, calls).await,
            Self::Cluster(cluster) => cluster.call_all(calls).await,
        };
        let replies = replies.into_iter();
        replies.map(|reply| Ok(reply?)).collect()
    }

    /// Makes a call after others, or not at all if one of them fails. On one server they are one transaction.
    pub(super) async fn call_after(&self, first: &[Call], then: Call) -> Result<Value, Failure> {
        if let (Self::One(link), false) = (self, first.is_empty()) {
            return Ok(transact(link, first, then).await?);
        }
        for reply in self.call_all(first).await {
            reply?;
        }
        self.call(&then).await
    }

    /// The server, or every master.
    pub(super) fn links(&self) -> Vec<Arc<Link>> {
        match self {
            Self::One(link) => vec![link.clone()],
            Self::Cluster(cluster) => cluster.masters(),
        }
    }
}

/// Makes a call; if it is a script that the server does not know, with its source.
pub(super) async fn send(link: &Arc<Link>, call: &Call) -> RedisResult<Value> {
    match link.send(&call.cmd()).await {
        Err(error) if is_unknown_script(&error) => link.send(&call.cmd_with_source()).await,
        reply => reply,
    }
}

/// As [`send`], for many. Without a connection all of them fail.
pub(super) async fn send_all(link: &Arc<Link>, calls: &[Call]) -> Vec<RedisResult<Value>> {
    let mut pipeline = Pipeline::with_capacity(calls.len());
    for call in calls {
        pipeline.add_command(call.cmd());
    }
    let mut replies = match link.send_all(&pipeline).await {
        Ok(replies) => replies.into_iter().map(or_refusal).collect(),
        Err(error) => vec![Err(error); calls.len()],
    };
    for (call, reply) in calls.iter().zip(&mut replies) {
        if let Err(error) = reply
            && is_unknown_script(error)
        {
            *reply = link.send(&call.cmd_with_source()).await;
        }
    }
    replies
}

async fn transact(link: &Arc<Link>, first: &[Call], then: Call) -> RedisResult<Value> {
    let mut transaction = Pipeline::with_capacity(first.len() + 1);
    transaction.atomic();
    for call in first {
        transaction.add_command(call.cmd());
    }
    transaction.add_command(then.cmd());
    let mut replies = link.send_transaction(&transaction).await?;
    let last = replies.pop();
    for reply in replies {
        or_refusal(reply)?;
    }
    match last.map(or_refusal) {
        Some(Err(error)) if is_unknown_script(&error) => link.send(&then.cmd_with_source()).await,
        Some(reply) => reply,
        None => Err((ErrorKind::UnexpectedReturnType, "not a transaction").into()),
    }
}

fn is_unknown_script(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::NoScript)
}
