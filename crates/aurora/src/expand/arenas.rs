//! The memory forms: `with-arena`, `in-arena`, `make-arena`.

use super::expander::{Expanded, Expander};
use crate::core::Expr;
use crate::primitive::Primitive;
use crate::syntax::DatumId;

impl<'a> Expander<'a> {
    /// `(with-arena (name bytes) body …)`
    pub(super) fn with_arena(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        const SHAPE: &str = "(with-arena (name bytes) body …)";
        if items.len() < 3 {
            return Err(self.malformed(id, SHAPE));
        }
        let Some((&name, size)) = self.pool.list(items[1]).and_then(<[_]>::split_first) else {
            return Err(self.malformed(items[1], SHAPE));
        };
        let name = self.symbol(name, "the name of the arena")?;
        let bytes = self.size(size, items[1])?;
        let variable = self.bind(name);
        let body = self.body(&items[2..], id)?;
        self.unbind(&[variable]);
        Ok(self.push(Expr::WithArena { variable, bytes, body }, id))
    }

    /// `(in-arena arena body …)`
    pub(super) fn in_arena(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        if items.len() < 3 {
            return Err(self.malformed(id, "(in-arena arena body …)"));
        }
        let arena = self.expr(items[1])?;
        let body = self.body(&items[2..], id)?;
        Ok(self.push(Expr::InArena { arena, body }, id))
    }

    /// `(make-arena bytes)`
    pub(super) fn make_arena(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        let bytes = self.size(&items[1..], id)?;
        Ok(self.push(Expr::Primitive(Primitive::MakeArena, vec![bytes]), id))
    }

    /// A size: an expression, or a product in the infix notation of Eshkol's documents, `1024 * 1024`.
    fn size(&mut self, items: &'a [DatumId], id: DatumId) -> Expanded {
        let Some((&first, rest)) = items.split_first() else {
            return Err(self.malformed(id, "a size in bytes, such as 1024 or 1024 * 1024"));
        };
        let mut expr = self.expr(first)?;
        for pair in rest.chunks(2) {
            let &[times, factor] = pair else { return Err(self.malformed(id, "factor * factor")) };
            if self.pool.symbol(times) != Some("*") {
                return Err(self.malformed(id, "a size in bytes, such as 1024 or 1024 * 1024"));
            }
            let factor = self.expr(factor)?;
            expr = self.push(Expr::Primitive(Primitive::Multiply, vec![expr, factor]), id);
        }
        Ok(expr)
    }
}
