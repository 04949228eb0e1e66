//! The write barrier: what it must log, and that the verifier sees when it is left out.

use terrane_base::Bytes;
use terrane_gc::raw::{CollectionKind, CorruptionKind, HeapConfig, Word};

use crate::machine::Machine;
use crate::model::*;

fn machine() -> Machine {
    Machine::new(HeapConfig::new().nursery(Bytes::from_kib(64)).young_range(Bytes::from_mib(64)))
}

/// Stores without the barrier.
fn plain_store(parent: Word, index: usize, value: Word) {
    // SAFETY: live objects; that the collector does not hear of it is the point.
    unsafe { *slot(parent, index) = value }
}

fn finding(machine: &mut Machine) -> Option<CorruptionKind> {
    machine.heap.verify(&mut machine.roots).err().map(|corruption| corruption.kind)
}

/// Objects in the old space of every kind of log: whole, by cards, large with cards in the chunk, large with
/// cards of its own.
const VECTOR_SLOTS: [usize; 5] = [3, 30, 500, 5000, 300_000];

#[test]
fn a_store_without_the_barrier_is_found() {
    for slots in VECTOR_SLOTS {
        let mut machine = machine();
        let vector = machine.vector(slots).unwrap();
        machine.roots.push(vector);
        machine.collect(CollectionKind::Minor);
        for index in [0, slots / 2, slots - 1] {
            let (vector, young) = (machine.roots.words[0], machine.pair(integer(1), integer(2)).unwrap());
            plain_store(vector, index, young);
            assert_eq!(finding(&mut machine), Some(CorruptionKind::NotRemembered), "{slots} {index}");
            machine.write(vector, index, young);
            assert_eq!(finding(&mut machine), None, "{slots} {index}");
            machine.collect(CollectionKind::Minor);
            assert_eq!(read(read(machine.roots.words[0], index), 1), integer(2));
        }
    }
}

#[test]
fn a_store_below_the_frame_watermark_without_the_barrier_is_found() {
    let mut machine = machine();
    let frame = pair(machine.roots.frame_top);
    plain_store(frame, 0, integer(0));
    plain_store(frame, 1, integer(0));
    machine.roots.frame_top += 16;
    let young = machine.pair(integer(1), integer(2)).unwrap();
    plain_store(frame, 0, young);
    assert_eq!(finding(&mut machine), None, "above the watermark no barrier is needed");
    machine.collect(CollectionKind::Minor);
    let young = machine.pair(integer(3), integer(4)).unwrap();
    plain_store(frame, 0, young);
    assert_eq!(finding(&mut machine), Some(CorruptionKind::NotLogged));
    machine.write(frame, 0, young);
    assert_eq!(finding(&mut machine), None);
    machine.collect(CollectionKind::Minor);
    assert_eq!(read(read(frame, 0), 1), integer(4));
}

/// The log of stores into frame objects holds 1024 slots. When it is full, everything is scanned instead, and
/// nothing is lost.
#[test]
fn the_young_log_may_overflow() {
    let mut machine = machine();
    let frames: Vec<Word> = (0..4000).map(|i| pair(machine.roots.frame_top + i * 16)).collect();
    for &frame in &frames {
        plain_store(frame, 0, integer(0));
        plain_store(frame, 1, integer(0));
    }
    machine.roots.frame_top += 4000 * 16;
    machine.collect(CollectionKind::Minor);
    for (i, &frame) in frames.iter().enumerate() {
        let Some(room) = machine.heap.bump(16) else { break };
        let young = pair(room.as_ptr() as usize);
        plain_store(young, 0, integer(i as u64));
        plain_store(young, 1, integer(0));
        machine.write(frame, 1, young);
    }
    assert_eq!(finding(&mut machine), None);
    machine.collect(CollectionKind::Minor);
    assert!((0..4000).all(|i| read(read(frames[i], 1), 0) == integer(i as u64)));
}

