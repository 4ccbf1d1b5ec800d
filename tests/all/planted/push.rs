//! What a browser is reached with: its address at its push service, and the secret of what is said to it.

use super::scene::Scene;
use atalaya_tests::harness::wait_until;
use serde_json::json;
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
    time::Duration,
};

const SOON: Duration = Duration::from_secs(60);
/// What makes an address one that only the browser and we have.
const CAPABILITY: &str = "Navegador_de-Rosa:7d0c4be19a52";
/// 16 bytes.
const AUTH: &str = "q83vEjRWeJCrze8SNFZ4kA";
/// A point on P-256.
const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
/// The same of one whose keys are wrong.
const WRONG: &str = "Navegador_equivocado:3b61fa0e77d9";

impl Scene {
    /// A browser at a push service that says back what it was asked, and one that is not taken.
    pub(super) fn push(&mut self) {
        let service = quoting();
        let browser = |name: &str, capability: &str| {
            let endpoint = format!("http://{service}/send/{capability}");
            json!({"name": name, "endpoint": endpoint, "p256dh": POINT, "auth": AUTH})
        };
        let path = "/me/push-subscriptions";
        self.owner.post(path, &browser("Portátil", CAPABILITY)).expect("a browser can be switched on");
        let mut wrong = browser("Otro", WRONG);
        wrong["auth"] = json!("AQ");
        self.owner.post(path, &wrong).expect_err("its secret is too short");
        // That a key was made is told at once.
        let key = json!({"name": "Aviso", "permissions": ["customer.read"]});
        self.owner.post("/api-keys", &key).expect("a key can be made");
        wait_until("the push service to have refused one", SOON, || {
            let failed = self.owner.get("/notices?state=failed").expect("they can be listed");
            failed["items"].to_string().contains("the push service said: 400")
        });
        self.look_for("address of a browser", CAPABILITY, &[]);
        self.look_for("secret of a browser", AUTH, &[]);
        self.look_for("address of a browser that was refused", WRONG, &[]);
    }
}

/// A push service that refuses everything, and says what.
fn quoting() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    let address = listener.local_addr().expect("it listens");
    thread::spawn(move || listener.incoming().flatten().for_each(refuse));
    address
}

fn refuse(mut stream: TcpStream) {
    let mut bytes = vec![0; 8_192];
    let read = stream.read(&mut bytes).unwrap_or(0);
    let asked = String::from_utf8_lossy(&bytes[..read]).lines().next().unwrap_or_default().to_owned();
    let length = asked.len();
    // Whoever went away has no use for it.
    let _ = write!(stream, "HTTP/1.1 400 No\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{asked}");
}
