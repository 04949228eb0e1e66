//! The propagation: which lifetimes does each location reach, and with how many dereferences?
//!
//! # Facts
//!
//! For a location *l*, the fact (*k*, *d*) says: what *l* holds, dereferenced *d* times, gets to a place with the lifetime *k*
//! (*d* = −1: the address of the object *l* gets there). *k* is a scope, the heap as the root of the scopes, the result of a
//! procedure, or the contents of a parameter. Each location starts with its own lifetime at 0, and facts move against the
//! edges: over an edge with count *w*, *d* becomes max(*d*, 0) + *w*.
//!
//! A site whose address reaches a lifetime that strictly encloses its own scope is on the heap. It then *is* a place of the
//! heap, so it gets the fact (heap, −1), by which all that is stored in it follows.
//!
//! # Calls
//!
//! Facts pass from a parameter to an argument only for lifetimes around the callee: everything inside belongs to a
//! younger activation than the caller's, and dies first. What the callee returns is not followed through an edge from result to
//! destination, which would mix up the callers. Instead, when "reaches the result of *q*" arrives at a parameter of *q*, each call of
//! *q* gets an edge from that argument to its own destination; likewise for contents of parameters; and likewise, when it
//! arrives at a variable of the surroundings of *q*, from that variable.
//!
//! # Why activations can share locations
//!
//! The object of an activation A can get to a place of an older lifetime only by (1) being returned from A, or being stored
//! in the object of a parameter: those are lifetimes that enclose the body; (2) an assignment, by a nested procedure, to a
//! variable or known object of a scope around it. Calls by name hand on the caller's own surroundings, so that in (2) the scope is of an
//! activation *older than A and another one* only if it encloses the scope of the object strictly, or if a closure was called as a
//! value in between. The arguments of the latter are on the heap. Hence testing scopes, not activations, is enough.
//!
//! # Termination
//!
//! Counts above [`MAX_DEREFS`] are rounded down to it, which claims more than is true and so is safe. Every fact can then improve a
//! constant number of times. The scopes in the facts of *l* are ancestors of its own, kept only if no outer one has as low a
//! count: at most as many as there are counts.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::analysis::Analysis;
use crate::constraints::Constraints;
use crate::edges::{Edge, Via};
use crate::explain::{Cause, Derivation, Derivations};
use crate::graph::{Graph, LocationKind, Procedure};
use crate::ids::{LocationId, ProcedureId, ScopeId};
use crate::scopes::{Nesting, Scopes};
use crate::summary::Summary;

pub(crate) const MAX_DEREFS: i8 = 7;

/// A lifetime that a value can reach.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reached {
    Scope(ScopeId),
    /// The result of a procedure or the contents of its parameter.
    Sink(LocationId),
}

impl Reached {
    fn heap() -> Self {
        Self::Scope(Scopes::heap())
    }
}

#[derive(Clone, Copy, Debug)]
struct Fact {
    reached: Reached,
    derefs: i8,
    /// Waits to be propagated.
    pending: bool,
    derivation: u32,
}

struct Solver {
    graph: Graph,
    nesting: Nesting,
    constraints: Constraints,
    /// The first fact of a location is its own lifetime.
    facts: Vec<Vec<Fact>>,
    derivations: Derivations,
    /// Of those that were moved to the heap: why.
    escaped: Vec<Option<u32>>,
    queue: VecDeque<(LocationId, Reached)>,
}

pub(crate) fn solve(mut graph: Graph) -> Analysis {
    let nesting = graph.scopes.nesting();
    let constraints = Constraints::of(&mut graph, &nesting);
    let count = graph.locations.len();
    let mut solver = Solver {
        facts: alloc::vec![Vec::new(); count],
        derivations: Derivations::default(),
        escaped: alloc::vec![None; count],
        queue: VecDeque::new(),
        graph,
        nesting,
        constraints,
    };
    solver.seed();
    solver.seed_sideways_edges();
    while let Some((location, reached)) = solver.queue.pop_front() {
        solver.visit(location, reached);
    }
    let summaries = solver.graph.procedures.iter().map(|procedure| solver.summary(procedure)).collect();
    Analysis::new(
        solver.graph,
        solver.nesting,
        solver.constraints.edges,
        solver.derivations,
        solver.escaped,
        summaries,
    )
}

