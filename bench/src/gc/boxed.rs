//! No collector: each node is a `Box` of the global allocator, freed when its owner lets go.

use super::binary_trees::Forest;

/// Trees of boxes.
pub(super) struct BoxedForest {
    kept: Box<Node>,
}

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

    fn count(&self) -> u64 {
        match (&self.left, &self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }
}

impl Forest for BoxedForest {
    fn empty() -> Self {
        Self { kept: Box::default() }
    }

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
