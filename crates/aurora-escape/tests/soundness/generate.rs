//! Random programs. Every byte string is one, and a shorter or smaller string is a smaller program, so that proptest can shrink.

use crate::language::{Procedure, Program, Scope, ScopeIndex, SiteInfo, Statement, Variable};

pub(crate) fn program(bytes: &[u8]) -> Program {
    let mut generator = Generator { bytes, program: Program::default() };
    generator.skeleton();
    for scope in 0..generator.program.scopes.len() {
        let count = 1 + generator.below(7);
        let mut statements = generator.statements(scope, count, true);
        let loops = (0..generator.program.scopes.len())
            .filter(|&inner| generator.program.scopes[inner].is_loop)
            .filter(|&inner| generator.program.scopes[inner].parent == Some(scope));
        for scope in loops.collect::<Vec<_>>() {
            let position = generator.below(statements.len() + 1);
            statements.insert(position, Statement::Loop { scope });
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
        for _ in 0..self.below(6) {
            if self.below(2) == 0 {
                let parent = self.below(self.program.scopes.len());
                self.procedure(Some(parent));
            } else {
                let parent = self.below(self.program.scopes.len());
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
        for _ in 0..1 + self.below(3) {
            self.variable(scope);
        }
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
                let visible = self.visible_variables(scope);
                statements.push(self.call_value(closure, &visible));
            }
        }
        statements
    }

    fn statement(&mut self, scope: ScopeIndex, may_nest: bool) -> Statement {
        let visible = self.visible_variables(scope);
        match self.below(40) {
            0..=3 => Statement::Move { to: self.pick(&visible), from: self.pick(&visible) },
            4..=12 => self.new_object(scope, &visible),
            13..=16 => Statement::Load {
                to: self.pick(&visible),
                pointer: self.pick(&visible),
                field: self.below(2),
            },
            17..=20 => Statement::Store {
                pointer: self.pick(&visible),
                field: self.below(2),
                from: self.pick(&visible),
            },
            21..=29 => self.call(scope, &visible),
            30 | 31 => {
                let closure = self.pick(&visible);
                self.call_value(closure, &visible)
            }
            32 | 33 => self.closure(scope, &visible),
            34 if self.below(2) == 0 => Statement::SetGlobal { from: self.pick(&visible) },
            34 => Statement::ReadGlobal { to: self.pick(&visible) },
            35 if self.below(2) == 0 => Statement::Publish { pointer: self.pick(&visible) },
            35 if self.below(4) == 0 => Statement::Throw { from: self.pick(&visible) },
            36 | 37 if may_nest => {
                let (either, or) = (1 + self.below(2), self.below(3));
                Statement::Choose {
                    either: self.statements(scope, either, false),
                    or: self.statements(scope, or, false),
                }
            }
            _ => Statement::Return { from: self.pick(&visible) },
        }
    }

    fn new_object(&mut self, scope: ScopeIndex, visible: &[Variable]) -> Statement {
        let fields = [(); 2].map(|()| (self.below(3) == 0).then(|| self.pick(visible)));
        Statement::New { site: self.site(scope), to: self.pick(visible), fields }
    }

    fn call(&mut self, scope: ScopeIndex, visible: &[Variable]) -> Statement {
        let callees = self.visible_procedures(scope);
        let callee = self.pick(&callees);
        let count = self.program.procedures[callee].params.len();
        let args = (0..count).map(|_| self.pick(visible)).collect();
        let to = (self.below(3) != 0).then(|| self.pick(visible));
        Statement::Call { callee, args, to, tail: self.below(6) == 1 }
    }

    fn call_value(&mut self, closure: Variable, visible: &[Variable]) -> Statement {
        let args = (0..self.below(3)).map(|_| self.pick(visible)).collect();
        let to = (self.below(2) != 0).then(|| self.pick(visible));
        Statement::CallValue { closure, args, to, tail: self.below(5) == 1 }
    }

    fn closure(&mut self, scope: ScopeIndex, visible: &[Variable]) -> Statement {
        let code = self.visible_procedures(scope);
        Statement::Closure { site: self.site(scope), code: self.pick(&code), to: self.pick(visible) }
    }

    fn site(&mut self, scope: ScopeIndex) -> usize {
        let allowed = self.below(20) != 1;
        self.program.sites.push(SiteInfo { scope, allowed });
        self.program.sites.len() - 1
    }

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

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn below(&mut self, bound: usize) -> usize {
        let Some((&first, rest)) = self.bytes.split_first() else { return 0 };
        self.bytes = rest;
        usize::from(first) % bound
    }
}
