//! Bodies: internal definitions and the expressions after them.
//!
//! Definitions of one body see each other (`letrec*`). Following Waddell, Sarkar and Dybvig ("Fixing
//! Letrec", 2005) in spirit: procedures become groups of mutually recursive procedures, a value that
//! nothing before it mentions becomes a plain `let` at its place, and only what is left is declared
//! first and assigned later, with reads checked.

use super::expander::{Expanded, Expander};
use crate::core::{Constant, Expr, ExprId, LambdaId, VariableId};
use crate::diagnostic::Complaint;
use crate::syntax::DatumId;

/// One part of a body.
#[derive(Debug, Clone, Copy)]
pub(super) enum Item<'a> {
    /// `(define (name . formals) body …)`
    Procedure {
        name: &'a str,
        formals: DatumId,
        body: &'a [DatumId],
        place: DatumId,
    },
    /// `(define name value)`
    Value {
        name: &'a str,
        value: DatumId,
    },
    /// `(define-record-type …)`
    Record {
        place: DatumId,
    },
    Expression {
        expr: DatumId,
    },
    /// The body of a `letrec`, itself a body.
    Body {
        items: &'a [DatumId],
    },
}

/// A body's part after expansion.
#[derive(Debug, Clone, Copy)]
enum Done {
    Procedure(VariableId, LambdaId),
    Value { variable: VariableId, init: ExprId, early_use: bool },
    Expression(ExprId),
}

impl<'a> Expander<'a> {
    /// A body: definitions, then at least one expression.
    pub(super) fn body(&mut self, items: &'a [DatumId], id: DatumId) -> Expanded {
        let mut parts = Vec::new();
        self.collect_items(items, &mut parts)?;
        if parts.iter().all(|part| matches!(part, Item::Expression { .. })) {
            return self.sequence(items, id).and_then(|expr| self.non_empty(items, expr, id));
        }
        if !matches!(parts.last(), Some(Item::Expression { .. })) {
            let last = items.last().copied().unwrap_or(id);
            return Err(Complaint::new(
                self.span(last),
                "a body must end with an expression",
                "ends with a definition",
            ));
        }
        self.recursive_scope(parts, id)
    }

    fn non_empty(&self, items: &[DatumId], expr: ExprId, id: DatumId) -> Expanded {
        if items.is_empty() {
            Err(self.malformed(id, "a body with at least one expression"))
        } else {
            Ok(expr)
        }
    }

    fn collect_items(&self, items: &'a [DatumId], parts: &mut Vec<Item<'a>>) -> Expanded<()> {
        let mut pending: Vec<DatumId> = items.iter().rev().copied().collect();
        while let Some(item) = pending.pop() {
            let list = self.pool.list(item).unwrap_or_default();
            let head = list.first().and_then(|&head| self.keyword(head));
            match head {
                Some("define") => parts.push(self.definition(item, list)?),
                Some("define-record-type") => parts.push(Item::Record { place: item }),
                Some("begin") if list.len() > 1 => pending.extend(list[1..].iter().rev()),
                _ => parts.push(Item::Expression { expr: item }),
            }
        }
        Ok(())
    }

