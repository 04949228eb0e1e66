//! State that was written is read again; anything else is an error, whatever the bytes.

use proptest::prelude::*;
use terrane_base::{MemorySerializable, StateError, StateProblem, StateReader, StateWriter};

/// One of each part.
#[derive(Clone, Debug, PartialEq)]
struct Contents {
    flag: u8,
    count: u32,
    entries: Vec<(String, Vec<u8>)>,
}

impl MemorySerializable for Contents {
    const KIND: &'static str = "contents";
    const VERSION: u32 = 3;

    fn write_payload(&self, out: &mut StateWriter) {
        out.u8(self.flag);
        out.u32(self.count);
        out.u64(self.entries.len() as u64);
        for (key, value) in &self.entries {
            out.text(key);
            out.bytes(value);
        }
    }

    fn read_payload(version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
        if version == 0 {
            return Err(from.malformed("there never was a version 0"));
        }
        let (flag, count, length) = (from.u8()?, from.u32()?, from.u64()?);
        let mut entries = Vec::new();
        for _ in 0..length {
            entries.push((from.text()?.to_owned(), from.bytes()?.to_vec()));
        }
        Ok(Self { flag, count, entries })
    }
}

/// The same kind, known to an older program and to one that reads less.
macro_rules! variant {
    ($name:ident, $kind:literal, $version:literal, $read:expr) => {
        #[derive(Debug, PartialEq)]
        struct $name;

        impl MemorySerializable for $name {
            const KIND: &'static str = $kind;
            const VERSION: u32 = $version;

            fn write_payload(&self, _out: &mut StateWriter) {}

            fn read_payload(_version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
                let read: fn(&mut StateReader<'_>) -> Result<(), StateError> = $read;
                read(from).map(|()| Self)
            }
        }
    };
}
variant!(Older, "contents", 2, |_| Ok(()));
variant!(Other, "contentt", 3, |_| Ok(()));
variant!(Lazy, "contents", 3, |from| from.u8().map(|_| ()));
variant!(Empty, "", 0, |_| Ok(()));
variant!(Text, "contents", 3, |from| from
    .u8()
    .and(from.u32())
    .and(from.u64())
    .and_then(|_| from.text().map(|_| ())));

fn example() -> Contents {
    Contents {
        flag: 7,
        count: 9,
        entries: vec![("key".to_owned(), vec![1, 2, 3]), (String::new(), Vec::new())],
    }
}

#[test]
fn each_kind_of_damage_has_its_own_error() {
    let state = example().serialize_state();
    let problem = |bytes: &[u8]| Contents::deserialize_state(bytes).unwrap_err().problem;
    assert_eq!(problem(b""), StateProblem::Ends("the signature"));
    assert_eq!(problem(b"JUNK and more"), StateProblem::NoState);
    assert_eq!(problem(b"TRNS\x02"), StateProblem::Format(2));
    assert_eq!(problem(&state[..state.len() - 1]), StateProblem::Length { stated: state.len() as u64 - 34 });
    assert_eq!(
        problem(&[&state[..], b"x"].concat()),
        StateProblem::Length { stated: state.len() as u64 - 34 }
    );
    let mut flipped = state.clone();
    flipped[30] ^= 1;
    assert_eq!(problem(&flipped), StateProblem::Checksum);
    assert_eq!(
        Older::deserialize_state(&state).unwrap_err().problem,
        StateProblem::Version { found: 3, known: 2 }
    );
    assert_eq!(Other::deserialize_state(&state).unwrap_err().problem, StateProblem::Kind("contentt"));
    let error = Lazy::deserialize_state(&state).unwrap_err();
    assert_eq!(error.problem, StateProblem::LeftOver(state.len() - 35));
    assert_eq!(format!("{error:?}"), error.to_string(), "what a `main` shows that returns it");
    assert_eq!(error.to_string(), format!("state has {} bytes too many from byte 27 on", state.len() - 35));
    assert_eq!(Empty::deserialize_state(&Empty.serialize_state()), Ok(Empty));
}

#[test]
fn errors_of_the_payload_say_where() {
    let state = Contents { entries: vec![("é".to_owned(), vec![])], ..example() }.serialize_state();
    assert!(
        Text::deserialize_state(&state).unwrap_err().to_string().contains("too many"),
        "the text itself is read"
    );
    let with = |payload: &[u8]| {
        let mut out = StateBytes(payload.to_vec()).serialize_state();
        // The kinds have the same length, so only the checksum is another one.
        out[6..14].copy_from_slice(b"contents");
        let end = out.len() - 8;
        let sum = out[..end].iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3)
        });
        out[end..].copy_from_slice(&sum.to_le_bytes());
        Contents::deserialize_state(&out).unwrap_err()
    };
    let head = [&[0][..], &[0; 4], &1_u64.to_le_bytes()].concat();
    assert_eq!(with(&head[..3]).to_string(), "state ends at byte 29, in the middle of a number");
    let long = [&head[..], &u64::MAX.to_le_bytes()].concat();
    assert_eq!(with(&long).problem, StateProblem::Ends("bytes"));
    let no_text = [&head[..], &2_u64.to_le_bytes(), b"a\xff"].concat();
    assert_eq!(with(&no_text).to_string(), "state makes no sense at byte 48: no UTF-8");
}

/// A payload as it is.
struct StateBytes(Vec<u8>);

impl MemorySerializable for StateBytes {
    const KIND: &'static str = "anything";
    const VERSION: u32 = 3;

    fn write_payload(&self, out: &mut StateWriter) {
        self.0.iter().for_each(|byte| out.u8(*byte));
    }

    fn read_payload(_version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
        (0..from.left()).map(|_| from.u8()).collect::<Result<_, _>>().map(Self)
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        flag: u8,
        count: u32,
        entries in prop::collection::vec((".{0,9}", prop::collection::vec(any::<u8>(), 0..40)), 0..9),
    ) {
        let contents = Contents { flag, count, entries };
        prop_assert_eq!(Contents::deserialize_state(&contents.serialize_state()), Ok(contents));
    }

    #[test]
    fn every_changed_byte_and_every_cut_is_noticed(at: prop::sample::Index, change in 1..=255_u8) {
        let mut state = example().serialize_state();
        let at = at.index(state.len());
        prop_assert!(Contents::deserialize_state(&state[..at]).is_err());
        state[at] ^= change;
        prop_assert!(Contents::deserialize_state(&state).is_err());
    }

    #[test]
    fn no_bytes_do_any_harm(payload in prop::collection::vec(any::<u8>(), 0..200), kind in 0..3_u8) {
        let _any = Contents::deserialize_state(&payload);
        let mut state = StateBytes(payload.clone()).serialize_state();
        prop_assert_eq!(StateBytes::deserialize_state(&state).map(|read| read.0), Ok(payload));
        state[5] = kind;
        prop_assert!(StateBytes::deserialize_state(&state).is_err());
    }
}
