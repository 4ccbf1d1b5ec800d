//! `[push]`: notices in browsers, and whom their push services may write to.

use super::{Mail, Network};
use crate::adapters::Pushing;
use anyhow::Context;
use atalaya_people::push::{Contact, PushOffer};
use serde::Deserialize;
use std::sync::Arc;

/// Web push.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Push {
    /// Whether people may have notices pushed to their browsers, through the push services of those who made them.
    pub enabled: bool,
    /// Whom push services may write to: `mailto:red@isp.example`, `https://isp.example`; the sender of `[mail]` when absent.
    pub contact: Option<String>,
    /// Networks in which push services may be asked although they are not of the public internet.
    pub networks: Vec<Network>,
}

impl Default for Push {
    fn default() -> Self {
        Self { enabled: true, contact: None, networks: Vec::new() }
    }
}

impl Push {
    /// What is offered to people; nothing where it is off.
    ///
    /// # Errors
    /// A contact that is none.
    pub(super) fn offer(&self, mail: Option<&Mail>) -> anyhow::Result<Option<PushOffer>> {
        if !self.enabled {
            return Ok(None);
        }
        let contact = match &self.contact {
            Some(contact) => Some(Contact::new(contact).context("[push] contact")?),
            // An address that push services do not take is no reason to send no mail.
            None => mail.and_then(|mail| Contact::new(&format!("mailto:{}", mail.from)).ok()),
        };
        Ok(Some(PushOffer { web: Arc::new(Pushing::new(&self.networks)), contact }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::Config;

    fn contact(text: &str) -> anyhow::Result<Option<Option<String>>> {
        let config: Config = toml::from_str(text)?;
        let offer = config.push.offer(config.mail.as_ref())?;
        Ok(offer.map(|offer| offer.contact.map(|contact| contact.as_str().to_owned())))
    }

    #[test]
    fn it_is_on_and_its_contact_is_the_sender_of_mail() {
        assert_eq!(contact("").unwrap(), Some(None));
        assert_eq!(contact("[push]\nenabled = false").unwrap(), None);
        let mail =
            "[mail]\nhost = \"smtp.example\"\nfrom = \"avisos@isp.example\"\nweb = \"https://isp.example\"\n";
        assert_eq!(contact(mail).unwrap(), Some(Some("mailto:avisos@isp.example".to_owned())));
        let own = format!("{mail}[push]\ncontact = \"https://isp.example\"");
        assert_eq!(contact(&own).unwrap(), Some(Some("https://isp.example".to_owned())));
        for (wrong, named) in
            [("contact = \"red@isp.example\"", "contact"), ("networks = [\"x\"]", "x"), ("on = true", "on")]
        {
            let error = format!("{:#}", contact(&format!("[push]\n{wrong}")).unwrap_err());
            assert!(error.contains(named), "{wrong}: {error}");
        }
    }
}
