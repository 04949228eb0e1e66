//! What the client says about its program: scopes, locations and the flows between them.

use alloc::vec::Vec;
use core::ops::Range;

use crate::analysis::Analysis;
use crate::ids::{LocationId, Note, ProcedureId, ScopeId};
use crate::reason::EscapeReason;
use crate::scopes::{ScopeKind, Scopes};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LocationKind {
    /// Everything that is not in a frame. There is one such location.
    Heap,
    Variable,
    Parameter {
        procedure: ProcedureId,
        index: usize,
    },
    /// The fields of the objects of one site.
    Site {
        allowed: bool,
    },
    Result(ProcedureId),
    /// The fields of the object that the caller passed as this parameter.
    Contents {
        procedure: ProcedureId,
        index: usize,
    },
    /// What is still in use after a tail call has closed the frame.
    AfterFrame(ProcedureId),
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Location {
    pub(crate) scope: ScopeId,
    pub(crate) kind: LocationKind,
    pub(crate) note: Note,
}

#[derive(Clone, Debug)]
pub(crate) struct Procedure {
    pub(crate) parent: Option<ScopeId>,
    /// The boundary of the activation, parent of the body.
    pub(crate) frame: ScopeId,
    pub(crate) body: ScopeId,
    pub(crate) params: usize,
    pub(crate) result: LocationId,
    /// Its result is given to unknown code, so its parameters come from there.
    pub(crate) open: bool,
}

impl Procedure {
    pub(crate) fn after_frame(&self) -> LocationId {
        LocationId::new(self.result.index() + 1)
    }

    pub(crate) fn param(&self, index: usize) -> LocationId {
        assert!(index < self.params, "parameter {index} of a procedure with {}", self.params);
        LocationId::new(self.result.index() + 2 + index)
    }

    pub(crate) fn contents(&self, index: usize) -> LocationId {
        LocationId::new(self.param(index).index() + self.params)
    }
}

/// `to` = `from`, dereferenced `derefs` times; −1 is the address of `from`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    pub(crate) from: LocationId,
    pub(crate) to: LocationId,
    pub(crate) derefs: i8,
    /// Given exactly when `to` is the heap.
    pub(crate) reason: Option<EscapeReason>,
    pub(crate) note: Note,
}

/// A field of what `pointer` points at = `from`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Store {
    pub(crate) pointer: LocationId,
    pub(crate) from: LocationId,
    pub(crate) note: Note,
}

#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) scope: ScopeId,
    pub(crate) callee: ProcedureId,
    args: Range<usize>,
    pub(crate) result: Option<LocationId>,
    pub(crate) tail: bool,
    pub(crate) note: Note,
}

/// A program as seen by the analysis.
///
/// # What the client must say
///
/// The answer is only as sound as the description. Every way for a value to get from one place to another must be a
/// flow; values that hold no reference need none. In particular:
///
/// - A variable that may also hold a reference from an undescribed source (a global, the result of an unknown callee)
///   needs [`Graph::unknown`], else a store through it may be taken for a store into the wrong object.
/// - [`Graph::call`] means a call *by name*: the callee is the instance that belongs to the caller's own lexical
///   surroundings, and it must be visible there. A closure that is called as a value, even if its code is known, is an
///   unknown callee: its arguments [escape](Graph::escape), and its procedure's result does.
/// - A nested procedure uses the locations of the scopes around it directly. A closure object is a site into which every
///   variable that the code uses from outside, also through the procedures that it calls by name, is
///   [initialised](Graph::initialise).
/// - A tail call of a value needs [`Graph::tail_use`] for the value called.
#[derive(Debug)]
pub struct Graph {
    pub(crate) scopes: Scopes,
    pub(crate) locations: Vec<Location>,
    pub(crate) procedures: Vec<Procedure>,
    pub(crate) flows: Vec<Flow>,
    pub(crate) stores: Vec<Store>,
    pub(crate) calls: Vec<Call>,
    pub(crate) call_args: Vec<LocationId>,
    pub(crate) unknown: Vec<LocationId>,
}

