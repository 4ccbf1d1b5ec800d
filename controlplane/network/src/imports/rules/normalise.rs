//! Text of routers made comparable.

use atalaya_kernel::text;
use std::net::IpAddr;

/// How the agent marks a row as ours: this and the id of the point, as a word of the comment.
const MARKER: &str = "atalaya:";
/// Fewest digits of a document or a phone: shorter numbers are found by chance.
const FEWEST_DIGITS: usize = 7;
/// Most digits of a number that somebody wrote in pieces.
const MOST_DIGITS: usize = 13;
/// Most pieces of one number.
const MOST_PIECES: usize = 4;
/// Digits by which phones are compared: country and area codes are written or not.
const PHONE_DIGITS: usize = 8;

/// A text that was encoded twice is decoded once (`PeÃ±a` is `Peña`); any other stays as it is.
pub fn mended(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let bytes: Option<Vec<u8>> = text.chars().map(byte_of).collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| text.to_owned())
}

/// The letters that Windows-1252 has where Latin 1 has none, from 0x80 on; a dot where neither has one.
const WINDOWS: &str = "€.‚ƒ„…†‡ˆ‰Š‹Œ.Ž..‘’“”•–—˜™š›œ.žŸ";

/// The byte that stands for a letter in Windows-1252, or in Latin 1.
fn byte_of(letter: char) -> Option<u8> {
    let windows = WINDOWS.chars().position(|known| known == letter && known != '.');
    match windows {
        Some(at) => u8::try_from(0x80 + at).ok(),
        None => u8::try_from(u32::from(letter)).ok(),
    }
}

/// Words of a text: lower case, without accents, broken at every sign and between letters and digits (`NAP4` is `nap`, `4`).
pub(super) fn words(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut last: Option<char> = None;
    for letter in text::normalise(&mended(text)).chars() {
        if letter.is_alphanumeric() {
            let goes_on = last.is_some_and(|last| last.is_numeric() == letter.is_numeric());
            match found.last_mut().filter(|_| goes_on) {
                Some(word) => word.push(letter),
                None => found.push(letter.to_string()),
            }
            last = Some(letter);
        } else {
            last = None;
        }
    }
    found
}

/// Letters and digits of a text, lower case and without accents: what is left of a user whatever signs are in it.
pub(super) fn compact(text: &str) -> String {
    text::normalise(text).chars().filter(|letter| letter.is_alphanumeric()).collect()
}

/// An address as it is compared: without the prefix of a single one. None for what is no address.
pub fn address_key(text: &str) -> Option<String> {
    let text = text.trim();
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().ok()?;
    let whole = if address.is_ipv4() { 32 } else { 128 };
    match bits.map(str::parse::<u8>) {
        None => Some(address.to_string()),
        Some(Ok(bits)) if bits == whole => Some(address.to_string()),
        Some(Ok(bits)) if bits < whole => Some(format!("{address}/{bits}")),
        Some(_) => None,
    }
}

/// A MAC address as it is compared, however it was written. None for what is none, and for one of zeros.
pub fn mac_key(text: &str) -> Option<String> {
    let is_sign = |letter: char| matches!(letter, ':' | '-' | '.' | ' ');
    let digits: String = text.trim().chars().filter(|letter| !is_sign(*letter)).collect();
    let is_mac = digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    (is_mac && digits != "000000000000").then(|| digits.to_ascii_uppercase())
}

/// Digits of a document; none where they are too few to say anything.
pub(super) fn document_key(text: &str) -> Option<String> {
    let digits = digits(text);
    (digits.len() >= FEWEST_DIGITS).then_some(digits)
}

