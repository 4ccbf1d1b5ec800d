//! What an agent finds travels as a word; the pages have the sentences.

use super::sources::text;
use atalaya_agent::driver::Word;
use atalaya_network::jobs::AGENT_SILENT;
use serde_json::Value;
use std::collections::BTreeSet;

#[test]
fn every_finding_has_a_sentence_in_every_language() {
    let said: BTreeSet<_> = Word::ALL.iter().map(|word| word.as_str()).chain([AGENT_SILENT]).collect();
    for language in ["es-419", "en", "pt-BR"] {
        let path = format!("controlplane/web/src/i18n/locales/{language}.json");
        let catalogue: Value =
            serde_json::from_str(&text(&path).expect("a catalogue is text")).expect("a catalogue is JSON");
        let sentences = catalogue["finding"].as_object().expect("it has a sentence for each finding");
        let known: BTreeSet<_> = sentences.keys().map(String::as_str).collect();
        assert_eq!(known, said, "{path}: sentences on the left, findings on the right");
    }
}
