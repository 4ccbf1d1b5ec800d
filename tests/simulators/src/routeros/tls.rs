//! A certificate of the router's own, made at each start.

use std::sync::Arc;

use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

use super::SimError;

/// An acceptor with a fresh self-signed certificate for `localhost` and 127.0.0.1, and the certificate as PEM.
pub(super) fn acceptor() -> Result<(TlsAcceptor, String), SimError> {
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).map_err(|error| SimError::Tls(error.to_string()))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .and_then(|builder| {
                builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key)
            })
            .map_err(|error| SimError::Tls(error.to_string()))?;
    Ok((TlsAcceptor::from(Arc::new(config)), made.cert.pem()))
}
