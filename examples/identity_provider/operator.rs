//! The operator's page: everybody's sessions (OWASP ASVS 5.0, 7.4.5).

use askama::Template;
use axum::{
    Form, Json,
    extract::{Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use axum_user_session::{
    Error, UserSession,
    admin::{SessionAdmin, SessionQuery},
    id::SessionId,
    return_url::ReturnUrl,
    store::Filter,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{
    devices::ended,
    failure::Failure,
    listed::ListedSession,
    pages::html,
    search::{Problem, Search},
    wanted::Wanted,
};

#[derive(Deserialize)]
pub(crate) struct Part {
    /// The token of a page, empty for the first one.
    #[serde(default)]
    page: String,
    /// How many sessions are on a page.
    size: Option<usize>,
}

#[derive(Deserialize)]
pub(crate) struct Revocation {
    #[serde(flatten)]
    search: Search,
    /// Where a browser goes on.
    return_url: Option<String>,
}

#[derive(Serialize, Template)]
#[template(
    path = "operator.html",
    config = "examples/identity_provider/askama.toml"
)]
struct Found {
    #[serde(skip)]
    search: Search,
    #[serde(skip)]
    part: Part,
    /// What is wrong with the search; nothing was looked for then.
    #[serde(skip)]
    problem: Option<Problem>,
    sessions: Vec<ListedSession>,
    next: Option<String>,
    previous: Option<String>,
}

/// `GET /admin/sessions`
pub(crate) async fn list(
    session: UserSession,
    State(admin): State<SessionAdmin>,
    wanted: Wanted,
    Query(search): Query<Search>,
    Query(part): Query<Part>,
) -> Result<Response, Failure> {
    let mut found = Found::nothing(search, part);
    if let Err(error) = found.look_up(&admin, session.session_id()).await {
        found.problem = Problem::of(&error).filter(|_| wanted == Wanted::Page);
        return match found.problem {
            Some(_) => Ok((StatusCode::BAD_REQUEST, html(found)).into_response()),
            None => Err(error.into()),
        };
    }
    Ok(match wanted {
        Wanted::Page => html(found),
        Wanted::Json => Json(found).into_response(),
    })
}

/// `POST /admin/sessions/revoke` ends the sessions that a search finds. A search for nothing is refused: it would find them all.
pub(crate) async fn revoke(
    State(admin): State<SessionAdmin>,
    wanted: Wanted,
    Form(form): Form<Revocation>,
) -> Result<Response, Failure> {
    let filter = form.search.filter()?;
    // An empty text is what the library itself refuses, with the right error.
    let filter = filter.map_or_else(|| Filter::subject(""), Ok)?;
    let revoked = admin.revoke(&filter).await?;
    let back = ReturnUrl::or_default(form.return_url.as_deref(), "/admin/sessions");
    Ok(ended(wanted, revoked, back.as_str()))
}

impl Found {
    fn nothing(search: Search, part: Part) -> Self {
        Self {
            search,
            part,
            problem: None,
            sessions: Vec::new(),
            next: None,
            previous: None,
        }
    }

    /// `this` is the session that asks.
    async fn look_up(
        &mut self,
        admin: &SessionAdmin,
        this: Option<SessionId>,
    ) -> Result<(), Error> {
        let mut query = match self.search.filter()? {
            None => SessionQuery::everyone(),
            Some(filter) => SessionQuery::matching(filter),
        };
        if let Some(size) = self.part.size {
            query = query.page_size(size);
        }
        if !self.part.page.is_empty() {
            query = query.page(&self.part.page);
        }
        let page = admin.query(&query).await?;
        let sessions = page.sessions.into_iter();
        self.sessions = sessions
            .map(|session| {
                let is_this = this == Some(session.session_id);
                ListedSession::new(session, is_this)
            })
            .collect();
        self.next = page.next;
        self.previous = page.previous;
        Ok(())
    }

    /// Whether the problem is what was entered into a field.
    fn is_wrong(&self, field: &str) -> bool {
        self.problem
            .as_ref()
            .is_some_and(|problem| problem.field == Some(field))
    }

    /// Where this page is.
    fn here(&self) -> String {
        self.at(&self.part.page)
    }

    /// Where another page of the same search is.
    fn at(&self, token: &str) -> String {
        let Search {
            subject,
            session_id,
            name,
        } = &self.search;
        let size = self
            .part
            .size
            .map(|size| size.to_string())
            .unwrap_or_default();
        let fields = [
            ("subject", &**subject),
            ("session_id", session_id),
            ("name", name),
            ("size", &size),
            ("page", token),
        ];
        let given = fields.iter().filter(|(_, value)| !value.is_empty());
        let fields: Vec<_> = given
            .map(|(field, value)| {
                format!("{field}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
            })
            .collect();
        format!("/admin/sessions?{}", fields.join("&"))
    }
}
