//! What a user sees on the way from a client application and back, scripts switched off: then every page waits for a click.

use crate::{
    in_a_browser::{heading, picture},
    server::{Disk, Server},
    web_driver::Browser,
};

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o3_signing_in_choosing_an_account_and_signing_out_for_a_client() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let browser = Browser::start();

    let link = |parameters: &str| {
        server.url(&format!(
            "/connect/authorize?client_id=mail&redirect_uri=http://localhost:3002/callback.html&response_type=code\
             &scope=openid&code_challenge_method=S256&code_challenge={}&response_mode=form_post{parameters}",
            "a".repeat(43)
        ))
    };
    browser.open(&link("&login_hint=alice"));
    assert_eq!(heading(&browser), "Sign in");
    assert_eq!(browser.field("Username").property("value"), "alice");
    browser.field("Password").enter("alice");
    browser.button("Sign in").follow();
    assert_eq!(heading(&browser), "Back to the application");
    picture(&browser, "back-to-the-application");

    browser.open(&link("&prompt=select_account"));
    assert_eq!(heading(&browser), "Choose an account");
    picture(&browser, "choose-an-account");
    browser.find("//button[@class = 'account']").follow();
    assert_eq!(heading(&browser), "Back to the application");
    // It counts once.
    browser.open(&link("&prompt=select_account"));
    assert_eq!(heading(&browser), "Choose an account");

    let sign_out = server
        .url("/connect/endsession?client_id=mail&post_logout_redirect_uri=http://localhost:3002/");
    browser.open(&sign_out);
    assert_eq!(heading(&browser), "Do you want to sign out?");
    picture(&browser, "sign-out");
    browser.button("No, stay signed in").follow();
    assert_eq!(heading(&browser), "Alice Smith");
    browser.open(&sign_out);
    browser.button("Yes, sign out").follow();
    assert_eq!(heading(&browser), "You are signed out");
    assert_eq!(browser.texts("//main//li"), ["Mail"]);
    assert_eq!(
        browser.link("Go on to Mail").property("href"),
        "http://localhost:3002/"
    );
    picture(&browser, "signed-out");
    browser.link("Example ID").follow();
    assert_eq!(heading(&browser), "Nobody is signed in");
    assert!(browser.cookies().is_empty());
}
