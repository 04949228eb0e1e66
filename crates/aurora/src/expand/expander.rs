//! The expander's state and its dispatch on the form of an expression.

use crate::core::{Constant, Expr, ExprId, GlobalId, Program, VariableId, deeper};
use crate::diagnostic::Complaint;
use crate::primitive::Primitive;
use crate::source::{Origin, Span};
use crate::syntax::{Datum, DatumId, DatumPool};
use std::collections::HashMap;

pub(super) type Expanded<T = ExprId> = Result<T, Complaint>;

/// Nesting of expressions beyond this is refused: deeper trees are data, or a mistake.
const NESTING_MAX: u32 = 20_000;

/// The forms, for suggestions.
const FORMS: [&str; 25] = [
    "define",
    "lambda",
    "let",
    "let*",
    "letrec",
    "letrec*",
    "if",
    "cond",
    "case",
    "and",
    "or",
    "when",
    "unless",
    "do",
    "begin",
    "set!",
    "quote",
    "quasiquote",
    "define-record-type",
    "with-arena",
    "in-arena",
    "else",
    "=>",
    "unquote",
    "unquote-splicing",
];

/// Procedures of R7RS and its neighbours that this version does not have.
const ABSENT_PROCEDURES: [&str; 17] = [
    "call/cc",
    "call-with-current-continuation",
    "values",
    "call-with-values",
    "dynamic-wind",
    "raise",
    "raise-continuable",
    "with-exception-handler",
    "error-object?",
    "error-object-message",
    "error-object-irritants",
    "eval",
    "load",
    "read",
    "make-parameter",
    "define-macro",
    "force",
];

/// Forms of R7RS that this version does not have, so that the message can say so.
const ABSENT_FORMS: [&str; 17] = [
    "define-syntax",
    "let-syntax",
    "letrec-syntax",
    "syntax-rules",
    "define-values",
    "let-values",
    "let*-values",
    "receive",
    "case-lambda",
    "delay",
    "delay-force",
    "parameterize",
    "guard",
    "import",
    "define-library",
    "cond-expand",
    "include",
];

pub(super) struct Expander<'a> {
    pub(super) pool: &'a DatumPool,
    pub(super) origin: Origin,
    pub(super) program: &'a mut Program,
    /// What the names of this source's top level stand for.
    pub(super) globals: &'a HashMap<Box<str>, GlobalId>,
    /// What the names of the library stand for, where it is not the one being expanded.
    pub(super) library: Option<&'a HashMap<Box<str>, GlobalId>>,
    /// The variables in scope, innermost last.
    scope: HashMap<Box<str>, Vec<VariableId>>,
    depth: u32,
}

impl<'a> Expander<'a> {
    pub(super) fn new(
        pool: &'a DatumPool,
        origin: Origin,
        program: &'a mut Program,
        globals: &'a HashMap<Box<str>, GlobalId>,
        library: Option<&'a HashMap<Box<str>, GlobalId>>,
    ) -> Self {
        Self { pool, origin, program, globals, library, scope: HashMap::new(), depth: 0 }
    }

    /// Expands one expression.
    pub(super) fn expr(&mut self, id: DatumId) -> Expanded {
        self.nested(id, |expander| expander.dispatch(id))
    }

    /// Expands a part of the program one level deeper.
    pub(super) fn nested<T>(
        &mut self,
        id: DatumId,
        expand: impl FnOnce(&mut Self) -> Expanded<T>,
    ) -> Expanded<T> {
        self.depth += 1;
        if self.depth > NESTING_MAX {
            self.depth = 0;
            let message = format!("expressions are nested more than {NESTING_MAX} deep");
            return Err(Complaint::new(self.span(id), message, "too deep here")
                .help("use quoted data, or split it up"));
        }
        let result = deeper(|| expand(self));
        self.depth = self.depth.saturating_sub(1);
        result
    }