impl Graph {
    /// A program without procedures.
    #[must_use]
    pub fn new() -> Self {
        let heap = Location { scope: Scopes::heap(), kind: LocationKind::Heap, note: Note(0) };
        Self {
            scopes: Scopes::new(),
            locations: alloc::vec![heap],
            procedures: Vec::new(),
            flows: Vec::new(),
            stores: Vec::new(),
            calls: Vec::new(),
            call_args: Vec::new(),
            unknown: Vec::new(),
        }
    }

    pub(crate) fn heap() -> LocationId {
        LocationId::new(0)
    }

    /// A procedure with `params` parameters: at top level, or defined in the scope `parent` of another.
    pub fn procedure(&mut self, parent: Option<ScopeId>, params: usize) -> ProcedureId {
        let procedure = ProcedureId::new(self.procedures.len());
        let around = parent.unwrap_or(Scopes::heap());
        let frame =
            self.scopes.add(around, parent.and_then(|scope| self.procedure_of(scope)), ScopeKind::Procedure);
        let body = self.scopes.add(frame, Some(procedure), ScopeKind::Procedure);
        let result = self.location(frame, LocationKind::Result(procedure), Note(0));
        self.location(frame, LocationKind::AfterFrame(procedure), Note(0));
        for index in 0..params {
            self.location(body, LocationKind::Parameter { procedure, index }, Note(0));
        }
        for index in 0..params {
            self.location(frame, LocationKind::Contents { procedure, index }, Note(0));
        }
        self.procedures.push(Procedure { parent, frame, body, params, result, open: false });
        procedure
    }

    /// The scope of one activation of `p`.
    #[must_use]
    pub fn body(&self, p: ProcedureId) -> ScopeId {
        self.procedures[p.index()].body
    }

    /// The scope of one iteration of a loop in `parent`. What lives through the whole loop belongs into `parent`, and the
    /// next round is described by flows into variables there.
    pub fn loop_scope(&mut self, parent: ScopeId) -> ScopeId {
        let procedure = self.procedure_of(parent);
        self.scopes.add(parent, procedure, ScopeKind::Loop)
    }

    /// What one lifetime of `scope` is.
    #[must_use]
    pub fn scope_kind(&self, scope: ScopeId) -> ScopeKind {
        self.scopes.scope(scope).kind
    }

    /// Parameter `i` of `p`: a variable of the body.
    ///
    /// # Panics
    /// When `p` has no parameter `i`.
    #[must_use]
    pub fn param(&self, p: ProcedureId, i: usize) -> LocationId {
        self.procedures[p.index()].param(i)
    }

    /// Where what `p` returns flows to. It outlives the body.
    #[must_use]
    pub fn result(&self, p: ProcedureId) -> LocationId {
        self.procedures[p.index()].result
    }

    /// A variable of `scope`.
    pub fn variable(&mut self, scope: ScopeId) -> LocationId {
        self.location(scope, LocationKind::Variable, Note(0))
    }

    /// An allocation in `scope`. The location stands for the fields of its objects; [`Graph::address`] gives the
    /// reference. `allowed` is false for what is always on the heap.
    pub fn site(&mut self, scope: ScopeId, allowed: bool, note: Note) -> LocationId {
        self.location(scope, LocationKind::Site { allowed }, note)
    }

    /// `to` = `from`.
    pub fn flow(&mut self, from: LocationId, to: LocationId, note: Note) {
        self.push_flow(from, to, 0, note);
    }

    /// `to` = a field of what `from` points at.
    pub fn load(&mut self, from: LocationId, to: LocationId, note: Note) {
        self.push_flow(from, to, 1, note);
    }

    /// `to` = a reference to the object of `site`.
    ///
    /// # Panics
    /// When `site` is not a site.
    pub fn address(&mut self, site: LocationId, to: LocationId, note: Note) {
        self.assert_site(site);
        self.push_flow(site, to, -1, note);
    }

    /// A field of the new object of `site` = `from`.
    ///
    /// # Panics
    /// When `site` is not a site.
    pub fn initialise(&mut self, site: LocationId, from: LocationId, note: Note) {
        self.assert_site(site);
        self.push_flow(from, site, 0, note);
    }

    /// A field of what `pointer` points at = `from`. If `pointer` is only ever one site, or only ever one parameter, the
    /// value goes there; otherwise it escapes.
    pub fn store(&mut self, pointer: LocationId, from: LocationId, note: Note) {
        self.check(pointer);
        self.check(from);
        self.stores.push(Store { pointer, from, note });
    }

