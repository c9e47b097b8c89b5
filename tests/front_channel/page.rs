//! What stands in the page and in its headers.

use std::{collections::HashSet, time::Duration};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Router,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::get,
};
use axum_user_session::{
    ended::{EndReason, Ended, EventId},
    error::BoxError,
    id::{ClientId, SessionId},
    oidc::{
        Client, ClientRegistry, FixedClients,
        front_channel::{FrontChannelLogout, FrontChannelPage},
    },
    return_url::ReturnUrl,
    testing::{Browser, Page},
};
use base64::{Engine, prelude::BASE64_STANDARD};

use crate::support::start;

const ISSUER: &str = "https://id.example";

fn ended(clients: impl IntoIterator<Item = impl AsRef<str>>) -> Ended {
    let session_id = SessionId::parse("0123ABC").unwrap();
    let event = EventId::new([1; 16]);
    let mut ended = Ended::new(event, "alice", session_id, EndReason::SignOut, start());
    ended.issuer = Some(ISSUER.to_owned());
    ended.clients = clients
        .into_iter()
        .map(|id| ClientId::parse(id.as_ref()).unwrap())
        .collect();
    ended
}

fn client(id: &str, uri: &str) -> Client {
    let client = Client::builder(id).front_channel_logout_uri(uri, true);
    client.build().unwrap()
}

fn logout(clients: impl IntoIterator<Item = Client>) -> FrontChannelLogout {
    FrontChannelLogout::new(clients.into_iter().collect::<FixedClients>())
}

/// As it comes to the browser.
async fn shown(page: FrontChannelPage) -> Page {
    let page = get(move || async move { page.clone().into_response() as Response });
    Browser::new(Router::new().route("/", page)).get("/").await
}

/// What stands between two texts, each time.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Vec<&'a str> {
    let parts = text.split(before).skip(1);
    parts
        .filter_map(|part| Some(part.split_once(after)?.0))
        .collect()
}

fn unescaped(text: &str) -> String {
    text.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&")
}

#[tokio::test]
async fn o4_each_client_of_the_session_has_a_frame() {
    let clients = [
        client("b", "https://b.example/out?x=y"),
        client("a", "https://a.example/out"),
        client("another", "https://another.example/out"),
        Client::builder("silent").build().unwrap(),
    ];
    let page = logout(clients)
        .page(Some(&ended(["a", "gone", "silent", "b"])))
        .await;
    let frames: Vec<_> = page
        .frames()
        .iter()
        .map(|frame| (frame.client.as_str(), &*frame.uri))
        .collect();
    let a = "https://a.example/out?iss=https%3A%2F%2Fid.example&sid=0123ABC";
    let b = "https://b.example/out?x=y&iss=https%3A%2F%2Fid.example&sid=0123ABC";
    assert_eq!(frames, [("a", a), ("b", b)]);
    assert_eq!(
        page.frame_src(),
        "frame-src https://a.example https://b.example"
    );

    let shown = shown(page).await;
    assert_eq!(shown.status, StatusCode::OK);
    let sources = between(&shown.body, "<iframe src=\"", "\"");
    let sources: Vec<_> = sources.into_iter().map(unescaped).collect();
    assert_eq!(sources, [a, b]);
}

#[tokio::test]
async fn o4_the_policy_lets_through_what_the_page_needs_and_nothing_else() {
    let clients = [
        client("a", "https://a.example/1"),
        client("b", "https://a.example/2"),
        client("c", "https://c.example:8443/"),
    ];
    let page = logout(clients).page(Some(&ended(["a", "b", "c"]))).await;
    let shown = shown(page).await;
    let hash = |tag: &str| {
        let [text] = between(&shown.body, &format!("<{tag}>"), &format!("</{tag}>"))[..] else {
            panic!("one {tag}");
        };
        BASE64_STANDARD.encode(digest(&SHA256, text.as_bytes()))
    };
    let expected = format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'; frame-src https://a.example https://c.example:8443",
        hash("script"),
        hash("style")
    );
    assert_eq!(shown.header("content-security-policy"), Some(&*expected));
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    assert_eq!(shown.header("referrer-policy"), Some("no-referrer"));
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(
        shown.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for inline in [" style=", " onload=", " onclick=", "javascript:"] {
        assert!(!shown.body.contains(inline), "{inline}");
    }
}

