//! Trees in slots: an array refers to arrays of slots.
//!
//! The heap's clock is the thread's CPU time, so that its pauses leave out what other processes take from the core.

use super::super::configuration::Configuration;
use super::super::replacement::{PAGE_SLOTS, Replaced};
use super::trees::Node;
use super::{SharedHeap, load, timed};
use terrane_gc::raw::PauseHistogram;
use terrane_gc::{Array, Gc, GcArray, Mutator, Root};

type Page<'h, 'm> = GcArray<'h, 'm, Option<Gc<'h, 'm, Node<'h, 'm>>>>;

fn empty_page<'h, 'm>(mu: &'m Mutator<'h, '_>) -> Page<'h, 'm> {
    mu.alloc_array(PAGE_SLOTS, None)
}

/// The trees of [`Replaced`].
#[derive(Debug)]
pub(in super::super) struct SafeReplaced {
    heap: SharedHeap,
    pages: Root<Array<Page<'static, 'static>>>,
}

impl SafeReplaced {
    pub(in super::super) fn new(slots: usize, configuration: Configuration) -> Self {
        let mut heap = timed(configuration);
        let pages = heap.get_mut().enter(|mu| {
            let pages = mu.root(mu.alloc_array(slots.div_ceil(PAGE_SLOTS), empty_page(mu)));
            for index in 1..pages.get(mu).len() {
                mu.safepoint();
                pages.get(mu)[index].set(mu, empty_page(mu));
            }
            mu.persist(pages.get(mu))
        });
        Self { heap, pages }
    }
}

impl Replaced for SafeReplaced {
    /// Two references and a header.
    const NODE_BYTES: u64 = 24;

    fn replace(&mut self, slot: usize, depth: u32) {
        self.heap.get_mut().enter(|mu| {
            mu.safepoint();
            let page = load(mu, &self.pages)[slot / PAGE_SLOTS].get();
            page[slot % PAGE_SLOTS].set(mu, Some(Node::tree(mu, depth)));
        });
    }

    fn count(&self, slot: usize) -> u64 {
        self.heap.borrow_mut().enter(|mu| {
            let page = load(mu, &self.pages)[slot / PAGE_SLOTS].get();
            page[slot % PAGE_SLOTS].get().map_or(0, |tree| tree.count())
        })
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(self.heap.borrow().stats().committed_bytes)
    }

    fn pauses(&self) -> Option<PauseHistogram> {
        Some(self.heap.borrow().stats().pauses)
    }

    fn step(&mut self, ns: u64) -> bool {
        self.heap.get_mut().enter(|mu| mu.step(ns))
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn trees_survive_collections_and_pauses_are_told() {
        let mut replaced = SafeReplaced::new(2 * PAGE_SLOTS, STRESSED);
        replaced.replace(3, 3);
        replaced.replace(PAGE_SLOTS + 3, 4);
        replaced.replace(3, 2);
        (0..100).for_each(|_| replaced.replace(PAGE_SLOTS + 4, 6));
        assert_eq!([3, 4, PAGE_SLOTS + 3].map(|slot| replaced.count(slot)), [7, 0, 31]);
        let (before, slices) = (replaced.pauses().unwrap().count(), replaced.heap.borrow().stats().slices);
        replaced.heap.get_mut().enter(|mu| {
            mu.begin_full();
            while mu.step_units(10) {}
        });
        let slices = replaced.heap.borrow().stats().slices - slices;
        assert!(slices > 10, "{slices}");
        assert!(replaced.pauses().unwrap().count() >= before + slices, "each slice is a pause");
        assert!(replaced.heap_bytes().unwrap() > 1 << 20);
    }
}
