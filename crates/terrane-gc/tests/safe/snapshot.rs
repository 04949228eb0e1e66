//! Full collections in slices: what the program does between two of them hides nothing.
//!
//! Each case keeps an object only in a place that the snapshot comes to late, and takes it from there before it does, to an
//! object that was born since: that is never scanned.

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
        let (changed, other) = (node(mu, 2), node(mu, 3));
        let holder = mu.scope_local(|mu| {
            let lost = node(mu, 4);
            // So deep that the handles above it are all that the first part delivers.
            mu.scope(|mu| {
                (0..3000).for_each(|id| _ = node(mu, 10 + id));
                mu.begin_full();
            });
            let holder = node(mu, 1);
            holder.get(mu).next.set(mu, Some(lost.get(mu)));
            holder
        });
        let second = node(mu, 5);
        second.get(mu).next.set(mu, Some(changed.get(mu)));
        changed.set(mu, other.get(mu));
        finish(mu);
        mu.collect_minor();
        let ids = [holder, second].map(|holder| holder.get(mu).next.get().map(|node| node.id));
        assert_eq!(ids, [Some(4), Some(2)]);
    });
}

#[test]
fn roots_that_are_dropped_before_they_are_delivered() {
    in_a_heap_of_slices(|mu| {
        let mut roots: Vec<Root<NodeStatic>> =
            (0..100).map(|id| mu.persist(mu.alloc(Node { id, next: GcField::null() }))).collect();
        mu.begin_full();
        let holder = node(mu, 1);
        holder.get(mu).next.set(mu, mu.load(&roots[7]).ok());
        roots.clear();
        // So many that the table looks for places to use again.
        roots.extend((0..200).map(|id| mu.persist(mu.alloc(Node { id, next: GcField::null() }))));
        finish(mu);
        mu.collect_minor();
        assert_eq!(holder.get(mu).next.get().unwrap().id, 7);
    });
}

#[test]
fn objects_that_leave_a_queue_before_they_are_delivered() {
    in_a_heap_of_slices(|mu| {
        let queue = FinalizerQueue::<NodeStatic>::new(mu);
        queue.watch(mu, mu.alloc(Node { id: 4, next: GcField::null() }));
        mu.collect_minor();
        mu.begin_full();
        let holder = node(mu, 1);
        holder.get(mu).next.set(mu, queue.pop(mu));
        finish(mu);
        mu.collect_minor();
        assert_eq!(holder.get(mu).next.get().unwrap().id, 4);
    });
}

#[test]
fn what_was_only_weakly_held_is_read_during_the_marking() {
    in_a_heap_of_slices(|mu| {
        let map = WeakMap::<NodeStatic, NodeStatic>::new(mu);
        let weak = mu.scope(|mu| {
            let (key, value) = (node(mu, 2), node(mu, 3));
            map.insert(mu, key.get(mu), value.get(mu));
            mu.collect_minor();
            mu.downgrade(key.get(mu))
        });
        mu.begin_full();
        let (holder, second) = (node(mu, 1), node(mu, 5));
        let key = weak.upgrade(mu).unwrap();
        holder.get(mu).next.set(mu, Some(key));
        second.get(mu).next.set(mu, map.get(mu, key));
        map.remove(mu, key);
        finish(mu);
        mu.collect_minor();
        let ids = [holder, second].map(|holder| holder.get(mu).next.get().map(|node| node.id));
        assert_eq!(ids, [Some(2), Some(3)]);
    });
}

#[test]
fn a_side_block_is_used_again_while_the_dead_are_still_there() {
    in_a_heap_of_slices(|mu| {
        mu.scope(|mu| {
            let dead: Vec<_> = (0..300).map(|id| node(mu, id)).collect();
            dead.iter().for_each(|node| _ = mu.downgrade(node.get(mu)));
        });
        mu.begin_full();
        let mut blocks = Vec::new();
        while mu.step_units(50) {
            // Blocks of the dead go to objects of another shape, while the verifier looks at all that is there.
            let array = mu.alloc_array(40, 0_u64);
            blocks.push((mu.root(array), mu.downgrade(array)));
            mu.collect_minor();
        }
        assert!(
            blocks
                .iter()
                .all(|(array, weak)| weak.upgrade(mu).is_some_and(|found| found.same(array.get(mu))))
        );
    });
}

#[test]
fn a_queue_that_is_dropped_and_replaced_before_it_is_delivered() {
    in_a_heap_of_slices(|mu| {
        let queue = FinalizerQueue::<NodeStatic>::new(mu);
        (0..10).for_each(|id| queue.watch(mu, mu.alloc(Node { id, next: GcField::null() })));
        mu.collect_minor();
        assert_eq!(queue.len(mu), 10);
        mu.begin_full();
        drop(queue);
        // Another one does not take its place while the snapshot has not come to what is in it.
        let other = FinalizerQueue::<NodeStatic>::new(mu);
        finish(mu);
        mu.collect_full();
        assert!(other.is_empty(mu));
        let before = mu.stats().old.bytes_now;
        mu.collect_full();
        assert_eq!(mu.stats().old.bytes_now, before);
    });
}
