//! The files, and which tests read them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::seen::{Listed, ListedDelivery, Seen, ToldEnd};

/// What one release has written.
#[derive(Clone, Debug)]
pub(crate) struct Version {
    folder: PathBuf,
}

/// What a file is, which decides who reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// For people: where the others come from.
    About,
    /// The digests of all others.
    Digests,
    Keys,
    Items,
    Cookies,
    /// What a store holds, in words of its own.
    Content,
    /// What there is to see in it.
    Sessions,
}

impl Kind {
    /// None for a file that nobody reads.
    pub(crate) fn of(path: &str) -> Option<Self> {
        Some(match path {
            "README.md" => Self::About,
            DIGESTS => Self::Digests,
            KEYS => Self::Keys,
            ITEMS => Self::Items,
            "sqlite.sql" | "postgres.sql" | "redis.txt" => Self::Content,
            "sqlite.json" | "postgres.json" | "redis.json" => Self::Sessions,
            other if other.starts_with("cookies/") && other.ends_with(".json") => Self::Cookies,
            _ => return None,
        })
    }
}

impl Version {
    /// All that there are. Each is read by every test.
    pub(crate) fn all() -> Vec<Self> {
        let mut folders = entries(&root());
        folders.retain(|entry| entry.is_dir());
        assert!(!folders.is_empty(), "there are no fixtures");
        let version = |folder| Self { folder };
        folders.into_iter().map(version).collect()
    }

    /// The place for one that is yet to be written.
    pub(crate) fn new(name: &str) -> Self {
        let folder = root().join(name);
        assert!(
            !folder.exists(),
            "{name} is there: what a release has written is never written again"
        );
        Self { folder }
    }

    pub(crate) fn name(&self) -> String {
        let name = self.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The paths of all files, in alphabetical order.
    pub(crate) fn paths(&self) -> Vec<String> {
        let mut paths = Vec::new();
        let mut folders = vec![self.folder.clone()];
        while let Some(folder) = folders.pop() {
            for entry in entries(&folder) {
                if entry.is_dir() {
                    folders.push(entry);
                    continue;
                }
                let path = entry.strip_prefix(&self.folder).unwrap();
                paths.push(path.to_str().unwrap().to_owned());
            }
        }
        paths.sort();
        paths
    }

    /// Those of one kind.
    pub(crate) fn paths_of(&self, kind: Kind) -> Vec<String> {
        let mut paths = self.paths();
        paths.retain(|path| Kind::of(path) == Some(kind));
        paths
    }

    pub(crate) fn text(&self, path: &str) -> String {
        let path = self.folder.join(path);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub(crate) fn json<T: DeserializeOwned>(&self, path: &str) -> T {
        let read = serde_json::from_str(&self.text(path));
        read.unwrap_or_else(|error| panic!("{}, {path}: {error}", self.name()))
    }

    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.folder.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(crate) fn write_json(&self, path: &str, value: &impl Serialize) {
        let text = serde_json::to_string_pretty(value).unwrap();
        self.write(path, &(text + "\n"));
    }
}

/// A browser's cookies, and who is signed in with them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Cookies {
    pub(crate) about: String,
    /// When the browser comes with them.
    pub(crate) at_ms: u64,
    pub(crate) cookies: BTreeMap<String, String>,
    /// None: nobody.
    pub(crate) seen: Option<Seen>,
}

/// What there is to see in a store.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Sessions {
    pub(crate) at_ms: u64,
    pub(crate) browsers: BTreeMap<String, Cookies>,
    /// All sessions, newest first.
    pub(crate) listed: Vec<Listed>,
    pub(crate) pages: Vec<Page>,
    /// What has ended, and nobody has dealt with.
    pub(crate) ends: Vec<ToldEnd>,
    /// What clients are to be told, newest first. Version 1 had no outbox.
    #[serde(default)]
    pub(crate) deliveries: Vec<ListedDelivery>,
}

/// A page of a list that an administrator was looking at.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Page {
    pub(crate) list: List,
    pub(crate) size: usize,
    pub(crate) token: String,
    /// The session ids on it.
    pub(crate) sessions: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum List {
    Everyone,
    Subject(String),
    NameBeginsWith(String),
}

/// Properties as the items that a host has put into a form.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Items {
    pub(crate) about: String,
    pub(crate) items: BTreeMap<String, String>,
    pub(crate) session_id: Option<String>,
    pub(crate) clients: Vec<String>,
    pub(crate) own: BTreeMap<String, String>,
}

pub(crate) fn time(millis: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(millis)
}

pub(crate) fn millis(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(since.as_millis()).unwrap()
}

pub(crate) fn root() -> PathBuf {
    crate_root().join("tests/upgrade/fixtures")
}

pub(crate) fn crate_root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

pub(crate) const KEYS: &str = "test_keys.json";
pub(crate) const ITEMS: &str = "items.json";
pub(crate) const DIGESTS: &str = "SHA256SUMS";
