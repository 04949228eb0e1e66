//! Weak references, weak maps, finalizers, identities, interned strings.

use std::collections::HashSet;

use terrane_base::Bytes;
use terrane_gc::{FinalizerQueue, GcField, Heap, HeapConfig, InternTable, Trace, Weak, WeakMap};

#[derive(Trace)]
struct Node<'h, 'm> {
    id: u64,
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

type NodeStatic = Node<'static, 'static>;

fn node<'h, 'm>(id: u64) -> Node<'h, 'm> {
    Node { id, next: GcField::null() }
}

#[test]
fn an_ephemeron_whose_value_refers_to_its_key_dies_with_it() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let map = WeakMap::<NodeStatic, NodeStatic>::new(mu);
        let key = mu.alloc_local(|_| node(1));
        let value = mu.alloc(Node { id: 2, next: key.get(mu).into() });
        map.insert(mu, key.get(mu), value);
        mu.collect_full();
        assert_eq!(map.get(mu, key.get(mu)).map(|value| value.id), Some(2));
        let other = mu.alloc(node(3));
        key.set(mu, other);
        mu.collect_full();
        assert_eq!((map.len(mu), mu.stats().old.bytes_now), (0, 24));
    });
}

#[test]
fn a_chain_of_ephemerons_lives_by_its_first_key() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let map = WeakMap::<NodeStatic, NodeStatic>::new(mu);
        let first = mu.alloc_local(|_| node(0));
        let last = mu.alloc_local(|mu| Node { id: 0, next: first.get(mu).into() });
        for id in 1..1000 {
            let key = last.get(mu).next.get().unwrap();
            let value = mu.alloc(node(id));
            map.insert(mu, key, value);
            let holder = mu.alloc(Node { id, next: value.into() });
            last.set(mu, holder);
            if id % 100 == 0 {
                mu.collect_minor();
            }
        }
        let nothing = mu.alloc(node(0));
        last.set(mu, nothing);
        mu.collect_full();
        assert_eq!(map.len(mu), 999);
        let chain = std::iter::successors(Some(first.get(mu)), |key| map.get(mu, *key));
        assert!(chain.map(|node| node.id).eq(0..1000));
    });
}

#[test]
fn a_map_that_was_dropped_lets_its_values_go() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let key = mu.alloc_local(|_| node(1));
        let map = WeakMap::<NodeStatic, NodeStatic>::new(mu);
        let other = WeakMap::<NodeStatic, NodeStatic>::new(mu);
        map.insert(mu, key.get(mu), mu.alloc(node(2)));
        other.insert(mu, key.get(mu), mu.alloc(node(3)));
        drop(map);
        // One collection clears the entry, the next finds its value dead.
        mu.collect_full();
        mu.collect_full();
        assert_eq!(mu.stats().old.bytes_now, 48);
        assert_eq!(other.get(mu, key.get(mu)).map(|value| value.id), Some(3));
        let reused = WeakMap::<NodeStatic, NodeStatic>::new(mu);
        assert!(reused.get(mu, key.get(mu)).is_none());
    });
}

#[test]
fn weak_things_of_another_heap_are_empty_or_refused() {
    let (mut heap, mut other) = (Heap::new().unwrap(), Heap::new().unwrap());
    let (weak, map, queue) = heap.enter(|mu| {
        let object = mu.alloc(node(1));
        mu.root(object);
        (
            mu.downgrade(object),
            WeakMap::<NodeStatic, NodeStatic>::new(mu),
            FinalizerQueue::<NodeStatic>::new(mu),
        )
    });
    other.enter(|mu| {
        let object = mu.alloc(node(1));
        _ = mu.identity(object);
        assert!(weak.upgrade(mu).is_none());
        assert!(map.get(mu, object).is_none() && map.remove(mu, object).is_none() && map.is_empty(mu));
        assert!(queue.pop(mu).is_none() && queue.is_empty(mu));
        let refused = |run: &dyn Fn()| std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).is_err();
        assert!(refused(&|| _ = map.insert(mu, object, object)));
        assert!(refused(&|| queue.watch(mu, object)));
    });
}

#[test]
fn a_finalized_object_is_whole_and_may_live_on() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let queue = FinalizerQueue::<NodeStatic>::new(mu);
        let tail = mu.alloc(node(2));
        queue.watch(mu, mu.alloc(Node { id: 1, next: tail.into() }));
        mu.collect_minor();
        assert_eq!(queue.len(mu), 1);
        mu.collect_full();
        let kept = queue.pop(mu).unwrap();
        let kept = mu.root(kept);
        mu.collect_full();
        assert_eq!((kept.get(mu).id, kept.get(mu).next.get().unwrap().id), (1, 2));
        queue.watch(mu, kept.get(mu));
        let other = mu.alloc(node(3));
        kept.set(mu, other);
        mu.collect_full();
        assert_eq!(queue.pop(mu).unwrap().id, 1);
    });
}

