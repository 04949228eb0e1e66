//! bumpalo: no collector; each tree has an arena, which is reset when the tree is let go.

use super::binary_trees::Forest;
use bumpalo::Bump;

struct Node<'a> {
    left: Option<&'a Node<'a>>,
    right: Option<&'a Node<'a>>,
}

impl<'a> Node<'a> {
    fn tree(arena: &'a Bump, depth: u32) -> &'a Self {
        let (mut left, mut right) = (None, None);
        if depth > 0 {
            left = Some(Self::tree(arena, depth - 1));
            right = Some(Self::tree(arena, depth - 1));
        }
        arena.alloc(Self { left, right })
    }

    fn count(&self) -> u64 {
        match (self.left, self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }
}

/// Trees in arenas. The arena of the kept tree is never given back.
#[derive(Default)]
pub(super) struct BumpedForest {
    kept: Option<&'static Node<'static>>,
    temporary: Bump,
}

impl Forest for BumpedForest {
    fn temporary(&mut self, depth: u32) -> u64 {
        let nodes = Node::tree(&self.temporary, depth).count();
        self.temporary.reset();
        nodes
    }

    fn keep(&mut self, depth: u32) {
        // A reset keeps the largest chunk, here that of the tree that stretched the heap.
        self.temporary = Bump::new();
        self.kept = Some(Node::tree(Box::leak(Box::default()), depth));
    }

    fn count_kept(&self) -> u64 {
        self.kept.map_or(0, Node::count)
    }
}
