use proptest::prelude::*;

use super::super::oid::{self, Column};
use super::super::parse::{InterfaceTable, Walk};
use super::*;

/// An answer with these bindings: name, tag and content of the value.
pub(in super::super) fn answer(id: u32, status: u8, bindings: &[(Vec<u8>, u8, Vec<u8>)]) -> Vec<u8> {
    let mut list = Vec::new();
    for (name, tag, content) in bindings {
        let mut pair = Vec::new();
        ber::put(&mut pair, ber::OBJECT_ID, name);
        ber::put(&mut pair, *tag, content);
        ber::put(&mut list, ber::SEQUENCE, &pair);
    }
    let mut body = Vec::new();
    ber::put_u31(&mut body, id);
    ber::put(&mut body, ber::INTEGER, &[status]);
    ber::put(&mut body, ber::INTEGER, &[0]);
    ber::put(&mut body, ber::SEQUENCE, &list);
    let mut content = Vec::new();
    ber::put(&mut content, ber::INTEGER, &[1]);
    ber::put(&mut content, ber::OCTETS, b"public");
    ber::put(&mut content, RESPONSE, &body);
    let mut message = Vec::new();
    ber::put(&mut message, ber::SEQUENCE, &content);
    message
}

/// An object identifier with one more arc.
pub(in super::super) fn named(oid: &[u8], index: u32) -> Vec<u8> {
    let mut name = oid.to_vec();
    ber::put_arc(&mut name, index);
    name
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<char> = text.chars().filter(|digit| !digit.is_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap()).collect()
}

/// `snmpbulkget -v2c -c public -Cn2 -Cr2 HOST 1.3.6.1.2.1.1.3 1.3.6.1.6.3.10.2.1.3 1.3.6.1.2.1.31.1.1.1.1.1` of net-snmp
/// 5.9.3 as captured, but for the request id and the length of its numbers.
const GOLDEN_REQUEST: &str = "
    30 48 02 01 01 04 06 70 75 62 6C 69 63 A5 3B 02 04 0A B8 75 72 02 01 02 02 01 02 30 2D 30 0B 06
    07 2B 06 01 02 01 01 03 05 00 30 0D 06 09 2B 06 01 06 03 0A 02 01 03 05 00 30 0F 06 0B 2B 06 01
    02 01 1F 01 01 01 01 01 05 00";
/// What net-snmp's snmpd 5.9.3 answered.
const GOLDEN_ANSWER: &str = "
    30 66 02 01 01 04 06 70 75 62 6C 69 63 A2 59 02 04 0A B8 75 72 02 01 00 02 01 00 30 4B 30 0E 06
    08 2B 06 01 02 01 01 03 00 43 02 00 C7 30 0F 06 0A 2B 06 01 06 03 0A 02 01 03 00 02 01 02 30 13
    06 0B 2B 06 01 02 01 1F 01 01 01 01 02 04 04 69 66 62 30 30 13 06 0B 2B 06 01 02 01 1F 01 01 01
    01 03 04 04 69 66 62 31";

#[test]
fn a_request_asks_what_net_snmp_asks() {
    let mut names = Names::default();
    names.push(oid::SYS_UP_TIME, None);
    names.push(oid::SNMP_ENGINE_TIME, None);
    names.push(Column::Name.oid(), Some(1));
    let ours = request(Ask::GetBulk { once: 2, repetitions: 2 }, 7, b"public", &names);
    let golden = hex(GOLDEN_REQUEST);
    let parts = |message: &[u8]| {
        let mut message = Reader(Reader(message).expect(ber::SEQUENCE).unwrap());
        let version = message.integer().unwrap();
        let community = message.expect(ber::OCTETS).unwrap().to_vec();
        let mut pdu = Reader(message.expect(GET_BULK).unwrap());
        let (_id, once, repetitions) =
            (pdu.integer().unwrap(), pdu.integer().unwrap(), pdu.integer().unwrap());
        let names = pdu.expect(ber::SEQUENCE).unwrap().to_vec();
        assert!(pdu.is_empty() && message.is_empty());
        (version, community, once, repetitions, names)
    };
    assert_eq!(parts(&ours), parts(&golden));
}

#[test]
fn an_answer_of_net_snmp_is_read() {
    let message = hex(GOLDEN_ANSWER);
    let answer = Answer::parse(&message).unwrap();
    assert_eq!(answer.status, 0);
    let bindings: Vec<Binding<'_>> = answer.bindings().collect::<Result<_, _>>().unwrap();
    assert_eq!(bindings.len(), 4);
    assert!(bindings[0].name.starts_with(oid::SYS_UP_TIME));
    assert!(matches!(bindings[0].value, Value::TimeTicks(ticks) if ticks > 0));
    assert!(matches!(bindings[1].value, Value::Integer(seconds) if seconds >= 0));
    assert_eq!(bindings[2].name, named(Column::Name.oid(), 2));
    assert!(matches!(bindings[2].value, Value::Octets(name) if !name.is_empty()));
}

#[test]
fn other_messages_are_no_answers() {
    let mut names = Names::default();
    names.push(oid::SYS_NAME, Some(0));
    assert!(Answer::parse(&request(Ask::Get, 1, b"public", &names)).is_err());
    let mut first_version = answer(1, 0, &[]);
    first_version[4] = 0;
    assert!(Answer::parse(&first_version).is_err());
    let status = answer(9, 1, &[]);
    let too_big = Answer::parse(&status).unwrap();
    assert_eq!((too_big.id, too_big.status, too_big.bindings().count()), (9, TOO_BIG, 0));
    assert_eq!((status_words(5), status_words(-1)), ("genErr", "an unknown error status"));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        read_all(&bytes);
    }

    /// Real answers with some bytes changed reach further into the reader than noise does.
    #[test]
    fn damaged_answers_are_read_or_refused(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut message = hex(GOLDEN_ANSWER);
        for (at, byte) in changes {
            let at = at.index(message.len());
            message[at] = byte;
        }
        read_all(&message);
        read_all(&message[..cut.index(message.len())]);
    }

    #[test]
    fn numbers_survive(id in 0..=u32::MAX >> 1, narrow: u32, wide: u64) {
        let rows = [
            (named(Column::InErrors.oid(), 1), 0x41, [&[0][..], &narrow.to_be_bytes()].concat()),
            (named(Column::InOctets64.oid(), narrow), 0x46, [&[0][..], &wide.to_be_bytes()].concat()),
        ];
        let message = answer(id, 0, &rows);
        let read = Answer::parse(&message).unwrap();
        prop_assert_eq!(read.id, id);
        let values: Vec<Value<'_>> = read.bindings().map(|binding| binding.unwrap().value).collect();
        prop_assert_eq!(values, vec![Value::Counter32(narrow), Value::Counter64(wide)]);
    }
}

fn read_all(bytes: &[u8]) {
    let Ok(answer) = Answer::parse(bytes) else { return };
    let bindings = answer.bindings().count();
    assert!(bindings <= bytes.len());
    let mut walks = [Walk::new(Column::Name), Walk::new(Column::HighSpeed)];
    let mut table = InterfaceTable::default();
    // Either outcome is right; a panic is not.
    let _outcome = table.take(&answer, &[0, 1], &mut walks);
    assert!(table.rows.len() <= bindings);
}
