//! Fields of counted references.

use super::super::repointing::{FRESH, Fields, Step};
use std::rc::Rc;

/// A number, and a word so that it is as long as a pair.
type Leaf = [u64; 2];

fn leaf(value: u64) -> Rc<Leaf> {
    Rc::new([value, 0])
}

/// The elements of an array.
pub(in super::super) struct CountedArray(Box<[Rc<Leaf>]>);

impl Fields for CountedArray {
    type Settings = ();

    fn of(fields: u32, (): ()) -> Self {
        Self((0..u64::from(fields)).map(leaf).collect())
    }

    fn repoint(&mut self, steps: &[Step]) {
        for step in steps {
            self.0[step.at as usize] = match step.from {
                FRESH => leaf(step.value),
                from => Rc::clone(&self.0[from as usize]),
            };
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.0[field as usize][0]
    }
}

/// The fields of many nodes.
pub(in super::super) struct CountedNodes {
    #[expect(clippy::vec_box, reason = "each node is an object of its own")]
    nodes: Vec<Box<[Rc<Leaf>; 2]>>,
}

impl CountedNodes {
    #[inline]
    fn field(&mut self, field: u32) -> &mut Rc<Leaf> {
        &mut self.nodes[field as usize / 2][field as usize % 2]
    }
}

impl Fields for CountedNodes {
    type Settings = ();

    fn of(fields: u32, (): ()) -> Self {
        let node = |index| Box::new([leaf(2 * index), leaf(2 * index + 1)]);
        Self { nodes: (0..u64::from(fields / 2)).map(node).collect() }
    }

    fn repoint(&mut self, steps: &[Step]) {
        for step in steps {
            let leaf = match step.from {
                FRESH => leaf(step.value),
                from => Rc::clone(self.field(from)),
            };
            *self.field(step.at) = leaf;
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.nodes[field as usize / 2][field as usize % 2][0]
    }
}
