//! What all servers have in common.

use std::{ffi::OsString, net::SocketAddr, path::Path, thread::sleep, time::Duration};

use super::{
    port::Port,
    process::{Failure, Process, User},
};

/// A server with a port and a folder of its own. It ends with this value, or with the test process.
pub struct Server<K: Kind> {
    pub(super) kind: K,
    process: Process,
    port: Port,
}

/// What one kind of server has of its own.
pub trait Kind {
    const NAME: &'static str;
    /// The signal that stops it in order, with no regard to who is connected.
    const STOP: &'static str;
    /// The signal that ends it, when nobody will need its data again.
    const END: &'static str;

    /// The user that it runs as, if that is not the one who runs the tests.
    fn user(&self) -> Option<User> {
        None
    }

    /// Makes what must be there before the first start.
    fn prepare(&self, _folder: &Path) {}

    /// Its program and the arguments of that.
    fn command_line(&self, folder: &Path, port: u16) -> Vec<OsString>;

    /// Whether the process with this pid serves clients now.
    fn is_ready(&self, folder: &Path, address: SocketAddr, pid: u32) -> bool;

    /// Takes along what a crash of the process leaves behind, and a crash of the machine would not.
    fn tidy_after_crash(&self, _folder: &Path) {}
}

impl<K: Kind> Server<K> {
    /// Starts it on a free port.
    pub fn launch(kind: K) -> Self {
        let process = Process::new(K::NAME, K::END, kind.user());
        kind.prepare(process.folder());
        let mut server = Self {
            kind,
            process,
            port: Port::reserve(),
        };
        for _ in 0..10 {
            match server.try_start() {
                Ok(()) => return server,
                Err(Failure::AddressInUse) => server.port = Port::reserve(),
                Err(failure) => panic!("{} does not start: {failure}", K::NAME),
            }
        }
        panic!("{} finds all ports that it tries in use", K::NAME);
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// Stops it in order; open connections are cut.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn stop(&mut self) {
        self.process.stop(K::STOP);
    }

    /// Makes it crash: its processes are killed at one stroke.
    ///
    /// # Panics
    ///
    /// If it does not run.
    pub fn kill(&mut self) {
        self.process.kill();
        self.kind.tidy_after_crash(self.process.folder());
    }

    /// Starts it again after [`stop`](Self::stop) or [`kill`](Self::kill), on the same port and with what it has kept.
    ///
    /// # Panics
    ///
    /// If it runs, or does not start.
    pub fn start_again(&mut self) {
        for _ in 0..100 {
            match self.try_start() {
                Ok(()) => return,
                // The port is reserved, so that can only be what somebody leaves behind for a moment.
                Err(Failure::AddressInUse) => sleep(Duration::from_millis(100)),
                Err(failure) => panic!("{} does not start again: {failure}", K::NAME),
            }
        }
        panic!("{} finds its port in use", K::NAME);
    }

    /// Whether it runs; it may also have ended by itself.
    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// The pid of its first process.
    ///
    /// # Panics
    ///
    /// If it has been stopped or killed.
    pub fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// The folder with all that it writes.
    pub fn folder(&self) -> &Path {
        self.process.folder()
    }

    /// What it has logged since it was first started.
    pub fn log(&self) -> String {
        self.process.log()
    }

    fn try_start(&mut self) -> Result<(), Failure> {
        let folder = self.process.folder().to_owned();
        let address = self.port.address();
        let command_line = self.kind.command_line(&folder, address.port());
        self.process.start(&command_line, |pid| {
            self.kind.is_ready(&folder, address, pid)
        })
    }
}
