//! The values that the running program holds, and how the collector finds them.
//!
//! Roots are precise: of each activation only the registers that its safepoint names, found by function
//! and instruction. Activations below the *watermark* have not run since the last collection, so their
//! registers hold nothing young and a minor collection leaves them out (Cheng, Harper and Lee,
//! "Generational Stack Collection", 1998).

use crate::bytecode::Code;
use crate::heap::{Mutator, Value};
use std::ops::Range;
use std::rc::Rc;
use terrane_arena::FrameStack;
use terrane_gc::raw::{RootScope, RootSource, Word};

/// A procedure that waits for a call to return.
#[derive(Debug, Clone, Copy)]
pub(super) struct Activation {
    pub(super) function: u32,
    /// The call.
    pub(super) at: u32,
    /// Its register 0.
    pub(super) base: u32,
    /// The register that gets the result.
    pub(super) to: u16,
    /// How many operand words follow the call.
    pub(super) words: u16,
}

/// Not at any instruction: no register is live.
pub(super) const NOWHERE: usize = usize::MAX;

/// Everything that holds values.
#[derive(Debug)]
pub(crate) struct Roots {
    pub(super) code: Rc<Code>,
    /// The registers of all activations.
    pub(super) stack: Vec<Value>,
    pub(super) activations: Vec<Activation>,
    /// Activations below are known to hold nothing young.
    pub(super) watermark: usize,
    /// The running procedure, its register 0 and its current instruction.
    pub(super) function: u32,
    pub(super) base: usize,
    pub(super) at: usize,
    /// Arguments on their way into a call or a primitive.
    pub(super) staged: Range<usize>,
    pub(super) globals: Vec<Option<Value>>,
    /// Globals assigned since the last collection.
    dirty_globals: Vec<u32>,
    is_dirty: Vec<bool>,
    pub(super) constants: Vec<Value>,
    /// Constants below were seen by a collection.
    constants_seen: usize,
    protected: Vec<Value>,
    pub(super) frames: FrameStack,
}

impl Roots {
    pub(super) fn new(code: Rc<Code>, globals: usize, frames: FrameStack) -> Self {
        Self {
            code,
            stack: Vec::new(),
            activations: Vec::new(),
            watermark: 0,
            function: 0,
            base: 0,
            at: NOWHERE,
            staged: 0..0,
            globals: vec![None; globals],
            dirty_globals: Vec::new(),
            is_dirty: vec![false; globals],
            constants: Vec::new(),
            constants_seen: 0,
            protected: Vec::new(),
            frames,
        }
    }

    pub(super) fn set_global(&mut self, index: usize, value: Value) {
        self.globals[index] = Some(value);
        if value.is_reference() && !std::mem::replace(&mut self.is_dirty[index], true) {
            self.dirty_globals.push(index as u32);
        }
    }

    /// Forgets what an abandoned run left behind.
    pub(super) fn abandon_run(&mut self) {
        self.activations.clear();
        self.watermark = 0;
        self.staged = 0..0;
        self.at = NOWHERE;
        self.protected.clear();
    }

    fn visit_globals(&mut self, scope: RootScope, visit: &mut impl FnMut(&mut Word)) {
        match scope {
            RootScope::Young => {
                for &index in &self.dirty_globals {
                    if let Some(value) = &mut self.globals[index as usize] {
                        visit(value.word_mut());
                    }
                }
            }
            RootScope::All => self.globals.iter_mut().flatten().for_each(|value| visit(value.word_mut())),
        }
    }

    fn visit_activations(&mut self, scope: RootScope, visit: &mut impl FnMut(&mut Word)) {
        let start = match scope {
            RootScope::Young => self.watermark,
            RootScope::All => 0,
        };
        for activation in &self.activations[start.min(self.activations.len())..] {
            let live = self.code.functions[activation.function as usize].live_at(activation.at as usize);
            for &register in live {
                visit(self.stack[activation.base as usize + usize::from(register)].word_mut());
            }
        }
        if let Some(function) = self.code.functions.get(self.function as usize) {
            for &register in function.live_at(self.at) {
                visit(self.stack[self.base + usize::from(register)].word_mut());
            }
        }
    }
}

// SAFETY: every place that holds a value across a possible collection is visited: registers that the
// safepoints name (the compiler's liveness), staged arguments, globals, constants and protected values.
// What a young visit leaves out was visited by the collection before and has not been written since: a
// global that is assigned gets dirty, an activation that runs again is above the watermark, constants are
// only appended.
#[expect(unsafe_code, reason = "the collector trusts its roots")]
unsafe impl RootSource for Roots {
    fn visit_roots<F: FnMut(&mut Word)>(&mut self, scope: RootScope, mut visit: F) {
        self.visit_globals(scope, &mut visit);
        let first = if scope == RootScope::All { 0 } else { self.constants_seen };
        self.constants[first..].iter_mut().for_each(|value| visit(value.word_mut()));
        self.protected.iter_mut().for_each(|value| visit(value.word_mut()));
        let staged = self.staged.clone();
        self.stack[staged].iter_mut().for_each(|value| visit(value.word_mut()));
        self.visit_activations(scope, &mut visit);
    }

    fn frame_top(&self) -> usize {
        self.frames.top()
    }

    fn frames_evacuated(&mut self) {
        self.frames.evacuated();
    }

    fn collected(&mut self) {
        self.watermark = self.activations.len();
        self.constants_seen = self.constants.len();
        for index in self.dirty_globals.drain(..) {
            self.is_dirty[index as usize] = false;
        }
    }
}

impl Mutator for Roots {
    fn protect(&mut self, value: Value) {
        self.protected.push(value);
    }

    fn unprotect(&mut self) -> Value {
        self.protected.pop().expect("every unprotect follows a protect")
    }

    #[inline(always)]
    fn frames(&mut self) -> &mut FrameStack {
        &mut self.frames
    }
}
