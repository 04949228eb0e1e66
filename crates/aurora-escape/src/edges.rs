//! The edges along which lifetimes are propagated, backwards: from a place to what flows into it.

use alloc::vec::Vec;

use crate::ids::{LocationId, Note, ProcedureId};
use crate::reason::EscapeReason;

/// Why there is an edge; only arguments are also treated differently.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Via {
    /// An assignment, load, initialisation or store.
    Assignment,
    Escape(EscapeReason),
    /// In use after the frame was closed.
    TailUse,
    /// Argument to parameter: what the activation does with its own variables does not matter to the caller.
    Argument(ProcedureId, usize),
    /// The callee's summary applied: the argument goes to its result or into another argument's object.
    Through(ProcedureId, usize),
    /// The callee's summary applied to a variable of its surroundings.
    HandedOut(ProcedureId),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Edge {
    pub(crate) from: LocationId,
    pub(crate) to: LocationId,
    pub(crate) derefs: i8,
    pub(crate) via: Via,
    pub(crate) note: Note,
}

const END: u32 = u32::MAX;

/// All edges, with a list for each target. Applying summaries adds edges during the propagation.
#[derive(Debug)]
pub(crate) struct Edges {
    edges: Vec<Edge>,
    /// The next edge into the same target.
    next: Vec<u32>,
    /// The latest edge into each location.
    latest: Vec<u32>,
}

impl Edges {
    pub(crate) fn new(locations: usize) -> Self {
        Self { edges: Vec::new(), next: Vec::new(), latest: alloc::vec![END; locations] }
    }

    pub(crate) fn add(&mut self, edge: Edge) -> u32 {
        let index = u32::try_from(self.edges.len()).expect("fewer than 2^32 edges");
        self.edges.push(edge);
        self.next.push(core::mem::replace(&mut self.latest[edge.to.index()], index));
        index
    }

    pub(crate) fn len(&self) -> u32 {
        self.next.len() as u32
    }

    pub(crate) fn edge(&self, index: u32) -> Edge {
        self.edges[index as usize]
    }

    pub(crate) fn latest_into(&self, to: LocationId) -> Option<u32> {
        Some(self.latest[to.index()]).filter(|&index| index != END)
    }

    /// The edge into the same target that was added before this one.
    pub(crate) fn before(&self, index: u32) -> Option<u32> {
        Some(self.next[index as usize]).filter(|&index| index != END)
    }
}
