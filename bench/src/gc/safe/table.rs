//! Fields that are re-pointed: the elements of an array, or the fields of the nodes that it refers to.

use super::super::configuration::Configuration;
use super::super::repointing::{FRESH, Fields, Step};
use super::{BATCH, SharedHeap, heap, load};
use terrane_gc::{Array, Gc, GcCell, Mutator, Root, Trace};

/// A number, and a word so that it is as long as a pair.
type Leaf<'h, 'm> = Gc<'h, 'm, [u64; 2]>;

fn leaf<'h, 'm>(mu: &'m Mutator<'h, '_>, value: u64) -> Leaf<'h, 'm> {
    mu.alloc([value, 0])
}

/// The elements of an array.
#[derive(Debug)]
pub(in super::super) struct SafeArray {
    heap: SharedHeap,
    array: Root<Array<Leaf<'static, 'static>>>,
}

impl Fields for SafeArray {
    type Settings = Configuration;

    fn of(fields: u32, configuration: Configuration) -> Self {
        let mut heap = heap(configuration);
        let array = heap.get_mut().enter(|mu| {
            let array = mu.root(mu.alloc_array(fields as usize, leaf(mu, 0)));
            for field in 0..fields {
                mu.safepoint();
                array.get(mu)[field as usize].set(mu, leaf(mu, u64::from(field)));
            }
            mu.persist(array.get(mu))
        });
        heap.get_mut().collect_full();
        Self { heap, array }
    }

    fn repoint(&mut self, steps: &[Step]) {
        self.heap.get_mut().enter(|mu| {
            for steps in steps.chunks(BATCH) {
                mu.safepoint();
                let array = load(mu, &self.array);
                for step in steps {
                    let leaf = match step.from {
                        FRESH => leaf(mu, step.value),
                        from => array[from as usize].get(),
                    };
                    array[step.at as usize].set(mu, leaf);
                }
            }
        });
    }

    fn value(&self, field: u32) -> u64 {
        self.heap.borrow_mut().enter(|mu| load(mu, &self.array)[field as usize].get()[0])
    }
}

#[derive(Trace)]
struct Node<'h, 'm> {
    fields: [GcCell<Leaf<'h, 'm>>; 2],
}

/// The fields of many nodes.
#[derive(Debug)]
pub(in super::super) struct SafeNodes {
    heap: SharedHeap,
    nodes: Root<Array<Gc<'static, 'static, Node<'static, 'static>>>>,
}

impl<'h, 'm> Node<'h, 'm> {
    fn new(mu: &'m Mutator<'h, '_>, values: [u64; 2]) -> Gc<'h, 'm, Self> {
        let fields = values.map(|value| GcCell::new(leaf(mu, value)));
        mu.alloc(Self { fields })
    }
}

impl Fields for SafeNodes {
    type Settings = Configuration;

    fn of(fields: u32, configuration: Configuration) -> Self {
        let mut heap = heap(configuration);
        let nodes = heap.get_mut().enter(|mu| {
            let nodes = mu.root(mu.alloc_array(fields as usize / 2, Node::new(mu, [0; 2])));
            for node in 0..u64::from(fields / 2) {
                mu.safepoint();
                nodes.get(mu)[node as usize].set(mu, Node::new(mu, [2 * node, 2 * node + 1]));
            }
            mu.persist(nodes.get(mu))
        });
        heap.get_mut().collect_full();
        Self { heap, nodes }
    }

    fn repoint(&mut self, steps: &[Step]) {
        self.heap.get_mut().enter(|mu| {
            for steps in steps.chunks(BATCH) {
                mu.safepoint();
                let nodes = load(mu, &self.nodes);
                for step in steps {
                    let leaf = match step.from {
                        FRESH => leaf(mu, step.value),
                        from => nodes[from as usize / 2].get().fields[from as usize % 2].get(),
                    };
                    nodes[step.at as usize / 2].get().fields[step.at as usize % 2].set(mu, leaf);
                }
            }
        });
    }

    fn value(&self, field: u32) -> u64 {
        self.heap.borrow_mut().enter(|mu| {
            let node = load(mu, &self.nodes)[field as usize / 2].get();
            node.fields[field as usize % 2].get()[0]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    fn is_repointed<F: Fields<Settings = Configuration>>() {
        let mut table = F::of(20, STRESSED);
        let step = |at, from, value| Step { at, from, value };
        table.repoint(&[step(3, FRESH, 77), step(4, 3, 0), step(3, FRESH, 78), step(19, 0, 0)]);
        assert_eq!([0, 3, 4, 5, 19].map(|field| table.value(field)), [0, 78, 77, 5, 0]);
    }

    #[test]
    fn fields_hold_what_was_stored_last() {
        is_repointed::<SafeArray>();
        is_repointed::<SafeNodes>();
    }
}