impl Solver {
    fn seed(&mut self) {
        for index in 0..self.graph.locations.len() {
            let location = LocationId::new(index);
            let derivation = self.derivations.add(Derivation { location, cause: Cause::Own, after: None });
            let reached = match self.graph.locations[index].kind {
                LocationKind::Result(_) | LocationKind::Contents { .. } => Reached::Sink(location),
                _ => Reached::Scope(self.graph.locations[index].scope),
            };
            self.facts[index].push(Fact { reached, derefs: 0, pending: true, derivation });
            self.queue.push_back((location, reached));
        }
        for index in 0..self.graph.locations.len() {
            if self.graph.locations[index].kind == (LocationKind::Site { allowed: false }) {
                let location = LocationId::new(index);
                self.learn(
                    location,
                    Reached::heap(),
                    -1,
                    Derivation { location, cause: Cause::NotAllowed, after: None },
                );
            }
        }
    }

    /// An assignment between scopes of which neither is around the other: control leaves the one for the other (two loops
    /// that jump into each other), so the value outlives everything up to what they have in common.
    fn seed_sideways_edges(&mut self) {
        for index in 0..self.constraints.edges.len() {
            let edge = self.constraints.edges.edge(index);
            let (from, to) = (self.scope(edge.from), self.scope(edge.to));
            let related = self.nesting.encloses(from, to) || self.nesting.encloses(to, from);
            if edge.via == Via::Assignment && !related {
                let after = self.facts[edge.to.index()].first().map(|own| own.derivation);
                let derivation = Derivation { location: edge.from, cause: Cause::Edge(index), after };
                self.learn(edge.from, Reached::Scope(self.nesting.common(from, to)), edge.derefs, derivation);
            }
        }
    }

    fn visit(&mut self, location: LocationId, reached: Reached) {
        let Some(fact) = self.facts[location.index()].iter_mut().find(|fact| fact.reached == reached) else {
            return; // superseded by a stronger one
        };
        fact.pending = false;
        let fact = *fact;
        if let Reached::Sink(sink) = reached {
            if !self.nesting.encloses(self.scope(sink), self.scope(location)) {
                self.apply_to_calls(location, None, sink, fact.derefs);
                return; // the new edges carry the fact on, translated for each caller
            }
            if let LocationKind::Parameter { procedure, index } = self.graph.locations[location.index()].kind
                && self.frame(procedure) == self.scope(sink)
            {
                self.apply_to_calls(location, Some(index), sink, fact.derefs);
            }
        }
        let mut next = self.constraints.edges.latest_into(location);
        while let Some(index) = next {
            next = self.constraints.edges.before(index);
            self.propagate(index, fact);
        }
    }

    /// What reaches `sink`, a result or parameter's contents of some procedure, goes on from there in each of its callers:
    /// the argument at `index`, or without one `location`, a variable around the procedure.
    fn apply_to_calls(&mut self, location: LocationId, index: Option<usize>, sink: LocationId, derefs: i8) {
        let (callee, into) = match self.graph.locations[sink.index()].kind {
            LocationKind::Contents { procedure, index } => (procedure, Some(index)),
            LocationKind::Result(procedure) => (procedure, None),
            _ => return,
        };
        for position in 0..self.constraints.calls_of[callee.index()].len() {
            let call = self.constraints.calls_of[callee.index()][position];
            let Some(to) = self.destination(call, into) else { continue };
            let (from, via) = match index {
                Some(index) => match self.graph.args(call).get(index) {
                    Some(&arg) => (arg, Via::Through(callee, index)),
                    None => continue,
                },
                None => (location, Via::HandedOut(callee)),
            };
            self.add_edge(Edge { from, to, derefs, via, note: self.graph.calls[call].note });
        }
    }

    /// Where a call's result goes, or a store into the object of its argument `into`.
    fn destination(&self, call: usize, into: Option<usize>) -> Option<LocationId> {
        if let Some(index) = into {
            return self.graph.args(call).get(index).map(|&arg| self.constraints.target(arg));
        }
        let call = &self.graph.calls[call];
        if !call.tail {
            return call.result;
        }
        let caller = self.nesting.procedure(call.scope)?;
        Some(self.graph.procedures[caller.index()].result)
    }

    fn add_edge(&mut self, edge: Edge) {
        let index = self.constraints.edges.add(edge);
        for position in 0..self.facts[edge.to.index()].len() {
            if let Some(&fact) = self.facts[edge.to.index()].get(position) {
                self.propagate(index, fact);
            }
        }
    }

