//! What somebody with a browser sees, scripts switched off. The pictures go to `screenshots` in cargo's target folder.

use std::fs;

use crate::{
    server::{self, Disk, Server},
    web_driver::{Browser, Look},
};

const LOOKS: [Look; 3] = [
    Look {
        name: "dark",
        width: 1000,
        scheme: "dark",
    },
    Look {
        name: "narrow",
        width: 360,
        scheme: "light",
    },
    Look {
        name: "light",
        width: 1000,
        scheme: "light",
    },
];

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn signing_in_adding_a_client_and_signing_out() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let browser = Browser::start();

    browser.open("data:text/html,<title>no</title><script>document.title = 'yes'</script>");
    assert_eq!(browser.title(), "no", "scripts are off");

    browser.open(&server.url("/"));
    assert_eq!(heading(&browser), "Nobody is signed in");
    picture(&browser, "welcome");
    browser.link("Sign in").follow();
    assert_eq!(browser.path(), "/login");
    assert_eq!(browser.focused().spoken(), "Username");
    picture(&browser, "login");

    browser.focused().enter("alice");
    browser.field("Password").enter("wrong");
    browser
        .field("Stay signed in when the browser closes")
        .click();
    browser.button("Sign in").follow();
    let alert = browser.find("//*[@role = 'alert']").text();
    assert_eq!(alert, "The username or the password is wrong.");
    assert_eq!(browser.title(), "Error: Sign in – Example ID");
    assert_eq!(browser.field("Username").property("value"), "alice");
    assert_eq!(browser.focused().spoken(), "Password");
    assert_eq!(browser.focused().property("value"), "");
    picture(&browser, "login-failed");

    browser.focused().enter("alice");
    browser.button("Sign in").follow();
    assert_eq!(browser.path(), "/");
    assert_eq!(heading(&browser), "Alice Smith");
    for (name, http_only) in [("idsrv", true), ("idsrv.session", false)] {
        let cookies = browser.cookies();
        let cookie = cookies.iter().find(|cookie| cookie["name"] == name);
        let cookie = cookie.expect("she is signed in");
        assert_eq!(cookie["httpOnly"], http_only, "{name}");
        assert_eq!(cookie["sameSite"], "Lax", "{name}");
        // She wants to be remembered, and a browser keeps that only with an expiry.
        assert_eq!(cookie.get("expiry").is_some(), name == "idsrv", "{name}");
    }

    for client in ["orders", "billing"] {
        browser.field("Client id").enter(client);
        browser.button("Add client").follow();
        assert_eq!(browser.path(), "/");
    }
    assert_eq!(browser.texts("//ol/li"), ["orders", "billing"]);
    picture(&browser, "home");

    browser.link("Your account").follow();
    assert_eq!(heading(&browser), "Your account");
    picture(&browser, "account");
    browser.open(&server.url("/login?return_url=/account&prompt=login"));
    assert_eq!(browser.focused().spoken(), "Password");
    picture(&browser, "login-again");
    browser.open(&server.url("/nowhere"));
    assert_eq!(heading(&browser), "Page not found");
    picture(&browser, "not-found");

    browser.link("Example ID").follow();
    browser.button("Sign out").follow();
    assert_eq!(heading(&browser), "Nobody is signed in");
    assert!(browser.cookies().is_empty());
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn c21_a_sign_out_from_cookies_alone_leaves_but_the_mark_of_an_end() {
    let disk = Disk::new();
    let server = Server::with_database(&disk, "none");
    let browser = signed_in(&server, "alice");
    browser.button("Sign out").follow();
    assert_eq!(heading(&browser), "Nobody is signed in");
    let cookies = browser.cookies();
    assert!(
        !cookies.is_empty(),
        "a late response must not bring her back"
    );
    for cookie in cookies {
        let name = cookie["name"].as_str().expect("a name");
        assert!(name.starts_with("idsrv.e"), "{name}");
    }
}

/// A browser in which somebody has signed in.
pub(crate) fn signed_in(server: &Server, user: &str) -> Browser {
    let browser = Browser::start();
    browser.open(&server.url("/login"));
    browser.field("Username").enter(user);
    browser.field("Password").enter(user);
    browser.button("Sign in").follow();
    browser
}

pub(crate) fn heading(browser: &Browser) -> String {
    browser.find("//h1").text()
}

/// A page as everybody sees it. Nobody should have to scroll sideways.
pub(crate) fn picture(browser: &Browser, page: &str) {
    let profile = server::target();
    let folder = profile
        .parent()
        .expect("a profile's folder is in the target folder")
        .join("screenshots");
    fs::create_dir_all(&folder).expect("cargo's folder can be written to");
    for look in LOOKS {
        browser.look(look);
        let width = browser.page_width();
        assert!(
            width <= f64::from(look.width),
            "{page}, {}: {width}",
            look.name
        );
        browser.screenshot(&folder.join(format!("{page}-{}.png", look.name)));
    }
}
