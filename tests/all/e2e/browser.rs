//! Two tabs in Chromium on one customer: a payment in one shows *online* in the other without a reload, and both go on
//! after the control plane was killed and started again.

use super::{Database, cut_by_run};
use atalaya_tests::{
    harness::wait_until,
    isp::{PASSWORD, Size, TENANT},
};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

#[test]
fn a_payment_in_one_tab_is_seen_online_in_the_other() {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../controlplane/web");
    let ready = web.join("dist/index.html").exists() && web.join("node_modules/playwright-core").exists();
    if !ready {
        assert!(std::env::var_os("CI").is_none(), "the web app is not built: run packaging/build.sh");
        eprintln!("not run: the web app is not built (packaging/build.sh)");
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Database::Sqlite.isp(folder.path(), Size { subscribers: 12, sites: 1 });
    isp.sites[0].enforce(&isp.owner).expect("the router can be enforced");
    let debtor = isp.sites[0].subscribers[3].clone();
    cut_by_run(&isp, &debtor);
    let overview = format!("/customers/{}/overview", debtor.customer);
    wait_until("the cut to be read back", Duration::from_secs(30), || {
        isp.owner.get(&overview).is_ok_and(|overview| overview["services"][0]["network"]["state"] == "cut")
    });

    let mut browser = Command::new("node")
        .arg("e2e/pay.mjs")
        .current_dir(&web)
        .env("ATALAYA_URL", format!("http://{}", isp.control_plane.http()))
        .env("ATALAYA_TENANT", TENANT)
        .env("ATALAYA_PASSWORD", PASSWORD)
        .env("ATALAYA_CUSTOMER", &debtor.customer)
        .env("ATALAYA_RESTART", "stdin")
        .env("ATALAYA_SHOTS", folder.path().join("shots"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node can be started");
    let mut input = browser.stdin.take().expect("its input is ours");
    let mut control_plane = isp.control_plane;
    let mut restarted = false;
    let mut said = String::new();
    for line in BufReader::new(browser.stdout.take().expect("its output is ours")).lines() {
        let line = line.expect("it speaks UTF-8");
        if line == "RESTART" {
            control_plane.restart(None).expect("it starts again");
            restarted = true;
            writeln!(input, "restarted").expect("it listens");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = browser.wait().expect("it ends");
    assert!(status.success() && restarted, "the browser says: {said}");
}
