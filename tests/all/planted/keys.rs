//! Keys that the programs made for themselves, opened as they open them.

use super::{Needle, scene::Scene};
use crate::e2e::block_on;
use atalaya_kernel::{
    Ctx, Error,
    blobs::FolderStore,
    db::{Db, sql},
    events::Subscriptions,
    ids::TenantId,
    runtime::Runtime,
    secrets::{InstallationKey, Secrets, rotation},
    time::SystemClock,
};
use atalaya_network::agents::authority::{authority_ensure, root_ensure};
use std::{fs, path::Path, sync::Arc};

impl Scene {
    /// The keys that are in use now.
    pub(super) fn keys(&mut self) {
        let options = &self.isp.control_plane.options;
        let data = options.folder.join("data");
        let text = fs::read_to_string(data.join("installation-key")).expect("the key is a file");
        let url = options.database.clone();
        let url = url.unwrap_or_else(|| format!("sqlite:{}", data.join("atalaya.db").display()));
        let tenant: TenantId = self.isp.tenant_id.parse().expect("an id");
        let mut found = block_on(opened(&url, &text, &tenant, &data));
        found.push(self.of_the_agent());
        let bytes: Vec<u8> = (0..text.trim().len() / 2)
            .map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).expect("hexadecimal digits"))
            .collect();
        found.push(Needle::new("installation key", &bytes, &["data/installation-key"]));
        let sealing = fs::read(self.agent.folder().join("state/identity/sealing.key")).expect("a file");
        found.push(Needle::new("sealing key of the agent", &sealing, &["identity/sealing.key"]));
        let known: Vec<_> = self.needles.iter().map(|needle| needle.forms.clone()).collect();
        self.needles.extend(found.into_iter().filter(|needle| !known.contains(&needle.forms)));
    }

    /// The scalar of its key, which stands in a file of its own and nowhere else.
    fn of_the_agent(&self) -> Needle {
        let pem = fs::read_to_string(self.agent.folder().join("state/identity/key.pem")).expect("a file");
        let lines: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        let scalar = scalar(&base64_decoded(&lines));
        Needle::new("key of the agent", &scalar, &["identity/key.pem"])
    }
}

/// The secret number of a P-256 key in PKCS#8.
fn scalar(der: &[u8]) -> Vec<u8> {
    // ECPrivateKey: version 1, then 32 bytes.
    let head = [2, 1, 1, 4, 32];
    let at = der.windows(head.len()).position(|window| window == head).expect("an EC key") + head.len();
    der[at..at + 32].to_vec()
}

fn base64_decoded(text: &str) -> Vec<u8> {
    let value = |letter: u8| {
        let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        alphabet.iter().position(|known| *known == letter)
    };
    let bits: String = text.bytes().map_while(value).map(|value| format!("{value:06b}")).collect();
    (0..bits.len() / 8).map(|at| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).expect("bits")).collect()
}

/// The tenant's keys, and those of its authority and of the root.
async fn opened(url: &str, key: &str, tenant: &TenantId, data: &Path) -> Vec<Needle> {
    let db = Db::open(url).await.expect("the database opens");
    let secrets = Secrets::new(InstallationKey::from_hex(key).expect("a key"));
    let blobs = Arc::new(FolderStore::new(data.join("blobs")));
    let runtime = Runtime::new(db, Arc::new(SystemClock), Subscriptions::default(), secrets, blobs);
    rotation::learn(&runtime).await.expect("the platform's keys open");
    let ctx = Ctx::system(runtime.tenant(tenant.clone()), "test");
    let mut tx = ctx.begin_read().await.expect("it can be read");
    let rows: Vec<(i64, Vec<u8>)> = sql("SELECT number, wrapped FROM kernel_tenant_key WHERE tenant_id = $1")
        .bind(tenant)
        .fetch_all(&mut tx)
        .await
        .expect("it has keys");
    tx.rollback().await.expect("nothing was written");
    assert!(!rows.is_empty(), "a tenant has a key");
    let mut found = Vec::new();
    for (number, wrapped) in rows {
        let context = if number == 1 {
            format!("kernel_tenant_key/{tenant}")
        } else {
            format!("kernel_tenant_key/{tenant}/{number}")
        };
        let key = runtime.secrets.open_platform(&context, &wrapped).expect("a tenant's key opens");
        found.push(Needle::new(format!("key {number} of the tenant"), key.expose(), &[]));
    }
    let made = || Err(Error::NotFound);
    let root = root_ensure(&runtime, &made).await.expect("there is a root");
    let authority = authority_ensure(&ctx, &made).await.expect("the tenant has an authority");
    for (name, pair) in [("key of the root", root), ("key of the authority", authority)] {
        found.push(Needle::new(name, &scalar(pair.key.expose()), &[]));
    }
    runtime.db().close().await;
    found
}
