//! Whether objects were put between older ones, as far as addresses tell.
//!
//! Promotion uses free lines, and in fragmented blocks the gaps between objects. What lived at the end of a full
//! collection keeps its line, as long as it lives, from being free; so whatever is younger and begins in that line,
//! before it, was put into a gap.

use std::collections::HashMap;

use terrane_gc::raw::ObjectModel;

use super::{Place, Shadow};
use crate::model::Model;

/// Bytes of a line, or fewer: then some gaps that are filled are not noticed.
const LINE_SIZE: usize = 256;

#[derive(Debug, Default)]
pub(super) struct Gaps {
    /// Where each object was after the last full collection.
    settled: HashMap<usize, usize>,
    pub(super) filled: usize,
}

impl Gaps {
    /// Takes note of where objects are after a full collection.
    pub(super) fn settle(&mut self, places: Vec<(usize, usize)>) {
        self.settled = places.into_iter().map(|(address, node)| (node, address)).collect();
    }

    /// Counts the objects, given in order of their addresses, that were put before one that has settled.
    pub(super) fn count_filled(&mut self, places: &[(usize, usize)]) {
        let settled = |(address, node): &(usize, usize)| self.settled.get(node) == Some(address);
        let in_gap = |pair: &&[(usize, usize)]| {
            pair[0].0 / LINE_SIZE == pair[1].0 / LINE_SIZE && !settled(&pair[0]) && settled(&pair[1])
        };
        self.filled += places.windows(2).filter(in_gap).count();
    }
}

impl Shadow {
    /// Addresses of the objects in the old space that the roots reach, and their nodes, in order.
    pub(super) fn places(&self) -> Vec<(usize, usize)> {
        let young = self.heap.young_range();
        let mut places: Vec<(usize, usize)> = self
            .compare()
            .into_iter()
            .filter(|&(node, _)| self.nodes[node].place == Place::Heap)
            .filter_map(|(node, word)| Some((Model::address(word)?, node)))
            .filter(|(address, _)| !young.contains(address))
            .collect();
        places.sort_unstable();
        places
    }
}