    fn dispatch(&mut self, id: DatumId) -> Expanded {
        match self.pool.datum(id) {
            Datum::Symbol(name) => self.reference(name, id),
            Datum::List(items, None) if items.is_empty() => Err(Complaint::new(
                self.span(id),
                "an empty combination `()` has no value",
                "nothing to call",
            )
            .help("write '() for the empty list")),
            Datum::List(items, None) => self.combination(id, items),
            Datum::List(_, Some(_)) => {
                Err(Complaint::new(self.span(id), "a dotted list is not an expression", "has a dot")
                    .help("quote it if it is data"))
            }
            _ => Ok(self.literal(id)),
        }
    }

    fn combination(&mut self, id: DatumId, items: &'a [DatumId]) -> Expanded {
        if let Some(head) = self.keyword(items[0])
            && let Some(result) = self.special(head, id, items)
        {
            return result;
        }
        let callee = items[0];
        // A misspelt form is reported as such, before its parts are taken for expressions.
        if let Some(name) = self.pool.symbol(callee)
            && !self.is_bound(name)
        {
            return Err(self.unbound(name, callee));
        }
        let args = self.exprs(&items[1..])?;
        if let Some(primitive) = self.primitive_named(callee)
            && let Some(expr) = self.primitive_call(primitive, &args, self.span(id))
        {
            return Ok(expr);
        }
        let callee = self.expr(callee)?;
        Ok(self.push(Expr::Call(callee, args), id))
    }

    fn special(&mut self, head: &str, id: DatumId, items: &'a [DatumId]) -> Option<Expanded> {
        Some(match head {
            "quote" => self.quote(id, items),
            "quasiquote" => self.quasiquote(id, items),
            "if" => self.if_form(id, items),
            "set!" => self.assignment(id, items),
            "lambda" => self.lambda_form(id, items),
            "begin" => self.begin(id, items),
            "let" => self.let_form(id, items),
            "let*" => self.let_star(id, items),
            "letrec" | "letrec*" => self.letrec(id, items),
            "cond" => self.cond(id, items),
            "case" => self.case(id, items),
            "and" => self.and(id, items),
            "or" => self.or(id, items),
            "when" => self.when(id, items, true),
            "unless" => self.when(id, items, false),
            "do" => self.do_loop(id, items),
            "with-arena" => self.with_arena(id, items),
            "in-arena" => self.in_arena(id, items),
            "make-arena" => self.make_arena(id, items),
            "define" | "define-record-type" => Err(Complaint::new(
                self.span(id),
                format!("`{head}` is not allowed here"),
                "not at the top level or the start of a body",
            )),
            "else" | "=>" | "unquote" | "unquote-splicing" => {
                Err(Complaint::new(self.span(items[0]), format!("`{head}` has no meaning here"), "misplaced"))
            }
            _ if ABSENT_FORMS.contains(&head) => Err(Complaint::new(
                self.span(items[0]),
                format!("`{head}` is not part of this version"),
                "not supported",
            )),
            _ => return None,
        })
    }

