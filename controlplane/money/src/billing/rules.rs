//! Dates and debts. Pure.

use super::model::InvoiceRow;
use atalaya_kernel::time::Date;

/// What a customer owes on a day, minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Debt {
    /// Overdue, fees left out: what cuts and reconnections look at.
    pub overdue: i64,
    /// Of that, what is past the grace days too: what a cut looks at.
    pub past_grace: i64,
    /// Days since the oldest of it was due.
    pub days_overdue: i64,
    /// Day on which the latest of `past_grace` passed the grace days.
    pub crossed_on: Option<Date>,
}

/// Debt of one customer's invoices. A payment covers the service before the fees, so that fees never hold a
/// reconnection back.
pub(crate) fn debt<'i>(
    invoices: impl IntoIterator<Item = &'i InvoiceRow>,
    today: Date,
    grace_days: i64,
) -> Debt {
    let mut debt = Debt::default();
    for invoice in invoices {
        let days = today.days_since(invoice.due_on);
        let counted = invoice.service_balance();
        if days <= 0 || counted <= 0 {
            continue;
        }
        debt.overdue += counted;
        debt.days_overdue = debt.days_overdue.max(days);
        if days > grace_days {
            debt.past_grace += counted;
            let grace = i32::try_from(grace_days).unwrap_or(i32::MAX);
            debt.crossed_on = debt.crossed_on.max(Some(invoice.due_on.plus_days(grace.saturating_add(1))));
        }
    }
    debt
}

/// First and last day of a month, and its last day to pay: the wanted day, within the month, not before the issue.
pub(super) fn month(year: i16, month: i8, due_day: i8, issued_on: Date) -> Option<(Date, Date, Date)> {
    let first = Date::new(year, month, 1)?;
    let last = first.end_of_month();
    let (_, _, last_day) = last.parts();
    let due = Date::new(year, month, due_day.clamp(1, last_day))?;
    Some((first, last, due.max(issued_on)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::{
        ids::{CustomerId, InvoiceId},
        time::Timestamp,
    };
    use proptest::prelude::*;

    fn row(total: i64, fees: i64, paid: i64, due_on: Date) -> InvoiceRow {
        let now = Timestamp::from_millis(0);
        InvoiceRow {
            id: InvoiceId::new(now),
            number: 1,
            customer_id: CustomerId::new(now),
            service_id: None,
            period_from: None,
            period_to: None,
            issued_on: due_on,
            due_on,
            currency: "PEN".parse().unwrap(),
            total,
            fees,
            paid,
            voided: false,
            version: 1,
            created_at: now,
        }
    }

    #[test]
    fn debt_counts_days_by_the_calendar_and_leaves_fees_out() {
        let due = Date::new(2026, 10, 30).unwrap();
        let today = Date::new(2026, 11, 5).unwrap();
        let invoice = row(9_900, 1_000, 0, due);
        assert_eq!(debt([&invoice], due, 5), Debt::default(), "the due date itself is in time");
        assert_eq!(
            debt([&invoice], today, 5),
            Debt { overdue: 8_900, past_grace: 8_900, days_overdue: 6, crossed_on: Some(today) }
        );
        assert_eq!(
            debt([&invoice], today, 6),
            Debt { overdue: 8_900, past_grace: 0, days_overdue: 6, crossed_on: None }
        );
        assert_eq!(debt([&row(9_900, 1_000, 8_900, due)], today, 5).overdue, 0, "only the fee is left");
        let void = InvoiceRow { voided: true, ..invoice };
        assert_eq!(debt([&void], today, 5), Debt::default());
    }

    #[test]
    fn months_end_where_the_calendar_says() {
        let issued = Date::new(2028, 2, 1).unwrap();
        let (first, last, due) = month(2028, 2, 31, issued).unwrap();
        assert_eq!(
            (first.to_string(), last.to_string(), due.to_string()),
            ("2028-02-01".into(), "2028-02-29".into(), "2028-02-29".into())
        );
        let late = Date::new(2028, 2, 20).unwrap();
        assert_eq!(month(2028, 2, 10, late).unwrap().2, late, "never due before it is issued");
        assert!(month(2028, 13, 1, issued).is_none());
    }

    proptest! {
        #[test]
        fn paying_more_never_raises_the_debt(total in 0_i64..1_000_000, fees in 0_i64..1_000, paid in 0_i64..1_000_000, more in 0_i64..1_000, days in -10_i32..100) {
            let due = Date::new(2026, 10, 1).unwrap();
            let today = due.plus_days(days);
            let (fees, paid) = (fees.min(total), paid.min(total));
            let less = debt([&row(total, fees, paid, due)], today, 5);
            let after = debt([&row(total, fees, (paid + more).min(total), due)], today, 5);
            prop_assert!(after.overdue <= less.overdue && after.past_grace <= less.past_grace);
            prop_assert!(after.past_grace <= after.overdue && after.overdue <= total);
        }
    }
}
