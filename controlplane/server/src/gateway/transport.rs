//! QUIC settings of the gateway.

use std::{sync::Arc, time::Duration};

use quinn::{
    ConnectionId, ConnectionIdGenerator, EndpointConfig, IdleTimeout, ServerConfig, TransportConfig, VarInt,
    crypto::rustls::QuicServerConfig,
};

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

/// Secret by which a gateway tells a peer that it knows nothing of its connection (a stateless reset, RFC 9000 §10.3).
/// One that outlives the process lets agents come back the moment a killed gateway is up again, instead of when their
/// connection has been silent for too long.
#[derive(Clone)]
pub struct ResetKey([u8; 32]);

impl ResetKey {
    /// From 32 secret bytes, the same at each start.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }
}

/// Without the secret.
impl std::fmt::Debug for ResetKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ResetKey(…)")
    }
}

pub(super) fn endpoint_config(reset: &ResetKey) -> EndpointConfig {
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &reset.0);
    let mut config = EndpointConfig::new(Arc::new(key));
    config.cid_generator(|| Box::new(RandomIds));
    config
}

/// Connection ids without a mark of the process that gave them: quinn's own generator recognises only its own, and a
/// gateway started anew would pass over its predecessor's in silence.
struct RandomIds;

const ID_BYTES: usize = 8;

impl ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut id = [0; ID_BYTES];
        atalaya_kernel::secrets::fill_random(&mut id);
        ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        ID_BYTES
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        None
    }
}
