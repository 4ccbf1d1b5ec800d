//! The web app in Chromium. Two tabs on one customer: a payment in one shows *online* in the other without a reload, and
//! both go on after the control plane was killed and started again. Without a mouse, a payment; and every other change
//! pressed and read back, one of them while somebody else saves. Who somebody is, from the invitation to the
//! code of an app; a passkey; an account at an issuer; what is sent by e-mail, and shown by a browser; what one press must not do
//! alone; what was given up, and an operator of the installation in an ISP. And every page and dialog through axe, and by keyboard.

use super::{Database, block_on, cut_by_run, soak};
use atalaya_tests::{
    harness::{
        ControlPlane, Issuer, IssuerSigns, MailServer, OPENID_CLIENT, Options, PushService, skipped,
        wait_until,
    },
    isp::{Founded, Isp, OWNER, PASSWORD, Size, Subscriber, TENANT},
};
use sqlx::SqlitePool;
use std::{
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// The web app's folder, when it is built and its test tools are there. In continuous integration it must be.
fn web_app() -> Option<PathBuf> {
    let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../controlplane/web");
    let ready = web.join("dist/index.html").exists() && web.join("node_modules/playwright-core").exists();
    if !ready {
        skipped("the web app is not built (packaging/build.sh)");
    }
    ready.then_some(web)
}

/// A browser test of the web app, against this control plane.
fn script(web: &Path, name: &str, control_plane: &ControlPlane, customer: &str) -> Command {
    let mut command = Command::new("node");
    command
        .arg(format!("e2e/{name}.mjs"))
        .current_dir(web)
        .env("ATALAYA_URL", format!("http://{}", control_plane.http()))
        .env("ATALAYA_TENANT", TENANT)
        .env("ATALAYA_PASSWORD", PASSWORD)
        .env("ATALAYA_CUSTOMER", customer);
    command
}

/// An ISP of one site whose router is enforced, and a subscriber who was cut there.
fn isp_with_debtor(folder: &Path) -> (Isp, Subscriber) {
    let isp = Database::Sqlite.isp(folder, Size { subscribers: 12, sites: 1 });
    isp.sites[0].enforce(&isp.owner).expect("the router can be enforced");
    let debtor = isp.sites[0].subscribers[3].clone();
    cut_by_run(&isp, &debtor);
    let overview = format!("/customers/{}/overview", debtor.customer);
    wait_until("the cut to be read back", Duration::from_secs(30), || {
        isp.owner.get(&overview).is_ok_and(|overview| overview["services"][0]["network"]["state"] == "cut")
    });
    (isp, debtor)
}

/// Runs a browser test that asks for what a page cannot do: `answer` does it when a line is its word.
fn converse(mut command: Command, word: &str, mut answer: impl FnMut()) {
    let mut browser =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("node can be started");
    let mut input = browser.stdin.take().expect("its input is ours");
    let mut asked = false;
    let mut said = String::new();
    for line in BufReader::new(browser.stdout.take().expect("its output is ours")).lines() {
        let line = line.expect("it speaks UTF-8");
        if line == word {
            answer();
            asked = true;
            writeln!(input, "done").expect("it listens");
        }
        said.push_str(&line);
        said.push('\n');
    }
    let status = browser.wait().expect("it ends");
    assert!(status.success() && asked, "the browser says: {said}");
}

#[test]
fn a_payment_in_one_tab_is_seen_online_in_the_other() {
    let Some(web) = web_app() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (isp, debtor) = isp_with_debtor(folder.path());
    let mut browser = script(&web, "pay", &isp.control_plane, &debtor.customer);
    browser.env("ATALAYA_RESTART", "stdin").env("ATALAYA_SHOTS", folder.path().join("shots"));
    let mut control_plane = isp.control_plane;
    converse(browser, "RESTART", || control_plane.restart(None).expect("it starts again"));
}

/// Changes the control plane's database behind its back: what takes hours, or a fault, to come about.
fn tamper(isp: &Isp, statement: &'static str) {
    let url = format!("sqlite:{}", isp.control_plane.options.folder.join("data/atalaya.db").display());
    block_on(async {
        let database = SqlitePool::connect(&url).await.expect("the database opens");
        let done = sqlx::query(statement).execute(&database).await.expect("rows can be changed");
        assert!(done.rows_affected() > 0, "there is something to change: {statement}");
        database.close().await;
    });
}

/// Makes every proof of who is there as old as if they had logged in yesterday.
const AGE_PROOFS: &str = "UPDATE people_session SET proved_at = proved_at - 86400000";

/// Has three deliveries and every job given up, as after the last attempt.
const GIVE_UP: [&str; 2] = [
    "UPDATE kernel_delivery SET state = 'dead', attempts = 12, error = 'the desired state cannot be read', \
     dead_at = next_at WHERE rowid IN (SELECT rowid FROM kernel_delivery ORDER BY event_id DESC LIMIT 3)",
    "UPDATE kernel_job SET state = 'dead', attempts = 10, error = 'the run cannot be read', dead_at = run_at \
     WHERE tenant_id IS NOT NULL",
];

/// Who runs the installation of these tests; the password is everybody's.
const OPERATOR: &str = "noc@hosting.example";

/// What the pages of an installation show: somebody who runs it, and work that was given up.
fn burden(isp: &Isp) {
    let create = ["platform", "operator", "create", "--email", OPERATOR, "--name", "Olga Norte"];
    isp.control_plane.command(&create, PASSWORD).expect("an operator can be made");
    for statement in GIVE_UP {
        tamper(isp, statement);
    }
}

#[test]
fn a_second_person_approves_held_cuts_are_released_and_a_proof_is_asked_for() {
    let Some(web) = web_app() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (isp, debtor) = isp_with_debtor(folder.path());
    let mut browser = script(&web, "decisions", &isp.control_plane, &debtor.customer);
    browser.env("ATALAYA_AGE", "stdin");
    converse(browser, "AGE", || tamper(&isp, AGE_PROOFS));
}

#[test]
fn a_passkey_is_made_entered_with_shown_again_and_removed() {
    let Some(web) = web_app() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Database::Sqlite.isp(folder.path(), Size { subscribers: 12, sites: 1 });
    let mut browser = script(&web, "passkeys", &isp.control_plane, "");
    browser.env("ATALAYA_AGE", "stdin");
    converse(browser, "AGE", || tamper(&isp, AGE_PROOFS));
}

#[test]
fn links_go_by_mail_and_the_pages_say_what_became_of_each_notice() {
    let Some(web) = web_app() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mail = folder.path().join("mail");
    let Some(server) = MailServer::start(&mail).expect("it starts") else { return };
    let options = Options { config: Some(server.settings()), ..Database::Sqlite.options(folder.path()) };
    let isp = Founded::start(options).expect("it starts");
    let mut browser = script(&web, "notices", &isp.control_plane, "");
    finishes(browser.env("ATALAYA_MAIL", mail));
}

#[test]
fn notices_are_shown_by_a_browser_that_was_switched_on() {
    let Some(web) = web_app() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let push = folder.path().join("push");
    let Some(_service) = PushService::start(&push).expect("it starts") else { return };
    let config = Some(PushService::settings().to_owned());
    let options = Options { config, ..Database::Sqlite.options(folder.path()) };
    let isp = Founded::start(options).expect("it starts");
    let mut browser = script(&web, "push", &isp.control_plane, "");
    finishes(browser.env("ATALAYA_PUSH", push));
}

#[test]
fn somebody_adds_an_issuer_links_an_account_there_and_enters_with_it() {
    let Some(web) = web_app() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let isp = Database::Sqlite.isp_behind_proxy(folder.path(), Size { subscribers: 12, sites: 1 });
    let issuer = Issuer::start(IssuerSigns::Es256).expect("a double starts");
    issuer.account("rosa-0001", OWNER);
    let mut browser = script(&web, "sign-on", &isp.control_plane, "");
    browser
        .env("ATALAYA_ISSUER", issuer.url())
        .env("ATALAYA_ISSUER_CLIENT", OPENID_CLIENT.0)
        .env("ATALAYA_ISSUER_SECRET", OPENID_CLIENT.1)
        .env("ATALAYA_AGE", "stdin");
    converse(browser, "AGE", || tamper(&isp, AGE_PROOFS));
}

#[test]
fn somebody_is_invited_adds_the_app_that_is_demanded_and_logs_in_with_its_codes() {
    passes("identity", &[]);
}

/// Runs a browser test on an ISP of its own, whose subscriber was cut; `settings` are its environment.
fn passes(name: &str, settings: &[(&str, &str)]) {
    passes_after(name, settings, |_| ());
}

/// The same, after something was done to the ISP.
fn passes_after(name: &str, settings: &[(&str, &str)], prepare: impl FnOnce(&Isp)) {
    let Some(web) = web_app() else { return };
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (isp, debtor) = isp_with_debtor(folder.path());
    prepare(&isp);
    finishes(script(&web, name, &isp.control_plane, &debtor.customer).envs(settings.iter().copied()));
}

/// Runs a browser test to its end, which must be a good one.
fn finishes(command: &mut Command) {
    let answer = command.output().expect("node can be started");
    let said =
        [answer.stdout, answer.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    assert!(answer.status.success(), "the browser says: {said}");
}

#[test]
fn the_keyboard_alone_registers_a_payment_and_a_copied_address_shows_the_same() {
    passes("journey", &[]);
}

#[test]
fn every_action_is_reached_by_keyboard_and_every_dialog_gives_the_focus_back() {
    passes_after("keyboard", &[("ATALAYA_OPERATOR", OPERATOR)], burden);
}

#[test]
fn what_is_changed_on_the_pages_is_what_the_server_has() {
    passes("changes", &[]);
}

#[test]
fn notes_and_files_are_left_and_the_timeline_says_why() {
    passes("record", &[]);
}

#[test]
fn what_was_given_up_is_settled_and_an_operator_enters_until_the_owner_ends_the_visit() {
    passes_after("standing", &[("ATALAYA_OPERATOR", OPERATOR)], burden);
}

/// Every page and dialog of some areas in one language. The short tier looks at each once, in turn light and wide or dark and narrow;
/// soak looks at each in both themes and widths.
fn is_accessible_in(language: &str, areas: &str) {
    let looks = if soak() { "all" } else { "few" };
    let settings = [
        ("ATALAYA_LANGUAGES", language),
        ("ATALAYA_AREAS", areas),
        ("ATALAYA_LOOKS", looks),
        ("ATALAYA_OPERATOR", OPERATOR),
    ];
    passes_after("axe", &settings, burden);
}

#[test]
fn pages_of_customers_and_network_are_accessible_in_spanish() {
    is_accessible_in("es-419", "customers,network");
}

#[test]
fn pages_of_administration_and_the_installation_are_accessible_in_spanish() {
    is_accessible_in("es-419", "administration,platform");
}

#[test]
fn what_everybody_meets_first_is_accessible_in_english_and_portuguese() {
    let settings = [
        ("ATALAYA_LANGUAGES", "en,pt-BR"),
        ("ATALAYA_AREAS", "administration"),
        ("ATALAYA_LOOKS", "few"),
        ("ATALAYA_PAGES", "^(profile|settings|backups|notices|log-in)$"),
    ];
    passes("axe", &settings);
}

#[test]
fn every_page_and_dialog_is_accessible_in_english() {
    if soak() {
        is_accessible_in("en", "customers,network,administration,platform");
    }
}

#[test]
fn every_page_and_dialog_is_accessible_in_portuguese() {
    if soak() {
        is_accessible_in("pt-BR", "customers,network,administration,platform");
    }
}
