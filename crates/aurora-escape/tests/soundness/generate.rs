//! Random programs. Every byte string is one, and a shorter or smaller string is a smaller program, so that proptest can shrink.
//!
//! Most results go into a variable of their own and most operands are recent variables, as in code that a compiler has named the
//! intermediate results of: where all flows into all, nothing is left to get wrong.

use crate::language::{Procedure, Program, Scope, ScopeIndex, SiteInfo, Statement, Variable};

pub(crate) fn program(bytes: &[u8]) -> Program {
    let mut generator = Generator { bytes, program: Program::default() };
    generator.skeleton();
    for scope in 0..generator.program.scopes.len() {
        let count = 1 + generator.below(9);
        let mut statements = generator.statements(scope, count, true);
        let loops = (0..generator.program.scopes.len())
            .filter(|&inner| generator.program.scopes[inner].is_loop)
            .filter(|&inner| generator.program.scopes[inner].parent == Some(scope));
        for scope in loops.collect::<Vec<_>>() {
            let position = generator.below(statements.len() + 1);
            statements.insert(position, Statement::Loop { scope });
        }
        if generator.below(if generator.program.scopes[scope].is_loop { 12 } else { 2 }) == 1 {
            statements.push(Statement::Return { from: generator.operand(scope) });
        }
        generator.program.scopes[scope].statements = statements;
    }
    generator.program
}

struct Generator<'a> {
    bytes: &'a [u8],
    program: Program,
}

impl Generator<'_> {
    fn skeleton(&mut self) {
        for _ in 0..1 + self.below(3) {
            self.procedure(None);
        }
        for _ in 0..self.below(7) {
            let parent = self.below(self.program.scopes.len());
            if self.below(2) == 0 {
                self.procedure(Some(parent));
            } else {
                let procedure = self.program.scopes[parent].procedure;
                self.scope(Some(parent), procedure, true);
            }
        }
    }

    fn procedure(&mut self, parent: Option<ScopeIndex>) {
        let procedure = self.program.procedures.len();
        let body = self.scope(parent, procedure, false);
        let params = (0..self.below(4)).map(|_| self.variable(body)).collect();
        self.program.procedures.push(Procedure { parent, body, params });
    }

    fn scope(&mut self, parent: Option<ScopeIndex>, procedure: usize, is_loop: bool) -> ScopeIndex {
        let scope = self.program.scopes.len();
        self.program.scopes.push(Scope { parent, procedure, is_loop, statements: Vec::new() });
        self.variable(scope);
        scope
    }

    fn variable(&mut self, scope: ScopeIndex) -> Variable {
        self.program.variables.push(scope);
        self.program.variables.len() - 1
    }

    fn statements(&mut self, scope: ScopeIndex, count: usize, may_nest: bool) -> Vec<Statement> {
        let mut statements = Vec::new();
        for _ in 0..count {
            let statement = self.statement(scope, may_nest);
            let closure = if let Statement::Closure { to, .. } = statement { Some(to) } else { None };
            statements.push(statement);
            // By chance alone few closures would be called.
            if let Some(closure) = closure.filter(|_| self.below(3) != 0) {
                statements.push(self.call_value(closure, scope));
            }
        }
        statements
    }

    fn statement(&mut self, scope: ScopeIndex, may_nest: bool) -> Statement {
        match self.below(40) {
            0..=3 => Statement::Move { from: self.operand(scope), to: self.target(scope) },
            4..=12 => self.new_object(scope),
            13..=18 => {
                let (pointer, field) = (self.operand(scope), self.below(2));
                Statement::Load { pointer, field, to: self.target(scope) }
            }
            19..=23 => Statement::Store {
                pointer: self.operand(scope),
                field: self.below(2),
                from: self.operand(scope),
            },
            24..=31 => self.call(scope),
            32 => {
                let closure = self.operand(scope);
                self.call_value(closure, scope)
            }
            33 | 34 => self.closure(scope),
            35 => match self.below(8) {
                0 | 1 => Statement::SetGlobal { from: self.operand(scope) },
                2..=4 => Statement::ReadGlobal { to: self.target(scope) },
                5 => Statement::Throw { from: self.operand(scope) },
                _ => Statement::Publish { pointer: self.operand(scope) },
            },
            36..=38 if may_nest => {
                let (either, or) = (1 + self.below(2), self.below(3));
                let either = self.statements(scope, either, false);
                Statement::Choose { either, or: self.statements(scope, or, false) }
            }
            _ => Statement::Move { from: self.operand(scope), to: self.old_target(scope) },
        }
    }

    fn new_object(&mut self, scope: ScopeIndex) -> Statement {
        let fields = [(); 2].map(|()| (self.below(3) == 0).then(|| self.operand(scope)));
        Statement::New { site: self.site(scope), to: self.target(scope), fields }
    }

    fn call(&mut self, scope: ScopeIndex) -> Statement {
        let callees = self.visible_procedures(scope);
        let callee = callees[self.below(callees.len())];
        let count = self.program.procedures[callee].params.len();
        let args = (0..count).map(|_| self.operand(scope)).collect();
        let to = (self.below(4) != 0).then(|| self.target(scope));
        Statement::Call { callee, args, to, tail: self.below(9) == 1 }
    }

    fn call_value(&mut self, closure: Variable, scope: ScopeIndex) -> Statement {
        let args = (0..self.below(3)).map(|_| self.operand(scope)).collect();
        let to = (self.below(2) != 0).then(|| self.target(scope));
        Statement::CallValue { closure, args, to, tail: self.below(5) == 1 }
    }

    fn closure(&mut self, scope: ScopeIndex) -> Statement {
        let code = self.visible_procedures(scope);
        let code = code[self.below(code.len())];
        Statement::Closure { site: self.site(scope), code, to: self.target(scope) }
    }

    fn site(&mut self, scope: ScopeIndex) -> usize {
        let allowed = self.below(20) != 1;
        self.program.sites.push(SiteInfo { scope, allowed });
        self.program.sites.len() - 1
    }

    fn operand(&mut self, scope: ScopeIndex) -> Variable {
        let visible = self.visible_variables(scope);
        let among = if self.below(3) == 0 { visible.len() } else { visible.len().min(4) };
        visible[self.below(among)]
    }

    fn target(&mut self, scope: ScopeIndex) -> Variable {
        if self.below(5) == 1 { self.old_target(scope) } else { self.variable(scope) }
    }

    fn old_target(&mut self, scope: ScopeIndex) -> Variable {
        let visible = self.visible_variables(scope);
        visible[self.below(visible.len())]
    }

    /// The latest first.
    fn visible_variables(&self, scope: ScopeIndex) -> Vec<Variable> {
        let around = self.around(scope);
        (0..self.program.variables.len())
            .filter(|&v| around.contains(&self.program.variables[v]))
            .rev()
            .collect()
    }

    fn visible_procedures(&self, scope: ScopeIndex) -> Vec<usize> {
        let around = self.around(scope);
        let is_visible = |&p: &usize| self.program.procedures[p].parent.is_none_or(|s| around.contains(&s));
        (0..self.program.procedures.len()).filter(is_visible).rev().collect()
    }

    fn around(&self, scope: ScopeIndex) -> Vec<ScopeIndex> {
        std::iter::successors(Some(scope), |&scope| self.program.scopes[scope].parent).collect()
    }

    fn below(&mut self, bound: usize) -> usize {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(first) % bound
    }
}
