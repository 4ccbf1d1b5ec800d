use super::super::pdu::tests::{answer, named};
use super::*;

fn scalars() -> Vec<(Vec<u8>, u8, Vec<u8>)> {
    vec![(named(oid::SYS_UP_TIME, 0), 0x43, vec![1, 0xF4]), (named(oid::SNMP_ENGINE_TIME, 0), 0x02, vec![5])]
}

fn taken(
    table: &mut InterfaceTable,
    walks: &mut [Walk],
    rows: Vec<(Vec<u8>, u8, Vec<u8>)>,
) -> Result<Taken, DeviceError> {
    let open: Vec<usize> = (0..walks.len()).collect();
    let message = answer(1, 0, &[scalars(), rows].concat());
    table.take(&Answer::parse(&message).unwrap(), &open, walks)
}

fn row(column: Column, index: u32, tag: u8, content: &[u8]) -> (Vec<u8>, u8, Vec<u8>) {
    (named(column.oid(), index), tag, content.to_vec())
}

#[test]
fn columns_side_by_side_with_holes_and_ends() {
    let mut walks = [Walk::new(Column::Name), Walk::new(Column::InOctets64)];
    let mut table = InterfaceTable::default();
    let rows = vec![
        row(Column::Name, 1, 0x04, b"lo"),
        row(Column::InOctets64, 2, 0x46, &[7]),
        row(Column::Name, 2, 0x04, b"ether\x071"),
        row(Column::OutOctets64, 1, 0x46, &[9]),
        (vec![0x2B], 0x82, vec![]),
    ];
    let got = taken(&mut table, &mut walks, rows).unwrap();
    assert_eq!(got.bindings, 5);
    assert!(walks.iter().all(|walk| walk.ended));
    assert_eq!((table.uptime_ticks, table.engine_seconds), (Some(500), Some(5)));
    let indexes: Vec<u32> = table.rows.iter().map(|(index, _)| *index).collect();
    assert_eq!(indexes, [1, 2]);
    assert_eq!(table.rows[0].1.name.as_deref(), Some("lo"));
    assert_eq!(table.rows[0].1.in_octets64, None);
    assert_eq!(table.rows[1].1.name.as_deref(), Some("ether1"));
    assert_eq!(table.rows[1].1.in_octets64, Some(7));
    assert!(table.needs_basic_counters());
}

#[test]
fn a_walk_that_goes_back_or_stands_still_is_an_error() {
    let twice = vec![row(Column::Name, 2, 0x04, b"b"), row(Column::Name, 2, 0x04, b"b")];
    let mut walks = [Walk::new(Column::Name)];
    let error = taken(&mut InterfaceTable::default(), &mut walks, twice).unwrap_err();
    assert!(
        error.to_string().contains("does not advance: 1.3.6.1.2.1.31.1.1.1.1.2 follows row 2"),
        "{error}"
    );
    // Large indexes are compared as numbers, not as the bytes that they travel in.
    let mut walks = [Walk::new(Column::Name)];
    let rising = vec![row(Column::Name, 16_383, 0x04, b"a"), row(Column::Name, 16_384, 0x04, b"b")];
    let mut table = InterfaceTable::default();
    taken(&mut table, &mut walks, rising).unwrap();
    assert_eq!(table.rows.len(), 2);
    let back = vec![row(Column::Name, 16_383, 0x04, b"a")];
    assert!(matches!(taken(&mut table, &mut walks, back), Err(DeviceError::Protocol { .. })));
}

#[test]
fn an_answer_without_rows_or_with_a_row_of_another_shape_is_an_error() {
    let mut walks = [Walk::new(Column::Name)];
    let empty = taken(&mut InterfaceTable::default(), &mut walks, Vec::new());
    assert!(matches!(empty, Err(DeviceError::Protocol { .. })));
    let mut name = named(Column::Name.oid(), 1);
    name.push(4);
    let deep = taken(&mut InterfaceTable::default(), &mut walks, vec![(name, 0x04, b"x".to_vec())]);
    assert!(deep.unwrap_err().to_string().contains("no row of an interface table"));
}

#[test]
fn an_empty_system_group_is_an_error() {
    let message = answer(1, 0, &[(named(oid::SYS_DESCR, 0), 0x80, vec![])]);
    assert!(system(&Answer::parse(&message).unwrap()).is_err());
    let message = answer(1, 0, &[(named(oid::SYS_OBJECT_ID, 0), 0x06, vec![0x2B, 6, 1, 4, 1, 0xF5, 0x0C])]);
    assert_eq!(system(&Answer::parse(&message).unwrap()).unwrap().object_id, "1.3.6.1.4.1.14988");
}