    fn propagate(&mut self, index: u32, fact: Fact) {
        let edge = self.constraints.edges.edge(index);
        if let Via::Argument(callee, _) = edge.via
            && !self.nesting.strictly_encloses(self.lifetime(fact.reached), self.frame(callee))
        {
            return;
        }
        let derefs = (fact.derefs.max(0) + edge.derefs).min(MAX_DEREFS);
        let derivation =
            Derivation { location: edge.from, cause: Cause::Edge(index), after: Some(fact.derivation) };
        self.learn(edge.from, fact.reached, derefs, derivation);
    }

    /// Records a fact unless a stronger one is known.
    fn learn(&mut self, location: LocationId, reached: Reached, derefs: i8, derivation: Derivation) {
        let own = self.facts[location.index()][0].reached;
        if own == reached || self.is_implied(location, reached, derefs) {
            return;
        }
        let derivation = self.derivations.add(derivation);
        let lifetime = self.lifetime(reached);
        let nesting = &self.nesting;
        let facts = &mut self.facts[location.index()];
        let pending = match facts.iter_mut().find(|fact| fact.reached == reached) {
            Some(fact) => {
                (fact.derefs, fact.derivation) = (derefs, derivation);
                core::mem::replace(&mut fact.pending, true)
            }
            None => {
                facts.push(Fact { reached, derefs, pending: true, derivation });
                false
            }
        };
        if !pending {
            self.queue.push_back((location, reached));
        }
        if let Reached::Scope(scope) = reached {
            let mut first = true;
            facts.retain(|fact| {
                core::mem::take(&mut first)
                    || fact.reached == reached
                    || fact.derefs < derefs
                    || !implies(nesting, scope, fact.reached)
            });
        }
        let escapes = derefs < 0 && self.nesting.strictly_encloses(lifetime, self.scope(location));
        if escapes && self.escaped[location.index()].is_none() {
            self.escaped[location.index()] = Some(derivation);
            let moved = Derivation { location, cause: Cause::Moved, after: Some(derivation) };
            self.learn(location, Reached::heap(), -1, moved);
        }
    }

    fn is_implied(&self, location: LocationId, reached: Reached, derefs: i8) -> bool {
        let within_own = |scope| self.nesting.encloses(self.scope(location), scope);
        matches!(reached, Reached::Scope(scope) if within_own(scope))
            || self.facts[location.index()].iter().any(|fact| {
                fact.derefs <= derefs
                    && (fact.reached == reached
                        || matches!(fact.reached, Reached::Scope(scope) if implies(&self.nesting, scope, reached)))
            })
    }

    fn lifetime(&self, reached: Reached) -> ScopeId {
        match reached {
            Reached::Scope(scope) => scope,
            Reached::Sink(sink) => self.scope(sink),
        }
    }

    fn scope(&self, location: LocationId) -> ScopeId {
        self.graph.locations[location.index()].scope
    }

    fn frame(&self, procedure: ProcedureId) -> ScopeId {
        self.graph.procedures[procedure.index()].frame
    }

    fn summary(&self, procedure: &Procedure) -> Summary {
        let mut summary = Summary::new(procedure.params);
        for param in 0..procedure.params {
            for fact in &self.facts[procedure.param(param).index()][1..] {
                match fact.reached {
                    Reached::Scope(scope) if scope == Scopes::heap() => {
                        summary.reaches_heap(param, fact.derefs)
                    }
                    Reached::Scope(scope) if self.nesting.strictly_encloses(scope, procedure.frame) => {
                        summary.reaches_outer(param, fact.derefs);
                    }
                    Reached::Scope(_) => {}
                    Reached::Sink(sink) if sink == procedure.result => {
                        summary.reaches_result(param, fact.derefs)
                    }
                    Reached::Sink(sink) => {
                        let kind = self.graph.locations[sink.index()].kind;
                        if let LocationKind::Contents { procedure: owner, index } = kind
                            && self.frame(owner) == procedure.frame
                        {
                            summary.reaches_contents(param, index, fact.derefs);
                        }
                    }
                }
            }
        }
        summary
    }
}

/// Whether reaching `scope` says all that reaching `other` with no lower count would. Only the heap speaks for results and contents:
/// those have to be told apart for the callers.
fn implies(nesting: &Nesting, scope: ScopeId, other: Reached) -> bool {
    match other {
        Reached::Scope(inner) => nesting.encloses(scope, inner),
        Reached::Sink(_) => scope == Scopes::heap(),
    }
}
