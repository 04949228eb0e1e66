//! `lambda`, `let`, `let*`, `letrec`.

use super::body::Item;
use super::expander::{Expanded, Expander};
use crate::core::{Expr, ExprId, Lambda, LambdaId, VariableId};
use crate::diagnostic::Complaint;
use crate::syntax::{Datum, DatumId};

const LET_SHAPE: &str = "(let ((name value) …) body …)";

impl<'a> Expander<'a> {
    pub(super) fn lambda_form(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        let lambda = self.lambda(id, items, None)?;
        Ok(self.push(Expr::Lambda(lambda), id))
    }

    /// `(lambda formals body…)` or, with a name, the same parts of a definition.
    pub(super) fn lambda(
        &mut self,
        id: DatumId,
        items: &'a [DatumId],
        name: Option<&str>,
    ) -> Expanded<LambdaId> {
        if items.len() < 3 {
            return Err(self.malformed(id, "(lambda (parameter …) body …)"));
        }
        let (parameters, rest) = self.formals(items[1])?;
        self.procedure(id, name, &parameters, rest, &items[2..])
    }

    /// A procedure from names and a body.
    pub(super) fn procedure(
        &mut self,
        id: DatumId,
        name: Option<&str>,
        parameters: &[&str],
        rest: Option<&str>,
        body: &'a [DatumId],
    ) -> Expanded<LambdaId> {
        let mut bound: Vec<VariableId> = parameters.iter().map(|name| self.bind(name)).collect();
        let parameters = bound.clone();
        let rest = rest.map(|name| self.bind(name));
        bound.extend(rest);
        let body = self.body(body, id)?;
        self.unbind(&bound);
        let span = self.span(id);
        let name = name.map(Into::into);
        Ok(self.program.lambda(Lambda { name, parameters, rest, body, span, parent: None, free: Vec::new() }))
    }

    /// Parameter names and the rest parameter: `(a b)`, `(a . r)` or `r`.
    pub(super) fn formals(&self, id: DatumId) -> Expanded<(Vec<&'a str>, Option<&'a str>)> {
        match self.pool.datum(id) {
            Datum::Symbol(rest) => Ok((Vec::new(), Some(&**rest))),
            Datum::List(items, tail) => {
                let names = items
                    .iter()
                    .map(|&i| self.symbol(i, "the name of a parameter"))
                    .collect::<Result<Vec<_>, _>>()?;
                let rest = tail.map(|t| self.symbol(t, "the name of the rest parameter")).transpose()?;
                self.distinct(names.iter().copied().chain(rest), id)?;
                Ok((names, rest))
            }
            _ => Err(self.malformed(id, "(parameter …), (parameter … . rest) or rest")),
        }
    }

    /// A name bound twice in one list is a mistake.
    pub(super) fn distinct<'n>(&self, names: impl Iterator<Item = &'n str>, id: DatumId) -> Expanded<()> {
        let mut seen = std::collections::HashSet::new();
        for name in names {
            if !seen.insert(name) {
                return Err(Complaint::new(
                    self.span(id),
                    format!("`{name}` is bound twice here"),
                    "twice in this list",
                ));
            }
        }
        Ok(())
    }

    /// The `(name value)` pairs of a binding list.
    pub(super) fn binding_list(
        &self,
        id: DatumId,
        shape: &str,
    ) -> Expanded<Vec<(&'a str, DatumId, DatumId)>> {
        let list = self.pool.list(id).ok_or_else(|| self.malformed(id, shape))?;
        list.iter()
            .map(|&binding| match self.pool.list(binding) {
                Some(&[name, value]) => Ok((self.symbol(name, "the name of a variable")?, value, binding)),
                _ => Err(self.malformed(binding, "(name value)")),
            })
            .collect()
    }

    pub(super) fn let_form(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        if items.len() >= 3 && self.pool.symbol(items[1]).is_some() {
            return self.named_let(id, items);
        }
        if items.len() < 3 {
            return Err(self.malformed(id, LET_SHAPE));
        }
        let bindings = self.binding_list(items[1], LET_SHAPE)?;
        self.distinct(bindings.iter().map(|b| b.0), items[1])?;
        let mut inits = Vec::with_capacity(bindings.len());
        for &(name, value, _) in &bindings {
            inits.push(self.named_value(name, value)?);
        }
        let variables: Vec<_> = bindings.iter().map(|b| self.bind(b.0)).collect();
        let body = self.body(&items[2..], id)?;
        self.unbind(&variables);
        Ok(self.bind_values(variables.into_iter().zip(inits).collect(), body, id))
    }

    pub(super) fn let_star(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        if items.len() < 3 {
            return Err(self.malformed(id, "(let* ((name value) …) body …)"));
        }
        let mut bound = Vec::new();
        for (name, value, _) in self.binding_list(items[1], LET_SHAPE)? {
            let init = self.named_value(name, value)?;
            bound.push((self.bind(name), init));
        }
        let mut expr = self.body(&items[2..], id)?;
        for (variable, init) in bound.into_iter().rev() {
            self.unbind(&[variable]);
            expr = self.bind_values(vec![(variable, init)], expr, id);
        }
        Ok(expr)
    }

    /// A value whose procedure, if it is one, takes the name of the variable.
    pub(super) fn named_value(&mut self, name: &str, value: DatumId) -> Expanded {
        match self.pool.list(value) {
            Some(items) if self.is_lambda(value) => {
                let lambda = self.lambda(value, items, Some(name))?;
                Ok(self.push(Expr::Lambda(lambda), value))
            }
            _ => self.expr(value),
        }
    }

    pub(super) fn is_lambda(&self, id: DatumId) -> bool {
        let head = self.pool.list(id).and_then(<[_]>::first);
        head.is_some_and(|&head| self.keyword(head) == Some("lambda"))
    }

    pub(super) fn bind_values(
        &mut self,
        bindings: Vec<(VariableId, ExprId)>,
        body: ExprId,
        id: DatumId,
    ) -> ExprId {
        if bindings.is_empty() { body } else { self.push(Expr::Let(bindings, body), id) }
    }

    pub(super) fn letrec(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        if items.len() < 3 {
            return Err(self.malformed(id, "(letrec ((name value) …) body …)"));
        }
        let bindings = self.binding_list(items[1], LET_SHAPE)?;
        self.distinct(bindings.iter().map(|b| b.0), items[1])?;
        let mut all: Vec<Item<'a>> =
            bindings.into_iter().map(|(name, value, _)| Item::Value { name, value }).collect();
        all.push(Item::Body { items: &items[2..] });
        self.recursive_scope(all, id)
    }
}
