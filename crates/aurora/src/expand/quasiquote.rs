//! Quasi-quotation (R7RS §4.2.8), nested levels included.

use super::expander::{Expanded, Expander};
use crate::core::{Expr, ExprId, deeper};
use crate::primitive::{LIST_MAX, Primitive};
use crate::syntax::{Datum, DatumId};

/// What a template comes to; `None`: nothing in it is unquoted, it stands for itself.
type Built = Option<ExprId>;

impl<'a> Expander<'a> {
    pub(super) fn quasiquote(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        match items {
            [_, template] => self.built(*template, 1),
            _ => Err(self.malformed(id, "(quasiquote template)")),
        }
    }

    fn built(&mut self, id: DatumId, level: u32) -> Expanded {
        let built = self.template(id, level)?;
        Ok(self.or_literal(built, id))
    }

    fn or_literal(&mut self, built: Built, id: DatumId) -> ExprId {
        built.unwrap_or_else(|| self.literal(id))
    }

    fn template(&mut self, id: DatumId, level: u32) -> Expanded<Built> {
        deeper(|| match self.pool.datum(id) {
            Datum::List(items, tail) => self.list_template(id, items, *tail, level),
            Datum::Vector(items) => {
                let list = self.elements(id, items, None, level)?;
                Ok(list.map(|list| self.push(Expr::Primitive(Primitive::ListToVector, vec![list]), id)))
            }
            _ => Ok(None),
        })
    }

    fn list_template(
        &mut self,
        id: DatumId,
        items: &'a [DatumId],
        tail: Option<DatumId>,
        level: u32,
    ) -> Expanded<Built> {
        let mark = items.first().and_then(|&first| self.pool.symbol(first));
        match (mark, items) {
            (Some("unquote"), [_, expr]) if tail.is_none() && level == 1 => self.expr(*expr).map(Some),
            (Some("unquote"), [head, inner]) if tail.is_none() => self.rebuilt(id, *head, *inner, level - 1),
            (Some("quasiquote"), [head, inner]) if tail.is_none() => {
                self.rebuilt(id, *head, *inner, level + 1)
            }
            _ => self.elements(id, items, tail, level),
        }
    }

    /// `(head inner)` with the inner template at another level.
    fn rebuilt(&mut self, id: DatumId, head: DatumId, inner: DatumId, level: u32) -> Expanded<Built> {
        let Some(inner) = self.template(inner, level)? else { return Ok(None) };
        let empty = self.empty_list(id);
        let rest = self.push(Expr::Primitive(Primitive::Cons, vec![inner, empty]), id);
        let head = self.literal(head);
        Ok(Some(self.push(Expr::Primitive(Primitive::Cons, vec![head, rest]), id)))
    }

    fn elements(
        &mut self,
        id: DatumId,
        items: &'a [DatumId],
        tail: Option<DatumId>,
        level: u32,
    ) -> Expanded<Built> {
        // `(a . ,b)` is read as `(a unquote b)`.
        let (items, dotted) = match items {
            [front @ .., mark, inner] if !front.is_empty() && tail.is_none() => {
                match self.pool.symbol(*mark) {
                    Some("unquote") => (front, Some((*mark, *inner, true))),
                    Some("quasiquote") => (front, Some((*mark, *inner, false))),
                    _ => (items, None),
                }
            }
            _ => (items, None),
        };
        let mut parts = Vec::new();
        for &item in items {
            parts.push(self.element(item, level)?);
        }
        let end = match (dotted, tail) {
            (Some((_, expr, true)), _) if level == 1 => Some(self.expr(expr)?),
            (Some((mark, inner, true)), _) => self.rebuilt(id, mark, inner, level - 1)?,
            (Some((mark, inner, false)), _) => self.rebuilt(id, mark, inner, level + 1)?,
            (None, Some(tail)) => self.template(tail, level)?,
            (None, None) => None,
        };
        if end.is_none() && parts.iter().all(|(part, _)| part.is_none()) {
            return Ok(None);
        }
        let mut list = match (end, dotted, tail) {
            (Some(end), ..) => end,
            (None, Some((mark, inner, _)), _) => self.literal_pair(id, mark, inner),
            (None, None, Some(tail)) => self.literal(tail),
            (None, None, None) => self.empty_list(id),
        };
        let parts: Vec<_> = parts
            .into_iter()
            .zip(items)
            .map(|((part, spliced), &item)| (self.or_literal(part, item), spliced))
            .collect();
        // A long list is made of short ones: else all elements would be in registers at once.
        for (index, chunk) in parts.chunks(LIST_MAX).enumerate().rev() {
            let is_last = (index + 1) * LIST_MAX >= parts.len();
            let rest = if is_last { list } else { self.empty_list(id) };
            let front = self.linked(chunk, rest, id);
            list = if is_last {
                front
            } else {
                self.push(Expr::Primitive(Primitive::AppendTwo, vec![front, list]), id)
            };
        }
        Ok(Some(list))
    }

    /// The parts in front of a list.
    fn linked(&mut self, parts: &[(ExprId, bool)], rest: ExprId, id: DatumId) -> ExprId {
        parts.iter().rev().fold(rest, |list, &(part, spliced)| {
            let primitive = if spliced { Primitive::AppendTwo } else { Primitive::Cons };
            self.push(Expr::Primitive(primitive, vec![part, list]), id)
        })
    }

    /// An element of a list or vector, and whether it is spliced in.
    fn element(&mut self, item: DatumId, level: u32) -> Expanded<(Built, bool)> {
        match self.pool.list(item) {
            Some(&[mark, expr]) if self.pool.symbol(mark) == Some("unquote-splicing") => {
                if level == 1 {
                    Ok((Some(self.expr(expr)?), true))
                } else {
                    Ok((self.rebuilt(item, mark, expr, level - 1)?, false))
                }
            }
            _ => Ok((self.template(item, level)?, false)),
        }
    }

    /// The list of two data.
    fn literal_pair(&mut self, id: DatumId, first: DatumId, second: DatumId) -> ExprId {
        let mut list = self.empty_list(id);
        for datum in [second, first] {
            let datum = self.literal(datum);
            list = self.push(Expr::Primitive(Primitive::Cons, vec![datum, list]), id);
        }
        list
    }

    pub(super) fn empty_list(&mut self, id: DatumId) -> ExprId {
        let span = self.span(id);
        self.program.constant(crate::core::Constant::EmptyList, span)
    }
}
