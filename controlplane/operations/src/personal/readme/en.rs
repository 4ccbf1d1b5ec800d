use super::Words;

pub(super) const WORDS: Words = Words {
    opening: |facts| {
        format!(
            "Copy of the data that {} holds of a person\n\nPerson: {}\nMade: {}\nPart: {}\n\n\
             Each .json file is a list of records. Amounts are in the minor unit of the currency (cents), times in UTC.",
            facts.tenant, facts.person, facts.made, facts.part
        )
    },
    rows: |rows| if rows == 1 { "1 record".to_owned() } else { format!("{rows} records") },
    file: "file that the staff left with your data",
    closing: "Not in here: passwords, keys and other secrets, which nobody can read, and what is about other people. \
              Measurements are kept by device and not by person.",
    documents: &[
        ("customer", "your contact data and what the staff noted"),
        ("sites", "sites at which you have or had a service"),
        ("services", "your services"),
        ("rows_on_devices", "what routers have stored at your connection"),
        ("rows_taken_over", "rows of routers from which your services were made"),
        ("findings_on_devices", "what comparing routers with our records found"),
        ("invoices", "your invoices"),
        ("invoice_lines", "lines of your invoices"),
        ("payments", "your payments"),
        ("allocations", "which invoice each payment went to"),
        ("ledger", "entries of your account"),
        ("cut_runs", "looks at debts in which you appeared"),
        ("attachments", "how your services reach the network"),
        ("network_points", "what the network is to do with your services"),
        ("connections", "last connection that the network saw: address and equipment"),
        ("notes", "notes of the staff"),
        ("files", "list of the files that the staff left"),
        ("events", "what happened"),
        ("changes", "what was changed in your data, before and after"),
        ("exports", "copies like this one that were asked for"),
        ("user", "your user account"),
        ("roles", "your other roles"),
        ("sessions", "your open sessions"),
        ("browsers", "browsers that you logged in from"),
        ("authenticator", "your app of codes"),
        ("recovery_codes", "when you used recovery codes"),
        ("passkeys", "your passkeys"),
        ("links", "links of invitation or for a password that you were given"),
        ("pushed_browsers", "browsers that you get notices in"),
        ("notices", "notices that were sent to you"),
        ("notice_preferences", "which notices you want, and in which language"),
        ("identities", "accounts elsewhere that you log in with"),
        ("programs", "programs that act for you"),
        ("api_keys", "keys of programs that you made"),
        ("approvals_asked", "operations for which you asked for a second person"),
        ("approvals_decided", "operations that you decided as the second person"),
        ("notes_written", "notes that you wrote, without the words"),
        ("files_left", "files that you left, without the content"),
        ("actions", "what you did in the system"),
    ],
};
