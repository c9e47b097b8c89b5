use std::sync::Arc;

use crate::{
    config::Settings,
    error::{Error, ErrorKind},
    hook::BoxFuture,
    ticket::Principal,
};

/// The claims transformation of one request. It is kept while it runs, so that whoever asks next goes on with it when the one who asked
/// first has given up.
#[derive(Default)]
pub(super) enum Transformed {
    #[default]
    NotAsked,
    Running(BoxFuture<'static, Result<Principal, Error>>),
    Done(Result<Principal, Error>),
}

impl Transformed {
    pub(super) async fn run(
        &mut self,
        settings: &Arc<Settings>,
        principal: Principal,
    ) -> Result<Principal, Error> {
        if let Self::NotAsked = self {
            let settings = Arc::clone(settings);
            *self = Self::Running(Box::pin(
                async move { transform(&settings, principal).await },
            ));
        }
        if let Self::Running(running) = self {
            *self = Self::Done(running.await);
        }
        match self {
            Self::Done(done) => done.clone(),
            _ => unreachable!("it has just been run to its end"),
        }
    }
}

async fn transform(settings: &Settings, principal: Principal) -> Result<Principal, Error> {
    match &settings.claims_transformation {
        None => Ok(principal),
        Some(transformation) => transformation
            .transform(principal)
            .await
            .map_err(|source| Error::with_source(ErrorKind::ClaimsTransformation, source)),
    }
}
