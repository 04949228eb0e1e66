//! The instructions of the register machine, and functions made of them.
//!
//! An instruction is twelve bytes. Operand lists (of calls, primitives, vectors) follow their
//! instruction in [`Instr::Arguments`] words.

use crate::ir::{FunctionId, Site, SiteId};
use crate::primitive::Primitive;
use crate::source::Span;

/// Registers in one [`Instr::Arguments`] word.
pub(crate) const ARGUMENTS_PER_WORD: usize = 5;

/// An instruction. Fields named `to`, `from`, `a`, `b`… are registers; register 0 holds the running closure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Instr {
    Move {
        to: u16,
        from: u16,
    },
    Fixnum {
        to: u16,
        value: i32,
    },
    Literal {
        to: u16,
        index: u32,
    },
    Unspecified {
        to: u16,
    },
    /// The procedure value of a function without captured variables.
    Procedure {
        to: u16,
        function: u32,
    },
    Global {
        to: u16,
        index: u32,
    },
    SetGlobal {
        from: u16,
        index: u32,
    },
    DefineGlobal {
        from: u16,
        index: u32,
    },
    Captured {
        to: u16,
        index: u16,
    },
    CheckDefined {
        from: u16,
        variable: u32,
    },
    CellGet {
        to: u16,
        cell: u16,
    },
    CellSet {
        cell: u16,
        from: u16,
    },
    Patch {
        closure: u16,
        index: u16,
        from: u16,
    },

    Pair {
        to: u16,
        car: u16,
        cdr: u16,
    },
    FramePair {
        to: u16,
        car: u16,
        cdr: u16,
    },
    Cell {
        to: u16,
        from: u16,
        frame: bool,
    },
    Vector {
        to: u16,
        count: u16,
        frame: bool,
    },
    Closure {
        to: u16,
        count: u16,
        function: u32,
        frame: bool,
    },
    Record {
        to: u16,
        count: u16,
        record: u32,
        frame: bool,
    },
    FrameEnter,
    FrameLeave,

    Car {
        to: u16,
        from: u16,
    },
    Cdr {
        to: u16,
        from: u16,
    },
    SetCar {
        pair: u16,
        from: u16,
    },
    SetCdr {
        pair: u16,
        from: u16,
    },
    VectorRef {
        to: u16,
        vector: u16,
        index: u16,
    },
    VectorSet {
        vector: u16,
        index: u16,
        from: u16,
    },
    RecordIs {
        to: u16,
        from: u16,
        record: u32,
    },
    RecordRef {
        to: u16,
        from: u16,
        field: u16,
        record: u32,
    },
    RecordSet {
        target: u16,
        from: u16,
        field: u16,
        record: u32,
    },
    Not {
        to: u16,
        from: u16,
    },
    IsNull {
        to: u16,
        from: u16,
    },
    IsPair {
        to: u16,
        from: u16,
    },
    Same {
        to: u16,
        a: u16,
        b: u16,
    },

    Add {
        to: u16,
        a: u16,
        b: u16,
    },
    AddFixnum {
        to: u16,
        a: u16,
        value: i32,
    },
    Subtract {
        to: u16,
        a: u16,
        b: u16,
    },
    SubtractFixnum {
        to: u16,
        a: u16,
        value: i32,
    },
    Multiply {
        to: u16,
        a: u16,
        b: u16,
    },

    Jump {
        target: u32,
    },
    UnlessTrue {
        from: u16,
        target: u32,
    },
    UnlessNull {
        from: u16,
        target: u32,
    },
    UnlessPair {
        from: u16,
        target: u32,
    },
    UnlessSame {
        a: u16,
        b: u16,
        target: u32,
    },
    UnlessEqual {
        a: u16,
        b: u16,
        target: u32,
    },
    UnlessLess {
        a: u16,
        b: u16,
        target: u32,
    },
    UnlessAtMost {
        a: u16,
        b: u16,
        target: u32,
    },
    UnlessEqualFixnum {
        a: u16,
        value: i32,
        target: u32,
    },
    UnlessLessFixnum {
        a: u16,
        value: i32,
        target: u32,
    },
    UnlessAtMostFixnum {
        a: u16,
        value: i32,
        target: u32,
    },
    UnlessGreaterFixnum {
        a: u16,
        value: i32,
        target: u32,
    },
    UnlessAtLeastFixnum {
        a: u16,
        value: i32,
        target: u32,
    },

    Primitive {
        to: u16,
        count: u16,
        primitive: Primitive,
    },
    Call {
        to: u16,
        count: u16,
        function: u32,
    },
    CallClosure {
        to: u16,
        count: u16,
        closure: u16,
        function: u32,
    },
    CallValue {
        to: u16,
        count: u16,
        callee: u16,
    },
    TailCall {
        count: u16,
        function: u32,
    },
    TailCallClosure {
        count: u16,
        closure: u16,
        function: u32,
    },
    TailCallValue {
        count: u16,
        callee: u16,
    },
    Return {
        from: u16,
    },
    /// Operands of the instruction before.
    Arguments([u16; ARGUMENTS_PER_WORD]),
}

/// The code of one procedure.
#[derive(Debug)]
pub(crate) struct CodeFunction {
    pub(crate) name: Box<str>,
    /// Without the rest parameter.
    pub(crate) parameters: usize,
    pub(crate) has_rest: bool,
    /// How many registers an activation has.
    pub(crate) registers: usize,
    pub(crate) code: Vec<Instr>,
    /// Place in the source, by instruction.
    pub(crate) spans: Vec<Span>,
    /// Allocation sites, by instruction, in order.
    pub(crate) sites: Vec<(u32, SiteId)>,
    /// Instructions at which a collection may happen, in order, each with a range of `live`.
    pub(crate) safepoints: Vec<Safepoint>,
    /// Registers that hold live values.
    pub(crate) live: Vec<u16>,
}

/// What is live while an instruction may collect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Safepoint {
    pub(crate) at: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl CodeFunction {
    /// The registers that are live at an instruction that may collect.
    pub(crate) fn live_at(&self, at: usize) -> &[u16] {
        match self.safepoints.binary_search_by_key(&at, |s| s.at as usize) {
            Ok(found) => {
                let Safepoint { start, end, .. } = self.safepoints[found];
                &self.live[start as usize..end as usize]
            }
            Err(_) => &[],
        }
    }

    /// The allocation site of an instruction.
    pub(crate) fn site_at(&self, at: usize) -> Option<SiteId> {
        self.sites.binary_search_by_key(&at, |s| s.0 as usize).ok().map(|found| self.sites[found].1)
    }
}

/// A whole program's code.
#[derive(Debug)]
pub(crate) struct Code {
    pub(crate) functions: Vec<CodeFunction>,
    pub(crate) sites: Vec<Site>,
    /// The top-level forms, in order.
    pub(crate) forms: Vec<FunctionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instruction_has_twelve_bytes() {
        assert_eq!(size_of::<Instr>(), 12);
    }
}
