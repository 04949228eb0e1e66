//! The interpreter loop.
//!
//! Every instruction that may collect or fail first notes where it is (`roots.at`), so that the collector
//! finds the live registers and a message its place. Operands are read after such a call, never kept.

use super::arithmetic::Operation;
use super::calls::{Called, argument_words};
use super::machine::Machine;
use super::roots::{Activation, NOWHERE};
use super::trap::{Outcome, Trap};
use crate::bytecode::{CodeFunction, Instr};
use crate::heap::{Immediate, Kind, Object, PAIR_BYTES, Value, slots_bytes};
use crate::ir::FunctionId;
use crate::placement::{FRAME_VECTOR_MAX, Zone};
use std::rc::Rc;

impl Machine {
    /// Runs a procedure without parameters.
    pub(crate) fn run(&mut self, function: FunctionId) -> Outcome {
        let result = if self.profile.is_some() {
            self.execute::<true>(function)
        } else {
            self.execute::<false>(function)
        };
        if result.is_ok() {
            self.roots.abandon_run();
        }
        result
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each instruction")]
    fn execute<const PROFILE: bool>(&mut self, start: FunctionId) -> Outcome {
        let code = Rc::clone(&self.roots.code);
        let mut function: &CodeFunction = &code.functions[start.index()];
        let mut base = 0usize;
        let mut at = 0usize;
        self.roots.function = start.index() as u32;
        self.roots.base = base;
        self.roots.at = at;
        self.ensure_stack(function.registers + 1)?;
        self.roots.stack[0] = Value::FALSE;

        macro_rules! reg {
            ($register:expr) => {
                self.roots.stack[base + usize::from($register)]
            };
        }
        macro_rules! set {
            ($register:expr, $value:expr) => {{
                let value = $value;
                self.roots.stack[base + usize::from($register)] = value;
            }};
        }
        // Something that may fail or collect, at this instruction.
        macro_rules! slow {
            ($operation:expr) => {{
                self.roots.at = at;
                $operation?
            }};
        }
        macro_rules! fail {
            ($trap:expr) => {{
                self.roots.at = at;
                return Err($trap);
            }};
        }
        macro_rules! arithmetic {
            ($to:expr, $x:expr, $y:expr, $checked:ident, $operation:expr) => {{
                let (x, y) = ($x, $y);
                match x.doubled().$checked(y.doubled()) {
                    Some(result) if x.both_fixnums(y) => set!($to, Value::from_doubled(result)),
                    _ => {
                        let result = slow!(self.arithmetic($operation, x, y));
                        set!($to, result);
                    }
                }
            }};
        }
        // Jumps unless the comparison holds.
        macro_rules! unless {
            ($x:expr, $y:expr, $operator:tt, $name:literal, $wanted:expr, $target:expr) => {{
                let (x, y) = ($x, $y);
                let holds = if x.both_fixnums(y) {
                    x.doubled() $operator y.doubled()
                } else {
                    slow!(self.compare($name, x, y, $wanted))
                };
                if !holds {
                    at = $target as usize;
                    continue;
                }
            }};
        }
        macro_rules! jump_unless {
            ($holds:expr, $target:expr) => {
                if !$holds {
                    at = $target as usize;
                    continue;
                }
            };
        }
        // Starts a procedure whose closure and arguments lie from `$base` on.
        macro_rules! enter {
            ($function:expr, $base:expr, $count:expr) => {{
                let number = $function;
                base = $base;
                function = &code.functions[number as usize];
                self.roots.function = number;
                self.roots.base = base;
                at = 0;
                if self.roots.stack.len() < base + function.registers {
                    slow!(self.grow_stack(base + function.registers));
                }
                if function.has_rest {
                    self.roots.at = NOWHERE;
                    self.gather_rest(function, base, $count)?;
                }
                continue;
            }};
        }
        // Stages the arguments of a call above the running activation.
        macro_rules! stage {
            ($count:expr) => {{
                let target = base + function.registers;
                slow!(self.ensure_stack(target + usize::from($count) + 2));
                self.stage(&function.code, at, base, target + 1, $count);
                target
            }};
        }
        macro_rules! suspend {
            ($to:expr, $count:expr) => {
                self.roots.activations.push(Activation {
                    function: self.roots.function,
                    at: at as u32,
                    base: base as u32,
                    to: $to,
                    words: argument_words($count) as u16,
                })
            };
        }
        // Hands a value to whoever waits for it.
        macro_rules! deliver {
            ($value:expr) => {{
                let value = $value;
                let Some(activation) = self.roots.activations.pop() else { return Ok(value) };
                let depth = self.roots.activations.len();
                if depth < self.roots.watermark {
                    self.roots.watermark = depth;
                }
                base = activation.base as usize;
                self.roots.base = base;
                self.roots.function = activation.function;
                function = &code.functions[activation.function as usize];
                at = activation.at as usize + 1 + usize::from(activation.words);
                set!(activation.to, value);
                continue;
            }};
        }
        macro_rules! tally {
            ($zone:expr, $bytes:expr) => {
                if PROFILE {
                    self.roots.at = at;
                    if $zone == Zone::Heap { self.tally($bytes) } else { self.tally_in($zone, $bytes) }
                }
            };
        }

        loop {
            match function.code[at] {
                Instr::Move { to, from } => set!(to, reg!(from)),
                Instr::Fixnum { to, value } => set!(to, Value::fixnum(i64::from(value))),
                Instr::Literal { to, index } => set!(to, self.roots.constants[index as usize]),
                Instr::Unspecified { to } => set!(to, Value::UNSPECIFIED),
                Instr::Procedure { to, function } => {
                    set!(to, Value::immediate(Immediate::Procedure, u64::from(function)))
                }
                Instr::Global { to, index } => match self.roots.globals[index as usize] {
                    Some(value) => set!(to, value),
                    None => fail!(self.not_yet_defined(index)),
                },
                Instr::SetGlobal { from, index } => {
                    if self.roots.globals[index as usize].is_none() {
                        fail!(self.not_yet_defined(index));
                    }
                    self.roots.set_global(index as usize, reg!(from));
                }
                Instr::DefineGlobal { from, index } => self.roots.set_global(index as usize, reg!(from)),
                Instr::Captured { to, index } => {
                    set!(to, self.field(reg!(0u16), Kind::Closure, usize::from(index) + 1))
                }
                Instr::CheckDefined { from, variable } => {
                    if reg!(from) == Value::UNDEFINED {
                        fail!(self.used_before_definition(variable));
                    }
                }
                Instr::CellGet { to, cell } => set!(to, self.field(reg!(cell), Kind::Cell, 0)),
                Instr::CellSet { cell, from } => {
                    if let Some(cell) = reg!(cell).object(Kind::Cell) {
                        self.memory.set_slot(cell, 0, reg!(from));
                    }
                }
                Instr::Patch { closure, index, from } => {
                    if let Some(closure) = reg!(closure).object(Kind::Closure) {
                        self.memory.set_slot(closure, usize::from(index) + 1, reg!(from));
                    }
                }

                Instr::Pair { to, car, cdr } => {
                    tally!(Zone::Heap, PAIR_BYTES);
                    let pair = match self.memory.try_pair(reg!(car), reg!(cdr)) {
                        Some(pair) => pair,
                        None => {
                            slow!(self.memory.room(PAIR_BYTES, &mut self.roots));
                            self.memory.pair(reg!(car), reg!(cdr))
                        }
                    };
                    set!(to, pair);
                }
                Instr::FramePair { to, car, cdr } => {
                    tally!(Zone::Frame, PAIR_BYTES);
                    slow!(self.stress_frames());
                    let (a, b) = (reg!(car), reg!(cdr));
                    let pair = match self.memory.try_frame_pair(&mut self.roots, a, b) {
                        Some(pair) => pair,
                        None => {
                            slow!(self.evacuate_frames());
                            let (a, b) = (reg!(car), reg!(cdr));
                            match self.memory.try_frame_pair(&mut self.roots, a, b) {
                                Some(pair) => pair,
                                None => fail!(frame_region_too_small()),
                            }
                        }
                    };
                    set!(to, pair);
                }
                Instr::Cell { to, from, frame } => {
                    let cell = slow!(self.new_object::<PROFILE>(Kind::Cell, 1, frame));
                    cell.initialise(0, reg!(from));
                    set!(to, cell.value());
                }
                Instr::Vector { to, count, frame } => {
                    let object = slow!(self.new_object::<PROFILE>(Kind::Vector, usize::from(count), frame));
                    self.fill(object, 0, &function.code, at, base, count);
                    set!(to, object.value());
                    at += argument_words(count);
                }
                Instr::Closure { to, count, function: made, frame } => {
                    let object =
                        slow!(self.new_object::<PROFILE>(Kind::Closure, usize::from(count) + 1, frame));
                    object.initialise(0, Value::fixnum(i64::from(made)));
                    self.fill(object, 1, &function.code, at, base, count);
                    set!(to, object.value());
                    at += argument_words(count);
                }
                Instr::Record { to, count, record, frame } => {
                    let object =
                        slow!(self.new_object::<PROFILE>(Kind::Record, usize::from(count) + 1, frame));
                    object.initialise(0, Self::record_type_value(record as usize));
                    self.fill(object, 1, &function.code, at, base, count);
                    set!(to, object.value());
                    at += argument_words(count);
                }
                Instr::FrameEnter => self.roots.frames.enter(),
                Instr::FrameLeave => self.memory.leave_frame(&mut self.roots),

                Instr::Car { to, from } => match reg!(from).car() {
                    Some(value) => set!(to, value),
                    None => fail!(self.wrong_type("car", "a pair", reg!(from))),
                },
                Instr::Cdr { to, from } => match reg!(from).cdr() {
                    Some(value) => set!(to, value),
                    None => fail!(self.wrong_type("cdr", "a pair", reg!(from))),
                },
                Instr::VectorRef { to, vector, index } => {
                    let (vector, index) = (reg!(vector), reg!(index));
                    let found = vector.object(Kind::Vector).zip(index.as_fixnum());
                    match found.and_then(|(vector, index)| vector.slot(usize::try_from(index).ok()?)) {
                        Some(value) => set!(to, value),
                        None => fail!(self.bad_vector_access("vector-ref", vector, index)),
                    }
                }
                Instr::SetCar { pair, from } => {
                    if !self.memory.set_half(reg!(pair), 0, reg!(from)) {
                        fail!(self.wrong_type("set-car!", "a pair", reg!(pair)));
                    }
                }
                Instr::SetCdr { pair, from } => {
                    if !self.memory.set_half(reg!(pair), 1, reg!(from)) {
                        fail!(self.wrong_type("set-cdr!", "a pair", reg!(pair)));
                    }
                }
                Instr::VectorSet { vector, index, from } => {
                    let (vector, index) = (reg!(vector), reg!(index));
                    let place = vector.object(Kind::Vector).zip(index.as_fixnum());
                    let stored = place.is_some_and(|(object, at)| {
                        usize::try_from(at).is_ok_and(|at| self.memory.set_slot(object, at, reg!(from)))
                    });
                    if !stored {
                        fail!(self.bad_vector_access("vector-set!", vector, index));
                    }
                }
                Instr::RecordIs { to, from, record } => {
                    set!(to, Value::boolean(self.record(reg!(from), record).is_some()));
                }
                Instr::RecordRef { to, from, field, record } => match self.record(reg!(from), record) {
                    Some(object) => {
                        set!(to, object.slot(usize::from(field) + 1).unwrap_or(Value::UNSPECIFIED))
                    }
                    None => fail!(self.wrong_record(reg!(from), field, record)),
                },
                Instr::RecordSet { target, from, field, record } => match self.record(reg!(target), record) {
                    Some(object) => {
                        self.memory.set_slot(object, usize::from(field) + 1, reg!(from));
                    }
                    None => fail!(self.wrong_record(reg!(target), field, record)),
                },
                Instr::Not { to, from } => set!(to, Value::boolean(!reg!(from).is_true())),
                Instr::IsNull { to, from } => set!(to, Value::boolean(reg!(from) == Value::EMPTY_LIST)),
                Instr::IsPair { to, from } => set!(to, Value::boolean(reg!(from).is_pair())),
                Instr::Same { to, a, b } => set!(to, Value::boolean(reg!(a) == reg!(b))),

                Instr::Add { to, a, b } => arithmetic!(to, reg!(a), reg!(b), checked_add, Operation::Add),
                Instr::Subtract { to, a, b } => {
                    arithmetic!(to, reg!(a), reg!(b), checked_sub, Operation::Subtract)
                }
                Instr::AddFixnum { to, a, value } => {
                    arithmetic!(to, reg!(a), Value::fixnum(i64::from(value)), checked_add, Operation::Add);
                }
                Instr::SubtractFixnum { to, a, value } => {
                    arithmetic!(
                        to,
                        reg!(a),
                        Value::fixnum(i64::from(value)),
                        checked_sub,
                        Operation::Subtract
                    );
                }
                Instr::Multiply { to, a, b } => {
                    let (x, y) = (reg!(a), reg!(b));
                    // One factor doubled, the other not: the product is doubled.
                    match x.doubled().checked_mul(y.doubled() >> 1) {
                        Some(result) if x.both_fixnums(y) => set!(to, Value::from_doubled(result)),
                        _ => {
                            let result = slow!(self.arithmetic(Operation::Multiply, x, y));
                            set!(to, result);
                        }
                    }
                }

                Instr::Jump { target } => {
                    at = target as usize;
                    continue;
                }
                Instr::UnlessTrue { from, target } => jump_unless!(reg!(from).is_true(), target),
                Instr::UnlessNull { from, target } => jump_unless!(reg!(from) == Value::EMPTY_LIST, target),
                Instr::UnlessPair { from, target } => jump_unless!(reg!(from).is_pair(), target),
                Instr::UnlessSame { a, b, target } => jump_unless!(reg!(a) == reg!(b), target),
                Instr::UnlessEqual { a, b, target } => {
                    unless!(reg!(a), reg!(b), ==, "=", |o| o.is_eq(), target)
                }
                Instr::UnlessLess { a, b, target } => {
                    unless!(reg!(a), reg!(b), <, "<", |o| o.is_lt(), target)
                }
                Instr::UnlessAtMost { a, b, target } => {
                    unless!(reg!(a), reg!(b), <=, "<=", |o| o.is_le(), target)
                }
                Instr::UnlessEqualFixnum { a, value, target } => {
                    unless!(reg!(a), Value::fixnum(i64::from(value)), ==, "=", |o| o.is_eq(), target);
                }
                Instr::UnlessLessFixnum { a, value, target } => {
                    unless!(reg!(a), Value::fixnum(i64::from(value)), <, "<", |o| o.is_lt(), target);
                }
                Instr::UnlessAtMostFixnum { a, value, target } => {
                    unless!(reg!(a), Value::fixnum(i64::from(value)), <=, "<=", |o| o.is_le(), target);
                }
                Instr::UnlessGreaterFixnum { a, value, target } => {
                    unless!(reg!(a), Value::fixnum(i64::from(value)), >, ">", |o| o.is_gt(), target);
                }
                Instr::UnlessAtLeastFixnum { a, value, target } => {
                    unless!(reg!(a), Value::fixnum(i64::from(value)), >=, ">=", |o| o.is_ge(), target);
                }

                Instr::Primitive { to, count, primitive } => {
                    let target = stage!(count);
                    let result = slow!(self.run_primitive(primitive, target + 1, usize::from(count)));
                    set!(to, result);
                    at += argument_words(count);
                }
                Instr::Call { to, count, function: callee } => {
                    let target = stage!(count);
                    self.roots.stack[target] = Value::FALSE;
                    suspend!(to, count);
                    enter!(callee, target, usize::from(count));
                }
                Instr::CallClosure { to, count, closure, function: callee } => {
                    let target = stage!(count);
                    self.roots.stack[target] = reg!(closure);
                    suspend!(to, count);
                    enter!(callee, target, usize::from(count));
                }
                Instr::CallValue { to, count, callee } => {
                    let target = stage!(count);
                    let mut counted = usize::from(count);
                    match slow!(self.call_value(reg!(callee), target, &mut counted)) {
                        Called::Done(value) => {
                            set!(to, value);
                            at += argument_words(count);
                        }
                        Called::Function(callee) => {
                            suspend!(to, count);
                            enter!(callee, target, counted);
                        }
                    }
                }
                Instr::TailCall { count, function: callee } => {
                    let target = stage!(count);
                    self.roots.stack[target] = Value::FALSE;
                    self.roots.stack.copy_within(target..target + 1 + usize::from(count), base);
                    enter!(callee, base, usize::from(count));
                }
                Instr::TailCallClosure { count, closure, function: callee } => {
                    let target = stage!(count);
                    self.roots.stack[target] = reg!(closure);
                    self.roots.stack.copy_within(target..target + 1 + usize::from(count), base);
                    enter!(callee, base, usize::from(count));
                }
                Instr::TailCallValue { count, callee } => {
                    let target = stage!(count);
                    let mut counted = usize::from(count);
                    match slow!(self.call_value(reg!(callee), target, &mut counted)) {
                        Called::Done(value) => deliver!(value),
                        Called::Function(callee) => {
                            self.roots.stack.copy_within(target..target + 1 + counted, base);
                            enter!(callee, base, counted);
                        }
                    }
                }
                Instr::Return { from } => deliver!(reg!(from)),
                Instr::Arguments(_) => {}
            }
            at += 1;
        }
    }

    /// A new object with slots; the frame arena is made room in if it is full.
    #[inline]
    fn new_object<const PROFILE: bool>(
        &mut self,
        kind: Kind,
        count: usize,
        frame: bool,
    ) -> Result<Object, Trap> {
        if PROFILE {
            let bytes = slots_bytes(count);
            if frame { self.tally_in(Zone::Frame, bytes) } else { self.tally(bytes) }
        }
        if frame {
            self.stress_frames()?;
            if let Some(object) = self.memory.try_frame_slots(&mut self.roots, kind, count) {
                return Ok(object);
            }
            self.evacuate_frames()?;
            return self
                .memory
                .try_frame_slots(&mut self.roots, kind, count)
                .ok_or_else(frame_region_too_small);
        }
        if count <= FRAME_VECTOR_MAX
            && let Some(object) = self.memory.try_slots(kind, count)
        {
            return Ok(object);
        }
        Ok(self.memory.slots(&mut self.roots, kind, count)?)
    }

    /// Fills slots of a new object from the operands of the instruction at `at`.
    #[inline]
    fn fill(&self, object: Object, first: usize, code: &[Instr], at: usize, base: usize, count: u16) {
        let words = code[at + 1..].iter().map_while(|instr| match instr {
            Instr::Arguments(registers) => Some(registers),
            _ => None,
        });
        for (index, &register) in words.flatten().take(usize::from(count)).enumerate() {
            object.initialise(first + index, self.roots.stack[base + usize::from(register)]);
        }
    }

    /// A slot that the compiler knows to be there.
    #[inline(always)]
    fn field(&self, object: Value, kind: Kind, index: usize) -> Value {
        let found = object.object(kind).and_then(|object| object.slot(index));
        found.expect("the compiler made this object with this slot")
    }

    /// The record, if it is of the type.
    #[inline]
    fn record(&self, value: Value, record: u32) -> Option<Object> {
        let wanted = Self::record_type_value(record as usize);
        value.object(Kind::Record).filter(|object| object.slot(0) == Some(wanted))
    }

    #[cold]
    fn not_yet_defined(&self, global: u32) -> Trap {
        let name = &self.global_names[global as usize];
        Trap::error(format!("`{name}` is used before its definition has run"))
            .with_help("move the definition before its first use")
    }

    #[cold]
    fn used_before_definition(&self, variable: u32) -> Trap {
        let name = &self.variable_names[variable as usize];
        Trap::error(format!("`{name}` is used before its definition has run"))
            .with_help("move the definition before its first use")
    }

    #[cold]
    pub(crate) fn bad_vector_access(&self, what: &str, vector: Value, index: Value) -> Trap {
        match (vector.object(Kind::Vector), index.as_fixnum()) {
            (None, _) => self.wrong_type(what, "a vector", vector),
            (_, None) => self.wrong_type(what, "an exact integer as the index", index),
            (Some(vector), Some(_)) => self.out_of_range(what, index, vector.length()),
        }
    }

    #[cold]
    fn wrong_record(&self, got: Value, field: u16, record: u32) -> Trap {
        let record = &self.record_types[record as usize];
        let field = record.fields.get(usize::from(field)).map_or("", |f| f);
        self.wrong_type(&format!("field {field}"), &format!("a record of type {}", record.name), got)
    }
}

#[cold]
fn frame_region_too_small() -> Trap {
    Trap::error("the frame region is too small for a single object").with_help("give the heap a larger limit")
}
