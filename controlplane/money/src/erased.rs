//! What becomes of this domain's rows about a person whose data is taken out. The books stay: the law wants them, and by then nothing
//! in them says who the customer was.

use atalaya_kernel::personal::{
    Empty, Erased,
    Erasure::{self, Emptied, Kept},
    PersonKind,
};

const BOOKS: Erasure = Kept("the books, which the law wants kept");

/// Rows of a customer by `customer_id`.
const fn of_customer(table: &'static str, how: Erasure) -> Erased {
    Erased { table, of: PersonKind::Customer, by: "customer_id", how, things: &[] }
}

/// What becomes of rows about persons.
pub const ERASED: &[Erased] = &[
    Erased {
        things: &[("id", "svc_")],
        ..of_customer("money_service", Emptied(&[("address", Empty::Null), ("status_reason", Empty::Null)]))
    },
    of_customer("money_account", Kept("one customer's entries are written one after another by it")),
    Erased { things: &[("id", "inv_")], ..of_customer("money_invoice", BOOKS) },
    Erased { by: "invoice_id", ..of_customer("money_invoice_line", BOOKS) },
    Erased {
        things: &[("id", "pay_")],
        // The answer repeats the note to whoever sends the same payment again.
        ..of_customer("money_payment", Emptied(&[("note", Empty::Null), ("answer", Empty::Null)]))
    },
    Erased { by: "payment_id", ..of_customer("money_allocation", BOOKS) },
    of_customer("money_ledger_entry", BOOKS),
    of_customer(
        "money_cut_run_item",
        Emptied(&[("exclusion_reason", Empty::Null), ("failure", Empty::Null)]),
    ),
    Erased {
        of: PersonKind::User,
        by: "created_by_id",
        // The run's rows in the trail name who asked for it.
        things: &[("id", "run_")],
        ..of_customer("money_cut_run", Emptied(&[("created_by", Empty::Text(""))]))
    },
];
