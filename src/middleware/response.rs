//! Which cookies a response head gets.

use http::HeaderMap;

use super::service::Exchange;
use crate::{
    config::Settings,
    cookie::{Lifespan, Writer, chunk_name},
    session::{Closed, Write},
};

/// Closes the session and writes what it left to be written.
pub(super) fn finish(exchange: &Exchange, headers: &mut HeaderMap) {
    let Some(closed) = exchange.session.close(exchange.may_remove) else {
        return;
    };
    let settings = exchange.session.settings();
    let mut writer = Writer::new(exchange.jar.as_ref());
    authentication(settings, &closed, &mut writer);
    session_id(settings, &closed, &mut writer);
    writer.finish(headers);
}

fn authentication<'a>(settings: &'a Settings, closed: &Closed, writer: &mut Writer<'a>) {
    let policy = &settings.authentication;
    let name = &policy.name;
    let carried = |index: usize| match index {
        0 => closed.carried,
        _ => closed.chunks & (1 << index) != 0,
    };
    // Chunks below `kept` stay; those that the request carried beyond are expired, and with `all` those that it may have had.
    let (kept, all) = match &closed.closing.authentication {
        Some(Write::Issue(())) => {
            let Some(pieces) = &closed.sealed else { return };
            for (index, (name, value)) in pieces.cookies(name).enumerate() {
                writer.set(policy, &name, &value, closed.lifespan(), carried(index));
            }
            (pieces.count(), false)
        }
        Some(Write::Remove) => (0, closed.closing.deliberate),
        None if closed.closing.tidy => (closed.count, false),
        None => return,
    };
    for index in kept..16 {
        if carried(index) || all && index < settings.most_pieces {
            let name = chunk_name(name, index);
            writer.set(policy, &name, &[], Lifespan::Removed, carried(index));
        }
    }
    if closed.closing.deliberate && policy.has_legacy_scopes() {
        for index in 0..settings.most_pieces {
            writer.remove_legacy(policy, &chunk_name(name, index));
        }
    }
}

fn session_id<'a>(settings: &'a Settings, closed: &Closed, writer: &mut Writer<'a>) {
    let Some(policy) = &settings.session_id else {
        return;
    };
    let carried = closed.carried_session_id;
    match &closed.closing.session_id {
        // It never outlives the browser, even when the sign-in does.
        Some(Write::Issue(id)) => {
            writer.set(
                policy,
                &policy.name,
                &[id.as_str()],
                Lifespan::Browser,
                carried,
            );
        }
        Some(Write::Remove) => writer.set(policy, &policy.name, &[], Lifespan::Removed, carried),
        None => {}
    }
    if closed.closing.deliberate {
        writer.remove_legacy(policy, &policy.name);
    }
}