    /// The name of a head that no variable shadows.
    pub(super) fn keyword(&self, id: DatumId) -> Option<&'a str> {
        let name = self.pool.symbol(id)?;
        let shadowed =
            self.local(name).is_some() || self.globals.contains_key(name) && self.origin == Origin::User;
        (!shadowed).then_some(name)
    }

    fn primitive_named(&self, id: DatumId) -> Option<Primitive> {
        let name = self.pool.symbol(id)?;
        let shadowed = self.local(name).is_some()
            || self.globals.contains_key(name)
            || self.library_global(name).is_some();
        if shadowed { None } else { Primitive::named(name).filter(|p| self.visible(p.name())) }
    }

    fn library_global(&self, name: &str) -> Option<GlobalId> {
        self.library?.get(name).copied().filter(|_| self.visible(name))
    }

    /// Names that start with `%` belong to the library.
    fn visible(&self, name: &str) -> bool {
        self.origin == Origin::Prelude || !name.starts_with('%')
    }

    fn is_bound(&self, name: &str) -> bool {
        self.local(name).is_some()
            || self.globals.contains_key(name)
            || self.library_global(name).is_some()
            || Primitive::named(name).is_some_and(|p| self.visible(p.name()))
    }

    /// What a name stands for, as an expression.
    fn reference(&mut self, name: &str, id: DatumId) -> Expanded {
        if let Some(variable) = self.local(name) {
            self.program.var_mut(variable).references += 1;
            return Ok(self.push(Expr::Local(variable), id));
        }
        if let Some(global) = self.globals.get(name).copied().or_else(|| self.library_global(name)) {
            return Ok(self.push(Expr::Global(global), id));
        }
        if let Some(primitive) = Primitive::named(name).filter(|p| self.visible(p.name())) {
            return Ok(self.program.constant(Constant::Primitive(primitive), self.span(id)));
        }
        Err(self.unbound(name, id))
    }

    fn unbound(&self, name: &str, id: DatumId) -> Complaint {
        let complaint =
            Complaint::new(self.span(id), format!("unbound variable `{name}`"), "defined nowhere");
        if FORMS.contains(&name) {
            return complaint.note(format!("`{name}` is syntax, not a value"));
        }
        if ABSENT_FORMS.contains(&name) || ABSENT_PROCEDURES.contains(&name) {
            return complaint.note(format!("`{name}` is not part of this version"));
        }
        match self.nearest(name) {
            Some(near) => complaint.help(format!("did you mean `{near}`?")),
            None => complaint.help(format!("define it with (define {name} …)")),
        }
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let mut known: Vec<&str> = Primitive::all().map(Primitive::name).chain(FORMS).collect();
        known.extend(self.scope.iter().filter(|(_, stack)| !stack.is_empty()).map(|(name, _)| &**name));
        known.extend(
            self.globals.keys().chain(self.library.into_iter().flat_map(HashMap::keys)).map(|name| &**name),
        );
        crate::nearest::nearest(name, known.into_iter().filter(|n| self.visible(n))).map(str::to_owned)
    }

    pub(super) fn local(&self, name: &str) -> Option<VariableId> {
        self.scope.get(name)?.last().copied()
    }

    /// Brings a new variable into scope.
    pub(super) fn bind(&mut self, name: &str) -> VariableId {
        let variable = self.program.variable(name);
        self.scope.entry(name.into()).or_default().push(variable);
        variable
    }

    /// Takes variables out of scope again.
    pub(super) fn unbind(&mut self, variables: &[VariableId]) {
        for &variable in variables.iter().rev() {
            let name = &self.program.var(variable).name;
            if let Some(stack) = self.scope.get_mut(name) {
                stack.pop();
            }
        }
    }

    /// Forgets all scopes, after an expression could not be expanded.
    pub(super) fn leave_all_scopes(&mut self) {
        self.scope.clear();
        self.depth = 0;
    }

    pub(super) fn exprs(&mut self, items: &[DatumId]) -> Expanded<Vec<ExprId>> {
        items.iter().map(|&item| self.expr(item)).collect()
    }

    pub(super) fn push(&mut self, expr: Expr, id: DatumId) -> ExprId {
        let span = self.span(id);
        self.program.push(expr, span)
    }

    pub(super) fn span(&self, id: DatumId) -> Span {
        self.pool.span(id)
    }

    pub(super) fn symbol(&self, id: DatumId, role: &str) -> Expanded<&'a str> {
        self.pool
            .symbol(id)
            .ok_or_else(|| Complaint::new(self.span(id), format!("expected {role}"), "a name is needed here"))
    }

    pub(super) fn malformed(&self, id: DatumId, shape: &str) -> Complaint {
        Complaint::new(self.span(id), "this form is not well made", "has the wrong parts")
            .help(format!("its shape is {shape}"))
    }

    pub(super) fn unspecified(&mut self, id: DatumId) -> ExprId {
        let span = self.span(id);
        self.program.constant(Constant::Unspecified, span)
    }

    pub(super) fn boolean(&mut self, value: bool, id: DatumId) -> ExprId {
        let span = self.span(id);
        self.program.constant(Constant::Boolean(value), span)
    }

    pub(super) fn literal(&mut self, id: DatumId) -> ExprId {
        let span = self.span(id);
        let constant = match *self.pool.datum(id) {
            Datum::Fixnum(value) => Constant::Fixnum(value),
            Datum::Boolean(value) => Constant::Boolean(value),
            _ => Constant::Datum(self.origin, id),
        };
        self.program.constant(constant, span)
    }

    fn quote(&mut self, id: DatumId, items: &[DatumId]) -> Expanded {
        match items {
            [_, datum] => Ok(self.literal(*datum)),
            _ => Err(self.malformed(id, "(quote datum)")),
        }
    }

    fn if_form(&mut self, id: DatumId, items: &[DatumId]) -> Expanded {
        let (test, then, otherwise) = match items {
            [_, test, then] => (*test, *then, None),
            [_, test, then, otherwise] => (*test, *then, Some(*otherwise)),
            _ => return Err(self.malformed(id, "(if test then else)")),
        };
        let test = self.expr(test)?;
        let then = self.expr(then)?;
        let otherwise = match otherwise {
            Some(otherwise) => self.expr(otherwise)?,
            None => self.unspecified(id),
        };
        Ok(self.push(Expr::If(test, then, otherwise), id))
    }

    fn assignment(&mut self, id: DatumId, items: &[DatumId]) -> Expanded {
        let &[_, target, value] = items else { return Err(self.malformed(id, "(set! variable value)")) };
        let name = self.symbol(target, "the name of a variable after set!")?;
        let value = self.expr(value)?;
        if let Some(variable) = self.local(name) {
            let var = self.program.var_mut(variable);
            var.assigned = true;
            var.references += 1;
            return Ok(self.push(Expr::SetLocal(variable, value), id));
        }
        if let Some(&global) = self.globals.get(name) {
            self.program.globals[global.index()].assigned = true;
            return Ok(self.push(Expr::SetGlobal(global, value), id));
        }
        if self.library_global(name).is_some() || Primitive::named(name).is_some() {
            let message = format!("`{name}` is built in and cannot be assigned");
            return Err(Complaint::new(self.span(target), message, "built in")
                .help(format!("define your own first: (define {name} …)")));
        }
        Err(self.unbound(name, target))
    }

    fn begin(&mut self, id: DatumId, items: &[DatumId]) -> Expanded {
        match &items[1..] {
            [] => Ok(self.unspecified(id)),
            rest => self.sequence(rest, id),
        }
    }

    /// Expressions in order; at least one.
    pub(super) fn sequence(&mut self, items: &[DatumId], id: DatumId) -> Expanded {
        let all = self.exprs(items)?;
        Ok(self.in_sequence(all, id))
    }

    pub(super) fn in_sequence(&mut self, mut all: Vec<ExprId>, id: DatumId) -> ExprId {
        if all.len() == 1 { all.remove(0) } else { self.push(Expr::Sequence(all), id) }
    }

    /// A call of a primitive with a count of arguments that it takes; variadic arithmetic becomes binary.
    pub(super) fn primitive_call(
        &mut self,
        primitive: Primitive,
        args: &[ExprId],
        span: Span,
    ) -> Option<ExprId> {
        // `apply` needs the calling convention of procedures.
        if !primitive.takes(args.len()) || primitive == Primitive::Apply {
            return None;
        }
        if let Some(expr) = crate::primitive::simplify(self.program, primitive, args, span) {
            return Some(expr);
        }
        Some(self.program.push(Expr::Primitive(primitive, args.to_vec()), span))
    }
}
