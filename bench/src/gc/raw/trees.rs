//! Trees of pairs. The kept tree is at the bottom of the shadow stack, the kept array above it.

use super::super::binary_trees::Forest;
use super::super::cell_model::CellModel;
use super::super::configuration::Configuration;
use super::super::gcbench::{Grove, reciprocal};
use super::super::pair_model::{NIL, PairModel};
use super::{Cells, WithPairs};
use std::hint::black_box;
use terrane_gc::raw::Word;

impl<M: WithPairs> Cells<M> {
    pub(super) fn tree(&mut self, depth: u32) -> Word {
        let top = self.roots.words.len();
        self.roots.words.resize(top + depth as usize, NIL);
        let tree = self.tree_above(depth, top);
        self.roots.words.truncate(top);
        tree
    }

    /// The same with the top of the shadow stack as a virtual machine has it, in a register: each level keeps its left
    /// child in a slot of its own, which is cleared again.
    fn tree_above(&mut self, depth: u32, top: usize) -> Word {
        if depth == 0 {
            return self.pair(NIL, NIL);
        }
        let left = self.tree_above(depth - 1, top + 1);
        self.roots.words[top] = left;
        let right = self.tree_above(depth - 1, top + 1);
        let left = std::mem::replace(&mut self.roots.words[top], NIL);
        self.pair(left, right)
    }

    pub(super) fn count(&self, tree: Word) -> u64 {
        match self.fields(tree) {
            [NIL, NIL] => 1,
            [left, right] => 1 + self.count(left) + self.count(right),
        }
    }

    /// A tree whose nodes are allocated before their children.
    fn tree_from_the_top(&mut self, depth: u32) -> Word {
        let root = self.pair(NIL, NIL);
        self.roots.push(root);
        self.populate(depth);
        self.roots.pop()
    }

    /// Grows children of this depth below the node on top of the shadow stack.
    fn populate(&mut self, depth: u32) {
        if depth == 0 {
            return;
        }
        for field in [0, 1] {
            let child = self.pair(NIL, NIL);
            self.set_field(self.roots.top(), field, child);
        }
        for field in [0, 1] {
            let child = self.fields(self.roots.top())[field];
            self.roots.push(child);
            self.populate(depth - 1);
            self.roots.pop();
        }
    }

    fn spine(&self, tree: Word) -> u64 {
        let mut length = 0;
        let mut node = tree;
        while node != NIL {
            length += 1;
            node = self.fields(node)[0];
        }
        length
    }
}

/// The trees of [`Forest`].
#[derive(Debug)]
pub(in super::super) struct RawForest(Cells<PairModel>);

impl RawForest {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        let mut pairs = Cells::new((configuration.heap)());
        pairs.roots.push(NIL);
        Self(pairs)
    }
}

impl Forest for RawForest {
    fn temporary(&mut self, depth: u32) -> u64 {
        let tree = self.0.tree(depth);
        self.0.count(tree)
    }

    fn keep(&mut self, depth: u32) {
        self.0.roots.words[0] = self.0.tree(depth);
    }

    fn count_kept(&self) -> u64 {
        self.0.count(self.0.roots.words[0])
    }
}

/// The trees of [`Grove`].
#[derive(Debug)]
pub(in super::super) struct RawGrove(Cells<CellModel>);

impl RawGrove {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        let mut cells = Cells::new((configuration.heap)());
        cells.roots.words.extend([NIL; 2]);
        Self(cells)
    }
}

impl Grove for RawGrove {
    fn top_down(&mut self, depth: u32) -> u64 {
        let tree = self.0.tree_from_the_top(depth);
        self.0.spine(black_box(tree))
    }

    fn bottom_up(&mut self, depth: u32) -> u64 {
        let tree = self.0.tree(depth);
        self.0.spine(black_box(tree))
    }

    fn keep_tree(&mut self, depth: u32) {
        self.0.roots.words[0] = self.0.tree_from_the_top(depth);
    }

    fn keep_doubles(&mut self, length: usize) {
        let doubles = self.0.bytes(length * size_of::<f64>());
        self.0.roots.words[1] = doubles;
        for (index, element) in self.0.bytes_mut(doubles).chunks_exact_mut(8).take(length / 2).enumerate() {
            element.copy_from_slice(&reciprocal(index).to_ne_bytes());
        }
    }

    fn count_kept(&self) -> u64 {
        self.0.count(self.0.roots.words[0])
    }

    fn double(&self, index: usize) -> f64 {
        let element = &self.0.bytes_of(self.0.roots.words[1])[8 * index..8 * index + 8];
        f64::from_ne_bytes(element.try_into().expect("eight bytes were taken"))
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn a_tree_survives_collections_while_it_grows() {
        let mut forest = RawForest::new(STRESSED);
        forest.keep(7);
        assert_eq!(forest.temporary(3), 15);
        assert_eq!(forest.count_kept(), 255);
    }

    #[test]
    fn a_tree_survives_collections_while_it_grows_from_the_top() {
        let mut grove = RawGrove::new(STRESSED);
        grove.keep_tree(7);
        grove.keep_doubles(4_000);
        assert_eq!([grove.top_down(3), grove.bottom_up(3)], [4, 4]);
        assert_eq!(grove.count_kept(), 255);
        assert!((grove.double(1_999) - 1.0 / 2_000.0).abs() < 1e-18);
        assert!(grove.double(2_000).abs() < 1e-18);
    }
}
