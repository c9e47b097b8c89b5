//! The suite that every store is held to.

use axum_user_session::{
    outbox_conformance, store_conformance,
    testing::conformance::{Kept, Nodes},
};

use crate::fixtures::Place;

mod one_handle {
    use super::*;

    store_conformance!(async {
        let place = Place::new();
        Kept::new(place.open(), place)
    });
}

/// Two stores on one file, each with threads and connections of its own, as two processes have them.
mod two_on_one_file {
    use super::*;

    store_conformance!(async {
        let place = Place::new();
        Kept::new(Nodes::new([place.open(), place.open()]), place)
    });
}

/// The same for its outbox.
mod outbox_of_one_handle {
    use super::*;

    outbox_conformance!(async {
        let place = Place::new();
        Kept::new(place.open(), place)
    });
}

mod outbox_of_two_on_one_file {
    use super::*;

    outbox_conformance!(async {
        let place = Place::new();
        Kept::new(Nodes::new([place.open(), place.open()]), place)
    });
}
