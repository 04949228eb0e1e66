//! Objects that are pinned when they are born.

use std::cell::Cell;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use terrane_base::{Bytes, MemoryError};
use terrane_gc::raw::Pretenuring;
use terrane_gc::{GcField, Heap, HeapConfig, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    number: u64,
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

struct Counted(Rc<Cell<u32>>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.set(self.0.get() + 1);
    }
}

#[derive(Trace)]
struct Resource {
    #[trace(skip)]
    _counted: Counted,
}

fn configurations() -> impl Iterator<Item = HeapConfig> {
    let base =
        || HeapConfig::new().verify(true).nursery(Bytes::from_kib(16)).young_range(Bytes::from_mib(16));
    [
        base(),
        base().stress(NonZeroU64::new(3)),
        base().pretenuring(Pretenuring::Always),
        base().generational(false),
    ]
    .into_iter()
}

/// It is made from young objects, lies where it stays from the beginning, and keeps alive what it refers to; whether a full collection is
/// under way or not.
#[test]
fn what_is_born_pinned_stays_and_keeps_what_it_refers_to() {
    for config in configurations() {
        for marking in [false, true] {
            let mut heap = Heap::with_config(config.clone()).unwrap();
            heap.enter(|mu| {
                let mut pinned = Vec::new();
                for number in 0..200 {
                    if marking && number % 50 == 0 {
                        mu.begin_full();
                        mu.step_units(20);
                    }
                    let minor = mu.stats().collections[0].count;
                    let node = mu
                        .alloc_pinned(|mu| {
                            let next = mu.alloc(Node { number: number + 1000, next: GcField::null() });
                            Node { number, next: next.into() }
                        })
                        .unwrap();
                    if config.stress.is_none() && !marking {
                        assert_eq!(mu.stats().collections[0].count, minor, "nothing had to be moved");
                    }
                    pinned.push((node.as_ptr(), node));
                    mu.safepoint();
                }
                mu.collect_full();
                for (number, (address, node)) in pinned.iter().enumerate() {
                    let node = mu.load_pinned(node).unwrap();
                    assert_eq!((node.number, node.address()), (number as u64, address.as_ptr().addr()));
                    assert_eq!(node.next.get().unwrap().number, number as u64 + 1000);
                }
            });
            assert_eq!(heap.handle_stats().pins, 200);
            heap.collect_full();
            heap.check().unwrap();
        }
    }
}

#[test]
fn a_destructor_runs_once_when_nothing_holds_it() {
    let dropped = Rc::new(Cell::new(0));
    let mut heap = Heap::new().unwrap();
    let pinned =
        heap.enter(|mu| mu.alloc_pinned(|_| Resource { _counted: Counted(Rc::clone(&dropped)) })).unwrap();
    heap.collect_full();
    assert_eq!(dropped.get(), 0);
    drop(pinned);
    heap.collect_full();
    assert_eq!(dropped.get(), 1);
}

#[test]
fn large_objects_are_born_pinned_too() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let pinned = mu.alloc_pinned(|_| [7_u64; 4000]).unwrap();
        let address = pinned.as_ptr();
        mu.collect_full();
        assert!(mu.load_pinned(&pinned).unwrap().iter().all(|&number| number == 7));
        assert_eq!(pinned.as_ptr(), address);
    });
}

#[test]
fn a_panic_while_the_value_is_made_leaves_the_heap_whole() {
    for config in configurations() {
        let mut heap = Heap::with_config(config).unwrap();
        heap.enter(|mu| {
            let made = catch_unwind(AssertUnwindSafe(|| {
                mu.alloc_pinned(|mu| -> u64 { panic!("{}", *mu.alloc(1_u64)) }).map(|_| ())
            }));
            assert!(made.is_err());
            mu.collect_full();
            let five = mu.alloc_pinned(|_| 5_u64).unwrap();
            assert_eq!(*mu.load_pinned(&five).unwrap(), 5);
        });
        heap.check().unwrap();
    }
}

#[test]
fn at_the_limit_it_is_refused_and_goes_on_when_something_is_let_go() {
    let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(2)).verify(true)).unwrap();
    let mut pinned = Vec::new();
    heap.enter(|mu| {
        let refused = loop {
            match mu.alloc_pinned(|_| [1_u64; 500]) {
                Ok(one) => pinned.push(one),
                Err(error) => break error,
            }
        };
        assert!(matches!(refused, MemoryError::OutOfMemory { .. }), "{refused}");
        assert!(pinned.len() > 20, "{}", pinned.len());
        pinned.truncate(3);
        mu.collect_full();
        assert!(mu.alloc_pinned(|_| [1_u64; 500]).is_ok());
    });
    heap.check().unwrap();
}
