//! The port: accepts connections, sorts them by ALPN, and owns their tasks.

use std::{
    net::{SocketAddr, UdpSocket},
    sync::Arc,
    time::Duration,
};

use atalaya_kernel::time::Clock;
use atalaya_pki::server::{ALPN_ENROL, ALPN_SESSION, peer_identity};
use atalaya_protocol::wire::GoodbyeReason;
use parking_lot::Mutex;
use quinn::{Connection, Endpoint, Incoming, crypto::rustls::HandshakeData};
use rustls::pki_types::CertificateDer;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::limits::AddressLimit;

use super::{
    backend::{Backend, Refusal},
    enrol,
    framed::close,
    registry::SessionRegistry,
    session,
    transport::{self, ResetKey},
};

/// A handshake that takes longer is dropped.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Enrolments that an address may ask for at once, and how long until one more, ms.
const ENROLMENTS: i64 = 10;
const ENROLMENT_EVERY_MS: i64 = 6_000;
/// Agents of a gateway that goes down come back spread over this time.
const DRAIN_SPREAD: Duration = Duration::from_secs(2);

/// Where to listen and how much to take.
#[derive(Debug, Clone)]
pub struct GatewayOptions {
    /// UDP address; port 0 = any free one.
    pub listen: SocketAddr,
    /// Most connections at once.
    pub max_connections: usize,
    /// Above so many connections in their handshake, newcomers must first prove their address (a QUIC Retry).
    pub max_unproven: usize,
    /// Lets agents see at once that a gateway was started anew.
    pub reset_key: ResetKey,
}

impl GatewayOptions {
    /// With the usual bounds.
    pub fn new(listen: SocketAddr, reset_key: ResetKey) -> Self {
        Self { listen, max_connections: 5_000, max_unproven: 100, reset_key }
    }
}

/// Why the gateway does not run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GatewayError {
    /// The port is taken or not ours.
    #[error("UDP {address} cannot be listened on")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The TLS configuration does not fit QUIC.
    #[error("TLS cannot be configured for QUIC: {0}")]
    Tls(String),
}

/// What every connection shares.
pub(super) struct Shared {
    pub(super) backend: Backend,
    pub(super) registry: Arc<SessionRegistry>,
    pub(super) enrol_limit: Mutex<AddressLimit>,
    clock: Arc<dyn Clock>,
}

impl Shared {
    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now().as_millis()
    }
}

/// The listening gateway.
pub struct Gateway {
    endpoint: Endpoint,
    options: GatewayOptions,
    shared: Arc<Shared>,
}

