//! Panics: those of others leave the heap whole, and where the heap is not whole there are none.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use terrane_base::Bytes;
use terrane_gc::raw::{CollectionKind, HeapConfig, Word};

use crate::machine::Machine;
use crate::model::*;

fn small() -> HeapConfig {
    HeapConfig::new().nursery(Bytes::from_kib(16)).limit(Bytes::from_mib(64)).verify(true)
}

/// An observer that panics finds the heap whole, and so does whoever catches the panic.
#[test]
fn an_observer_may_panic() {
    let mut machine = Machine::new(small().stress(NonZeroU64::new(2)));
    machine.roots.push(integer(0));
    let mut seen = 0;
    machine.heap.set_observer(Box::new(move |_| {
        seen += 1;
        if seen % 3 == 0 {
            resume_unwind(Box::new("seen enough"));
        }
    }));
    let arena = machine.heap.arena_create(Bytes::from_kib(64)).unwrap();
    let mut panics = 0;
    for round in 0..300 {
        let before = (machine.roots.words.len(), machine.list_len(0));
        let step = AssertUnwindSafe(|| {
            if round % 50 == 20 {
                machine.heap.arena_enter(arena).unwrap();
            } else if round % 50 == 40 {
                machine.heap.arena_leave();
            }
            machine.grow_list(0, 1).unwrap();
        });
        if catch_unwind(step).is_err() {
            panics += 1;
            machine.roots.words.truncate(before.0);
            machine.roots.watermark = 0;
            assert_eq!(machine.list_len(0), before.1);
            assert_eq!(machine.heap.verify(&mut machine.roots), Ok(()));
        }
    }
    assert!(panics > 10);
    machine.heap.arena_leave();
    let destroy = AssertUnwindSafe(|| machine.heap.arena_destroy(arena, &mut machine.roots));
    _ = catch_unwind(destroy);
    assert!(!machine.heap.arena_live(arena));
    assert_eq!(machine.heap.verify(&mut machine.roots), Ok(()));
    assert_eq!(machine.list_len(0), 300 - panics);
}

/// A frame object longer than a block cannot be moved to the old space. It is a broken promise, and must end in an
/// abort instead of a copy over the neighbours.
#[test]
fn a_frame_object_that_is_too_long_aborts() {
    if cfg!(miri) {
        return; // no processes there
    }
    const CHILD: &str = "TERRANE_GC_TEST_TOO_LONG";
    if std::env::var_os(CHILD).is_some() {
        let mut machine = Machine::new(small().frame_region(Bytes::from_kib(256)));
        let slots = 100 * 1024 / 8;
        let object = headered(machine.roots.frame_top);
        // SAFETY: room in the frame region.
        unsafe { *(machine.roots.frame_top as *mut Word) = vector_header(slots) };
        // SAFETY: as above.
        (0..slots).for_each(|index| unsafe { *slot(object, index) = integer(0) });
        machine.roots.frame_top += headered_size(slots);
        machine.roots.push(object);
        let moved = AssertUnwindSafe(|| machine.collect(CollectionKind::Evacuate));
        std::process::exit(if catch_unwind(moved).is_err() { 2 } else { 3 });
    }
    let child = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--nocapture", "--exact", "panics::a_frame_object_that_is_too_long_aborts"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert_eq!(child.status.code(), None, "ended by a signal");
    let said = String::from_utf8_lossy(&child.stderr);
    assert!(said.contains("longer than a small object"), "{said}");
}
