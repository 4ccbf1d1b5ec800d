//! A browser from which somebody has logged in before, behind an address whose log-ins are used up by strangers: one address of
//! a carrier's NAT, or of an office, has many people behind it. It is let through, as often as a person needs.

use super::body::SMALL;
use crate::limits::{AddressLimit, Limit};
use atalaya_kernel::runtime::Runtime;
use atalaya_people::identity::http::LoginOrigin;
use axum::{
    body::{Body, to_bytes},
    extract::Request,
};
use parking_lot::Mutex;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::{net::IpAddr, sync::Arc};

/// Log-ins that a known browser may try at once, and how long until one more, ms. What it guesses at counts besides.
const LOG_INS: (i64, i64) = (10, 6_000);
/// How often an address may have it looked up whether a browser is known: strangers can send any cookie.
const LOOKS: (i64, i64) = (120, 100);

/// What known browsers may still do, and how often it may still be asked which are.
#[derive(Debug)]
pub(super) struct KnownBrowsers {
    looks: Mutex<AddressLimit>,
    /// By the hash of their tokens.
    log_ins: Mutex<Limit<Vec<u8>>>,
}

/// The one field of a body that is looked for.
#[derive(Debug, Default, Deserialize)]
struct Chosen {
    tenant: Option<String>,
}

impl Default for KnownBrowsers {
    fn default() -> Self {
        let looks = Mutex::new(AddressLimit::new(LOOKS.0, LOOKS.1));
        Self { looks, log_ins: Mutex::new(Limit::new(LOG_INS.0, LOG_INS.1)) }
    }
}

impl KnownBrowsers {
    /// The request again, if it comes from a known browser that has not asked too often itself.
    pub(super) async fn let_through(
        &self,
        runtime: &Arc<Runtime>,
        client: IpAddr,
        request: Request,
    ) -> Option<Request> {
        let login = request.extensions().get::<LoginOrigin>()?.clone();
        let browser = Sha256::digest(login.origin.browser.as_ref()?.expose().as_bytes()).to_vec();
        let now_ms = runtime.clock.now().as_millis();
        self.looks.lock().ask(client, now_ms).ok()?;
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, SMALL).await.ok()?;
        // Only the first step of a log-in says of which ISP: in the next one the browser was let through before.
        let chosen = serde_json::from_slice::<Chosen>(&body).unwrap_or_default();
        let is_known = match login.browser_is_known(runtime, chosen.tenant).await {
            Ok(is_known) => is_known || self.log_ins.lock().remembers(&browser),
            Err(error) => {
                tracing::warn!(%error, "a browser could not be looked up; its address has to wait");
                false
            }
        };
        let passes = is_known && self.log_ins.lock().ask(browser, now_ms).is_ok();
        passes.then(|| Request::from_parts(parts, Body::from(body)))
    }
}
