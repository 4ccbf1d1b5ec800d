//! The installation's keys that sign tokens, and when each still counts.

use super::{
    TOKEN_MS, jwt,
    store::{self, KeyRow},
};
use crate::platform::PlatformCtx;
use atalaya_kernel::{
    Error, Principal,
    audit::{self, Entry},
    db::PlatformTx,
    events::EntityRef,
    ids::InstallationId,
    installation,
    runtime::Runtime,
    secrets::SecretBytes,
    time::Timestamp,
    write_tx,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::{
    rand::SystemRandom,
    signature::{Ed25519KeyPair, KeyPair},
};
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{fmt::Display, sync::Arc};

/// How long a key signs, ms: thirty days.
const SIGNS_MS: i64 = 30 * 86_400_000;
/// How much longer than the last token that it signed a key verifies, ms: clocks of processes differ a little.
const MARGIN_MS: i64 = 60_000;

/// A public key as anybody may have it (RFC 7517, 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKey {
    kty: &'static str,
    crv: &'static str,
    /// The key, base64url.
    x: String,
    /// Which: its thumbprint (RFC 7638).
    kid: String,
    #[serde(rename = "use")]
    usage: &'static str,
    alg: &'static str,
}

/// The public keys together (RFC 7517 §5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PublicKeys {
    /// Newest first.
    pub keys: Vec<PublicKey>,
}

/// What signs now.
pub(super) struct Signing {
    pub(super) issuer: InstallationId,
    pub(super) kid: String,
    pub(super) key: Ed25519KeyPair,
}

/// RFC 7638: SHA-256 over the members that make the key, by name.
fn thumbprint(x: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{x}"}}"#)))
}

/// Context under which the private half of a key is sealed.
pub(crate) fn secret_context(kid: impl Display) -> String {
    format!("token/signing-key/{kid}")
}

/// Keys whose tokens still count, newest first: the newest, and each that signed until a while ago.
fn verifying(mut keys: Vec<KeyRow>, now: Timestamp) -> Vec<KeyRow> {
    keys.sort_by_key(|key| std::cmp::Reverse((key.created_at, key.id.clone())));
    let followed_at: Vec<Option<Timestamp>> =
        std::iter::once(None).chain(keys.iter().map(|key| Some(key.created_at))).collect();
    let counts = |followed_at: &Option<Timestamp>| {
        followed_at.is_none_or(|at| now < at.plus_millis(TOKEN_MS + MARGIN_MS))
    };
    keys.into_iter().zip(followed_at).filter(|(_, at)| counts(at)).map(|(key, _)| key).collect()
}

fn signs(key: &KeyRow, now: Timestamp) -> bool {
    now < key.created_at.plus_millis(SIGNS_MS)
}

async fn newest(tx: &mut PlatformTx, now: Timestamp) -> Result<Option<KeyRow>, Error> {
    Ok(verifying(store::keys_list(tx).await?, now).into_iter().next())
}

/// The key that signs now; made when there is none or the newest has signed long enough.
pub(super) async fn signing(runtime: &Arc<Runtime>) -> Result<Signing, Error> {
    let now = runtime.clock.now();
    let platform = runtime.platform();
    let mut tx = platform.begin_read().await?;
    let issuer = installation::id(&mut tx).await?;
    let found = newest(&mut tx, now).await?.filter(|key| signs(key, now));
    tx.rollback().await?;
    let row = match found {
        Some(row) => row,
        None => {
            let pair = Pair::fresh()?;
            write_tx!(platform, tx => {
                // Another process may have been faster.
                if let Some(row) = newest(&mut tx, now).await?.filter(|key| signs(key, now)) {
                    return Ok(row);
                }
                let row = pair.keep(runtime, &mut tx, now).await?;
                audit::record_platform(&mut tx, &Principal::System("token keys"), "token-keys", now, made(&row)?).await?;
                Ok(row)
            })?
        }
    };
    let pkcs8 = runtime.secrets.open_platform(&secret_context(&row.id), &row.sealed_key)?;
    let key =
        Ed25519KeyPair::from_pkcs8(pkcs8.expose()).map_err(|error| Error::internal(error.to_string()))?;
    Ok(Signing { issuer, kid: row.id, key })
}

/// A pair that was just made.
struct Pair {
    pkcs8: SecretBytes,
    public_key: String,
}

