//! `cond`, `case`, `and`, `or`, `when`, `unless`.

use super::expander::{Expanded, Expander};
use crate::core::{Expr, ExprId};
use crate::primitive::Primitive;
use crate::syntax::DatumId;

impl<'a> Expander<'a> {
    pub(super) fn and(&mut self, id: DatumId, items: &[DatumId]) -> Expanded {
        let all = self.exprs(&items[1..])?;
        let Some((&last, before)) = all.split_last() else { return Ok(self.boolean(true, id)) };
        let mut expr = last;
        for &test in before.iter().rev() {
            let otherwise = self.boolean(false, id);
            expr = self.push(Expr::If(test, expr, otherwise), id);
        }
        Ok(expr)
    }

    pub(super) fn or(&mut self, id: DatumId, items: &[DatumId]) -> Expanded {
        let all = self.exprs(&items[1..])?;
        let Some((&last, before)) = all.split_last() else { return Ok(self.boolean(false, id)) };
        let mut expr = last;
        for &test in before.iter().rev() {
            expr = self.value_or(test, expr, id);
        }
        Ok(expr)
    }

    /// `test`'s value when it is true, else `otherwise`.
    fn value_or(&mut self, test: ExprId, otherwise: ExprId, id: DatumId) -> ExprId {
        let temporary = self.program.variable("value");
        let read = self.push(Expr::Local(temporary), id);
        let again = self.push(Expr::Local(temporary), id);
        let choice = self.push(Expr::If(read, again, otherwise), id);
        self.push(Expr::Let(vec![(temporary, test)], choice), id)
    }

    pub(super) fn when(&mut self, id: DatumId, items: &'a [DatumId], wanted: bool) -> Expanded {
        if items.len() < 3 {
            return Err(self.malformed(id, "(when test expression …)"));
        }
        let test = self.expr(items[1])?;
        let body = self.sequence(&items[2..], id)?;
        let nothing = self.unspecified(id);
        let (then, otherwise) = if wanted { (body, nothing) } else { (nothing, body) };
        Ok(self.push(Expr::If(test, then, otherwise), id))
    }

    pub(super) fn cond(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        let mut clauses = Vec::new();
        for (index, &clause) in items[1..].iter().enumerate() {
            let parts = self.pool.list(clause).filter(|parts| !parts.is_empty());
            let parts = parts.ok_or_else(|| self.malformed(clause, "(test expression …)"))?;
            let is_else = self.keyword(parts[0]) == Some("else");
            if is_else && (index + 2 != items.len() || parts.len() < 2) {
                return Err(self.malformed(clause, "(else expression …), as the last clause"));
            }
            clauses.push((clause, parts, is_else));
        }
        // Tests and bodies are expanded in reading order, so that messages come in that order.
        let mut expanded = Vec::new();
        for (clause, parts, is_else) in clauses {
            expanded.push((clause, self.cond_clause(clause, parts, is_else)?));
        }
        let mut expr = self.unspecified(id);
        for (clause, part) in expanded.into_iter().rev() {
            expr = match part {
                Clause::Else(body) => body,
                Clause::Value(test) => self.value_or(test, expr, clause),
                Clause::Body(test, body) => self.push(Expr::If(test, body, expr), clause),
                Clause::Receiver(test, receiver) => self.apply_receiver(test, receiver, expr, clause),
            };
        }
        Ok(expr)
    }

    fn cond_clause(&mut self, clause: DatumId, parts: &'a [DatumId], is_else: bool) -> Expanded<Clause> {
        if is_else {
            return Ok(Clause::Else(self.sequence(&parts[1..], clause)?));
        }
        let test = self.expr(parts[0])?;
        match &parts[1..] {
            [] => Ok(Clause::Value(test)),
            [arrow, receiver] if self.keyword(*arrow) == Some("=>") => {
                Ok(Clause::Receiver(test, self.expr(*receiver)?))
            }
            body => Ok(Clause::Body(test, self.sequence(body, clause)?)),
        }
    }

    fn apply_receiver(&mut self, test: ExprId, receiver: ExprId, otherwise: ExprId, id: DatumId) -> ExprId {
        let temporary = self.program.variable("value");
        let read = self.push(Expr::Local(temporary), id);
        let argument = self.push(Expr::Local(temporary), id);
        let call = self.push(Expr::Call(receiver, vec![argument]), id);
        let choice = self.push(Expr::If(read, call, otherwise), id);
        self.push(Expr::Let(vec![(temporary, test)], choice), id)
    }

    pub(super) fn case(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        const SHAPE: &str = "(case key ((datum …) expression …) … (else expression …))";
        if items.len() < 2 {
            return Err(self.malformed(id, SHAPE));
        }
        let key = self.expr(items[1])?;
        let variable = self.program.variable("key");
        let mut clauses = Vec::new();
        for (index, &clause) in items[2..].iter().enumerate() {
            let parts = self.pool.list(clause).filter(|parts| parts.len() >= 2);
            let parts = parts.ok_or_else(|| self.malformed(clause, "((datum …) expression …)"))?;
            if self.keyword(parts[0]) == Some("else") {
                if index + 3 != items.len() {
                    return Err(self.malformed(clause, "(else expression …), as the last clause"));
                }
                clauses.push((clause, None, self.case_body(variable, &parts[1..], clause)?));
                continue;
            }
            let data = self.pool.list(parts[0]).ok_or_else(|| self.malformed(clause, SHAPE))?;
            clauses.push((clause, Some(data), self.case_body(variable, &parts[1..], clause)?));
        }
        let mut expr = self.unspecified(id);
        for (clause, data, body) in clauses.into_iter().rev() {
            expr = match data {
                None => body,
                Some(data) => {
                    let test = self.one_of(variable, data, clause);
                    self.push(Expr::If(test, body, expr), clause)
                }
            };
        }
        Ok(self.push(Expr::Let(vec![(variable, key)], expr), id))
    }

    /// The expressions of a clause, or `=> receiver`, which is called with the key.
    fn case_body(&mut self, key: crate::core::VariableId, parts: &'a [DatumId], clause: DatumId) -> Expanded {
        match parts {
            &[arrow, receiver] if self.keyword(arrow) == Some("=>") => {
                let receiver = self.expr(receiver)?;
                let key = self.push(Expr::Local(key), clause);
                Ok(self.push(Expr::Call(receiver, vec![key]), clause))
            }
            _ => self.sequence(parts, clause),
        }
    }

    /// Is the key `eqv?` to one of the data?
    fn one_of(&mut self, variable: crate::core::VariableId, data: &[DatumId], id: DatumId) -> ExprId {
        let mut expr = self.boolean(false, id);
        for (index, &datum) in data.iter().enumerate().rev() {
            let key = self.push(Expr::Local(variable), id);
            let literal = self.literal(datum);
            let test = self.push(Expr::Primitive(Primitive::Eqv, vec![key, literal]), id);
            expr = if index + 1 == data.len() {
                test
            } else {
                let yes = self.boolean(true, id);
                self.push(Expr::If(test, yes, expr), id)
            };
        }
        expr
    }
}

enum Clause {
    Else(ExprId),
    Value(ExprId),
    Body(ExprId, ExprId),
    Receiver(ExprId, ExprId),
}
