//! A client application in Node.js, as a process of its own.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::{
    server::{self, Server},
    servers::Port,
};

/// Where an application will be: the provider has to be told before either of them runs.
pub(crate) struct Address {
    port: Port,
}

/// A running application. It is killed at the end of the test, and ends by itself if the test is killed.
pub(crate) struct Application {
    process: Child,
    address: Address,
    folder: TempDir,
}

impl Address {
    pub(crate) fn reserve() -> Self {
        let port = Port::reserve();
        Self { port }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.port.address())
    }
}

impl Application {
    /// Runs a script of the folder `applications` as a client of a provider. More of what it wants to know goes into its environment.
    pub(crate) fn start(
        script: &str,
        address: Address,
        provider: &Server,
        settings: &[(&str, &str)],
    ) -> Self {
        // Packages are looked for beside the script, and upwards from there.
        let folder = TempDir::new().expect("there is a folder for temporary files");
        copy(&scripts(), folder.path());
        symlink(packages(), folder.path().join("node_modules"))
            .expect("the temporary folder can be written to");
        let log = File::create(log_file(folder.path())).expect("so can files in it");
        let process = Command::new("node")
            .arg(folder.path().join(script))
            .env("ISSUER", provider.origin())
            .env("ORIGIN", address.url(""))
            .envs(settings.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("node is missing: run `bash tests/run.sh`, which installs it");
        // From here on it is killed if an assertion fails.
        let mut application = Self {
            process,
            address,
            folder,
        };
        let output = application.process.stdout.take();
        let mut line = String::new();
        BufReader::new(output.expect("standard output is piped"))
            .read_line(&mut line)
            .expect("standard output can be read");
        assert_eq!(
            line,
            "listening\n",
            "{script} does not start; its log:\n{}",
            application.log()
        );
        application
    }

    pub(crate) fn url(&self, path: &str) -> String {
        self.address.url(path)
    }

    /// What went wrong, for messages.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_file(self.folder.path())).unwrap_or_default()
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Copies what is in a folder into another one.
fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("the scripts are there") {
        let entry = entry.expect("the scripts can be listed");
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            fs::create_dir(&to).expect("the temporary folder can be written to");
            copy(&from, &to);
        } else {
            fs::copy(from, to).expect("the temporary folder can be written to");
        }
    }
}

fn scripts() -> PathBuf {
    here().join("applications")
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/relying_parties")
}

/// The packages that `tests/run.sh` has installed, if they are those of the lock file.
fn packages() -> PathBuf {
    let profile = server::target();
    let folder = profile.with_file_name("relying_parties");
    let [wanted, installed] = [here().join("package-lock.json"), folder.join("installed")]
        .map(|file| fs::read(file).unwrap_or_default());
    assert!(
        wanted == installed,
        "the packages in {} are not those of the lock file: run `bash tests/run.sh`, which installs them",
        folder.display()
    );
    folder.join("node_modules")
}

fn log_file(folder: &Path) -> PathBuf {
    folder.join("log")
}
