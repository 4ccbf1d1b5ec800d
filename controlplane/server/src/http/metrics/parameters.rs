//! What a question says in its query string.

use atalaya_kernel::{Validation, time::Timestamp};
use atalaya_metrics::{METRIC_NAME, Selector};

/// `name:value,name:value`. The site is decided by the scope.
pub(super) fn with_labels(
    validation: &mut Validation,
    mut selector: Selector,
    labels: Option<&str>,
) -> Selector {
    for pair in labels.into_iter().flat_map(|labels| labels.split(',')).filter(|pair| !pair.is_empty()) {
        match pair.split_once(':') {
            Some((name, value)) if name != METRIC_NAME => selector = selector.label(name, value),
            _ => {
                validation.check(false, "?labels", "malformed", "expected name:value, separated by commas");
            }
        }
    }
    selector
}

/// RFC 3339 or Unix ms.
pub(super) fn moment(validation: &mut Validation, pointer: &str, text: &str) -> i64 {
    let parsed =
        text.parse::<i64>().ok().or_else(|| text.parse::<Timestamp>().ok().map(Timestamp::as_millis));
    validation.check(
        parsed.is_some(),
        pointer,
        "malformed",
        "an instant such as 2026-11-05T15:00:00Z, or Unix ms",
    );
    parsed.unwrap_or_default()
}

/// `60s`, `5m`, `1h`, `1d`, or ms; at least a second.
pub(super) fn duration(validation: &mut Validation, pointer: &str, text: &str) -> i64 {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit_ms = match &text[digits.len()..] {
        "" | "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let ms = digits.parse::<i64>().ok().zip(unit_ms).and_then(|(number, unit)| number.checked_mul(unit));
    let ms = ms.filter(|ms| *ms >= 1_000);
    validation.check(
        ms.is_some(),
        pointer,
        "malformed",
        "a duration of a second at least, such as 60s, 5m or 1h",
    );
    ms.unwrap_or(1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_bounded() {
        for (text, expected) in
            [("60s", 60_000), ("5m", 300_000), ("1h", 3_600_000), ("1d", 86_400_000), ("90000", 90_000)]
        {
            let mut validation = Validation::new();
            assert_eq!(duration(&mut validation, "?step", text), expected);
            assert!(validation.finish().is_ok(), "{text}");
        }
        for text in ["", "5", "m", "5 m", "-5m", "5w", "9223372036854775807h", "1é"] {
            let mut validation = Validation::new();
            duration(&mut validation, "?step", text);
            assert!(validation.finish().is_err(), "{text}");
        }
    }
}
