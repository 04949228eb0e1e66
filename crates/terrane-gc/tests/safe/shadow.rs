//! Generated programs, run on a heap and on a model of it: a graph of numbered nodes in a hash map.
//!
//! After every few steps all that the roots reach is compared. Weak references, weak maps and finalizer queues are
//! compared with reachability in the model: what is reachable must be found, and after a full collection what is not must
//! be gone. The heap verifies itself after each collection; stress collects at every n-th allocation.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::num::NonZeroU64;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use terrane_base::{Bytes, MemoryError};
use terrane_gc::raw::Pretenuring;
use terrane_gc::{
    FinalizerQueue, Gc, GcArray, GcCell, GcField, Heap, HeapConfig, Local, Mutator, Trace, Weak, WeakMap,
};

const LINKS: usize = 3;
const ROOTS: usize = 6;

#[derive(Trace, Clone, Copy)]
enum Value<'h, 'm> {
    Nothing,
    Number(u64),
    Node(Gc<'h, 'm, Node<'h, 'm>>),
    Both(Gc<'h, 'm, Node<'h, 'm>>, Gc<'h, 'm, Node<'h, 'm>>),
}

#[derive(Trace)]
struct Node<'h, 'm> {
    id: u64,
    links: [GcField<'h, 'm, Node<'h, 'm>>; LINKS],
    value: GcCell<Value<'h, 'm>>,
    more: GcCell<Option<GcArray<'h, 'm, Option<Gc<'h, 'm, Node<'h, 'm>>>>>>,
}

type NodeGc<'h, 'm> = Gc<'h, 'm, Node<'h, 'm>>;
type NodeStatic = Node<'static, 'static>;

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A new node in a root, linked to two others.
    New {
        root: usize,
        first: usize,
        second: usize,
    },
    Link {
        from: usize,
        link: usize,
        to: usize,
    },
    Unlink {
        from: usize,
        link: usize,
    },
    Follow {
        root: usize,
        link: usize,
    },
    SetNumber {
        root: usize,
    },
    SetNode {
        root: usize,
        to: usize,
    },
    SetBoth {
        root: usize,
        first: usize,
        second: usize,
    },
    /// An array, perhaps a large object, with two elements set.
    Array {
        root: usize,
        len: usize,
        first: usize,
        second: usize,
    },
    /// Arrays that nothing refers to, without a collection in between.
    Garbage {
        arrays: usize,
    },
    Store {
        root: usize,
        index: usize,
        to: usize,
    },
    Watch {
        root: usize,
    },
    MapInsert {
        key: usize,
        value: usize,
    },
    MapRemove {
        key: usize,
    },
    Weaken {
        root: usize,
    },
    Minor,
    Full,
    Safepoint,
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let root = || 0..ROOTS;
    let link = || 0..LINKS;
    prop_oneof![
        6 => (root(), root(), root()).prop_map(|(root, first, second)| Step::New { root, first, second }),
        4 => (root(), link(), root()).prop_map(|(from, link, to)| Step::Link { from, link, to }),
        1 => (root(), link()).prop_map(|(from, link)| Step::Unlink { from, link }),
        3 => (root(), link()).prop_map(|(root, link)| Step::Follow { root, link }),
        1 => root().prop_map(|root| Step::SetNumber { root }),
        2 => (root(), root()).prop_map(|(root, to)| Step::SetNode { root, to }),
        2 => (root(), root(), root()).prop_map(|(root, first, second)| Step::SetBoth { root, first, second }),
        1 => (root(), prop_oneof![9 => 1..9_usize, 9 => 1500..2500_usize, 1 => 20_000..30_000_usize], root(), root())
            .prop_map(|(root, len, first, second)| Step::Array { root, len, first, second }),
        1 => (1..100_usize).prop_map(|arrays| Step::Garbage { arrays }),
        2 => (root(), 0..2500_usize, root()).prop_map(|(root, index, to)| Step::Store { root, index, to }),
        1 => root().prop_map(|root| Step::Watch { root }),
        2 => (root(), root()).prop_map(|(key, value)| Step::MapInsert { key, value }),
        1 => root().prop_map(|key| Step::MapRemove { key }),
        2 => root().prop_map(|root| Step::Weaken { root }),
        1 => Just(Step::Minor),
        1 => Just(Step::Full),
        1 => Just(Step::Safepoint),
    ]
}

