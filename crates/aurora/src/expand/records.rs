//! `define-record-type` (R7RS §5.5): a type and the procedures over it.

use super::expander::{Expanded, Expander};
use crate::core::{Expr, ExprId, Lambda, LambdaId, RecordType, RecordTypeId, VariableId};
use crate::diagnostic::Complaint;
use crate::syntax::{Datum, DatumId};
use std::collections::{HashMap, HashSet};

const SHAPE: &str = "(define-record-type type (constructor field …) predicate (field accessor modifier) …)";

/// Instructions have 16 bits for the number of a field.
const FIELDS_MAX: usize = 60_000;

/// The parts of a definition, as written.
struct Parts<'a> {
    type_name: &'a str,
    constructor: Option<(&'a str, Vec<&'a str>)>,
    predicate: Option<&'a str>,
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    name: &'a str,
    accessor: Option<&'a str>,
    modifier: Option<&'a str>,
}

impl<'a> Expander<'a> {
    /// The names that the definition binds, in the order of [`Self::record_procedures`].
    pub(super) fn record_names(&self, id: DatumId) -> Expanded<Vec<&'a str>> {
        let parts = self.record_parts(id)?;
        let mut names: Vec<_> = parts.constructor.iter().map(|c| c.0).chain(parts.predicate).collect();
        for field in &parts.fields {
            names.extend(field.accessor.into_iter().chain(field.modifier));
        }
        Ok(names)
    }

    /// The procedures of the definition.
    pub(super) fn record_procedures(&mut self, id: DatumId) -> Expanded<Vec<LambdaId>> {
        let parts = self.record_parts(id)?;
        let fields = parts.fields.iter().map(|f| f.name.into()).collect();
        let name = parts.type_name.trim_start_matches('<').trim_end_matches('>');
        self.program.record_types.push(RecordType { name: name.into(), fields });
        let record = RecordTypeId::new(self.program.record_types.len() - 1);
        let mut procedures = Vec::new();
        if let Some((name, given)) = &parts.constructor {
            procedures.push(self.constructor(id, record, name, given, &parts)?);
        }
        if let Some(name) = parts.predicate {
            procedures
                .push(self.over_record(id, name, &["object"], |_, args| Expr::RecordIs(record, args[0])));
        }
        for (index, field) in (0u32..).zip(&parts.fields) {
            if let Some(name) = field.accessor {
                let make = |_: &mut Self, args: &[ExprId]| Expr::RecordRef(record, index, args[0]);
                procedures.push(self.over_record(id, name, &["record"], make));
            }
            if let Some(name) = field.modifier {
                let make = |_: &mut Self, args: &[ExprId]| Expr::RecordSet(record, index, args[0], args[1]);
                procedures.push(self.over_record(id, name, &["record", "value"], make));
            }
        }
        Ok(procedures)
    }

    fn constructor(
        &mut self,
        id: DatumId,
        record: RecordTypeId,
        name: &str,
        given: &[&'a str],
        parts: &Parts<'a>,
    ) -> Expanded<LambdaId> {
        let fields: HashSet<&str> = parts.fields.iter().map(|f| f.name).collect();
        if let Some(unknown) = given.iter().find(|g| !fields.contains(*g)) {
            let message = format!("`{unknown}` is not a field of `{}`", parts.type_name);
            return Err(Complaint::new(self.span(id), message, "in the constructor of this type"));
        }
        let positions: HashMap<&str, usize> =
            given.iter().enumerate().map(|(at, &name)| (name, at)).collect();
        let order: Vec<Option<usize>> = parts.fields.iter().map(|f| positions.get(f.name).copied()).collect();
        Ok(self.over_record(id, name, given, |expander, args| {
            let values = order.iter().map(|at| match at {
                Some(at) => args[*at],
                None => expander.boolean(false, id),
            });
            Expr::RecordNew(record, values.collect())
        }))
    }

    fn over_record(
        &mut self,
        id: DatumId,
        name: &str,
        parameters: &[&str],
        make: impl FnOnce(&mut Self, &[ExprId]) -> Expr,
    ) -> LambdaId {
        let parameters: Vec<VariableId> = parameters.iter().map(|p| self.program.variable(p)).collect();
        let args: Vec<_> = parameters.iter().map(|&p| self.push(Expr::Local(p), id)).collect();
        let expr = make(self, &args);
        let body = self.push(expr, id);
        let span = self.span(id);
        let name = Some(name.into());
        self.program.lambda(Lambda {
            name,
            parameters,
            rest: None,
            body,
            span,
            parent: None,
            free: Vec::new(),
        })
    }

    fn record_parts(&self, id: DatumId) -> Expanded<Parts<'a>> {
        let items =
            self.pool.list(id).filter(|items| items.len() >= 4).ok_or_else(|| self.malformed(id, SHAPE))?;
        let type_name = match self.pool.head(items[1]) {
            Some(head) => self.symbol(head, "the name of the type")?,
            None => self.symbol(items[1], "the name of the type")?,
        };
        let fields =
            items[4..].iter().map(|&field| self.record_field(field)).collect::<Expanded<Vec<_>>>()?;
        if fields.len() > FIELDS_MAX {
            let message = format!("a record has at most {FIELDS_MAX} fields");
            return Err(Complaint::new(self.span(id), message, "too many fields"));
        }
        self.distinct(fields.iter().map(|f| f.name), id)?;
        let constructor = match self.pool.datum(items[2]) {
            Datum::Boolean(false) => None,
            Datum::Symbol(name) => Some((&**name, fields.iter().map(|f| f.name).collect())),
            Datum::List(parts, None) if !parts.is_empty() => {
                let names = parts
                    .iter()
                    .map(|&p| self.symbol(p, "a name in the constructor"))
                    .collect::<Expanded<Vec<_>>>()?;
                self.distinct(names[1..].iter().copied(), items[2])?;
                Some((names[0], names[1..].to_vec()))
            }
            _ => return Err(self.malformed(items[2], "(constructor field …), a name, or #f")),
        };
        let predicate = match self.pool.datum(items[3]) {
            Datum::Boolean(false) => None,
            _ => Some(self.symbol(items[3], "the name of the predicate")?),
        };
        Ok(Parts { type_name, constructor, predicate, fields })
    }

    fn record_field(&self, id: DatumId) -> Expanded<Field<'a>> {
        if let Some(name) = self.pool.symbol(id) {
            return Ok(Field { name, accessor: None, modifier: None });
        }
        let parts = self.pool.list(id).filter(|parts| (1..=3).contains(&parts.len()));
        let parts = parts.ok_or_else(|| self.malformed(id, "(field accessor modifier)"))?;
        let name = |at: usize, role| parts.get(at).map(|&part| self.symbol(part, role)).transpose();
        Ok(Field {
            name: self.symbol(parts[0], "the name of a field")?,
            accessor: name(1, "the name of the accessor")?,
            modifier: name(2, "the name of the modifier")?,
        })
    }
}
