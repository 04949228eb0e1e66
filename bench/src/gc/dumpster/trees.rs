//! Trees of `Gc`. Those that grow from the top have fields that are set once.

use super::super::binary_trees::Forest;
use super::super::gcbench::{Grove, reciprocal};
use dumpster::Trace;
use dumpster::unsync::Gc;
use std::cell::OnceCell;
use std::hint::black_box;

#[derive(Trace)]
struct Node {
    left: Option<Gc<Node>>,
    right: Option<Gc<Node>>,
}

impl Node {
    fn tree(depth: u32) -> Gc<Self> {
        let (mut left, mut right) = (None, None);
        if depth > 0 {
            left = Some(Self::tree(depth - 1));
            right = Some(Self::tree(depth - 1));
        }
        Gc::new(Self { left, right })
    }

    fn count(&self) -> u64 {
        match (&self.left, &self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }

    fn spine(&self) -> u64 {
        1 + std::iter::successors(self.left.as_ref(), |node| node.left.as_ref()).map(|_| 1).sum::<u64>()
    }
}

/// The trees of [`Forest`].
#[derive(Default)]
pub(in super::super) struct DumpsterForest {
    kept: Option<Gc<Node>>,
}

impl Forest for DumpsterForest {
    fn temporary(&mut self, depth: u32) -> u64 {
        Node::tree(depth).count()
    }

    fn keep(&mut self, depth: u32) {
        self.kept = Some(Node::tree(depth));
    }

    fn count_kept(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.count())
    }
}

#[derive(Default, Trace)]
struct OpenNode {
    left: OnceCell<Gc<OpenNode>>,
    right: OnceCell<Gc<OpenNode>>,
}

impl OpenNode {
    fn tree(depth: u32) -> Gc<Self> {
        let root = Gc::new(Self::default());
        root.populate(depth);
        root
    }

    fn populate(&self, depth: u32) {
        if depth == 0 {
            return;
        }
        let left = self.left.get_or_init(|| Gc::new(Self::default()));
        let right = self.right.get_or_init(|| Gc::new(Self::default()));
        left.populate(depth - 1);
        right.populate(depth - 1);
    }

    fn count(&self) -> u64 {
        match (self.left.get(), self.right.get()) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }

    fn spine(&self) -> u64 {
        1 + std::iter::successors(self.left.get(), |node| node.left.get()).map(|_| 1).sum::<u64>()
    }
}

/// The trees of [`Grove`].
#[derive(Default)]
pub(in super::super) struct DumpsterGrove {
    kept: Option<Gc<OpenNode>>,
    doubles: Option<Gc<[f64]>>,
}

impl Grove for DumpsterGrove {
    fn top_down(&mut self, depth: u32) -> u64 {
        black_box(OpenNode::tree(depth)).spine()
    }

    fn bottom_up(&mut self, depth: u32) -> u64 {
        black_box(Node::tree(depth)).spine()
    }

    fn keep_tree(&mut self, depth: u32) {
        self.kept = Some(OpenNode::tree(depth));
    }

    fn keep_doubles(&mut self, length: usize) {
        let mut doubles: Vec<f64> = (0..length / 2).map(reciprocal).collect();
        doubles.resize(length, 0.0);
        self.doubles = Some(Gc::from(doubles));
    }

    fn count_kept(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.count())
    }

    fn double(&self, index: usize) -> f64 {
        self.doubles.as_ref().map_or(0.0, |doubles| doubles[index])
    }
}
