//! What a file is and what it is called, whatever its sender says.

/// Letters of a name at most, its ending included.
const LONGEST: usize = 120;

/// A kind of file that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    /// Media type.
    pub(super) media_type: &'static str,
    /// Endings that its names may have; the first is given to one that has none of them.
    endings: &'static [&'static str],
}

const PDF: Kind = Kind { media_type: "application/pdf", endings: &["pdf"] };
const PNG: Kind = Kind { media_type: "image/png", endings: &["png"] };
const JPEG: Kind = Kind { media_type: "image/jpeg", endings: &["jpg", "jpeg"] };
const GIF: Kind = Kind { media_type: "image/gif", endings: &["gif"] };
const WEBP: Kind = Kind { media_type: "image/webp", endings: &["webp"] };
/// Endings of what no double click runs: no page, no script of a desk's system.
const TEXT: Kind = Kind {
    media_type: "text/plain; charset=utf-8",
    endings: &["txt", "csv", "log", "md", "json", "rsc", "cfg", "conf", "ini", "yaml", "yml"],
};

/// The kind that bytes show, of those that are taken.
pub(super) fn kind_of(content: &[u8]) -> Option<Kind> {
    let by_beginning: [(&[u8], Kind); 5] = [
        (b"%PDF-", PDF),
        (b"\x89PNG\r\n\x1a\n", PNG),
        (b"\xff\xd8\xff", JPEG),
        (b"GIF87a", GIF),
        (b"GIF89a", GIF),
    ];
    let known = by_beginning.into_iter().find(|(beginning, _)| content.starts_with(beginning));
    if let Some((_, kind)) = known {
        return Some(kind);
    }
    if content.starts_with(b"RIFF") && content.get(8..12) == Some(b"WEBP") {
        return Some(WEBP);
    }
    let is_printable =
        |text: &str| !text.chars().any(|letter| letter.is_control() && !"\r\n\t".contains(letter));
    std::str::from_utf8(content).is_ok_and(is_printable).then_some(TEXT)
}

/// A name for a file of a kind: the last part of what was given, without what steers a terminal or the order of letters, with an
/// ending of the kind. None when nothing is left of it.
pub(super) fn name_of(given: &str, kind: Kind) -> Option<String> {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|letter| !is_steering(*letter)).map(plain).collect();
    let kept = kept.split_whitespace().collect::<Vec<_>>().join(" ");
    let kept = kept.trim_matches(['.', ' ']);
    let (stem, ending) = match kept.rsplit_once('.') {
        Some((stem, ending)) if kind.endings.contains(&ending.to_lowercase().as_str()) => (stem, ending),
        _ => (kept, kind.endings[0]),
    };
    let room = LONGEST - ending.len() - 1;
    let stem: String = stem.trim_end_matches(['.', ' ']).chars().take(room).collect();
    if stem.is_empty() { None } else { Some(format!("{stem}.{ending}")) }
}

/// Characters of which some system says that no name of a file may have them.
fn plain(letter: char) -> char {
    if "<>:\"|?*".contains(letter) { '_' } else { letter }
}

/// Controls, marks that turn the order of letters around (a name could show `exe.jpg` and end in `gpj.exe`), and what is not seen.
fn is_steering(letter: char) -> bool {
    (letter.is_control() && !letter.is_whitespace())
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{61c}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_say_what_they_are() {
        for (content, expected) in [
            (&b"%PDF-1.7 ..."[..], Some(PDF)),
            (b"\x89PNG\r\n\x1a\n....", Some(PNG)),
            (b"\xff\xd8\xff\xe0", Some(JPEG)),
            (b"GIF89a..", Some(GIF)),
            (b"RIFF\x01\x02\x03\x04WEBPVP8 ", Some(WEBP)),
            ("Señora Ñahui\r\n".as_bytes(), Some(TEXT)),
            (b"MZ\x90\x00\x03", None),
            (b"PK\x03\x04", None),
            (b"\xff\xfe\x00", None),
            (b"RIFF\x01\x02\x03\x04WAVE\x00", None),
        ] {
            assert_eq!(kind_of(content), expected, "{content:?}");
        }
    }

    #[test]
    fn a_name_says_what_the_file_is_and_steers_nothing() {
        for (given, kind, expected) in [
            ("Contrato Ñahui.PDF", PDF, Some("Contrato Ñahui.PDF")),
            ("C:\\fakepath\\foto.jpeg", JPEG, Some("foto.jpeg")),
            ("../../etc/passwd", TEXT, Some("passwd.txt")),
            ("run.bat", TEXT, Some("run.bat.txt")),
            ("page.html", TEXT, Some("page.html.txt")),
            ("foto\u{202e}gpj.exe", JPEG, Some("fotogpj.exe.jpg")),
            ("a\u{0}b\u{1b}[31m\r\nc.txt", TEXT, Some("ab[31m c.txt")),
            ("que\"es*esto?.png", PNG, Some("que_es_esto_.png")),
            ("  .. ", PNG, None),
            ("", PNG, None),
            (".png", PNG, Some("png.png")),
            ("nota .. .txt", TEXT, Some("nota.txt")),
        ] {
            assert_eq!(name_of(given, kind).as_deref(), expected, "{given:?}");
        }
        let long = name_of(&"ñ".repeat(500), PDF).unwrap();
        assert_eq!((long.chars().count(), long.ends_with("ñ.pdf")), (LONGEST, true));
    }
}
