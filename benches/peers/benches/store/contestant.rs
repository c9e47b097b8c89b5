//! Who is measured.

use axum::Router;

use crate::visitors::Visitors;

/// A crate with one of its stores, and the sessions that it has there.
pub(crate) struct Contestant {
    pub(crate) router: Router,
    pub(crate) visitors: Visitors,
}

/// Where sessions are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Memory,
    Sqlite,
    Postgres,
    Redis,
    Cluster,
}

/// Whose store it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    Ours,
    Theirs,
}

impl Place {
    pub(crate) const ALL: [Self; 5] = [
        Self::Memory,
        Self::Sqlite,
        Self::Postgres,
        Self::Redis,
        Self::Cluster,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Memory => "memory",
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
            Self::Redis => "redis",
            Self::Cluster => "cluster",
        }
    }
}
