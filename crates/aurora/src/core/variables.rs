//! Who binds each variable, who captures it, and which variables a procedure needs from outside.

use super::deeper;
use super::tree::{Constant, Expr, ExprId, LambdaId, Program, VariableId};

/// Fills in `owner`, `captured` and `procedure` of every variable, `parent` and `free` of every procedure.
pub(crate) fn resolve_variables(program: &mut Program) {
    for form in program.forms.clone() {
        Walk { program, current: form }.lambda(form, None);
    }
}

struct Walk<'a> {
    program: &'a mut Program,
    current: LambdaId,
}

impl Walk<'_> {
    fn lambda(&mut self, id: LambdaId, parent: Option<LambdaId>) {
        let outer = std::mem::replace(&mut self.current, id);
        let lambda = &mut self.program.lambdas[id.index()];
        lambda.parent = parent;
        let (body, bound): (_, Vec<_>) =
            (lambda.body, lambda.parameters.iter().copied().chain(lambda.rest).collect());
        for variable in bound {
            self.bind(variable, None);
        }
        self.walk(body);
        self.current = outer;
    }

    fn bind(&mut self, variable: VariableId, value: Option<LambdaId>) {
        let current = self.current;
        let var = self.program.var_mut(variable);
        var.owner = Some(current);
        var.procedure = value.filter(|_| !var.assigned);
    }

    fn walk(&mut self, id: ExprId) {
        deeper(|| self.visit(id));
    }

    fn visit(&mut self, id: ExprId) {
        match self.program.expr(id).clone() {
            Expr::Local(variable) => self.reference(variable),
            Expr::SetLocal(variable, value) => {
                self.reference(variable);
                self.walk(value);
            }
            Expr::Lambda(lambda) => self.lambda(lambda, Some(self.current)),
            Expr::Let(bindings, body) => {
                for &(variable, value) in &bindings {
                    let procedure = match self.program.expr(value) {
                        Expr::Lambda(lambda) => Some(*lambda),
                        _ => None,
                    };
                    self.walk(value);
                    self.bind(variable, procedure);
                }
                self.walk(body);
            }
            Expr::Letrec(bindings, body) => self.letrec(id, &bindings, body),
            Expr::Loop { variables, inits, body, .. } => {
                inits.iter().for_each(|&init| self.walk(init));
                variables.iter().for_each(|&variable| self.bind(variable, None));
                self.walk(body);
            }
            Expr::WithArena { variable, bytes, body } => {
                self.walk(bytes);
                self.bind(variable, None);
                self.walk(body);
            }
            _ => self.program.parts(id).into_iter().for_each(|part| self.walk(part)),
        }
    }

    fn letrec(&mut self, id: ExprId, bindings: &[(VariableId, LambdaId)], body: ExprId) {
        if bindings.iter().any(|&(v, _)| self.program.var(v).assigned) {
            let rewritten = self.assign_one_by_one(id, bindings, body);
            self.program.replace(id, rewritten);
            return self.visit(id);
        }
        for &(variable, lambda) in bindings {
            self.bind(variable, Some(lambda));
        }
        for &(_, lambda) in bindings {
            self.lambda(lambda, Some(self.current));
        }
        self.walk(body);
    }

    /// A procedure that is assigned later is an ordinary variable: declared, then set.
    fn assign_one_by_one(&mut self, id: ExprId, bindings: &[(VariableId, LambdaId)], body: ExprId) -> Expr {
        let span = self.program.span(id);
        let mut steps = Vec::new();
        let mut declared = Vec::new();
        for &(variable, lambda) in bindings {
            self.program.var_mut(variable).assigned = true;
            declared.push((variable, self.program.constant(Constant::Undefined, span)));
            let value = self.program.push(Expr::Lambda(lambda), span);
            steps.push(self.program.push(Expr::SetLocal(variable, value), span));
        }
        steps.push(body);
        let body = self.program.push(Expr::Sequence(steps), span);
        Expr::Let(declared, body)
    }

    fn reference(&mut self, variable: VariableId) {
        let Some(owner) = self.program.var(variable).owner else { return };
        if owner == self.current {
            return;
        }
        self.program.var_mut(variable).captured = true;
        let mut at = self.current;
        while at != owner {
            let lambda = &mut self.program.lambdas[at.index()];
            if lambda.free.contains(&variable) {
                break;
            }
            lambda.free.push(variable);
            match lambda.parent {
                Some(parent) => at = parent,
                None => break,
            }
        }
    }
}
