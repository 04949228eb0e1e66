//! Whatever refers to an object finds it when it was moved in idle time.

use std::collections::HashMap;

use terrane_base::Bytes;
use terrane_gc::raw::Pretenuring;
use terrane_gc::{
    Array, FinalizerQueue, Gc, GcArray, GcCell, GcField, Heap, HeapConfig, InternTable, Local, Mutator, Root,
    Trace, Weak, WeakMap,
};

#[derive(Trace)]
struct Node<'h, 'm> {
    number: u64,
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

type NodeStatic = Node<'static, 'static>;

/// A cell whose words are references or not, by what it holds.
#[derive(Clone, Copy, Trace)]
enum Shape<'h, 'm> {
    Number(u64, u64),
    Node(u64, Gc<'h, 'm, Node<'h, 'm>>),
    Other(Gc<'h, 'm, Node<'h, 'm>>, u64),
}

#[derive(Trace)]
struct Holder<'h, 'm> {
    shape: GcCell<Shape<'h, 'm>>,
}

type HolderStatic = Holder<'static, 'static>;

/// Lists, of which every third is kept.
const LISTS: usize = 9000;
const LIST_LEN: u64 = 160;

fn list<'h, 'm>(mu: &'m Mutator<'h, '_>, number: u64) -> Gc<'h, 'm, Node<'h, 'm>> {
    let mut list = mu.alloc(Node { number, next: GcField::null() });
    for _ in 1..LIST_LEN {
        list = mu.alloc(Node { number, next: GcField::new(Some(list)) });
    }
    list
}

fn check<'h, 'm>(list: Gc<'h, 'm, Node<'h, 'm>>, number: u64) {
    let (mut node, mut len) = (Some(list), 0);
    while let Some(this) = node {
        assert_eq!(this.number, number);
        (node, len) = (this.next.get(), len + 1);
    }
    assert_eq!(len, LIST_LEN, "of list {number}");
}

fn rest(mu: &mut Mutator<'_, '_>) {
    while mu.step(200_000) {}
}

/// What a test keeps of its lists, by their numbers.
struct Kept {
    map: WeakMap<NodeStatic, NodeStatic>,
    queue: FinalizerQueue<NodeStatic>,
    names: InternTable,
    weak: Vec<Weak<NodeStatic>>,
    roots: Vec<(u64, Root<NodeStatic>)>,
    identities: Vec<(u64, u64)>,
}

type Lists<'h, 's> = Local<'h, 's, Array<Option<Gc<'static, 'static, NodeStatic>>>>;
type Holders<'h, 's> = Local<'h, 's, Array<Option<Gc<'static, 'static, HolderStatic>>>>;

fn fill<'h>(mu: &mut Mutator<'h, '_>, lists: Lists<'h, '_>, holders: Holders<'h, '_>, kept: &mut Kept) {
    for number in 0..LISTS as u64 {
        mu.safepoint();
        let list = list(mu, number);
        let index = number as usize;
        kept.weak.push(mu.downgrade(list));
        kept.map.insert(mu, list, list.next.get().unwrap());
        kept.identities.push((mu.identity(list), number));
        let shape = match number % 9 {
            0 => Shape::Node(number, list),
            3 => Shape::Other(list, number),
            _ => Shape::Number(number, list.number),
        };
        lists.get(mu)[index].set(mu, Some(list));
        holders.get(mu)[index].set(mu, Some(mu.alloc(Holder { shape: GcCell::new(shape) })));
        if number % 15 == 0 {
            kept.roots.push((number, mu.persist(list)));
        }
        if number % 7 == 0 {
            kept.queue.watch(mu, list);
        }
        _ = kept.names.intern(mu, &format!("list {number}"));
    }
}

fn check_all<'h>(mu: &mut Mutator<'h, '_>, lists: Lists<'h, '_>, holders: Holders<'h, '_>, kept: &Kept) {
    for number in (0..LISTS as u64).step_by(3) {
        let index = number as usize;
        let list = lists.get(mu)[index].get().unwrap();
        check(list, number);
        assert!(Gc::same(kept.weak[index].upgrade(mu).unwrap(), list));
        assert!(Gc::same(kept.map.get(mu, list).unwrap(), list.next.get().unwrap()));
        assert_eq!(mu.identity(list), kept.identities[index].0);
        let held = match holders.get(mu)[index].get().unwrap().shape.get() {
            Shape::Node(tag, held) | Shape::Other(held, tag) => {
                assert!(Gc::same(held, list));
                tag
            }
            Shape::Number(tag, _) => tag,
        };
        assert_eq!(held, number);
    }
    for (number, root) in kept.roots.iter().filter(|(number, _)| number % 3 == 0) {
        let list = mu.load(root).unwrap();
        assert!(Gc::same(list, lists.get(mu)[*number as usize].get().unwrap()));
    }
}

fn no_lists<'h, 'm>(mu: &'m Mutator<'h, '_>) -> GcArray<'h, 'm, Option<Gc<'h, 'm, Node<'h, 'm>>>> {
    mu.alloc_array(LISTS, None)
}

fn no_holders<'h, 'm>(mu: &'m Mutator<'h, '_>) -> GcArray<'h, 'm, Option<Gc<'h, 'm, Holder<'h, 'm>>>> {
    mu.alloc_array(LISTS, None)
}

