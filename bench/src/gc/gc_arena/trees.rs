//! Trees of `Gc`. Those that grow from the bottom are never mutated; those that grow from the top have locks.

use super::super::binary_trees::Forest;
use super::super::gcbench::{Grove, reciprocal};
use super::super::replacement::{PAGE_SLOTS, Replaced};
use super::{Pacing, paced};
use gc_arena::lock::Lock;
use gc_arena::{Arena, Collect, Gc, Mutation, Rootable, barrier};
use std::hint::black_box;

#[derive(Collect)]
#[collect(no_drop)]
struct Node<'gc> {
    left: Option<Gc<'gc, Node<'gc>>>,
    right: Option<Gc<'gc, Node<'gc>>>,
}

impl<'gc> Node<'gc> {
    fn tree(mutation: &Mutation<'gc>, depth: u32) -> Gc<'gc, Self> {
        let (mut left, mut right) = (None, None);
        if depth > 0 {
            left = Some(Self::tree(mutation, depth - 1));
            right = Some(Self::tree(mutation, depth - 1));
        }
        Gc::new(mutation, Self { left, right })
    }

    fn count(&self) -> u64 {
        match (self.left, self.right) {
            (Some(left), Some(right)) => 1 + left.count() + right.count(),
            _ => 1,
        }
    }

    fn spine(&self) -> u64 {
        1 + std::iter::successors(self.left, |node| node.left).map(|_| 1).sum::<u64>()
    }
}

#[derive(Collect)]
#[collect(no_drop)]
struct TreeRoot<'gc> {
    kept: Option<Gc<'gc, Node<'gc>>>,
}

/// The trees of [`Forest`].
pub(in super::super) struct GcArenaForest {
    arena: Arena<Rootable![TreeRoot<'_>]>,
}

impl GcArenaForest {
    pub(in super::super) fn new(pacing: Pacing) -> Self {
        Self { arena: paced(Arena::new(|_| TreeRoot { kept: None }), pacing) }
    }
}

impl Forest for GcArenaForest {
    fn temporary(&mut self, depth: u32) -> u64 {
        let nodes = self.arena.mutate(|mutation, _| Node::tree(mutation, depth).count());
        self.arena.collect_debt();
        nodes
    }

    fn keep(&mut self, depth: u32) {
        self.arena.mutate_root(|mutation, root| root.kept = Some(Node::tree(mutation, depth)));
        self.arena.collect_debt();
    }

    fn count_kept(&self) -> u64 {
        self.arena.mutate(|_, root| root.kept.map_or(0, |kept| kept.count()))
    }
}

#[derive(Collect)]
#[collect(no_drop)]
struct OpenNode<'gc> {
    left: Lock<Option<Gc<'gc, OpenNode<'gc>>>>,
    right: Lock<Option<Gc<'gc, OpenNode<'gc>>>>,
}

impl<'gc> OpenNode<'gc> {
    fn leaf(mutation: &Mutation<'gc>) -> Gc<'gc, Self> {
        Gc::new(mutation, Self { left: Lock::new(None), right: Lock::new(None) })
    }

    fn tree(mutation: &Mutation<'gc>, depth: u32) -> Gc<'gc, Self> {
        let root = Self::leaf(mutation);
        Self::populate(mutation, root, depth);
        root
    }

    fn populate(mutation: &Mutation<'gc>, node: Gc<'gc, Self>, depth: u32) {
        if depth == 0 {
            return;
        }
        let left = Self::leaf(mutation);
        let right = Self::leaf(mutation);
        let writable = Gc::write(mutation, node);
        barrier::unlock!(writable, OpenNode, left).set(Some(left));
        barrier::unlock!(writable, OpenNode, right).set(Some(right));
        Self::populate(mutation, left, depth - 1);
        Self::populate(mutation, right, depth - 1);
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

#[derive(Collect)]
#[collect(no_drop)]
struct GroveRoot<'gc> {
    kept: Option<Gc<'gc, OpenNode<'gc>>>,
    doubles: Option<Gc<'gc, Box<[f64]>>>,
}

/// The trees of [`Grove`].
pub(in super::super) struct GcArenaGrove {
    arena: Arena<Rootable![GroveRoot<'_>]>,
}

impl GcArenaGrove {
    pub(in super::super) fn new(pacing: Pacing) -> Self {
        Self { arena: paced(Arena::new(|_| GroveRoot { kept: None, doubles: None }), pacing) }
    }
}

impl Grove for GcArenaGrove {
    fn top_down(&mut self, depth: u32) -> u64 {
        let length = self.arena.mutate(|mutation, _| black_box(OpenNode::tree(mutation, depth)).spine());
        self.arena.collect_debt();
        length
    }

    fn bottom_up(&mut self, depth: u32) -> u64 {
        let length = self.arena.mutate(|mutation, _| black_box(Node::tree(mutation, depth)).spine());
        self.arena.collect_debt();
        length
    }

    fn keep_tree(&mut self, depth: u32) {
        self.arena.mutate_root(|mutation, root| root.kept = Some(OpenNode::tree(mutation, depth)));
        self.arena.collect_debt();
    }

    fn keep_doubles(&mut self, length: usize) {
        let mut doubles: Vec<f64> = (0..length / 2).map(reciprocal).collect();
        doubles.resize(length, 0.0);
        self.arena.mutate_root(|mutation, root| {
            root.doubles = Some(Gc::new_static(mutation, doubles.into_boxed_slice()));
        });
    }

    fn count_kept(&self) -> u64 {
        self.arena.mutate(|_, root| root.kept.map_or(0, |kept| kept.count()))
    }

    fn double(&self, index: usize) -> f64 {
        self.arena.mutate(|_, root| root.doubles.map_or(0.0, |doubles| doubles[index]))
    }
}

#[derive(Collect)]
#[collect(no_drop)]
struct Page<'gc> {
    slots: [Lock<Option<Gc<'gc, Node<'gc>>>>; PAGE_SLOTS],
}

#[derive(Collect)]
#[collect(no_drop)]
struct PagesRoot<'gc> {
    pages: Vec<Gc<'gc, Page<'gc>>>,
}

/// The trees of [`Replaced`].
pub(in super::super) struct GcArenaReplaced {
    arena: Arena<Rootable![PagesRoot<'_>]>,
}

impl GcArenaReplaced {
    pub(in super::super) fn new(slots: usize) -> Self {
        let pages = slots.div_ceil(PAGE_SLOTS);
        let arena = Arena::<Rootable![PagesRoot<'_>]>::new(|mutation| {
            let page = || Page { slots: std::array::from_fn(|_| Lock::new(None)) };
            PagesRoot { pages: (0..pages).map(|_| Gc::new(mutation, page())).collect() }
        });
        Self { arena }
    }
}

impl Replaced for GcArenaReplaced {
    fn replace(&mut self, slot: usize, depth: u32) {
        self.arena.mutate(|mutation, root| {
            let tree = Node::tree(mutation, depth);
            let page = Gc::write(mutation, root.pages[slot / PAGE_SLOTS]);
            barrier::field!(page, Page, slots)[slot % PAGE_SLOTS].unlock().set(Some(tree));
        });
        self.arena.collect_debt();
    }

    fn count(&self, slot: usize) -> u64 {
        self.arena.mutate(|_, root| {
            root.pages[slot / PAGE_SLOTS].slots[slot % PAGE_SLOTS].get().map_or(0, |tree| tree.count())
        })
    }
}
