//! Text made comparable: what people type into a search box finds what others typed into a form.

/// Lower case, without accents, words separated by one space.
pub fn normalise(text: &str) -> String {
    let plain: String = text.chars().flat_map(char::to_lowercase).map(fold).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Letters of Spanish and Portuguese without their accents.
fn fold(letter: char) -> char {
    match letter {
        'á' | 'à' | 'â' | 'ã' | 'ä' => 'a',
        'é' | 'è' | 'ê' | 'ë' => 'e',
        'í' | 'ì' | 'î' | 'ï' => 'i',
        'ó' | 'ò' | 'ô' | 'õ' | 'ö' => 'o',
        'ú' | 'ù' | 'û' | 'ü' => 'u',
        'ñ' => 'n',
        'ç' => 'c',
        other => other,
    }
}

/// A pattern for `LIKE … ESCAPE '\'` that finds the text anywhere.
pub fn like_anywhere(text: &str) -> String {
    let escaped = normalise(text).replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_and_case_do_not_matter() {
        assert_eq!(normalise("  Ñahui   Quispe, JOSÉ "), "nahui quispe, jose");
        assert_eq!(like_anywhere("50%_a"), "%50\\%\\_a%");
    }
}