/// A node of the model.
#[derive(Clone, Debug, Default)]
struct Shadow {
    links: [Option<u64>; LINKS],
    number: Option<u64>,
    nodes: Vec<u64>,
    more: Option<Vec<Option<u64>>>,
}

#[derive(Default)]
struct Model {
    nodes: HashMap<u64, Shadow>,
    roots: Vec<u64>,
    map: HashMap<u64, u64>,
    /// Watched, and not in the queue yet.
    watched: HashSet<u64>,
}

impl Model {
    /// What the roots reach, values in the weak map included. (Finalizable nodes that are dead are left out.)
    fn reachable(&self, extra: &[u64]) -> HashSet<u64> {
        let mut seen = HashSet::new();
        let mut pending: Vec<u64> = self.roots.iter().chain(extra).copied().collect();
        while let Some(id) = pending.pop() {
            if seen.insert(id) {
                let node = &self.nodes[&id];
                pending.extend(node.links.iter().flatten());
                pending.extend(&node.nodes);
                pending.extend(node.more.iter().flatten().flatten());
                pending.extend(self.map.get(&id));
            }
        }
        seen
    }
}

/// The program's state besides the heap.
struct Program<'h, 's> {
    roots: Vec<Local<'h, 's, NodeStatic>>,
    weak: Vec<(u64, Weak<NodeStatic>)>,
    map: WeakMap<NodeStatic, NodeStatic>,
    queue: FinalizerQueue<NodeStatic>,
    model: Model,
    next_id: u64,
    /// Allocations that did not come about.
    refused: usize,
}

impl<'h, 's> Program<'h, 's> {
    fn new(mu: &mut Mutator<'h, 's>) -> Self {
        let mut program = Self {
            roots: Vec::new(),
            weak: Vec::new(),
            map: WeakMap::new(mu),
            queue: FinalizerQueue::new(mu),
            model: Model::default(),
            next_id: 0,
            refused: 0,
        };
        for id in 0..ROOTS as u64 {
            let root = mu.alloc_local(|_| Node {
                id,
                links: [const { GcField::null() }; LINKS],
                value: GcCell::new(Value::Nothing),
                more: GcCell::new(None),
            });
            program.roots.push(root);
            program.model.roots.push(id);
            program.model.nodes.insert(id, Shadow::default());
        }
        program.next_id = ROOTS as u64;
        program
    }

