//! The TCP door of web app and API: it accepts connections, speaks TLS where that is on, and gives requests to the site.
//!
//! What a peer may hold is bounded: connections by address and in total, the time for a handshake, for the head of a request
//! and for the wait until the next one, and what it does not acknowledge. The site bounds bodies and the time of an answer.

mod certificate;
mod challenge;
mod connection;
mod domains;
mod keeper;
mod places;

pub(crate) use certificate::Certificate;

use crate::config::{self, Network};
use atalaya_kernel::runtime::Runtime;
use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use connection::{Connection, Patience};
use places::Places;
use std::{io, net::IpAddr, sync::Arc, time::Duration};
use tokio::{net::TcpListener, task::JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// How long requests under way get to be answered when the door closes.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long until the next try when no connection can be accepted: the process is out of file descriptors.
const EXHAUSTED: Duration = Duration::from_millis(500);

/// An open door.
pub(crate) struct Door {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    /// Proxies: many clients come from their address.
    trusted: Vec<Network>,
    places: Arc<Places>,
    patience: Patience,
}

impl Door {
    /// With TLS when a certificate is given.
    ///
    /// # Errors
    /// A certificate that TLS cannot be configured with.
    pub(crate) fn new(
        listener: TcpListener,
        config: &config::Http,
        certificate: Option<&Certificate>,
    ) -> anyhow::Result<Self> {
        let tls =
            certificate.map(Certificate::tls).transpose()?.map(|config| TlsAcceptor::from(Arc::new(config)));
        let trusted = config.trusted_proxies.clone();
        Ok(Self { listener, tls, trusted, places: Arc::default(), patience: Patience::default() })
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(address))
    }

    /// Serves until told to stop; then no new connection is taken and what is under way is answered. Live streams are ended:
    /// the browser comes back with the last id it has seen.
    ///
    /// # Errors
    /// None; a connection's own end that connection.
    pub(crate) async fn serve(self, site: Router, stop: CancellationToken) -> io::Result<()> {
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                Some(ended) = connections.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a connection ended by a defect");
                    }
                }
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        let trusted = self.is_trusted(peer.ip());
                        let Some(place) = self.places.take(peer.ip(), trusted) else {
                            tracing::debug!(%peer, "too many connections");
                            continue;
                        };
                        let connection = Connection {
                            peer,
                            trusted,
                            patience: self.patience,
                            tls: self.tls.clone(),
                            site: site.clone(),
                            stop: stop.clone(),
                        };
                        connections.spawn(async move {
                            connection.serve(stream).await;
                            drop(place);
                        });
                    }
                    Err(error) if is_of_one_connection(&error) => {}
                    Err(error) => {
                        tracing::warn!(%error, "no connection can be accepted");
                        tokio::time::sleep(EXHAUSTED).await;
                    }
                },
            }
        }
        drop(self.listener);
        let drained = async { while connections.join_next().await.is_some() {} };
        if tokio::time::timeout(ANSWER_WITHIN, drained).await.is_err() {
            tracing::debug!("some connections were cut off");
        }
        Ok(())
    }
}

/// A site that sends every request on to HTTPS on a port. With `answering` an authority that asks for a proof is answered.
pub(crate) fn redirect(port: u16, answering: Option<Arc<Runtime>>) -> Router {
    let site = answering.map_or_else(Router::new, challenge::router);
    site.fallback(async move |request: Request<Body>| {
        let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
        let host = host.map(|host| at_port(host, port));
        connection::to_https(&request, host.as_deref())
    })
}

/// A host at another port; 443 is not written.
fn at_port(host: &str, port: u16) -> String {
    let end = if host.starts_with('[') {
        host.find(']').map_or(host.len(), |end| end + 1)
    } else {
        host.find(':').unwrap_or(host.len())
    };
    let name = host.get(..end).unwrap_or(host);
    if port == 443 { name.to_owned() } else { format!("{name}:{port}") }
}

/// Whether the peer gave up while it was being accepted, which says nothing about the door.
fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionAborted | ConnectionReset)
}

#[cfg(test)]
mod tests;
