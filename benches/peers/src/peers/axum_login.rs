//! axum-login on the `MemoryStore` of the tower-sessions that it is built on.

use std::{collections::HashMap, convert::Infallible, sync::Arc};

use axum::{
    Router,
    routing::{get, post},
};
use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend};
use tower_sessions_0_14::{MemoryStore, SessionManagerLayer};

use crate::{
    contestant::{Contestant, PEER_ROWS, Role},
    principal::{SUBJECT, User},
};

/// axum-login with sessions and users in memory.
pub const AXUM_LOGIN: Contestant = Contestant {
    name: "axum-login MemoryStore",
    role: Role::LayeredPeer,
    router,
    session: &["/sign-in"],
    rows: PEER_ROWS,
    cookies_on_every_answer: false,
};

fn router() -> Router {
    let sessions = SessionManagerLayer::new(MemoryStore::default());
    let users = Users(Arc::new(HashMap::from([(
        SUBJECT.to_owned(),
        Account(User::with_all_clients()),
    )])));
    Router::new()
        .route("/", get(subject))
        .route("/sign-in", post(sign_in))
        .layer(AuthManagerLayerBuilder::new(users, sessions).build())
        .with_state(())
}

async fn subject(session: AuthSession<Users>) -> String {
    session
        .user
        .map(|account| account.0.subject)
        .unwrap_or_default()
}

async fn sign_in(mut session: AuthSession<Users>) -> String {
    let account = Account(User::at_sign_in());
    session
        .login(&account)
        .await
        .expect("the store is in memory");
    account.0.subject
}

/// The user database: its session keeps only an id, so the principal is read here, owned, as from any database.
#[derive(Clone, Debug)]
struct Users(Arc<HashMap<String, Account>>);

#[derive(Clone, Debug)]
struct Account(User);

impl AuthUser for Account {
    type Id = String;

    fn id(&self) -> String {
        self.0.subject.clone()
    }

    fn session_auth_hash(&self) -> &[u8] {
        AUTH_HASH
    }
}

impl AuthnBackend for Users {
    type User = Account;
    type Credentials = ();
    type Error = Infallible;

    async fn authenticate(&self, (): ()) -> Result<Option<Account>, Infallible> {
        Ok(None)
    }

    async fn get_user(&self, id: &String) -> Result<Option<Account>, Infallible> {
        Ok(self.0.get(id).cloned())
    }
}

// A digest's length. Its example keeps a whole password hash of three times that, which would cost it more.
const AUTH_HASH: &[u8; 32] = b"2c26b46b68ffc68ff99b453c1d304134";
