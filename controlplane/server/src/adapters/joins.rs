//! Join strings: where the gateway is, which root to expect, and a fresh token.

use super::Authorities;
use atalaya_kernel::Error;
use atalaya_network::agents::{JoinStrings, TokenSecret};
use atalaya_pki::{JoinString, Token};
use std::sync::Arc;

/// Makes join strings for this installation's gateway.
#[derive(Debug, Clone)]
pub struct GatewayJoins {
    authorities: Arc<Authorities>,
    gateways: Vec<String>,
}

impl GatewayJoins {
    /// `gateways` are the addresses (`host:port`) that agents are told, best first.
    pub fn new(authorities: Arc<Authorities>, gateways: Vec<String>) -> Self {
        Self { authorities, gateways }
    }
}

impl JoinStrings for GatewayJoins {
    fn make(&self) -> Result<TokenSecret, Error> {
        if self.gateways.is_empty() {
            let mend = "set gateway.advertise in the configuration: agents must be told where to connect";
            return Err(Error::conflict("no_gateway_address", mend));
        }
        let token = Token::generate().map_err(Error::internal)?;
        let join = JoinString {
            gateways: self.gateways.clone(),
            token: token.reveal().to_owned(),
            root_fingerprint: self.authorities.root().fingerprint(),
        };
        let join_string = join.encode().map_err(Error::internal)?;
        Ok(TokenSecret { hash: hex::encode(token.hash().as_bytes()), join_string: join_string.into() })
    }
}
