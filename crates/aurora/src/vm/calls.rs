//! Calls: staging arguments, entering procedures, calling values.

use super::machine::{Arguments, Machine};
use super::primitives::lists::proper_length;
use super::trap::{Outcome, Trap};
use crate::bytecode::{ARGUMENTS_PER_WORD, CodeFunction, Instr};
use crate::heap::{Immediate, Kind, Mutator, PAIR_BYTES, Value};
use crate::primitive::{Primitive, count_of_arguments};
use terrane_base::Bytes;

/// Registers of all activations together: 256 MiB.
const STACK_SLOTS_MAX: usize = 32 << 20;

/// What a register is charged as: itself, and its share of an activation record.
const SLOT_BYTES_CHARGED: usize = 12;

/// What calling a value came to.
pub(super) enum Called {
    /// A procedure to enter; its arguments are staged.
    Function(u32),
    /// A primitive has run.
    Done(Value),
}

/// How many argument words follow a call.
#[inline(always)]
pub(super) fn argument_words(count: u16) -> usize {
    usize::from(count).div_ceil(ARGUMENTS_PER_WORD)
}

impl Machine {
    /// Makes room for registers up to `needed`.
    #[inline(always)]
    pub(super) fn ensure_stack(&mut self, needed: usize) -> Result<(), Trap> {
        if self.roots.stack.len() < needed { self.grow_stack(needed) } else { Ok(()) }
    }

    #[cold]
    #[inline(never)]
    pub(super) fn grow_stack(&mut self, needed: usize) -> Result<(), Trap> {
        if needed > STACK_SLOTS_MAX {
            return Err(self.too_deep());
        }
        let size = needed.next_power_of_two().clamp(1024, STACK_SLOTS_MAX);
        let more = size - self.roots.stack.len();
        let charged = self.stack_charge.try_grow(Bytes::from_usize(more * SLOT_BYTES_CHARGED));
        if charged.is_err() || self.roots.stack.try_reserve_exact(more).is_err() {
            return Err(self.too_deep());
        }
        self.roots.stack.resize(size, Value::ZERO);
        Ok(())
    }

    fn too_deep(&self) -> Trap {
        let depth = self.roots.activations.len();
        Trap::error(format!(
            "recursion too deep: {depth} calls are waiting for their result, and the stack is full"
        ))
        .with_help("does the recursion end? A tail call or a loop needs no stack")
    }

    /// Copies the operands of the instruction at `at` to registers from `target` on.
    #[inline(always)]
    pub(super) fn stage(&mut self, code: &[Instr], at: usize, base: usize, target: usize, count: u16) {
        let mut left = usize::from(count);
        let mut to = target;
        let mut word = at + 1;
        while left > 0 {
            let Instr::Arguments(registers) = code[word] else { break };
            for &register in registers.iter().take(left) {
                self.roots.stack[to] = self.roots.stack[base + usize::from(register)];
                to += 1;
            }
            left = left.saturating_sub(ARGUMENTS_PER_WORD);
            word += 1;
        }
    }

    /// Puts the arguments beyond the named ones into a list, in the register after them. The procedure's
    /// closure and arguments lie from `base` on.
    pub(super) fn gather_rest(
        &mut self,
        callee: &CodeFunction,
        base: usize,
        count: usize,
    ) -> Result<(), Trap> {
        let end = base + 1 + count;
        self.roots.staged = base..end;
        let mut list = Value::EMPTY_LIST;
        for index in (callee.parameters..count).rev() {
            // The list so far is the only value that is not in a register.
            if let Some(pair) = self.memory.try_pair(self.roots.stack[base + 1 + index], list) {
                list = pair;
                continue;
            }
            self.roots.protect(list);
            let room = self.memory.room(PAIR_BYTES, &mut self.roots);
            list = self.roots.unprotect();
            room?;
            list = self.memory.pair(self.roots.stack[base + 1 + index], list);
        }
        self.roots.staged = 0..0;
        self.roots.stack[base + 1 + callee.parameters] = list;
        Ok(())
    }

    /// Calls a value whose arguments are staged from `target + 1` on; register `target` is for the closure.
    pub(super) fn call_value(
        &mut self,
        callee: Value,
        target: usize,
        count: &mut usize,
    ) -> Result<Called, Trap> {
        let mut callee = callee;
        loop {
            self.roots.stack[target] = callee;
            if let Some(number) = callee.payload(Immediate::Primitive) {
                let primitive =
                    Primitive::from_number(number as u16).ok_or_else(|| Trap::error("unknown primitive"))?;
                self.check_primitive_arity(primitive, *count)?;
                if primitive == Primitive::Apply {
                    callee = self.spread(target, count)?;
                    continue;
                }
                return self.run_primitive(primitive, target + 1, *count).map(Called::Done);
            }
            let function = match callee.object(Kind::Closure) {
                Some(closure) => closure.slot(0).and_then(Value::as_fixnum).map(|f| f as u32),
                None => callee.payload(Immediate::Procedure).map(|f| f as u32),
            };
            let Some(function) = function else {
                return Err(Trap::error(format!(
                    "{} is not a procedure and cannot be called",
                    self.show(callee)
                )));
            };
            self.check_arity(function, *count)?;
            return Ok(Called::Function(function));
        }
    }

    /// Runs a primitive on staged arguments.
    #[inline]
    pub(super) fn run_primitive(&mut self, primitive: Primitive, start: usize, count: usize) -> Outcome {
        self.roots.staged = start..start + count;
        let result = primitive.run(self, Arguments { start, count });
        self.roots.staged = 0..0;
        result
    }

    /// `(apply f a … list)`: moves the arguments down over `f` and spreads the list behind them.
    fn spread(&mut self, target: usize, count: &mut usize) -> Outcome {
        let callee = self.roots.stack[target + 1];
        let last = target + *count;
        let mut list = self.roots.stack[last];
        let Some(length) = proper_length(list) else {
            return Err(self.wrong_type("apply", "a proper list as the last argument", list));
        };
        self.ensure_stack(target + *count + length)?;
        self.roots.stack.copy_within(target + 2..last, target + 1);
        *count -= 2;
        while let (Some(item), Some(rest)) = (list.car(), list.cdr()) {
            self.roots.stack[target + 1 + *count] = item;
            *count += 1;
            list = rest;
        }
        Ok(callee)
    }

    fn check_primitive_arity(&self, primitive: Primitive, count: usize) -> Result<(), Trap> {
        if primitive.takes(count) {
            return Ok(());
        }
        let (name, arity) = (primitive.name(), primitive.arity());
        Err(Trap::error(format!("{name}: takes {arity}, got {count}")))
    }

    #[inline]
    fn check_arity(&self, function: u32, count: usize) -> Result<(), Trap> {
        let callee = &self.roots.code.functions[function as usize];
        let fits = if callee.has_rest { count >= callee.parameters } else { count == callee.parameters };
        if fits { Ok(()) } else { Err(wrong_arity(callee, count)) }
    }
}

#[cold]
fn wrong_arity(callee: &CodeFunction, count: usize) -> Trap {
    let least = if callee.has_rest { "at least " } else { "" };
    let wanted = count_of_arguments(callee.parameters);
    Trap::error(format!("{}: takes {least}{wanted}, got {count}", callee.name))
}
