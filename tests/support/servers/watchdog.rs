//! What cleans up after a test process, however that ends.
//!
//! A static is never dropped, and a process that is killed drops nothing. The system closes its pipes all the same. So
//! beside every server there is a small shell script that reads from such a pipe. When that ends, it stops the server by
//! its pid and removes its folder. This is how every server here ends, so that the way is well trodden.

use std::{
    fs,
    io::Write,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use tempfile::Builder;

/// A temporary folder, and the script that waits for the end of this process.
pub struct Watchdog {
    folder: PathBuf,
    script: Child,
    /// Held by this process alone: the system closes it with the process.
    pipe: Option<ChildStdin>,
}

impl Watchdog {
    /// Makes a folder, and watches over it. `signal` is what ends the server that will use it, quickly but in order.
    pub fn new(name: &str, signal: &str) -> Self {
        let folder = Builder::new()
            .prefix(&format!("axum-user-session-{name}-"))
            .tempdir()
            .expect("there is a folder for temporary files")
            .keep();
        // A process group of its own: a signal to the tests' group, such as Ctrl-C at a terminal, is not meant for it.
        let mut script = Command::new("sh")
            .args(["-c", SCRIPT, "watchdog", signal])
            .arg(&folder)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("sh is on the PATH");
        let pipe = script.stdin.take();
        Self {
            folder,
            script,
            pipe,
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// From now on the server with this pid is stopped when this process ends.
    pub fn watch(&mut self, pid: u32) {
        self.tell(&pid.to_string());
    }

    /// The server has ended, and its pid may soon be somebody else's.
    pub fn forget(&mut self) {
        self.tell("");
    }

    /// Does now what is done at the end of the process. The caller waits for the server, and then for this.
    pub fn release(&mut self) {
        self.pipe = None;
    }

    fn tell(&mut self, line: &str) {
        let pipe = self
            .pipe
            .as_mut()
            .expect("it is told nothing after the end");
        writeln!(pipe, "{line}").expect("the watchdog runs until its pipe is closed");
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.release();
        // An error means that there is nobody to wait for.
        let _ = self.script.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A server that a test has stopped itself is told as an empty line. Any other gets 10 s for its end, and is killed then.
/// Whether it has ended is asked of `ps`: for `kill -s 0` it has not, before its parent has noticed, and where nobody
/// takes care of orphans, as in many a container, nobody ever does.
const SCRIPT: &str = r#"
trap '' HUP INT TERM
pid=
while read -r line; do pid=$line; done
runs() {
    case $(ps -o stat= -p "$pid") in
        '' | Z*) return 1 ;;
    esac
}
if [ -n "$pid" ]; then
    kill -s "$1" "$pid"
    tries=0
    while [ "$tries" -lt 200 ] && runs; do
        tries=$((tries + 1))
        sleep 0.05
    done
    runs && kill -s KILL "$pid"
fi
rm -rf "$2" || { sleep 1; rm -rf "$2"; }
"#;