    fn node<'m>(&self, mu: &'m Mutator<'h, 's>, root: usize) -> NodeGc<'h, 'm> {
        self.roots[root].get(mu)
    }

    fn shadow(&mut self, root: usize) -> &mut Shadow {
        let id = self.model.roots[root];
        self.model.nodes.get_mut(&id).unwrap()
    }

    fn run(&mut self, mu: &mut Mutator<'h, 's>, step: Step) {
        match step {
            Step::New { root, first, second } => self.new_node(mu, root, first, second),
            Step::Link { from, link, to } => {
                self.node(mu, from).links[link].set(mu, Some(self.node(mu, to)));
                self.shadow(from).links[link] = Some(self.model.roots[to]);
            }
            Step::Unlink { from, link } => {
                self.node(mu, from).links[link].set(mu, None);
                self.shadow(from).links[link] = None;
            }
            Step::Follow { root, link } => {
                if let Some(target) = self.node(mu, root).links[link].get() {
                    self.roots[root].set(mu, target);
                    self.model.roots[root] = self.shadow(root).links[link].unwrap();
                }
            }
            Step::SetNumber { root } => {
                // Looks like a reference into the heap, and is none.
                let number = self.node(mu, root).address() as u64 + 8;
                self.node(mu, root).value.set(mu, Value::Number(number));
                *self.shadow(root) =
                    Shadow { number: Some(number), nodes: Vec::new(), ..self.shadow(root).clone() };
            }
            Step::SetNode { root, to } => {
                self.node(mu, root).value.set(mu, Value::Node(self.node(mu, to)));
                let to = self.model.roots[to];
                *self.shadow(root) = Shadow { number: None, nodes: vec![to], ..self.shadow(root).clone() };
            }
            Step::SetBoth { root, first, second } => {
                let value = Value::Both(self.node(mu, first), self.node(mu, second));
                self.node(mu, root).value.set(mu, value);
                let nodes = vec![self.model.roots[first], self.model.roots[second]];
                *self.shadow(root) = Shadow { number: None, nodes, ..self.shadow(root).clone() };
            }
            Step::Array { root, len, first, second } => self.new_array(mu, root, len, first, second),
            Step::Garbage { arrays } => {
                self.refused += (0..arrays).filter(|_| mu.try_alloc_array(1000, 0_u64).is_err()).count();
            }
            Step::Store { root, index, to } => {
                if let Some(array) = self.node(mu, root).more.get() {
                    let index = index % array.len();
                    array[index].set(mu, Some(self.node(mu, to)));
                    let to = self.model.roots[to];
                    self.shadow(root).more.as_mut().unwrap()[index] = Some(to);
                }
            }
            weak => self.run_weak(mu, weak),
        }
    }

    fn run_weak(&mut self, mu: &mut Mutator<'h, 's>, step: Step) {
        match step {
            Step::Watch { root } => {
                self.queue.watch(mu, self.node(mu, root));
                self.model.watched.insert(self.model.roots[root]);
            }
            Step::MapInsert { key, value } => {
                let before =
                    self.map.insert(mu, self.node(mu, key), self.node(mu, value)).map(|node| node.id);
                let (key, value) = (self.model.roots[key], self.model.roots[value]);
                assert_eq!(before, self.model.map.insert(key, value));
            }
            Step::MapRemove { key } => {
                let before = self.map.remove(mu, self.node(mu, key)).map(|node| node.id);
                assert_eq!(before, self.model.map.remove(&self.model.roots[key]));
            }
            Step::Weaken { root } => {
                self.weak.push((self.model.roots[root], mu.downgrade(self.node(mu, root))));
            }
            Step::Minor => _ = mu.collect_minor(),
            Step::Full => {
                mu.collect_full();
                self.check_the_dead(mu);
            }
            _ => mu.safepoint(),
        }
    }

    fn new_node(&mut self, mu: &mut Mutator<'h, 's>, root: usize, first: usize, second: usize) {
        let (id, roots) = (self.next_id, self.roots.clone());
        self.next_id += 1;
        let born = mu.scope(|mu| {
            let node = mu.try_alloc_local(|mu| Node {
                id,
                links: [roots[first].get(mu).into(), GcField::null(), GcField::null()],
                value: GcCell::new(Value::Node(roots[second].get(mu))),
                more: GcCell::new(None),
            })?;
            roots[root].set(mu, node.get(mu));
            Ok::<(), MemoryError>(())
        });
        if born.is_err() {
            self.refused += 1;
            return;
        }
        let (first, second) = (self.model.roots[first], self.model.roots[second]);
        let shadow = Shadow { links: [Some(first), None, None], nodes: vec![second], ..Shadow::default() };
        self.model.nodes.insert(id, shadow);
        self.model.roots[root] = id;
    }

    fn new_array(&mut self, mu: &mut Mutator<'h, 's>, root: usize, len: usize, first: usize, second: usize) {
        let roots = self.roots.clone();
        let born = mu.scope(|mu| {
            let array = mu.try_alloc_array_local(len, |mu| Some(roots[first].get(mu)))?;
            array.get(mu)[len / 2].set(mu, Some(roots[second].get(mu)));
            roots[root].get(mu).more.set(mu, Some(array.get(mu)));
            Ok::<(), MemoryError>(())
        });
        if born.is_err() {
            self.refused += 1;
            return;
        }
        let mut elements = vec![Some(self.model.roots[first]); len];
        elements[len / 2] = Some(self.model.roots[second]);
        self.shadow(root).more = Some(elements);
    }

    /// Compares all that is reachable.
    fn compare(&self, mu: &Mutator<'h, 's>) {
        let mut found: HashMap<u64, usize> = HashMap::new();
        let mut pending: Vec<NodeGc<'h, '_>> = self.roots.iter().map(|root| root.get(mu)).collect();
        assert!(pending.iter().map(|node| node.id).eq(self.model.roots.iter().copied()));
        while let Some(node) = pending.pop() {
            if let Some(address) = found.insert(node.id, node.address()) {
                assert_eq!(address, node.address(), "node {} exists twice", node.id);
                continue;
            }
            let shadow = &self.model.nodes[&node.id];
            let links = node.links.each_ref().map(|link| link.get());
            assert_eq!(links.map(|link| link.map(|node| node.id)), shadow.links);
            pending.extend(links.into_iter().flatten());
            let (number, nodes) = match node.value.get() {
                Value::Nothing => (None, vec![]),
                Value::Number(number) => (Some(number), vec![]),
                Value::Node(node) => (None, vec![node]),
                Value::Both(first, second) => (None, vec![first, second]),
            };
            assert_eq!(number, shadow.number);
            assert!(nodes.iter().map(|node| node.id).eq(shadow.nodes.iter().copied()));
            pending.extend(nodes);
            let more = node.more.get().map(|array| array.iter().map(|cell| cell.get()).collect::<Vec<_>>());
            pending.extend(more.iter().flatten().flatten());
            assert_eq!(
                more.map(|more| more.iter().map(|node| node.map(|node| node.id)).collect()),
                shadow.more
            );
            let value = self.map.get(mu, node);
            assert_eq!(value.map(|value| value.id), self.model.map.get(&node.id).copied());
            pending.extend(value);
        }
        assert_eq!(found.len(), self.model.reachable(&[]).len());
        for (id, weak) in &self.weak {
            if found.contains_key(id) {
                assert_eq!(weak.upgrade(mu).map(|node| node.id), Some(*id));
            }
        }
    }

    /// After a full collection: the dead are gone, those with a finalizer are in the queue.
    fn check_the_dead(&mut self, mu: &mut Mutator<'h, 's>) {
        let reachable = self.model.reachable(&[]);
        let mut queued = Vec::new();
        while let Some(node) = self.queue.pop(mu) {
            assert!(self.model.watched.remove(&node.id), "node {} was queued and not watched", node.id);
            queued.push(node.id);
        }
        assert!(queued.iter().all(|id| !reachable.contains(id)));
        // What waited in the queue before the collection kept alive what it refers to.
        let kept = self.model.reachable(&queued);
        assert!(self.model.watched.is_subset(&kept), "a dead node did not come to its queue");
        for (id, weak) in &self.weak {
            let alive = weak.upgrade(mu).map(|node| node.id);
            assert_eq!(alive, kept.contains(id).then_some(*id));
        }
        let map = &mut self.model.map;
        map.retain(|key, _| kept.contains(key));
        assert_eq!(self.map.len(mu), map.len());
    }
}

