//! Records are changed.

use std::{sync::Arc, time::SystemTime};

use rand::Rng;

use super::{
    call::Call,
    entry::MarkedName,
    rename::Renaming,
    reply::{UNEXPECTED, bytes, count, list},
    row::millis,
    script::UPDATE,
    store::Inner,
};
use crate::{
    error::StoreError,
    store::{
        key::RecordKey,
        operation::{Update, Updated},
    },
};

impl Inner {
    pub(super) async fn update(
        self: &Arc<Self>,
        key: &RecordKey,
        update: &Update,
        expected_version: u64,
        now: SystemTime,
    ) -> Result<Updated, StoreError> {
        let name = update.display_name.clone().map(with_random_mark);
        let written = name.as_ref().map(MarkedName::to_bytes);
        let mut renaming = Renaming::new(name);
        loop {
            let call = Call::script(&UPDATE, vec![self.keys.record(key)])
                .number(millis(now))
                .arg(expected_version.to_string())
                .arg(&update.ticket[..])
                .arg(if written.is_some() { "yes" } else { "" })
                .arg(written.as_deref().unwrap_or_default())
                .arg(renaming.indexed());
            let calls = renaming.calls(&self.keys);
            let reply = self.servers.call_after(&calls, call).await?;
            if renaming.is_asked_for(&reply)? {
                continue;
            }
            let mut parts = list(reply)?.into_iter();
            let mut next = || parts.next().ok_or(UNEXPECTED);
            let updated = match &bytes(next()?)?[..] {
                b"updated" => {
                    let version = count(next()?)?;
                    Updated::Updated { version }
                }
                b"conflict" => Updated::Conflict,
                b"missing" => Updated::Missing,
                _ => return Err(UNEXPECTED.into()),
            };
            let done = matches!(updated, Updated::Updated { .. });
            self.in_background(renaming.calls_to_tidy(&self.keys, done));
            return Ok(updated);
        }
    }
}

fn with_random_mark(name: String) -> MarkedName {
    let mut mark = [0; 8];
    rand::rng().fill_bytes(&mut mark);
    MarkedName { mark, name }
}
