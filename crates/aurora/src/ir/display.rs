//! The intermediate language as text, for people and for tests.

use super::function::{Callee, Function, Inst, Made, Operand, Temp, Terminator, Test};
use crate::placement::Zone;
use std::fmt;

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "function {} ({} parameters)", self.name, self.parameters)?;
        for (index, block) in self.blocks.iter().enumerate() {
            writeln!(f, "b{index}:")?;
            for (inst, _) in &block.insts {
                writeln!(f, "  {inst}")?;
            }
            writeln!(f, "  {}", block.end)?;
        }
        Ok(())
    }
}

impl fmt::Display for Temp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Temp(temp) => temp.fmt(f),
            Operand::Fixnum(number) => number.fmt(f),
            Operand::Literal(id) => write!(f, "literal{}", id.index()),
            Operand::Unspecified => f.write_str("unspecified"),
            Operand::Procedure(id) => write!(f, "function{}", id.0),
        }
    }
}

struct Operands<'a>(&'a [Operand]);

impl fmt::Display for Operands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for operand in self.0 {
            write!(f, " {operand}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Callee {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Callee::Known(id) => write!(f, "function{}", id.0),
            Callee::KnownClosure(id, closure) => write!(f, "function{}[{closure}]", id.0),
            Callee::Value(value) => write!(f, "({value})"),
        }
    }
}

impl fmt::Display for Inst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Inst::Move { to, from } => write!(f, "{to} = {from}"),
            Inst::Global { to, global } => write!(f, "{to} = global{}", global.index()),
            Inst::SetGlobal { global, from, .. } => write!(f, "global{} = {from}", global.index()),
            Inst::Captured { to, index } => write!(f, "{to} = captured {index}"),
            Inst::SelfClosure { to } => write!(f, "{to} = self"),
            Inst::CheckDefined { from, .. } => write!(f, "check {from}"),
            Inst::CellGet { to, cell } => write!(f, "{to} = cell.get {cell}"),
            Inst::CellSet { cell, from } => write!(f, "cell.set {cell} {from}"),
            Inst::Alloc { to, made, zone, parts, .. } => {
                let zone = if *zone == Zone::Frame { "frame" } else { "heap" };
                let made = match made {
                    Made::Pair => "pair",
                    Made::Vector => "vector",
                    Made::Cell => "cell",
                    Made::Closure(_) => "closure",
                    Made::Record(_) => "record",
                };
                write!(f, "{to} = alloc.{zone} {made}{}", Operands(parts))
            }
            Inst::Patch { closure, index, from } => write!(f, "patch {closure} {index} {from}"),
            Inst::FrameEnter => f.write_str("frame.enter"),
            Inst::FrameLeave => f.write_str("frame.leave"),
            Inst::Primitive { to, primitive, args, .. } => {
                write!(f, "{to} = {}{}", primitive.name(), Operands(args))
            }
            Inst::RecordIs { to, from, .. } => write!(f, "{to} = record.is {from}"),
            Inst::RecordRef { to, field, from, .. } => write!(f, "{to} = record.ref {from} {field}"),
            Inst::RecordSet { field, target, from, .. } => write!(f, "record.set {target} {field} {from}"),
            Inst::Call { to, callee, args } => write!(f, "{to} = call {callee}{}", Operands(args)),
        }
    }
}

impl fmt::Display for Terminator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Terminator::Jump(to) => write!(f, "jump b{}", to.0),
            Terminator::Return(value) => write!(f, "return {value}"),
            Terminator::TailCall { callee, args } => write!(f, "tail {callee}{}", Operands(args)),
            Terminator::Open => f.write_str("open"),
            Terminator::Branch { test, then, otherwise } => {
                match test {
                    Test::True(a) => write!(f, "if {a}")?,
                    Test::Null(a) => write!(f, "if null {a}")?,
                    Test::Pair(a) => write!(f, "if pair {a}")?,
                    Test::Same(a, b) => write!(f, "if same {a} {b}")?,
                    Test::Compare(c, a, b) => write!(f, "if {c:?} {a} {b}")?,
                }
                write!(f, " b{} else b{}", then.0, otherwise.0)
            }
        }
    }
}
