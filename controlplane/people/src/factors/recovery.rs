use super::totp::base32;
use atalaya_kernel::{
    ids::{TenantId, UserId},
    secrets::fill_random,
};
use sha2::{Digest, Sha256};

/// Codes that somebody is given.
pub(super) const CODES: usize = 10;
/// Bytes of a code: 80 bits.
const BYTES: usize = 10;

/// A new code: 16 letters in four groups.
pub(super) fn fresh() -> String {
    let mut bytes = [0; BYTES];
    fill_random(&mut bytes);
    let text = base32(&bytes);
    let groups: Vec<&str> = (0..4).map(|group| &text[group * 4..group * 4 + 4]).collect();
    groups.join("-")
}

/// As it is kept. Groups and case are how people write it down, and no part of it.
pub(super) fn hash(tenant: &TenantId, user: &UserId, code: &str) -> String {
    let letters: String =
        code.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
    hex::encode(Sha256::digest(format!("recovery/{tenant}/{user}/{letters}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::time::Timestamp;

    #[test]
    fn a_code_is_read_as_people_write_it() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let (tenant, user) = (TenantId::new(now), UserId::new(now));
        let code = fresh();
        assert_eq!((code.len(), code.matches('-').count()), (19, 3), "{code}");
        let kept = hash(&tenant, &user, &code);
        assert_eq!(hash(&tenant, &user, &code.to_lowercase().replace('-', " ")), kept);
        assert_ne!(hash(&tenant, &UserId::new(now), &code), kept, "one's own only");
        assert_ne!(fresh(), code);
    }
}
