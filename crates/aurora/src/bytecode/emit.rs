//! From the intermediate language to instructions.

use super::instr::{ARGUMENTS_PER_WORD, Code, CodeFunction, Instr, Safepoint};
use super::registers::Registers;
use super::safepoints::{self, BlockSafepoints};
use crate::diagnostic::Complaint;
use crate::ir::{
    BlockId, Callee, Comparison, Function, Inst, Liveness, Made, Module, Operand, SiteId, Terminator, Test,
};
use crate::placement::Zone;
use crate::primitive::Primitive;
use crate::source::Span;

/// Emits every function of a module.
pub(crate) fn emit_module(module: Module) -> Result<Code, Complaint> {
    let functions = module.functions.iter().map(Emitter::run).collect::<Result<Vec<_>, _>>()?;
    Ok(Code { functions, sites: module.sites, forms: module.forms })
}

struct Emitter<'a> {
    function: &'a Function,
    registers: Registers,
    out: CodeFunction,
    /// The temporaries that anything reads.
    read: Vec<bool>,
    /// Where each block starts.
    starts: Vec<u32>,
    /// Registers above the assigned ones hold an instruction's literals.
    scratch: u32,
    scratch_max: u32,
    span: Span,
    /// A form with more operands than an instruction can count.
    oversized: Option<Span>,
}

/// Operands of one instruction.
const OPERANDS_MAX: usize = 60_000;

impl<'a> Emitter<'a> {
    fn run(function: &'a Function) -> Result<CodeFunction, Complaint> {
        let live = Liveness::of(function);
        let order = reachable(function);
        let registers = Registers::assign(function, &live, &order);
        let out = CodeFunction {
            name: function.name.clone(),
            parameters: function.parameters,
            has_rest: function.has_rest,
            registers: 0,
            code: Vec::new(),
            spans: Vec::new(),
            sites: Vec::new(),
            safepoints: Vec::new(),
            live: Vec::new(),
        };
        let scratch = registers.count;
        let starts = vec![0; function.blocks.len()];
        let read = temps_read(function);
        let mut emitter = Emitter {
            function,
            registers,
            out,
            read,
            starts,
            scratch,
            scratch_max: scratch,
            span: function.span,
            oversized: None,
        };
        for (at, &block) in order.iter().enumerate() {
            emitter.starts[block.index()] = emitter.out.code.len() as u32;
            let most = safepoints::LIVE_MAX.saturating_sub(emitter.out.live.len());
            let live_here = safepoints::of_block(function, &live, &emitter.registers, block, most)
                .ok_or_else(|| emitter.too_large("too many values are in use at once"))?;
            emitter.block(block, &live_here, order.get(at + 1).copied());
        }
        emitter.finish()
    }

    fn finish(mut self) -> Result<CodeFunction, Complaint> {
        if self.scratch_max >= u32::from(u16::MAX) {
            return Err(self.too_large(&format!("it needs {} registers", self.scratch_max)));
        }
        if let Some(span) = self.oversized {
            let message = format!("more than {OPERANDS_MAX} operands in one form");
            return Err(Complaint::new(span, message, "this form").help("use quoted data, or split it up"));
        }
        for instr in &mut self.out.code {
            if let Some(target) = target_of(instr) {
                *target = self.starts[*target as usize];
            }
        }
        self.out.registers = self.scratch_max as usize;
        Ok(self.out)
    }

    fn too_large(&self, why: &str) -> Complaint {
        let message = format!("`{}` is too large: {why}", self.function.name);
        Complaint::new(self.function.span, message, "this procedure").help("split it up")
    }

    /// The number of operands of an instruction.
    fn count(&mut self, operands: usize) -> u16 {
        if operands > OPERANDS_MAX {
            self.oversized.get_or_insert(self.span);
        }
        operands.min(OPERANDS_MAX) as u16
    }

    fn push(&mut self, instr: Instr) {
        self.out.code.push(instr);
        self.out.spans.push(self.span);
    }

    fn block(&mut self, id: BlockId, live: &BlockSafepoints, next: Option<BlockId>) {
        let block = &self.function.blocks[id.index()];
        for (index, (inst, span)) in block.insts.iter().enumerate() {
            self.span = *span;
            self.scratch = self.registers.count;
            self.inst(inst, live.get(&index));
        }
        self.span = block.end_span;
        self.scratch = self.registers.count;
        self.end(&block.end, next);
    }

