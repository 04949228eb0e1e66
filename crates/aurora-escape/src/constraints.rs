//! From the client's description to edges: stores and calls are resolved as far as can be done before the propagation.

use alloc::vec::Vec;

use crate::edges::{Edge, Edges, Via};
use crate::graph::{Call, Graph, LocationKind};
use crate::ids::{LocationId, Note, ProcedureId, ScopeId};
use crate::origin::{Origin, origins};
use crate::reason::EscapeReason;
use crate::scopes::Nesting;

#[derive(Debug)]
pub(crate) struct Constraints {
    pub(crate) edges: Edges,
    pub(crate) origins: Vec<Origin>,
    /// The calls of each procedure, as indices into the graph's calls.
    pub(crate) calls_of: Vec<Vec<usize>>,
}

impl Constraints {
    pub(crate) fn of(graph: &mut Graph, nesting: &Nesting) -> Self {
        let mut constraints = Self {
            edges: Edges::new(graph.locations.len()),
            origins: origins(graph),
            calls_of: alloc::vec![Vec::new(); graph.procedures.len()],
        };
        constraints.add_flows(graph);
        constraints.add_stores(graph);
        for call in 0..graph.calls.len() {
            constraints.add_call(graph, nesting, call);
        }
        constraints.open_procedures(graph);
        constraints.keep_for_nested_tail_calls(graph, nesting);
        constraints
    }

    /// Where a store through `pointer` goes.
    pub(crate) fn target(&self, pointer: LocationId) -> LocationId {
        match self.origins[pointer.index()] {
            Origin::One(object) => object,
            // Through no known reference at all: the description may be incomplete, so it is treated like any.
            Origin::Nothing | Origin::Anything => Graph::heap(),
        }
    }

    fn add_flows(&mut self, graph: &Graph) {
        for flow in &graph.flows {
            let via = match (flow.reason, graph.locations[flow.to.index()].kind) {
                (Some(reason), _) => Via::Escape(reason),
                (None, LocationKind::AfterFrame(_)) => Via::TailUse,
                (None, _) => Via::Assignment,
            };
            self.edges.add(Edge { from: flow.from, to: flow.to, derefs: flow.derefs, via, note: flow.note });
        }
    }

    fn add_stores(&mut self, graph: &Graph) {
        for store in &graph.stores {
            let to = self.target(store.pointer);
            let via = if to == Graph::heap() {
                Via::Escape(EscapeReason::StoredInUnknown)
            } else {
                Via::Assignment
            };
            self.edges.add(Edge { from: store.from, to, derefs: 0, via, note: store.note });
        }
    }

    fn add_call(&mut self, graph: &mut Graph, nesting: &Nesting, index: usize) {
        let call = graph.calls[index].clone();
        let callee = &mut graph.procedures[call.callee.index()];
        let visible = callee.parent.is_none_or(|parent| nesting.encloses(parent, call.scope));
        if visible {
            self.calls_of[call.callee.index()].push(index);
        } else if !callee.open {
            callee.open = true;
            self.escape(callee.result, call.note);
        }
        let known = if visible { callee.params } else { 0 };
        for (position, &arg) in graph.args(index).iter().enumerate() {
            if position < known {
                let to = graph.procedures[call.callee.index()].param(position);
                let via = Via::Argument(call.callee, position);
                self.edges.add(Edge { from: arg, to, derefs: 0, via, note: call.note });
            } else {
                self.escape(arg, call.note);
            }
            if let Some(caller) = nesting.procedure(call.scope).filter(|_| call.tail) {
                self.use_after_frame(graph, caller, arg, 0, call.note);
            }
        }
    }

    /// Unknown callers pass objects of the heap, so what is stored in them escapes.
    fn open_procedures(&mut self, graph: &Graph) {
        for procedure in graph.procedures.iter().filter(|procedure| procedure.open) {
            for index in 0..procedure.params {
                self.escape(procedure.contents(index), Note(0));
            }
        }
    }

    /// A tail call into a procedure nested in the caller: the callee goes on to use the variables that it captured after
    /// the frame that their objects would be in was closed. Which ones those are is not known here, only which are visible.
    fn keep_for_nested_tail_calls(&mut self, graph: &Graph, nesting: &Nesting) {
        let nested: Vec<(&Call, ProcedureId, ScopeId)> =
            graph.calls.iter().filter_map(|call| nested_tail_call(graph, nesting, call)).collect();
        if nested.is_empty() {
            return;
        }
        let locations_of = locations_by_scope(graph, nesting);
        let touched = sites_touched_from_inside(graph, nesting);
        let mut done = alloc::vec![false; locations_of.len()];
        for (call, caller, mut scope) in nested {
            let frame = graph.procedures[caller.index()].frame;
            while scope != frame && !core::mem::replace(&mut done[scope.index()], true) {
                for &location in &locations_of[scope.index()] {
                    match graph.locations[location.index()].kind {
                        LocationKind::Site { .. } if touched[location.index()] => {
                            self.use_after_frame(graph, caller, location, -1, call.note);
                        }
                        LocationKind::Variable | LocationKind::Parameter { .. } => {
                            self.use_after_frame(graph, caller, location, 0, call.note);
                        }
                        _ => {}
                    }
                }
                scope = nesting.parent(scope);
            }
        }
    }

    fn escape(&mut self, from: LocationId, note: Note) {
        let via = Via::Escape(EscapeReason::UnknownCallee);
        self.edges.add(Edge { from, to: Graph::heap(), derefs: 0, via, note });
    }

    fn use_after_frame(
        &mut self,
        graph: &Graph,
        caller: ProcedureId,
        from: LocationId,
        derefs: i8,
        note: Note,
    ) {
        let to = graph.procedures[caller.index()].after_frame();
        self.edges.add(Edge { from, to, derefs, via: Via::TailUse, note });
    }
}

/// A tail call whose callee is nested in the caller: with the caller and the scope that the callee is defined in.
fn nested_tail_call<'g>(
    graph: &Graph,
    nesting: &Nesting,
    call: &'g Call,
) -> Option<(&'g Call, ProcedureId, ScopeId)> {
    let caller = nesting.procedure(call.scope).filter(|_| call.tail)?;
    let parent = graph.procedures[call.callee.index()].parent?;
    nesting.encloses(graph.procedures[caller.index()].body, parent).then_some((call, caller, parent))
}

fn locations_by_scope(graph: &Graph, nesting: &Nesting) -> Vec<Vec<LocationId>> {
    let mut locations_of = alloc::vec![Vec::new(); nesting.len()];
    for (index, location) in graph.locations.iter().enumerate() {
        locations_of[location.scope.index()].push(LocationId::new(index));
    }
    locations_of
}

/// Sites that a procedure nested in theirs uses without a variable in between.
fn sites_touched_from_inside(graph: &Graph, nesting: &Nesting) -> Vec<bool> {
    let mut touched = alloc::vec![false; graph.locations.len()];
    for flow in &graph.flows {
        let scope_of = |location: LocationId| graph.locations[location.index()].scope;
        if nesting.procedure(scope_of(flow.from)) != nesting.procedure(scope_of(flow.to)) {
            touched[flow.from.index()] = true;
            touched[flow.to.index()] = true;
        }
    }
    touched
}
