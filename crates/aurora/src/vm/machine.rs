//! The machine: heap, roots, ports, and the operations that primitives and interpreter share.

use super::ports::Ports;
use super::profile::Profile;
use super::roots::Roots;
use super::trap::{Outcome, Trap};
use crate::bytecode::Code;
use crate::core::{Program, RecordType};
use crate::heap::{
    Immediate, Kind, LARGE_BYTES_MIN, Memory, Mutator, Object, PAIR_BYTES, Value, raw_bytes, slots_bytes,
};
use crate::placement::Zone;
use crate::source::Span;
use std::num::NonZeroU64;
use std::ops::Range;
use std::rc::Rc;
use terrane_arena::FrameStack;
use terrane_base::{Budget, Bytes, Reservation};
use terrane_gc::raw::{CollectionKind, HeapConfig};

/// Arguments of a running primitive: they are rooted, and read by index.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arguments {
    pub(super) start: usize,
    pub(super) count: usize,
}

impl Arguments {
    pub(crate) fn count(self) -> usize {
        self.count
    }
}

/// What a machine is made from.
pub(crate) struct Setup {
    pub(crate) config: HeapConfig,
    pub(crate) code: Rc<Code>,
    pub(crate) arguments: Vec<String>,
    pub(crate) profile: bool,
    pub(crate) stress: Option<NonZeroU64>,
}

/// A running program.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) memory: Memory,
    pub(crate) roots: Roots,
    pub(crate) ports: Ports,
    pub(crate) symbols: super::text::Symbols,
    /// Memory beside the heap: stacks, symbols, string ports.
    pub(crate) beside: Budget,
    /// What the stacks take, as charged to the budget.
    pub(super) stack_charge: Reservation,
    pub(crate) record_types: Vec<RecordType>,
    pub(super) global_names: Vec<Box<str>>,
    pub(super) variable_names: Vec<Box<str>>,
    pub(crate) arguments: Vec<String>,
    pub(crate) profile: Option<Profile>,
    /// Arenas entered and not left.
    pub(super) arena_depth: usize,
    stress: Option<NonZeroU64>,
    frame_allocations: u64,
    pub(crate) started: std::time::Instant,
}

impl Machine {
    pub(crate) fn new(setup: Setup, program: &Program) -> Result<Self, Trap> {
        let (memory, frames) = Memory::new(setup.config)?;
        // Stacks, symbols and string ports lie beside the heap; together they may take as much again.
        let beside = Budget::root(memory.limit());
        let symbols = super::text::Symbols::new(&beside)?;
        let stack_charge = beside.child("stacks").try_reserve(Bytes::ZERO)?;
        Ok(Self {
            memory,
            roots: Roots::new(setup.code, program.globals.len(), frames),
            ports: Ports::new(beside.child("string ports")),
            symbols,
            stack_charge,
            beside,
            record_types: program.record_types.clone(),
            global_names: program.globals.iter().map(|g| g.name.clone()).collect(),
            variable_names: program.variables.iter().map(|v| v.name.clone()).collect(),
            arguments: setup.arguments,
            profile: setup.profile.then(Profile::default),
            arena_depth: 0,
            stress: setup.stress,
            frame_allocations: 0,
            started: std::time::Instant::now(),
        })
    }

    pub(crate) fn frames(&self) -> &FrameStack {
        &self.roots.frames
    }

    pub(crate) fn argument(&self, arguments: Arguments, index: usize) -> Value {
        debug_assert!(index < arguments.count, "argument {index} of {}", arguments.count);
        self.roots.stack[arguments.start + index]
    }

    /// An argument that may be left out.
    pub(crate) fn optional(&self, arguments: Arguments, index: usize) -> Option<Value> {
        (index < arguments.count).then(|| self.argument(arguments, index))
    }

    pub(crate) fn set_argument(&mut self, arguments: Arguments, index: usize, value: Value) {
        self.roots.stack[arguments.start + index] = value;
    }

    pub(crate) fn all_arguments(&self, arguments: Arguments) -> Range<usize> {
        0..arguments.count
    }

    /// A pair. Both values are rooted while it is made.
    pub(crate) fn cons(&mut self, car: Value, cdr: Value) -> Outcome {
        self.tally(PAIR_BYTES);
        if let Some(pair) = self.memory.try_pair(car, cdr) {
            return Ok(pair);
        }
        self.roots.protect(car);
        self.roots.protect(cdr);
        let room = self.memory.room(PAIR_BYTES, &mut self.roots);
        let (cdr, car) = (self.roots.unprotect(), self.roots.unprotect());
        room?;
        Ok(self.memory.pair(car, cdr))
    }

    pub(crate) fn flonum(&mut self, number: f64) -> Outcome {
        self.tally(16);
        Ok(self.memory.flonum(&mut self.roots, number)?)
    }

    /// A vector, every element 0.
    pub(crate) fn vector(&mut self, count: usize) -> Result<Object, Trap> {
        self.tally(slots_bytes(count));
        Ok(self.memory.slots(&mut self.roots, Kind::Vector, count)?)
    }

