use super::*;
use atalaya_kernel::{on_both, testing::World};
use axum::{extract::ConnectInfo, routing::get};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
};
use tokio_rustls::TlsConnector;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nhost: test\r\n\r\n";
/// Beyond what any of these waits for; only a failure takes it.
const LONG: Duration = Duration::from_secs(20);

fn quick() -> Patience {
    let millis = Duration::from_millis;
    Patience { handshake: millis(200), head: millis(200), head_of_proxy: LONG }
}

struct Open {
    address: SocketAddr,
    stop: CancellationToken,
    serving: JoinSet<io::Result<()>>,
}

async fn open(patience: Patience, tls: Option<rustls::ServerConfig>, trusted: &[&str], site: Router) -> Open {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let trusted = trusted.iter().map(|text| text.parse().unwrap()).collect();
    let tls = tls.map(|config| TlsAcceptor::from(Arc::new(config)));
    let door = Door { listener, tls, trusted, places: Arc::default(), patience };
    let stop = CancellationToken::new();
    let mut serving = JoinSet::new();
    serving.spawn(door.serve(site, stop.clone()));
    Open { address, stop, serving }
}

fn hello() -> Router {
    Router::new()
        .route("/", get(|ConnectInfo(peer): ConnectInfo<SocketAddr>| async move { peer.ip().to_string() }))
}

async fn said(stream: &mut (impl AsyncReadExt + Unpin)) -> String {
    let mut buffer = [0; 2048];
    let length =
        tokio::time::timeout(LONG, stream.read(&mut buffer)).await.expect("an answer or an end").unwrap_or(0);
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[tokio::test]
async fn whoever_says_nothing_or_half_is_let_go_and_a_proxy_may_wait() {
    let door = open(quick(), None, &[], hello()).await;
    let mut silent = TcpStream::connect(door.address).await.unwrap();
    assert_eq!(said(&mut silent).await, "", "closed without a word");
    let mut half = TcpStream::connect(door.address).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost:").await.unwrap();
    assert!(!said(&mut half).await.starts_with("HTTP/1.1 200"));
    let mut asked = TcpStream::connect(door.address).await.unwrap();
    asked.write_all(HEAD).await.unwrap();
    let answer = said(&mut asked).await;
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("127.0.0.1"), "{answer}");
    assert_eq!(said(&mut asked).await, "", "and no second request came");

    let door = open(quick(), None, &["127.0.0.1"], hello()).await;
    let mut proxy = TcpStream::connect(door.address).await.unwrap();
    for _ in 0..2 {
        proxy.write_all(HEAD).await.unwrap();
        assert!(said(&mut proxy).await.starts_with("HTTP/1.1 200"));
        let early = tokio::time::timeout(quick().head * 3, proxy.readable()).await;
        assert!(early.is_err(), "the connection of a proxy stays");
    }
}

#[tokio::test]
async fn what_is_under_way_is_answered_when_the_door_closes() {
    let (tell, told) = oneshot::channel::<()>();
    let told = Arc::new(tokio::sync::Mutex::new(Some(told)));
    let (arrive, arrived) = oneshot::channel::<()>();
    let arrive = Arc::new(parking_lot::Mutex::new(Some(arrive)));
    let slow = get(move || {
        let (told, arrive) = (told.clone(), arrive.clone());
        async move {
            arrive.lock().take().map(|arrive| arrive.send(()));
            if let Some(told) = told.lock().await.take() {
                told.await.unwrap();
            }
            "done"
        }
    });
    let mut door = open(Patience::default(), None, &[], Router::new().route("/", slow)).await;
    let mut idle = TcpStream::connect(door.address).await.unwrap();
    let mut asked = TcpStream::connect(door.address).await.unwrap();
    asked.write_all(HEAD).await.unwrap();
    arrived.await.unwrap();
    door.stop.cancel();
    assert_eq!(said(&mut idle).await, "", "whoever asked nothing is let go");
    tell.send(()).unwrap();
    assert!(said(&mut asked).await.ends_with("done"));
    door.serving.join_next().await.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(door.address).await.is_err(), "nobody is taken any more");
}

fn certificate(folder: &std::path::Path, name: &str) -> (Vec<u8>, Vec<u8>) {
    let now = atalaya_pki::UnixTime::now();
    let made = atalaya_pki::web::self_made(&[name.to_owned()], now).unwrap();
    std::fs::write(folder.join("chain.pem"), &made.chain).unwrap();
    std::fs::write(folder.join("key.pem"), made.key.as_bytes()).unwrap();
    (made.chain.into_bytes(), made.key.as_bytes().to_vec())
}

