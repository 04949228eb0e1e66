//! The tree of the core language, in pools: an expression refers to its parts by index, so that
//! trees of any depth are dropped without recursion and annotated without lifetimes.

use crate::primitive::Primitive;
use crate::source::{Origin, Span};
use crate::syntax::DatumId;

macro_rules! index {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(u32);

        impl $name {
            pub(crate) fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("a source below 4 GiB makes fewer than 2^32 of these"))
            }

            pub(crate) fn index(self) -> usize {
                self.0 as usize
            }
        }
    };
}

index!(ExprId);
index!(VariableId);
index!(LambdaId);
index!(GlobalId);
index!(
    /// An entry of the program's table of literals.
    ConstantId
);
index!(LoopId);
index!(RecordTypeId);

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Constant {
    Unspecified,
    Undefined,
    EmptyList,
    Boolean(bool),
    Fixnum(i64),
    /// The procedure value of a primitive.
    Primitive(Primitive),
    /// A literal that is read from the source: quoted data, strings, flonums, characters, symbols.
    Datum(Origin, DatumId),
}

/// An expression of the core language.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Constant(ConstantId),
    Local(VariableId),
    Global(GlobalId),
    SetLocal(VariableId, ExprId),
    SetGlobal(GlobalId, ExprId),
    DefineGlobal(GlobalId, ExprId),
    If(ExprId, ExprId, ExprId),
    /// At least one expression; the last one's value.
    Sequence(Vec<ExprId>),
    Let(Vec<(VariableId, ExprId)>, ExprId),
    /// Mutually recursive procedures.
    Letrec(Vec<(VariableId, LambdaId)>, ExprId),
    Lambda(LambdaId),
    Call(ExprId, Vec<ExprId>),
    Primitive(Primitive, Vec<ExprId>),
    RecordNew(RecordTypeId, Vec<ExprId>),
    RecordIs(RecordTypeId, ExprId),
    RecordRef(RecordTypeId, u32, ExprId),
    RecordSet(RecordTypeId, u32, ExprId, ExprId),
    /// A procedure that is only ever tail-called by itself, run in place: its parameters are loop
    /// variables, a self-call is `Next`.
    Loop {
        id: LoopId,
        variables: Vec<VariableId>,
        inits: Vec<ExprId>,
        body: ExprId,
    },
    Next(LoopId, Vec<ExprId>),
    /// `(with-arena (v bytes) body)`: a scope arena; everything allocated in its extent is in it.
    WithArena {
        variable: VariableId,
        bytes: ExprId,
        body: ExprId,
    },
    /// `(in-arena arena body)`: allocations of the body's extent go to that arena.
    InArena {
        arena: ExprId,
        body: ExprId,
    },
}

/// A local variable.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    pub(crate) name: Box<str>,
    /// Some `set!` (or a definition that runs after a use) assigns it.
    pub(crate) assigned: bool,
    /// A use might run before the definition: reads are checked.
    pub(crate) checked: bool,
    /// How often the expander resolved a name to it.
    pub(crate) references: u32,
    /// The procedure that binds it. Set by `resolve_variables`.
    pub(crate) owner: Option<LambdaId>,
    /// Used by a procedure inside its owner. Set by `resolve_variables`.
    pub(crate) captured: bool,
    /// The procedure it always stands for: bound by `Letrec`, never assigned. Set by `resolve_variables`.
    pub(crate) procedure: Option<LambdaId>,
}

impl Variable {
    /// Assigned and shared with a closure: it lives in a cell.
    pub(crate) fn is_boxed(&self) -> bool {
        self.assigned && self.captured
    }
}

/// A procedure.
#[derive(Debug, Clone)]
pub(crate) struct Lambda {
    pub(crate) name: Option<Box<str>>,
    pub(crate) parameters: Vec<VariableId>,
    pub(crate) rest: Option<VariableId>,
    pub(crate) body: ExprId,
    pub(crate) span: Span,
    /// The procedure around it. Set by `resolve_variables`.
    pub(crate) parent: Option<LambdaId>,
    /// Variables of enclosing procedures that it or a procedure inside it uses. Set by `resolve_variables`.
    pub(crate) free: Vec<VariableId>,
}

/// A top-level variable.
#[derive(Debug, Clone)]
pub(crate) struct Global {
    pub(crate) name: Box<str>,
    pub(crate) definitions: u32,
    pub(crate) assigned: bool,
    /// The procedure of its only definition. Meaningful where `definitions == 1` and not `assigned`.
    pub(crate) lambda: Option<LambdaId>,
}

impl Global {
    /// The procedure that this variable stands for throughout the program.
    pub(crate) fn procedure(&self) -> Option<LambdaId> {
        self.lambda.filter(|_| self.definitions == 1 && !self.assigned)
    }
}

