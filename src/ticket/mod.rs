//! The authentication ticket: who is signed in ([`Principal`]), and about the sign-in itself ([`AuthenticationProperties`]).

mod claim_names;
mod claims;
mod client_list;
mod codec;
mod items;
mod principal;
mod properties;
#[expect(
    clippy::module_inception,
    reason = "the file that holds the type of that name"
)]
mod ticket;
mod wire;

pub use self::principal::{Principal, PrincipalBuilder};
pub use self::properties::AuthenticationProperties;
pub use self::ticket::Ticket;

pub(crate) use self::client_list::ClientList;
pub(crate) use self::codec::{decode, encode, most_bytes};
pub(crate) use self::wire::{Reader, Slice, put_bytes};