impl Gateway {
    /// Opens the port. `tls` is `atalaya_pki::server::config`.
    ///
    /// # Errors
    /// [`GatewayError`].
    pub fn bind(
        options: GatewayOptions,
        tls: rustls::ServerConfig,
        backend: Backend,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, GatewayError> {
        let config = transport::server_config(tls)?;
        let endpoint = UdpSocket::bind(options.listen)
            .and_then(|socket| {
                let runtime = Arc::new(quinn::TokioRuntime);
                let endpoint = transport::endpoint_config(&options.reset_key);
                Endpoint::new(endpoint, Some(config), socket, runtime)
            })
            .map_err(|source| GatewayError::Bind { address: options.listen, source })?;
        let shared = Arc::new(Shared {
            backend,
            registry: Arc::default(),
            enrol_limit: Mutex::new(AddressLimit::new(ENROLMENTS, ENROLMENT_EVERY_MS)),
            clock,
        });
        Ok(Self { endpoint, options, shared })
    }

    /// Where it listens.
    ///
    /// # Errors
    /// The socket is gone.
    pub fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    /// Who is connected, for hints and closes.
    pub fn registry(&self) -> Arc<SessionRegistry> {
        Arc::clone(&self.shared.registry)
    }

    /// Shows another certificate to the connections to come: the old one nears its end.
    ///
    /// # Errors
    /// [`GatewayError::Tls`].
    pub fn replace_certificate(&self, tls: rustls::ServerConfig) -> Result<(), GatewayError> {
        self.endpoint.set_server_config(Some(transport::server_config(tls)?));
        Ok(())
    }

    /// Serves until stopped, then sends everybody away with a time to come back.
    ///
    /// # Errors
    /// None while running; the signature is that of a supervised task.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut connections = JoinSet::new();
        let poll = Arc::clone(&self.shared.registry).poll(Arc::clone(&self.shared.backend.sessions));
        tokio::pin!(poll);
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = &mut poll => anyhow::bail!("the poll of sessions ended"),
                Some(ended) = connections.join_next(), if !connections.is_empty() => {
                    if let Err(error) = ended {
                        // A bug, and one agent's: the others stay connected.
                        tracing::error!(%error, "the task of a connection panicked");
                    }
                }
                incoming = self.endpoint.accept() => match incoming {
                    Some(incoming) => self.admit(incoming, &mut connections),
                    None => anyhow::bail!("the gateway's socket closed"),
                }
            }
        }
        self.drain(connections).await;
        Ok(())
    }

    fn admit(&self, incoming: Incoming, connections: &mut JoinSet<()>) {
        let open = self.endpoint.open_connections();
        let unproven = open.saturating_sub(self.shared.registry.len());
        if open >= self.options.max_connections {
            incoming.refuse();
        } else if unproven >= self.options.max_unproven && !incoming.remote_address_validated() {
            // Only fails for an address that is validated already.
            let _ = incoming.retry();
        } else {
            let shared = Arc::clone(&self.shared);
            connections.spawn(async move { serve(&shared, incoming).await });
        }
    }

    async fn drain(self, mut connections: JoinSet<()>) {
        for session in self.shared.registry.sessions() {
            let refusal = Refusal {
                reason: GoodbyeReason::Draining,
                detail: "headquarters is restarting".into(),
                retry_after: DRAIN_SPREAD,
            };
            self.shared.registry.close(&session.identity.agent, refusal);
        }
        let patience = Duration::from_secs(5);
        let drained =
            tokio::time::timeout(patience, async { while connections.join_next().await.is_some() {} });
        if drained.await.is_err() {
            tracing::warn!(left = connections.len(), "connections did not end in time");
        }
        connections.shutdown().await;
        self.endpoint.close(0u32.into(), b"");
        let _ = tokio::time::timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await;
    }
}

async fn serve(shared: &Shared, incoming: Incoming) {
    let address = incoming.remote_address();
    let connection = match tokio::time::timeout(HANDSHAKE_TIMEOUT, incoming).await {
        Ok(Ok(connection)) => connection,
        Ok(Err(error)) => {
            tracing::info!(%address, %error, "handshake refused");
            return;
        }
        Err(_) => return,
    };
    match alpn(&connection).as_deref() {
        Some(alpn) if alpn == ALPN_ENROL => enrol::serve(shared, connection).await,
        Some(alpn) if alpn == ALPN_SESSION => admit_agent(shared, connection).await,
        _ => connection.close(0u32.into(), b""),
    }
}

/// TLS let a client without a certificate through; here it ends.
async fn admit_agent(shared: &Shared, connection: Connection) {
    let chain =
        connection.peer_identity().and_then(|any| any.downcast::<Vec<CertificateDer<'static>>>().ok());
    let identity = peer_identity(chain.as_deref().map(Vec::as_slice));
    match identity {
        Ok(Some(identity)) => session::serve(shared, connection, identity).await,
        Ok(None) | Err(_) => close(
            &connection,
            &Refusal {
                reason: GoodbyeReason::NotEnrolled,
                detail: "a certificate is needed here: enrol first".into(),
                retry_after: Duration::from_secs(60),
            },
        ),
    }
}

fn alpn(connection: &Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}
