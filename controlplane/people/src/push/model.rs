use super::encryption::{decoded, encoded};
use atalaya_kernel::{
    Error,
    ids::PushSubscriptionId,
    secrets::{SecretBytes, SecretText},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use utoipa::ToSchema;

/// What a browser is told to subscribe with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct PushKey {
    /// `applicationServerKey`: the installation's public key, a point on P-256, base64url.
    #[schema(
        example = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8"
    )]
    pub public_key: String,
}

/// A browser of the caller that notices are pushed to. Where it is reached is not told again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct PushSubscription {
    /// Which.
    pub id: PushSubscriptionId,
    /// What it is called.
    #[schema(example = "Firefox · Windows")]
    pub name: String,
    /// SHA-256 of its address, hexadecimal: by it a browser knows itself in the list.
    #[schema(example = "3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7")]
    pub endpoint_hash: String,
    /// When it was switched on.
    pub created_at: Timestamp,
    /// When its push service last took a notice.
    pub last_used_at: Option<Timestamp>,
}

/// A browser to be switched on, as its `PushSubscription` says.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPushSubscription {
    /// What it is to be called.
    #[schema(example = "Firefox · Windows")]
    pub name: String,
    /// `endpoint`: its address at its push service.
    pub endpoint: SecretText,
    /// `getKey("p256dh")`: its public key, base64url.
    pub p256dh: String,
    /// `getKey("auth")`: its secret, base64url.
    pub auth: SecretText,
}

/// Where a browser is reached and what for it is encrypted with. Not printable.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(super) endpoint: SecretText,
    /// A point on P-256, uncompressed.
    pub(super) public_key: Vec<u8>,
    pub(super) auth: SecretText,
}

/// The sealed form.
#[derive(Serialize, Deserialize)]
struct Sealed<'s> {
    endpoint: Cow<'s, str>,
    p256dh: Cow<'s, str>,
    auth: Cow<'s, str>,
}

impl Receiver {
    /// To be sealed, and nothing else.
    pub(super) fn to_bytes(&self) -> Result<SecretBytes, Error> {
        let sealed = Sealed {
            endpoint: self.endpoint.expose().into(),
            p256dh: encoded(&self.public_key).into(),
            auth: self.auth.expose().into(),
        };
        Ok(SecretBytes::new(serde_json::to_vec(&sealed).map_err(Error::internal)?))
    }

    /// What was sealed.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        let sealed: Sealed<'_> = serde_json::from_slice(bytes).map_err(Error::internal)?;
        let public_key = decoded(&sealed.p256dh).ok_or_else(|| Error::internal("a kept key is base64url"))?;
        Ok(Self {
            endpoint: SecretText::new(sealed.endpoint.into_owned()),
            public_key,
            auth: SecretText::new(sealed.auth.into_owned()),
        })
    }
}
