//! What the guide says is true: its tables have no empty cell, each test that they name is there, and so are the limits that it admits.

mod support;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use axum_user_session::{
    KeyRing,
    store::{MemoryStore, SessionStore},
};

use crate::support::{AUTH, HOUR, Lab, MINUTE, is_expired};

/// OWASP ASVS 5.0: all of chapter 7 and of sections 3.3 and 3.5, and two more.
const SECTIONS: [(&str, u32); 8] = [
    ("7.1", 3),
    ("7.2", 4),
    ("7.3", 2),
    ("7.4", 5),
    ("7.5", 3),
    ("7.6", 2),
    ("3.3", 5),
    ("3.5", 8),
];

#[test]
fn the_asvs_table_has_each_requirement_once() {
    let all = SECTIONS
        .iter()
        .flat_map(|(section, count)| (1..=*count).map(move |number| format!("{section}.{number}")));
    let expected: Vec<String> = all.chain(["3.7.2", "10.6.2"].map(str::to_owned)).collect();
    let found: Vec<String> = requirements().into_iter().map(|row| row.number).collect();
    assert_eq!(found, expected);
}

#[test]
fn the_asvs_table_names_tests_that_are_there() {
    let tests = tests();
    for row in requirements() {
        let named: Vec<&str> = code_spans(&row.shown_by).collect();
        assert!(!named.is_empty(), "{} names no test", row.number);
        let listed = format!("`{}`", named.join("`, `"));
        assert_eq!(
            row.shown_by, listed,
            "{}: tests, and nothing else",
            row.number
        );
        for name in named {
            assert!(
                tests.contains(name),
                "{}: there is no test {name}",
                row.number
            );
        }
    }
}

#[test]
fn no_table_lacks_a_cell() {
    for (page, text) in pages() {
        let mut columns = None;
        for line in text.lines() {
            let Some(cells) = cells(line) else {
                columns = None;
                continue;
            };
            let expected = *columns.get_or_insert(cells.len());
            assert_eq!(cells.len(), expected, "{page}: {line}");
        }
    }
    for row in requirements() {
        for cell in [&row.asks_for, &row.met_by, &row.shown_by] {
            assert!(!cell.is_empty(), "{} has an empty cell", row.number);
        }
    }
}

#[test]
fn each_way_to_end_a_session_is_told() {
    let life = page("life_of_a_session");
    let source = read(&root().join("src/ended.rs"));
    let (_, all) = source.split_once("const ALL").expect("the list of reasons");
    let (all, _) = all.split_once("];").expect("its end");
    let reasons: Vec<&str> = all.split("Self::").skip(1).collect();
    assert!(!reasons.is_empty());
    for reason in reasons {
        let reason = reason.split(',').next().unwrap_or_default();
        assert!(life.contains(&format!("| `{reason}` |")), "{reason}");
    }
}

#[test]
fn each_page_is_in_the_overview() {
    let overview = read(&root().join("src/guide/mod.rs"));
    for (page, text) in pages() {
        assert!(overview.contains(&format!("| [`{page}`] |")), "{page}");
        assert!(overview.contains(&format!("pub mod {page} {{}}")), "{page}");
        let first = text.lines().next().unwrap_or_default();
        let sentence = !first.starts_with('#') && first.ends_with('.');
        assert!(sentence, "{page} begins with a sentence: it is the summary");
    }
}

/// `choosing`: a release with a store and one without must not serve one cookie at the same time.
#[tokio::test]
async fn going_over_to_a_store_or_back_signs_out() {
    let ring = KeyRing::ephemeral();
    let store = MemoryStore::new(10);
    let cookies_alone = || Lab::with_ring(ring.clone(), |config| config);
    let with = |store: MemoryStore| Lab::with_ring(ring.clone(), |config| config.store(store));
    for (name, mut before, mut after) in [
        ("to a store", cookies_alone(), with(store.clone())),
        ("back", with(store.clone()), cookies_alone()),
        ("to another store", with(store), with(MemoryStore::new(10))),
    ] {
        before.sign_in("alice").await;
        let cookie = before.browser.cookie(AUTH).unwrap();
        after.browser.plant(AUTH, cookie);
        let (seen, page) = after.look().await;
        assert_eq!(seen, "nobody", "{name}");
        assert!(is_expired(&page, AUTH), "{name}");
    }
}

