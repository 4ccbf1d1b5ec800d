//! Yesterday's copy is restored. It does not know who paid since: nobody who paid is cut by it, who pays now is
//! reconnected at once, and no cut happens before a person lets it.

use super::{Database, block_on, cut_by_run, main_job::verdict, on_each_database};
use atalaya_tests::{
    harness::wait_until,
    isp::{Isp, OWNER, PASSWORD, Size, Subscriber, TENANT},
};
use serde_json::{Value, json};
use std::{fs, path::Path, time::Duration};

const SOON: Duration = Duration::from_secs(60);

on_each_database!(a_restored_backup_cuts_nobody_who_paid);

fn a_restored_backup_cuts_nobody_who_paid(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut isp = database.isp(folder.path(), Size { subscribers: 8, sites: 1 });
    isp.sites[0].enforce(&isp.owner).expect("the router can be enforced");
    let [pays_after_the_copy, pays_after_the_restore, owes_later]: [Subscriber; 3] =
        [1, 2, 3].map(|index| isp.sites[0].subscribers[index].clone());
    for debtor in [&pays_after_the_copy, &pays_after_the_restore] {
        cut_by_run(&isp, debtor);
        wait_until("the debtor to be walled", SOON, || meets(&isp, debtor) == "walled");
        wait_until("the cut to be told", SOON, || network(&isp, debtor)["state"] == "cut");
    }

    // Yesterday's copy, made as the manual says: stopped.
    isp.control_plane.process.stop(SOON).expect("it stops when asked");
    let copy = Copy::make(&isp, folder.path());
    restart(&mut isp);

    // Today.
    pay(&isp, &pays_after_the_copy);
    wait_until("the payer to be online", SOON, || network(&isp, &pays_after_the_copy)["state"] == "online");

    // The disk dies; the copy comes back.
    isp.control_plane.process.kill().expect("it can be killed");
    copy.restore(&isp);
    restart(&mut isp);
    let payer_overview = network(&isp, &pays_after_the_copy);
    assert_ne!(payer_overview["state"], "online", "the copy believes that nobody paid: {payer_overview}");

    let agent = isp.sites[0].agent_id.clone();
    let held = |isp: &Isp| {
        let held = isp.owner.get(&format!("/agents/{agent}/held-cuts")).expect("held cuts can be read");
        held["items"].as_array().cloned().unwrap_or_default()
    };
    // The agent tells them one by one. The cut that is in force waits until the agent has read it back: then nothing is left
    // to be let pass.
    let waits =
        |isp: &Isp, who: &Subscriber| held(isp).iter().any(|cut| cut["service_id"] == who.service.as_str());
    wait_until("the cut of who paid to wait for a person, and the other too or to be in force", SOON, || {
        waits(&isp, &pays_after_the_copy)
            && (waits(&isp, &pays_after_the_restore)
                || network(&isp, &pays_after_the_restore)["state"] == "cut")
    });
    assert_eq!(
        held(&isp).iter().filter(|cut| cut["reason"] != "timeline").count(),
        0,
        "and nothing else waits"
    );
    let tenant = isp.owner.get("/tenant").expect("the tenant can be read");
    assert_eq!(tenant["automatic_cuts"], "off_until_preview", "a person looks first: {tenant}");

    // A payment after the restore reconnects at once, although everything else waits.
    pay(&isp, &pays_after_the_restore);
    wait_until("who pays now to pass", SOON, || meets(&isp, &pays_after_the_restore) == "passes");
    wait_until("and to be seen online", SOON, || network(&isp, &pays_after_the_restore)["state"] == "online");
    assert_eq!(meets(&isp, &pays_after_the_copy), "passes", "who paid yesterday was never touched");

    // What the copy does not know is registered again; then nothing of it waits.
    pay(&isp, &pays_after_the_copy);
    wait_until("no cut to wait", SOON, || held(&isp).is_empty());
    wait_until("the payer to be as desired", SOON, || {
        network(&isp, &pays_after_the_copy)["state"] == "online"
    });
    assert_eq!(meets(&isp, &pays_after_the_copy), "passes");

    // A person decides a new cut: it works as before.
    cut_by_run(&isp, &owes_later);
    wait_until("a new cut by a person to bite", SOON, || meets(&isp, &owes_later) == "walled");
}

fn meets(isp: &Isp, who: &Subscriber) -> String {
    verdict(&isp.sites[0], &who.user)
}

fn network(isp: &Isp, who: &Subscriber) -> Value {
    let overview = isp.owner.get(&format!("/customers/{}/overview", who.customer));
    overview.map_or(Value::Null, |overview| overview["services"][0]["network"].clone())
}

fn pay(isp: &Isp, who: &Subscriber) {
    let payment = json!({"customer_id": who.customer, "amount": {"amount": 5_900, "currency": "PEN"}, "method": "cash"});
    isp.owner.post("/payments", &payment).expect("a payment can be registered");
}

/// Starts the control plane again. The copy may be older than the owner's session.
fn restart(isp: &mut Isp) {
    isp.control_plane.restart(None).expect("it starts again");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in");
}

/// A copy of everything that the control plane keeps.
struct Copy {
    folder: std::path::PathBuf,
    database: Option<String>,
}

impl Copy {
    fn make(isp: &Isp, folder: &Path) -> Self {
        let options = &isp.control_plane.options;
        let copy = folder.join("yesterday");
        copy_folder(&options.folder.join("data"), &copy);
        let database =
            options.database.as_ref().map(|url| block_on(atalaya_kernel::testing::postgres_copy(url)));
        Self { folder: copy, database }
    }

    /// Puts it in the place of what is there.
    fn restore(self, isp: &Isp) {
        let options = &isp.control_plane.options;
        let data = options.folder.join("data");
        fs::remove_dir_all(&data).expect("the data folder can be removed");
        copy_folder(&self.folder, &data);
        if let (Some(copy), Some(url)) = (self.database, &options.database) {
            block_on(atalaya_kernel::testing::postgres_replace(url, &copy));
        }
    }
}

fn copy_folder(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder can be made");
    for entry in fs::read_dir(from).expect("a folder can be read") {
        let entry = entry.expect("an entry can be read");
        let target = to.join(entry.file_name());
        if entry.file_type().expect("it has a type").is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file can be copied");
        }
    }
}
