//! Writes the fixtures of a release. They are never written again.
//!
//! Identifiers and times are the same whenever this runs; keys and what is sealed are not.

mod claims;
mod cookies;
mod items;
mod keys;
mod scene;
mod sessions;

use std::env;

use crate::{
    completeness::digests,
    fixtures::{DIGESTS, Version},
    stores::{PostgresPlace, RedisPlace, SqlitePlace},
};

/// `WRITE_FIXTURES=v2 cargo test --all-features --test upgrade -- --ignored write_fixtures`
#[tokio::test]
#[ignore = "writes files: WRITE_FIXTURES=vN, and needs PostgreSQL and Redis: bash tests/run.sh"]
async fn write_fixtures() {
    // All ignored tests are run where there are servers; this one only if it is asked for.
    let Ok(name) = env::var("WRITE_FIXTURES") else {
        return;
    };
    let digits = name.strip_prefix('v').filter(|number| !number.is_empty());
    let plain = digits.is_some_and(|number| number.bytes().all(|digit| digit.is_ascii_digit()));
    assert!(plain, "a version is named `v` and a number, not `{name}`");

    let version = Version::new(&name);
    version.write("README.md", &about());
    keys::write(&version);
    items::write(&version).await;
    cookies::write(&version).await;
    sessions::write::<SqlitePlace>(&version).await;
    sessions::write::<PostgresPlace>(&version).await;
    sessions::write::<RedisPlace>(&version).await;
    version.write(DIGESTS, &digests(&version));
}

#[test]
#[should_panic(expected = "never written again")]
fn a_version_that_is_there_is_not_written_again() {
    Version::new(&Version::all()[0].name());
}

fn about() -> String {
    format!(
        "Written by axum-user-session {} with `tests/upgrade/write`, and not to be changed.\n\n\
         The keys are for these files alone. They have protected nothing, and must never protect anything.\n",
        env!("CARGO_PKG_VERSION")
    )
}
