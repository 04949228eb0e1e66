//! What a function of the intermediate language is made of.

use crate::core::{ConstantId, GlobalId, RecordTypeId, VariableId};
use crate::placement::Zone;
use crate::primitive::Primitive;
use crate::source::Span;

macro_rules! index {
    ($($(#[$meta:meta])* $name:ident)*) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub(crate) struct $name(pub(super) u32);

        impl $name {
            pub(crate) fn new(index: usize) -> Self {
                Self(u32::try_from(index).expect("a program below 4 GiB makes fewer than 2^32 of these"))
            }

            pub(crate) fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// A temporary: becomes a register.
    Temp
    BlockId
    FunctionId
    /// A place in the program that allocates.
    SiteId
}

/// An operand: never a computation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operand {
    Temp(Temp),
    Fixnum(i64),
    Literal(ConstantId),
    Unspecified,
    /// The procedure value of a function without captured variables.
    Procedure(FunctionId),
}

/// What an allocation makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Made {
    Pair,
    Vector,
    Cell,
    Closure(FunctionId),
    Record(RecordTypeId),
}

/// Who is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callee {
    /// A function without captured variables.
    Known(FunctionId),
    /// A function whose closure is at hand.
    KnownClosure(FunctionId, Operand),
    Value(Operand),
}

/// An instruction.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Inst {
    Move {
        to: Temp,
        from: Operand,
    },
    Global {
        to: Temp,
        global: GlobalId,
    },
    SetGlobal {
        global: GlobalId,
        from: Operand,
        define: bool,
    },
    /// A captured variable out of the running closure.
    Captured {
        to: Temp,
        index: u32,
    },
    /// The running closure.
    SelfClosure {
        to: Temp,
    },
    /// Stops if the variable's definition has not run.
    CheckDefined {
        from: Operand,
        variable: VariableId,
    },
    CellGet {
        to: Temp,
        cell: Operand,
    },
    CellSet {
        cell: Operand,
        from: Operand,
    },
    Alloc {
        to: Temp,
        made: Made,
        zone: Zone,
        parts: Vec<Operand>,
        site: SiteId,
    },
    /// Completes a closure of a recursive group: a captured slot gets its value.
    Patch {
        closure: Operand,
        index: u32,
        from: Operand,
    },
    FrameEnter,
    FrameLeave,
    Primitive {
        to: Temp,
        primitive: Primitive,
        args: Vec<Operand>,
        site: SiteId,
    },
    RecordIs {
        to: Temp,
        record: RecordTypeId,
        from: Operand,
    },
    RecordRef {
        to: Temp,
        record: RecordTypeId,
        field: u32,
        from: Operand,
    },
    RecordSet {
        record: RecordTypeId,
        field: u32,
        target: Operand,
        from: Operand,
    },
    Call {
        to: Temp,
        callee: Callee,
        args: Vec<Operand>,
    },
}

/// An ordering of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

/// What a branch tests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Test {
    True(Operand),
    Null(Operand),
    Pair(Operand),
    Same(Operand, Operand),
    Compare(Comparison, Operand, Operand),
}

/// How a block ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Terminator {
    Jump(BlockId),
    Branch {
        test: Test,
        then: BlockId,
        otherwise: BlockId,
    },
    Return(Operand),
    TailCall {
        callee: Callee,
        args: Vec<Operand>,
    },
    /// Not ended yet; only while the function is being built.
    Open,
}

/// Instructions with their places, in order, and an end.
#[derive(Debug, Clone)]
pub(crate) struct Block {
    pub(crate) insts: Vec<(Inst, Span)>,
    pub(crate) end: Terminator,
    pub(crate) end_span: Span,
}

/// A procedure in the intermediate language. Temporaries `0..parameters` hold its arguments at the start.
#[derive(Debug, Clone)]
pub(crate) struct Function {
    pub(crate) name: Box<str>,
    pub(crate) span: Span,
    /// Without the rest parameter, whose temporary follows.
    pub(crate) parameters: usize,
    pub(crate) has_rest: bool,
    pub(crate) blocks: Vec<Block>,
    pub(crate) temps: usize,
}

