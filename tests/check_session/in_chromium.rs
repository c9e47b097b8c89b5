//! The page in Chromium.

use axum_user_session::config::{SameSite, SessionConfigBuilder};
use serde_json::json;

use crate::{
    journey::Journey,
    site::{CLIENT, Site},
    web_driver::Browser,
};

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_unchanged_and_changed_after_a_sign_out_in_another_tab() {
    at(Site::start(), true).where_cookies_are_allowed();
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_changed_after_an_administrators_revocation_on_the_next_request() {
    let mut journey = at(Site::start(), true);
    journey.sign_in();
    let state = journey.state(CLIENT);
    journey.open_client(CLIENT);
    journey.site.revoke("alice");
    assert_eq!(
        journey.ask_for(&state),
        "unchanged",
        "the browser knows nothing of it yet"
    );

    let client = journey.browser.window();
    journey.browser.open_tab();
    assert_eq!(journey.at_provider("/"), "nobody");
    journey.browser.switch_to(&client);
    assert_eq!(journey.ask_for(&state), "changed");
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_error_for_strangers_and_for_what_is_malformed() {
    at(Site::start(), true).errors();
}

/// Never an endless `changed`, after which a client would ask the provider again and again.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_error_where_the_browser_blocks_the_cookie() {
    at(Site::start(), false).where_cookies_are_blocked();
}

/// A cookie that is not for frames on other sites is as good as blocked there, whatever the browser's user allows.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_error_where_the_cookie_is_not_for_other_sites() {
    let site = Site::start_with(true, |it| it.session_id_cookie_same_site(SameSite::Lax));
    at(site, true).where_cookies_are_blocked();
}

/// As in development. There the browser has no SHA-256 for scripts.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_on_plain_http() {
    let site = Site::start_with(false, SessionConfigBuilder::insecure_http_for_development);
    let mut journey = at(site, false);
    journey.at_provider("/checksession");
    let there = journey.run("return [isSecureContext, !!crypto.subtle]", json!([]));
    assert_eq!(there, json!([false, false]));
    journey.where_cookies_are_blocked();
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_error_while_the_registry_is_away() {
    let mut journey = at(Site::start(), true);
    journey.sign_in();
    let state = journey.state(CLIENT);
    journey.site.lose_registry();
    journey.open_client(CLIENT);
    assert_eq!(journey.ask_for(&state), "error");
}

/// Once for a client and an origin, and without cookies.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_the_page_asks_once() {
    let mut journey = at(Site::start(), true);
    journey.sign_in();
    let state = journey.state(CLIENT);
    journey.open_client(CLIENT);
    for _ in 0..5 {
        assert_eq!(journey.ask_for(&state), "unchanged");
    }
    let port = journey.site.port;
    let question = format!("client_id=client1&origin=https%3A%2F%2Fclient.test%3A{port}");
    assert_eq!(journey.site.questions(), [(question, None)]);

    // Whoever invents clients is not asked for, and clients that are known still are.
    for number in 0..50 {
        assert_eq!(
            journey.ask(json!(format!("invented{number} {state}"))),
            "error"
        );
    }
    assert_eq!(journey.site.questions().len(), 8);
    assert_eq!(journey.ask_for(&state), "unchanged");
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_the_page_answers_only_in_a_frame() {
    let mut journey = at(Site::start(), true);
    let state = journey.state(CLIENT);
    journey.open_client(CLIENT);
    let script = "
        const popup = open(`${provider}/checksession`);
        const message = `client1 ${arguments[0]}`;
        let answered = false;
        answerOf(popup, message).then(() => { answered = true; });
        for (let time = 0; time < 20; time++) {
            popup.postMessage(message, provider);
            await new Promise((resolve) => setTimeout(resolve, 50));
        }
        return [popup.closed, answered, await ask(message)];
    ";
    assert_eq!(
        journey.run(script, json!([state])),
        json!([false, false, "unchanged"])
    );
}

/// In a sandbox the page has no origin, so neither cookies nor a server to ask.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_error_in_a_sandbox() {
    let mut journey = at(Site::start(), true);
    let state = journey.state(CLIENT);
    journey.open_client(CLIENT);
    let script = "
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-scripts';
        frame.src = `${provider}/checksession`;
        const loaded = new Promise((resolve) => { frame.onload = resolve; });
        document.body.append(frame);
        await loaded;
        const answer = new Promise((resolve) => {
            addEventListener('message', (event) => resolve([event.origin, event.data]));
        });
        frame.contentWindow.postMessage(`client1 ${arguments[0]}`, '*');
        return answer;
    ";
    let answer = journey.run(script, json!([state]));
    assert_eq!(answer, json!(["null", "error"]));
}

