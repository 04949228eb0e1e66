//! Handles: scopes, roots, and what they keep alive.

use terrane_gc::{CollectionKind, Heap, HeapConfig, Local, Mutator, Root, RootError};

#[test]
fn a_scope_gives_its_handles_back_even_when_it_unwinds() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let kept = mu.alloc_local(|_| 1_u64);
        for _ in 0..3 {
            let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                mu.scope(|mu| {
                    let inner = mu.alloc_local(|_| 2_u64);
                    assert_eq!(*inner.get(mu), 2);
                    panic!("out of the scope");
                })
            }));
            assert!(panicked.is_err());
        }
        mu.collect_full();
        assert_eq!(*kept.get(mu), 1);
    });
    heap.collect_full();
    assert_eq!(heap.stats().old.bytes_now, 0);
}

#[test]
fn an_object_is_carried_out_of_its_scope() {
    fn sum<'h, 's>(mu: &mut Mutator<'h, 's>, depth: u64) -> Local<'h, 's, u64> {
        mu.scope_local(|mu| {
            if depth == 0 {
                return mu.alloc_local(|_| 1_u64);
            }
            let (left, right) = (sum(mu, depth - 1), sum(mu, depth - 1));
            mu.collect_minor();
            mu.alloc_local(|mu| *left.get(mu) + *right.get(mu))
        })
    }
    Heap::new().unwrap().enter(|mu| {
        let result = sum(mu, 6);
        assert_eq!(*result.get(mu), 64);
    });
}

#[test]
fn a_deep_recursion_keeps_all_its_handles() {
    fn down<'h>(mu: &mut Mutator<'h, '_>, depth: u64) -> u64 {
        mu.scope(|mu| {
            let own = mu.alloc_local(|_| depth);
            if depth.is_multiple_of(100) {
                mu.collect_minor();
            }
            let below = if depth == 0 { 0 } else { down(mu, depth - 1) };
            below + *own.get(mu)
        })
    }
    Heap::new().unwrap().enter(|mu| assert_eq!(down(mu, 2000), 2000 * 2001 / 2));
}

#[test]
fn a_root_keeps_its_object_until_the_last_clone_goes() {
    let mut heap = Heap::new().unwrap();
    let root: Root<u64> = heap.enter(|mu| mu.persist(mu.alloc(7_u64)));
    let (clone, thread) = (root.clone(), std::thread::spawn(move || drop(root)));
    thread.join().unwrap();
    heap.collect_full();
    assert_eq!(heap.enter(|mu| mu.load(&clone).map(|number| *number)), Ok(7));
    drop(clone);
    heap.collect_full();
    assert_eq!((heap.stats().old.bytes_now, heap.handle_stats().roots), (0, 0));
}

#[test]
fn roots_are_reused_and_keep_apart() {
    let mut heap = Heap::new().unwrap();
    let mut roots: Vec<Root<u64>> = Vec::new();
    for round in 0..50_u64 {
        heap.enter(|mu| roots.extend((0..20).map(|i| mu.persist(mu.alloc(round * 20 + i)))));
        roots.retain(|root| heap.enter(|mu| *mu.load(root).unwrap() % 3 == 0));
        heap.collect_minor();
    }
    heap.collect_full();
    assert_eq!(heap.handle_stats().roots, roots.len());
    let found: Vec<u64> = roots.iter().map(|root| heap.enter(|mu| *mu.load(root).unwrap())).collect();
    assert_eq!(found, (0..1000).filter(|i| i % 3 == 0).collect::<Vec<u64>>());
}

#[test]
fn a_root_of_another_heap_is_an_error() {
    let mut heap = Heap::new().unwrap();
    let root: Root<u64> = heap.enter(|mu| mu.persist(mu.alloc(7_u64)));
    let mut other = Heap::new().unwrap();
    other.enter(|mu| assert_eq!(mu.load(&root).unwrap_err(), RootError::OtherHeap));
    drop(heap);
    other.enter(|mu| assert_eq!(mu.load(&root).unwrap_err(), RootError::OtherHeap));
}

#[test]
fn pinned_objects_stay_and_others_move() {
    let mut heap = Heap::with_config(HeapConfig::new().verify(true)).unwrap();
    let (pinned, address) = heap.enter(|mu| {
        let objects: Vec<_> = (0..100_u64).map(|i| mu.alloc_local(|_| i)).collect();
        let pinned: Vec<_> = objects.iter().step_by(3).map(|object| mu.pin(*object).unwrap()).collect();
        assert_eq!(mu.stats().collections_of(CollectionKind::Minor).count, 1, "one collection moves all");
        let address = pinned[7].as_ptr().as_ptr().addr();
        assert_eq!(objects[21].get(mu).address(), address);
        (pinned, address)
    });
    for _ in 0..3 {
        heap.collect_full();
    }
    heap.enter(|mu| {
        for (i, pinned) in pinned.iter().enumerate() {
            assert_eq!(*mu.load_pinned(pinned).unwrap(), i as u64 * 3);
        }
        assert_eq!(mu.load_pinned(&pinned[7]).unwrap().address(), address);
    });
    assert_eq!((heap.stats().old.bytes_now, heap.handle_stats().pins), (34 * 16, 34));
    drop(pinned);
    heap.collect_full();
    assert_eq!((heap.stats().old.bytes_now, heap.handle_stats().pins), (0, 0));
}

#[test]
fn a_pinned_object_of_another_heap_is_an_error() {
    let (mut heap, mut other) = (Heap::new().unwrap(), Heap::new().unwrap());
    let pinned = heap.enter(|mu| {
        let number = mu.alloc_local(|_| 1_u64);
        mu.pin(number).unwrap()
    });
    assert_eq!(other.enter(|mu| mu.load_pinned(&pinned).map(|_| ())), Err(RootError::OtherHeap));
}

#[test]
fn one_full_collection_frees_what_dropped_roots_held() {
    let marked = [None, Some(0), Some(1), Some(2), Some(10), Some(1000)];
    let cases = marked.into_iter().flat_map(|marked| [(false, marked), (true, marked)]);
    for (old, marked) in cases {
        let mut heap = Heap::with_config(HeapConfig::new().verify(true)).unwrap();
        let (kept, root, weak) = heap.enter(|mu| {
            let (kept, dropped) = (mu.alloc(1_u64), mu.alloc(2_u64));
            (mu.persist(kept), mu.persist(dropped), mu.downgrade(dropped))
        });
        if old {
            heap.collect_minor();
        }
        heap.enter(|mu| {
            if let Some(units) = marked {
                mu.begin_full();
                mu.step_units(units);
            }
            drop(root);
            mu.collect_full();
            assert!(weak.upgrade(mu).is_none(), "old {old}, marked {marked:?}");
            assert_eq!(mu.load(&kept).map(|number| *number), Ok(1));
        });
        assert_eq!((heap.stats().old.bytes_now, heap.handle_stats().roots), (16, 1), "old {old}, {marked:?}");
    }
}