fn in_a_thinned_heap(
    program: impl for<'h, 's> FnOnce(&mut Mutator<'h, 's>, Lists<'h, 's>, Holders<'h, 's>, &mut Kept),
) {
    // Births in the old space would end the moving.
    let config = HeapConfig::new().limit(Bytes::from_mib(512)).pretenuring(Pretenuring::Off);
    let mut heap = Heap::with_config(config).unwrap();
    heap.enter(|mu| {
        let lists = mu.root(no_lists(mu));
        let holders = mu.root(no_holders(mu));
        let mut kept = Kept {
            map: WeakMap::new(mu),
            queue: FinalizerQueue::new(mu),
            names: InternTable::new(),
            weak: Vec::new(),
            roots: Vec::new(),
            identities: Vec::new(),
        };
        fill(mu, lists, holders, &mut kept);
        mu.collect_full();
        kept.roots.retain(|(number, _)| number % 3 == 0);
        for index in (0..LISTS).filter(|index| index % 3 != 0) {
            lists.get(mu)[index].set(mu, None);
            if index % 3 == 2 {
                holders.get(mu)[index].set(mu, None);
            }
        }
        program(mu, lists, holders, &mut kept);
        check_all(mu, lists, holders, &kept);
        // What has died has gone to the queue, whole, and from all the rest.
        let mut finalized = 0;
        while let Some(list) = kept.queue.pop(mu) {
            assert!(list.number % 7 == 0 && list.number % 3 != 0);
            check(list, list.number);
            finalized += 1;
        }
        let expected = (0..LISTS).filter(|number| number % 7 == 0 && number % 3 != 0).count();
        assert_eq!(finalized, expected);
        mu.collect_full();
        check_all(mu, lists, holders, &kept);
    });
    heap.check().unwrap();
}

#[test]
fn all_kinds_of_references_follow_what_is_moved() {
    in_a_thinned_heap(|mu, _, _, _| {
        let before = mu.stats();
        rest(mu);
        let after = mu.stats();
        assert!(after.bytes_defragmented > 1 << 20, "{after:?}");
        assert!(after.committed_bytes < before.committed_bytes / 6 * 5, "{before:?} {after:?}");
    });
}

/// References wander between old objects, and cells of other shapes, while objects are being moved.
#[test]
fn what_is_stored_between_two_steps_is_found() {
    for ns in [20_000, 150_000] {
        in_a_thinned_heap(|mu, lists, holders, kept| {
            let (mut at, mut stored) = (0, HashMap::new());
            while mu.step(ns) {
                at = (at + 2001) % LISTS / 3 * 3;
                let list = lists.get(mu)[at].get().unwrap();
                let holder = holders.get(mu)[at].get().unwrap();
                let number = list.number;
                // Far from the list, into one that held a number.
                let other = (at + 3001) % LISTS;
                holders.get(mu)[other].get().unwrap().shape.set(mu, Shape::Node(number, list));
                stored.insert(other, at);
                if at % 2 == 1 {
                    continue;
                }
                // A number where a reference was, then the reference at another place.
                holder.shape.set(mu, Shape::Number(number, number));
                holder.shape.set(
                    mu,
                    if at % 2 == 0 { Shape::Node(number, list) } else { Shape::Other(list, number) },
                );
                if at % 16 == 8 {
                    kept.map.insert(mu, list, list.next.get().unwrap());
                }
                if at % 256 == 0 {
                    lists.get(mu)[at].set(mu, None);
                    let young = mu.alloc(Holder { shape: GcCell::new(Shape::Node(0, list)) });
                    let Shape::Node(_, list) = young.shape.get() else { unreachable!() };
                    lists.get(mu)[at].set(mu, Some(list));
                    holders.get(mu)[(at + 1) % LISTS].set(mu, Some(young));
                }
                if at % 5 == 0 {
                    kept.roots.push((number, mu.persist(list)));
                }
            }
            assert!(mu.stats().bytes_defragmented > 1 << 18, "{ns}");
            for (other, at) in stored {
                let held = holders.get(mu)[other].get().unwrap().shape.get();
                let Shape::Node(_, held) = held else { panic!("a number") };
                assert!(Gc::same(held, lists.get(mu)[at].get().unwrap()), "{other} holds {at}");
            }
        });
    }
}

/// A pinned object stays, also when it was pinned in the midst of the moving.
#[test]
fn what_is_pinned_stays_where_it_is() {
    in_a_thinned_heap(|mu, lists, _, _| {
        let (mut pinned, mut at) = (Vec::new(), 0);
        while mu.step(50_000) {
            at = (at + 2001) % LISTS / 3 * 3;
            if pinned.len() < 300 {
                let list = mu.root(lists.get(mu)[at].get().unwrap());
                let pin = mu.pin(list).unwrap();
                pinned.push((pin.as_ptr(), pin, at));
            }
        }
        for (address, pin, at) in &pinned {
            assert_eq!(pin.as_ptr(), *address);
            let list = lists.get(mu)[*at].get().unwrap();
            assert!(Gc::same(mu.load_pinned(pin).unwrap(), list));
            assert_eq!(list.number, *at as u64);
        }
    });
}