/// A logged slot of a frame that was left must not be touched: other objects may lie there, with headers
/// where slots were.
#[test]
fn slots_of_frames_that_were_left_are_forgotten() {
    let mut machine = machine();
    let top = machine.roots.frame_top;
    let frame = pair(top);
    plain_store(frame, 0, integer(0));
    plain_store(frame, 1, integer(0));
    machine.roots.frame_top += 16;
    machine.collect(CollectionKind::Minor);
    let young = machine.pair(integer(1), integer(2)).unwrap();
    machine.write(frame, 1, young);
    machine.roots.frame_top = top;
    // SAFETY: the top was the stack's before the objects above it.
    unsafe { machine.heap.frames_left(top) };
    // A byte string whose contents look like the reference.
    let bytes = headered(top);
    // SAFETY: room in the frame region.
    unsafe { *(top as *mut Word) = bytes_header(1) };
    plain_store(bytes, 0, young);
    machine.roots.frame_top += 16;
    machine.collect(CollectionKind::Minor);
    assert_eq!(read(bytes, 0), young);
    for _ in 0..3 {
        // A live object where the bytes seem to refer.
        let again = machine.pair(integer(3), integer(4)).unwrap();
        assert_eq!(again, young);
        machine.roots.push(again);
        machine.collect(CollectionKind::Minor);
        assert_eq!(read(bytes, 0), young);
    }
}

#[test]
fn all_that_is_wrong_is_listed_as_far_as_there_is_room() {
    let mut machine = machine();
    let vector = machine.vector(5).unwrap();
    machine.roots.push(vector);
    machine.collect(CollectionKind::Minor);
    let young = machine.pair(integer(1), integer(2)).unwrap();
    (0..4).for_each(|index| plain_store(machine.roots.words[0], index, young));
    plain_store(machine.roots.words[0], 4, pair(0x1000));
    let mut kinds = |most| {
        let findings = machine.heap.findings(&mut machine.roots, most);
        findings.iter().map(|finding| finding.kind).collect::<Vec<_>>()
    };
    let not_remembered = [CorruptionKind::NotRemembered; 4];
    assert_eq!(kinds(16), [not_remembered.as_slice(), &[CorruptionKind::Foreign]].concat());
    assert_eq!(kinds(3), not_remembered[..3]);
}

#[test]
fn dangling_references_and_heap_to_frame_edges_are_found() {
    let mut machine = machine();
    let word = machine.pair(integer(1), integer(2)).unwrap();
    machine.roots.push(word);
    machine.roots.push(Word(word.0 + 8));
    assert_eq!(finding(&mut machine), Some(CorruptionKind::DanglingNursery));
    machine.roots.words.truncate(1);
    machine.collect(CollectionKind::Minor);
    let old = machine.roots.words[0];
    machine.roots.push(word);
    assert_eq!(finding(&mut machine), Some(CorruptionKind::DanglingNursery), "a root that was not updated");
    machine.roots.words[1] = Word(old.0 + 8);
    assert_eq!(finding(&mut machine), Some(CorruptionKind::DanglingOld));
    machine.roots.words[1] = pair(0x1000);
    assert_eq!(finding(&mut machine), Some(CorruptionKind::Foreign));
    machine.roots.words[1] = pair(machine.roots.frame_top);
    assert_eq!(finding(&mut machine), Some(CorruptionKind::DanglingFrame));
    let frame = machine.roots.words[1];
    plain_store(frame, 0, integer(0));
    plain_store(frame, 1, integer(0));
    machine.roots.frame_top += 16;
    assert_eq!(finding(&mut machine), None);
    machine.write(old, 0, frame);
    assert_eq!(finding(&mut machine), Some(CorruptionKind::HeapToFrame));
}

/// Found by the random programs: a slot of a new large object that was also stored to through the barrier is
/// met twice by one collection, which then moved the object's copy once more.
#[test]
fn a_slot_met_twice_is_forwarded_once() {
    let mut machine = machine();
    let young = machine.pair(integer(1), integer(2)).unwrap();
    machine.roots.push(young);
    let vector = machine.vector(300_000).unwrap();
    let young = machine.roots.words[0];
    machine.write(vector, 5, young);
    machine.roots.push(vector);
    machine.collect(CollectionKind::Minor);
    assert_eq!(read(machine.roots.words[1], 5), machine.roots.words[0]);
    assert_eq!(finding(&mut machine), None);
}