    /// A bytes object, every byte 0.
    pub(crate) fn bytes(&mut self, count: usize) -> Result<Object, Trap> {
        self.tally(raw_bytes(count));
        Ok(self.memory.bytes(&mut self.roots, count)?)
    }

    /// Notes an allocation of the current instruction, where a report is wanted.
    #[inline]
    pub(super) fn tally(&mut self, bytes: usize) {
        if self.profile.is_some() {
            let zone = if bytes > LARGE_BYTES_MIN {
                Zone::Large
            } else if self.arena_depth > 0 {
                Zone::Arena
            } else {
                Zone::Heap
            };
            self.tally_in(zone, bytes);
        }
    }

    #[cold]
    pub(super) fn tally_in(&mut self, zone: Zone, bytes: usize) {
        // Before a program runs, the command line is allocated: an empty one has no function then.
        let Some(function) = self.roots.code.functions.get(self.roots.function as usize) else { return };
        let site = function.site_at(self.roots.at);
        if let (Some(profile), Some(site)) = (&mut self.profile, site) {
            profile.add(site, zone, bytes);
        }
    }

    /// Moves the frames' objects out because the frame region is full, or because stress mode wants it.
    #[cold]
    pub(super) fn evacuate_frames(&mut self) -> Result<(), Trap> {
        Ok(self.memory.collect(CollectionKind::Evacuate, &mut self.roots)?)
    }

    /// In stress mode the frames are evacuated at every n-th allocation in one, too.
    #[inline]
    pub(super) fn stress_frames(&mut self) -> Result<(), Trap> {
        if let Some(every) = self.stress {
            self.frame_allocations += 1;
            if self.frame_allocations.is_multiple_of(every.get()) {
                return self.evacuate_frames();
            }
        }
        Ok(())
    }

    /// A value as `write` shows it, cut short: for messages.
    pub(crate) fn show(&self, value: Value) -> String {
        const SHOWN_MAX: usize = 80;
        let text = self.written(value, true, SHOWN_MAX + 1);
        match text.char_indices().nth(SHOWN_MAX) {
            Some((cut, _)) => format!("{}…", &text[..cut]),
            None => text,
        }
    }

    /// The complaint that an argument is not what it should be.
    #[cold]
    pub(crate) fn wrong_type(&self, what: &str, expected: &str, got: Value) -> Trap {
        Trap::wrong_type(what, expected, &self.show(got))
    }

    #[cold]
    pub(crate) fn out_of_range(&self, what: &str, index: Value, length: usize) -> Trap {
        let index = self.show(index);
        let indices = match length {
            0 => "it is empty".to_owned(),
            _ => format!("valid indices are 0 to {}", length - 1),
        };
        Trap::error(format!("{what}: index {index} is out of range, {indices}"))
    }

    /// Where the program is: the innermost place in the user's own text, and the library procedure that it
    /// was in, if any.
    pub(crate) fn place(&self) -> (Span, Option<Box<str>>) {
        let roots = &self.roots;
        let span_of = |function: u32, at: usize| {
            let function = &roots.code.functions[function as usize];
            let last = function.spans.len().saturating_sub(1);
            (function.spans[at.min(last)], function.name.clone())
        };
        let (mut span, innermost) = span_of(roots.function, roots.at);
        if span.origin == crate::source::Origin::User {
            return (span, None);
        }
        let mut within = innermost;
        for activation in roots.activations.iter().rev() {
            let (outer, name) = span_of(activation.function, activation.at as usize);
            if outer.origin == crate::source::Origin::User {
                span = outer;
                break;
            }
            within = name;
        }
        (span, Some(within))
    }

    /// An integer argument in a range of `usize`.
    pub(crate) fn size_argument(&self, what: &str, value: Value) -> Result<usize, Trap> {
        let size = value.as_fixnum().and_then(|n| usize::try_from(n).ok());
        size.ok_or_else(|| self.wrong_type(what, "a non-negative integer", value))
    }

    /// The range of an optional start and end over something of a length.
    pub(crate) fn range_arguments(
        &self,
        what: &str,
        arguments: Arguments,
        first: usize,
        length: usize,
    ) -> Result<Range<usize>, Trap> {
        let at = |index: usize, otherwise: usize| match self.optional(arguments, index) {
            None => Ok(otherwise),
            Some(value) => {
                let at = self.size_argument(what, value)?;
                if at > length { Err(self.out_of_range(what, value, length + 1)) } else { Ok(at) }
            }
        };
        let range = at(first, 0)?..at(first + 1, length)?;
        if range.start > range.end {
            let message = format!("{what}: the start {} lies after the end {}", range.start, range.end);
            return Err(Trap::error(message));
        }
        Ok(range)
    }

    pub(crate) fn record_type_value(index: usize) -> Value {
        Value::immediate(Immediate::RecordType, index as u64)
    }
}
