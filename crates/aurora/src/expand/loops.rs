//! Named `let` and `do`.

use super::expander::{Expanded, Expander};
use crate::core::{Expr, ExprId, Lambda, VariableId, contify};
use crate::syntax::DatumId;

impl<'a> Expander<'a> {
    /// `(let name ((variable init) …) body …)`
    pub(super) fn named_let(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        const SHAPE: &str = "(let name ((variable init) …) body …)";
        if items.len() < 4 {
            return Err(self.malformed(id, SHAPE));
        }
        let name = self.symbol(items[1], "the name of the loop")?;
        let bindings = self.binding_list(items[2], SHAPE)?;
        let mut inits = Vec::new();
        for &(name, value, _) in &bindings {
            inits.push(self.named_value(name, value)?);
        }
        let looped = self.bind(name);
        let names: Vec<_> = bindings.iter().map(|b| b.0).collect();
        self.distinct(names.iter().copied(), items[2])?;
        let lambda = self.procedure(id, Some(name), &names, None, &items[3..])?;
        self.unbind(&[looped]);
        Ok(self.call_recursive(looped, lambda, inits, id))
    }

    /// Binds a procedure that may call itself and calls it.
    fn call_recursive(
        &mut self,
        variable: VariableId,
        lambda: crate::core::LambdaId,
        inits: Vec<ExprId>,
        id: DatumId,
    ) -> ExprId {
        let callee = self.push(Expr::Local(variable), id);
        let call = self.push(Expr::Call(callee, inits), id);
        let letrec = self.push(Expr::Letrec(vec![(variable, lambda)], call), id);
        contify(self.program, letrec).unwrap_or(letrec)
    }

    /// `(do ((variable init step) …) (test result …) command …)`
    pub(super) fn do_loop(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        const SHAPE: &str = "(do ((variable init step) …) (test result …) command …)";
        if items.len() < 3 {
            return Err(self.malformed(id, SHAPE));
        }
        let specs = self.pool.list(items[1]).ok_or_else(|| self.malformed(id, SHAPE))?;
        let mut names = Vec::new();
        let mut inits = Vec::new();
        let mut steps = Vec::new();
        for &spec in specs {
            let parts = self.pool.list(spec).filter(|parts| (2..=3).contains(&parts.len()));
            let parts = parts.ok_or_else(|| self.malformed(spec, "(variable init step)"))?;
            names.push(self.symbol(parts[0], "the name of a variable")?);
            inits.push(self.expr(parts[1])?);
            steps.push(parts.get(2).copied());
        }
        self.distinct(names.iter().copied(), items[1])?;
        let exit = self.pool.list(items[2]).filter(|parts| !parts.is_empty());
        let exit = exit.ok_or_else(|| self.malformed(items[2], "(test result …)"))?;
        let looped = self.program.variable("do");
        let variables: Vec<_> = names.iter().map(|name| self.bind(name)).collect();
        let body = self.do_body(looped, &variables, &steps, exit, &items[3..], id)?;
        self.unbind(&variables);
        let span = self.span(id);
        let name = Some("do".into());
        let lambda = self.program.lambda(Lambda {
            name,
            parameters: variables,
            rest: None,
            body,
            span,
            parent: None,
            free: Vec::new(),
        });
        Ok(self.call_recursive(looped, lambda, inits, id))
    }

    fn do_body(
        &mut self,
        looped: VariableId,
        variables: &[VariableId],
        steps: &[Option<DatumId>],
        exit: &'a [DatumId],
        commands: &'a [DatumId],
        id: DatumId,
    ) -> Expanded {
        let test = self.expr(exit[0])?;
        let result = if exit.len() > 1 { self.sequence(&exit[1..], id)? } else { self.unspecified(id) };
        let mut again = self.exprs(commands)?;
        let mut next = Vec::new();
        for (&variable, &step) in variables.iter().zip(steps) {
            next.push(match step {
                Some(step) => self.expr(step)?,
                None => self.push(Expr::Local(variable), id),
            });
        }
        let callee = self.push(Expr::Local(looped), id);
        self.program.var_mut(looped).references += 1;
        again.push(self.push(Expr::Call(callee, next), id));
        let again = self.in_sequence(again, id);
        Ok(self.push(Expr::If(test, result, again), id))
    }
}
