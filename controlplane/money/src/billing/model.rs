use atalaya_kernel::{
    ids::{CustomerId, InvoiceId, ServiceId},
    money::{Currency, Money},
    text_enum,
    time::{Date, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

text_enum! {
    /// How far an invoice is paid.
    pub enum InvoiceStatus {
        /// Nothing is paid.
        Open = "open",
        /// Something is paid.
        PartlyPaid = "partly_paid",
        /// All is paid.
        Paid = "paid",
        /// It does not count.
        Void = "void",
    }
}

/// Days that an invoice is for, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
pub struct Period {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
}

/// An invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Invoice {
    /// Which.
    pub id: InvoiceId,
    /// Without gaps within the tenant.
    pub number: i64,
    /// Who owes.
    pub customer_id: CustomerId,
    /// What for, when it is for a service.
    pub service_id: Option<ServiceId>,
    /// The month, when it is a monthly one.
    pub period: Option<Period>,
    /// Day of issue.
    pub issued_on: Date,
    /// Last day to pay.
    pub due_on: Date,
    /// Sum of the lines.
    pub total: Money,
    /// Part of the total that is fees.
    pub fees: Money,
    /// Allocated of payments.
    pub paid: Money,
    /// What is left to pay.
    pub balance: Money,
    /// How far it is paid.
    pub status: InvoiceStatus,
    /// Whether the due date passed with debt left, by the tenant's calendar.
    pub overdue: bool,
    /// Days past the due date; 0 when not overdue.
    pub days_overdue: i64,
    /// Grows with each change.
    pub version: i64,
    /// When made.
    pub created_at: Timestamp,
}

/// An invoice with its lines.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvoiceDetail {
    /// The invoice.
    #[serde(flatten)]
    pub invoice: Invoice,
    /// Name of who owes.
    #[schema(example = "Rosa Quispe")]
    pub customer_name: String,
    /// What is charged.
    pub lines: Vec<InvoiceLine>,
}

/// A line of an invoice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct InvoiceLine {
    /// What.
    #[schema(example = "Fibra 100, noviembre")]
    pub description: String,
    /// How much.
    pub amount: Money,
    /// Whether it is a fee.
    pub is_fee: bool,
}

#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct InvoiceRow {
    pub(crate) id: InvoiceId,
    pub(crate) number: i64,
    pub(crate) customer_id: CustomerId,
    pub(crate) service_id: Option<ServiceId>,
    pub(crate) period_from: Option<Date>,
    pub(crate) period_to: Option<Date>,
    pub(crate) issued_on: Date,
    pub(crate) due_on: Date,
    pub(crate) currency: Currency,
    pub(crate) total: i64,
    pub(crate) fees: i64,
    pub(crate) paid: i64,
    pub(crate) voided: bool,
    pub(crate) version: i64,
    pub(crate) created_at: Timestamp,
}

impl InvoiceRow {
    /// What is left to pay, minor units.
    pub(crate) fn balance(&self) -> i64 {
        if self.voided { 0 } else { self.total - self.paid }
    }
    /// What is left to pay without the fees, minor units: within an invoice, the service is paid before the fees.
    pub(crate) fn service_balance(&self) -> i64 {
        (self.balance() - self.fees).max(0)
    }
    /// As it is shown on a day.
    pub(crate) fn on(self, today: Date) -> Invoice {
        let money = |amount| Money::new(amount, self.currency);
        let balance = self.balance();
        let overdue = balance > 0 && self.due_on < today;
        let status = match (self.voided, balance, self.paid) {
            (true, ..) => InvoiceStatus::Void,
            (false, ..=0, _) => InvoiceStatus::Paid,
            (false, _, 0) => InvoiceStatus::Open,
            (false, ..) => InvoiceStatus::PartlyPaid,
        };
        Invoice {
            period: self.period_from.zip(self.period_to).map(|(from, to)| Period { from, to }),
            total: money(self.total),
            fees: money(self.fees),
            paid: money(self.paid),
            balance: money(balance),
            status,
            overdue,
            days_overdue: if overdue { today.days_since(self.due_on) } else { 0 },
            id: self.id,
            number: self.number,
            customer_id: self.customer_id,
            service_id: self.service_id,
            issued_on: self.issued_on,
            due_on: self.due_on,
            version: self.version,
            created_at: self.created_at,
        }
    }
}

/// A single invoice to be issued.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewInvoice {
    /// Who owes.
    pub customer_id: CustomerId,
    /// What for, when it is for a service.
    pub service_id: Option<ServiceId>,
    /// What.
    #[schema(example = "Instalación")]
    pub description: String,
    /// How much, in the tenant's currency.
    pub amount: Money,
    /// Last day to pay.
    pub due_on: Date,
    /// A fee never holds a reconnection back.
    #[serde(default)]
    pub is_fee: bool,
}

text_enum! {
    /// States that a list can be narrowed to.
    pub enum ListedStatus {
        /// Debt is left.
        Open = "open",
        /// Debt is left and the due date passed.
        Overdue = "overdue",
        /// Nothing is left.
        Paid = "paid",
        /// Voided.
        Void = "void",
    }
}

/// What a billing run did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct BillingRun {
    /// Invoices issued.
    pub created: i64,
    /// Services that had the month's invoice already.
    pub skipped: i64,
    /// Sum of the invoices issued.
    pub total: Money,
}
