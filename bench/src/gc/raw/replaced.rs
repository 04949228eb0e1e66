//! Trees in slots: an array at the bottom of the shadow stack refers to arrays of slots.
//!
//! The heap's clock is the thread's CPU time, so that its pauses leave out what other processes take from the core.

use super::super::cell_model::CellModel;
use super::super::configuration::Configuration;
use super::super::pair_model::NIL;
use super::super::replacement::{PAGE_SLOTS, Replaced};
use super::Cells;
use crate::clock;
use terrane_gc::raw::{PauseHistogram, Progress};

/// The trees of [`Replaced`].
#[derive(Debug)]
pub(in super::super) struct RawReplaced {
    cells: Cells<CellModel>,
}

impl RawReplaced {
    pub(in super::super) fn new(slots: usize, configuration: Configuration) -> Self {
        let mut cells = Cells::<CellModel>::new((configuration.heap)().clock(clock::thread_now_ns));
        let pages = slots.div_ceil(PAGE_SLOTS);
        let directory = cells.array(pages);
        cells.roots.push(directory);
        for index in 0..pages {
            let page = cells.array(PAGE_SLOTS);
            cells.set_element(cells.roots.words[0], index, page);
        }
        Self { cells }
    }
}

impl Replaced for RawReplaced {
    fn replace(&mut self, slot: usize, depth: u32) {
        let tree = self.cells.tree(depth);
        let page = self.cells.element(self.cells.roots.words[0], slot / PAGE_SLOTS);
        self.cells.set_element(page, slot % PAGE_SLOTS, tree);
    }

    fn count(&self, slot: usize) -> u64 {
        let page = self.cells.element(self.cells.roots.words[0], slot / PAGE_SLOTS);
        match self.cells.element(page, slot % PAGE_SLOTS) {
            NIL => 0,
            tree => self.cells.count(tree),
        }
    }

    fn heap_bytes(&self) -> Option<u64> {
        Some(self.cells.heap.stats().committed_bytes)
    }

    fn pauses(&self) -> Option<PauseHistogram> {
        Some(self.cells.heap.stats().pauses)
    }

    fn step(&mut self, ns: u64) -> bool {
        self.cells.heap.step(ns, &mut self.cells.roots) == Progress::More
    }
}

#[cfg(test)]
mod tests {
    use super::super::STRESSED;
    use super::*;

    #[test]
    fn trees_survive_collections_and_pauses_are_told() {
        let mut replaced = RawReplaced::new(2 * PAGE_SLOTS, STRESSED);
        replaced.replace(3, 3);
        replaced.replace(PAGE_SLOTS + 3, 4);
        replaced.replace(3, 2);
        assert_eq!([3, 4, PAGE_SLOTS + 3].map(|slot| replaced.count(slot)), [7, 0, 31]);
        assert!(replaced.pauses().unwrap().count() > 3);
        assert!(replaced.heap_bytes().unwrap() > 1 << 20);
    }
}
