//! The page in Chromium: frames load, and it goes on.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{
    site::{OWN, Site, Told},
    web_driver::Browser,
};

const LONG: Duration = Duration::from_secs(50);

fn with_scripts() -> Browser {
    Browser::start_with(&[], json!({}))
}

fn named(clients: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    let clients = clients.iter();
    clients
        .map(|(name, path)| ((*name).to_owned(), *path))
        .collect()
}

fn hosts(told: &[Told]) -> Vec<&str> {
    told.iter().map(|told| &*told.host).collect()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: bash tests/run.sh"]
async fn o4_the_page_goes_on_when_all_frames_have_loaded() {
    let clients = named(&[
        ("a", "/out?x=y"),
        ("b", "/out"),
        ("missing", "/missing"),
        ("redirecting", "/redirecting"),
    ]);
    let site = Site::serve(&clients, LONG).await;
    let browser = with_scripts();
    let began = Instant::now();
    browser.open(&site.address("/signed-out"));
    assert!(
        site.arrival().await - began < LONG / 2,
        "not by the time limit"
    );
    let told = site.told();
    // The redirect leads to an origin that no client has.
    assert_eq!(
        hosts(&told),
        ["a.localhost", "b.localhost", "redirecting.localhost"]
    );
    let session = format!(
        "iss=http%3A%2F%2Flocalhost%3A{}&sid=0123ABC",
        site.address("").rsplit(':').next().unwrap()
    );
    assert_eq!(told[0].query, format!("x=y&{session}"));
    assert_eq!(told[1].query, session);
    assert!(told.iter().all(|told| told.referer.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: bash tests/run.sh"]
async fn o4_the_page_goes_on_when_the_time_is_over() {
    let limit = Duration::from_secs(2);
    let clients = named(&[("a", "/out"), ("b", "/hanging")]);
    let site = Site::serve(&clients, limit).await;
    let browser = with_scripts();
    let began = Instant::now();
    browser.open(&site.address("/signed-out"));
    assert!(site.arrival().await - began >= limit);
    assert_eq!(hosts(&site.told()), ["a.localhost", "b.localhost"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: bash tests/run.sh"]
async fn o4_without_scripts_the_page_goes_on_as_well() {
    let limit = Duration::from_secs(2);
    let site = Site::serve(&named(&[("a", "/out"), ("b", "/out")]), limit).await;
    let browser = Browser::start();
    browser.open(&site.address("/signed-out"));
    site.arrival().await;
    assert_eq!(hosts(&site.told()), ["a.localhost", "b.localhost"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: bash tests/run.sh"]
async fn o4_a_frame_can_not_lead_the_page_away() {
    // Chromium itself stops a frame of another site, and leaves one of the page's own site to the sandbox.
    let clients = named(&[(OWN, "/breaking-out"), ("evil", "/breaking-out")]);
    let site = Site::serve(&clients, LONG).await;
    let browser = with_scripts();
    browser.open(&site.address("/signed-out"));
    site.arrival().await;
    // Had a frame its way, there would be a request for the other page.
    assert_eq!(hosts(&site.told()), ["evil.localhost", "localhost"]);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Chromium: bash tests/run.sh"]
async fn o4_a_list_of_origins_in_the_page_counts_as_well() {
    // Long names, because each is a process of the browser.
    let name = |n| format!("client{n}-with-a-name-that-is-about-as-long-as-one-can-be-in-dns");
    let mut clients: Vec<_> = (10..38).map(|n| (name(n), "/out")).collect();
    clients.push(("redirecting".to_owned(), "/redirecting"));
    let site = Site::serve(&clients, LONG).await;
    let browser = with_scripts();
    browser.open(&site.address("/signed-out"));
    site.arrival().await;
    let expected: Vec<_> = clients
        .iter()
        .map(|(name, _)| format!("{name}.localhost"))
        .collect();
    assert_eq!(hosts(&site.told()), expected);
}