#[test]
fn a_queue_that_was_dropped_keeps_nothing() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let queue = FinalizerQueue::<NodeStatic>::new(mu);
        queue.watch(mu, mu.alloc(node(1)));
        mu.collect_full();
        let watched = mu.alloc_local(|_| node(2));
        queue.watch(mu, watched.get(mu));
        drop(queue);
        let other = mu.alloc(node(3));
        watched.set(mu, other);
        mu.collect_full();
        assert_eq!(mu.stats().old.bytes_now, 24);
    });
}

#[test]
fn identities_are_distinct_and_stay() {
    let mut heap = Heap::new().unwrap();
    heap.enter(|mu| {
        let objects: Vec<_> = (0..500).map(|id| mu.alloc_local(|_| node(id))).collect();
        let before: Vec<u64> = objects.iter().map(|object| mu.identity(object.get(mu))).collect();
        mu.collect_minor();
        mu.collect_full();
        assert!(objects.iter().map(|object| mu.identity(object.get(mu))).eq(before.iter().copied()));
        assert_eq!(before.iter().collect::<HashSet<_>>().len(), 500);
    });
}

#[test]
fn interned_strings_are_one_while_they_live() {
    let mut heap = Heap::new().unwrap();
    let mut table = InternTable::new();
    heap.enter(|mu| {
        let kept: Vec<_> = (0..200).map(|i| mu.root(table.intern(mu, &format!("kept {i}")))).collect();
        for round in 0..20 {
            for i in 0..200 {
                table.intern(mu, &format!("lost {round} {i}"));
            }
            mu.collect_minor();
        }
        mu.collect_full();
        for (i, string) in kept.iter().enumerate() {
            assert!(table.intern(mu, &format!("kept {i}")).same(string.get(mu)));
        }
        assert!(table.lookup(mu, "lost 3 3").is_none());
    });
    assert_eq!(heap.handle_stats().side_blocks, 200);
}

#[test]
fn objects_that_die_together_come_to_the_queue_together() {
    let mut heap = Heap::new().unwrap();
    for old in [false, true] {
        heap.enter(|mu| {
            let queue = FinalizerQueue::<NodeStatic>::new(mu);
            mu.scope(|mu| {
                // A ring, watched in one order and in the other.
                let first = mu.alloc_local(|_| node(0));
                let mut last = first;
                for id in 1..10 {
                    last = mu.alloc_local(|mu| Node { id, next: last.get(mu).into() });
                    queue.watch(mu, last.get(mu));
                }
                let target = last.get(mu);
                first.get(mu).next.set(mu, Some(target));
                queue.watch(mu, first.get(mu));
                if old {
                    mu.collect_minor();
                }
            });
            mu.collect_full();
            assert_eq!(queue.len(mu), 10);
        });
    }
}

/// Watched objects die; after so many units of a collection one of them is read through its weak reference and kept, or it
/// has come to the queue. Whether it was kept.
fn one_is_kept_after(units: usize) -> bool {
    const KEPT: u64 = 41;
    let config = HeapConfig::new().nursery(Bytes::from_kib(16)).young_range(Bytes::from_mib(16));
    let mut heap = Heap::with_config(config.verify(true)).unwrap();
    heap.enter(|mu| {
        let queue = FinalizerQueue::<NodeStatic>::new(mu);
        let mut weak: Vec<Weak<NodeStatic>> = Vec::new();
        mu.scope(|mu| {
            // Each refers to the one before.
            let last = mu.alloc_local(|_| node(0));
            for id in 0..80 {
                let object = mu.alloc(Node { id, next: last.get(mu).into() });
                last.set(mu, object);
                queue.watch(mu, object);
                weak.push(mu.downgrade(object));
            }
            mu.collect_minor();
        });
        mu.begin_full();
        mu.step_units(units);
        let mut queued: Vec<u64> = std::iter::from_fn(|| queue.pop(mu)).map(|object| object.id).collect();
        let kept = weak[KEPT as usize].upgrade(mu).filter(|_| !queued.contains(&KEPT));
        let Some(kept) = kept.map(|object| mu.root(object)) else { return false };
        while mu.step_units(1) {}
        // What came to the queue before may have kept others alive until now.
        mu.collect_full();
        let later: Vec<u64> = std::iter::from_fn(|| queue.pop(mu)).map(|object| object.id).collect();
        assert!(
            later.iter().all(|&id| id > KEPT),
            "after {units} units: held, and came to the queue: {later:?}"
        );
        let reached = std::iter::successors(Some(kept.get(mu)), |object| object.next.get());
        assert!(reached.take(42).map(|object| object.id).eq((0..=KEPT).rev()));
        queued.extend(later);
        queued.sort_unstable();
        let expected = queued.iter().copied().filter(|&id| id <= KEPT).chain(KEPT + 1..80);
        assert!(queued.iter().copied().eq(expected), "after {units} units: {queued:?}");
        true
    })
}

#[test]
fn what_is_read_before_it_came_to_its_queue_does_not_come_to_it() {
    let kept: Vec<bool> = (1..400).map(one_is_kept_after).collect();
    assert!(kept.contains(&true) && kept.contains(&false), "the search for the dying began and ended");
}
