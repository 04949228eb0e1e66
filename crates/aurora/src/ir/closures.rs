//! Lowering of variables and of the procedures that capture them.

use super::function::{Inst, Made, Operand};
use super::lower::Lowering;
use crate::core::{ExprId, LambdaId, VariableId};
use crate::placement::SiteKey;

impl Lowering<'_> {
    /// The value of a variable.
    pub(super) fn read(&mut self, variable: VariableId, id: ExprId) -> Operand {
        let span = self.span(id);
        let place = self.place(variable, id);
        let var = self.program.var(variable);
        if !var.assigned {
            return place;
        }
        // A copy: the variable may be assigned before this value is used.
        let to = self.temp();
        let copy =
            if var.is_boxed() { Inst::CellGet { to, cell: place } } else { Inst::Move { to, from: place } };
        self.emit(copy, span);
        if var.checked {
            self.emit(Inst::CheckDefined { from: Operand::Temp(to), variable }, span);
        }
        Operand::Temp(to)
    }

    /// Where a variable's value, or the cell of a shared one, is.
    pub(super) fn place(&mut self, variable: VariableId, id: ExprId) -> Operand {
        if let Some(&place) = self.places.get(&variable) {
            return place;
        }
        if let Some(lambda) = self.program.var(variable).procedure {
            if !self.placements.needs_closure(lambda) {
                return Operand::Procedure(self.ids[&lambda]);
            }
            if lambda == self.lambda {
                let to = self.temp();
                self.emit(Inst::SelfClosure { to }, self.span(id));
                return Operand::Temp(to);
            }
        }
        let index = self.placements.captured(self.lambda).iter().position(|&v| v == variable);
        let index = index.expect("a free variable is captured by the closures on the way to its use");
        let to = self.temp();
        self.emit(Inst::Captured { to, index: index as u32 }, self.span(id));
        Operand::Temp(to)
    }

    /// A procedure as a value.
    pub(super) fn closure(&mut self, lambda: LambdaId, id: ExprId) -> Operand {
        let function = self.ids[&lambda];
        if !self.placements.needs_closure(lambda) {
            return Operand::Procedure(function);
        }
        let captured = self.placements.captured(lambda).to_vec();
        let parts = captured.into_iter().map(|v| self.place(v, id)).collect();
        let what = self.closure_name(lambda);
        Operand::Temp(self.alloc(
            Made::Closure(function),
            parts,
            SiteKey::Closure(lambda),
            &what,
            self.span(id),
        ))
    }

    fn closure_name(&self, lambda: LambdaId) -> String {
        match &self.program.lambdas[lambda.index()].name {
            Some(name) => format!("closure {name}"),
            None => "closure".into(),
        }
    }

    /// Procedures that may refer to each other: made first, completed afterwards.
    pub(super) fn recursive_closures(&mut self, bindings: &[(VariableId, LambdaId)], id: ExprId) {
        let span = self.span(id);
        let mut patches = Vec::new();
        for (at, &(variable, lambda)) in bindings.iter().enumerate() {
            if !self.placements.needs_closure(lambda) {
                let function = self.ids[&lambda];
                self.places.insert(variable, Operand::Procedure(function));
                continue;
            }
            let later: Vec<_> = bindings[at + 1..]
                .iter()
                .filter(|b| self.placements.needs_closure(b.1))
                .map(|b| b.0)
                .collect();
            let captured = self.placements.captured(lambda).to_vec();
            let mut parts = Vec::new();
            for (index, v) in captured.into_iter().enumerate() {
                if later.contains(&v) {
                    patches.push((variable, index as u32, v));
                    parts.push(Operand::Fixnum(0));
                } else {
                    parts.push(self.place(v, id));
                }
            }
            let what = self.closure_name(lambda);
            let made = Made::Closure(self.ids[&lambda]);
            let temp = self.alloc(
                made,
                parts,
                SiteKey::Closure(lambda),
                &what,
                self.program.lambdas[lambda.index()].span,
            );
            self.places.insert(variable, Operand::Temp(temp));
        }
        for (variable, index, value) in patches {
            let (closure, from) = (self.place(variable, id), self.place(value, id));
            self.emit(Inst::Patch { closure, index, from }, span);
        }
    }
}
