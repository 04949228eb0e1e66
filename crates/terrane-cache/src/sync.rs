//! Locks and atomics of what is tried in all orders of threads with loom
//! (`RUSTFLAGS="--cfg loom" cargo test -p terrane-cache --test loom --release`).

#[cfg(loom)]
pub(crate) use loom::sync::{Arc, MutexGuard, atomic::AtomicBool};
#[cfg(not(loom))]
pub(crate) use spin::mutex::SpinMutexGuard as MutexGuard;
#[cfg(not(loom))]
pub(crate) use std::sync::{Arc, atomic::AtomicBool};

/// A lock for work that is over soon.
///
/// Taking it is one atomic exchange and giving it back a plain store. A lock that can wake those who wait needs a second
/// exchange, to see whether there are any; two exchanges were two thirds of the time of a hit. So those who wait look again and again:
/// first at once, then after everybody else had a turn, at last after sleeping, so that also a holder of low priority comes to an end.
#[cfg(not(loom))]
#[derive(Debug)]
pub(crate) struct Mutex<T>(spin::mutex::SpinMutex<T>);

/// So often a waiter looks at once, pausing for longer each time; two to this power of pauses at most.
#[cfg(not(loom))]
const PAUSES_LOG2_MAX: u32 = 7;
/// So often, after that, when others had a turn.
#[cfg(not(loom))]
const YIELDS: u32 = 20;
#[cfg(not(loom))]
const SLEEP: std::time::Duration = std::time::Duration::from_micros(100);

#[cfg(not(loom))]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(spin::mutex::SpinMutex::new(value))
    }

    #[inline(always)]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        match self.0.try_lock() {
            Some(guard) => guard,
            None => self.wait_and_lock(),
        }
    }

    #[inline]
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock()
    }

    #[cold]
    #[inline(never)]
    fn wait_and_lock(&self) -> MutexGuard<'_, T> {
        for turn in 0_u32.. {
            if !self.0.is_locked()
                && let Some(guard) = self.0.try_lock()
            {
                return guard;
            }
            wait(turn);
        }
        unreachable!("a waiter waits until it has the lock")
    }
}

/// Lets time pass, the more the longer somebody waits.
#[cfg(not(loom))]
fn wait(turn: u32) {
    if turn <= PAUSES_LOG2_MAX {
        (0..1 << turn).for_each(|_| std::hint::spin_loop());
    } else if turn <= PAUSES_LOG2_MAX + YIELDS {
        std::thread::yield_now();
    } else {
        std::thread::sleep(SLEEP);
    }
}

/// Loom's lock with the methods of the other one.
#[cfg(loom)]
#[derive(Debug)]
pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

#[cfg(loom)]
impl<T> Mutex<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(loom::sync::Mutex::new(value))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().expect("no panic under loom")
    }

    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        self.0.try_lock().ok()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn many_threads_take_turns() {
        let sum = Mutex::new((0_u64, 0_u64));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..20_000 {
                        let mut sum = sum.lock();
                        sum.0 += 1;
                        sum.1 += 1;
                    }
                });
            }
        });
        assert_eq!(*sum.lock(), (80_000, 80_000));
    }

    #[test]
    fn a_waiter_gets_it_also_after_long() {
        let lock = Mutex::new(1);
        std::thread::scope(|scope| {
            let guard = lock.lock();
            assert!(lock.try_lock().is_none());
            let waiter = scope.spawn(|| *lock.lock());
            std::thread::sleep(Duration::from_millis(20));
            drop(guard);
            assert_eq!(waiter.join().unwrap(), 1);
        });
    }
}