    fn to(&self, temp: crate::ir::Temp) -> u16 {
        self.registers.of(temp) as u16
    }

    /// The register of an operand; a literal is loaded into a scratch register.
    fn reg(&mut self, operand: Operand) -> u16 {
        if let Operand::Temp(temp) = operand {
            return self.to(temp);
        }
        let register = self.scratch as u16;
        self.scratch += 1;
        self.scratch_max = self.scratch_max.max(self.scratch);
        self.load(register, operand);
        register
    }

    fn load(&mut self, to: u16, operand: Operand) {
        match operand {
            Operand::Temp(temp) => {
                let from = self.to(temp);
                if from != to {
                    self.push(Instr::Move { to, from });
                }
            }
            Operand::Fixnum(value) => match i32::try_from(value) {
                Ok(value) => self.push(Instr::Fixnum { to, value }),
                Err(_) => self.large_fixnum(to, value),
            },
            Operand::Unspecified => self.push(Instr::Unspecified { to }),
            Operand::Literal(id) => self.push(Instr::Literal { to, index: id.index() as u32 }),
            Operand::Procedure(id) => self.push(Instr::Procedure { to, function: id.index() as u32 }),
        }
    }

    /// A fixnum beyond 32 bits, from its halves.
    fn large_fixnum(&mut self, to: u16, value: i64) {
        const SHIFT: i32 = 1 << 16;
        let (high, middle, low) = (value >> 32, value >> 16 & 0xFFFF, value & 0xFFFF);
        self.push(Instr::Fixnum { to, value: high as i32 });
        let factor = self.scratch as u16;
        self.scratch_max = self.scratch_max.max(self.scratch + 1);
        self.push(Instr::Fixnum { to: factor, value: SHIFT });
        self.push(Instr::Multiply { to, a: to, b: factor });
        self.push(Instr::AddFixnum { to, a: to, value: middle as i32 });
        self.push(Instr::Multiply { to, a: to, b: factor });
        self.push(Instr::AddFixnum { to, a: to, value: low as i32 });
    }

    fn arguments(&mut self, registers: &[u16]) {
        for chunk in registers.chunks(ARGUMENTS_PER_WORD) {
            let mut word = [0; ARGUMENTS_PER_WORD];
            word[..chunk.len()].copy_from_slice(chunk);
            self.push(Instr::Arguments(word));
        }
    }

    fn regs(&mut self, operands: &[Operand]) -> Vec<u16> {
        operands.iter().map(|&operand| self.reg(operand)).collect()
    }

    /// Notes that the instruction emitted next may collect, and what is live then.
    fn safepoint(&mut self, live: Option<&Vec<u16>>, scratch_too: bool) {
        let start = self.out.live.len() as u32;
        self.out.live.extend(live.into_iter().flatten());
        if scratch_too {
            self.out.live.extend((self.registers.count..self.scratch).map(|r| r as u16));
        }
        let at = self.out.code.len() as u32;
        self.out.safepoints.push(Safepoint { at, start, end: self.out.live.len() as u32 });
    }

    fn site(&mut self, site: SiteId) {
        self.out.sites.push((self.out.code.len() as u32, site));
    }