/// Last digits of a phone; none where they are too few to say anything.
pub(super) fn phone_key(text: &str) -> Option<String> {
    let digits = digits(text);
    let from = digits.len().saturating_sub(PHONE_DIGITS);
    (digits.len() >= FEWEST_DIGITS).then(|| digits[from..].to_owned())
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// Numbers of a comment that may be documents or phones, also those written in pieces (`987 654 321`, `12.345.678`).
pub(super) fn numbers(text: &str) -> Vec<String> {
    let mut pieces: Vec<(String, bool)> = Vec::new();
    // Whether the piece follows the one before it with one sign between.
    let mut apart = usize::MAX;
    let mut in_digits = false;
    for letter in text.chars() {
        if letter.is_ascii_digit() {
            if in_digits {
                if let Some((piece, _)) = pieces.last_mut() {
                    piece.push(letter);
                }
            } else {
                pieces.push((letter.to_string(), apart == 1));
            }
            (in_digits, apart) = (true, 0);
        } else {
            let joins = matches!(letter, ' ' | '.' | '-');
            apart = if joins { apart.saturating_add(1) } else { usize::MAX };
            in_digits = false;
        }
    }
    let mut found = Vec::new();
    for start in 0..pieces.len() {
        let mut number = String::new();
        for (piece, joined) in pieces.iter().skip(start).take(MOST_PIECES) {
            if !(number.is_empty() || *joined) {
                break;
            }
            number.push_str(piece);
            if number.len() > MOST_DIGITS {
                break;
            }
            if number.len() >= FEWEST_DIGITS {
                found.push(number.clone());
            }
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Id of the point whose marker a comment carries.
pub(super) fn marker(comment: &str) -> Option<&str> {
    comment.split_whitespace().find_map(|word| word.strip_prefix(MARKER)).filter(|id| id.starts_with("enp_"))
}

/// A comment without our marker.
pub(super) fn without_marker(comment: &str) -> String {
    let words: Vec<_> = comment.split_whitespace().filter(|word| !word.starts_with(MARKER)).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_encoded_twice_is_mended() {
        assert_eq!(mended("PeÃ±a MuÃ±oz"), "Peña Muñoz");
        assert_eq!(mended("MUÃ‘OZ"), "MUÑOZ");
        assert_eq!(mended("Peña"), "Peña", "and one that was not stays");
        assert_eq!(mended("日本"), "日本");
    }

    #[test]
    fn words_break_at_signs_and_at_digits() {
        assert_eq!(words("  PÉREZ,Juan-987654321/NAP4 "), ["perez", "juan", "987654321", "nap", "4"]);
        assert_eq!(compact("J.Pérez_01"), "jperez01");
        assert!(words("***").is_empty());
    }

    #[test]
    fn addresses_and_macs_have_one_form() {
        assert_eq!(address_key(" 10.0.0.5/32 ").as_deref(), Some("10.0.0.5"));
        assert_eq!(address_key("10.0.0.0/30").as_deref(), Some("10.0.0.0/30"));
        assert_eq!(address_key("2001:DB8::1/128").as_deref(), Some("2001:db8::1"));
        for bad in ["", "rquispe", "10.0.0.1/33", "10.0.0.1-10.0.0.9"] {
            assert_eq!(address_key(bad), None, "{bad}");
        }
        for written in ["aa:bb:cc:00:11:22", "AA-BB-CC-00-11-22", "aabb.cc00.1122"] {
            assert_eq!(mac_key(written).as_deref(), Some("AABBCC001122"), "{written}");
        }
        assert_eq!((mac_key("00:00:00:00:00:00"), mac_key("aa:bb")), (None, None));
    }

    #[test]
    fn numbers_are_found_in_pieces() {
        assert_eq!(numbers("Juan 987 654 321 NAP 4"), ["987654321"]);
        assert_eq!(numbers("CI 12.345.678-9"), ["12345678", "123456789", "3456789"]);
        let two = numbers("DNI 40112233 / 987654321");
        assert_eq!(two, ["40112233", "987654321"]);
        assert!(numbers("PLAN 100 NAP 4 P3").is_empty());
        assert_eq!(phone_key("+51 987 654 321"), phone_key("987654321"));
        assert_eq!(document_key("12-34"), None);
    }

    #[test]
    fn the_marker_is_a_word() {
        assert_eq!(marker("Rosa atalaya:enp_1 x"), Some("enp_1"));
        assert_eq!(marker("atalaya: enp_1"), None);
        assert_eq!(without_marker("Rosa  atalaya:enp_1 x"), "Rosa x");
    }
}
