//! Claim names that a ticket writes as one byte.

/// The byte that stands for a name is its place here plus one: append only, and at most 127 names, or old tickets change their
/// meaning. From the registry of JWT claims, OpenID Connect Core 1.0 sections 2 and 5.1, and RFC 9068; `sub` and `sid` have their own
/// places in a ticket.
const NAMES: &[&str] = &[
    "idp",
    "amr",
    "auth_time",
    "acr",
    "name",
    "given_name",
    "family_name",
    "middle_name",
    "nickname",
    "preferred_username",
    "profile",
    "picture",
    "website",
    "email",
    "email_verified",
    "gender",
    "birthdate",
    "zoneinfo",
    "locale",
    "phone_number",
    "phone_number_verified",
    "address",
    "updated_at",
    "role",
    "roles",
    "groups",
    "entitlements",
    "scope",
    "tenant",
    "iss",
    "aud",
    "azp",
    "iat",
    "exp",
    "nbf",
    "jti",
    "nonce",
    "client_id",
    "cnf",
    "act",
];

pub(super) fn code(name: &str) -> Option<u8> {
    // The cast holds for the at most 127 names.
    NAMES
        .iter()
        .position(|known| *known == name)
        .map(|place| place as u8 + 1)
}

pub(super) fn name(code: u8) -> Option<&'static str> {
    NAMES.get(usize::from(code).checked_sub(1)?).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_its_own_byte() {
        assert!(NAMES.len() <= 127);
        for known in NAMES {
            assert_eq!(name(code(known).unwrap()), Some(*known));
        }
        assert_eq!(name(0), None);
        assert_eq!(name(NAMES.len() as u8 + 1), None);
    }

    /// Tickets of earlier versions depend on these.
    #[test]
    fn the_first_and_last_of_version_1_stay() {
        assert_eq!((code("idp"), code("act")), (Some(1), Some(40)));
    }
}
