//! The program as a graph of flows, for the escape analysis.
//!
//! Whatever is *mutated* into an object counts as escaping, even where the object is in the same frame:
//! a frame's objects may have been evacuated to the heap by then, and the heap must not refer to a frame.
//! Only what an object is made from may be in the same frame.

use super::closures::Closures;
use super::reasons::{Notes, Subject};
use super::{Decisions, Placements, Reasons, SiteKey, Zone};
use crate::core::{Expr, ExprId, LambdaId, LoopId, Program, VariableId, deeper};
use crate::primitive::{Effect, Primitive};
use crate::source::Span;
use aurora_escape::{EscapeReason, Graph, LocationId, Note, Placement, ProcedureId, ScopeId};
use std::collections::HashMap;

/// Fills in the decisions.
pub(super) fn place(program: &Program, placements: &mut Placements, reasons: Reasons) {
    let mut builder = FlowBuilder {
        program,
        closures: &placements.closures,
        graph: Graph::new(),
        notes: Notes::default(),
        procedures: HashMap::new(),
        variables: HashMap::new(),
        sites: Vec::new(),
        loop_scopes: HashMap::new(),
        loop_results: HashMap::new(),
    };
    for &lambda in &placements.closures.reachable {
        if builder.is_closed(lambda) {
            builder.procedure(lambda, None);
        }
    }
    for &lambda in &placements.closures.reachable {
        if builder.is_closed(lambda) {
            builder.body(lambda);
        }
    }
    let decisions = builder.finish(reasons);
    placements.accept(decisions);
}

/// Where the walk is.
#[derive(Debug, Clone, Copy)]
pub(super) struct At {
    pub(super) scope: ScopeId,
    /// The value is the procedure's result.
    pub(super) tail: bool,
}

pub(super) struct FlowBuilder<'a> {
    pub(super) program: &'a Program,
    pub(super) closures: &'a Closures,
    pub(super) graph: Graph,
    pub(super) notes: Notes,
    pub(super) procedures: HashMap<LambdaId, ProcedureId>,
    variables: HashMap<VariableId, LocationId>,
    sites: Vec<(SiteKey, LocationId, ScopeId)>,
    loop_scopes: HashMap<LoopId, ScopeId>,
    loop_results: HashMap<LoopId, Vec<LocationId>>,
}