/// Runs a program beside its model; how many allocations were refused.
pub(crate) fn run(config: HeapConfig, steps: &[Step]) -> usize {
    let mut heap = Heap::with_config(config.verify(true)).unwrap();
    let refused = heap.enter(|mu| {
        let mut program = Program::new(mu);
        for (index, step) in steps.iter().enumerate() {
            program.run(mu, *step);
            if index % 8 == 0 {
                program.compare(mu);
            }
        }
        program.compare(mu);
        mu.collect_full();
        program.compare(mu);
        program.check_the_dead(mu);
        program.refused
    });
    heap.check().unwrap();
    refused
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_heap_is_the_model(steps in prop::collection::vec(step(), 0..200), nursery in 16..64_u64) {
        assert_eq!(run(HeapConfig::new().nursery(Bytes::from_kib(nursery)), &steps), 0);
    }

    #[test]
    fn the_heap_is_the_model_under_stress(steps in prop::collection::vec(step(), 0..120), every in 1..8_u64) {
        let config = HeapConfig::new().nursery(Bytes::from_kib(16)).stress(NonZeroU64::new(every));
        assert_eq!(run(config, &steps), 0);
    }

    #[test]
    fn the_heap_is_the_model_where_objects_are_pretenured(
        steps in prop::collection::vec(step(), 0..200),
        every in prop::option::of(1..20_u64),
    ) {
        let config = HeapConfig::new().nursery(Bytes::from_kib(16)).growth_min(Bytes::from_kib(32));
        let stress = every.and_then(NonZeroU64::new);
        assert_eq!(run(config.pretenuring(Pretenuring::Always).stress(stress), &steps), 0);
    }
}

/// As the macro `proptest!` does it, but what is refused is counted over all cases.
#[test]
fn the_heap_is_the_model_at_its_limit() {
    let mut runner =
        TestRunner::new(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) });
    let refused = Cell::new(0);
    let programs = (1700..2600_u64, prop::collection::vec(step(), 0..300));
    let result = runner.run(&programs, |(kib, steps)| {
        // Room for the reachable nodes, not for many dead ones.
        let config = HeapConfig::new().limit(Bytes::from_kib(kib)).nursery(Bytes::from_kib(32));
        refused.set(refused.get() + run(config.young_range(Bytes::from_mib(16)), &steps));
        Ok(())
    });
    result.unwrap_or_else(|failure| panic!("{failure}\n{runner}"));
    assert!(refused.get() > 200, "no limit was reached: {} were refused", refused.get());
}