#[tokio::test]
async fn o4_a_thousand_clients_make_no_long_header() {
    let id = |n: usize| format!("client{n}");
    let clients =
        (0..1000).map(|n| client(&id(n), &format!("https://client{n}.example/out?n={n}")));
    let page = logout(clients).page(Some(&ended((0..1000).map(id)))).await;
    assert_eq!(page.frames().len(), 1000);
    let shown = shown(page).await;
    let header = shown.header("content-security-policy").unwrap();
    assert!(header.len() < 400, "{}", header.len());
    assert!(header.ends_with("; frame-src https: http:"), "{header}");
    let all: usize = shown
        .headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum();
    assert!(all < 800, "{all}");

    // The whole list stands in the page, in front of the first frame.
    let start = "<meta http-equiv=\"Content-Security-Policy\" content=\"frame-src ";
    let [list] = between(&shown.body, start, "\"")[..] else {
        panic!("one list");
    };
    let list: HashSet<_> = list.split(' ').collect();
    assert_eq!(list.len(), 1000);
    assert!(list.contains("https://client999.example"));
    assert!(shown.body.find(start) < shown.body.find("<title>"));
    assert_eq!(between(&shown.body, "<iframe ", ">").len(), 1000);
    assert!(shown.body.len() < 300 * 1024, "{}", shown.body.len());
}

#[tokio::test]
async fn o4_nothing_of_a_client_is_markup() {
    let names = [
        "</title><script>alert(1)</script>",
        "\" onload=\"alert(1)",
        "' onload='alert(1)",
        "<img src=x onerror=alert(1)>",
        "--><script>alert(1)</script>",
        "&lt;script&gt;",
        "</iframe><script>alert(1)</script>",
        "\u{202e}evil",
        "a\0b",
        "{{7*7}}",
        "</script><script>alert(1)</script>",
    ];
    for name in names {
        let client = Client::builder("c")
            .name(name)
            .front_channel_logout_uri("https://a.example/", false)
            .build()
            .unwrap();
        let page = logout([client]).page(Some(&ended(["c"]))).await;
        assert_eq!(page.frames()[0].name, name);
        let shown = shown(page).await;
        assert_unharmed(&shown, name);
        let [title] = between(&shown.body, " title=\"", "\"")[..] else {
            panic!("one title: {name}");
        };
        assert_eq!(unescaped(title), name);
    }
    let uris = [
        "https://a.example/\"><script>alert(1)</script>",
        "https://a.example/'onload='alert(1)",
        "https://a.example/?x=</iframe><script>alert(1)</script>",
        "https://a.example/?&lt;script&gt;",
        "https://a.example/?a=b&copy=c&amp;d",
        "https://a.example/</script><script>alert(1)</script>",
        "https://a.example/?javascript:alert(1)",
        "https://a.example/`${alert(1)}`",
        "https://a.example/;script-src*,*",
    ];
    for uri in uris {
        let page = logout([client("c", uri)]).page(Some(&ended(["c"]))).await;
        let shown = shown(page).await;
        assert_unharmed(&shown, uri);
        let [source] = between(&shown.body, "<iframe src=\"", "\"")[..] else {
            panic!("one frame: {uri}");
        };
        assert!(unescaped(source).starts_with(uri), "{uri}");
        let policy = shown.header("content-security-policy").unwrap();
        assert!(
            policy.ends_with("; frame-src https://a.example"),
            "{policy}"
        );
    }
    let ids = ["<script>alert(1)</script>", "\"><script>alert(1)</script>"];
    for id in ids {
        let page = logout([client(id, "https://a.example/")])
            .page(Some(&ended([id])))
            .await;
        assert_unharmed(&shown(page).await, id);
    }
    for uri in [
        "/a\"><script>alert(1)</script>",
        "/a'b",
        "/<b>",
        "/a?b=c&amp;d",
    ] {
        let uri = ReturnUrl::parse(uri).unwrap();
        let logout = logout([client("c", "https://a.example/")]);
        let page = logout.page(Some(&ended(["c"]))).await;
        let page = page.then_return(&uri);
        let shown = shown(page).await;
        assert_unharmed(&shown, uri.as_str());
        let [link] = between(&shown.body, "id=\"next\" href=\"", "\"")[..] else {
            panic!("one link");
        };
        assert_eq!(unescaped(link), uri.as_str());
    }
}