/// A place that allocates: for reports and explanations.
#[derive(Debug, Clone)]
pub(crate) struct Site {
    pub(crate) span: Span,
    /// "cons", "vector", "closure loop", "record point".
    pub(crate) what: Box<str>,
    pub(crate) zone: Zone,
    /// Why it is where it is.
    pub(crate) reason: Box<str>,
    /// One of the compiler's own choices: `explain` lists those.
    pub(crate) placed: bool,
}

/// A whole program.
#[derive(Debug, Default)]
pub(crate) struct Module {
    pub(crate) functions: Vec<Function>,
    pub(crate) sites: Vec<Site>,
    /// The top-level forms, in order.
    pub(crate) forms: Vec<FunctionId>,
}

impl Inst {
    /// The temporary that it writes.
    pub(crate) fn target(&self) -> Option<Temp> {
        match self {
            Inst::Move { to, .. }
            | Inst::Global { to, .. }
            | Inst::Captured { to, .. }
            | Inst::SelfClosure { to }
            | Inst::CellGet { to, .. }
            | Inst::Alloc { to, .. }
            | Inst::Primitive { to, .. }
            | Inst::RecordIs { to, .. }
            | Inst::RecordRef { to, .. }
            | Inst::Call { to, .. } => Some(*to),
            _ => None,
        }
    }

    /// The operands that it reads.
    pub(crate) fn operands(&self) -> Vec<Operand> {
        match self {
            Inst::Global { .. }
            | Inst::Captured { .. }
            | Inst::SelfClosure { .. }
            | Inst::FrameEnter
            | Inst::FrameLeave => Vec::new(),
            Inst::Move { from, .. }
            | Inst::SetGlobal { from, .. }
            | Inst::CheckDefined { from, .. }
            | Inst::RecordIs { from, .. }
            | Inst::RecordRef { from, .. } => vec![*from],
            Inst::CellGet { cell, .. } => vec![*cell],
            Inst::CellSet { cell, from } => vec![*cell, *from],
            Inst::Patch { closure, from, .. } => vec![*closure, *from],
            Inst::RecordSet { target, from, .. } => vec![*target, *from],
            Inst::Alloc { parts, .. } => parts.clone(),
            Inst::Primitive { args, .. } => args.clone(),
            Inst::Call { callee, args, .. } => callee_operands(callee, args),
        }
    }

    /// Does it read the running closure (register 0)?
    pub(crate) fn reads_closure(&self) -> bool {
        matches!(self, Inst::Captured { .. } | Inst::SelfClosure { .. })
    }
}

fn callee_operands(callee: &Callee, args: &[Operand]) -> Vec<Operand> {
    let head = match callee {
        Callee::Known(_) => None,
        Callee::KnownClosure(_, operand) | Callee::Value(operand) => Some(*operand),
    };
    head.into_iter().chain(args.iter().copied()).collect()
}

impl Terminator {
    /// The operands that it reads.
    pub(crate) fn operands(&self) -> Vec<Operand> {
        match self {
            Terminator::Jump(_) | Terminator::Open => Vec::new(),
            Terminator::Return(value) => vec![*value],
            Terminator::TailCall { callee, args } => callee_operands(callee, args),
            Terminator::Branch { test, .. } => match *test {
                Test::True(a) | Test::Null(a) | Test::Pair(a) => vec![a],
                Test::Same(a, b) | Test::Compare(_, a, b) => vec![a, b],
            },
        }
    }

    /// The blocks that may follow.
    pub(crate) fn successors(&self) -> Vec<BlockId> {
        match self {
            Terminator::Jump(to) => vec![*to],
            Terminator::Branch { then, otherwise, .. } => vec![*then, *otherwise],
            _ => Vec::new(),
        }
    }
}
