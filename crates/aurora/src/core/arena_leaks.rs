//! Values that certainly leave the `with-arena` that they are made in: mistakes, found here.
//!
//! Only what is certain is reported: the value of the form, or a value that it stores into a global
//! whenever it runs, made in the form itself by an expression that always makes an object. What *may*
//! leave is evacuated when the arena ends.

use super::deeper;
use super::tree::{Expr, ExprId, Program, VariableId};
use crate::diagnostic::Complaint;
use crate::source::{Origin, Sources};
use std::collections::HashMap;

/// Complaints about every certain leak.
pub(crate) fn arena_leaks(program: &Program, sources: &Sources) -> Vec<Complaint> {
    let mut search = Search { program, sources, inits: HashMap::new(), found: Vec::new() };
    let forms = program.forms.iter().filter(|form| program.lambdas[form.index()].span.origin == Origin::User);
    for form in forms {
        search.walk(program.lambdas[form.index()].body, false);
    }
    search.found
}

struct Search<'a> {
    program: &'a Program,
    sources: &'a Sources,
    /// What variables that are never assigned were bound to, inside the arena forms around this place.
    inits: HashMap<VariableId, ExprId>,
    found: Vec<Complaint>,
}

impl Search<'_> {
    /// `used`: somebody reads the expression's value.
    fn walk(&mut self, id: ExprId, used: bool) {
        deeper(|| self.visit(id, used));
    }

    fn visit(&mut self, id: ExprId, used: bool) {
        let program = self.program;
        match program.expr(id) {
            Expr::WithArena { variable, bytes, body } => {
                self.walk(*bytes, true);
                let outer = std::mem::take(&mut self.inits);
                self.walk(*body, used);
                let name = program.var(*variable).name.clone();
                if used {
                    self.check(*body, &name, "the value of the form", id);
                }
                self.stores(*body, &name);
                self.inits = outer;
            }
            Expr::Sequence(all) => {
                let last = all.len() - 1;
                all.iter().enumerate().for_each(|(index, &part)| self.walk(part, used && index == last));
            }
            Expr::If(test, then, otherwise) => {
                self.walk(*test, true);
                self.walk(*then, used);
                self.walk(*otherwise, used);
            }
            Expr::Let(bindings, body) => {
                for &(variable, init) in bindings {
                    self.walk(init, true);
                    if !program.var(variable).assigned {
                        self.inits.insert(variable, init);
                    }
                }
                self.walk(*body, used);
            }
            _ => {
                program.parts(id).into_iter().for_each(|part| self.walk(part, true));
                for lambda in program.made_by(id) {
                    self.walk(program.lambdas[lambda.index()].body, true);
                }
            }
        }
    }

    /// Complains if the value of `id` is certainly made in the arena.
    fn check(&mut self, id: ExprId, arena: &str, way: &str, form: ExprId) {
        let mut path = vec![way.to_owned()];
        let Some(made) = self.origin(id, &mut path) else { return };
        let (line, column) = self.sources.line_column(self.program.span(form));
        path.reverse();
        let message = format!("a value made in the arena `{arena}` leaves it");
        self.found.push(
            Complaint::new(self.program.span(made), message, "made here")
                .note(format!("its way out: made here, then {} ({line}:{column})", path.join(", then ")))
                .help("make it outside of the arena, or give it an arena that lives longer (make-arena)"),
        );
    }

    /// The expression that certainly makes the value of `id`.
    fn origin(&self, id: ExprId, path: &mut Vec<String>) -> Option<ExprId> {
        match self.program.expr(id) {
            Expr::Primitive(primitive, _) if primitive.makes_object() => Some(id),
            Expr::RecordNew(..) => Some(id),
            Expr::Local(variable) => {
                let init = *self.inits.get(variable)?;
                path.push(format!("bound to `{}`", self.program.var(*variable).name));
                deeper(|| self.origin(init, path))
            }
            Expr::Sequence(all) => deeper(|| self.origin(*all.last()?, path)),
            Expr::Let(_, body) | Expr::Letrec(_, body) => deeper(|| self.origin(*body, path)),
            _ => None,
        }
    }

    /// Complains about values that are stored into globals whenever the body runs.
    fn stores(&mut self, id: ExprId, arena: &str) {
        match self.program.expr(id) {
            Expr::SetGlobal(global, value) => {
                let way = format!("stored in the global `{}`", self.program.globals[global.index()].name);
                self.check(*value, arena, &way, id);
            }
            Expr::Sequence(all) => all.iter().for_each(|&part| deeper(|| self.stores(part, arena))),
            Expr::Let(_, body) | Expr::Letrec(_, body) => deeper(|| self.stores(*body, arena)),
            _ => {}
        }
    }
}
