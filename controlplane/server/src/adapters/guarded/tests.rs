use super::*;
use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

fn guarded(networks: &[&str]) -> Guarded {
    let networks: Vec<_> = networks.iter().map(|network| network.parse().unwrap()).collect();
    Guarded::new(&networks, Duration::from_secs(8))
}

#[test]
fn only_public_addresses_by_https_may_be_asked() {
    let public = guarded(&[]);
    for right in
        ["https://accounts.google.com", "https://issuer.example:8443/realms/isp", "https://1.1.1.1/a"]
    {
        assert_eq!(public.check(right), Ok(()), "{right}");
    }
    for wrong in [
        "http://accounts.google.com",
        "http://127.0.0.1:8080",
        "http://localhost",
        "https://127.0.0.1",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://10.0.0.1",
        "https://169.254.169.254/latest",
        "https://rosa@issuer.example",
        "https://issuer.example@10.0.0.1",
        "ftp://issuer.example",
        "file:///etc/passwd",
        "issuer.example",
        "https://",
        "",
    ] {
        assert!(public.check(wrong).is_err(), "{wrong}");
    }
    let inside = guarded(&["10.1.0.0/16", "127.0.0.1"]);
    for right in ["https://10.1.2.3", "https://127.0.0.1:9", "http://127.0.0.1:9", "http://localhost:9"] {
        assert_eq!(inside.check(right), Ok(()), "{right}");
    }
    for wrong in ["https://10.2.0.1", "http://10.1.2.3", "http://[::1]:9", "http://127.0.0.2"] {
        assert!(inside.check(wrong).is_err(), "{wrong}");
    }
}

/// Answers one request on this machine, as it is; gives the request when it is over.
pub(in super::super) fn answering(answer: Vec<u8>) -> (u16, thread::JoinHandle<String>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut bytes = vec![0; 4_096];
        let length = stream.read(&mut bytes).unwrap();
        // Whoever has read enough goes away.
        let _ = stream.write_all(&answer);
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    });
    (port, asked)
}

/// The status of an answer.
async fn status(guarded: &Guarded, url: &str) -> Result<u16, Unanswered> {
    guarded.ask(url, |agent, url| Ok(agent.get(url).call()?.status().as_u16())).await
}

#[tokio::test]
async fn a_name_that_stands_for_a_machine_inside_is_not_asked() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    // The text says nothing of where `localhost` is.
    let asked = status(&guarded(&[]), &format!("https://localhost:{port}/")).await;
    assert!(matches!(asked, Err(Unanswered::NotAllowed(_))), "{asked:?}");
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody connected");
    let asked = status(&guarded(&["127.0.0.0/8", "::1"]), "https://localhost:1/").await;
    assert!(matches!(asked, Err(Unanswered::Away(_))), "{asked:?}: it may be asked, and nobody is there");
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let (port, asked) = answering(
        b"HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            .to_vec(),
    );
    assert_eq!(status(&guarded(&["127.0.0.1"]), &format!("http://127.0.0.1:{port}/a")).await, Ok(307));
    assert!(asked.join().unwrap().starts_with("GET /a HTTP/1.1"));
}
