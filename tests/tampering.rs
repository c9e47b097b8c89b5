//! A session whose cookies were changed in any way is nobody's: not its user's, and not another's.

mod support;

use std::cell::RefCell;

use axum::{
    body::Body,
    http::{HeaderValue, Request, header::COOKIE},
};
use axum_user_session::{KeyRing, Principal};
use proptest::{prelude::*, sample::Index};
use support::*;

#[derive(Clone, Debug)]
enum Tampering {
    FlipBit { at: Index, bit: u8 },
    RemoveByte { at: Index },
    InsertByte { at: Index, byte: u8 },
    Truncate { to: Index },
    LoseCookie,
    SwapCookie,
}

fn tampering() -> impl Strategy<Value = Tampering> {
    use Tampering::*;
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| FlipBit { at, bit }),
        2 => at().prop_map(|at| RemoveByte { at }),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| InsertByte { at, byte }),
        2 => at().prop_map(|to| Truncate { to }),
        1 => Just(LoseCookie),
        1 => Just(SwapCookie),
    ]
}

type Cookies = Vec<(String, Vec<u8>)>;

/// The session of one user in a browser, and that of another under the same keys, in as many cookies.
struct Sessions {
    lab: Lab,
    mine: Cookies,
    others: Cookies,
}

impl Sessions {
    async fn new(filler: usize) -> Self {
        let ring = KeyRing::ephemeral();
        let lab = || Lab::with_ring(ring.clone(), |config| config.cookie_budget(32 * 1024));
        let mut sessions = Self {
            mine: sign_in(&mut lab(), "alice", filler).await,
            others: sign_in(&mut lab(), "carol", filler).await,
            lab: lab(),
        };
        assert_eq!(sessions.mine.len(), sessions.others.len());
        for (cookies, seen) in [
            (sessions.mine.clone(), "alice []"),
            (sessions.others.clone(), "carol []"),
        ] {
            assert_eq!(sessions.seen(&cookies).await.unwrap(), seen);
        }
        sessions
    }

    /// Who is seen; none if no server would get such a header.
    async fn seen(&mut self, cookies: &Cookies) -> Option<String> {
        self.lab
            .script
            .set(|session| async move { report(&session) });
        let mut request = Request::new(Body::empty());
        for (name, value) in cookies {
            let line = [name.as_bytes(), b"=", value].concat();
            let line = HeaderValue::from_bytes(&line).ok()?;
            request.headers_mut().append(COOKIE, line);
        }
        Some(self.lab.browser.send(request).await.body)
    }

    /// The cookies after the change; none if it is no change for who reads them.
    fn tampered(&self, tampering: &Tampering, which: Index) -> Option<Cookies> {
        let mut cookies = self.mine.clone();
        let which = which.index(cookies.len());
        let value = &mut cookies[which].1;
        let len = value.len();
        match tampering {
            Tampering::FlipBit { at, bit } => value[at.index(len)] ^= 1 << bit,
            Tampering::RemoveByte { at } => {
                value.remove(at.index(len));
            }
            Tampering::InsertByte { at, byte } => {
                let at = at.index(len + 1);
                // White space is trimmed there, and a semicolon ends the cookie as the end does.
                if at == len && b" \t;".contains(byte) {
                    return None;
                }
                value.insert(at, *byte);
            }
            Tampering::Truncate { to } => value.truncate(to.index(len)),
            Tampering::LoseCookie => {
                cookies.remove(which);
            }
            // A session of one cookie would be replaced as a whole.
            Tampering::SwapCookie if cookies.len() == 1 => return None,
            Tampering::SwapCookie => cookies[which] = self.others[which].clone(),
        }
        Some(cookies)
    }
}

/// The authentication cookies of a new session with a claim of this length.
async fn sign_in(lab: &mut Lab, subject: &str, filler: usize) -> Cookies {
    let principal = Principal::builder(subject)
        .claim("filler", "x".repeat(filler))
        .build();
    lab.visit(|session| async move {
        session.sign_in(principal).await.unwrap();
    })
    .await;
    let names = lab.browser.cookie_names().into_iter();
    let mut cookies: Cookies = names
        .filter(|name| name.starts_with(AUTH))
        .map(|name| {
            let value = lab.browser.cookie(name).unwrap();
            (name.to_owned(), value.as_bytes().to_vec())
        })
        .collect();
    cookies.sort();
    cookies
}

fn nobody_after_any_tampering(filler: usize, cookies: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let sessions = runtime.block_on(Sessions::new(filler));
    assert_eq!(sessions.mine.len(), cookies);
    let sessions = RefCell::new(sessions);
    proptest!(ProptestConfig::with_cases(1024), |(tampering in tampering(), which: Index)| {
        let mut sessions = sessions.borrow_mut();
        if let Some(cookies) = sessions.tampered(&tampering, which)
            && let Some(seen) = runtime.block_on(sessions.seen(&cookies))
        {
            prop_assert_eq!(seen, "nobody");
        }
    });
}

#[test]
fn a_session_in_one_cookie_is_nobodys_after_any_tampering() {
    nobody_after_any_tampering(0, 1);
}

#[test]
fn a_session_over_several_cookies_is_nobodys_after_any_tampering() {
    nobody_after_any_tampering(6000, 3);
}

/// Every bit, because a ticket in one cookie is short enough.
#[test]
fn no_bit_of_a_cookie_is_without_meaning() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut sessions = Sessions::new(0).await;
        let bits = sessions.mine[0].1.len() * 8;
        for index in 0..bits {
            let mut cookies = sessions.mine.clone();
            cookies[0].1[index / 8] ^= 1 << (index % 8);
            if let Some(seen) = sessions.seen(&cookies).await {
                assert_eq!(seen, "nobody", "bit {index} of {bits}");
            }
        }
    });
}
