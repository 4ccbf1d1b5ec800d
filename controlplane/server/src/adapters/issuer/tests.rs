use super::*;
use std::{
    io::{Read, Write},
    net::TcpListener,
    thread,
};

fn issuing(networks: &[&str]) -> Issuing {
    let networks = networks.iter().map(|network| network.parse().unwrap()).collect();
    Issuing::new(&SingleSignOn { networks })
}

#[test]
fn only_public_addresses_by_https_may_be_asked() {
    let public = issuing(&[]);
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
        assert!(matches!(public.check(wrong), Err(IssuerError::NotAllowed(_))), "{wrong}");
    }
    let inside = issuing(&["10.1.0.0/16", "127.0.0.1"]);
    for right in ["https://10.1.2.3", "https://127.0.0.1:9", "http://127.0.0.1:9", "http://localhost:9"] {
        assert_eq!(inside.check(right), Ok(()), "{right}");
    }
    for wrong in ["https://10.2.0.1", "http://10.1.2.3", "http://[::1]:9", "http://127.0.0.2"] {
        assert!(inside.check(wrong).is_err(), "{wrong}");
    }
}

/// Answers one request on this machine, as it is.
fn answering(answer: Vec<u8>) -> (u16, thread::JoinHandle<String>) {
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

#[tokio::test]
async fn a_name_that_stands_for_a_machine_inside_is_not_asked() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    // The text says nothing of where `localhost` is.
    let asked = issuing(&[]).get(&format!("https://localhost:{port}/")).await;
    assert!(matches!(asked, Err(IssuerError::NotAllowed(_))), "{asked:?}");
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock, "nobody connected");
    let asked = issuing(&["127.0.0.0/8", "::1"]).get("https://localhost:1/").await;
    assert!(matches!(asked, Err(IssuerError::Away(_))), "{asked:?}: it may be asked, and nobody is there");
}

#[tokio::test]
async fn an_answer_is_read_within_bounds_and_no_redirect_is_followed() {
    let here = issuing(&["127.0.0.1"]);
    let (port, asked) = answering(
        b"HTTP/1.1 200 OK\r\ncache-control: public, Max-Age=600\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}".to_vec(),
    );
    let answer = here.get(&format!("http://127.0.0.1:{port}/a?b=c")).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice(), answer.max_age_s), (200, &b"{}"[..], Some(600)));
    assert!(asked.join().unwrap().starts_with("GET /a?b=c HTTP/1.1"));

    let (port, asked) = answering(
        b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_vec(),
    );
    let form = SecretText::new("a=b".to_owned());
    let basic = Some(SecretText::new("client:secret".to_owned()));
    let answer = here.post(&format!("http://127.0.0.1:{port}/token"), form, basic).await.unwrap();
    assert_eq!(answer.status, 302);
    let asked = asked.join().unwrap().to_lowercase();
    assert!(asked.contains("authorization: basic y2xpzw50onnly3jlda=="), "{asked}");
    assert!(asked.contains("content-type: application/x-www-form-urlencoded"), "{asked}");

    let long = vec![b'x'; 300 * 1024];
    let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", long.len());
    let (port, asked) = answering([head.into_bytes(), long].concat());
    let answer = here.get(&format!("http://127.0.0.1:{port}/")).await;
    assert!(matches!(answer, Err(IssuerError::Away(_))), "{answer:?}");
    drop(asked.join());
}

#[test]
fn how_long_an_answer_may_be_kept() {
    for (header, wanted) in [
        ("max-age=19204", Some(19_204)),
        ("public, max-age=60, must-revalidate", Some(60)),
        ("max-age=\"7\"", Some(7)),
        ("no-store", None),
        ("s-maxage=60", None),
        ("max-age=soon", None),
        ("", None),
    ] {
        assert_eq!(max_age(header), wanted, "{header}");
    }
}
