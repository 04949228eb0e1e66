//! Trees. Those that grow from the bottom are never changed; those that grow from the top have fields that are.

use super::super::binary_trees::Forest;
use super::super::configuration::Configuration;
use super::super::gcbench::{Grove, reciprocal};
use super::{SharedHeap, heap, load};
use std::hint::black_box;
use terrane_gc::{Array, Gc, GcField, Local, Mutator, Root, Trace};

/// Trees up to this depth are built between two safepoints: 511 nodes, 12 KiB.
const PLAIN_DEPTH: u32 = 8;

#[derive(Trace)]
pub(super) struct Node<'h, 'm> {
    left: Option<Gc<'h, 'm, Node<'h, 'm>>>,
    right: Option<Gc<'h, 'm, Node<'h, 'm>>>,
}

type Tree<'h, 's> = Local<'h, 's, Node<'static, 'static>>;

impl<'h, 'm> Node<'h, 'm> {
    /// A small tree. Does not collect.
    pub(super) fn tree(mu: &'m Mutator<'h, '_>, depth: u32) -> Gc<'h, 'm, Self> {
        let (mut left, mut right) = (None, None);
        if depth > 0 {
            left = Some(Self::tree(mu, depth - 1));
            right = Some(Self::tree(mu, depth - 1));
        }
        mu.alloc(Self { left, right })
    }

    pub(super) fn count(&self) -> u64 {
        match (self.left, self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }

    fn spine(&self) -> u64 {
        1 + std::iter::successors(self.left, |node| node.left).map(|_| 1).sum::<u64>()
    }
}

/// A tree of any depth. May collect.
fn tree<'h, 's>(mu: &mut Mutator<'h, 's>, depth: u32) -> Tree<'h, 's> {
    if depth <= PLAIN_DEPTH {
        mu.safepoint();
        return mu.root(Node::tree(mu, depth));
    }
    mu.scope_local(|mu| {
        let (left, right) = (tree(mu, depth - 1), tree(mu, depth - 1));
        mu.alloc_local(|mu| Node { left: Some(left.get(mu)), right: Some(right.get(mu)) })
    })
}

/// The trees of [`Forest`].
#[derive(Debug)]
pub(in super::super) struct SafeForest {
    heap: SharedHeap,
    kept: Option<Root<Node<'static, 'static>>>,
}

impl SafeForest {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        Self { heap: heap(configuration), kept: None }
    }
}

impl Forest for SafeForest {
    fn temporary(&mut self, depth: u32) -> u64 {
        self.heap.get_mut().enter(|mu| tree(mu, depth).get(mu).count())
    }

    fn keep(&mut self, depth: u32) {
        self.kept = Some(self.heap.get_mut().enter(|mu| {
            let tree = tree(mu, depth);
            mu.persist(tree.get(mu))
        }));
    }

    fn count_kept(&self) -> u64 {
        let Some(kept) = &self.kept else { return 0 };
        self.heap.borrow_mut().enter(|mu| load(mu, kept).count())
    }
}

#[derive(Trace)]
struct OpenNode<'h, 'm> {
    left: GcField<'h, 'm, OpenNode<'h, 'm>>,
    right: GcField<'h, 'm, OpenNode<'h, 'm>>,
}

type OpenTree<'h, 's> = Local<'h, 's, OpenNode<'static, 'static>>;

impl<'h, 'm> OpenNode<'h, 'm> {
    const fn leaf() -> Self {
        Self { left: GcField::null(), right: GcField::null() }
    }

    /// Gives the node two children, and answers them.
    fn grow(&self, mu: &'m Mutator<'h, '_>) -> [Gc<'h, 'm, Self>; 2] {
        let left = mu.alloc(Self::leaf());
        self.left.set(mu, Some(left));
        let right = mu.alloc(Self::leaf());
        self.right.set(mu, Some(right));
        [left, right]
    }

    /// Grows a small tree below the node. Does not collect.
    fn populate(&self, mu: &'m Mutator<'h, '_>, depth: u32) {
        if depth > 0 {
            let [left, right] = self.grow(mu);
            left.populate(mu, depth - 1);
            right.populate(mu, depth - 1);
        }
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

/// Grows a tree of any depth below the node. May collect.
fn populate<'h>(mu: &mut Mutator<'h, '_>, node: OpenTree<'h, '_>, depth: u32) {
    mu.safepoint();
    if depth <= PLAIN_DEPTH {
        node.get(mu).populate(mu, depth);
        return;
    }
    mu.scope(|mu| {
        let [left, right] = node.get(mu).grow(mu).map(|child| mu.root(child));
        populate(mu, left, depth - 1);
        populate(mu, right, depth - 1);
    });
}

/// A tree whose nodes are allocated before their children.
fn tree_from_the_top<'h, 's>(mu: &mut Mutator<'h, 's>, depth: u32) -> OpenTree<'h, 's> {
    let root = mu.alloc_local(|_| OpenNode::leaf());
    populate(mu, root, depth);
    root
}

/// The trees of [`Grove`].
#[derive(Debug)]
pub(in super::super) struct SafeGrove {
    heap: SharedHeap,
    kept: Option<Root<OpenNode<'static, 'static>>>,
    doubles: Option<Root<Array<f64>>>,
}

impl SafeGrove {
    pub(in super::super) fn new(configuration: Configuration) -> Self {
        Self { heap: heap(configuration), kept: None, doubles: None }
    }
}

impl Grove for SafeGrove {
    fn top_down(&mut self, depth: u32) -> u64 {
        self.heap.get_mut().enter(|mu| black_box(tree_from_the_top(mu, depth).get(mu)).spine())
    }

    fn bottom_up(&mut self, depth: u32) -> u64 {
        self.heap.get_mut().enter(|mu| black_box(tree(mu, depth).get(mu)).spine())
    }

    fn keep_tree(&mut self, depth: u32) {
        self.kept = Some(self.heap.get_mut().enter(|mu| {
            let tree = tree_from_the_top(mu, depth);
            mu.persist(tree.get(mu))
        }));
    }

    fn keep_doubles(&mut self, length: usize) {
        self.doubles = Some(self.heap.get_mut().enter(|mu| {
            let doubles = mu.alloc_array(length, 0.0);
            for (index, double) in doubles.iter().take(length / 2).enumerate() {
                double.set(mu, reciprocal(index));
            }
            mu.persist(doubles)
        }));
    }

    fn count_kept(&self) -> u64 {
        let Some(kept) = &self.kept else { return 0 };
        self.heap.borrow_mut().enter(|mu| load(mu, kept).count())
    }

    fn double(&self, index: usize) -> f64 {
        let Some(doubles) = &self.doubles else { return 0.0 };
        self.heap.borrow_mut().enter(|mu| load(mu, doubles)[index].get())
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn a_tree_survives_collections_while_it_grows() {
        let mut forest = SafeForest::new(STRESSED);
        forest.keep(10);
        assert_eq!(forest.temporary(9), 1023);
        assert_eq!(forest.count_kept(), 2047);
    }

    #[test]
    fn a_tree_survives_collections_while_it_grows_from_the_top() {
        let mut grove = SafeGrove::new(STRESSED);
        grove.keep_tree(10);
        grove.keep_doubles(4_000);
        assert_eq!([grove.top_down(9), grove.bottom_up(9)], [10, 10]);
        assert_eq!(grove.count_kept(), 2047);
        assert!((grove.double(1_999) - 1.0 / 2_000.0).abs() < 1e-18);
        assert!(grove.double(2_000).abs() < 1e-18);
    }
}
