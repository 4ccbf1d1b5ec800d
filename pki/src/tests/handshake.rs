use std::sync::Arc;

use rustls::{CertificateError, ClientConfig, ClientConnection, Error, ServerConfig, ServerConnection};
use rustls_pki_types::ServerName;

use super::*;
use crate::{
    GATEWAY_NAME, ServerCertificate, client,
    client::{FingerprintMismatch, Trust},
    server,
};

/// What each end saw: `Ok` = handshake done.
struct Outcome {
    client: Result<(), Error>,
    server: Result<(), Error>,
    alpn: Option<Vec<u8>>,
    peer: Option<String>,
}

fn handshake(client: ClientConfig, server: ServerConfig) -> Outcome {
    let name = ServerName::try_from(GATEWAY_NAME).unwrap();
    let mut client = ClientConnection::new(Arc::new(client), name).unwrap();
    let mut server = ServerConnection::new(Arc::new(server)).unwrap();
    let (mut client_result, mut server_result) = (Ok(()), Ok(()));
    for _ in 0..8 {
        let mut bytes = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        let mut input = bytes.as_slice();
        while server_result.is_ok() && !input.is_empty() {
            server.read_tls(&mut input).unwrap();
            server_result = server.process_new_packets().map(drop);
        }
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        let mut input = bytes.as_slice();
        while client_result.is_ok() && !input.is_empty() {
            client.read_tls(&mut input).unwrap();
            client_result = client.process_new_packets().map(drop);
        }
    }
    let peer =
        server::peer_identity(server.peer_certificates()).unwrap().map(|identity| identity.to_string());
    Outcome {
        client: client_result,
        server: server_result,
        alpn: server.alpn_protocol().map(<[u8]>::to_vec),
        peer,
    }
}

fn gateway(world: &World, certificate: ServerCertificate, time: UnixTime) -> ServerConfig {
    let certificate = server::ShownCertificate::new(certificate).unwrap();
    server::config(certificate, Arc::new(world.directory()), clock(time)).unwrap()
}

fn session(world: &World, leaf: &CertificateDer<'static>, floor: UnixTime) -> ClientConfig {
    client::session(vec![world.root.certificate().clone()], leaf.clone(), &world.key, clock(floor)).unwrap()
}

