//! Going from page to page with curl, as a browser without scripts does. A test binary takes this in beside `curl` and `server`.
#![allow(dead_code, reason = "each test binary uses its own part")]

use url::Url;

use crate::curl::{Answer, Curl};

/// Where a journey has led.
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) answer: Answer,
}

impl Curl {
    /// Opens an address and follows its redirects.
    pub(crate) fn visit(&self, address: &str) -> Page {
        let url = Url::parse(address).unwrap_or_else(|error| panic!("{address}: {error}"));
        let answer = self.get(url.as_str());
        self.go_on(Page { url, answer })
    }

    /// Signs in with the form on a page of the provider, and goes where that leads.
    pub(crate) fn sign_in_at(&self, page: &Page, user: &str) -> Page {
        assert_eq!(page.url.path(), "/login", "{}", page.answer.body);
        let return_url = page.parameter("return_url").unwrap_or_default();
        let fields = [
            ("username", user),
            ("password", user),
            ("return_url", &*return_url),
        ];
        let url = page.at("/login");
        let answer = self.post(url.as_str(), &fields);
        self.go_on(Page { url, answer })
    }

    /// Clicks the link that leads on from the page after a sign-out.
    pub(crate) fn leave(&self, page: &Page) -> Page {
        assert_eq!(page.answer.status, 200, "{}", page.url);
        let body = &page.answer.body;
        let link = body.split_once("id=\"next\" href=\"");
        let address = link.and_then(|(_, rest)| rest.split_once('"'));
        let (address, _) = address.unwrap_or_else(|| panic!("no way on: {body}"));
        self.visit(page.at(&address.replace("&#38;", "&")).as_str())
    }

    fn go_on(&self, mut page: Page) -> Page {
        for _ in 0..20 {
            let Some(url) = page.leads_to() else {
                return page;
            };
            let answer = self.get(url.as_str());
            page = Page { url, answer };
        }
        panic!("{} leads round in a circle", page.url)
    }
}

impl Page {
    /// Where a redirect leads, or a page that is shown for no time, if it is one.
    pub(crate) fn leads_to(&self) -> Option<Url> {
        onward(&self.answer).map(|address| self.at(address))
    }

    /// A parameter of its address.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        parameter(&self.url, name)
    }

    fn at(&self, path: &str) -> Url {
        self.url.join(path).expect("a path leads somewhere")
    }
}

/// Where an answer leads, as it says itself.
pub(crate) fn onward(answer: &Answer) -> Option<&str> {
    match answer.status {
        300..400 => answer.header("location"),
        _ => answer.header("refresh")?.strip_prefix("0; url="),
    }
}

/// A parameter of an address.
pub(crate) fn parameter(url: &Url, name: &str) -> Option<String> {
    let mut pairs = url.query_pairs();
    let found = pairs.find(|(found, _)| found == name);
    found.map(|(_, value)| value.into_owned())
}
