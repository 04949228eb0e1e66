//! Sizes that cannot be, limits that are reached, pages that are refused.

use std::sync::Arc;

use terrane_base::{Bytes, MemoryError};
use terrane_gc::{Gc, GcField, GcVec, Heap, HeapConfig, Trace};
use terrane_pages::{FaultyPages, PageSource, system_pages};

#[derive(Trace)]
struct Node<'h, 'm> {
    padding: [u64; 6],
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

#[test]
fn absurd_sizes_are_errors() {
    let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(16))).unwrap();
    heap.enter(|mu| {
        for len in [usize::MAX, usize::MAX / 8, isize::MAX as usize, 1 << 40, 3 << 20] {
            assert!(matches!(
                mu.try_alloc_array(len, 0_u64).unwrap_err(),
                MemoryError::OutOfMemory { .. } | MemoryError::AllocationTooLarge { .. }
            ));
            assert!(mu.try_alloc_array_local(len, |_| 0_u64).is_err());
        }
        // Elements without a size: any number fits.
        assert_eq!(mu.alloc_array(usize::MAX, ()).len(), usize::MAX);
        assert!(mu.alloc_array(0, 0_u64).is_empty() && mu.alloc_str("").is_empty());
    });
    heap.check().unwrap();
}

#[test]
fn a_full_heap_says_so_and_can_be_used_on() {
    let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(8)).verify(true)).unwrap();
    heap.enter(|mu| {
        for _ in 0..3 {
            let mut lists = 0;
            mu.scope(|mu| {
                let list = mu.alloc_local(|_| Node { padding: [0; 6], next: GcField::null() });
                let error = loop {
                    let longer = mu.scope(|mu| {
                        let node =
                            mu.try_alloc_local(|mu| Node { padding: [0; 6], next: list.get(mu).into() })?;
                        list.set(mu, node.get(mu));
                        Ok(())
                    });
                    match longer {
                        Ok(()) => lists += 1,
                        Err(error) => break error,
                    }
                };
                assert!(
                    matches!(error, MemoryError::OutOfMemory { requested, .. } if requested == Bytes::new(64))
                );
                // Without a collection it is the same.
                let mut rest = 0..10_000;
                assert!(rest.any(|_| mu.try_alloc(Node { padding: [0; 6], next: GcField::null() }).is_err()));
            });
            // At least half of the limit went to objects.
            assert!(lists * 64 > 4 << 20, "{lists}");
        }
        let small = mu.alloc_local(|_| 1_u8);
        assert_eq!(*small.get(mu), 1);
    });
}

/// A program that keeps some of what it allocates; answers what it has kept, or where memory ended.
fn program(heap: &mut Heap) -> Result<u64, MemoryError> {
    heap.enter(|mu| {
        let kept = mu.try_alloc_local(|_| GcVec::<Gc<u64>>::new())?;
        for i in 0..20_000_u64 {
            mu.scope(|mu| {
                let number = mu.try_alloc_local(|_| i)?;
                if i % 8 == 0 {
                    kept.get(mu).try_push(mu, number.get(mu))?;
                }
                mu.try_alloc_array(i as usize % 50, i)?;
                mu.safepoint();
                Ok(())
            })?;
        }
        Ok(kept.get(mu).iter().map(|number| *number).sum())
    })
}

