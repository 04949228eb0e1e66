//! What happens to values when their objects die.

use std::cell::Cell;
use std::rc::Rc;

use proptest::prelude::*;
use terrane_base::Bytes;
use terrane_gc::{Heap, HeapConfig, Leaf, Trace};

/// Counts its drop, and panics if told to.
struct Counted {
    drops: Rc<Cell<u64>>,
    panics: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        assert!(!self.panics, "a destructor that panics");
    }
}

#[derive(Trace)]
struct Named<'h, 'm> {
    name: String,
    next: Option<terrane_gc::Gc<'h, 'm, Named<'h, 'm>>>,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Every value is dropped once: when its object is found dead, or with the heap.
    #[test]
    fn every_value_is_dropped_once(
        lives in prop::collection::vec((any::<bool>(), 0..3_u8), 1..300),
        nursery in 16..32_u64,
    ) {
        let drops = Rc::new(Cell::new(0));
        let mut heap = Heap::with_config(HeapConfig::new().nursery(Bytes::from_kib(nursery)).verify(true)).unwrap();
        let mut kept = 0;
        heap.enter(|mu| {
            for &(keep, collect) in &lives {
                let value = mu.alloc(Leaf(Counted { drops: Rc::clone(&drops), panics: false }));
                if keep {
                    mu.root(value);
                    kept += 1;
                }
                match collect {
                    1 => _ = mu.collect_minor(),
                    2 => _ = mu.collect_full(),
                    _ => {}
                }
            }
            mu.collect_full();
            assert_eq!(drops.get(), lives.len() as u64 - kept);
        });
        drop(heap);
        prop_assert_eq!(drops.get(), lives.len() as u64);
    }
}

#[test]
fn a_destructor_that_panics_harms_nobody_else() {
    let drops = Rc::new(Cell::new(0));
    let mut heap = Heap::new().unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    heap.enter(|mu| {
        let counted = |panics| Leaf(Counted { drops: Rc::clone(&drops), panics });
        for i in 0..10 {
            mu.alloc(counted(i % 2 == 0));
        }
        let kept = mu.alloc(counted(false));
        let kept = mu.root(kept);
        mu.collect_minor();
        assert_eq!(drops.get(), 10);
        assert!(!kept.get(mu).panics);
        // The same in the old space.
        let old = mu.alloc(counted(true));
        let old = mu.root(old);
        mu.collect_minor();
        let other = kept.get(mu);
        old.set(mu, other);
        mu.collect_full();
        assert_eq!(drops.get(), 11);
    });
    std::panic::set_hook(hook);
    assert_eq!((heap.handle_stats().values_dropped, heap.handle_stats().drop_panics), (11, 6));
    heap.check().unwrap();
}

#[test]
fn a_value_with_references_and_a_string_drops_the_string() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let first = mu.alloc_local(|_| Named { name: "first".repeat(100), next: None });
        for i in 0..100 {
            let next = mu.alloc(Named { name: format!("node {i}"), next: Some(first.get(mu)) });
            first.set(mu, next);
            if i % 10 == 0 {
                mu.collect_minor();
            }
        }
        let names = std::iter::successors(Some(first.get(mu)), |node| node.next).map(|node| node.name.len());
        assert_eq!(names.sum::<usize>(), 500 + 10 * 6 + 90 * 7);
    });
    heap.collect_full();
    assert_eq!(heap.handle_stats().values_dropped, 101);
}

#[test]
fn a_panic_while_a_value_is_made_leaves_the_heap_whole() {
    let mut heap = Heap::new().unwrap();
    for _ in 0..3 {
        let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            heap.enter(|mu| {
                mu.alloc_local(|mu| {
                    let _half = mu.alloc(1_u64);
                    if mu.stats().limit_bytes > 0 {
                        panic!("while the value is made");
                    }
                    2_u64
                });
            });
        }));
        assert!(panicked.is_err());
        heap.check().unwrap();
    }
}

/// Thrown by a destructor, and throws when it is dropped itself.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(Bomb);
    }
}

struct Throws;

impl Drop for Throws {
    fn drop(&mut self) {
        std::panic::panic_any(Bomb);
    }
}

#[test]
fn what_a_destructor_throws_may_throw_again() {
    let mut heap = Heap::with_config(HeapConfig::new().verify(true)).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    heap.enter(|mu| {
        let weak: Vec<_> = (0..20_u64).map(|i| mu.downgrade(mu.alloc(i))).collect();
        mu.alloc(Leaf(Throws));
        let kept = mu.alloc_local(|_| 7_u64);
        let alive = mu.downgrade(kept.get(mu));
        mu.collect_minor();
        assert!(weak.iter().all(|weak| weak.upgrade(mu).is_none()));
        assert_eq!(alive.upgrade(mu).map(|number| *number), Some(7));
    });
    std::panic::set_hook(hook);
    assert_eq!(heap.handle_stats().drop_panics, 1);
    heap.check().unwrap();
}
