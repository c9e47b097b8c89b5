use axum_user_session::{AuthenticationProperties, Error, UserSession};

use crate::{provider::secret, way_back::WayBack};

/// What a user has done on the way to an address of this site.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    SignedIn,
    ChoseAccount,
}

/// The item of the session that it is kept in: there it can't be forged, and it ends with the session.
const ITEM: &str = "answered";

/// Notes that the user is signing in on the way to an address.
///
/// The endpoint finds out by this that `prompt=login` was done, for this very request. Were the parameter just taken out of the address, whoever
/// sits at the computer could do so too.
pub(crate) fn answered(
    properties: AuthenticationProperties,
    address: &WayBack,
) -> AuthenticationProperties {
    properties.with_item(ITEM, &text(Answered::SignedIn, address.as_str()))
}

impl Answered {
    /// Notes that the user goes on with the account that is signed in.
    pub(crate) async fn note_choice(session: &UserSession, address: &WayBack) -> Result<(), Error> {
        let text = text(Self::ChoseAccount, address.as_str());
        session.set_item(ITEM, &text).await
    }

    /// What the user has done for an address.
    pub(super) fn of(session: &UserSession, address: &str) -> Option<Self> {
        let properties = session.properties()?;
        let item = properties.item(ITEM)?;
        let is = |answered: &Self| item == text(*answered, address);
        [Self::SignedIn, Self::ChoseAccount].into_iter().find(is)
    }

    /// It counts once.
    pub(super) async fn forget(session: &UserSession) -> Result<(), Error> {
        session.remove_item(ITEM).await
    }
}

fn text(answered: Answered, address: &str) -> String {
    let what = match answered {
        Answered::SignedIn => "signed_in",
        Answered::ChoseAccount => "chose_account",
    };
    // The address may be long, and the session's room is small.
    format!("{what} {}", secret::left_half(address))
}
