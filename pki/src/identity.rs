//! The identity in a certificate: one URI.

use std::fmt;

use x509_parser::prelude::GeneralName;

use crate::{CertificateDer, PkiError, x509};

const SCHEME: &str = "atalaya://";

/// Who an agent is: `atalaya://INSTALLATION/TENANT/AGENT`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AgentIdentity {
    /// The installation whose root signed the tenant's authority.
    pub installation: String,
    /// The tenant it belongs to.
    pub tenant: String,
    /// The agent itself.
    pub agent: String,
}

impl AgentIdentity {
    /// Checks the three ids.
    ///
    /// # Errors
    /// [`PkiError::BadId`] for an id that is empty, long or has other than letters, digits, `_` and `-`.
    pub fn new(installation: &str, tenant: &str, agent: &str) -> Result<Self, PkiError> {
        for id in [installation, tenant, agent] {
            check_id(id)?;
        }
        Ok(Self { installation: installation.into(), tenant: tenant.into(), agent: agent.into() })
    }

    /// Reads the identity out of a certificate. Says nothing about who signed it.
    ///
    /// # Errors
    /// [`PkiError::NoIdentity`] unless the certificate has exactly one name and it is such a URI.
    pub fn of(certificate: &CertificateDer<'_>) -> Result<Self, PkiError> {
        let parts = uri_parts(certificate)?;
        match parts.as_slice() {
            [installation, tenant, agent] => Self::new(installation, tenant, agent),
            _ => Err(PkiError::NoIdentity),
        }
    }
}

impl fmt::Display for AgentIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{SCHEME}{}/{}/{}", self.installation, self.tenant, self.agent)
    }
}

/// The URI of a tenant's issuing authority.
pub(crate) fn authority_uri(installation: &str, tenant: &str) -> Result<String, PkiError> {
    check_id(installation)?;
    check_id(tenant)?;
    Ok(format!("{SCHEME}{installation}/{tenant}"))
}

/// Whether a certificate is an issuing authority of this tenant.
pub(crate) fn is_authority_of(certificate: &CertificateDer<'_>, installation: &str, tenant: &str) -> bool {
    uri_parts(certificate).is_ok_and(|parts| parts == [installation, tenant])
}

fn uri_parts(certificate: &CertificateDer<'_>) -> Result<Vec<String>, PkiError> {
    let parsed = x509::parse(certificate)?;
    let names = parsed
        .subject_alternative_name()
        .map_err(|_| PkiError::NoIdentity)?
        .map(|extension| extension.value.general_names.as_slice())
        .unwrap_or_default();
    match names {
        [GeneralName::URI(uri)] => uri
            .strip_prefix(SCHEME)
            .map(|rest| rest.split('/').map(str::to_owned).collect())
            .ok_or(PkiError::NoIdentity),
        _ => Err(PkiError::NoIdentity),
    }
}

fn check_id(id: &str) -> Result<(), PkiError> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if (1..=128).contains(&id.len()) && id.bytes().all(legal) {
        Ok(())
    } else {
        Err(PkiError::BadId(id.chars().take(128).collect()))
    }
}
