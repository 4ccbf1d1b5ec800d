//! What a sealed value looks like.
//!
//! ```text
//! 1                nonce  body    under the owner's first key: a tenant's number 1, the platform's number 0
//! 2  u32 number    nonce  body    under the key of that number (big-endian)
//! ```
//!
//! The body is XChaCha20-Poly1305 over the value, bound to its context. The first key has the short form because it was the
//! only one before keys had numbers: what was sealed then is as it would be sealed now.

use super::text::{SecretBytes, fill_random};
use crate::Error;
use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use zeroize::Zeroizing;

pub(super) const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 24;
const FIRST: u8 = 1;
const NUMBERED: u8 = 2;

/// Whose keys seal a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// The installation.
    Platform,
    /// The tenant whose row it is.
    Tenant,
}

impl Owner {
    /// Number of the key whose values have the short form.
    pub(super) const fn first(self) -> u32 {
        match self {
            Self::Platform => 0,
            Self::Tenant => 1,
        }
    }

    /// What a value starts with that lies under the key of this number.
    pub(super) fn header(self, number: u32) -> Vec<u8> {
        if number == self.first() {
            return vec![FIRST];
        }
        let mut header = vec![NUMBERED];
        header.extend_from_slice(&number.to_be_bytes());
        header
    }

    /// Number of the key that a value lies under.
    pub(super) fn number_of(self, sealed: &[u8]) -> Result<u32, Error> {
        match sealed.split_first() {
            Some((&FIRST, _)) => Ok(self.first()),
            Some((&NUMBERED, rest)) => rest
                .first_chunk()
                .map(|number| u32::from_be_bytes(*number))
                .filter(|number| *number > self.first())
                .ok_or_else(does_not_open),
            _ => Err(does_not_open()),
        }
    }
}

/// A key in memory, wiped when dropped.
#[derive(Clone)]
pub(super) struct Key(Zeroizing<[u8; KEY_BYTES]>);

impl Key {
    pub(super) fn random() -> Self {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        fill_random(&mut *key);
        Self(key)
    }

    pub(super) fn new(bytes: &[u8]) -> Result<Self, Error> {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        if bytes.len() != KEY_BYTES {
            return Err(Error::internal("a stored key has the wrong length"));
        }
        key.copy_from_slice(bytes);
        Ok(Self(key))
    }

    pub(super) fn bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }

    /// Seals a value; `header` says under which number this key goes.
    pub(super) fn seal(&self, header: &[u8], context: &str, secret: &[u8]) -> Result<Vec<u8>, Error> {
        let mut nonce = [0; NONCE_BYTES];
        fill_random(&mut nonce);
        let body = XChaCha20Poly1305::new(&(*self.0).into())
            .encrypt(&XNonce::from(nonce), Payload { msg: secret, aad: context.as_bytes() })
            .map_err(|_| Error::internal("sealing failed"))?;
        let mut sealed = Vec::with_capacity(header.len() + NONCE_BYTES + body.len());
        sealed.extend_from_slice(header);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        Ok(sealed)
    }

    /// Opens what [`Key::seal`] sealed under this key.
    pub(super) fn open(&self, context: &str, sealed: &[u8]) -> Result<SecretBytes, Error> {
        let header = if sealed.first() == Some(&FIRST) { 1 } else { 5 };
        let rest = sealed.get(header..).ok_or_else(does_not_open)?;
        let (nonce, body) = rest.split_at_checked(NONCE_BYTES).ok_or_else(does_not_open)?;
        let nonce = <[u8; NONCE_BYTES]>::try_from(nonce).map_err(|_| does_not_open())?;
        XChaCha20Poly1305::new(&(*self.0).into())
            .decrypt(&XNonce::from(nonce), Payload { msg: body, aad: context.as_bytes() })
            .map(SecretBytes::new)
            .map_err(|_| does_not_open())
    }
}

pub(super) fn does_not_open() -> Error {
    Error::internal("a sealed value does not open: changed, moved, or the installation key is another")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_says_under_which_key_it_lies() {
        let key = Key::random();
        for owner in [Owner::Platform, Owner::Tenant] {
            for number in [owner.first(), 2, 7, u32::MAX] {
                let sealed = key.seal(&owner.header(number), "device/1", b"secret").unwrap();
                assert_eq!(owner.number_of(&sealed).unwrap(), number);
                assert_eq!(key.open("device/1", &sealed).unwrap().expose(), b"secret");
                assert!(key.open("device/2", &sealed).is_err());
                assert!(Key::random().open("device/1", &sealed).is_err());
            }
        }
        assert!(
            Owner::Tenant.number_of(&[NUMBERED, 0, 0, 0, 1]).is_err(),
            "the first has the short form only"
        );
        for wrong in [&[][..], &[0], &[3, 0, 0, 0, 9], &[NUMBERED, 0]] {
            assert!(Owner::Tenant.number_of(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_changed_value_does_not_open() {
        let key = Key::random();
        let sealed = key.seal(&Owner::Tenant.header(2), "device/1", b"secret").unwrap();
        for at in 5..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(key.open("device/1", &changed).is_err(), "byte {at}");
        }
        assert!(key.open("device/1", &sealed[..20]).is_err());
    }
}
