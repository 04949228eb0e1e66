//! Fields of `Gc` that are re-pointed: in one array, or in many nodes of two.

use super::super::repointing::{FRESH, Fields, Step};
use dumpster::Trace;
use dumpster::unsync::Gc;
use std::cell::RefCell;

/// A number, and a word so that it is as long as a pair.
type Leaf = [u64; 2];

fn leaf(value: u64) -> Gc<Leaf> {
    Gc::new([value, 0])
}

/// The elements of an array.
pub(in super::super) struct DumpsterArray(Gc<RefCell<Box<[Gc<Leaf>]>>>);

impl Fields for DumpsterArray {
    type Settings = ();

    fn of(fields: u32, (): ()) -> Self {
        Self(Gc::new(RefCell::new((0..u64::from(fields)).map(leaf).collect())))
    }

    fn repoint(&mut self, steps: &[Step]) {
        for step in steps {
            let leaf = match step.from {
                FRESH => leaf(step.value),
                from => self.0.borrow()[from as usize].clone(),
            };
            // What was there is dropped when nothing is borrowed: then the collector may run.
            let old = std::mem::replace(&mut self.0.borrow_mut()[step.at as usize], leaf);
            drop(old);
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.0.borrow()[field as usize][0]
    }
}

#[derive(Trace)]
struct Node {
    fields: RefCell<[Gc<Leaf>; 2]>,
}

/// The fields of many nodes.
pub(in super::super) struct DumpsterNodes(Vec<Gc<Node>>);

impl Fields for DumpsterNodes {
    type Settings = ();

    fn of(fields: u32, (): ()) -> Self {
        let node = |node| Gc::new(Node { fields: RefCell::new([leaf(2 * node), leaf(2 * node + 1)]) });
        Self((0..u64::from(fields / 2)).map(node).collect())
    }

    fn repoint(&mut self, steps: &[Step]) {
        for step in steps {
            let leaf = match step.from {
                FRESH => leaf(step.value),
                from => self.0[from as usize / 2].fields.borrow()[from as usize % 2].clone(),
            };
            let node = &self.0[step.at as usize / 2];
            let old = std::mem::replace(&mut node.fields.borrow_mut()[step.at as usize % 2], leaf);
            drop(old);
        }
    }

    fn value(&self, field: u32) -> u64 {
        self.0[field as usize / 2].fields.borrow()[field as usize % 2][0]
    }
}
