//! Which procedures need a closure, and which the program can reach at all.
//!
//! A procedure whose free variables all stand for procedures that need no closure needs none itself: the
//! largest set closed under that rule (Steckler and Wand, "Lightweight Closure Conversion", 1997).

use crate::core::{Expr, ExprId, GlobalId, LambdaId, Program, VariableId};
use crate::source::Origin;
use std::collections::{HashMap, HashSet};

#[derive(Debug)]
pub(super) struct Closures {
    /// By procedure: the variables its closure carries. Empty: it needs no closure.
    pub(super) captured: Vec<Vec<VariableId>>,
    pub(super) reachable: Vec<LambdaId>,
    pub(super) forms: Vec<LambdaId>,
}

impl Closures {
    pub(super) fn of(program: &Program) -> Self {
        let captured = captured(program);
        let mut search = Reach {
            program,
            defined_by: definitions(program),
            seen: HashSet::new(),
            order: Vec::new(),
            forms: HashSet::new(),
        };
        for &form in &program.forms {
            if program.lambdas[form.index()].span.origin == Origin::User {
                search.form(form);
            }
        }
        let wanted = search.forms;
        let forms = program.forms.iter().copied().filter(|form| wanted.contains(form)).collect();
        Self { captured, reachable: search.order, forms }
    }
}

fn captured(program: &Program) -> Vec<Vec<VariableId>> {
    let mut captured: Vec<Vec<VariableId>> = vec![Vec::new(); program.lambdas.len()];
    loop {
        let mut changed = false;
        for index in 0..program.lambdas.len() {
            let carried = |&v: &VariableId| match program.var(v).procedure {
                Some(procedure) => procedure.index() != index && !captured[procedure.index()].is_empty(),
                None => true,
            };
            let needed: Vec<_> = program.lambdas[index].free.iter().copied().filter(carried).collect();
            if needed.len() != captured[index].len() {
                captured[index] = needed;
                changed = true;
            }
        }
        if !changed {
            return captured;
        }
    }
}

/// The forms that define each top-level variable.
fn definitions(program: &Program) -> HashMap<GlobalId, Vec<LambdaId>> {
    let mut all: HashMap<GlobalId, Vec<LambdaId>> = HashMap::new();
    for &form in &program.forms {
        if let Expr::DefineGlobal(global, _) = program.expr(program.lambdas[form.index()].body) {
            all.entry(*global).or_default().push(form);
        }
    }
    all
}

struct Reach<'a> {
    program: &'a Program,
    defined_by: HashMap<GlobalId, Vec<LambdaId>>,
    seen: HashSet<LambdaId>,
    order: Vec<LambdaId>,
    forms: HashSet<LambdaId>,
}

impl Reach<'_> {
    /// A form that must run; the definition of a procedure that never changes need not.
    fn form(&mut self, form: LambdaId) {
        let body = self.program.lambdas[form.index()].body;
        if let Expr::DefineGlobal(global, _) = self.program.expr(body)
            && let Some(lambda) = self.program.globals[global.index()].procedure()
        {
            return self.lambda(lambda);
        }
        if self.forms.insert(form) {
            self.lambda(form);
        }
    }

    fn lambda(&mut self, start: LambdaId) {
        let mut pending = vec![start];
        while let Some(lambda) = pending.pop() {
            if !self.seen.insert(lambda) {
                continue;
            }
            self.order.push(lambda);
            self.expr(self.program.lambdas[lambda.index()].body, &mut pending);
        }
    }

    fn expr(&mut self, start: ExprId, pending: &mut Vec<LambdaId>) {
        let mut exprs = vec![start];
        while let Some(id) = exprs.pop() {
            if let Expr::Global(global) | Expr::SetGlobal(global, _) = self.program.expr(id) {
                self.global(*global, pending);
            }
            pending.extend(self.program.made_by(id));
            exprs.extend(self.program.parts(id));
        }
    }

    fn global(&mut self, global: GlobalId, pending: &mut Vec<LambdaId>) {
        if let Some(lambda) = self.program.globals[global.index()].procedure() {
            return pending.push(lambda);
        }
        // Taken out: the next reference has nothing to add.
        for form in self.defined_by.remove(&global).unwrap_or_default() {
            if self.forms.insert(form) {
                pending.push(form);
            }
        }
    }
}
