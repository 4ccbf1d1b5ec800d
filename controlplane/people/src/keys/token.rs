//! The text form of a key: `atk_<suffix of its id>_<64 hexadecimal digits>`.

use crate::identity::token_hash;
use atalaya_kernel::{
    ids::ApiKeyId,
    secrets::{SecretText, random_token},
};

const PREFIX: &str = "atk_";

/// Whether a text wants to be a key.
pub fn is_key(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// A new secret: the key as its user keeps it, and what is stored.
pub(super) fn fresh(id: &ApiKeyId) -> (String, String) {
    let secret = random_token();
    let suffix = id.as_str().trim_start_matches(ApiKeyId::PREFIX).trim_start_matches('_');
    (format!("{PREFIX}{suffix}_{secret}"), token_hash(&secret))
}

/// Id and hash of the secret of a key; `None` for a text that is none.
pub(super) fn parse(text: &SecretText) -> Option<(ApiKeyId, String)> {
    let (suffix, secret) = text.expose().strip_prefix(PREFIX)?.split_once('_')?;
    let id = format!("{}_{suffix}", ApiKeyId::PREFIX).parse().ok()?;
    Some((id, token_hash(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::time::Timestamp;

    #[test]
    fn a_key_names_its_row_and_proves_itself() {
        let id = ApiKeyId::new(Timestamp::from_millis(1_700_000_000_000));
        let (key, kept) = fresh(&id);
        assert!(is_key(&key) && !key.contains(&kept));
        assert_eq!(parse(&SecretText::new(key.clone())), Some((id, kept.clone())));
        let other = format!("{}0", &key[..key.len() - 1]);
        let (_, wrong) = parse(&SecretText::new(other.clone())).unwrap();
        assert!(wrong != kept || other == key);
        for text in ["", "atk_", "atk_x_y", "apk_01jd3k5m7nf8v9q0r1s2t3w4x5_00"] {
            assert_eq!(parse(&SecretText::new(text.to_owned())), None, "{text:?}");
        }
    }
}