    fn inst(&mut self, inst: &Inst, live: Option<&Vec<u16>>) {
        match inst {
            Inst::Move { to, from } => {
                let to = self.to(*to);
                self.load(to, *from);
            }
            Inst::Global { to, global } => {
                let to = self.to(*to);
                self.push(Instr::Global { to, index: global.index() as u32 });
            }
            Inst::SetGlobal { global, from, define } => {
                let from = self.reg(*from);
                let index = global.index() as u32;
                self.push(if *define {
                    Instr::DefineGlobal { from, index }
                } else {
                    Instr::SetGlobal { from, index }
                });
            }
            Inst::Captured { to, index } => {
                let to = self.to(*to);
                self.push(Instr::Captured { to, index: *index as u16 });
            }
            Inst::SelfClosure { to } => {
                let to = self.to(*to);
                self.push(Instr::Move { to, from: 0 });
            }
            Inst::CheckDefined { from, variable } => {
                let from = self.reg(*from);
                self.push(Instr::CheckDefined { from, variable: variable.index() as u32 });
            }
            Inst::CellGet { to, cell } => {
                let (cell, to) = (self.reg(*cell), self.to(*to));
                self.push(Instr::CellGet { to, cell });
            }
            Inst::CellSet { cell, from } => {
                let (cell, from) = (self.reg(*cell), self.reg(*from));
                self.push(Instr::CellSet { cell, from });
            }
            Inst::Patch { closure, index, from } => {
                let (closure, from) = (self.reg(*closure), self.reg(*from));
                self.push(Instr::Patch { closure, index: *index as u16, from });
            }
            Inst::FrameEnter => self.push(Instr::FrameEnter),
            Inst::FrameLeave => self.push(Instr::FrameLeave),
            Inst::RecordIs { .. } | Inst::RecordRef { .. } | Inst::RecordSet { .. } => self.record(inst),
            Inst::Alloc { to, made, zone, parts, site } => {
                let to = self.to(*to);
                self.alloc(to, *made, *zone, parts, *site, live);
            }
            Inst::Primitive { to, primitive, args, site } => {
                self.primitive(*to, *primitive, args, *site, live);
            }
            Inst::Call { to, callee, args } => {
                let to = self.to(*to);
                self.call(to, callee, args, live);
            }
        }
    }

    fn record(&mut self, inst: &Inst) {
        match inst {
            Inst::RecordIs { to, record, from } => {
                let (from, to) = (self.reg(*from), self.to(*to));
                self.push(Instr::RecordIs { to, from, record: record.index() as u32 });
            }
            Inst::RecordRef { to, record, field, from } => {
                let (from, to) = (self.reg(*from), self.to(*to));
                self.push(Instr::RecordRef { to, from, field: *field as u16, record: record.index() as u32 });
            }
            Inst::RecordSet { record, field, target, from } => {
                let (target, from) = (self.reg(*target), self.reg(*from));
                self.push(Instr::RecordSet {
                    target,
                    from,
                    field: *field as u16,
                    record: record.index() as u32,
                });
            }
            _ => {}
        }
    }

    fn alloc(
        &mut self,
        to: u16,
        made: Made,
        zone: Zone,
        parts: &[Operand],
        site: SiteId,
        live: Option<&Vec<u16>>,
    ) {
        let frame = zone == Zone::Frame;
        let parts = self.regs(parts);
        let count = self.count(parts.len());
        self.safepoint(live, true);
        self.site(site);
        match made {
            Made::Pair if frame => self.push(Instr::FramePair { to, car: parts[0], cdr: parts[1] }),
            Made::Pair => self.push(Instr::Pair { to, car: parts[0], cdr: parts[1] }),
            Made::Cell => self.push(Instr::Cell { to, from: parts[0], frame }),
            Made::Vector => self.push(Instr::Vector { to, count, frame }),
            Made::Closure(function) => {
                self.push(Instr::Closure { to, count, function: function.index() as u32, frame })
            }
            Made::Record(record) => {
                self.push(Instr::Record { to, count, record: record.index() as u32, frame })
            }
        }
        if !matches!(made, Made::Pair | Made::Cell) {
            self.arguments(&parts);
        }
    }

    fn primitive(
        &mut self,
        temp: crate::ir::Temp,
        primitive: Primitive,
        args: &[Operand],
        site: SiteId,
        live: Option<&Vec<u16>>,
    ) {
        let to = self.to(temp);
        if let Some(instr) = self.store(primitive, args) {
            self.push(instr);
            if self.read[temp.index()] {
                self.push(Instr::Unspecified { to });
            }
            return;
        }
        if let Some(instr) = self.arithmetic(to, primitive, args) {
            self.safepoint(live, false);
            self.site(site);
            return self.push(instr);
        }
        if let Some(instr) = self.access(to, primitive, args) {
            return self.push(instr);
        }
        let registers = self.regs(args);
        self.safepoint(live, false);
        self.site(site);
        let count = self.count(registers.len());
        self.push(Instr::Primitive { to, count, primitive });
        self.arguments(&registers);
    }