    /// `(define name value)` or `(define (name . formals) body …)`.
    pub(super) fn definition(&self, place: DatumId, list: &'a [DatumId]) -> Expanded<Item<'a>> {
        const SHAPE: &str = "(define name value) or (define (name parameter …) body …)";
        let target = *list.get(1).ok_or_else(|| self.malformed(place, SHAPE))?;
        if let Some(name) = self.pool.symbol(target) {
            let &[_, _, value] = list else { return Err(self.malformed(place, SHAPE)) };
            return Ok(Item::Value { name, value });
        }
        let name = self.pool.head(target).ok_or_else(|| self.malformed(place, SHAPE))?;
        let name = self.symbol(name, "the name of the procedure")?;
        if list.len() < 3 {
            return Err(self.malformed(place, SHAPE));
        }
        Ok(Item::Procedure { name, formals: target, body: &list[2..], place })
    }

    /// A procedure of `(define (name . formals) body …)`.
    pub(super) fn defined_procedure(
        &mut self,
        name: &'a str,
        formals: DatumId,
        body: &'a [DatumId],
        place: DatumId,
    ) -> Expanded<LambdaId> {
        let (mut parameters, rest) = self.formals_after_head(formals)?;
        parameters.shrink_to_fit();
        self.procedure(place, Some(name), &parameters, rest, body)
    }

    fn formals_after_head(&self, id: DatumId) -> Expanded<(Vec<&'a str>, Option<&'a str>)> {
        let (items, tail) = self.pool.items(id).ok_or_else(|| self.malformed(id, "(name parameter …)"))?;
        let names = items[1..]
            .iter()
            .map(|&i| self.symbol(i, "the name of a parameter"))
            .collect::<Result<Vec<_>, _>>()?;
        let rest = tail.map(|t| self.symbol(t, "the name of the rest parameter")).transpose()?;
        self.distinct(names.iter().copied().chain(rest), id)?;
        Ok((names, rest))
    }

    /// `letrec*` over the parts; the last part is an expression or a body.
    pub(super) fn recursive_scope(&mut self, parts: Vec<Item<'a>>, id: DatumId) -> Expanded {
        let mut bound = Vec::new();
        let variables = self.declare(&parts, &mut bound, id)?;
        let mut done = Vec::new();
        let mut conflict = false;
        let mut group_start = true;
        for (index, part) in parts.iter().enumerate() {
            let is_procedure = self.is_procedure_item(part);
            if is_procedure && group_start {
                conflict |= self.group_used_early(&parts[index..], &variables[index..]);
            }
            group_start = !is_procedure;
            self.expand_item(part, &variables[index], &mut done)?;
        }
        self.unbind(&bound);
        Ok(self.assemble(done, conflict, id))
    }

    fn declare(
        &mut self,
        parts: &[Item<'a>],
        bound: &mut Vec<VariableId>,
        id: DatumId,
    ) -> Expanded<Vec<Vec<VariableId>>> {
        let mut names = Vec::new();
        for part in parts {
            names.push(match part {
                Item::Procedure { name, .. } | Item::Value { name, .. } => vec![*name],
                Item::Record { place } => self.record_names(*place)?,
                Item::Expression { .. } | Item::Body { .. } => Vec::new(),
            });
        }
        self.distinct(names.iter().flatten().copied(), id)?;
        let mut variables = Vec::new();
        for group in names {
            let group: Vec<_> = group.into_iter().map(|name| self.bind(name)).collect();
            bound.extend(&group);
            variables.push(group);
        }
        Ok(variables)
    }

    fn is_procedure_item(&self, part: &Item<'a>) -> bool {
        match part {
            Item::Procedure { .. } | Item::Record { .. } => true,
            Item::Value { value, .. } => self.is_lambda(*value),
            Item::Expression { .. } | Item::Body { .. } => false,
        }
    }

    /// Has something before this group of procedures mentioned one of them?
    fn group_used_early(&self, parts: &[Item<'a>], variables: &[Vec<VariableId>]) -> bool {
        let group = parts.iter().take_while(|part| self.is_procedure_item(part)).count();
        variables[..group].iter().flatten().any(|&v| self.program.var(v).references > 0)
    }

    fn expand_item(
        &mut self,
        part: &Item<'a>,
        variables: &[VariableId],
        done: &mut Vec<Done>,
    ) -> Expanded<()> {
        match *part {
            Item::Procedure { name, formals, body, place } => {
                let lambda = self.nested(place, |e| e.defined_procedure(name, formals, body, place))?;
                done.push(Done::Procedure(variables[0], lambda));
            }
            Item::Value { name, value, .. } if self.is_lambda(value) => {
                let items = self.pool.list(value).unwrap_or_default();
                let lambda = self.nested(value, |e| e.lambda(value, items, Some(name)))?;
                done.push(Done::Procedure(variables[0], lambda));
            }
            Item::Value { value, .. } => {
                let init = self.expr(value)?;
                let early_use = self.program.var(variables[0]).references > 0;
                done.push(Done::Value { variable: variables[0], init, early_use });
            }
            Item::Record { place } => {
                for (&variable, lambda) in variables.iter().zip(self.record_procedures(place)?) {
                    done.push(Done::Procedure(variable, lambda));
                }
            }
            Item::Expression { expr } => done.push(Done::Expression(self.expr(expr)?)),
            Item::Body { items } => {
                let body = self.nested(items[0], |e| e.body(items, items[0]))?;
                done.push(Done::Expression(body));
            }
        }
        Ok(())
    }

    fn assemble(&mut self, mut done: Vec<Done>, conflict: bool, id: DatumId) -> ExprId {
        let mut declared_first = Vec::new();
        if conflict {
            // Procedures first: making one runs nothing.
            done.sort_by_key(|part| !matches!(part, Done::Procedure(..)));
        }
        for part in &mut done {
            if let Done::Value { variable, init, early_use } = *part
                && (early_use || conflict)
            {
                declared_first.push(variable);
                let var = self.program.var_mut(variable);
                var.assigned = true;
                var.checked = true;
                *part = Done::Expression(self.push(Expr::SetLocal(variable, init), id));
            }
        }
        let body = self.nest(&done, id);
        let inits: Vec<_> = declared_first
            .into_iter()
            .map(|variable| (variable, self.program.constant(Constant::Undefined, self.pool.span(id))))
            .collect();
        self.bind_values(inits, body, id)
    }

    /// Nests the parts from the last to the first.
    fn nest(&mut self, done: &[Done], id: DatumId) -> ExprId {
        // Both are filled from the back, so they hold their parts in reverse.
        let mut rest: Vec<ExprId> = Vec::new();
        let mut group: Vec<(VariableId, LambdaId)> = Vec::new();
        for (index, part) in done.iter().enumerate().rev() {
            match *part {
                Done::Expression(expr) => rest.push(expr),
                Done::Value { variable, init, .. } => {
                    let body = self.in_reversed_sequence(std::mem::take(&mut rest), id);
                    rest = vec![self.bind_values(vec![(variable, init)], body, id)];
                }
                Done::Procedure(variable, lambda) => {
                    group.push((variable, lambda));
                    let more = index > 0 && matches!(done[index - 1], Done::Procedure(..));
                    if !more {
                        let body = self.in_reversed_sequence(std::mem::take(&mut rest), id);
                        group.reverse();
                        rest = vec![self.push(Expr::Letrec(std::mem::take(&mut group), body), id)];
                        if let Some(looped) = crate::core::contify(self.program, rest[0]) {
                            rest = vec![looped];
                        }
                    }
                }
            }
        }
        self.in_reversed_sequence(rest, id)
    }

    fn in_reversed_sequence(&mut self, mut parts: Vec<ExprId>, id: DatumId) -> ExprId {
        parts.reverse();
        self.in_sequence(parts, id)
    }
}