/// `choosing`: a session has the lifetime of its sign-in.
#[tokio::test]
async fn another_lifetime_signs_nobody_out() {
    let ring = KeyRing::ephemeral();
    let mut before = Lab::with_ring(ring.clone(), |config| config);
    let mut after = Lab::with_ring(ring, |config| config.lifetime(HOUR));
    before.sign_in("alice").await;
    after
        .browser
        .plant(AUTH, before.browser.cookie(AUTH).unwrap());
    after.clock.advance(9 * HOUR);
    assert_eq!(after.seen().await, "alice []");
}

/// `threat_model`: who can write to the store, and has the cookie, revives a session that had ended.
#[tokio::test]
async fn a_record_that_is_put_back_is_a_session_which_the_guide_admits() {
    let (mut lab, bench) = Lab::in_store();
    lab.sign_in("alice").await;
    let record = bench.records(lab.now()).await.remove(0);
    let cookie = lab.browser.cookie(AUTH).unwrap().to_owned();
    lab.sign_out().await;
    lab.clock.advance(2 * MINUTE);
    lab.browser.plant(AUTH, &cookie);
    assert_eq!(lab.seen().await, "nobody");

    bench.store.create(&record, None, lab.now()).await.unwrap();
    lab.browser.plant(AUTH, &cookie);
    assert_eq!(lab.seen().await, "alice []");
    lab.clock.advance(24 * HOUR);
    assert_eq!(lab.seen().await, "nobody");
}

struct Requirement {
    number: String,
    asks_for: String,
    met_by: String,
    shown_by: String,
}

/// The rows of the ASVS table: those whose first cell is a number.
fn requirements() -> Vec<Requirement> {
    let page = page("threat_model");
    let rows = page.lines().filter_map(cells);
    let requirements = rows.filter(|cells| is_number(&cells[0]));
    requirements
        .map(|cells| {
            let [number, asks_for, met_by, shown_by] =
                <[String; 4]>::try_from(cells).expect("four columns");
            Requirement {
                number,
                asks_for,
                met_by,
                shown_by,
            }
        })
        .collect()
}

fn is_number(cell: &str) -> bool {
    cell.starts_with(|c: char| c.is_ascii_digit()) && cell.contains('.')
}

/// The cells of a table's row, or none if the line is no row.
fn cells(line: &str) -> Option<Vec<String>> {
    let inner = line.strip_prefix('|')?.strip_suffix('|')?;
    Some(
        inner
            .split('|')
            .map(|cell| cell.trim().to_owned())
            .collect(),
    )
}

fn code_spans(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The functions of `tests/` and `src/` that are tests.
fn tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    for folder in ["tests", "src"] {
        sources(&root().join(folder), &mut files);
    }
    let mut tests = BTreeSet::new();
    for file in files {
        let text = read(&file);
        let mut lines = text.lines().map(str::trim);
        while let Some(line) = lines.next() {
            if line.starts_with("#[test]") || line.starts_with("#[tokio::test") {
                let function = lines.find(|line| line.contains("fn "));
                let name = function.and_then(|line| line.split("fn ").nth(1));
                let name = name.and_then(|rest| rest.split(['(', '<']).next());
                tests.extend(name.map(str::to_owned));
            }
        }
    }
    tests
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn pages() -> Vec<(String, String)> {
    let entries = fs::read_dir(root().join("src/guide")).unwrap();
    let files = entries.map(|entry| entry.unwrap().path());
    let pages = files.filter(|path| path.extension().is_some_and(|extension| extension == "md"));
    pages
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let text = page(&name);
            (name, text)
        })
        .collect()
}

/// A page without its comments, which readers don't see.
fn page(name: &str) -> String {
    let text = read(&root().join(format!("src/guide/{name}.md")));
    let mut seen = String::new();
    for (place, part) in text.split("<!--").enumerate() {
        match place {
            0 => seen.push_str(part),
            _ => seen.push_str(part.split_once("-->").expect("the comment ends").1),
        }
    }
    seen
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
