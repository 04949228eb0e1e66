//! A short program on pages of the global allocator, for interpreters that know no system calls (Miri).

use std::sync::Arc;

use terrane_base::Bytes;
use terrane_gc::{
    FinalizerQueue, Gc, GcDyn, GcField, GcMap, GcString, GcVec, Heap, HeapConfig, Leaf, Trace, WeakMap,
};
use terrane_pages::HeapPages;

#[derive(Trace)]
struct Node<'h, 'm> {
    value: u64,
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

#[test]
fn a_short_program() {
    let config = HeapConfig::new()
        .pages(Arc::new(HeapPages::new()))
        .limit(Bytes::from_mib(8))
        .nursery(Bytes::from_kib(16))
        .verify(true);
    let mut heap = Heap::with_config(config).unwrap();
    let root = heap.enter(|mu| {
        let map = WeakMap::<Node<'static, 'static>, u64>::new(mu);
        let queue = FinalizerQueue::<Node<'static, 'static>>::new(mu);
        let list = mu.alloc_local(|_| Node { value: 0, next: GcField::null() });
        for value in 1..=40 {
            let node = mu.alloc(Node { value, next: list.get(mu).into() });
            map.insert(mu, node, mu.alloc(value * 2));
            queue.watch(mu, node);
            if value % 3 != 0 {
                list.set(mu, node);
            }
            if value % 10 == 0 {
                mu.collect_minor();
            }
            if value == 25 {
                mu.collect_full();
            }
            mu.safepoint();
        }
        let vec = mu.alloc_local(|_| GcVec::<GcDyn<dyn std::fmt::Debug>>::new());
        let names = mu.alloc_local(|_| GcMap::<GcString, Gc<Leaf<String>>>::new());
        for i in 0..20 {
            vec.get(mu).push(mu, GcDyn::new(mu.alloc(i), |number| number));
            let text = mu.alloc(Leaf(format!("value {i}")));
            names.get(mu).insert(mu, mu.alloc_str(&format!("name {i}")), text);
        }
        let pinned = mu.pin(list).unwrap();
        mu.collect_full();
        assert_eq!(mu.load_pinned(&pinned).unwrap().value, 40);
        assert_eq!(format!("{:?}", &*vec.get(mu).get(7).unwrap()), "7");
        assert_eq!(names.get(mu).get(mu, &mu.alloc_str("name 3")).unwrap().0, "value 3");
        assert_eq!(queue.len(mu), 13);
        assert_eq!(map.get(mu, list.get(mu)).map(|value| *value), Some(80));
        let sum =
            std::iter::successors(Some(list.get(mu)), |node| node.next.get()).map(|node| node.value).sum();
        let expected: u64 = (1..=40).filter(|value| value % 3 != 0).sum();
        assert_eq!(expected, sum);
        mu.persist(list.get(mu))
    });
    heap.enter(|mu| {
        // More than the nursery holds: some are born old, and all have destructors.
        for i in 0..900 {
            mu.alloc(Leaf(i.to_string()));
        }
    });
    heap.collect_full();
    assert_eq!(heap.enter(|mu| mu.load(&root).unwrap().value), 40);
    heap.check().unwrap();
}
