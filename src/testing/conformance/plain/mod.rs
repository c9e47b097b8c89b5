mod state;
mod store;

pub(super) use self::store::Plain;
