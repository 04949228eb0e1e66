//! A graph with the shorthand that the tables of small programs use.

use aurora_escape::{
    Analysis, EscapeReason, Graph, LocationId, Note, Placement, ProcedureId, Reason, ScopeId,
};

pub(crate) const NOTE: Note = Note(0);

pub(crate) struct Case {
    pub(crate) graph: Graph,
    pub(crate) f: ProcedureId,
    pub(crate) body: ScopeId,
}

impl Case {
    /// A procedure `f` at top level.
    pub(crate) fn new(params: usize) -> Self {
        let mut graph = Graph::new();
        let f = graph.procedure(None, params);
        Self { body: graph.body(f), graph, f }
    }

    pub(crate) fn variable(&mut self) -> LocationId {
        self.graph.variable(self.body)
    }

    /// A site in `f` and a variable that holds its address.
    pub(crate) fn object(&mut self) -> (LocationId, LocationId) {
        self.object_in(self.body)
    }

    pub(crate) fn object_in(&mut self, scope: ScopeId) -> (LocationId, LocationId) {
        let site = self.graph.site(scope, true, NOTE);
        let variable = self.graph.variable(scope);
        self.graph.address(site, variable, NOTE);
        (site, variable)
    }

    /// `f` returns it.
    pub(crate) fn returns(&mut self, from: LocationId) {
        self.graph.flow(from, self.graph.result(self.f), NOTE);
    }

    /// A field of what is in `pointer`.
    pub(crate) fn field(&mut self, pointer: LocationId) -> LocationId {
        let to = self.variable();
        self.graph.load(pointer, to, NOTE);
        to
    }

    pub(crate) fn call(&mut self, callee: ProcedureId, args: &[LocationId]) -> LocationId {
        let to = self.variable();
        self.graph.call(self.body, callee, args, Some(to), false, NOTE);
        to
    }

    pub(crate) fn escape(&mut self, from: LocationId) {
        self.graph.escape(from, EscapeReason::Global, NOTE);
    }

    /// A procedure at top level that returns its parameter.
    pub(crate) fn identity(&mut self) -> ProcedureId {
        let callee = self.graph.procedure(None, 1);
        self.graph.flow(self.graph.param(callee, 0), self.graph.result(callee), NOTE);
        callee
    }

    /// A procedure at top level that stores its parameter 1 in the object of its parameter 0.
    pub(crate) fn setter(&mut self) -> ProcedureId {
        let callee = self.graph.procedure(None, 2);
        self.graph.store(self.graph.param(callee, 0), self.graph.param(callee, 1), NOTE);
        callee
    }
}

#[track_caller]
pub(crate) fn assert_frame(analysis: &Analysis, site: LocationId) {
    assert_eq!(analysis.explain(site), []);
    assert!(matches!(analysis.placement(site), Placement::Frame(_)));
}

#[track_caller]
pub(crate) fn assert_heap(analysis: &Analysis, site: LocationId, reason: EscapeReason) {
    assert_eq!(analysis.placement(site), Placement::Heap);
    assert_eq!(analysis.explain(site).last().map(|step| step.reason), Some(Reason::Escape(reason)));
}