/// One of several cookies of the name will do, as for the server. Odd ones are no reason to fail.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_odd_cookies() {
    let mut journey = at(Site::start(), true);
    journey.sign_in();
    let state = journey.state(CLIENT);
    for cookie in [
        "idsrv.session=tossed; Path=/checksession",
        "idsrv.session2=a",
        "xidsrv.session=a",
        "IDSRV.SESSION=a",
        "other=idsrv.session=a",
        "%69dsrv.session=a",
        "umlaut=\u{e4}\"%\u{1F980}",
    ] {
        let set = "document.cookie = arguments[0] + '; Secure; SameSite=None'";
        journey.browser.run(set, &json!([cookie]));
    }
    journey.open_client(CLIENT);
    assert_eq!(journey.ask_for(&state), "unchanged");

    // Left alone with the tossed one.
    journey.at_provider("/");
    journey.browser.run(
        "document.cookie = 'idsrv.session=; Max-Age=0; Path=/; Secure'",
        &json!([]),
    );
    journey.open_client(CLIENT);
    assert_eq!(journey.ask_for(&state), "changed");
}

/// Nothing is left behind by looking whether cookies can be seen.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_the_probe_leaves_no_cookie() {
    let mut journey = at(Site::start(), true);
    let nobodys = journey.state(CLIENT);
    journey.open_client(CLIENT);
    assert_eq!(journey.ask_for(&nobodys), "unchanged");
    journey.at_provider("/");
    assert!(journey.browser.cookies().is_empty());
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o1_reference_vectors_in_the_browser() {
    let mut journey = at(Site::start(), true);
    journey.at_provider("/checksession");
    let salt = "00112233445566778899AABBCCDDEEFF";
    for (session, hash) in [
        (
            "0123456789ABCDEF0123456789ABCDEF",
            "P8XshELUpk9rL03Y52Fpeon5TRE03w7hHoJp_ZFPEz4",
        ),
        ("", "F897Bbl9naPY798d011wm44bbp_pK_0Lzxj62YWe248"),
    ] {
        // In a page that is no secure context there is no `crypto.subtle`.
        for (name, hide) in [
            ("the browser's own", ""),
            (
                "the fallback",
                "Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });",
            ),
        ] {
            let script = format!(
                "{hide}
                const there = !!crypto.subtle;
                const state = await stateOf(...arguments);
                delete crypto.subtle;
                return [there, state];"
            );
            let arguments = json!(["client1", "https://client1", session, salt]);
            let state = journey.run(&script, arguments);
            assert_eq!(
                state,
                json!([hide.is_empty(), format!("{hash}.{salt}")]),
                "{name}"
            );
        }
    }
}

#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o1_the_fallback_agrees_with_the_browser() {
    let mut journey = at(Site::start(), true);
    journey.at_provider("/checksession");
    let script = "
        const differing = [];
        for (let length = 0; length < 300; length++) {
            const bytes = crypto.getRandomValues(new Uint8Array(length));
            const expected = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
            if (expected.join() !== sha256(bytes).join()) {
                differing.push(length);
            }
        }
        return differing;
    ";
    assert_eq!(journey.run(script, json!([])), json!([]));
}

/// The application's own policy holds: nothing else runs in the page.
#[test]
#[ignore = "needs Chromium: bash tests/run.sh"]
fn o2_no_other_script_runs_in_the_page() {
    let mut journey = at(Site::start(), true);
    journey.at_provider("/checksession");
    let script = "
        try {
            const script = document.createElement('script');
            script.append('window.planted = true');
            document.head.append(script);
        } catch {
            // Its policy forbids even to try.
        }
        return window.planted === true;
    ";
    assert_eq!(journey.run(script, json!([])), false);
    assert_eq!(
        journey.browser.run("return typeof receive", &json!([])),
        "function"
    );
}

/// A browser whose user allows cookies in frames of other sites, or does not. Headless ones block them by default.
fn at(site: Site, third_party_cookies: bool) -> Journey<Browser> {
    let rules = "--host-resolver-rules=MAP *.test 127.0.0.1";
    let mode = if third_party_cookies { 0 } else { 1 };
    let preferences = json!({
        "profile.cookie_controls_mode": mode,
        "profile.block_third_party_cookies": !third_party_cookies,
    });
    let browser = Browser::start_with(&[rules, "--disable-popup-blocking"], preferences);
    Journey { browser, site }
}
