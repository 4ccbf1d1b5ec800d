use crate::{JoinError, JoinString};

fn join() -> JoinString {
    JoinString {
        gateways: vec!["gw.isp.example:8443".into(), "[2001:db8::7]:8443".into()],
        token: "dG9rZW4".into(),
        root_fingerprint: [9; 32],
    }
}

#[test]
fn a_join_string_survives_a_terminal() {
    let line = join().encode().unwrap();
    assert!(line.starts_with("atalaya-join:v1:") && !line.contains(char::is_whitespace), "{line}");
    assert_eq!(JoinString::decode(&format!("  {line}\n")).unwrap(), join());
    assert!(!format!("{:?}", join()).contains("dG9rZW4"), "the token is not for logs");
}

#[test]
fn any_changed_missing_or_added_character_is_noticed() {
    let line = join().encode().unwrap();
    let start = "atalaya-join:v1:".len();
    for index in start..line.len() {
        let mut changed = line.clone().into_bytes();
        changed[index] = if changed[index] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        // The last character carries bits that base64 does not use; such a change is refused or means the same.
        match JoinString::decode(&changed) {
            Err(error) => assert_eq!(error, JoinError::Damaged),
            Ok(same) => assert_eq!(same, join()),
        }
        assert_eq!(JoinString::decode(&line[..index]), Err(JoinError::Damaged));
    }
    assert_eq!(JoinString::decode(&format!("{line}A")), Err(JoinError::Damaged));
    assert_eq!(JoinString::decode(&line.replacen("v1:", "v1: ", 1)), Err(JoinError::Damaged));
}

#[test]
fn other_texts_are_told_apart() {
    assert_eq!(JoinString::decode("hello"), Err(JoinError::NotAJoinString));
    assert_eq!(JoinString::decode(""), Err(JoinError::NotAJoinString));
    assert_eq!(JoinString::decode("atalaya-join:v2:AAAA"), Err(JoinError::UnknownVersion));
    assert_eq!(
        JoinString::decode(&format!("atalaya-join:v1:{}", "A".repeat(100_000))),
        Err(JoinError::Damaged)
    );
}

#[test]
fn a_join_string_needs_all_its_parts() {
    for broken in [
        JoinString { gateways: vec![], ..join() },
        JoinString { gateways: vec!["x".repeat(256)], ..join() },
        JoinString { gateways: vec!["gw:1".into(); 17], ..join() },
        JoinString { token: String::new(), ..join() },
    ] {
        assert_eq!(broken.encode(), Err(JoinError::Incomplete));
    }
}
