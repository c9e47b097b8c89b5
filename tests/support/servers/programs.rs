//! Finding and running programs of the system.

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
};

/// Where a program is.
///
/// # Panics
///
/// If it is missing. The message says how to install it.
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    find(&[name], env::split_paths(&path))
        .map(|folder| folder.join(name))
        .unwrap_or_else(|| panic!("{}", missing(name, package)))
}

/// The folder with the programs of PostgreSQL, all of one version.
///
/// # Panics
///
/// If they are missing. The message says how to install them.
pub fn postgres_programs() -> PathBuf {
    let path = env::var_os("PATH").unwrap_or_default();
    let folders = newest_first("/usr/lib/postgresql").chain(env::split_paths(&path));
    find(&["postgres", "initdb", "psql"], folders)
        .unwrap_or_else(|| panic!("{}", missing("postgres", "postgresql")))
}

/// The first folder that has all of these programs.
fn find(names: &[&str], folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let has = |folder: &PathBuf| names.iter().all(|name| folder.join(name).is_file());
    folders.into_iter().find(has)
}

/// Debian keeps every version's programs in a folder of its own, and off the PATH.
fn newest_first(root: impl AsRef<Path>) -> impl Iterator<Item = PathBuf> {
    let entries = root.as_ref().read_dir().into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = entries
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .collect();
    versions.sort_unstable();
    versions.into_iter().rev().map(|(_, folder)| folder)
}

fn missing(program: &str, package: &str) -> String {
    format!(
        "`{program}` is missing: run `bash tests/run.sh`, which installs it, or install the package `{package}` yourself"
    )
}

/// A command whose messages are English, and which does not see the settings of somebody's own PostgreSQL.
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env("LC_ALL", "C");
    for (name, _) in env::vars_os() {
        if name.as_encoded_bytes().starts_with(b"PG") {
            command.env_remove(name);
        }
    }
    command
}

/// Runs a command to its end, and gives what it has printed.
///
/// # Panics
///
/// If it fails. The message shows what it says.
pub fn output(command: &mut Command) -> String {
    try_output(command).unwrap_or_else(|complaint| panic!("{complaint}"))
}

/// As [`output`], with what a failed command says as the error.
pub fn try_output(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?} can't be run: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{command:?} failed, {}:\n{printed}{complaint}",
        output.status
    ))
}
