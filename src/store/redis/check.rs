//! What is checked before a server gets sessions.

use std::sync::Arc;

use redis::{Cmd, Value};

use super::{call::Call, failure::Failure, keys::Keys, link::Link, reply, servers::Servers};
use crate::{error::StoreError, store::key::RecordKey};

/// What a server says of itself, as far as it does.
#[derive(Clone, Debug, Default)]
struct Facts {
    version: Option<String>,
    policy: Option<String>,
    in_cluster: Option<bool>,
}

/// Whether a server has what is needed: its version, its `maxmemory-policy`, and whether it is in a cluster.
pub(super) async fn check(
    link: &Arc<Link>,
    in_cluster: bool,
    policy_unchecked: bool,
) -> Result<(), StoreError> {
    let mut facts = match ask(link, &redis::cmd("INFO")).await {
        Ok(info) => Facts::of(&info),
        // Some managed servers forbid it.
        Err(Failure::Refused(_)) => Facts::default(),
        Err(failure) => return Err(failure.into()),
    };
    if facts.version.is_none() {
        facts.version = version_by_greeting(link).await;
    }
    if facts.policy.is_none() {
        facts.policy = configured_policy(link).await;
    }
    match facts.complaint(in_cluster, policy_unchecked) {
        Some(complaint) => Err(StoreError::new(complaint)),
        None => Ok(()),
    }
}

impl Facts {
    fn of(info: &str) -> Self {
        let line = |name: &str| {
            let line = info.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|line| line.strip_prefix(':'))
        };
        Self {
            version: line("redis_version").map(str::to_owned),
            policy: line("maxmemory_policy").map(str::to_owned),
            in_cluster: line("cluster_enabled").map(|enabled| enabled == "1"),
        }
    }

    /// What is not as it must be.
    fn complaint(&self, in_cluster: bool, policy_unchecked: bool) -> Option<String> {
        let version = self.version.as_deref();
        let major = version.and_then(|it| it.split('.').next()?.parse().ok());
        if major.is_none_or(|major: u32| major < OLDEST) {
            let version = version.unwrap_or("of an unknown version");
            return Some(format!(
                "Redis 7.0 or later is needed, and this server is {version}"
            ));
        }
        match self.in_cluster {
            Some(true) if !in_cluster => {
                return Some(
                    "this Redis server is part of a cluster; connect to it with `connect_cluster`"
                        .to_owned(),
                );
            }
            Some(false) if in_cluster => {
                return Some(NOT_A_CLUSTER.to_owned());
            }
            _ => {}
        }
        match self.policy.as_deref() {
            Some("noeviction") => None,
            None if policy_unchecked => None,
            None => Some("this Redis server does not tell its maxmemory-policy; if it is `noeviction`, say so with `accept_unchecked_eviction_policy`".to_owned()),
            Some(other) => Some(format!(
                "the maxmemory-policy of this Redis server is `{other}`, so that it would delete sessions when its memory is full; set it to `noeviction`"
            )),
        }
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
    claim_as(servers, keys, keys.meta(), own).await
}

async fn claim_as(
    servers: &Servers,
    keys: &Keys,
    meta: Vec<u8>,
    own: String,
) -> Result<(), StoreError> {
    let claim = Call::command("SET", meta).arg(own.as_str());
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

/// The same for the outbox, which has parts of its own, and which not everybody uses.
#[cfg(feature = "back-channel")]
pub(super) async fn claim_outbox(servers: &Servers, keys: &Keys) -> Result<(), StoreError> {
    let own = format!("format={OUTBOX_FORMAT} parts={}", super::keys::PARTS);
    claim_as(servers, keys, keys.outbox_meta(), own).await
}

pub(super) const NOT_A_CLUSTER: &str =
    "this Redis server is not part of a cluster; connect to it with `connect`";

/// The oldest major version that has scripts that declare themselves.
const OLDEST: u32 = 7;

/// Changes with whatever an older version of this crate would not understand.
const FORMAT: u32 = 1;
#[cfg(feature = "back-channel")]
const OUTBOX_FORMAT: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_servers_that_are_not_fit() {
        const FIT: &str =
            "redis_version:7.0.15\r\nmaxmemory_policy:noeviction\r\ncluster_enabled:0\r\n";
        for (name, info, in_cluster, unchecked, complaint) in [
            ("fit", FIT, false, false, None),
            (
                "of tomorrow",
                "redis_version:10.1.0\nmaxmemory_policy:noeviction",
                false,
                false,
                None,
            ),
            (
                "too old",
                "redis_version:6.2.14\nmaxmemory_policy:noeviction",
                false,
                false,
                Some("6.2.14"),
            ),
            ("silent", "", false, true, Some("unknown version")),
            ("not of a cluster", FIT, true, false, Some("`connect`")),
            (
                "of a cluster",
                "redis_version:7.2.0\ncluster_enabled:1",
                false,
                false,
                Some("`connect_cluster`"),
            ),
            (
                "policy unknown",
                "redis_version:7.0.0",
                false,
                false,
                Some("does not tell"),
            ),
            (
                "policy vouched for",
                "redis_version:7.0.0",
                false,
                true,
                None,
            ),
            (
                "evicting, whatever is vouched for",
                "redis_version:7.0.0\nmaxmemory_policy:volatile-ttl",
                true,
                true,
                Some("volatile-ttl"),
            ),
        ] {
            let said = Facts::of(info).complaint(in_cluster, unchecked);
            match complaint {
                None => assert_eq!(said, None, "{name}"),
                Some(part) => assert!(said.unwrap_or_default().contains(part), "{name}"),
            }
        }
    }
}