impl FlowBuilder<'_> {
    /// Without free variables a procedure is analysed on its own, wherever it stands.
    fn is_closed(&self, lambda: LambdaId) -> bool {
        self.program.lambdas[lambda.index()].free.is_empty()
    }

    /// Declares a procedure and its parameters.
    pub(super) fn procedure(&mut self, lambda: LambdaId, parent: Option<ScopeId>) -> ProcedureId {
        if let Some(&known) = self.procedures.get(&lambda) {
            return known;
        }
        let source = &self.program.lambdas[lambda.index()];
        let procedure = self.graph.procedure(parent, source.parameters.len());
        self.procedures.insert(lambda, procedure);
        for (index, &parameter) in source.parameters.iter().enumerate() {
            self.variables.insert(parameter, self.graph.param(procedure, index));
        }
        if let Some(rest) = source.rest {
            let location = self.graph.variable(self.graph.body(procedure));
            self.variables.insert(rest, location);
        }
        procedure
    }

    /// Describes the body of a declared procedure.
    pub(super) fn body(&mut self, lambda: LambdaId) {
        let source = &self.program.lambdas[lambda.index()];
        let procedure = self.procedures[&lambda];
        let at = At { scope: self.graph.body(procedure), tail: !self.program.is_form(lambda) };
        for &parameter in source.parameters.iter().chain(&source.rest) {
            self.cell(parameter, at, source.span);
        }
        let result = self.graph.result(procedure);
        self.expr(source.body, result, at);
    }

    /// A procedure inside another: declared, described, and open to unknown callers if its value is used.
    pub(super) fn nested(&mut self, lambda: LambdaId, at: At) {
        if !self.is_closed(lambda) {
            self.procedure(lambda, Some(at.scope));
            self.body(lambda);
        }
    }

    /// Some code that is not known may call the procedure.
    pub(super) fn open_to_unknown_callers(&mut self, lambda: LambdaId, span: Span) {
        if let Some(&procedure) = self.procedures.get(&lambda) {
            let note = self.note(span, Subject::None);
            let result = self.graph.result(procedure);
            self.graph.escape(result, EscapeReason::UnknownCallee, note);
        }
    }

    pub(super) fn note(&mut self, span: Span, subject: Subject) -> Note {
        self.notes.add(span, subject)
    }

    fn plain(&mut self, id: ExprId) -> Note {
        let span = self.program.span(id);
        self.note(span, Subject::None)
    }

    /// A place for an intermediate value.
    pub(super) fn scratch(&mut self, at: At) -> LocationId {
        self.graph.variable(at.scope)
    }

    /// Evaluates into a place of its own.
    pub(super) fn value(&mut self, id: ExprId, at: At) -> LocationId {
        if let Expr::Local(variable) = self.program.expr(id)
            && self.program.var(*variable).procedure.is_none()
            && let Some(&location) = self.variables.get(variable)
        {
            return location;
        }
        let to = self.scratch(at);
        self.expr(id, to, At { tail: false, ..at });
        to
    }

    /// A site; `allowed` is false for what is never placed in a frame.
    pub(super) fn site(&mut self, key: SiteKey, at: At, allowed: bool, span: Span) -> LocationId {
        let note = self.note(span, Subject::None);
        let site = self.graph.site(at.scope, allowed, note);
        self.sites.push((key, site, at.scope));
        site
    }

    /// The cell of a variable, if it has one.
    fn cell(&mut self, variable: VariableId, at: At, span: Span) {
        if self.program.var(variable).is_boxed() {
            let site = self.site(SiteKey::Cell(variable), at, true, span);
            let note = self.note(span, Subject::None);
            let value = self.variables[&variable];
            self.graph.initialise(site, value, note);
            // The variable's place also stands for the cell, which closures capture.
            self.graph.address(site, value, note);
        }
    }

    fn declare(&mut self, variable: VariableId, at: At) -> LocationId {
        let location = self.graph.variable(at.scope);
        self.variables.insert(variable, location);
        location
    }

    pub(super) fn variable(&self, variable: VariableId) -> Option<LocationId> {
        self.variables.get(&variable).copied()
    }

    /// The expression's value flows to `to`.
    pub(super) fn expr(&mut self, id: ExprId, to: LocationId, at: At) {
        deeper(|| self.dispatch(id, to, at));
    }

    fn dispatch(&mut self, id: ExprId, to: LocationId, at: At) {
        let program = self.program;
        let inner = At { tail: false, ..at };
        match program.expr(id) {
            Expr::Constant(_) => {}
            Expr::Global(global) => {
                if let Some(lambda) = program.globals[global.index()].procedure() {
                    self.open_to_unknown_callers(lambda, program.span(id));
                }
            }
            Expr::Local(variable) => self.read(*variable, to, id),
            Expr::SetLocal(variable, value) => self.assign(*variable, *value, id, at),
            Expr::SetGlobal(global, value) | Expr::DefineGlobal(global, value) => {
                let from = self.value(*value, at);
                let note = self.note(program.span(id), Subject::Global(*global));
                self.graph.escape(from, EscapeReason::Global, note);
            }
            Expr::If(test, then, otherwise) => {
                self.value(*test, at);
                self.expr(*then, to, at);
                self.expr(*otherwise, to, at);
            }
            Expr::Sequence(all) => {
                let (last, before) = all.split_last().expect("a sequence is not empty");
                before.iter().for_each(|&part| {
                    self.value(part, at);
                });
                self.expr(*last, to, at);
            }
            Expr::Let(bindings, body) => {
                self.bindings(bindings, at);
                self.expr(*body, to, at);
            }
            Expr::Letrec(bindings, body) => {
                self.recursive(bindings, at);
                self.expr(*body, to, at);
            }
            Expr::Lambda(lambda) => {
                self.closure(*lambda, to, true, at);
                self.open_to_unknown_callers(*lambda, program.span(id));
            }
            Expr::Call(callee, args) => self.call(id, *callee, args, to, at),
            Expr::Primitive(primitive, args) => self.primitive(*primitive, args, to, id, inner),
            Expr::RecordNew(_, values) => self.new_object(id, values, to, inner),
            Expr::RecordIs(_, value) => {
                self.value(*value, at);
            }
            Expr::RecordRef(_, _, value) => {
                let from = self.value(*value, at);
                let note = self.plain(id);
                self.graph.load(from, to, note);
            }
            Expr::RecordSet(_, _, target, value) => {
                self.value(*target, at);
                let from = self.value(*value, at);
                self.stored(from, id);
            }
            Expr::Loop { id: loop_id, variables, inits, body } => {
                self.looped(id, *loop_id, variables, inits, *body, to, at)
            }
            Expr::Next(target, args) => self.next(*target, args, id, at),
            Expr::WithArena { .. } | Expr::InArena { .. } => self.arena(id, to, inner),
        }
    }

    /// What is allocated in an arena's extent counts as the heap's: it is evacuated when the arena ends.
    fn arena(&mut self, id: ExprId, to: LocationId, at: At) {
        match self.program.expr(id) {
            Expr::WithArena { variable, bytes, body } => {
                self.value(*bytes, at);
                self.declare(*variable, at);
                self.cell(*variable, at, self.program.span(id));
                self.expr(*body, to, at);
            }
            Expr::InArena { arena, body } => {
                self.value(*arena, at);
                self.expr(*body, to, at);
            }
            _ => {}
        }
    }

    fn read(&mut self, variable: VariableId, to: LocationId, id: ExprId) {
        if let Some(lambda) = self.program.var(variable).procedure {
            self.open_to_unknown_callers(lambda, self.program.span(id));
        }
        if let Some(from) = self.variable(variable) {
            let note = self.note(self.program.span(id), Subject::Variable(variable));
            self.graph.flow(from, to, note);
        }
    }

    fn assign(&mut self, variable: VariableId, value: ExprId, id: ExprId, at: At) {
        let from = self.value(value, at);
        let note = self.note(self.program.span(id), Subject::Variable(variable));
        if self.program.var(variable).is_boxed() {
            self.graph.escape(from, EscapeReason::StoredInUnknown, note);
        } else if let Some(to) = self.variable(variable) {
            self.graph.flow(from, to, note);
        }
    }

    /// A value is stored into an object that exists already.
    pub(super) fn stored(&mut self, from: LocationId, id: ExprId) {
        let note = self.plain(id);
        self.graph.escape(from, EscapeReason::StoredInUnknown, note);
    }

    fn bindings(&mut self, bindings: &[(VariableId, ExprId)], at: At) {
        for &(variable, init) in bindings {
            let from = match self.program.expr(init) {
                Expr::Lambda(lambda) if self.program.var(variable).procedure == Some(*lambda) => {
                    let to = self.scratch(at);
                    self.closure(*lambda, to, true, at);
                    to
                }
                _ => {
                    let to = self.scratch(at);
                    self.expr(init, to, At { tail: false, ..at });
                    to
                }
            };
            let to = self.declare(variable, at);
            let note = self.note(self.program.span(init), Subject::Variable(variable));
            self.graph.flow(from, to, note);
            self.cell(variable, at, self.program.span(init));
        }
    }

    fn recursive(&mut self, bindings: &[(VariableId, LambdaId)], at: At) {
        for &(variable, _) in bindings {
            self.declare(variable, at);
        }
        for &(_, lambda) in bindings {
            if !self.is_closed(lambda) {
                self.procedure(lambda, Some(at.scope));
            }
        }
        for (index, &(variable, lambda)) in bindings.iter().enumerate() {
            // A closure that is completed after a later one was made is mutated: never in a frame.
            let captured = &self.closures.captured[lambda.index()];
            let patched = bindings[index + 1..].iter().any(|b| captured.contains(&b.0));
            let to = self.variables[&variable];
            self.closure(lambda, to, !patched, at);
        }
    }

    /// The closure of a procedure flows to `to`; the procedure's body is described.
    fn closure(&mut self, lambda: LambdaId, to: LocationId, allowed: bool, at: At) {
        let span = self.program.lambdas[lambda.index()].span;
        let captured = &self.closures.captured[lambda.index()];
        if !captured.is_empty() {
            let allowed = allowed && captured.len() <= super::FRAME_VECTOR_MAX;
            let site = self.site(SiteKey::Closure(lambda), at, allowed, span);
            for &variable in captured {
                let note = self.note(span, Subject::Variable(variable));
                if let Some(from) = self.variable(variable) {
                    self.graph.initialise(site, from, note);
                }
            }
            let note = self.note(span, Subject::None);
            self.graph.address(site, to, note);
        }
        self.nested(lambda, at);
    }

    /// A new object whose fields are the values.
    fn new_object(&mut self, id: ExprId, values: &[ExprId], to: LocationId, at: At) {
        let parts: Vec<_> = values.iter().map(|&v| self.value(v, at)).collect();
        let allowed = parts.len() <= super::FRAME_VECTOR_MAX;
        let site = self.site(SiteKey::Expr(id), at, allowed, self.program.span(id));
        let note = self.plain(id);
        for part in parts {
            self.graph.initialise(site, part, note);
        }
        self.graph.address(site, to, note);
    }

    fn primitive(&mut self, primitive: Primitive, args: &[ExprId], to: LocationId, id: ExprId, at: At) {
        let small_vector = primitive == Primitive::Vector && args.len() <= super::FRAME_VECTOR_MAX;
        if primitive == Primitive::Cons || small_vector {
            return self.new_object(id, args, to, at);
        }
        let values: Vec<_> = args.iter().map(|&arg| self.value(arg, at)).collect();
        let note = self.plain(id);
        if primitive.allocates() {
            // Never in a frame, but what becomes of the object is worth telling.
            let site = self.site(SiteKey::Expr(id), at, true, self.program.span(id));
            self.graph.address(site, to, note);
        }
        let unknown = EscapeReason::StoredInUnknown;
        match primitive.effect() {
            Effect::Pure => {}
            Effect::Field(index) => self.graph.load(values[usize::from(index)], to, note),
            Effect::Reaches(index) => {
                let any = self.scratch(at);
                self.graph.flow(values[usize::from(index)], any, note);
                self.graph.load(any, any, note);
                self.graph.flow(any, to, note);
            }
            Effect::Stores(first) => {
                values.iter().skip(usize::from(first)).for_each(|&v| self.graph.escape(v, unknown, note));
            }
            Effect::Contents(index) => {
                let (contents, rest) = values[usize::from(index)..].split_first().expect("arity is checked");
                self.graph.escape_contents(*contents, unknown, note);
                rest.iter().for_each(|&v| self.graph.escape(v, unknown, note));
            }
            Effect::Escapes => values.iter().for_each(|&v| self.graph.escape(v, unknown, note)),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one node of the tree")]
    fn looped(
        &mut self,
        id: ExprId,
        loop_id: LoopId,
        variables: &[VariableId],
        inits: &[ExprId],
        body: ExprId,
        to: LocationId,
        at: At,
    ) {
        let values: Vec<_> = inits.iter().map(|&init| self.value(init, at)).collect();
        let scope = self.graph.loop_scope(at.scope);
        self.loop_scopes.insert(loop_id, scope);
        let mut places = Vec::new();
        for (&variable, from) in variables.iter().zip(values) {
            let place = self.declare(variable, at);
            let note = self.note(self.program.span(id), Subject::Loop(loop_id));
            self.graph.flow(from, place, note);
            places.push(place);
        }
        self.loop_results.insert(loop_id, places);
        let inside = At { scope, ..at };
        for &variable in variables {
            self.loop_cell(variable, inside, self.program.span(id));
        }
        self.expr(body, to, inside);
    }

    /// A loop variable with a cell gets a new one each time round; its values may be of an outer scope only.
    fn loop_cell(&mut self, variable: VariableId, at: At, span: Span) {
        if self.program.var(variable).is_boxed() {
            let value = self.variables[&variable];
            let site = self.site(SiteKey::Cell(variable), at, true, span);
            let note = self.note(span, Subject::None);
            self.graph.initialise(site, value, note);
            let inner = self.graph.variable(at.scope);
            self.graph.flow(value, inner, note);
            self.graph.address(site, inner, note);
            self.variables.insert(variable, inner);
        }
    }

    fn next(&mut self, target: LoopId, args: &[ExprId], id: ExprId, at: At) {
        let values: Vec<_> = args.iter().map(|&arg| self.value(arg, At { tail: false, ..at })).collect();
        let note = self.note(self.program.span(id), Subject::Loop(target));
        for (from, to) in values.into_iter().zip(self.loop_results[&target].clone()) {
            self.graph.flow(from, to, note);
        }
    }

    fn finish(self, reasons: Reasons) -> Decisions {
        /// Steps of all explanations together: where objects hold objects that hold objects, each has a longer one.
        const STEPS_MAX: usize = 1 << 20;
        let mut steps_left = if reasons == Reasons::Wanted { STEPS_MAX } else { 0 };
        let mut decisions = Decisions::default();
        let Self { program, graph, notes, procedures, sites, loop_scopes, .. } = self;
        let bodies: HashMap<ScopeId, LambdaId> =
            procedures.iter().map(|(&lambda, &p)| (graph.body(p), lambda)).collect();
        let loops: HashMap<ScopeId, LoopId> =
            loop_scopes.into_iter().map(|(id, scope)| (scope, id)).collect();
        let analysis = graph.analyse();
        for (key, site, scope) in sites {
            let decision = if let Placement::Frame(_) = analysis.placement(site) {
                if let Some(name) = always_on_heap(program, key) {
                    let reason = format!("dies here, but `{name}` never allocates in a frame");
                    decisions.sites.insert(key, (Zone::Heap, reason));
                    continue;
                }
                let reason = if let Some(lambda) = bodies.get(&scope) {
                    decisions.procedures_with_frame.insert(*lambda);
                    format!("dies in {}", program.procedure_name(*lambda))
                } else if let Some(id) = loops.get(&scope) {
                    decisions.loops_with_frame.insert(*id);
                    format!("dies in each turn of the loop `{}`", program.loops[id.index()])
                } else {
                    String::new()
                };
                (Zone::Frame, reason)
            } else {
                let steps = if steps_left > 0 { analysis.explain(site) } else { Vec::new() };
                steps_left = steps_left.saturating_sub(steps.len());
                (Zone::Heap, notes.explain(program, &steps))
            };
            decisions.sites.insert(key, decision);
        }
        decisions
    }
}

/// The primitive behind a site that the compiler has no frame form for.
fn always_on_heap(program: &Program, key: SiteKey) -> Option<&'static str> {
    let SiteKey::Expr(id) = key else { return None };
    match program.expr(id) {
        Expr::Primitive(Primitive::Cons, _) => None,
        Expr::Primitive(Primitive::Vector, args) if args.len() <= super::FRAME_VECTOR_MAX => None,
        Expr::Primitive(primitive, _) => Some(primitive.name()),
        _ => None,
    }
}
