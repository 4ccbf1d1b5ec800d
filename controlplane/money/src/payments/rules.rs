//! Which money pays which invoice. Pure.

/// Pays debts in the order given with the money in the order given: (money, debt, amount) of each pair that meets.
pub(super) fn allocate(money: &[i64], debts: &[i64]) -> Vec<(usize, usize, i64)> {
    let mut pairs = Vec::new();
    let (mut payer, mut left) = (0, money.first().copied().unwrap_or(0));
    for (debt, &owed) in debts.iter().enumerate() {
        let mut owed = owed;
        while owed > 0 && payer < money.len() {
            let amount = owed.min(left);
            if amount > 0 {
                pairs.push((payer, debt, amount));
                owed -= amount;
                left -= amount;
            }
            if left <= 0 {
                payer += 1;
                left = money.get(payer).copied().unwrap_or(0);
            }
        }
    }
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_oldest_is_paid_first() {
        assert_eq!(allocate(&[100], &[89, 89]), [(0, 0, 89), (0, 1, 11)]);
        assert_eq!(allocate(&[50, 50], &[89]), [(0, 0, 50), (1, 0, 39)]);
        assert!(allocate(&[], &[89]).is_empty() && allocate(&[10], &[]).is_empty());
    }

    proptest! {
        #[test]
        fn no_cent_is_lost_or_made(money in prop::collection::vec(0_i64..10_000, 0..8), debts in prop::collection::vec(0_i64..10_000, 0..8)) {
            let pairs = allocate(&money, &debts);
            let (paid, owed): (i64, i64) = (money.iter().sum(), debts.iter().sum());
            prop_assert_eq!(pairs.iter().map(|(.., amount)| amount).sum::<i64>(), paid.min(owed));
            for (index, limit) in money.iter().enumerate() {
                prop_assert!(pairs.iter().filter(|(payer, ..)| *payer == index).map(|(.., amount)| amount).sum::<i64>() <= *limit);
            }
            for (index, limit) in debts.iter().enumerate() {
                prop_assert!(pairs.iter().filter(|(_, debt, _)| *debt == index).map(|(.., amount)| amount).sum::<i64>() <= *limit);
            }
            prop_assert!(pairs.iter().all(|(.., amount)| *amount > 0));
            // A later debt gets something only when all earlier ones are paid in full.
            if let Some(last) = pairs.iter().map(|(_, debt, _)| *debt).max() {
                for (debt, owed) in debts.iter().enumerate().take(last) {
                    prop_assert_eq!(pairs.iter().filter(|(_, d, _)| *d == debt).map(|(.., amount)| amount).sum::<i64>(), *owed);
                }
            }
        }
    }
}