/// The page has its own tags and no others, and no attribute but its own.
fn assert_unharmed(page: &Page, name: &str) {
    let tags: Vec<_> = between(&page.body, "<", ">")
        .into_iter()
        .map(|tag| tag.split([' ', '\n']).next().unwrap())
        .collect();
    let own = [
        "!DOCTYPE",
        "html",
        "head",
        "meta",
        "title",
        "/title",
        "noscript",
        "/noscript",
        "style",
        "/style",
        "/head",
        "body",
        "main",
        "h1",
        "/h1",
        "p",
        "/p",
        "a",
        "/a",
        "/main",
        "iframe",
        "/iframe",
        "script",
        "/script",
        "/body",
        "/html",
    ];
    for tag in &tags {
        assert!(own.contains(tag), "{name}: <{tag}>");
    }
    let scripts = tags.iter().filter(|tag| **tag == "script").count();
    assert_eq!(scripts, 1, "{name}");
    for attributes in between(&page.body, "<iframe ", ">") {
        let quotes = attributes.matches('"').count();
        // src, title, sandbox, aria-hidden, tabindex
        assert_eq!(quotes, 10, "{name}: {attributes}");
        assert!(!attributes.contains('\''), "{name}: {attributes}");
    }
}

#[tokio::test]
async fn o4_without_scripts_the_page_goes_on_after_the_time_limit() {
    let logout =
        logout([client("a", "https://a.example/")]).time_limit(Duration::from_millis(2500));
    let page = logout.page(Some(&ended(["a"]))).await;
    assert_eq!(page.time_limit(), Duration::from_millis(2500));
    assert_eq!(page.next(), None);
    let stays = shown(page.clone()).await;
    assert!(!stays.body.contains("http-equiv=\"refresh\""));
    assert!(!stays.body.contains("href="));

    let page = page.then_return(&ReturnUrl::parse("/goodbye?a=b&c=d").unwrap());
    assert_eq!(page.next(), Some("/goodbye?a=b&c=d"));
    let goes_on = shown(page).await;
    let refresh = "<noscript><meta http-equiv=\"refresh\" content=\"3; url=/goodbye?a=b&amp;c=d\"></noscript>";
    assert!(goes_on.body.contains(refresh), "{}", goes_on.body);
    assert!(
        goes_on
            .body
            .contains("<a id=\"next\" href=\"/goodbye?a=b&amp;c=d\">Continue</a>")
    );
    assert!(goes_on.body.contains("data-time-limit=\"2500\""));
}

/// Browsers count up to 31 bits of milliseconds, and begin anew.
#[tokio::test]
async fn o4_the_time_limit_is_one_that_a_browser_keeps() {
    for (name, asked, kept) in [
        ("at once", Duration::ZERO, Duration::ZERO),
        ("a minute", Duration::from_secs(60), Duration::from_secs(60)),
        (
            "a month",
            Duration::from_secs(31 * 24 * 3600),
            Duration::from_secs(60),
        ),
        ("for ever", Duration::MAX, Duration::from_secs(60)),
    ] {
        let logout = logout([client("a", "https://a.example/")]).time_limit(asked);
        let page = logout.page(Some(&ended(["a"]))).await;
        assert_eq!(page.time_limit(), kept, "{name}");
        let expected = format!("data-time-limit=\"{}\"", kept.as_millis());
        assert!(shown(page).await.body.contains(&expected), "{name}");
    }
}

