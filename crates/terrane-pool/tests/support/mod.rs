//! Pools of each kind behind one trait, and an object that keeps books.

#![allow(dead_code, reason = "each test uses its part")]

use std::cell::Cell;

use terrane_pool::{
    LocalPool, LockFreePool, MemoryError, PoolGuard, PoolStats, PoolStrategy, Poolable, StrategyError,
    ThreadSafePool, WorkStealingPool,
};

thread_local! {
    static MADE: Cell<u32> = const { Cell::new(0) };
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    static PANIC_IN: Cell<Option<u32>> = const { Cell::new(None) };
}

/// An object with a number. Calls of its methods are counted down, and the last one panics.
#[derive(Debug)]
pub(crate) struct Tracked {
    pub(crate) number: u32,
    pub(crate) dirty: bool,
    pub(crate) valid: bool,
}

/// How many objects of this thread exist.
pub(crate) fn alive() -> usize {
    ALIVE.get()
}

/// The number of the object that was made last.
pub(crate) fn last_made() -> u32 {
    MADE.get()
}

/// The call after so many others panics.
pub(crate) fn panic_in(calls: Option<u32>) {
    PANIC_IN.set(calls);
}

/// Whether the panic is still to come.
pub(crate) fn panic_is_due() -> bool {
    PANIC_IN.get().is_some()
}

fn called(what: &str) {
    match PANIC_IN.get() {
        Some(0) => {
            PANIC_IN.set(None);
            panic!("a planned panic in {what}");
        }
        left => PANIC_IN.set(left.map(|left| left - 1)),
    }
}

impl Poolable for Tracked {
    fn create() -> Self {
        called("create");
        ALIVE.set(ALIVE.get() + 1);
        MADE.set(MADE.get() + 1);
        Self { number: MADE.get(), dirty: false, valid: true }
    }

    fn reset(&mut self) {
        called("reset");
        self.dirty = false;
    }

    fn validate(&self) -> bool {
        called("validate");
        assert!(!self.dirty, "validated before its reset");
        self.valid
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
        if !std::thread::panicking() {
            called("drop");
        }
    }
}

/// A pool of [`Tracked`] objects.
pub(crate) trait Subject: Sized {
    type Guard: std::ops::DerefMut<Target = Tracked>;
    /// Whether the order of reuse is exactly that of the strategy.
    const IN_ORDER: bool = false;
    /// Whether there is another order than last in, first out.
    const FIFO: bool = true;
    fn with(strategy: PoolStrategy) -> Result<Self, StrategyError>;
    fn acquire(&self) -> Result<Self::Guard, MemoryError>;
    fn detach(guard: Self::Guard) -> Tracked;
    fn warm_up(&self, idle: usize) -> Result<usize, MemoryError>;
    fn trim(&self, keep: usize) -> usize;
    fn stats(&self) -> PoolStats;
}

macro_rules! subjects {
    ($($pool:ident $in_order:literal $fifo:literal),*) => {$(
        impl Subject for $pool<Tracked> {
            type Guard = PoolGuard<Tracked, Self>;
            const IN_ORDER: bool = $in_order;
            const FIFO: bool = $fifo;
            fn with(strategy: PoolStrategy) -> Result<Self, StrategyError> {
                Self::with_strategy(strategy)
            }
            fn acquire(&self) -> Result<Self::Guard, MemoryError> {
                self.acquire_owned()
            }
            fn detach(guard: Self::Guard) -> Tracked {
                PoolGuard::detach(guard)
            }
            fn warm_up(&self, idle: usize) -> Result<usize, MemoryError> {
                self.warm_up(idle)
            }
            fn trim(&self, keep: usize) -> usize {
                self.trim(keep)
            }
            fn stats(&self) -> PoolStats {
                self.stats()
            }
        }
    )*};
}

subjects!(
    LocalPool true true,
    ThreadSafePool false true,
    LockFreePool false false,
    WorkStealingPool false false
);
