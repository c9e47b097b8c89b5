//! What people get who mean no good.

use crate::{
    curl::Curl,
    server::{Disk, Server},
};

#[test]
fn a_return_url_never_leaves_the_site() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    for (number, (name, return_url, expected)) in [
        ("a page", "/account", "/account"),
        ("a query", "/?a=b&c=//d", "/?a=b&c=//d"),
        ("another site", "https://evil.example/", "/"),
        ("another site without a scheme", "//evil.example", "/"),
        ("three slashes", "///evil.example", "/"),
        ("a backslash", "/\\evil.example", "/"),
        ("two backslashes", "\\\\evil.example", "/"),
        ("an encoded backslash", "/%5Cevil.example", "/"),
        ("an encoded slash", "/%2Fevil.example", "/"),
        ("a tab, which browsers drop", "/\t/evil.example", "/"),
        ("a line break, which they drop too", "/\n/evil.example", "/"),
        ("a header", "/\r\nSet-Cookie: a=b", "/"),
        ("an encoded header", "/%0d%0aSet-Cookie:%20a=b", "/"),
        ("a space in front", " //evil.example", "/"),
        ("a scheme without slashes", "https:evil.example", "/"),
        ("a script", "javascript:alert(1)", "/"),
        ("user info", "@evil.example", "/"),
        ("markup", "/\"><script>", "/\"><script>"),
        ("nothing", "", "/"),
    ]
    .into_iter()
    .enumerate()
    {
        let curl = Curl::new(disk.path(), &format!("jar {number}"));
        let fields = [
            ("username", "alice"),
            ("password", "alice"),
            ("return_url", return_url),
        ];
        let answer = curl.post(&server.url("/login"), &fields);
        assert_eq!(answer.status, 303, "{name}");
        assert_eq!(answer.header("location"), Some(expected), "{name}");
        assert_eq!(answer.headers("set-cookie").count(), 2, "{name}");

        // The form gives back what it will accept.
        let query = format!("return_url={return_url}");
        let login = server.url("/login");
        let form = curl.run(&[&login, "--get", "--data-urlencode", &query]);
        assert!(!form.body.contains("evil.example"), "{name}");
        let carried = form.body.contains("name=\"return_url\"");
        assert_eq!(carried, expected != "/", "{name}");
    }
}

#[test]
fn posts_from_other_sites_are_refused() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    let alice = [("username", "alice"), ("password", "alice")];
    let bob = [("username", "bob"), ("password", "bob")];
    let own = format!("Origin: {}", server.origin());
    curl.post_with(&server.url("/login"), &alice, &["--header", &own]);

    for header in [
        "Origin: https://evil.example",
        "Origin: null",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        for (path, fields) in [
            ("/login", &bob[..]),
            ("/clients", &[("client_id", "evil")]),
            ("/logout", &[]),
            ("/sessions/revoke-others", &[]),
            ("/admin/sessions/revoke", &[("subject", "alice")]),
        ] {
            let answer = curl.post_with(&server.url(path), fields, &["--header", header]);
            assert_eq!(answer.status, 403, "{path} with {header}");
            assert_eq!(
                answer.headers("set-cookie").count(),
                0,
                "{path} with {header}"
            );
            assert!(answer.body.contains("Refused"), "{path} with {header}");
        }
    }
    let session = curl.get(&server.url("/session")).json();
    assert_eq!(session["user"]["sub"], "alice");
    assert!(session["clients"].as_array().is_some_and(Vec::is_empty));
}

#[test]
fn what_users_enter_is_text_on_the_page() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    let markup = "\"><script>alert(1)</script>";

    let fields = [("username", markup), ("password", "")];
    let refused = curl.post(&server.url("/login"), &fields);
    let alice = [("username", "alice"), ("password", "alice")];
    curl.post(&server.url("/login"), &alice);
    curl.post(&server.url("/clients"), &[("client_id", markup)]);
    let home = curl.get(&server.url("/"));
    let devices = curl.get(&server.url("/sessions"));
    curl.post(
        &server.url("/login"),
        &[("username", "carol"), ("password", "carol")],
    );
    let search = format!("name={markup}");
    let operator = server.url("/admin/sessions");
    let operator = curl.run(&[&operator, "--get", "--data-urlencode", &search]);
    for page in [refused, home, devices, operator] {
        assert!(page.body.contains("alert(1)"), "{}", page.body);
        assert!(!page.body.contains("<script"), "{}", page.body);
    }
}

#[test]
fn every_answer_is_a_page_with_protection() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    for (method, path, status) in [
        ("GET", "/", 200),
        ("GET", "/login", 200),
        ("GET", "/style.css", 200),
        ("GET", "/account", 401),
        ("GET", "/sessions", 401),
        ("POST", "/sessions/revoke", 401),
        ("GET", "/admin/sessions", 401),
        ("POST", "/admin/sessions/revoke", 401),
        ("GET", "/nowhere", 404),
        ("GET", "/logout", 405),
        ("PUT", "/login", 405),
        ("POST", "/login", 415),
    ] {
        let answer = curl.run(&[&server.url(path), "--request", method]);
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(!answer.body.is_empty(), "{method} {path}");
        let content_type = answer.header("content-type").unwrap_or_default();
        let expected = ["text/html", "text/css"][usize::from(path == "/style.css")];
        assert!(content_type.starts_with(expected), "{method} {path}");
        let policy = answer.header("content-security-policy").unwrap_or_default();
        assert!(policy.contains("default-src 'none'"), "{method} {path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{method} {path}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "same-origin"),
        ] {
            assert_eq!(answer.header(name), Some(value), "{method} {path}");
        }
        let kept = answer.header("cache-control") != Some("no-store");
        assert_eq!(kept, path == "/style.css", "{method} {path}");
    }
}

#[test]
fn a_forged_cookie_is_no_session() {
    let disk = Disk::new();
    let server = Server::start(&disk);
    let curl = Curl::new(disk.path(), "jar");
    curl.post(
        &server.url("/login"),
        &[("username", "alice"), ("password", "alice")],
    );
    let cookie = curl.cookie("idsrv").expect("she is signed in").value;
    let changed = match cookie.as_bytes()[40] {
        b'A' => "B",
        _ => "A",
    };
    for (name, value) in [
        (
            "one character changed",
            format!("{}{changed}{}", &cookie[..40], &cookie[41..]),
        ),
        ("cut", cookie[..cookie.len() - 4].to_owned()),
        ("longer", format!("{cookie}AAAA")),
        ("of nobody", "alice".to_owned()),
        ("huge", "A".repeat(4000)),
    ] {
        let curl = Curl::new(disk.path(), name);
        curl.plant("idsrv", &value);
        let session = curl.get(&server.url("/session")).json();
        assert!(session["user"].is_null(), "{name}");
    }
}
