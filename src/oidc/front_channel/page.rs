use std::{fmt, time::Duration};

use axum_core::response::{IntoResponse, Response};
use http::{
    HeaderValue, StatusCode,
    header::{
        CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
        X_CONTENT_TYPE_OPTIONS,
    },
};

use super::{
    frame::Frame,
    html::Escaped,
    policy::{Policy, SCRIPT, STYLE, frame_src},
};
use crate::{clock::millis, oidc::end_session::LogoutRedirect, return_url::ReturnUrl};

/// The page that tells clients, and then goes on. Return it as the response, or make one of your own out of its values. With nobody to be told, and a place to go
/// on to, it is a plain redirect.
///
/// It has one heading, a status that screen readers speak, and a link to where it goes on; frames are hidden from everybody. It follows the browser's light or dark scheme.
#[derive(Clone)]
#[must_use]
pub struct FrontChannelPage {
    frames: Vec<Frame>,
    time_limit: Duration,
    next: Option<String>,
}

impl FrontChannelPage {
    pub(super) fn new(frames: Vec<Frame>, time_limit: Duration) -> Self {
        Self {
            frames,
            time_limit,
            next: None,
        }
    }

    /// Goes on to where the client wants the user, if it wants that.
    pub fn then_redirect(mut self, redirect: Option<&LogoutRedirect>) -> Self {
        if let Some(redirect) = redirect {
            self.next = Some(redirect.as_str().to_owned());
        }
        self
    }

    /// Goes on to a page of this site.
    pub fn then_return(mut self, url: &ReturnUrl) -> Self {
        self.next = Some(url.as_str().to_owned());
        self
    }

    /// What is loaded, for a page of your own: an `<iframe>` for each.
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// Where it goes on, if it does.
    pub fn next(&self) -> Option<&str> {
        self.next.as_deref()
    }

    /// How long it waits.
    pub fn time_limit(&self) -> Duration {
        self.time_limit
    }

    /// The directive of a `Content-Security-Policy` that allows these frames, and no others. It may be too long for a header.
    pub fn frame_src(&self) -> String {
        frame_src(&self.frames)
    }

    /// With nobody to be told there is nothing to wait for.
    fn as_redirect(&self) -> Option<Response> {
        let next = self.next.as_deref().filter(|_| self.frames.is_empty())?;
        let headers = [
            (LOCATION, HeaderValue::from_str(next).ok()?),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        Some((StatusCode::SEE_OTHER, headers).into_response())
    }

    fn html(&self, in_page: Option<&str>) -> String {
        let Self { frames, next, .. } = self;
        let policy = in_page.map(|policy| {
            let policy = Escaped(policy);
            format!("<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">\n")
        });
        let refresh = next.as_deref().map(|next| {
            let (seconds, next) = (millis(self.time_limit).div_ceil(1000), Escaped(next));
            format!("<noscript><meta http-equiv=\"refresh\" content=\"{seconds}; url={next}\"></noscript>\n")
        });
        let link = next.as_deref().map(|next| {
            let next = Escaped(next);
            format!("<p><a id=\"next\" href=\"{next}\">Continue</a></p>\n")
        });
        let [policy, refresh, link] = [policy, refresh, link].map(Option::unwrap_or_default);
        let frames: String = frames.iter().map(iframe).collect();
        let time_limit = millis(self.time_limit);
        format!(
            "<!DOCTYPE html>\n\
             <html lang=\"en\">\n\
             <head>\n\
             <meta charset=\"utf-8\">\n\
             {policy}\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Signing out</title>\n\
             {refresh}\
             <style>{STYLE}</style>\n\
             </head>\n\
             <body>\n\
             <main>\n\
             <h1>Signing out</h1>\n\
             <p id=\"state\" role=\"status\" data-time-limit=\"{time_limit}\">The applications that you used are being told.</p>\n\
             {link}\
             </main>\n\
             {frames}\
             <script>{SCRIPT}</script>\n\
             </body>\n\
             </html>\n"
        )
    }
}

impl IntoResponse for FrontChannelPage {
    fn into_response(self) -> Response {
        if let Some(redirect) = self.as_redirect() {
            return redirect;
        }
        let policy = Policy::of(&self.frames);
        let html = self.html(policy.in_page.as_deref());
        let policy = HeaderValue::from_str(&policy.header).expect("origins are visible ASCII");
        let headers = [
            (
                CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (CONTENT_SECURITY_POLICY, policy),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (headers, html).into_response()
    }
}

/// Without the address that it goes on to, which holds the client's state.
impl fmt::Debug for FrontChannelPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrontChannelPage")
            .field("frames", &self.frames)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}

/// `display: none` would do for sight and for screen readers; the title is for whoever looks into the page.
fn iframe(frame: &Frame) -> String {
    let (uri, name) = (Escaped(&frame.uri), Escaped(&frame.name));
    format!(
        "<iframe src=\"{uri}\" title=\"{name}\" sandbox=\"allow-scripts allow-same-origin allow-forms\" \
         hidden aria-hidden=\"true\" tabindex=\"-1\"></iframe>\n"
    )
}
