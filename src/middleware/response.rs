//! Which cookies a response head gets.

use std::borrow::Cow;

use http::Response;

use super::service::Exchange;
use crate::{
    config::Settings,
    cookie::{CookiePolicy, Lifespan, Writer, chunk_name, mark_name},
    session::{Closed, Write},
};

/// In a response's extensions: the session id cookie is neither issued nor removed with it. Private, so that it can't be planted.
#[derive(Clone, Copy)]
pub(crate) struct SessionIdCookieStays;

/// Writes what a session has left to be written.
pub(super) fn finish<B>(exchange: &Exchange, closed: Option<Closed>, response: &mut Response<B>) {
    let Some(closed) = closed else {
        return;
    };
    let settings = exchange.session.settings();
    let mut writer = Writer::new(exchange.jar.as_ref());
    // The authentication cookie itself comes last: clients that mix up several removals in one response keep to the last.
    let stays = response.extensions_mut().remove::<SessionIdCookieStays>();
    if stays.is_none() {
        session_id(settings, &closed, &mut writer);
    }
    marks(settings, &closed, &mut writer);
    authentication(settings, &closed, &mut writer);
    writer.finish(response.headers_mut());
}

fn session_id<'a>(settings: &'a Settings, closed: &Closed, writer: &mut Writer<'a>) {
    let Some(policy) = &settings.session_id else {
        return;
    };
    if closed.closing.deliberate {
        writer.remove_legacy(policy, own_name(policy));
    }
    let carried = closed.carried_session_id;
    match &closed.closing.session_id {
        // It never outlives the browser, even when the sign-in does.
        Some(Write::Issue(id)) => {
            writer.set(
                policy,
                own_name(policy),
                &[id.as_str()],
                Lifespan::Browser,
                carried,
            );
        }
        Some(Write::Remove) => {
            writer.set(policy, own_name(policy), &[], Lifespan::Removed, carried)
        }
        None => {}
    }
}

fn marks<'a>(settings: &'a Settings, closed: &Closed, writer: &mut Writer<'a>) {
    let policy = &settings.authentication;
    for mark in &closed.marks {
        let name = mark_name(&policy.name, mark.suffix).into();
        let value = mark.value.as_deref();
        writer.set(policy, name, value.as_slice(), mark.lifespan, mark.carried);
    }
}

fn authentication<'a>(settings: &'a Settings, closed: &Closed, writer: &mut Writer<'a>) {
    let policy = &settings.authentication;
    let issued = closed
        .sealed
        .as_ref()
        .filter(|_| closed.closing.authentication == Some(Write::Issue(())));
    // Cookies below `kept` stay; those that the request carried beyond are expired, and at a sign-out those that it may have had.
    let kept = match (closed.closing.authentication, issued) {
        (Some(Write::Remove), _) => 0,
        (Some(Write::Issue(())), Some(pieces)) => pieces.count(),
        (None, _) if closed.closing.tidy => closed.count,
        _ => return,
    };
    let expired_at_sign_out = match closed.closing.authentication {
        Some(Write::Remove) if closed.closing.deliberate => settings.most_pieces,
        _ => 0,
    };
    if closed.closing.deliberate && policy.has_legacy_scopes() {
        (0..settings.most_pieces)
            .for_each(|index| writer.remove_legacy(policy, chunk_name(&policy.name, index)));
    }
    for index in (kept..u16::BITS as usize).rev() {
        if closed.carries(index) || index < expired_at_sign_out {
            let name = chunk_name(&policy.name, index);
            writer.set(policy, name, &[], Lifespan::Removed, closed.carries(index));
        }
    }
    if let Some(pieces) = issued {
        for (index, value) in pieces.values().enumerate().rev() {
            writer.set(
                policy,
                chunk_name(&policy.name, index),
                &value,
                closed.lifespan,
                closed.carries(index),
            );
        }
    }
}

fn own_name(policy: &CookiePolicy) -> Cow<'_, str> {
    Cow::Borrowed(&policy.name)
}
