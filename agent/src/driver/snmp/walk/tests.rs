use proptest::prelude::*;

use super::super::ber::{encoded, put_arc};
use super::super::pdu::tests::answer;
use super::*;

const ENTRY: &str = "1.3.6.1.4.1.14988.1.1.1.2.1";

fn column(arc: u32) -> Vec<u8> {
    let mut oid = encoded(ENTRY).unwrap();
    put_arc(&mut oid, arc);
    oid
}

fn named(arc: u32, index: &[u32]) -> Vec<u8> {
    let mut oid = column(arc);
    for arc in index {
        put_arc(&mut oid, *arc);
    }
    oid
}

/// A device with a table: column → index → whole number below 128.
struct Device(BTreeMap<u32, BTreeMap<Vec<u32>, u8>>);

impl Device {
    /// What it answers to `walk` with so many repetitions, cut after `most` bindings.
    fn answer(&self, walk: &TableWalk, repetitions: usize, most: usize) -> Vec<u8> {
        let mut at: Vec<(u32, Option<Vec<u32>>)> = walk
            .cursors
            .iter()
            .filter(|cursor| !cursor.ended)
            .map(|cursor| (u32::from(*cursor.oid.last().unwrap()), cursor.last.clone()))
            .collect();
        let mut bindings = Vec::new();
        for _ in 0..repetitions {
            for (column, last) in &mut at {
                let rows = self.0.get(column);
                let next = rows.and_then(|rows| {
                    rows.iter().find(|(index, _)| last.as_ref().is_none_or(|last| *index > last))
                });
                bindings.push(match next {
                    Some((index, value)) => {
                        *last = Some(index.clone());
                        (named(*column, index), 0x02, vec![*value])
                    }
                    // What comes after the column: an object of the next one.
                    None => (named(*column + 1, &[1]), 0x02, vec![0]),
                });
            }
        }
        bindings.truncate(most.max(1));
        answer(1, 0, &bindings)
    }

    fn whole(&self, columns: &[u32]) -> BTreeMap<Vec<u32>, Vec<Option<Held>>> {
        let mut rows: BTreeMap<Vec<u32>, Vec<Option<Held>>> = BTreeMap::new();
        for (at, column) in columns.iter().enumerate() {
            for (index, value) in self.0.get(column).into_iter().flatten() {
                let cells = rows.entry(index.clone()).or_insert_with(|| vec![None; columns.len()]);
                cells[at] = Some(Held::Number(i64::from(*value)));
            }
        }
        rows
    }
}

/// Walks to the end; gives the rows in the order in which they came, and the requests.
fn walked(device: &Device, columns: &[u32], repetitions: usize, most: usize) -> (Vec<Row>, usize) {
    let mut walk = TableWalk::new(columns.iter().map(|arc| column(*arc)));
    let (mut rows, mut requests) = (Vec::new(), 0);
    while !walk.ended() {
        requests += 1;
        let message = device.answer(&walk, repetitions, most);
        walk.take(&Answer::parse(&message).unwrap()).unwrap();
        rows.extend(walk.take_whole());
    }
    assert!(walk.pending.is_empty());
    assert_eq!(walk.rows(), rows.len());
    (rows, requests)
}

#[test]
fn ten_thousand_rows_come_out_as_they_are_passed() {
    let column: BTreeMap<Vec<u32>, u8> = (1..=10_000).map(|row| (vec![row], 1)).collect();
    let device = Device(BTreeMap::from([(3, column.clone()), (5, column)]));
    let mut walk = TableWalk::new([3, 5].map(super::tests::column));
    let mut rows = 0;
    while !walk.ended() {
        let message = device.answer(&walk, 50, usize::MAX);
        walk.take(&Answer::parse(&message).unwrap()).unwrap();
        rows += walk.take_whole().len();
        assert!(walk.pending.len() <= 50, "{} rows stand in memory", walk.pending.len());
    }
    assert_eq!(rows, 10_000);
}

#[test]
fn a_walk_that_stands_still_goes_back_or_says_nothing_is_an_error() {
    let mut walk = TableWalk::new([column(3)]);
    let twice = answer(1, 0, &[(named(3, &[2]), 2, vec![1]), (named(3, &[2]), 2, vec![1])]);
    let error = walk.take(&Answer::parse(&twice).unwrap()).unwrap_err();
    assert!(error.to_string().contains("does not advance: 1.3.6.1.4.1.14988.1.1.1.2.1.3.2"), "{error}");
    let mut walk = TableWalk::new([column(3)]);
    let numbers = answer(1, 0, &[(named(3, &[16_383]), 2, vec![1]), (named(3, &[16_384]), 2, vec![1])]);
    walk.take(&Answer::parse(&numbers).unwrap()).unwrap();
    assert_eq!(walk.take_whole().len(), 2);
    let nothing = answer(1, 0, &[]);
    assert!(walk.take(&Answer::parse(&nothing).unwrap()).is_err());
    let mut cut_short = named(3, &[]);
    cut_short.push(0x85);
    let mut walk = TableWalk::new([column(3)]);
    let cut_short = answer(1, 0, &[(cut_short, 2, vec![1])]);
    assert!(walk.take(&Answer::parse(&cut_short).unwrap()).unwrap_err().to_string().contains("no row"));
}

#[test]
fn a_column_that_the_device_lacks_ends_at_once() {
    let device = Device(BTreeMap::from([(3, BTreeMap::from([(vec![1, 2], 7)]))]));
    let (rows, requests) = walked(&device, &[3, 9], 10, usize::MAX);
    assert_eq!(rows, [Row { index: vec![1, 2], cells: vec![Some(Held::Number(7)), None] }]);
    assert_eq!(requests, 1);
    let empty = Device(BTreeMap::new());
    assert!(walked(&empty, &[3, 9], 10, usize::MAX).0.is_empty());
}

fn tables() -> impl Strategy<Value = BTreeMap<u32, BTreeMap<Vec<u32>, u8>>> {
    let index = prop::collection::vec(0u32..300, 1..3);
    let column = prop::collection::btree_map(index, 0u8..128, 0..20);
    // Two apart, so that what follows a column is never a column of the walk.
    prop::collection::btree_map((1u32..20).prop_map(|arc| arc * 2), column, 0..4)
}

proptest! {
    /// Whatever holes the table has and wherever answers are cut, each row comes once, whole and in order.
    #[test]
    fn every_row_comes_once(table in tables(), repetitions in 1usize..12, most in 1usize..30) {
        let columns: Vec<u32> = table.keys().copied().chain([60]).collect();
        let device = Device(table);
        let (rows, _) = walked(&device, &columns, repetitions, most);
        let came: Vec<Vec<u32>> = rows.iter().map(|row| row.index.clone()).collect();
        prop_assert!(came.is_sorted());
        let came: BTreeMap<_, _> = rows.into_iter().map(|row| (row.index, row.cells)).collect();
        prop_assert_eq!(came, device.whole(&columns));
    }

    #[test]
    fn any_answer_is_taken_or_refused(bytes: Vec<u8>) {
        if let Ok(answer) = Answer::parse(&bytes) {
            let mut walk = TableWalk::new([column(3), column(5)]);
            // Either outcome is right; a panic is not.
            let _outcome = walk.take(&answer);
            let _rows = walk.take_whole();
        }
    }
}
