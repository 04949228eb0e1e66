//! The answers.

use alloc::vec::Vec;

use crate::edges::Edges;
use crate::explain::{Derivations, Explainer};
use crate::graph::{Graph, Location, LocationKind};
use crate::ids::{LocationId, ProcedureId, ScopeId};
use crate::reason::Step;
use crate::scopes::Nesting;
use crate::summary::Summary;

/// Where the objects of a site go.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Placement {
    /// Into the frame of this scope, which is the site's own: nothing refers to them once it is left.
    Frame(ScopeId),
    /// To the heap.
    Heap,
}

/// What [`Graph::analyse`] found out.
#[derive(Debug)]
pub struct Analysis {
    locations: Vec<Location>,
    nesting: Nesting,
    edges: Edges,
    derivations: Derivations,
    escaped: Vec<Option<u32>>,
    has_frame_sites: Vec<bool>,
    summaries: Vec<Summary>,
}

impl Analysis {
    pub(crate) fn new(
        graph: Graph,
        nesting: Nesting,
        edges: Edges,
        derivations: Derivations,
        escaped: Vec<Option<u32>>,
        summaries: Vec<Summary>,
    ) -> Self {
        let mut has_frame_sites = alloc::vec![false; nesting.len()];
        for (location, escaped) in graph.locations.iter().zip(&escaped) {
            if matches!(location.kind, LocationKind::Site { .. }) && escaped.is_none() {
                has_frame_sites[location.scope.index()] = true;
            }
        }
        Self { locations: graph.locations, nesting, edges, derivations, escaped, has_frame_sites, summaries }
    }

    /// Where the objects of `site` may go. Constant time.
    ///
    /// What is not a site is on the heap.
    #[must_use]
    pub fn placement(&self, site: LocationId) -> Placement {
        match (self.locations.get(site.index()), self.escaped.get(site.index())) {
            (Some(Location { kind: LocationKind::Site { .. }, scope, .. }), Some(None)) => {
                Placement::Frame(*scope)
            }
            _ => Placement::Heap,
        }
    }

    /// Whether any site directly in `scope` is in its frame; a scope without one needs no frame. Constant time.
    #[must_use]
    pub fn scope_has_frame_sites(&self, scope: ScopeId) -> bool {
        self.has_frame_sites.get(scope.index()).copied().unwrap_or(false)
    }

    /// The way by which objects of `site` outlive its scope, ending in [`Reason::Escape`](crate::Reason::Escape). Empty for
    /// a site in a frame. There may be other ways; this is one that was found first. Linear in the length of the way.
    #[must_use]
    pub fn explain(&self, site: LocationId) -> Vec<Step> {
        let escaped = self.escaped.get(site.index()).copied().flatten();
        let explainer = Explainer {
            locations: &self.locations,
            nesting: &self.nesting,
            edges: &self.edges,
            derivations: &self.derivations,
        };
        escaped.map(|derivation| explainer.explain(derivation)).unwrap_or_default()
    }

    /// What `p` does with its parameters.
    ///
    /// # Panics
    /// When `p` is of another graph.
    #[must_use]
    pub fn summary(&self, p: ProcedureId) -> &Summary {
        &self.summaries[p.index()]
    }
}
