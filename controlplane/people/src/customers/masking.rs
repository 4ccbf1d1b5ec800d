//! What of a customer is shown to whom.

use super::{Customer, SEE_CONTACT, SEE_DOCUMENT};
use atalaya_kernel::Permissions;
use serde_json::Value;

/// Stands for a letter that is not shown. No phone, e-mail or document holds it.
pub const MASK: char = '•';
/// Letters that stay readable at the end, so that a person can tell which of two it is.
const SHOWN: usize = 3;

/// A value with nothing readable but its end. Short ones show nothing; the length is not told.
pub(super) fn masked(value: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    let hidden: String = std::iter::repeat_n(MASK, 5).collect();
    let end = if letters.len() > SHOWN * 2 { &letters[letters.len() - SHOWN..] } else { &[] };
    hidden.chars().chain(end.iter().copied()).collect()
}

/// An e-mail keeps its host: `•••••@example.org`.
fn masked_email(value: &str) -> String {
    let hidden: String = std::iter::repeat_n(MASK, 5).collect();
    value.rsplit_once('@').map_or_else(|| masked(value), |(_, host)| format!("{hidden}@{host}"))
}

/// Whether everything that a search goes through may be seen.
pub(super) fn sees_all(permissions: &Permissions) -> bool {
    permissions.allow(SEE_CONTACT) && permissions.allow(SEE_DOCUMENT)
}

impl Customer {
    /// As somebody with these rights may see it.
    #[must_use]
    pub fn masked_for(mut self, permissions: &Permissions) -> Self {
        if !permissions.allow(SEE_CONTACT) {
            self.phone = self.phone.as_deref().map(masked);
            self.email = self.email.as_deref().map(masked_email);
        }
        if !permissions.allow(SEE_DOCUMENT) {
            self.document = self.document.as_deref().map(masked);
        }
        self
    }
}

/// What a request wants a field to be: the mask of what is there means what is there.
pub(super) fn unmasked(
    wanted: Option<String>,
    kept: Option<&String>,
    is_email: bool,
) -> Result<Option<String>, ()> {
    match wanted {
        Some(text) if text.contains(MASK) => {
            let mask = kept.map(|kept| if is_email { masked_email(kept) } else { masked(kept) });
            if mask == Some(text) { Ok(kept.cloned()) } else { Err(()) }
        }
        wanted => Ok(wanted),
    }
}

/// Masks the state of a customer as an audit row holds it.
pub fn mask_state(permissions: &Permissions, state: &mut Value) {
    let fields = [
        ("phone", SEE_CONTACT, masked as fn(&str) -> String),
        ("email", SEE_CONTACT, masked_email),
        ("document", SEE_DOCUMENT, masked),
    ];
    for (name, right, mask) in fields {
        if let Some(Value::String(text)) = state.get_mut(name)
            && !permissions.allow(right)
        {
            *text = mask(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    #[test]
    fn a_mask_tells_little() {
        assert_eq!(masked("987654321"), "•••••321");
        assert_eq!(masked("40112233"), "•••••233");
        assert_eq!(masked("123456"), "•••••", "half of it would be shown");
        assert_eq!(masked_email("rosa@example.org"), "•••••@example.org");
        assert_eq!(masked_email("987654321"), "•••••321");
    }

    #[test]
    fn a_mask_sent_back_is_what_is_there() {
        let kept = "987654321".to_owned();
        let sent = |text: &str| unmasked(Some(text.to_owned()), Some(&kept), false);
        assert_eq!(sent("•••••321"), Ok(Some(kept.clone())));
        assert_eq!(sent("911222333"), Ok(Some("911222333".to_owned())));
        assert_eq!(sent("•••••333"), Err(()), "the mask of something else");
        assert_eq!(unmasked(Some("•••••321".to_owned()), None, false), Err(()));
        assert_eq!(unmasked(None, Some(&kept), false), Ok(None), "emptied");
    }

    #[test]
    fn an_audit_row_is_masked_alike() {
        let mut state =
            json!({"name": "Rosa", "phone": "987654321", "document": null, "email": "rosa@example.org"});
        let contact = Permissions::These(BTreeSet::from(["customer.see_contact".to_owned()]));
        mask_state(&contact, &mut state);
        assert_eq!(state["phone"], "987654321");
        mask_state(&Permissions::These(BTreeSet::new()), &mut state);
        assert_eq!(
            state,
            json!({"name": "Rosa", "phone": "•••••321", "document": null, "email": "•••••@example.org"})
        );
    }
}
