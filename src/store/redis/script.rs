use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};

/// A script that runs on the server, all of it or nothing, on the keys of one slot.
pub(super) struct Script {
    pub(super) source: String,
    /// What the server calls it: the SHA-1 of its source.
    pub(super) name: String,
}

impl Script {
    /// The first line makes the server refuse keys of other slots, also where they would lie on the same node.
    fn new(flags: &str, parts: &[&str]) -> Self {
        let source = format!("#!lua{flags}\n{}", parts.join("\n"));
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, source.as_bytes());
        let name = digest.as_ref().iter().map(|byte| format!("{byte:02x}"));
        Self {
            name: name.collect(),
            source,
        }
    }
}

/// Adds to what is kept, so that the server refuses it when its memory is full.
const GROWS: &str = "";
/// Runs when the server's memory is full as well: it keeps sessions going, or makes room.
const ALWAYS: &str = " flags=allow-oom";
const READS: &str = " flags=no-writes";

const RECORD: &str = include_str!("lua/record.lua");
const TOUCHING: &str = include_str!("lua/touching.lua");
const ENDING: &str = include_str!("lua/ending.lua");
const BEGINNING: &str = include_str!("lua/beginning.lua");

#[cfg(feature = "back-channel")]
const OUTBOX: &str = include_str!("lua/outbox.lua");

macro_rules! scripts {
    ($($(#[$when:meta])? $name:ident = $flags:ident, [$($part:ident),*], $file:literal;)*) => {
        $($(#[$when])? pub(super) static $name: LazyLock<Script> =
            LazyLock::new(|| Script::new($flags, &[$($part,)* include_str!($file)]));)*
    };
}

scripts! {
    CREATE = GROWS, [RECORD, ENDING, BEGINNING], "lua/create.lua";
    REPLACE = GROWS, [RECORD, ENDING, BEGINNING], "lua/replace.lua";
    LOAD = ALWAYS, [TOUCHING], "lua/load.lua";
    TOUCH = ALWAYS, [TOUCHING], "lua/touch.lua";
    UPDATE = GROWS, [RECORD], "lua/update.lua";
    ADD_CLIENT = GROWS, [RECORD], "lua/add_client.lua";
    REMOVE_CLIENT = ALWAYS, [RECORD], "lua/remove_client.lua";
    END = ALWAYS, [RECORD, ENDING], "lua/end.lua";
    END_SUBJECT = ALWAYS, [RECORD, ENDING], "lua/end_subject.lua";
    LIST = READS, [RECORD], "lua/list.lua";
    TAKE = ALWAYS, [], "lua/take.lua";
    ACKNOWLEDGE = ALWAYS, [], "lua/acknowledge.lua";
    PURGE = ALWAYS, [], "lua/purge.lua";
    FORGET_HINT = ALWAYS, [], "lua/forget_hint.lua";
    #[cfg(feature = "back-channel")]
    PUT_IN = GROWS, [OUTBOX], "lua/put_in.lua";
    #[cfg(feature = "back-channel")]
    TAKE_DUE = ALWAYS, [OUTBOX], "lua/take_due.lua";
    #[cfg(feature = "back-channel")]
    SETTLE = ALWAYS, [OUTBOX], "lua/settle.lua";
    #[cfg(feature = "back-channel")]
    FORGET_SETTLED = ALWAYS, [OUTBOX], "lua/forget_settled.lua";
    #[cfg(feature = "back-channel")]
    LIST_DELIVERIES = READS, [OUTBOX], "lua/list_deliveries.lua";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s16_scripts_declare_themselves() {
        let script = &*LIST;
        assert!(script.source.starts_with("#!lua flags=no-writes\n-- "));
        assert!(CREATE.source.starts_with("#!lua\n-- "));
        assert_eq!(script.name.len(), 40);
    }
}
