//! How each fact was found, and from that the explanations.
//!
//! Facts are improved during the propagation, so a link from fact to fact could end up in a circle. Each improvement
//! therefore writes a new derivation, which refers only to an earlier one: the way back always ends.

use alloc::vec::Vec;

use crate::edges::{Edge, Edges, Via};
use crate::graph::{Location, LocationKind};
use crate::ids::LocationId;
use crate::reason::{EscapeReason, Reason, Step};
use crate::scopes::Nesting;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cause {
    /// The location's own lifetime.
    Own,
    /// The site was never allowed into a frame.
    NotAllowed,
    /// The site was moved to the heap because of the derivation before.
    Moved,
    /// Over this edge, to the location of the derivation before.
    Edge(u32),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Derivation {
    pub(crate) location: LocationId,
    pub(crate) cause: Cause,
    /// The derivation that this one follows from.
    pub(crate) after: Option<u32>,
}

#[derive(Debug, Default)]
pub(crate) struct Derivations {
    derivations: Vec<Derivation>,
}

impl Derivations {
    pub(crate) fn add(&mut self, derivation: Derivation) -> u32 {
        let index = u32::try_from(self.derivations.len()).expect("fewer than 2^32 derivations");
        self.derivations.push(derivation);
        index
    }
}

#[derive(Debug)]
pub(crate) struct Explainer<'a> {
    pub(crate) locations: &'a [Location],
    pub(crate) nesting: &'a Nesting,
    pub(crate) edges: &'a Edges,
    pub(crate) derivations: &'a Derivations,
}

impl Explainer<'_> {
    pub(crate) fn explain(&self, derivation: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut next = Some(derivation);
        // The site whose escape is being told: first the one asked for, then what it was stored in.
        let mut site = self.derivations.derivations[derivation as usize].location;
        let mut note = self.location(site).note;
        while let Some(index) = next {
            let Derivation { location, cause, after } = self.derivations.derivations[index as usize];
            match cause {
                Cause::Edge(edge) => {
                    let edge = self.edges.edge(edge);
                    note = edge.note;
                    self.add_stages(&mut steps, edge);
                }
                Cause::Moved => site = location,
                Cause::NotAllowed => {
                    let reason = Reason::Escape(EscapeReason::NotAllowed);
                    steps.push(Step { reason, note: self.location(location).note });
                }
                Cause::Own => steps.extend(self.end(location, site).map(|reason| Step { reason, note })),
            }
            next = after;
        }
        steps
    }

    fn add_stages(&self, steps: &mut Vec<Step>, edge: Edge) {
        let mut add = |reason| steps.push(Step { reason, note: edge.note });
        match edge.via {
            Via::Argument(callee, index) | Via::Through(callee, index) => {
                add(Reason::PassedTo(callee, index))
            }
            Via::HandedOut(callee) => add(Reason::HandedOutBy(callee)),
            Via::Escape(reason) => add(Reason::Escape(reason)),
            Via::Assignment | Via::TailUse => {}
        }
        match self.location(edge.to).kind {
            LocationKind::Site { .. } => add(Reason::StoredIn(edge.to)),
            LocationKind::Heap if !matches!(edge.via, Via::Escape(_)) => {
                add(Reason::Escape(EscapeReason::StoredInUnknown));
            }
            _ => {}
        }
    }

    /// The way ends at a place that is no part of the heap.
    fn end(&self, place: LocationId, site: LocationId) -> Option<Reason> {
        let place = self.location(place);
        let reason = match place.kind {
            LocationKind::Heap => return None, // the edge to it has told the reason
            LocationKind::Result(_) => EscapeReason::Returned,
            LocationKind::Contents { .. } => EscapeReason::StoredInParameter,
            LocationKind::AfterFrame(_) => EscapeReason::TailCall,
            LocationKind::Variable | LocationKind::Parameter { .. } | LocationKind::Site { .. } => {
                let around = self.nesting.procedure(self.location(site).scope);
                if self.nesting.procedure(place.scope) == around {
                    EscapeReason::OutlivesIteration
                } else {
                    EscapeReason::OutlivesScope
                }
            }
        };
        Some(Reason::Escape(reason))
    }

    fn location(&self, location: LocationId) -> &Location {
        &self.locations[location.index()]
    }
}