    /// `to` may also hold a reference from a source that is not described: a global, an unknown callee's result.
    /// (Nothing there can refer to a frame, else it would have been described as an escape.)
    pub fn unknown(&mut self, to: LocationId) {
        self.check(to);
        self.unknown.push(to);
    }

    /// `from` goes to the heap or to unknown code.
    ///
    /// The escape of `result(p)` says that unknown code calls `p`; what `p` stores in the objects of its parameters then
    /// escapes as well.
    pub fn escape(&mut self, from: LocationId, reason: EscapeReason, note: Note) {
        self.check(from);
        if let LocationKind::Result(procedure) = self.locations[from.index()].kind {
            self.procedures[procedure.index()].open = true;
        }
        self.flows.push(Flow { from, to: Self::heap(), derefs: 0, reason: Some(reason), note });
    }

    /// The fields of what `from` points at go to the heap or to unknown code, but not `from` itself.
    pub fn escape_contents(&mut self, from: LocationId, reason: EscapeReason, note: Note) {
        self.check(from);
        self.flows.push(Flow { from, to: Self::heap(), derefs: 1, reason: Some(reason), note });
    }

    /// In `scope`, `callee` is called by name. `result` receives what it returns; with `tail`, the caller's
    /// frame is closed before the jump, and the caller returns it instead.
    ///
    /// A callee that is not visible from `scope` counts as unknown code, and so do arguments beyond its parameters.
    pub fn call(
        &mut self,
        scope: ScopeId,
        callee: ProcedureId,
        args: &[LocationId],
        result: Option<LocationId>,
        tail: bool,
        note: Note,
    ) {
        assert!(self.scopes.contains(scope), "a scope of another graph");
        assert!(callee.index() < self.procedures.len(), "a procedure of another graph");
        args.iter().chain(&result).for_each(|&location| self.check(location));
        let start = self.call_args.len();
        self.call_args.extend_from_slice(args);
        self.calls.push(Call { scope, callee, args: start..self.call_args.len(), result, tail, note });
    }

    /// `from` is in use after the frame of the procedure around `scope` was closed by a tail call, though it does not
    /// escape: the value that is called. (What is passed to an unknown callee [escapes](Graph::escape); the arguments of
    /// [`Graph::call`] are seen to there.)
    pub fn tail_use(&mut self, scope: ScopeId, from: LocationId, note: Note) {
        if let Some(procedure) = self.procedure_of(scope) {
            let to = self.procedures[procedure.index()].after_frame();
            self.push_flow(from, to, 0, note);
        }
    }

    /// Decides every site. Time and memory are linear in the size of the graph, times a small constant (the number of
    /// distinct dereference counts) and the depth of nested procedures; calls of a procedure that returns a variable
    /// of its surroundings cost one flow for each such variable.
    #[must_use]
    pub fn analyse(self) -> Analysis {
        crate::solver::solve(self)
    }

    pub(crate) fn args(&self, call: usize) -> &[LocationId] {
        &self.call_args[self.calls[call].args.clone()]
    }

    fn location(&mut self, scope: ScopeId, kind: LocationKind, note: Note) -> LocationId {
        assert!(self.scopes.contains(scope), "a scope of another graph");
        self.locations.push(Location { scope, kind, note });
        LocationId::new(self.locations.len() - 1)
    }

    fn push_flow(&mut self, from: LocationId, to: LocationId, derefs: i8, note: Note) {
        self.check(from);
        self.check(to);
        self.flows.push(Flow { from, to, derefs, reason: None, note });
    }

    fn procedure_of(&self, scope: ScopeId) -> Option<ProcedureId> {
        self.scopes.scope(scope).procedure
    }

    fn check(&self, location: LocationId) {
        assert!(location.index() < self.locations.len(), "a location of another graph");
    }

    fn assert_site(&self, location: LocationId) {
        let kind = self.locations[location.index()].kind;
        assert!(matches!(kind, LocationKind::Site { .. }), "{location:?} is not a site");
    }
}

impl Default for Graph {
    fn default() -> Self {
        Self::new()
    }
}
