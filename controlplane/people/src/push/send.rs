//! One message to one browser, and what its push service says to it.

use super::{
    PushAnswer, PushOffer, PushRequest, PushWebError, Urgency, encryption, key, model::Receiver, service,
    store,
};
use atalaya_kernel::{Ctx, Error, db::TenantTx, ids::PushSubscriptionId};
use serde::Serialize;
use std::{borrow::Cow, time::Duration};

/// What the app's service worker is told, and shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Told {
    /// Language, as of RFC 5646.
    pub(crate) lang: &'static str,
    /// One line.
    pub(crate) title: String,
    /// Short.
    pub(crate) text: String,
    /// Page of the app that a click opens.
    pub(crate) path: Cow<'static, str>,
    /// One of the same tag takes its place: a message that is sent twice is shown once.
    pub(crate) tag: String,
}

/// How it goes.
pub(crate) struct Way {
    /// For how long it is of use.
    pub(crate) ttl: Duration,
    pub(crate) urgency: Urgency,
}

/// Why a push service did not take a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failed {
    /// The browser takes no more.
    Gone,
    /// It will never take this one; its words.
    Never(String),
    /// Later; its words, and how long it wants to be left in peace, s.
    Later(String, Option<u64>),
}

/// Sends a message; whether it was taken is the inner result.
///
/// # Errors
/// [`Error::Internal`] for what cannot be encrypted, or the database's.
pub(crate) async fn send(
    ctx: &Ctx,
    offer: &PushOffer,
    receiver: &Receiver,
    told: &Told,
    way: &Way,
) -> Result<Result<(), Failed>, Error> {
    let endpoint = receiver.endpoint.expose();
    let identity = key::identity(ctx.db().runtime()).await?;
    let plain = serde_json::to_vec(told).map_err(Error::internal)?;
    let request = PushRequest {
        endpoint: receiver.endpoint.clone(),
        authorization: identity.authorization(endpoint, offer.contact.as_ref(), ctx.now())?,
        ttl: way.ttl,
        urgency: way.urgency,
        topic: told.tag.clone(),
        body: encryption::encrypted(&plain, receiver)?,
    };
    Ok(match offer.web.post(request).await {
        Ok(answer) => judged(&answer, endpoint),
        Err(PushWebError::Away(why)) => Err(Failed::Later(without(&why, endpoint), None)),
        Err(error @ PushWebError::NotAllowed(_)) => Err(Failed::Never(without(&error.to_string(), endpoint))),
    })
}

/// Notes that a browser was reached.
pub(crate) async fn reached(ctx: &Ctx, tx: &mut TenantTx, id: &PushSubscriptionId) -> Result<(), Error> {
    Ok(store::subscription_used(tx, id, ctx.now()).await?)
}

/// Removes a browser that said that it is over; one that is gone already stays gone.
pub(crate) async fn end(ctx: &Ctx, tx: &mut TenantTx, id: &PushSubscriptionId) -> Result<(), Error> {
    match store::subscription_get(tx, id).await? {
        Some(row) => service::remove(ctx, tx, &row).await,
        None => Ok(()),
    }
}

/// What an answer means (RFC 8030 §5, §7.3 and §8.4; RFC 8292 §4).
fn judged(answer: &PushAnswer, endpoint: &str) -> Result<(), Failed> {
    let PushAnswer { status, retry_after_s, words } = answer;
    let said = || {
        let words = without(words.trim(), endpoint);
        format!("the push service said: {status} {words}").trim_end().to_owned()
    };
    match status {
        200..=299 => Ok(()),
        404 | 410 => Err(Failed::Gone),
        408 | 425 | 429 | 500..=599 => Err(Failed::Later(said(), *retry_after_s)),
        _ => Err(Failed::Never(said())),
    }
}

/// Somebody's words without the address that they may have been said of: who has it reaches the browser.
fn without(words: &str, endpoint: &str) -> String {
    let words = words.replace(endpoint, "…");
    let path = endpoint.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path);
    // The capability is somewhere in it: in one part of the path, or behind the question mark.
    let parts = path.unwrap_or_default().split(['/', '?', '&', '=']).filter(|part| part.len() >= 12);
    parts.fold(words, |words, part| words.replace(part, "…"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDPOINT: &str = "https://push.example/send/c0ffee00c0ffee00:APA91b";

    #[test]
    fn what_an_answer_means() {
        let answer = |status, retry_after_s| PushAnswer { status, retry_after_s, words: "Hm.".to_owned() };
        for status in [200, 201, 202, 204] {
            assert_eq!(judged(&answer(status, None), ENDPOINT), Ok(()));
        }
        for status in [404, 410] {
            assert_eq!(judged(&answer(status, None), ENDPOINT), Err(Failed::Gone));
        }
        for status in [301, 307, 400, 401, 403, 413] {
            let never = Failed::Never(format!("the push service said: {status} Hm."));
            assert_eq!(judged(&answer(status, Some(9)), ENDPOINT), Err(never));
        }
        for (status, after) in [(429, Some(120)), (429, None), (500, None), (503, Some(60))] {
            let later = Failed::Later(format!("the push service said: {status} Hm."), after);
            assert_eq!(judged(&answer(status, after), ENDPOINT), Err(later));
        }
    }

    #[test]
    fn nobodys_words_tell_where_a_browser_is() {
        let words = format!("no such {ENDPOINT}; c0ffee00c0ffee00:APA91b is over");
        assert_eq!(without(&words, ENDPOINT), "no such …; … is over");
        let behind = "https://push.example/?token=BDQ39s8f7sd8f7";
        assert_eq!(without("token BDQ39s8f7sd8f7 of send", behind), "token … of send");
    }
}
