//! Waiting for an SNMP agent that was started to answer.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{net::UdpSocket, process::Child};

use crate::snmp_fleet::ber;

const PROBE_WAIT: Duration = Duration::from_millis(100);

/// Asks for `sysUpTime.0` until the agent answers (true), ends, or was asked for so long.
pub(crate) async fn first_answer(
    process: &mut Child,
    address: SocketAddr,
    community: &str,
    patience: Duration,
) -> io::Result<bool> {
    tokio::time::timeout(patience, answered(process, address, community)).await.unwrap_or(Ok(false))
}

/// Asks until the agent answers (true) or ends.
async fn answered(process: &mut Child, address: SocketAddr, community: &str) -> io::Result<bool> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    socket.connect(address).await?;
    let request = get_uptime(community);
    let mut answer = [0; 1_500];
    loop {
        if process.try_wait()?.is_some() {
            return Ok(false);
        }
        // Refused until it listens.
        if socket.send(&request).await.is_ok() {
            let received = tokio::time::timeout(PROBE_WAIT, socket.recv(&mut answer)).await;
            if matches!(received, Ok(Ok(_))) {
                return Ok(true);
            }
        }
        tokio::time::sleep(PROBE_WAIT / 10).await;
    }
}

/// A GetRequest of SNMP v2c for `sysUpTime.0` (RFC 3416), request id 1.
fn get_uptime(community: &str) -> Vec<u8> {
    let name = ber::oid(&[1, 3, 6, 1, 2, 1, 1, 3, 0]);
    let binding = ber::element(ber::SEQUENCE, &[name, ber::element(ber::NULL, &[])].concat());
    let number = |value: u8| ber::element(ber::INTEGER, &[value]);
    let list = ber::element(ber::SEQUENCE, &binding);
    let pdu = ber::element(0xA0, &[number(1), number(0), number(0), list].concat());
    ber::element(ber::SEQUENCE, &[number(1), ber::element(ber::OCTETS, community.as_bytes()), pdu].concat())
}