    fn arithmetic(&mut self, to: u16, primitive: Primitive, args: &[Operand]) -> Option<Instr> {
        let &[x, y] = args else { return None };
        let small = |operand| match operand {
            Operand::Fixnum(value) => i32::try_from(value).ok(),
            _ => None,
        };
        Some(match (primitive, small(x), small(y)) {
            (Primitive::Add, _, Some(value)) => Instr::AddFixnum { to, a: self.reg(x), value },
            (Primitive::Add, Some(value), None) => Instr::AddFixnum { to, a: self.reg(y), value },
            (Primitive::Subtract, _, Some(value)) => Instr::SubtractFixnum { to, a: self.reg(x), value },
            (Primitive::Add, ..) => Instr::Add { to, a: self.reg(x), b: self.reg(y) },
            (Primitive::Subtract, ..) => Instr::Subtract { to, a: self.reg(x), b: self.reg(y) },
            (Primitive::Multiply, ..) => Instr::Multiply { to, a: self.reg(x), b: self.reg(y) },
            _ => return None,
        })
    }

    /// Primitives with an instruction of their own that never collects.
    fn access(&mut self, to: u16, primitive: Primitive, args: &[Operand]) -> Option<Instr> {
        Some(match (primitive, args) {
            (Primitive::Car, &[a]) => Instr::Car { to, from: self.reg(a) },
            (Primitive::Cdr, &[a]) => Instr::Cdr { to, from: self.reg(a) },
            (Primitive::Not, &[a]) => Instr::Not { to, from: self.reg(a) },
            (Primitive::IsNull, &[a]) => Instr::IsNull { to, from: self.reg(a) },
            (Primitive::IsPair, &[a]) => Instr::IsPair { to, from: self.reg(a) },
            (Primitive::Eq, &[a, b]) => Instr::Same { to, a: self.reg(a), b: self.reg(b) },
            (Primitive::VectorRef, &[a, b]) => {
                Instr::VectorRef { to, vector: self.reg(a), index: self.reg(b) }
            }
            _ => return None,
        })
    }

    /// Stores, whose value is hardly ever read.
    fn store(&mut self, primitive: Primitive, args: &[Operand]) -> Option<Instr> {
        Some(match (primitive, args) {
            (Primitive::SetCar, &[a, b]) => Instr::SetCar { pair: self.reg(a), from: self.reg(b) },
            (Primitive::SetCdr, &[a, b]) => Instr::SetCdr { pair: self.reg(a), from: self.reg(b) },
            (Primitive::VectorSet, &[a, b, c]) => {
                Instr::VectorSet { vector: self.reg(a), index: self.reg(b), from: self.reg(c) }
            }
            _ => return None,
        })
    }

    fn call(&mut self, to: u16, callee: &Callee, args: &[Operand], live: Option<&Vec<u16>>) {
        let count = self.count(args.len());
        let instr = match *callee {
            Callee::Known(function) => Instr::Call { to, count, function: function.index() as u32 },
            Callee::KnownClosure(function, closure) => Instr::CallClosure {
                to,
                count,
                closure: self.reg(closure),
                function: function.index() as u32,
            },
            Callee::Value(callee) => Instr::CallValue { to, count, callee: self.reg(callee) },
        };
        let registers = self.regs(args);
        self.safepoint(live, false);
        self.push(instr);
        self.arguments(&registers);
    }

    fn end(&mut self, end: &Terminator, next: Option<BlockId>) {
        match end {
            Terminator::Jump(to) => self.jump(*to, next),
            Terminator::Return(value) => {
                let from = self.reg(*value);
                self.push(Instr::Return { from });
            }
            Terminator::TailCall { callee, args } => self.tail_call(callee, args),
            Terminator::Branch { test, then, otherwise } => {
                let target = otherwise.index() as u32;
                let instr = self.test(*test, target);
                self.push(instr);
                self.jump(*then, next);
            }
            Terminator::Open => {}
        }
    }

    fn jump(&mut self, to: BlockId, next: Option<BlockId>) {
        if next != Some(to) {
            self.push(Instr::Jump { target: to.index() as u32 });
        }
    }