/// A type made by `define-record-type`.
#[derive(Debug, Clone)]
pub(crate) struct RecordType {
    pub(crate) name: Box<str>,
    pub(crate) fields: Vec<Box<str>>,
}

/// A whole program in the core language.
#[derive(Debug, Default)]
pub(crate) struct Program {
    exprs: Vec<(Expr, Span)>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) lambdas: Vec<Lambda>,
    pub(crate) globals: Vec<Global>,
    pub(crate) constants: Vec<Constant>,
    pub(crate) record_types: Vec<RecordType>,
    /// Names of the loops.
    pub(crate) loops: Vec<Box<str>>,
    /// The top-level forms in order, each a procedure without parameters.
    pub(crate) forms: Vec<LambdaId>,
}

impl Program {
    pub(crate) fn push(&mut self, expr: Expr, span: Span) -> ExprId {
        self.exprs.push((expr, span));
        ExprId::new(self.exprs.len() - 1)
    }

    /// All expressions, used or not.
    pub(crate) fn expr_ids(&self) -> impl Iterator<Item = ExprId> + use<> {
        (0..self.exprs.len()).map(ExprId::new)
    }

    pub(crate) fn expr(&self, id: ExprId) -> &Expr {
        &self.exprs[id.index()].0
    }

    pub(crate) fn span(&self, id: ExprId) -> Span {
        self.exprs[id.index()].1
    }

    pub(crate) fn replace(&mut self, id: ExprId, expr: Expr) {
        self.exprs[id.index()].0 = expr;
    }

    pub(crate) fn constant(&mut self, constant: Constant, span: Span) -> ExprId {
        self.constants.push(constant);
        let id = ConstantId::new(self.constants.len() - 1);
        self.push(Expr::Constant(id), span)
    }

    pub(crate) fn variable(&mut self, name: &str) -> VariableId {
        self.variables.push(Variable {
            name: name.into(),
            assigned: false,
            checked: false,
            references: 0,
            owner: None,
            captured: false,
            procedure: None,
        });
        VariableId::new(self.variables.len() - 1)
    }

    pub(crate) fn lambda(&mut self, lambda: Lambda) -> LambdaId {
        self.lambdas.push(lambda);
        LambdaId::new(self.lambdas.len() - 1)
    }

    pub(crate) fn var(&self, id: VariableId) -> &Variable {
        &self.variables[id.index()]
    }

    pub(crate) fn var_mut(&mut self, id: VariableId) -> &mut Variable {
        &mut self.variables[id.index()]
    }

    /// Is this a form of the top level rather than a procedure that is called?
    pub(crate) fn is_form(&self, lambda: LambdaId) -> bool {
        self.forms.binary_search(&lambda).is_ok()
    }

    /// Name of a procedure for messages.
    pub(crate) fn procedure_name(&self, id: LambdaId) -> &str {
        self.lambdas[id.index()].name.as_deref().unwrap_or("anonymous procedure")
    }

    /// The direct parts of an expression, procedures' bodies not included.
    pub(crate) fn parts(&self, id: ExprId) -> Vec<ExprId> {
        match self.expr(id) {
            Expr::Constant(_) | Expr::Local(_) | Expr::Global(_) | Expr::Lambda(_) => Vec::new(),
            Expr::SetLocal(_, e) | Expr::SetGlobal(_, e) | Expr::DefineGlobal(_, e) => vec![*e],
            Expr::RecordIs(_, e) | Expr::RecordRef(_, _, e) | Expr::Letrec(_, e) => vec![*e],
            Expr::If(a, b, c) => vec![*a, *b, *c],
            Expr::RecordSet(_, _, a, b) => vec![*a, *b],
            Expr::Sequence(all) | Expr::Primitive(_, all) | Expr::RecordNew(_, all) | Expr::Next(_, all) => {
                all.clone()
            }
            Expr::Let(bindings, body) => bindings.iter().map(|b| b.1).chain([*body]).collect(),
            Expr::Call(callee, args) => [*callee].into_iter().chain(args.iter().copied()).collect(),
            Expr::Loop { inits, body, .. } => inits.iter().copied().chain([*body]).collect(),
            Expr::WithArena { bytes, body, .. } => vec![*bytes, *body],
            Expr::InArena { arena, body } => vec![*arena, *body],
        }
    }

    /// The procedures that an expression makes itself.
    pub(crate) fn made_by(&self, id: ExprId) -> Vec<LambdaId> {
        match self.expr(id) {
            Expr::Lambda(lambda) => vec![*lambda],
            Expr::Letrec(bindings, _) => bindings.iter().map(|b| b.1).collect(),
            _ => Vec::new(),
        }
    }
}
