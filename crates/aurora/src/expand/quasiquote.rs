//! Quasi-quotation (R7RS §4.2.8), nested levels included.

use super::expander::{Expanded, Expander};
use crate::core::{Expr, ExprId, deeper};
use crate::primitive::Primitive;
use crate::syntax::{Datum, DatumId};

impl<'a> Expander<'a> {
    pub(super) fn quasiquote(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        match items {
            [_, template] => self.template(*template, 1),
            _ => Err(self.malformed(id, "(quasiquote template)")),
        }
    }

    fn template(&mut self, id: DatumId, level: u32) -> Expanded {
        deeper(|| {
            if self.is_constant(id) {
                return Ok(self.literal(id));
            }
            match self.pool.datum(id) {
                Datum::List(items, tail) => self.list_template(id, items, *tail, level),
                Datum::Vector(items) => {
                    let list = self.elements(id, items, None, level)?;
                    Ok(self.push(Expr::Primitive(Primitive::ListToVector, vec![list]), id))
                }
                _ => Ok(self.literal(id)),
            }
        })
    }

    fn list_template(
        &mut self,
        id: DatumId,
        items: &'a [DatumId],
        tail: Option<DatumId>,
        level: u32,
    ) -> Expanded {
        match (self.pool.symbol(items[0]), items) {
            (Some("unquote"), [_, expr]) if tail.is_none() && level == 1 => self.expr(*expr),
            (Some("unquote"), [head, inner]) => self.rebuilt(id, *head, *inner, level - 1),
            (Some("quasiquote"), [head, inner]) => self.rebuilt(id, *head, *inner, level + 1),
            _ => self.elements(id, items, tail, level),
        }
    }

    /// `(head inner)` with the inner template at another level.
    fn rebuilt(&mut self, id: DatumId, head: DatumId, inner: DatumId, level: u32) -> Expanded {
        let inner = self.template(inner, level)?;
        let empty = self.empty_list(id);
        let rest = self.push(Expr::Primitive(Primitive::Cons, vec![inner, empty]), id);
        let head = self.literal(head);
        Ok(self.push(Expr::Primitive(Primitive::Cons, vec![head, rest]), id))
    }

    fn elements(&mut self, id: DatumId, items: &'a [DatumId], tail: Option<DatumId>, level: u32) -> Expanded {
        // `(a . ,b)` is read as `(a unquote b)`.
        let (items, dotted) = match items {
            [front @ .., mark, expr] if !front.is_empty() && self.pool.symbol(*mark) == Some("unquote") => {
                (front, Some(*expr))
            }
            _ => (items, None),
        };
        let mut parts = Vec::new();
        for &item in items {
            match self.pool.list(item) {
                Some(&[mark, expr]) if level == 1 && self.pool.symbol(mark) == Some("unquote-splicing") => {
                    parts.push((self.expr(expr)?, true));
                }
                Some(&[mark, inner]) if level > 1 && self.pool.symbol(mark) == Some("unquote-splicing") => {
                    parts.push((self.rebuilt(item, mark, inner, level - 1)?, false));
                }
                _ => parts.push((self.template(item, level)?, false)),
            }
        }
        let mut list = match (dotted, tail) {
            (Some(expr), _) if level == 1 => self.expr(expr)?,
            (Some(expr), _) => self.template(expr, level - 1)?,
            (None, Some(tail)) => self.template(tail, level)?,
            (None, None) => self.empty_list(id),
        };
        for (part, spliced) in parts.into_iter().rev() {
            let primitive = if spliced { Primitive::AppendTwo } else { Primitive::Cons };
            list = self.push(Expr::Primitive(primitive, vec![part, list]), id);
        }
        Ok(list)
    }

    pub(super) fn empty_list(&mut self, id: DatumId) -> ExprId {
        let span = self.span(id);
        self.program.constant(crate::core::Constant::EmptyList, span)
    }

    /// Nothing in it is unquoted.
    fn is_constant(&self, id: DatumId) -> bool {
        deeper(|| match self.pool.datum(id) {
            Datum::List(items, tail) => {
                let marked = items.iter().any(|&i| {
                    matches!(self.pool.symbol(i), Some("unquote" | "unquote-splicing" | "quasiquote"))
                });
                !marked && items.iter().chain(tail).all(|&item| self.is_constant(item))
            }
            Datum::Vector(items) => items.iter().all(|&item| self.is_constant(item)),
            _ => true,
        })
    }
}