#[test]
fn every_page_request_may_fail() {
    let config = |pages: Arc<dyn PageSource>| HeapConfig::new().nursery(Bytes::from_kib(64)).pages(pages);
    let counting = Arc::new(FaultyPages::new(system_pages()));
    let expected = program(&mut Heap::with_config(config(counting.clone())).unwrap()).unwrap();
    let requests = counting.requests();
    assert!(requests > 5, "{requests}");
    for failing in 1..=requests {
        let pages = Arc::new(FaultyPages::new(system_pages()));
        pages.fail_from(failing);
        let Ok(mut heap) = Heap::with_config(config(pages.clone())) else { continue };
        match program(&mut heap) {
            Ok(sum) => assert_eq!(sum, expected),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        heap.check().unwrap();
        pages.fail_none();
        heap.collect_full();
        assert_eq!(program(&mut heap), Ok(expected));
    }
}

#[test]
fn large_garbage_is_collected_before_an_allocation_fails() {
    let config = HeapConfig::new().limit(Bytes::from_mib(16)).verify(true);
    Heap::with_config(config).unwrap().enter(|mu| {
        for _ in 0..1000 {
            mu.scope(|mu| assert!(mu.try_alloc_array_local(256 << 10, |_| 0_u8).is_ok()));
        }
    });
}

#[test]
fn absurd_charges_are_errors_of_later_allocations() {
    let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(16))).unwrap();
    heap.enter(|mu| {
        (0..4).for_each(|_| mu.charge(Bytes::new(u64::MAX)));
        mu.collect_minor();
        mu.collect_full();
        assert!(mu.try_alloc_array_local(100_000, |_| 0_u64).is_err());
        (0..4).for_each(|_| mu.discharge(Bytes::new(u64::MAX)));
        assert!(mu.try_alloc_array_local(100_000, |_| 0_u64).is_ok());
    });
    heap.check().unwrap();
}

#[test]
fn a_cell_that_changes_for_ever_needs_no_memory() {
    let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(16))).unwrap();
    heap.enter(|mu| {
        let stack = mu.alloc_local(|_| GcVec::<Gc<u64>>::new());
        stack.get(mu).push(mu, mu.alloc(0));
        mu.collect_minor();
        let value = mu.alloc_local(|_| 7_u64);
        for _ in 0..300_000 {
            stack.get(mu).push(mu, value.get(mu));
            stack.get(mu).pop(mu);
            mu.safepoint();
        }
    });
    assert!(heap.handle_stats().table_bytes < Bytes::from_mib(2), "{}", heap.handle_stats());
}

#[test]
fn roots_that_were_dropped_make_room_for_others() {
    let mut heap = Heap::with_config(HeapConfig::new().limit(Bytes::from_mib(16))).unwrap();
    let mut kept = std::collections::VecDeque::new();
    for number in 0..100_000_u64 {
        kept.push_back(heap.enter(|mu| mu.persist(mu.alloc(number))));
        if kept.len() > 5 {
            kept.pop_front();
        }
        assert!(heap.handle_stats().roots < 50, "after {number} roots: {}", heap.handle_stats());
    }
    let numbers = kept.iter().map(|root| heap.enter(|mu| *mu.load(root).unwrap()));
    assert!(numbers.eq(99_995..100_000));
}

#[test]
fn queues_that_were_dropped_make_room_for_others() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let kept = terrane_gc::FinalizerQueue::<u64>::new(mu);
        kept.watch(mu, mu.alloc(1_u64));
        for _ in 0..1000 {
            let queue = terrane_gc::FinalizerQueue::<u32>::new(mu);
            queue.watch(mu, mu.alloc(2_u32));
            mu.collect_minor();
            assert_eq!(queue.pop(mu).map(|number| *number), Some(2));
        }
        assert_eq!(kept.pop(mu).map(|number| *number), Some(1));
    });
}

#[test]
fn large_garbage_is_collected_at_safepoints() {
    let config = HeapConfig::new().limit(Bytes::from_mib(64)).verify(true);
    Heap::with_config(config).unwrap().enter(|mu| {
        for _ in 0..4000 {
            mu.try_alloc_array(64 << 10, 0_u8).unwrap();
            mu.safepoint();
        }
    });
}

#[test]
fn after_an_error_a_safepoint_makes_room() {
    let config = HeapConfig::new().limit(Bytes::from_mib(16)).verify(true);
    Heap::with_config(config).unwrap().enter(|mu| {
        for _ in 0..3 {
            let mut allocations = 0..1_000_000;
            assert!(allocations.any(|_| mu.try_alloc([0_u64; 100]).is_err()));
            assert!(mu.gc_due());
            mu.safepoint();
            assert!(mu.try_alloc([0_u64; 100]).is_ok());
        }
    });
}
