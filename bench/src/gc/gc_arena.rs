//! gc-arena: an incremental mark-and-sweep collector in safe Rust, each object an allocation of its own.
//!
//! It collects between two closures that mutate; the programs here let it pay its debt after each tree and after each
//! batch of small allocations. It is measured on mimalloc, where it is several times as fast as on glibc, and with its
//! default pacing: the stop-the-world pacing is no faster on the trees and slower on short-lived objects.

use super::binary_trees::Forest;
use super::short_lived::LiveSet;
use gc_arena::{Arena, Collect, Gc, Mutation, Rootable};
use std::hint::black_box;

/// How many small allocations are made between two payments.
const BATCH: u64 = 1_000;

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
}

#[derive(Collect)]
#[collect(no_drop)]
struct TreeRoot<'gc> {
    kept: Option<Gc<'gc, Node<'gc>>>,
}

/// Trees of `Gc`.
pub(super) struct GcArenaForest {
    arena: Arena<Rootable![TreeRoot<'_>]>,
}

impl Forest for GcArenaForest {
    fn empty() -> Self {
        let arena = Arena::new(|_| TreeRoot { kept: None });
        Self { arena }
    }

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
struct Link<'gc> {
    value: u64,
    next: Option<Gc<'gc, Link<'gc>>>,
}

#[derive(Collect)]
#[collect(no_drop)]
struct ListRoot<'gc> {
    first: Option<Gc<'gc, Link<'gc>>>,
}

/// A list of `Gc`.
pub(super) struct GcArenaLiveSet {
    arena: Arena<Rootable![ListRoot<'_>]>,
}

impl LiveSet for GcArenaLiveSet {
    fn of(objects: u64) -> Self {
        let mut arena = Arena::<Rootable![ListRoot<'_>]>::new(|_| ListRoot { first: None });
        arena.mutate_root(|mutation, root| {
            for value in 1..=objects {
                root.first = Some(Gc::new(mutation, Link { value, next: root.first }));
            }
        });
        arena.finish_cycle();
        Self { arena }
    }

    fn churn(&mut self, allocations: u64) -> u64 {
        let mut sum = 0;
        for batch in 0..allocations / BATCH {
            let first = batch * BATCH;
            sum += self.arena.mutate(|mutation, _| {
                let mut sum = 0;
                for value in first..first + BATCH {
                    sum += black_box(Gc::new(mutation, Link { value, next: None })).value;
                }
                sum
            });
            self.arena.collect_debt();
        }
        sum
    }

    fn sum(&self) -> u64 {
        self.arena.mutate(|_, root| {
            let mut sum = 0;
            let mut next = root.first;
            while let Some(link) = next {
                sum += link.value;
                next = link.next;
            }
            sum
        })
    }
}
