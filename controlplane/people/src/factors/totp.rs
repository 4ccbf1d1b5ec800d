//! Codes of an authenticator app (RFC 6238 over RFC 4226): HMAC-SHA-1, 30 seconds, 6 digits, which every app knows.

use ring::hmac;
use subtle::ConstantTimeEq;

/// Bytes of a secret: 160 bits, as RFC 4226 recommends.
pub(crate) const SECRET_BYTES: usize = 20;
const STEP_S: i64 = 30;
const DIGITS: u32 = 6;
/// Steps by which a phone's clock may be off, either way.
const WINDOW: i64 = 1;

/// HOTP (RFC 4226 §5.3): the dynamic truncation of the counter's HMAC, to so many digits.
fn hotp(secret: &[u8], counter: u64, digits: u32) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or_default() & 0xf);
    let word = tag[offset..offset + 4].try_into().map_or(0, u32::from_be_bytes);
    (word & 0x7fff_ffff) % 10_u32.pow(digits)
}

/// The step in which a code is right now: not one at or before the last that was taken. `None` when it is wrong.
pub(crate) fn step_of(secret: &[u8], code: &str, now_s: i64, last_step: i64) -> Option<i64> {
    let given = code.as_bytes();
    let current = now_s.div_euclid(STEP_S);
    let mut found = None;
    // Every step is compared, and each in constant time.
    for step in current - WINDOW..=current + WINDOW {
        let Ok(counter) = u64::try_from(step) else { continue };
        let wanted = format!("{:0width$}", hotp(secret, counter, DIGITS), width = 6);
        let right: bool = given.ct_eq(wanted.as_bytes()).into();
        if right && step > last_step && found.is_none() {
            found = Some(step);
        }
    }
    found
}

/// The code of an instant; what an app shows.
#[cfg(test)]
pub(crate) fn code_at(secret: &[u8], now_s: i64) -> String {
    let step = u64::try_from(now_s.div_euclid(STEP_S)).unwrap_or(0);
    format!("{:06}", hotp(secret, step, DIGITS))
}

/// Base 32 (RFC 4648 §6) without padding: how apps take a secret.
pub(crate) fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let mut text = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0_u32);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(letter(ALPHABET, held >> bits));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(letter(ALPHABET, held << (5 - bits)));
    }
    text
}

fn letter(alphabet: &[u8; 32], value: u32) -> char {
    let index = usize::try_from(value & 31).expect("five bits fit any platform");
    char::from(alphabet[index])
}

/// `otpauth://` address that apps read from a picture.
pub(crate) fn uri(issuer: &str, account: &str, secret: &str) -> String {
    let (issuer, account) = (escaped(issuer), escaped(account));
    format!(
        "otpauth://totp/{issuer}:{account}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30"
    )
}

/// Percent-encoding of everything but what RFC 3986 calls unreserved.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push_str(&hex::encode_upper([byte]));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of the RFCs' vectors.
    const SECRET: &[u8] = b"12345678901234567890";

    #[test]
    fn the_vectors_of_rfc_6238() {
        for (seconds, code) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000_u64, 65_353_130),
        ] {
            assert_eq!(hotp(SECRET, seconds / 30, 8), code, "{seconds}");
        }
    }

    #[test]
    fn the_vectors_of_rfc_4226() {
        let codes: Vec<u32> = (0..10).map(|counter| hotp(SECRET, counter, 6)).collect();
        let wanted =
            [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        assert_eq!(codes, wanted);
    }

    #[test]
    fn a_code_is_good_a_step_early_or_late_and_once() {
        let now = 1_234_567_890;
        let code = code_at(SECRET, now);
        let step = now / 30;
        for (at, right) in
            [(now - 60, false), (now - 30, true), (now, true), (now + 30, true), (now + 60, false)]
        {
            assert_eq!(step_of(SECRET, &code, at, 0), right.then_some(step), "{at}");
        }
        assert_eq!(step_of(SECRET, &code, now, step), None, "taken before");
        assert_eq!(step_of(SECRET, &code, now, step - 1), Some(step));
        for wrong in ["", "000", "12345x", "1234567"] {
            assert_eq!(step_of(SECRET, wrong, now, 0), None, "{wrong:?}");
        }
    }

    #[test]
    fn the_vectors_of_rfc_4648() {
        for (bytes, text) in [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("fooba", "MZXW6YTB"),
            ("foobar", "MZXW6YTBOI"),
        ] {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
        assert_eq!(base32(SECRET), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn an_address_for_apps() {
        let uri = uri("Net Andina", "rosa@x.example", "ABC");
        assert_eq!(
            uri,
            "otpauth://totp/Net%20Andina:rosa%40x.example?secret=ABC&issuer=Net%20Andina&algorithm=SHA1&digits=6&period=30"
        );
    }
}