#[tokio::test]
async fn o4_a_session_without_issuer_tells_only_clients_that_do_not_mind() {
    let strict = client("strict", "https://strict.example/");
    let easy = Client::builder("easy").front_channel_logout_uri("https://easy.example/", false);
    let mut ended = ended(["strict", "easy"]);
    ended.issuer = None;
    let page = logout([strict, easy.build().unwrap()])
        .page(Some(&ended))
        .await;
    let uris: Vec<_> = page.frames().iter().map(|frame| &*frame.uri).collect();
    assert_eq!(uris, ["https://easy.example/"]);
}

#[tokio::test]
async fn o4_a_session_that_was_over_already_has_no_frames() {
    let page = logout([client("a", "https://a.example/")]).page(None).await;
    let shown = shown(page).await;
    assert!(!shown.body.contains("<iframe"));
    let policy = shown.header("content-security-policy").unwrap();
    assert!(policy.ends_with("; frame-src 'none'"), "{policy}");
}

#[tokio::test]
async fn o4_with_nobody_to_tell_the_page_is_a_redirect() {
    let next = ReturnUrl::parse("/goodbye").unwrap();
    let page = logout([]).page(Some(&ended(["gone"]))).await;
    let shown = shown(page.then_return(&next)).await;
    assert_eq!(shown.status, StatusCode::SEE_OTHER);
    assert_eq!(shown.header("location"), Some("/goodbye"));
    assert_eq!(shown.header("cache-control"), Some("no-store"));
    assert_eq!(shown.body, "");
}

/// A database that has no answer for some.
struct Away;

impl ClientRegistry for Away {
    async fn client(&self, id: &ClientId) -> Result<Option<Client>, BoxError> {
        match id.as_str() {
            "failing" => Err("the database is away".into()),
            "hanging" => std::future::pending().await,
            "panicking" => panic!("a row that makes no sense"),
            id => Ok(Some(client(id, &format!("https://{id}.example/out")))),
        }
    }
}

/// The session is over, whatever is away: the user sees that, and whoever can be told is told.
#[tokio::test(start_paused = true)]
async fn o4_the_page_comes_without_clients_that_nobody_can_look_up() {
    let hanging_then_a = [&["hanging"; 64][..], &["a"]].concat();
    for (name, clients, expected, at_most) in [
        (
            "all can be",
            &["a", "b"][..],
            &["a", "b"][..],
            Duration::ZERO,
        ),
        (
            "one fails",
            &["a", "failing", "b"],
            &["a", "b"],
            Duration::ZERO,
        ),
        ("all fail", &["failing"; 100], &[], Duration::ZERO),
        ("one hangs", &["a", "hanging", "b"], &["a", "b"], SOON),
        ("one panics", &["a", "panicking", "b"], &["a", "b"], SOON),
        (
            "many hang, and then one answers",
            &hanging_then_a,
            &["a"],
            SOON,
        ),
        ("all hang", &["hanging"; 1000], &[], SOON),
    ] {
        let began = tokio::time::Instant::now();
        let ended = ended(clients.iter().copied());
        let page = FrontChannelLogout::new(Away).page(Some(&ended)).await;
        let frames: Vec<_> = page.frames().iter().map(|it| it.client.as_str()).collect();
        assert_eq!(frames, expected, "{name}");
        assert!(began.elapsed() <= at_most, "{name}: {:?}", began.elapsed());
    }
}

const SOON: Duration = Duration::from_millis(5100);

#[tokio::test]
async fn o4_debug_shows_no_session_id() {
    let page = logout([client("a", "https://a.example/")])
        .page(Some(&ended(["a"])))
        .await;
    let page = page.then_return(&ReturnUrl::parse("/secret").unwrap());
    let debug = format!("{page:?} {:?}", page.frames());
    assert!(
        !debug.contains("0123ABC") && !debug.contains("secret"),
        "{debug}"
    );
}
