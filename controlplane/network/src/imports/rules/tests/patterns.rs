use crate::imports::rules::{FieldKind, Pattern, PatternError, Read};
use proptest::prelude::*;

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn read(text: &str, comment: &str) -> Vec<(&'static str, String)> {
    let Some(read) = pattern(text).read(comment) else { return Vec::new() };
    let Read { name, document, phone, address, box_name, plan } = read;
    let fields = [
        ("name", name),
        ("document", document),
        ("phone", phone),
        ("address", address),
        ("box", box_name),
        ("plan", plan),
    ];
    fields.into_iter().filter_map(|(field, text)| Some((field, text?))).collect()
}

/// A field and what it takes.
type Taken = (&'static str, &'static str);

#[test]
fn comments_are_read_as_people_write_them() {
    let cases: [(&str, &str, &[Taken]); 10] = [
        (
            "{name} {document} NAP {box}",
            "Juan Perez 40112233 NAP 4",
            &[("name", "Juan Perez"), ("document", "40112233"), ("box", "4")],
        ),
        (
            "{name} {document} NAP {box}",
            "  JUAN  PÉREZ-40112233/nap4 ",
            &[("name", "JUAN PÉREZ"), ("document", "40112233"), ("box", "4")],
        ),
        (
            "{name} {phone}",
            "Rosa Quispe +51 900 000 017",
            &[("name", "Rosa Quispe"), ("phone", "+51 900 000 017")],
        ),
        (
            "{name} {phone} {*}",
            "Rosa Quispe 900000017 debe 2",
            &[("name", "Rosa Quispe"), ("phone", "900000017")],
        ),
        ("{*} SR {name}", "casa 4 Sr. Luis Huamán", &[("name", "Luis Huamán")]),
        (
            "{document} {name}",
            "99.000.017: Ñahui, Iván",
            &[("name", "Ñahui, Iván"), ("document", "99.000.017")],
        ),
        (
            "{name} / {address} / caja {box}",
            "Ana Ríos / Jr. Los Olivos 123 / Caja B-7",
            &[("name", "Ana Ríos"), ("address", "Jr. Los Olivos 123"), ("box", "B-7")],
        ),
        ("{name} PLAN {plan}", "Ana Ríos plan Hogar 60M", &[("name", "Ana Ríos"), ("plan", "Hogar 60M")]),
        ("{name} ({phone})", "Ana Ríos (900000017)", &[("name", "Ana Ríos"), ("phone", "900000017")]),
        ("{name}", "PeÃ±a MuÃ±oz", &[("name", "Peña Muñoz")]),
    ];
    for (text, comment, expected) in cases {
        let expected: Vec<_> = expected.iter().map(|(field, text)| (*field, (*text).to_owned())).collect();
        assert_eq!(read(text, comment), expected, "{text:?} on {comment:?}");
    }
    for (text, comment) in [
        ("{name} {document} NAP {box}", "Juan Perez NAP 4"),
        ("{name} {document}", "Juan Perez 123"),
        ("{name} NAP {box}", "Juan Perez napoleon"),
        ("{name}", "900000017"),
        ("{name}", ""),
        ("{name} {phone}", "Juan Perez 900000017 debe"),
    ] {
        assert_eq!(read(text, comment), [], "{text:?} on {comment:?}");
    }
}

#[test]
fn what_is_no_pattern_says_why() {
    for (text, error) in [
        ("", PatternError::NoField),
        ("NAP", PatternError::NoField),
        ("{*}", PatternError::NoField),
        ("{name", PatternError::Unclosed),
        ("name}", PatternError::Unclosed),
        ("{nombre}", PatternError::UnknownField("nombre".to_owned())),
        ("{name}{phone}", PatternError::SideBySide),
        ("{name} {name}", PatternError::Twice(FieldKind::Name)),
        (&format!("{{name}} {}", "x".repeat(200)), PatternError::TooLong),
    ] {
        assert_eq!(Pattern::parse(text), Err(error.clone()), "{text}");
        assert!(!error.to_string().is_empty() && !error.code().is_empty());
    }
    assert_eq!(pattern("  {name} NAP {box} ").as_str(), "{name} NAP {box}");
}

/// Without a memory of what failed, this would not end.
#[test]
fn fields_that_hold_anything_end() {
    let text = "{*} {*} {*} {address} {*} {*} {plan} {*} {name} zz";
    assert_eq!(read(text, &"a 1 ".repeat(128)), []);
}

proptest! {
    #[test]
    fn nothing_written_breaks_a_pattern(text in ".{0,80}", comment in ".{0,120}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            pattern.read(&comment);
        }
    }

    #[test]
    fn what_is_read_stands_in_the_comment(comment in "[A-Za-zñ0-9 ,./+-]{0,60}") {
        for text in ["{name} {*}", "{*} {document} {*}", "{*} {phone}", "{name} {phone} NAP {box}"] {
            let squeezed = comment.split_whitespace().collect::<Vec<_>>().join(" ");
            for (field, said) in read(text, &comment) {
                prop_assert!(squeezed.contains(&said), "{field} {said:?}");
            }
        }
    }
}
