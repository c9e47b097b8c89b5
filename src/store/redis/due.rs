//! What has come due, in sorted sets of which each bucket has one.

use super::{
    call::Call,
    failure::Failure,
    reply::{bytes, number, pairs},
    store::Inner,
};

/// A member of a sorted set whose time has come.
pub(super) struct Due {
    at: i64,
    pub(super) bucket: u16,
    pub(super) member: Vec<u8>,
}

impl Due {
    #[cfg(feature = "back-channel")]
    pub(super) fn at(&self) -> i64 {
        self.at
    }
}

impl Inner {
    /// The first members of sorted sets, one in each bucket, whose time comes no later than `until`, in order; at most `of_each` of one set. A failure
    /// beside them says that a node is away, which does not stop work on the others.
    pub(super) async fn due(
        &self,
        buckets: &[u16],
        set: impl Fn(u16) -> Vec<u8>,
        of_each: usize,
        until: i64,
    ) -> Result<(Vec<Due>, Option<Failure>), Failure> {
        self.due_from(buckets, set, 0, of_each, until).await
    }

    /// The same, after so many of each set.
    pub(super) async fn due_from(
        &self,
        buckets: &[u16],
        set: impl Fn(u16) -> Vec<u8>,
        from: usize,
        of_each: usize,
        until: i64,
    ) -> Result<(Vec<Due>, Option<Failure>), Failure> {
        let calls = buckets.iter().map(|bucket| {
            Call::command("ZRANGE", set(*bucket))
                .arg("-inf")
                .number(until)
                .args(["BYSCORE", "LIMIT"])
                .arg(from.to_string())
                .arg(of_each.to_string())
                .arg("WITHSCORES")
        });
        let replies = self.servers.call_all(&calls.collect::<Vec<_>>()).await;
        let mut due = Vec::new();
        let mut failure = None;
        for (bucket, reply) in buckets.iter().zip(replies) {
            match reply.and_then(pairs) {
                Ok(members) => {
                    for (member, at) in members {
                        due.push(Due {
                            at: number(at)?,
                            bucket: *bucket,
                            member: bytes(member)?,
                        });
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        due.sort_by_key(|due| due.at);
        Ok((due, failure))
    }
}
