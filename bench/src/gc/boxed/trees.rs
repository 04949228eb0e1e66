//! Trees of boxes.

use super::super::binary_trees::Forest;
use super::super::gcbench::{Grove, reciprocal};
use super::super::replacement::{PAGE_SLOTS, Replaced};
use std::hint::black_box;

#[derive(Default)]
struct Node {
    left: Option<Box<Node>>,
    right: Option<Box<Node>>,
}

impl Node {
    fn tree(depth: u32) -> Box<Self> {
        if depth == 0 {
            return Box::default();
        }
        Box::new(Self { left: Some(Self::tree(depth - 1)), right: Some(Self::tree(depth - 1)) })
    }

    fn tree_from_the_top(depth: u32) -> Box<Self> {
        let mut root = Box::<Self>::default();
        root.populate(depth);
        root
    }

    fn populate(&mut self, depth: u32) {
        if depth == 0 {
            return;
        }
        let left = self.left.insert(Box::default());
        let right = self.right.insert(Box::default());
        left.populate(depth - 1);
        right.populate(depth - 1);
    }

    fn count(&self) -> u64 {
        match (&self.left, &self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }

    fn spine(&self) -> u64 {
        let mut length = 1;
        let mut node = self;
        while let Some(left) = &node.left {
            length += 1;
            node = left;
        }
        length
    }
}

/// The trees of [`Forest`].
#[derive(Default)]
pub(in super::super) struct BoxedForest {
    kept: Box<Node>,
}

impl Forest for BoxedForest {
    fn temporary(&mut self, depth: u32) -> u64 {
        Node::tree(depth).count()
    }

    fn keep(&mut self, depth: u32) {
        self.kept = Node::tree(depth);
    }

    fn count_kept(&self) -> u64 {
        self.kept.count()
    }
}

/// The trees of [`Grove`].
#[derive(Default)]
pub(in super::super) struct BoxedGrove {
    kept: Box<Node>,
    doubles: Vec<f64>,
}

impl Grove for BoxedGrove {
    fn top_down(&mut self, depth: u32) -> u64 {
        black_box(Node::tree_from_the_top(depth)).spine()
    }

    fn bottom_up(&mut self, depth: u32) -> u64 {
        black_box(Node::tree(depth)).spine()
    }

    fn keep_tree(&mut self, depth: u32) {
        self.kept = Node::tree_from_the_top(depth);
    }

    fn keep_doubles(&mut self, length: usize) {
        self.doubles = (0..length / 2).map(reciprocal).collect();
        self.doubles.resize(length, 0.0);
    }

    fn count_kept(&self) -> u64 {
        self.kept.count()
    }

    fn double(&self, index: usize) -> f64 {
        self.doubles[index]
    }
}

/// The trees of [`Replaced`].
pub(in super::super) struct BoxedReplaced {
    pages: Vec<Box<[Option<Box<Node>>]>>,
}

impl BoxedReplaced {
    pub(in super::super) fn new(slots: usize) -> Self {
        let page = || (0..PAGE_SLOTS).map(|_| None).collect();
        Self { pages: (0..slots.div_ceil(PAGE_SLOTS)).map(|_| page()).collect() }
    }
}

impl Replaced for BoxedReplaced {
    fn replace(&mut self, slot: usize, depth: u32) {
        self.pages[slot / PAGE_SLOTS][slot % PAGE_SLOTS] = Some(Node::tree(depth));
    }

    fn count(&self, slot: usize) -> u64 {
        self.pages[slot / PAGE_SLOTS][slot % PAGE_SLOTS].as_ref().map_or(0, |tree| tree.count())
    }
}
