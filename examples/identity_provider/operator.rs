//! The operator's page: everybody's sessions (OWASP ASVS 5.0, 7.4.5).

use askama::Template;
use axum::{
    Form, Json,
    extract::{Query, State},
    response::{IntoResponse, Response},
};
use axum_user_session::{
    Error, UserSession,
    admin::{SessionAdmin, SessionQuery},
    id::SessionId,
    store::Filter,
};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use crate::{devices::ended, failure::Failure, listed::ListedSession, pages::html, wanted::Wanted};

/// What is searched for. Fields that are empty, as in a form that was not filled in, don't count.
#[derive(Deserialize)]
pub(crate) struct Search {
    #[serde(default)]
    subject: String,
    #[serde(default)]
    session_id: String,
    /// How the name begins, whatever the case.
    #[serde(default)]
    name: String,
}

#[derive(Deserialize)]
pub(crate) struct Part {
    /// The token of a page.
    page: Option<String>,
    /// How many sessions are on a page.
    size: Option<usize>,
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
    size: Option<usize>,
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
    let mut query = match search.filter()? {
        None => SessionQuery::everyone(),
        Some(filter) => SessionQuery::matching(filter),
    };
    if let Some(size) = part.size {
        query = query.page_size(size);
    }
    if let Some(token) = part.page.filter(|token| !token.is_empty()) {
        query = query.page(token);
    }
    let page = admin.query(&query).await?;
    let this = session.session_id();
    let sessions = page.sessions.into_iter();
    let found = Found {
        search,
        size: part.size,
        sessions: sessions
            .map(|session| {
                let this_device = this == Some(session.session_id);
                ListedSession::new(session, this_device)
            })
            .collect(),
        next: page.next,
        previous: page.previous,
    };
    Ok(match wanted {
        Wanted::Page => html(found),
        Wanted::Json => Json(found).into_response(),
    })
}

/// `POST /admin/sessions/revoke` ends the sessions that a search finds. A search for nothing is refused: it would find them all.
pub(crate) async fn revoke(
    State(admin): State<SessionAdmin>,
    wanted: Wanted,
    Form(search): Form<Search>,
) -> Result<Response, Failure> {
    let filter = search.filter()?;
    // An empty text is what the library itself refuses, with the right error.
    let filter = filter.map_or_else(|| Filter::subject(""), Ok)?;
    let revoked = admin.revoke(&filter).await?;
    Ok(ended(wanted, revoked, "/admin/sessions"))
}

impl Search {
    /// None if nothing is searched for.
    fn filter(&self) -> Result<Option<Filter>, Error> {
        let mut filter = None;
        if !self.subject.is_empty() {
            filter = Some(Filter::subject(&self.subject)?);
        }
        if !self.session_id.trim().is_empty() {
            let id = SessionId::parse(self.session_id.trim())?;
            filter = Some(match filter {
                None => Filter::session_id(id),
                Some(filter) => filter.and_session_id(id),
            });
        }
        if !self.name.is_empty() {
            filter = Some(match filter {
                None => Filter::name_begins_with(&self.name)?,
                Some(filter) => filter.and_name_begins_with(&self.name)?,
            });
        }
        Ok(filter)
    }
}

impl Found {
    /// Where another page of the same search is.
    fn at(&self, token: &str) -> String {
        let Search {
            subject,
            session_id,
            name,
        } = &self.search;
        let size = self.size.map(|size| size.to_string()).unwrap_or_default();
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
