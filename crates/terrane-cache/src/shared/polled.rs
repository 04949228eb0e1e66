//! Which asynchronous computations this thread is polling, so that one that wants its own value is found out.

use std::cell::RefCell;

use crate::error::Reentrant;

thread_local! {
    /// Numbers of flights, the innermost last.
    static POLLED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

/// While it lives, the thread polls that flight.
#[derive(Debug)]
pub(super) struct Polling;

impl Polling {
    pub(super) fn begin(flight: u64) -> Self {
        POLLED.with_borrow_mut(|polled| polled.push(flight));
        Self
    }
}

impl Drop for Polling {
    fn drop(&mut self) {
        POLLED.with_borrow_mut(|polled| _ = polled.pop());
    }
}

/// # Errors
/// [`Reentrant`] when this thread is polling that flight: who waits for it here waits for itself.
pub(super) fn check(flight: u64) -> Result<(), Reentrant> {
    if POLLED.with_borrow(|polled| polled.contains(&flight)) { Err(Reentrant) } else { Ok(()) }
}
