//! What is said to a browser, encrypted for it alone (RFC 8291 over RFC 8188).

use super::model::Receiver;
use atalaya_kernel::{Error, secrets::fill_random};
use base64::{
    Engine,
    alphabet::URL_SAFE,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use ring::{
    aead::{AES_128_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand::SystemRandom,
};

/// Browsers write base64url without padding, some libraries with it.
const BASE64URL: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);
/// Length of a browser's secret, bytes.
pub(super) const AUTH: usize = 16;
/// Length of a point on P-256, uncompressed, bytes.
pub(super) const POINT: usize = 65;
const SALT: usize = 16;
/// One record of so many bytes holds everything (RFC 8291 §4).
const RECORD: u32 = 4_096;
/// Salt, record size, length of the key and the key; delimiter and tag.
const AROUND: usize = SALT + 4 + 1 + POINT + 1 + 16;
/// What can be said at most, bytes.
pub(super) const MAX_PLAIN: usize = 4_096 - AROUND;

/// Base64url without padding.
pub(super) fn encoded(bytes: &[u8]) -> String {
    BASE64URL.encode(bytes)
}

/// Base64url with or without padding; `None` for something else.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    BASE64URL.decode(text).ok()
}

/// Whether bytes are a point on P-256 that something can be agreed on with.
pub(super) fn is_point(bytes: &[u8]) -> bool {
    bytes.len() == POINT
        && EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())
            .and_then(|ours| agree_ephemeral(ours, &UnparsedPublicKey::new(&ECDH_P256, bytes), |_| ()))
            .is_ok()
}

/// The body of a message for a browser.
///
/// # Errors
/// [`Error::Internal`] for more than [`MAX_PLAIN`] bytes, or a key that was not looked at.
pub(super) fn encrypted(plain: &[u8], receiver: &Receiver) -> Result<Vec<u8>, Error> {
    let failed = |_: Unspecified| Error::internal("nothing can be encrypted for this browser");
    let auth =
        decoded(receiver.auth.expose()).ok_or_else(|| Error::internal("a kept secret is base64url"))?;
    let ours = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).map_err(failed)?;
    let sender = ours.compute_public_key().map_err(failed)?;
    let mut salt = [0; SALT];
    fill_random(&mut salt);
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &receiver.public_key);
    let ends = Ends { receiver: &receiver.public_key, sender: sender.as_ref(), auth: &auth, salt };
    agree_ephemeral(ours, &theirs, |shared| ends.record(shared, plain)).map_err(failed)?.map_err(failed)
}

/// What both ends know.
struct Ends<'e> {
    receiver: &'e [u8],
    sender: &'e [u8],
    auth: &'e [u8],
    salt: [u8; SALT],
}

/// How much is derived, bytes.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// HKDF (RFC 5869).
fn derived<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut key = [0; N];
    Salt::new(HKDF_SHA256, salt).extract(secret).expand(info, Length(N))?.fill(&mut key)?;
    Ok(key)
}

impl Ends<'_> {
    /// The one record, behind its header.
    fn record(&self, shared: &[u8], plain: &[u8]) -> Result<Vec<u8>, Unspecified> {
        if plain.len() > MAX_PLAIN {
            return Err(Unspecified);
        }
        let info = [b"WebPush: info\0".as_slice(), self.receiver, self.sender];
        let secret: [u8; 32] = derived(self.auth, shared, &info)?;
        let key: [u8; 16] = derived(&self.salt, &secret, &[b"Content-Encoding: aes128gcm\0"])?;
        let nonce: [u8; NONCE_LEN] = derived(&self.salt, &secret, &[b"Content-Encoding: nonce\0"])?;
        // The last record ends in 2.
        let mut sealed = [plain, &[2]].concat();
        let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key)?);
        key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)?;
        let length = u8::try_from(self.sender.len()).map_err(|_| Unspecified)?;
        let header = [self.salt.as_slice(), &RECORD.to_be_bytes(), &[length], self.sender];
        Ok([header.concat(), sealed].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::secrets::SecretText;

    /// RFC 8291, §5 and appendix A.
    #[test]
    fn a_message_is_the_one_of_rfc_8291() {
        let bytes = |text: &str| decoded(text).unwrap();
        let receiver =
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let sender =
            bytes("BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8");
        let ends = Ends {
            receiver: &receiver,
            sender: &sender,
            auth: &bytes("BTBZMqHH6r4Tts7J_aSIgg"),
            salt: bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
        };
        let shared = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let body = ends.record(&shared, b"When I grow up, I want to be a watermelon").unwrap();
        assert_eq!(
            encoded(&body),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn a_point_is_on_the_curve_and_a_message_within_its_bound() {
        let ours = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new()).unwrap();
        let point = ours.compute_public_key().unwrap().as_ref().to_vec();
        assert!(is_point(&point));
        let mut off = point.clone();
        off[64] ^= 1;
        for wrong in [off, point[..64].to_vec(), vec![4; POINT], Vec::new()] {
            assert!(!is_point(&wrong), "{wrong:?}");
        }
        let receiver = Receiver {
            endpoint: SecretText::new("https://push.example/a".to_owned()),
            public_key: point,
            auth: SecretText::new(encoded(&[7; AUTH])),
        };
        let longest = encrypted(&[b'x'; MAX_PLAIN], &receiver).unwrap();
        assert_eq!(longest.len(), 4_096);
        assert!(encrypted(&[b'x'; MAX_PLAIN + 1], &receiver).is_err());
        let again = encrypted(&[b'x'; MAX_PLAIN], &receiver).unwrap();
        assert_ne!(longest[..SALT], again[..SALT]);
        assert_eq!(decoded("AQ==").as_deref(), decoded("AQ").as_deref());
    }
}
