use redis::Cmd;

use super::script::Script;

/// One command, or one run of a script, for the node that has the slot of its first key.
#[derive(Clone)]
pub(super) struct Call {
    what: What,
    keys: Vec<Vec<u8>>,
    args: Vec<Vec<u8>>,
}

#[derive(Clone, Copy)]
enum What {
    Command(&'static str),
    Script(&'static Script),
}

impl Call {
    /// A command whose first argument is its key.
    pub(super) fn command(name: &'static str, key: Vec<u8>) -> Self {
        Self {
            what: What::Command(name),
            keys: vec![key],
            args: Vec::new(),
        }
    }

    /// A script; its keys are of one slot.
    pub(super) fn script(script: &'static Script, keys: Vec<Vec<u8>>) -> Self {
        Self {
            what: What::Script(script),
            keys,
            args: Vec::new(),
        }
    }

    pub(super) fn arg(mut self, arg: impl Into<Vec<u8>>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(super) fn args<T: Into<Vec<u8>>>(mut self, args: impl IntoIterator<Item = T>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    pub(super) fn number(self, number: i64) -> Self {
        self.arg(number.to_string())
    }

    pub(super) fn slot(&self) -> u16 {
        slot_of(&self.keys[0])
    }

    /// The command to send: a script by its name.
    pub(super) fn cmd(&self) -> Cmd {
        match self.what {
            What::Command(name) => self.with_arguments(redis::cmd(name)),
            What::Script(script) => self.run("EVALSHA", &script.name),
        }
    }

    /// The command to send to a server that does not know the script yet, or any more. It will afterwards.
    pub(super) fn cmd_with_source(&self) -> Cmd {
        match self.what {
            What::Command(_) => self.cmd(),
            What::Script(script) => self.run("EVAL", &script.source),
        }
    }

    fn run(&self, command: &str, script: &str) -> Cmd {
        let mut cmd = redis::cmd(command);
        cmd.arg(script).arg(self.keys.len());
        self.with_arguments(cmd)
    }

    fn with_arguments(&self, mut cmd: Cmd) -> Cmd {
        for arg in self.keys.iter().chain(&self.args) {
            cmd.arg(&arg[..]);
        }
        cmd
    }
}

/// The slot of a key: CRC-16 (XMODEM) of what is between the first `{` and the next `}`, modulo 16384, as the Redis Cluster specification says. All
/// keys of this crate have such a tag.
pub(super) fn slot_of(key: &[u8]) -> u16 {
    let tag = key.iter().position(|it| *it == b'{').and_then(|start| {
        let rest = &key[start + 1..];
        let len = rest.iter().position(|it| *it == b'}')?;
        (len > 0).then_some(&rest[..len])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(*byte) << 8, |crc, _| {
            (crc << 1) ^ if crc & 0x8000 != 0 { 0x1021 } else { 0 }
        })
    })
}

/// How many slots a cluster has.
pub(super) const SLOTS: u16 = 16384;

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value of the specification, and what `CLUSTER KEYSLOT` says.
    #[test]
    fn s16_slots_are_those_of_redis_cluster() {
        assert_eq!(crc16(b"123456789"), 0x31C3);
        for (name, key, slot) in [
            ("no tag", &b"foo"[..], 12182),
            ("a tag", b"{foo}x", 12182),
            ("an empty tag", b"{}foo", 9500),
            ("a later brace", b"a{foo}{bar}", 12182),
        ] {
            assert_eq!(slot_of(key), slot, "{name}");
        }
    }
}
