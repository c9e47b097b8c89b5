//! The lists of sessions, as somebody with a browser sees them.

use crate::{
    curl::Curl,
    in_a_browser::{heading, picture, signed_in},
    server::{Disk, Server},
};

/// The names in the list of a user's devices, and in the operator's.
const DEVICES: &str = "//li//strong";
const USERS: &str = "//tbody//th[@scope = 'row']/strong";

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn s11_signing_out_another_device() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let phone = Curl::signed_in(&disk, &server, "phone", "alice");
    let browser = signed_in(&server, "alice");

    browser.link("Your devices").follow();
    assert_eq!(heading(&browser), "Your devices");
    assert_eq!(browser.texts(DEVICES), ["Chrome on Linux", "curl"]);
    let this = "//li[.//*[. = 'This device']]//strong";
    assert_eq!(browser.texts(this), ["Chrome on Linux"]);
    picture(&browser, "devices");
    browser
        .find("//button[@aria-label = 'Sign out curl']")
        .follow();
    assert_eq!(browser.path(), "/sessions");
    assert_eq!(browser.texts(DEVICES), ["Chrome on Linux"]);
    assert_eq!(phone.session_id(&server), None);

    browser.button("Sign out").follow();
    assert_eq!(heading(&browser), "Nobody is signed in");
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn s11_signing_out_all_others_takes_two_clicks() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let others = ["phone", "tablet"].map(|jar| Curl::signed_in(&disk, &server, jar, "alice"));
    let browser = signed_in(&server, "alice");
    browser.link("Your devices").follow();

    let yes = "//button[. = 'Yes, sign out the others']";
    assert_eq!(browser.texts(yes), [""], "it does not show yet");
    browser.find("//summary").click();
    assert_eq!(browser.texts(yes), ["Yes, sign out the others"]);
    picture(&browser, "devices-all-others");
    browser.find(yes).follow();
    assert_eq!(browser.texts(DEVICES), ["Chrome on Linux"]);
    assert!(browser.texts(yes).is_empty(), "there are no others");
    for other in &others {
        assert_eq!(other.session_id(&server), None);
    }
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn s10_an_operator_searches_and_revokes() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let bob = Curl::signed_in(&disk, &server, "bob", "bob");
    let browser = signed_in(&server, "carol");

    browser.link("All sessions").follow();
    assert_eq!(browser.texts(USERS), ["Carol White", "Bob Jones"]);
    let this = "//tr[.//*[. = 'This device']]//strong";
    assert_eq!(browser.texts(this), ["Carol White"]);
    picture(&browser, "operator");
    browser.field("Name begins with").enter("BOB");
    browser.button("Search").follow();
    assert_eq!(browser.texts(USERS), ["Bob Jones"]);
    let button = "//button[@aria-label = 'Revoke a session of bob']";
    browser.find(button).follow();
    // The search is still there, and so may be the next one to revoke.
    assert_eq!(browser.path(), "/admin/sessions?name=BOB");
    assert_eq!(
        browser.texts("//section[2]//p"),
        ["No session matches this search."]
    );
    assert_eq!(bob.session_id(&server), None);
    picture(&browser, "operator-nothing-found");
    browser.link("Show all").follow();
    assert_eq!(browser.texts(USERS), ["Carol White"]);
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn s10_an_operator_revokes_all_sessions_of_a_user() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let bobs = ["phone", "tablet"].map(|jar| Curl::signed_in(&disk, &server, jar, "bob"));
    let browser = signed_in(&server, "carol");
    browser.open(&server.url("/admin/sessions"));
    assert!(browser.texts("//summary").is_empty(), "of nobody yet");
    browser.field("Subject, in full").enter("bob");
    browser.button("Search").follow();
    assert_eq!(browser.texts(USERS), ["Bob Jones", "Bob Jones"]);
    browser.find("//summary").click();
    picture(&browser, "operator-all-of-one");
    browser.button("Yes, revoke them all").follow();
    assert_eq!(browser.path(), "/admin/sessions?subject=bob");
    assert!(browser.texts(USERS).is_empty());
    for session in &bobs {
        assert_eq!(session.session_id(&server), None);
    }
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn a_search_that_can_not_be_made_says_what_is_wrong() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let browser = signed_in(&server, "carol");
    browser.open(&server.url("/admin/sessions"));
    browser.field("Session id, in full").enter("a b");
    browser.button("Search").follow();
    assert_eq!(browser.title(), "Error: All sessions – Example ID");
    let alert = browser.find("//*[@role = 'alert']").text();
    assert!(alert.starts_with("This can't be a session id"), "{alert}");
    assert_eq!(browser.focused().spoken(), "Session id, in full");
    assert_eq!(browser.focused().property("value"), "a b");
    picture(&browser, "operator-error");
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn s10_an_operator_turns_pages() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let browser = signed_in(&server, "carol");
    browser.open(&server.url("/admin/sessions?size=1"));
    assert!(
        browser.texts("//nav/a[@rel]").is_empty(),
        "there is one page"
    );
    Curl::signed_in(&disk, &server, "bob", "bob");
    browser.open(&server.url("/admin/sessions?size=1"));
    assert_eq!(browser.texts(USERS), ["Bob Jones"]);
    browser.link("Older").follow();
    assert_eq!(browser.texts(USERS), ["Carol White"]);
    browser.link("Newer").follow();
    assert_eq!(browser.texts(USERS), ["Bob Jones"]);
}