fn trusting(chain: &[u8], protocols: &[&[u8]]) -> TlsConnector {
    let mut roots = rustls::RootCertStore::empty();
    let read =
        atalaya_pki::web::read(chain, &certificate(tempfile::tempdir().unwrap().path(), "x.example").1)
            .unwrap();
    roots.add(read.chain[0].clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

#[tokio::test]
async fn https_is_spoken_plain_http_sent_on_and_silence_ended() {
    let folder = tempfile::tempdir().unwrap();
    let (chain, key) = certificate(folder.path(), "atalaya.isp.example");
    let shown =
        atalaya_pki::server::ShownCertificate::new(atalaya_pki::web::read(&chain, &key).unwrap()).unwrap();
    let config =
        atalaya_pki::web::config(shown, Arc::new(rustls::time_provider::DefaultTimeProvider)).unwrap();
    let door = open(quick(), Some(config), &[], hello()).await;

    let name = || ServerName::try_from("atalaya.isp.example").unwrap();
    let connect = async |protocols: &[&[u8]]| {
        let stream = TcpStream::connect(door.address).await.unwrap();
        trusting(&chain, protocols).connect(name(), stream).await.unwrap()
    };
    let mut tls = connect(&[b"http/1.1"]).await;
    tls.write_all(HEAD).await.unwrap();
    assert!(said(&mut tls).await.starts_with("HTTP/1.1 200"));
    let newer = connect(&[b"h2", b"http/1.1"]).await;
    assert_eq!(newer.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));

    let mut plain = TcpStream::connect(door.address).await.unwrap();
    plain.write_all(b"GET /a?b=c HTTP/1.1\r\nhost: isp.example:8080\r\n\r\n").await.unwrap();
    let answer = said(&mut plain).await;
    assert!(
        answer.starts_with("HTTP/1.1 308") && answer.contains("location: https://isp.example:8080/a?b=c"),
        "{answer}"
    );
    let mut silent = TcpStream::connect(door.address).await.unwrap();
    assert_eq!(said(&mut silent).await, "");
}

#[test]
fn a_redirect_names_the_port_where_it_is_not_the_usual_one() {
    for (host, port, to) in [
        ("isp.example", 443, "isp.example"),
        ("isp.example:80", 443, "isp.example"),
        ("isp.example:80", 8443, "isp.example:8443"),
        ("[2001:db8::1]:80", 443, "[2001:db8::1]"),
        ("[2001:db8::1]", 8443, "[2001:db8::1]:8443"),
        ("[2001:db8::1", 443, "[2001:db8::1"),
    ] {
        assert_eq!(at_port(host, port), to);
    }
}

on_both!(a_name_is_ordered_for_only_if_it_leads_here, |world: World| async move {
    let serve = async |site: Router| open(Patience::default(), None, &[], site).await;
    let here = serve(redirect(443, Some(world.runtime.clone()))).await;
    let elsewhere = serve(redirect(443, None)).await;
    let asked = async |port| {
        let settings = config::Acme {
            names: Vec::new(),
            contact: Vec::new(),
            terms_agreed: true,
            directory: "letsencrypt".to_owned(),
            ca_file: None,
            proof_port: port,
        };
        let authority = crate::adapters::Authority::new(&settings, world.runtime.clone()).unwrap();
        authority.demand_here("127.0.0.1").await.map_err(|error| format!("{error:#}"))
    };
    assert_eq!(asked(here.address.port()).await, Ok(()));
    let wrong = asked(elsewhere.address.port()).await.unwrap_err();
    assert!(wrong.contains("127.0.0.1 leads elsewhere"), "{wrong}");
    drop(elsewhere.serving);
    let wrong = asked(elsewhere.address.port()).await.unwrap_err();
    assert!(wrong.contains("was asked on port"), "{wrong}");

    // A token that was never laid out, and what is no token, is nobody's; the rest is sent on as ever.
    for (path, status) in [
        ("/.well-known/acme-challenge/none", "404"),
        ("/.well-known/acme-challenge/a%27b", "404"),
        ("/customers", "308"),
    ] {
        let mut plain = TcpStream::connect(here.address).await.unwrap();
        let head = format!("GET {path} HTTP/1.1\r\nhost: isp.example\r\n\r\n");
        plain.write_all(head.as_bytes()).await.unwrap();
        let answer = said(&mut plain).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{path}: {answer}");
    }
});
