//! Lowering of expressions other than calls, closures and loops.

use super::function::{Comparison, Inst, Made, Operand, Temp, Terminator, Test};
use super::lower::Lowering;
use crate::core::{Expr, ExprId, VariableId, deeper};
use crate::placement::SiteKey;
use crate::primitive::Primitive;

impl Lowering<'_> {
    /// The value of an expression, as an operand.
    pub(super) fn value(&mut self, id: ExprId) -> Operand {
        match self.program.expr(id) {
            Expr::Constant(constant) => self.constant(*constant),
            Expr::Local(variable) => self.read(*variable, id),
            _ => {
                let to = self.temp();
                self.into(id, to);
                Operand::Temp(to)
            }
        }
    }

    pub(super) fn values(&mut self, ids: &[ExprId]) -> Vec<Operand> {
        ids.iter().map(|&id| self.value(id)).collect()
    }

    fn constant(&self, id: crate::core::ConstantId) -> Operand {
        match self.program.constants[id.index()] {
            crate::core::Constant::Unspecified => Operand::Unspecified,
            crate::core::Constant::Fixnum(number) => Operand::Fixnum(number),
            _ => Operand::Literal(id),
        }
    }

    /// Evaluates an expression into a temporary.
    pub(super) fn into(&mut self, id: ExprId, to: Temp) {
        deeper(|| self.dispatch_into(id, to));
    }

    fn dispatch_into(&mut self, id: ExprId, to: Temp) {
        let span = self.span(id);
        let program = self.program;
        match program.expr(id) {
            Expr::Constant(_) | Expr::Local(_) => {
                let from = self.value(id);
                self.emit(Inst::Move { to, from }, span);
            }
            Expr::Global(global) => match self.known_global(*global) {
                Some(function) => self.emit(Inst::Move { to, from: Operand::Procedure(function) }, span),
                None => self.emit(Inst::Global { to, global: *global }, span),
            },
            Expr::SetLocal(..) | Expr::SetGlobal(..) | Expr::DefineGlobal(..) | Expr::RecordSet(..) => {
                self.effect(id);
                self.emit(Inst::Move { to, from: Operand::Unspecified }, span);
            }
            Expr::If(test, then, otherwise) => {
                let (yes, no, after) = (self.block(), self.block(), self.block());
                self.branch(*test, yes, no);
                for (block, part) in [(yes, *then), (no, *otherwise)] {
                    self.switch_to(block);
                    self.into(part, to);
                    self.end(Terminator::Jump(after), span);
                }
                self.switch_to(after);
            }
            Expr::Sequence(all) => {
                let (last, before) = all.split_last().expect("a sequence is not empty");
                before.iter().for_each(|&part| self.effect(part));
                self.into(*last, to);
            }
            Expr::Let(bindings, body) => {
                self.bind_all(bindings, id);
                self.into(*body, to);
            }
            Expr::Letrec(bindings, body) => {
                self.recursive_closures(bindings, id);
                self.into(*body, to);
            }
            Expr::Lambda(lambda) => {
                let from = self.closure(*lambda, id);
                self.emit(Inst::Move { to, from }, span);
            }
            Expr::Call(..) => self.call(id, to),
            Expr::Primitive(primitive, args) => self.primitive(*primitive, args, to, id),
            Expr::RecordNew(record, values) => {
                let parts = self.values(values);
                let what = format!("record {}", program.record_types[record.index()].name);
                let from = self.alloc(Made::Record(*record), parts, SiteKey::Expr(id), &what, span);
                self.emit(Inst::Move { to, from: Operand::Temp(from) }, span);
            }
            Expr::RecordIs(record, value) => {
                let from = self.value(*value);
                self.emit(Inst::RecordIs { to, record: *record, from }, span);
            }
            Expr::RecordRef(record, field, value) => {
                let from = self.value(*value);
                self.emit(Inst::RecordRef { to, record: *record, field: *field, from }, span);
            }
            Expr::Loop { .. } => self.loop_into(id, to),
            Expr::Next(target, args) => self.next(*target, args, id),
            Expr::WithArena { .. } | Expr::InArena { .. } => self.arena(id, to),
        }
    }

    /// Evaluates an expression for what it does.
    pub(super) fn effect(&mut self, id: ExprId) {
        deeper(|| self.effect_dispatch(id));
    }

    fn effect_dispatch(&mut self, id: ExprId) {
        let span = self.span(id);
        let program = self.program;
        match program.expr(id) {
            Expr::Constant(_) => {}
            Expr::SetLocal(variable, value) => {
                let from = self.value(*value);
                let place = self.place(*variable, id);
                match (program.var(*variable).is_boxed(), place) {
                    (true, cell) => self.emit(Inst::CellSet { cell, from }, span),
                    (false, Operand::Temp(to)) => self.emit(Inst::Move { to, from }, span),
                    (false, _) => {}
                }
            }
            Expr::SetGlobal(global, value) => {
                let from = self.value(*value);
                self.emit(Inst::SetGlobal { global: *global, from, define: false }, span);
            }
            Expr::DefineGlobal(global, value) => {
                let from = self.value(*value);
                self.emit(Inst::SetGlobal { global: *global, from, define: true }, span);
            }
            Expr::RecordSet(record, field, target, value) => {
                let target = self.value(*target);
                let from = self.value(*value);
                self.emit(Inst::RecordSet { record: *record, field: *field, target, from }, span);
            }
            Expr::If(test, then, otherwise) => {
                let (yes, no, after) = (self.block(), self.block(), self.block());
                self.branch(*test, yes, no);
                for (block, part) in [(yes, *then), (no, *otherwise)] {
                    self.switch_to(block);
                    self.effect(part);
                    self.end(Terminator::Jump(after), span);
                }
                self.switch_to(after);
            }
            Expr::Sequence(all) => all.iter().for_each(|&part| self.effect(part)),
            Expr::Let(bindings, body) => {
                self.bind_all(bindings, id);
                self.effect(*body);
            }
            Expr::Letrec(bindings, body) => {
                self.recursive_closures(bindings, id);
                self.effect(*body);
            }
            _ => {
                let to = self.temp();
                self.into(id, to);
            }
        }
    }

    /// Evaluates an expression as the procedure's result.
    pub(super) fn tail(&mut self, id: ExprId) {
        deeper(|| self.tail_dispatch(id));
    }

    fn tail_dispatch(&mut self, id: ExprId) {
        let span = self.span(id);
        let program = self.program;
        match program.expr(id) {
            Expr::If(test, then, otherwise) => {
                let (yes, no) = (self.block(), self.block());
                self.branch(*test, yes, no);
                self.switch_to(yes);
                self.tail(*then);
                self.switch_to(no);
                self.tail(*otherwise);
            }
            Expr::Sequence(all) => {
                let (last, before) = all.split_last().expect("a sequence is not empty");
                before.iter().for_each(|&part| self.effect(part));
                self.tail(*last);
            }
            Expr::Let(bindings, body) => {
                self.bind_all(bindings, id);
                self.tail(*body);
            }
            Expr::Letrec(bindings, body) => {
                self.recursive_closures(bindings, id);
                self.tail(*body);
            }
            Expr::Call(..) => self.tail_call(id),
            Expr::Loop { .. } => self.loop_tail(id),
            Expr::Next(target, args) => self.next(*target, args, id),
            _ => {
                let value = self.value(id);
                self.ret(value, span);
            }
        }
    }

    /// Jumps to `then` if the expression is true, else to `otherwise`.
    fn branch(&mut self, id: ExprId, then: super::BlockId, otherwise: super::BlockId) {
        deeper(|| self.branch_dispatch(id, then, otherwise));
    }

    fn branch_dispatch(&mut self, id: ExprId, then: super::BlockId, otherwise: super::BlockId) {
        let span = self.span(id);
        let program = self.program;
        match program.expr(id) {
            Expr::Primitive(Primitive::Not, args) => self.branch(args[0], otherwise, then),
            Expr::If(test, yes, no) => {
                let (first, second) = (self.block(), self.block());
                self.branch(*test, first, second);
                self.switch_to(first);
                self.branch(*yes, then, otherwise);
                self.switch_to(second);
                self.branch(*no, then, otherwise);
            }
            Expr::Constant(constant) => {
                let is_false = program.constants[constant.index()] == crate::core::Constant::Boolean(false);
                self.end(Terminator::Jump(if is_false { otherwise } else { then }), span);
            }
            Expr::Primitive(primitive, args) => {
                let test = match primitive_test(*primitive, args.len()) {
                    Some(make) => {
                        let operands = self.values(args);
                        make(&operands)
                    }
                    None => Test::True(self.value(id)),
                };
                self.end(Terminator::Branch { test, then, otherwise }, span);
            }
            _ => {
                let test = Test::True(self.value(id));
                self.end(Terminator::Branch { test, then, otherwise }, span);
            }
        }
    }

    fn bind_all(&mut self, bindings: &[(VariableId, ExprId)], id: ExprId) {
        let span = self.span(id);
        let values: Vec<_> = bindings.iter().map(|&(_, init)| self.value(init)).collect();
        for (&(variable, _), value) in bindings.iter().zip(values) {
            self.bind(variable, value, span);
        }
    }

    fn primitive(&mut self, primitive: Primitive, args: &[ExprId], to: Temp, id: ExprId) {
        let span = self.span(id);
        let operands = self.values(args);
        let made = match primitive {
            Primitive::Cons => Some(Made::Pair),
            Primitive::Vector if operands.len() <= crate::placement::FRAME_VECTOR_MAX => Some(Made::Vector),
            _ => None,
        };
        if let Some(made) = made {
            let from = self.alloc(made, operands, SiteKey::Expr(id), primitive.name(), span);
            return self.emit(Inst::Move { to, from: Operand::Temp(from) }, span);
        }
        let site = self.primitive_site(primitive, id);
        self.emit(Inst::Primitive { to, primitive, args: operands, site }, span);
    }

    /// `with-arena` and `in-arena`: enter, body, leave; a scope arena is destroyed.
    fn arena(&mut self, id: ExprId, to: Temp) {
        let span = self.span(id);
        let (arena, body, scoped) = match self.program.expr(id) {
            Expr::WithArena { variable, bytes, body } => {
                let size = self.value(*bytes);
                let arena = self.run_primitive(Primitive::MakeArena, size, id);
                self.bind(*variable, arena, span);
                (arena, *body, true)
            }
            Expr::InArena { arena, body } => (self.value(*arena), *body, false),
            _ => return,
        };
        self.run_primitive(Primitive::EnterArena, arena, id);
        self.arenas_open += 1;
        self.into(body, to);
        self.arenas_open -= 1;
        self.run_primitive(Primitive::LeaveArena, arena, id);
        if scoped {
            self.run_primitive(Primitive::DestroyArena, arena, id);
        }
    }

    fn run_primitive(&mut self, primitive: Primitive, argument: Operand, id: ExprId) -> Operand {
        let span = self.span(id);
        let to = self.temp();
        let site = self.primitive_site(primitive, id);
        self.emit(Inst::Primitive { to, primitive, args: vec![argument], site }, span);
        Operand::Temp(to)
    }
}

/// The branch test that does what a predicate does.
fn primitive_test(primitive: Primitive, count: usize) -> Option<fn(&[Operand]) -> Test> {
    Some(match (primitive, count) {
        (Primitive::IsNull, 1) => |o| Test::Null(o[0]),
        (Primitive::IsPair, 1) => |o| Test::Pair(o[0]),
        (Primitive::Eq, 2) => |o| Test::Same(o[0], o[1]),
        (Primitive::NumberEqual, 2) => |o| Test::Compare(Comparison::Equal, o[0], o[1]),
        (Primitive::Less, 2) => |o| Test::Compare(Comparison::Less, o[0], o[1]),
        (Primitive::AtMost, 2) => |o| Test::Compare(Comparison::AtMost, o[0], o[1]),
        (Primitive::Greater, 2) => |o| Test::Compare(Comparison::Greater, o[0], o[1]),
        (Primitive::AtLeast, 2) => |o| Test::Compare(Comparison::AtLeast, o[0], o[1]),
        (Primitive::IsZero, 1) => |o| Test::Compare(Comparison::Equal, o[0], Operand::Fixnum(0)),
        _ => return None,
    })
}
