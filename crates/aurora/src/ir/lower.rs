//! From the core language to the intermediate language: one function per procedure.
//!
//! Lowering is destination-driven (Dybvig, Hieb and Butler 1990): an expression is lowered to an operand,
//! into a temporary, for its effect, as a test, or in tail position.

use super::function::{
    Block, BlockId, Function, FunctionId, Inst, Module, Operand, Site, SiteId, Temp, Terminator,
};
use crate::core::{ExprId, LambdaId, LoopId, Program, VariableId};
use crate::placement::{Placements, SiteKey, Zone};
use crate::primitive::Primitive;
use crate::source::Span;
use std::collections::HashMap;

/// Lowers every procedure that the program's forms can reach.
pub(crate) fn lower_program(program: &Program, placements: &Placements) -> Module {
    let mut module = Module::default();
    let mut ids = HashMap::new();
    for &lambda in placements.reachable() {
        ids.insert(lambda, FunctionId::new(ids.len()));
    }
    for &lambda in placements.reachable() {
        let lowering = Lowering::new(program, placements, &ids, &mut module.sites, lambda);
        let function = lowering.run();
        module.functions.push(function);
    }
    module.forms = placements.forms().iter().filter_map(|form| ids.get(form).copied()).collect();
    module
}

/// A loop that is being lowered.
#[derive(Debug, Clone)]
pub(super) struct OpenLoop {
    pub(super) header: BlockId,
    pub(super) temps: Vec<Temp>,
    /// How many frames were open before the loop's own.
    pub(super) frames_outside: usize,
}

/// The state of lowering one procedure.
pub(super) struct Lowering<'a> {
    pub(super) program: &'a Program,
    pub(super) placements: &'a Placements,
    pub(super) ids: &'a HashMap<LambdaId, FunctionId>,
    sites: &'a mut Vec<Site>,
    pub(super) lambda: LambdaId,
    function: Function,
    current: BlockId,
    /// Where each variable's value (or its cell) is.
    pub(super) places: HashMap<VariableId, Operand>,
    pub(super) loops: HashMap<LoopId, OpenLoop>,
    /// Arena forms around this point, in this procedure.
    pub(super) arenas_open: usize,
    /// Frames entered and not left at this point.
    pub(super) frames_open: usize,
}

impl<'a> Lowering<'a> {
    fn new(
        program: &'a Program,
        placements: &'a Placements,
        ids: &'a HashMap<LambdaId, FunctionId>,
        sites: &'a mut Vec<Site>,
        lambda: LambdaId,
    ) -> Self {
        let source = &program.lambdas[lambda.index()];
        let function = Function {
            name: program.procedure_name(lambda).into(),
            span: source.span,
            parameters: source.parameters.len(),
            has_rest: source.rest.is_some(),
            blocks: Vec::new(),
            temps: 0,
        };
        let places = HashMap::new();
        let loops = HashMap::new();
        let mut lowering = Self {
            program,
            placements,
            ids,
            sites,
            lambda,
            function,
            current: BlockId(0),
            places,
            loops,
            frames_open: 0,
            arenas_open: 0,
        };
        lowering.current = lowering.block();
        lowering
    }

    fn run(mut self) -> Function {
        let source = &self.program.lambdas[self.lambda.index()];
        let bound: Vec<VariableId> = source.parameters.iter().copied().chain(source.rest).collect();
        let temps: Vec<Temp> = bound.iter().map(|_| self.temp()).collect();
        if self.placements.procedure_has_frame(self.lambda) {
            self.frame_enter(source.span);
        }
        for (variable, temp) in bound.into_iter().zip(temps) {
            self.bind(variable, Operand::Temp(temp), source.span);
        }
        if self.program.is_form(self.lambda) {
            // Its activation stays on the stack while it calls, so that messages have a place in the program.
            let value = self.value(source.body);
            self.ret(value, source.span);
        } else {
            self.tail(source.body);
        }
        self.function
    }

    /// Gives a variable its value; an assigned and shared one gets a cell.
    pub(super) fn bind(&mut self, variable: VariableId, value: Operand, span: Span) {
        let var = self.program.var(variable);
        let place = if var.is_boxed() {
            let key = SiteKey::Cell(variable);
            Operand::Temp(self.alloc(
                super::Made::Cell,
                vec![value],
                key,
                &format!("cell of {}", var.name),
                span,
            ))
        } else if var.assigned {
            let to = self.temp();
            self.emit(Inst::Move { to, from: value }, span);
            Operand::Temp(to)
        } else {
            value
        };
        self.places.insert(variable, place);
    }

    pub(super) fn temp(&mut self) -> Temp {
        self.function.temps += 1;
        Temp::new(self.function.temps - 1)
    }

    pub(super) fn block(&mut self) -> BlockId {
        let end_span = self.function.span;
        self.function.blocks.push(Block { insts: Vec::new(), end: Terminator::Open, end_span });
        BlockId::new(self.function.blocks.len() - 1)
    }

    pub(super) fn switch_to(&mut self, block: BlockId) {
        self.current = block;
    }

    pub(super) fn emit(&mut self, inst: Inst, span: Span) {
        self.function.blocks[self.current.index()].insts.push((inst, span));
    }

    /// Ends the current block.
    pub(super) fn end(&mut self, end: Terminator, span: Span) {
        let block = &mut self.function.blocks[self.current.index()];
        if block.end == Terminator::Open {
            block.end = end;
            block.end_span = span;
        }
    }

    /// An allocation that the compiler places.
    pub(super) fn alloc(
        &mut self,
        made: super::Made,
        parts: Vec<Operand>,
        key: SiteKey,
        what: &str,
        span: Span,
    ) -> Temp {
        let (zone, reason) = self.placements.site(key);
        let site = self.site(Site { span, what: what.into(), zone, reason: reason.into(), placed: true });
        let to = self.temp();
        self.emit(Inst::Alloc { to, made, zone, parts, site }, span);
        to
    }

    pub(super) fn site(&mut self, mut site: Site) -> SiteId {
        if site.zone == Zone::Heap && self.arenas_open > 0 {
            site.zone = Zone::Arena;
        }
        self.sites.push(site);
        SiteId::new(self.sites.len() - 1)
    }

    /// The site of whatever a primitive allocates.
    pub(super) fn primitive_site(&mut self, primitive: Primitive, id: ExprId) -> SiteId {
        let (span, what) = (self.span(id), primitive.name().trim_start_matches('%').into());
        let (_, reason) = self.placements.site(SiteKey::Expr(id));
        let placed = primitive.allocates();
        self.site(Site { span, what, zone: Zone::Heap, reason: reason.into(), placed })
    }

    pub(super) fn frame_enter(&mut self, span: Span) {
        self.emit(Inst::FrameEnter, span);
        self.frames_open += 1;
    }

    /// Leaves frames down to a number of open ones, on the way out of the code that follows.
    pub(super) fn leave_frames(&mut self, down_to: usize, span: Span) {
        for _ in down_to..self.frames_open {
            self.emit(Inst::FrameLeave, span);
        }
    }

    pub(super) fn ret(&mut self, value: Operand, span: Span) {
        self.leave_frames(0, span);
        self.end(Terminator::Return(value), span);
    }

    pub(super) fn span(&self, id: ExprId) -> Span {
        self.program.span(id)
    }
}