impl Pair {
    fn fresh() -> Result<Self, Error> {
        let failed = |error: String| Error::internal(error);
        let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new())
            .map_err(|error| failed(error.to_string()))?;
        let pkcs8 = SecretBytes::new(pkcs8.as_ref().to_vec());
        let pair = Ed25519KeyPair::from_pkcs8(pkcs8.expose()).map_err(|error| failed(error.to_string()))?;
        Ok(Self { public_key: URL_SAFE_NO_PAD.encode(pair.public_key().as_ref()), pkcs8 })
    }

    /// Keeps it as the newest, and forgets those whose tokens have all ended.
    async fn keep(&self, runtime: &Runtime, tx: &mut PlatformTx, now: Timestamp) -> Result<KeyRow, Error> {
        let id = thumbprint(&self.public_key);
        let sealed_key = runtime.secrets.seal_platform(tx, &secret_context(&id), self.pkcs8.expose()).await?;
        let row = KeyRow { id, public_key: self.public_key.clone(), sealed_key, created_at: now };
        store::key_insert(tx, &row).await?;
        let kept: Vec<_> =
            verifying(store::keys_list(tx).await?, now).into_iter().map(|key| key.id).collect();
        store::keys_retain(tx, &kept).await?;
        Ok(row)
    }
}

fn made(key: &KeyRow) -> Result<Entry, Error> {
    Entry::new("token_key.create", EntityRef::new("token_key", &key.id))
        .after(&json!({"created_at": key.created_at}))
}

/// Makes a new key that signs from now on, and says its `kid`. The ones before verify until their tokens have ended; or, for
/// a key that somebody may have seen, no more: then the programs refresh at once.
///
/// # Errors
/// The database's.
pub async fn key_rotate(ctx: &PlatformCtx, forget_others: bool) -> Result<String, Error> {
    let pair = Pair::fresh()?;
    let runtime = ctx.runtime();
    let platform = runtime.platform();
    write_tx!(platform, tx => {
        let row = pair.keep(runtime, &mut tx, ctx.now()).await?;
        if forget_others {
            store::keys_retain(&mut tx, std::slice::from_ref(&row.id)).await?;
        }
        let entry = Entry::new("token_key.rotate", EntityRef::new("token_key", &row.id));
        let facts = json!({"created_at": row.created_at, "others_forgotten": forget_others});
        ctx.record(&mut tx, entry.after(&facts)?).await?;
        Ok(row.id)
    })
}

/// Public keys whose tokens count now, for whoever verifies tokens elsewhere.
///
/// # Errors
/// The database's.
pub async fn keys_public(runtime: &Arc<Runtime>) -> Result<PublicKeys, Error> {
    let mut tx = runtime.platform().begin_read().await?;
    let keys = verifying(store::keys_list(&mut tx).await?, runtime.clock.now());
    let shown = |key: KeyRow| PublicKey {
        kty: "OKP",
        crv: "Ed25519",
        x: key.public_key,
        kid: key.id,
        usage: "sig",
        alg: jwt::ALGORITHM,
    };
    Ok(PublicKeys { keys: keys.into_iter().map(shown).collect() })
}

/// What a token says, if it is ours and has not ended.
pub(super) async fn read(runtime: &Arc<Runtime>, token: &str) -> Result<Option<jwt::Claims>, Error> {
    let now = runtime.clock.now();
    let mut tx = runtime.platform().begin_read().await?;
    let issuer = installation::id(&mut tx).await?;
    let keys = verifying(store::keys_list(&mut tx).await?, now);
    tx.rollback().await?;
    let public_key = |kid: &str| {
        let key = keys.iter().find(|key| key.id == kid)?;
        URL_SAFE_NO_PAD.decode(&key.public_key).ok()
    };
    Ok(jwt::verify(token, public_key, &issuer, now.as_millis().div_euclid(1_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_counts_until_its_last_token_has_ended() {
        let start = Timestamp::from_millis(1_793_891_229_000);
        let key = |id: &str, at: i64| KeyRow {
            id: id.to_owned(),
            sealed_key: Vec::new(),
            public_key: String::new(),
            created_at: start.plus_millis(at),
        };
        let keys = || vec![key("a", 0), key("c", 2_000_000), key("b", 1_000_000)];
        let ids = |now: i64| -> Vec<String> {
            verifying(keys(), start.plus_millis(now)).into_iter().map(|key| key.id).collect()
        };
        assert_eq!(ids(2_000_000), ["c", "b"]);
        assert_eq!(ids(2_000_000 + 659_999), ["c", "b"]);
        assert_eq!(ids(2_000_000 + 660_000), ["c"]);
    }

    #[test]
    fn the_thumbprint_is_the_one_of_rfc_8037() {
        assert_eq!(
            thumbprint("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"),
            "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
        );
    }
}
