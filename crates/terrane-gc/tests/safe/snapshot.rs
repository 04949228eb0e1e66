//! Full collections in slices: what the program does between two of them hides nothing.
//!
//! Each case keeps an object only in a place that the snapshot comes to late, and takes it from there before it does.

use terrane_base::Bytes;
use terrane_gc::{FinalizerQueue, GcField, Heap, HeapConfig, Local, Mutator, Root, Trace, WeakMap};

#[derive(Trace)]
struct Node<'h, 'm> {
    id: u64,
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

type NodeStatic = Node<'static, 'static>;
type NodeLocal<'h, 's> = Local<'h, 's, NodeStatic>;

/// Runs a program in a heap with enough in it that a full collection takes many slices.
fn in_a_heap_of_slices(program: impl for<'h, 's> FnOnce(&mut Mutator<'h, 's>)) {
    let mut heap = Heap::with_config(HeapConfig::new().nursery(Bytes::from_kib(64)).verify(true)).unwrap();
    heap.enter(|mu| {
        let list = node(mu, 0);
        for id in 1..5000 {
            let node = mu.alloc(Node { id, next: list.get(mu).into() });
            list.set(mu, node);
            mu.safepoint();
        }
        program(mu);
    });
    heap.collect_full();
    heap.check().unwrap();
}

fn node<'h, 's>(mu: &mut Mutator<'h, 's>, id: u64) -> NodeLocal<'h, 's> {
    mu.alloc_local(|_| Node { id, next: GcField::null() })
}

/// Slices until the cycle is over.
fn finish(mu: &mut Mutator<'_, '_>) {
    while mu.step_units(1000) {}
}

#[test]
fn a_field_that_is_cleared_after_it_was_read() {
    in_a_heap_of_slices(|mu| {
        let parent = node(mu, 1);
        let child = mu.alloc(Node { id: 2, next: GcField::null() });
        parent.get(mu).next.set(mu, Some(child));
        mu.begin_full();
        let taken = parent.get(mu).next.get().unwrap();
        let taken = mu.root(taken);
        parent.get(mu).next.set(mu, None);
        finish(mu);
        assert_eq!(taken.get(mu).id, 2);
    });
}

#[test]
fn handles_below_that_end_or_change_before_they_are_delivered() {
    in_a_heap_of_slices(|mu| {
        let target = node(mu, 1);
        let (changed, kept) = (node(mu, 2), node(mu, 3));
        mu.scope(|mu| {
            let lost = node(mu, 4);
            // So deep that the handles above it are all that the first part delivers.
            mu.scope(|mu| {
                (0..3000).for_each(|id| _ = node(mu, 10 + id));
                mu.begin_full();
            });
            let (lost, changed_to) = (lost.get(mu), changed.get(mu));
            target.get(mu).next.set(mu, Some(lost));
            lost.next.set(mu, Some(changed_to));
        });
        let other = kept.get(mu);
        changed.set(mu, other);
        finish(mu);
        mu.collect_minor();
        let lost = target.get(mu).next.get().unwrap();
        assert_eq!((lost.id, lost.next.get().unwrap().id, changed.get(mu).id), (4, 2, 3));
    });
}

#[test]
fn roots_that_are_dropped_before_they_are_delivered() {
    in_a_heap_of_slices(|mu| {
        let roots: Vec<Root<NodeStatic>> =
            (0..100).map(|id| mu.persist(mu.alloc(Node { id, next: GcField::null() }))).collect();
        let target = node(mu, 1);
        mu.begin_full();
        let loaded = mu.load(&roots[7]).unwrap();
        target.get(mu).next.set(mu, Some(loaded));
        drop(roots);
        finish(mu);
        assert_eq!(target.get(mu).next.get().unwrap().id, 7);
    });
}

#[test]
fn objects_that_leave_a_queue_and_weak_things_that_are_read() {
    in_a_heap_of_slices(|mu| {
        let queue = FinalizerQueue::<NodeStatic>::new(mu);
        let map = WeakMap::<NodeStatic, NodeStatic>::new(mu);
        let target = node(mu, 1);
        let weak = mu.scope(|mu| {
            let (key, value) = (node(mu, 2), node(mu, 3));
            map.insert(mu, key.get(mu), value.get(mu));
            queue.watch(mu, mu.alloc(Node { id: 4, next: GcField::null() }));
            mu.collect_minor();
            mu.downgrade(key.get(mu))
        });
        assert_eq!(queue.len(mu), 1);
        mu.begin_full();
        let (queued, key) = (queue.pop(mu).unwrap(), weak.upgrade(mu).unwrap());
        target.get(mu).next.set(mu, Some(queued));
        queued.next.set(mu, map.get(mu, key));
        let key = mu.root(key);
        finish(mu);
        let queued = target.get(mu).next.get().unwrap();
        assert_eq!((queued.id, queued.next.get().unwrap().id, key.get(mu).id), (4, 3, 2));
    });
}
