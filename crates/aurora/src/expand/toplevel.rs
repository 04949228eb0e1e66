//! The top level: the library's definitions first, then the program's forms, in order.
//!
//! The names that a source defines are collected before anything is expanded, so that a reference
//! to a name that nobody defines is found here and not when it runs.

use super::body::Item;
use super::expander::{Expanded, Expander};
use crate::core::{Expr, Global, GlobalId, Lambda, LambdaId, Program};
use crate::diagnostic::Complaint;
use crate::source::{Origin, Span};
use crate::syntax::{DatumId, DatumPool};
use std::collections::HashMap;

/// No more than so many mistakes are reported at once.
const COMPLAINTS_MAX: usize = 20;

/// Texts as read, library and program.
pub(crate) struct Texts<'a> {
    pub(crate) prelude: (&'a DatumPool, &'a [DatumId]),
    pub(crate) user: (&'a DatumPool, &'a [DatumId]),
}

/// Expands library and program into one program of the core language.
pub(crate) fn expand_program(texts: &Texts<'_>) -> Result<Program, Vec<Complaint>> {
    let mut program = Program::default();
    let library = expand_source(&mut program, texts.prelude, Origin::Prelude, None)?;
    expand_source(&mut program, texts.user, Origin::User, Some(&library))?;
    Ok(program)
}

type Names = HashMap<Box<str>, GlobalId>;

fn expand_source(
    program: &mut Program,
    (pool, forms): (&DatumPool, &[DatumId]),
    origin: Origin,
    library: Option<&Names>,
) -> Result<Names, Vec<Complaint>> {
    let none = Names::new();
    let names = {
        let mut found = Vec::new();
        let scout = Expander::new(pool, origin, program, &none, library);
        scout.defined_names(forms, &mut found).map_err(|complaint| vec![complaint])?;
        let found: Vec<Box<str>> = found.into_iter().map(Into::into).collect();
        declare(program, found)
    };
    let mut expander = Expander::new(pool, origin, program, &names, library);
    let mut complaints = Vec::new();
    for &form in forms {
        if let Err(complaint) = expander.top_level_form(form) {
            expander.leave_all_scopes();
            complaints.push(complaint);
            if complaints.len() == COMPLAINTS_MAX {
                break;
            }
        }
    }
    if complaints.is_empty() { Ok(names) } else { Err(complaints) }
}

fn declare(program: &mut Program, found: Vec<Box<str>>) -> Names {
    let mut names = Names::new();
    for name in found {
        if let Some(&known) = names.get(&name) {
            program.globals[known.index()].definitions += 1;
            continue;
        }
        program.globals.push(Global { name: name.clone(), definitions: 1, assigned: false, lambda: None });
        names.insert(name, GlobalId::new(program.globals.len() - 1));
    }
    names
}

impl<'a> Expander<'a> {
    fn defined_names(&self, forms: &'a [DatumId], found: &mut Vec<&'a str>) -> Expanded<()> {
        let mut pending: Vec<DatumId> = forms.iter().rev().copied().collect();
        while let Some(form) = pending.pop() {
            let list = self.pool.list(form).unwrap_or_default();
            match list.first().and_then(|&head| self.pool.symbol(head)) {
                Some("define") => match self.definition(form, list)? {
                    Item::Procedure { name, .. } | Item::Value { name, .. } => found.push(name),
                    _ => {}
                },
                Some("define-record-type") => found.extend(self.record_names(form)?),
                Some("begin") => pending.extend(list[1..].iter().rev()),
                _ => {}
            }
        }
        Ok(())
    }

    fn top_level_form(&mut self, form: DatumId) -> Expanded<()> {
        let mut pending = vec![form];
        while let Some(form) = pending.pop() {
            self.top_level_part(form, &mut pending)?;
        }
        Ok(())
    }

    /// One form; the forms of a `begin` are left to be done.
    fn top_level_part(&mut self, form: DatumId, pending: &mut Vec<DatumId>) -> Expanded<()> {
        let pool = self.pool;
        let list = pool.list(form).unwrap_or_default();
        match list.first().and_then(|&head| self.keyword(head)) {
            Some("define") => self.top_level_definition(form, list),
            Some("define-record-type") => {
                let names = self.record_names(form)?;
                for (name, lambda) in names.into_iter().zip(self.record_procedures(form)?) {
                    self.define_procedure(name, lambda, form);
                }
                Ok(())
            }
            Some("begin") => {
                pending.extend(list[1..].iter().rev());
                Ok(())
            }
            _ => {
                let body = self.expr(form)?;
                self.add_form(body, self.span(form));
                Ok(())
            }
        }
    }

    fn top_level_definition(&mut self, form: DatumId, list: &'a [DatumId]) -> Expanded<()> {
        match self.definition(form, list)? {
            Item::Procedure { name, formals, body, place } => {
                let lambda = self.defined_procedure(name, formals, body, place)?;
                self.define_procedure(name, lambda, form);
            }
            Item::Value { name, value, .. } if self.is_lambda(value) => {
                let items = self.pool.list(value).unwrap_or_default();
                let lambda = self.lambda(value, items, Some(name))?;
                self.define_procedure(name, lambda, form);
            }
            Item::Value { name, value, .. } => {
                let value = self.expr(value)?;
                let global = self.globals[name];
                let define = self.push(Expr::DefineGlobal(global, value), form);
                self.add_form(define, self.span(form));
            }
            Item::Record { .. } | Item::Expression { .. } | Item::Body { .. } => {}
        }
        Ok(())
    }

    fn define_procedure(&mut self, name: &str, lambda: LambdaId, form: DatumId) {
        let global = self.globals[name];
        self.program.globals[global.index()].lambda = Some(lambda);
        let procedure = self.push(Expr::Lambda(lambda), form);
        let define = self.push(Expr::DefineGlobal(global, procedure), form);
        self.add_form(define, self.span(form));
    }

    fn add_form(&mut self, body: crate::core::ExprId, span: Span) {
        let lambda = Lambda {
            name: Some("top level".into()),
            parameters: Vec::new(),
            rest: None,
            body,
            span,
            parent: None,
            free: Vec::new(),
        };
        let lambda = self.program.lambda(lambda);
        self.program.forms.push(lambda);
    }
}
