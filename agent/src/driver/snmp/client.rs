//! Transport: requests out, variable bindings back. Knows nothing of what they mean, but of how a table is walked.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_snmp::{Auth, ClientBuilder, Error, Oid, Retry, UdpHandle, UdpTransport, VarBind};
use parking_lot::Mutex;
use tokio::sync::OnceCell;

use super::oid::{self, Column};
use super::parse::{self, InterfaceTable};
use crate::driver::{Credentials, DeviceError, Target};

const PORT: u16 = 161;
/// One answer is waited for so long, then asked again once: two requests bound a silent device's cost.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const ASK_AGAIN: u32 = 1;
/// Rows of a table in one request: about 1,400 bytes for nine columns, below the usual path MTU, because IP fragments
/// get lost on radio links.
const ROWS_PER_REQUEST: u32 = 6;
/// A table longer than this is a device gone mad (or a concentrator's dynamic sessions).
const MOST_ROWS: usize = 4096;

/// The sockets that all SNMP devices share, one per address family, made at first use.
#[derive(Default)]
pub struct Transports {
    v4: OnceCell<UdpTransport>,
    v6: OnceCell<UdpTransport>,
}

impl Transports {
    async fn handle(&self, address: SocketAddr) -> Result<UdpHandle, DeviceError> {
        let (cell, bind) = if address.is_ipv4() { (&self.v4, "0.0.0.0:0") } else { (&self.v6, "[::]:0") };
        let transport = cell
            .get_or_try_init(|| UdpTransport::builder().bind(bind).recv_buffer_size(2 << 20).build())
            .await
            .map_err(|error| DeviceError::Local { words: format!("UDP socket for SNMP: {error}") })?;
        transport.handle(address).map_err(|error| DeviceError::Local { words: error.to_string() })
    }
}

type SnmpClient = async_snmp::Client<UdpHandle>;

pub(super) struct Client {
    host: String,
    port: u16,
    auth: Auth,
    transports: Arc<Transports>,
    /// Dropped after a silence, so that a changed DNS name is looked up again.
    connected: Mutex<Option<SnmpClient>>,
    rows_per_request: Mutex<u32>,
}

impl Client {
    pub(super) fn new(target: &Target, transports: Arc<Transports>) -> Result<Self, DeviceError> {
        let Credentials::SnmpV2c { community } = &target.credentials else {
            return Err(DeviceError::Config {
                words: "an SNMP device needs a community; none is configured".into(),
            });
        };
        Ok(Self {
            host: target.host.clone(),
            port: target.port.unwrap_or(PORT),
            auth: Auth::v2c(community.as_str()),
            transports,
            connected: Mutex::new(None),
            rows_per_request: Mutex::new(ROWS_PER_REQUEST),
        })
    }

    async fn connected(&self) -> Result<SnmpClient, DeviceError> {
        if let Some(client) = self.connected.lock().clone() {
            return Ok(client);
        }
        let address = crate::driver::resolve(&self.host, self.port).await?;
        let retry = Retry::fixed(ASK_AGAIN, Duration::ZERO)
            .map_err(|error| DeviceError::Local { words: error.to_string() })?;
        let client = ClientBuilder::new(self.auth.clone())
            .request_timeout(ANSWER_WITHIN)
            .retry(retry)
            .build_with_transport(self.transports.handle(address).await?)
            .map_err(|error| DeviceError::Local { words: error.to_string() })?;
        *self.connected.lock() = Some(client.clone());
        Ok(client)
    }

    fn failed(&self, error: &Error) -> DeviceError {
        match error {
            Error::Timeout { elapsed, .. } => {
                *self.connected.lock() = None;
                DeviceError::Timeout {
                    words: format!(
                        "silence for {} ms from {}:{}: down, SNMP off, or another community",
                        elapsed.as_millis(),
                        self.host,
                        self.port
                    ),
                }
            }
            Error::Network { source, .. } => DeviceError::Unreachable { words: source.to_string() },
            Error::Snmp { status, .. } => DeviceError::Device { words: status.to_string() },
            Error::Auth { .. } => DeviceError::Refused { words: error.to_string() },
            Error::Decode(_) | Error::MalformedResponse { .. } => {
                DeviceError::Protocol { words: error.to_string() }
            }
            other => DeviceError::Device { words: other.to_string() },
        }
    }

    /// The system group.
    pub(super) async fn system_group(&self) -> Result<Vec<VarBind>, DeviceError> {
        let client = self.connected().await?;
        let wanted = [oid::SYS_DESCR, oid::SYS_OBJECT_ID, oid::SYS_UP_TIME, oid::SYS_NAME]
            .map(|arcs| Oid::from_slice(arcs).child(0));
        let answer = client.get_many(&wanted).await.map_err(|error| self.failed(&error))?;
        Ok(answer.varbinds)
    }

    /// Walks columns of the interface tables side by side by GETBULK. Each request also asks for the uptime, so that
    /// counters and uptime are of one moment.
    pub(super) async fn interfaces(&self, columns: &[Column]) -> Result<InterfaceTable, DeviceError> {
        let client = self.connected().await?;
        let mut table = InterfaceTable::default();
        let mut walks: Vec<parse::Walk> = columns.iter().map(|column| parse::Walk::new(*column)).collect();
        while walks.iter().any(|walk| !walk.ended) {
            let open: Vec<usize> = (0..walks.len()).filter(|index| !walks[*index].ended).collect();
            let mut request = vec![Oid::from_slice(oid::SYS_UP_TIME), Oid::from_slice(oid::SNMP_ENGINE_TIME)];
            request.extend(open.iter().map(|index| walks[*index].last.clone()));
            let rows = *self.rows_per_request.lock();
            let answer = match client.get_bulk(&request, 2, rows).await {
                Ok(answer) => answer,
                Err(error) if too_big(&error) && rows > 1 => {
                    *self.rows_per_request.lock() = rows / 2;
                    continue;
                }
                Err(error) => return Err(self.failed(&error)),
            };
            table.take(&answer, &open, &mut walks)?;
            if table.rows.len() > MOST_ROWS {
                return Err(DeviceError::Protocol { words: format!("more than {MOST_ROWS} interfaces") });
            }
        }
        Ok(table)
    }
}

fn too_big(error: &Error) -> bool {
    matches!(error, Error::Snmp { status: async_snmp::ErrorStatus::TooBig, .. })
}