fn certificate_error(result: &Result<(), Error>) -> &CertificateError {
    match result {
        Err(Error::InvalidCertificate(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_enrolled_agent_is_let_in_and_known() {
    let world = world();
    let server = gateway(&world, world.root.issue_gateway(at(NOW)).unwrap(), at(NOW));
    let outcome = handshake(session(&world, &world.leaf, at(NOW)), server);
    assert_eq!((outcome.client, outcome.server), (Ok(()), Ok(())));
    assert_eq!(outcome.alpn.as_deref(), Some(server::ALPN_SESSION));
    assert_eq!(outcome.peer.as_deref(), Some("atalaya://ins_1/ten_a/agt_1"));
}

#[test]
fn enrolment_pins_the_root_and_shows_no_certificate() {
    let world = world();
    let trust = Trust::Fingerprint(world.root.fingerprint());
    let client = client::enrolment(trust, clock(at(NOW))).unwrap();
    let outcome = handshake(client, gateway(&world, world.root.issue_gateway(at(NOW)).unwrap(), at(NOW)));
    assert_eq!((outcome.client, outcome.server), (Ok(()), Ok(())));
    assert_eq!(outcome.alpn.as_deref(), Some(server::ALPN_ENROL));
    assert_eq!(outcome.peer, None);
}

#[test]
fn a_wrong_fingerprint_ends_enrolment_before_anything_is_sent() {
    let world = world();
    let client = client::enrolment(Trust::Fingerprint([7; 32]), clock(at(NOW))).unwrap();
    let outcome = handshake(client, gateway(&world, world.root.issue_gateway(at(NOW)).unwrap(), at(NOW)));
    let CertificateError::Other(error) = certificate_error(&outcome.client) else { panic!("another error") };
    assert!(error.0.downcast_ref::<FingerprintMismatch>().is_some());
}

/// Showing the right root is not enough: anybody can copy a certificate.
#[test]
fn a_stranger_who_shows_our_root_is_refused() {
    let world = world();
    let stranger = Root::generate("ins_1", at(NOW)).unwrap();
    let mut certificate = stranger.issue_gateway(at(NOW)).unwrap();
    certificate.chain[1] = world.root.certificate().clone();
    let client = client::enrolment(Trust::Fingerprint(world.root.fingerprint()), clock(at(NOW))).unwrap();
    let outcome = handshake(client, gateway(&world, certificate, at(NOW)));
    assert_ne!(outcome.client, Ok(()));
}

/// A tower whose clock says 1970, and one that is two years ahead but whose floor is honest.
#[test]
fn the_floor_not_the_clock_judges_the_gateway() {
    let world = world();
    for floor in [at(0), at(NOW - days(30).as_secs()), after(days(300))] {
        let server = gateway(&world, world.root.issue_gateway(at(NOW)).unwrap(), at(NOW));
        let outcome = handshake(session(&world, &world.leaf, floor), server);
        assert_eq!((outcome.client, outcome.server), (Ok(()), Ok(())), "floor {}", floor.as_secs());
    }
    let server = gateway(&world, world.root.issue_gateway(at(NOW)).unwrap(), at(NOW));
    let outcome = handshake(session(&world, &world.leaf, after(days(500))), server);
    assert!(
        matches!(certificate_error(&outcome.client), CertificateError::ExpiredContext { .. }),
        "a gateway certificate that ended before the floor is refused"
    );
}

#[test]
fn expired_and_not_yet_valid_agents_are_refused_by_the_gateways_clock() {
    let world = world();
    let late = at(NOW + leaf_end().as_secs() + 1);
    let server = gateway(&world, world.root.issue_gateway(late).unwrap(), late);
    let outcome = handshake(session(&world, &world.leaf, at(NOW)), server);
    assert!(matches!(certificate_error(&outcome.server), CertificateError::ExpiredContext { .. }));
    // The agent is told which: it renews on `CertificateExpired` and on no other.
    assert_eq!(outcome.client, Err(Error::AlertReceived(rustls::AlertDescription::CertificateExpired)));

    let early = at(NOW - days(1).as_secs());
    let server = gateway(&world, world.root.issue_gateway(at(NOW)).unwrap(), early);
    let outcome = handshake(session(&world, &world.leaf, at(NOW)), server);
    assert!(matches!(certificate_error(&outcome.server), CertificateError::NotValidYetContext { .. }));
}

#[test]
fn an_agent_of_a_foreign_root_is_refused() {
    let world = world();
    let foreign = Root::generate("ins_1", at(NOW)).unwrap().issue_authority("ten_a", at(NOW)).unwrap();
    let leaf = foreign.issue(&request(&world.key), "agt_1", at(NOW)).unwrap();
    let server = gateway(&world, world.root.issue_gateway(at(NOW)).unwrap(), at(NOW));
    let outcome = handshake(session(&world, &leaf, at(NOW)), server);
    assert_ne!(outcome.server, Ok(()));
}

#[test]
fn an_agent_cannot_play_the_gateway() {
    let world = world();
    let fake = ServerCertificate {
        chain: vec![world.leaf.clone(), world.a.certificate().clone()],
        key: world.key.private_key(),
    };
    let server = gateway(&world, fake, at(NOW));
    let outcome = handshake(session(&world, &world.leaf, at(NOW)), server);
    assert_ne!(outcome.client, Ok(()));
}

#[test]
fn the_gateways_certificate_is_replaced_while_it_runs() {
    let world = world();
    let shown = server::ShownCertificate::new(world.root.issue_gateway(at(NOW)).unwrap()).unwrap();
    for (day, due) in [(0, false), (200, false), (270, true), (500, true)] {
        assert_eq!(shown.is_due(after(days(day))).unwrap(), due, "day {day}");
    }
    assert!(shown.is_due(at(NOW - 400 * 86_400)).unwrap(), "the clock was ahead when it was made");
    let late = after(days(450));
    let meet = || {
        let trust = Trust::Roots(vec![world.root.certificate().clone()]);
        let server = server::config(Arc::clone(&shown), Arc::new(world.directory()), clock(late)).unwrap();
        handshake(client::enrolment(trust, clock(late)).unwrap(), server)
    };
    assert!(meet().client.is_err(), "it has ended");
    shown.replace(world.root.issue_gateway(late).unwrap()).unwrap();
    assert!(meet().client.is_ok());
    assert!(!shown.is_due(late).unwrap());
}
