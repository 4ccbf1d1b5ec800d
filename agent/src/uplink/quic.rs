//! QUIC to the gateway: one endpoint per attempt, so that a changed network never holds an old socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use atalaya_pki::GATEWAY_NAME;
use quinn::{
    ConnectionError, Endpoint, IdleTimeout, TransportConfig, VarInt, crypto::rustls::QuicClientConfig,
};

/// A handshake that took longer is given up for the next address.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence after which a connection is dead.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Keeps NAT mappings and tells a dead path apart from a quiet one.
const KEEP_ALIVE: Duration = Duration::from_secs(8);
/// Most bytes the gateway may have in flight to us on all streams.
const RECEIVE_WINDOW: u32 = 8 << 20;

/// TLS alert numbers (RFC 8446, 6) as QUIC transport errors (RFC 9001, 4.8).
const ALERT_BASE: u64 = 0x100;
const ALERT_CERTIFICATE_EXPIRED: u64 = ALERT_BASE + 45;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// No gateway address is known.
    #[error("no gateway address is configured")]
    NoGateway,
    /// The name has no address.
    #[error("`{gateway}` cannot be resolved")]
    Resolve {
        /// The gateway as configured.
        gateway: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// No UDP socket.
    #[error("no UDP socket can be opened")]
    Socket(#[source] std::io::Error),
    /// The TLS configuration does not fit QUIC.
    #[error("TLS cannot be configured for QUIC: {0}")]
    Tls(String),
    /// Nothing answered in time.
    #[error("{0} does not answer on UDP")]
    Timeout(SocketAddr),
    /// The handshake failed.
    #[error("{address}: {source}")]
    Handshake {
        /// Where.
        address: SocketAddr,
        /// Why; TLS refusals are told in its text.
        #[source]
        source: ConnectionError,
    },
}

/// A connection with the endpoint that carries it.
#[derive(Debug)]
pub struct Link {
    endpoint: Endpoint,
    /// The connection.
    pub connection: quinn::Connection,
    /// The gateway as configured.
    pub gateway: String,
}

impl Link {
    /// Says farewell and waits, a little, until it has left.
    pub async fn close(&self, code: u32, reason: &[u8]) {
        self.connection.close(VarInt::from_u32(code), reason);
        // A second is enough for one packet; if it is lost, the peer's idle timeout does the rest.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.endpoint.wait_idle()).await;
    }
}

/// Tries every address of every gateway in order.
///
/// # Errors
/// The last failure.
pub async fn connect(gateways: &[String], tls: rustls::ClientConfig) -> Result<Link, ConnectError> {
    let config = client_config(tls)?;
    let mut failure = ConnectError::NoGateway;
    for gateway in gateways {
        let addresses = match tokio::net::lookup_host(gateway.as_str()).await {
            Ok(addresses) => addresses,
            Err(source) => {
                failure = ConnectError::Resolve { gateway: gateway.clone(), source };
                continue;
            }
        };
        for address in addresses {
            match connect_to(address, config.clone()).await {
                Ok((endpoint, connection)) => {
                    return Ok(Link { endpoint, connection, gateway: gateway.clone() });
                }
                Err(error) => {
                    tracing::debug!(%gateway, %error, "gateway address failed");
                    failure = error;
                }
            }
        }
    }
    Err(failure)
}

/// Whether the gateway refused our certificate because it ended: renewing helps, waiting does not.
pub fn is_certificate_expired(error: &ConnectionError) -> bool {
    let code = match error {
        ConnectionError::ConnectionClosed(close) => u64::from(close.error_code),
        ConnectionError::TransportError(error) => u64::from(error.code),
        _ => return false,
    };
    code == ALERT_CERTIFICATE_EXPIRED
}

async fn connect_to(
    address: SocketAddr,
    config: quinn::ClientConfig,
) -> Result<(Endpoint, quinn::Connection), ConnectError> {
    let local: SocketAddr = if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
    let endpoint = Endpoint::client(local).map_err(ConnectError::Socket)?;
    let connecting = endpoint
        .connect_with(config, address, GATEWAY_NAME)
        .map_err(|error| ConnectError::Tls(error.to_string()))?;
    match tokio::time::timeout(CONNECT_TIMEOUT, connecting).await {
        Ok(Ok(connection)) => Ok((endpoint, connection)),
        Ok(Err(source)) => Err(ConnectError::Handshake { address, source }),
        Err(_) => Err(ConnectError::Timeout(address)),
    }
}

fn client_config(tls: rustls::ClientConfig) -> Result<quinn::ClientConfig, ConnectError> {
    let crypto =
        QuicClientConfig::try_from(Arc::new(tls)).map_err(|error| ConnectError::Tls(error.to_string()))?;
    let mut config = quinn::ClientConfig::new(Arc::new(crypto));
    let mut transport = TransportConfig::default();
    let idle = IdleTimeout::try_from(IDLE_TIMEOUT).expect("30 s is a legal QUIC idle timeout");
    transport
        .max_idle_timeout(Some(idle))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW))
        // The agent opens every stream.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None);
    config.transport_config(Arc::new(transport));
    Ok(config)
}