    fn tail_call(&mut self, callee: &Callee, args: &[Operand]) {
        let count = self.count(args.len());
        let instr = match *callee {
            Callee::Known(function) => Instr::TailCall { count, function: function.index() as u32 },
            Callee::KnownClosure(function, closure) => Instr::TailCallClosure {
                count,
                closure: self.reg(closure),
                function: function.index() as u32,
            },
            Callee::Value(callee) => Instr::TailCallValue { count, callee: self.reg(callee) },
        };
        let registers = self.regs(args);
        // What is passed on is copied before anything can move: nothing of this activation is live.
        self.safepoint(None, false);
        self.push(instr);
        self.arguments(&registers);
    }

    fn test(&mut self, test: Test, target: u32) -> Instr {
        match test {
            Test::True(a) => Instr::UnlessTrue { from: self.reg(a), target },
            Test::Null(a) => Instr::UnlessNull { from: self.reg(a), target },
            Test::Pair(a) => Instr::UnlessPair { from: self.reg(a), target },
            Test::Same(a, b) => Instr::UnlessSame { a: self.reg(a), b: self.reg(b), target },
            Test::Compare(comparison, a, b) => self.compare(comparison, a, b, target),
        }
    }

    fn compare(&mut self, comparison: Comparison, x: Operand, y: Operand, target: u32) -> Instr {
        if let Operand::Fixnum(value) = y
            && let Ok(value) = i32::try_from(value)
        {
            let a = self.reg(x);
            return match comparison {
                Comparison::Equal => Instr::UnlessEqualFixnum { a, value, target },
                Comparison::Less => Instr::UnlessLessFixnum { a, value, target },
                Comparison::AtMost => Instr::UnlessAtMostFixnum { a, value, target },
                Comparison::Greater => Instr::UnlessGreaterFixnum { a, value, target },
                Comparison::AtLeast => Instr::UnlessAtLeastFixnum { a, value, target },
            };
        }
        let (a, b) = (self.reg(x), self.reg(y));
        match comparison {
            Comparison::Equal => Instr::UnlessEqual { a, b, target },
            Comparison::Less => Instr::UnlessLess { a, b, target },
            Comparison::AtMost => Instr::UnlessAtMost { a, b, target },
            Comparison::Greater => Instr::UnlessLess { a: b, b: a, target },
            Comparison::AtLeast => Instr::UnlessAtMost { a: b, b: a, target },
        }
    }
}

/// By temporary: does anything read it?
fn temps_read(function: &Function) -> Vec<bool> {
    let mut read = vec![false; function.temps];
    let insts =
        function.blocks.iter().flat_map(|block| block.insts.iter().flat_map(|(inst, _)| inst.operands()));
    let ends = function.blocks.iter().flat_map(|block| block.end.operands());
    for operand in insts.chain(ends) {
        if let Operand::Temp(temp) = operand {
            read[temp.index()] = true;
        }
    }
    read
}

/// The blocks that can be reached, in the order in which they were made.
fn reachable(function: &Function) -> Vec<BlockId> {
    let mut seen = vec![false; function.blocks.len()];
    let mut pending = vec![BlockId::new(0)];
    while let Some(block) = pending.pop() {
        if !std::mem::replace(&mut seen[block.index()], true) {
            pending.extend(function.blocks[block.index()].end.successors());
        }
    }
    (0..seen.len()).filter(|&index| seen[index]).map(BlockId::new).collect()
}

/// The jump target of an instruction.
fn target_of(instr: &mut Instr) -> Option<&mut u32> {
    match instr {
        Instr::Jump { target }
        | Instr::UnlessTrue { target, .. }
        | Instr::UnlessNull { target, .. }
        | Instr::UnlessPair { target, .. }
        | Instr::UnlessSame { target, .. }
        | Instr::UnlessEqual { target, .. }
        | Instr::UnlessLess { target, .. }
        | Instr::UnlessAtMost { target, .. }
        | Instr::UnlessEqualFixnum { target, .. }
        | Instr::UnlessLessFixnum { target, .. }
        | Instr::UnlessAtMostFixnum { target, .. }
        | Instr::UnlessGreaterFixnum { target, .. }
        | Instr::UnlessAtLeastFixnum { target, .. } => Some(target),
        _ => None,
    }
}
