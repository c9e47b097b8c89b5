//! What is checked before a server gets sessions.

use std::sync::Arc;

use redis::{Cmd, Value};

use super::{call::Call, failure::Failure, keys::Keys, link::Link, reply, servers::Servers};
use crate::{error::StoreError, store::key::RecordKey};

/// Whether a server has what is needed: its version, its `maxmemory-policy`, and whether it is in a cluster.
pub(super) async fn check(
    link: &Arc<Link>,
    in_cluster: bool,
    policy_unchecked: bool,
) -> Result<(), StoreError> {
    let info = match ask(link, &redis::cmd("INFO")).await {
        Ok(info) => info,
        // Some managed servers forbid it.
        Err(Failure::Refused(_)) => String::new(),
        Err(failure) => return Err(failure.into()),
    };
    let line = |name: &str| {
        let line = info.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.strip_prefix(':'))
            .map(str::to_owned)
    };
    if line("cluster_enabled").is_some_and(|it| (it == "1") != in_cluster) {
        return Err(StoreError::new(match in_cluster {
            true => "this Redis server is not part of a cluster; connect to it with `connect`",
            false => "this Redis server is part of a cluster; connect to it with `connect_cluster`",
        }));
    }
    let version = match line("redis_version") {
        Some(version) => Some(version),
        None => version_by_greeting(link).await,
    };
    let major = version
        .as_deref()
        .and_then(|it| it.split('.').next()?.parse().ok());
    if major.is_none_or(|major: u32| major < OLDEST) {
        let version = version.as_deref().unwrap_or("of an unknown version");
        return Err(StoreError::new(format!(
            "Redis 7.0 or later is needed, and this server is {version}"
        )));
    }
    let policy = match line("maxmemory_policy") {
        Some(policy) => Some(policy),
        None => configured_policy(link).await,
    };
    match policy.as_deref() {
        Some("noeviction") => Ok(()),
        None if policy_unchecked => Ok(()),
        None => Err(StoreError::new(
            "this Redis server does not tell its maxmemory-policy; if it is `noeviction`, say so with `accept_unchecked_eviction_policy`",
        )),
        Some(other) => Err(StoreError::new(format!(
            "the maxmemory-policy of this Redis server is `{other}`, so that it would delete sessions when its memory is full; set it to `noeviction`"
        ))),
    }
}

async fn version_by_greeting(link: &Arc<Link>) -> Option<String> {
    let greeting = link.send(redis::cmd("HELLO").arg(2)).await.ok()?;
    let fields = reply::pairs(greeting).ok()?;
    let text = |value| reply::text(value).ok();
    fields
        .into_iter()
        .find_map(|(name, value)| (text(name)? == "version").then(|| text(value))?)
}

async fn configured_policy(link: &Arc<Link>) -> Option<String> {
    let mut question = redis::cmd("CONFIG");
    question.arg("GET").arg("maxmemory-policy");
    let answer = link.send(&question).await.ok()?;
    let (_, policy) = reply::pairs(answer).ok()?.pop()?;
    reply::text(policy).ok()
}

async fn ask(link: &Arc<Link>, cmd: &Cmd) -> Result<String, Failure> {
    reply::text(link.send(cmd).await?)
}

/// Writes down, for good, how everything under the prefix is written; refuses what was written in another way.
pub(super) async fn claim(servers: &Servers, keys: &Keys) -> Result<(), StoreError> {
    let own = format!("format={FORMAT} buckets={}", RecordKey::BUCKETS);
    let claim = Call::command("SET", keys.meta()).arg(own.as_str());
    let before = servers.call(&claim.arg("NX").arg("GET")).await?;
    let before = match before {
        Value::Nil => return Ok(()),
        before => reply::text(before)?,
    };
    if before == own {
        return Ok(());
    }
    Err(StoreError::new(format!(
        "what Redis keeps under the prefix `{}` has `{before}`, and this version of the crate needs `{own}`; use another prefix",
        keys.prefix()
    )))
}

/// The oldest major version that has scripts that declare themselves.
const OLDEST: u32 = 7;

/// Changes with whatever an older version of this crate would not understand.
const FORMAT: u32 = 1;
