//! Ours, on the safe tier: not a line of `unsafe`, and the borrow checker refuses what a collection made stale.
//!
//! The programs are written as the guide *your first runtime on terrane-gc* teaches it. What cannot collect (a small tree,
//! a thousand links, a search) takes and returns plain `Gc`s and allocates with `alloc`, which never collects. A level
//! above it there is a safepoint before each of these pieces, and what must survive that lies in a `Local`. What stays
//! from one call of a program to the next is in a `Root`.

mod lists;
mod recursion;
mod replaced;
mod strings;
mod table;
mod trees;
mod weak;

pub(super) use lists::{SafeLists, SafeLiveSet};
pub(super) use recursion::recurse;
pub(super) use replaced::SafeReplaced;
pub(super) use strings::SafeStrings;
pub(super) use table::{SafeArray, SafeNodes};
pub(super) use trees::{SafeForest, SafeGrove};
pub(super) use weak::{SafeNotes, SafeResources};

use super::configuration::Configuration;
use crate::clock;
use std::cell::RefCell;
use terrane_gc::{Gc, Heap, Mutator, Root, Trace};

/// How many small allocations are made between two safepoints: some 24 KiB, of which the nursery has room for many.
const BATCH: usize = 1_000;

/// A heap. Those who read it by shared reference enter it too.
type SharedHeap = RefCell<Heap>;

fn heap(configuration: Configuration) -> SharedHeap {
    RefCell::new(Heap::with_config((configuration.heap)()).expect("the machine has memory for a heap"))
}

/// A heap that is timed by the thread's CPU time.
fn timed(configuration: Configuration) -> SharedHeap {
    let config = (configuration.heap)().clock(clock::thread_now_ns);
    RefCell::new(Heap::with_config(config).expect("the machine has memory for a heap"))
}

/// The object of a root of this heap.
#[inline]
fn load<'h, 'm, T: Trace>(mu: &'m Mutator<'h, '_>, root: &Root<T>) -> Gc<'h, 'm, T::At<'h, 'm>> {
    mu.load(root).expect("each program has one heap")
}

/// Collects at every third allocation that may, has a nursery of 16 KiB that is soon full, poisons what it leaves, and
/// checks every reference.
#[cfg(test)]
const STRESSED: Configuration = Configuration {
    area: "stressed",
    id: "terrane-stressed",
    about: "a collection at every third allocation",
    heap: || {
        let config = terrane_gc::HeapConfig::new().nursery(terrane_arena::Bytes::from_kib(16));
        config.stress(std::num::NonZeroU64::new(3)).verify(true)
    },
};
