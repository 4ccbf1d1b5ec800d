//! QUIC settings of the gateway.

use std::{sync::Arc, time::Duration};

use quinn::{IdleTimeout, ServerConfig, TransportConfig, VarInt, crypto::rustls::QuicServerConfig};

use super::listener::GatewayError;

/// Silence after which a connection is dead. Agents keep theirs alive every few seconds.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// Most bytes that one agent may have in flight to us on all its streams: more than all lanes' largest frames need at
/// once, and what a hostile agent can make us hold.
const RECEIVE_WINDOW: u32 = 8 << 20;
/// One per lane, and room for one to be replaced.
const STREAMS: u32 = 8;

pub(super) fn server_config(tls: rustls::ServerConfig) -> Result<ServerConfig, GatewayError> {
    let crypto =
        QuicServerConfig::try_from(Arc::new(tls)).map_err(|error| GatewayError::Tls(error.to_string()))?;
    let mut config = ServerConfig::with_crypto(Arc::new(crypto));
    let idle = IdleTimeout::try_from(IDLE_TIMEOUT).expect("30 s is a legal QUIC idle timeout");
    let mut transport = TransportConfig::default();
    transport
        .max_idle_timeout(Some(idle))
        .receive_window(VarInt::from_u32(RECEIVE_WINDOW))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None);
    config.transport_config(Arc::new(transport));
    Ok(config)
}
