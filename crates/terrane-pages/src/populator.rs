//! A thread that has memory put behind pages ahead of their first use.
//!
//! Whoever is the first to touch a page waits until the system has found and cleared it: half a microsecond for a small page, a
//! tenth of a millisecond for a huge one, and some milliseconds where the machine is a virtual one and its host has to find the memory
//! first. A program that knows which pages it will use next can have that done beside it.
//!
//! Orders are carried out in the order in which they were given, in pieces of a huge page, so that they can be withdrawn soon.
//!
//! After a `fork` the child has no such thread: there an order does nothing.

use core::ptr::NonNull;
use std::{collections::VecDeque, io, sync::Arc};

#[cfg(loom)]
use loom::{
    sync::{Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};
#[cfg(not(loom))]
use std::{
    sync::{Condvar, Mutex, MutexGuard},
    thread::{self, JoinHandle},
};

use crate::{HUGE_PAGE_SIZE, PageSource};

/// A thread that populates pages of a [`PageSource`]. Dropping the populator ends the thread and waits for it.
///
/// ```
/// use terrane_pages::{AddressRange, Populator, system_pages};
///
/// let source = system_pages();
/// let range = AddressRange::reserve(source.clone(), 4 << 20, 2 << 20)?;
/// range.commit(0, range.size())?;
/// let populator = Populator::start(source)?;
/// // SAFETY: the range is committed and outlives the populator.
/// unsafe { populator.populate(range.base(), range.size()) };
/// // Meanwhile the program may do anything, also with the range.
/// populator.withdraw();
/// // Nobody populates it any more: it may be decommitted.
/// # drop(populator);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Populator {
    orders: Arc<Orders>,
    thread: Option<JoinHandle<()>>,
    /// The process that has the thread.
    process: u32,
}

impl Populator {
    /// Starts the thread, which sleeps until there is something to do.
    ///
    /// # Errors
    /// When the system refuses a thread.
    pub fn start(source: Arc<dyn PageSource>) -> io::Result<Self> {
        let orders = Arc::new(Orders::default());
        let theirs = Arc::clone(&orders);
        let thread = thread::Builder::new().name("terrane-populate".into()).stack_size(STACK_BYTES).spawn(
            move || {
                theirs.carry_out(|piece| {
                    // SAFETY: who gave the order promised that the memory is committed until it is carried out or withdrawn. What
                    // is refused will be put there on first touch.
                    let _ = unsafe { source.populate(piece.start, piece.size) };
                })
            },
        )?;
        Ok(Self { orders, thread: Some(thread), process: std::process::id() })
    }

    /// Has the pages of `[ptr, ptr + size)` populated by the other thread, after what was ordered before.
    ///
    /// Nothing tells whether it was done: where the source cannot ([`PageSource::populate`]), there is no memory for the order, or
    /// the process was forked, it never is, and the pages are populated on first touch as always.
    ///
    /// # Safety
    /// `[ptr, ptr + size)` lies within one range of the source that this was started with, whole pages of it, and stays committed
    /// until the next [`withdraw`](Self::withdraw) or the populator is dropped.
    pub unsafe fn populate(&self, ptr: NonNull<u8>, size: usize) {
        if self.has_thread() {
            self.orders.give(Span { start: ptr, size });
        }
    }

    /// Withdraws all orders, and waits until what was begun is done: at most as long as the system takes for a huge page.
    pub fn withdraw(&self) {
        if self.has_thread() {
            self.orders.withdraw();
        }
    }

    /// A forked child has a copy of the books, perhaps as they were in the middle of a change, and no thread.
    fn has_thread(&self) -> bool {
        self.process == std::process::id()
    }
}

impl Drop for Populator {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.has_thread() {
            self.orders.end();
            // It does not panic: a page source does not.
            let _ = thread.join();
        } else {
            core::mem::forget(thread);
        }
    }
}

/// The thread calls the system and nothing else.
const STACK_BYTES: usize = 64 << 10;

/// Pages to be populated.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: NonNull<u8>,
    size: usize,
}

// SAFETY: an address and a size, which the thread hands to the system and does not follow.
unsafe impl Send for Span {}

impl Span {
    /// The part before the next boundary of a huge page, and the rest.
    fn split(self) -> (Self, Option<Self>) {
        let size = (HUGE_PAGE_SIZE - self.start.addr().get() % HUGE_PAGE_SIZE).min(self.size);
        // SAFETY: not beyond the end of the span.
        let rest = Self { start: unsafe { self.start.add(size) }, size: self.size - size };
        (Self { size, ..self }, (rest.size > 0).then_some(rest))
    }
}

/// What is to be done, and what is being done.
#[derive(Debug, Default)]
struct Orders {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What is left of the orders.
    left: VecDeque<Span>,
    /// A piece is being populated.
    busy: bool,
    ended: bool,
}

impl Orders {
    fn give(&self, span: Span) {
        let left = &mut self.state().left;
        if left.try_reserve(1).is_ok() {
            left.push_back(span);
            self.changed.notify_all();
        }
    }

    fn withdraw(&self) {
        let mut state = self.state();
        state.left.clear();
        while state.busy {
            state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
    }

    fn end(&self) {
        let mut state = self.state();
        state.left.clear();
        state.ended = true;
        self.changed.notify_all();
    }

    /// Hands `populate` one piece after the other until the end.
    fn carry_out(&self, populate: impl Fn(Span)) {
        let mut state = self.state();
        while !state.ended {
            let Some(span) = state.left.pop_front() else {
                state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            };
            let (piece, rest) = span.split();
            // There is room: where the whole was.
            rest.into_iter().for_each(|rest| state.left.push_front(rest));
            state.busy = true;
            drop(state);
            populate(piece);
            state = self.state();
            state.busy = false;
            self.changed.notify_all();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding it.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{sync::mpsc, vec, vec::Vec};

    use super::*;

    fn span(start: usize, size: usize) -> Span {
        Span { start: NonNull::without_provenance(start.try_into().unwrap()), size }
    }

    #[test]
    fn an_order_is_carried_out_in_pieces_that_end_at_huge_pages() {
        let mut left = Some(span(HUGE_PAGE_SIZE - 4096, 2 * HUGE_PAGE_SIZE));
        let mut pieces = Vec::new();
        while let Some(span) = left {
            let (piece, rest) = span.split();
            pieces.push((piece.start.addr().get(), piece.size));
            left = rest;
        }
        let expected = [
            (HUGE_PAGE_SIZE - 4096, 4096),
            (HUGE_PAGE_SIZE, HUGE_PAGE_SIZE),
            (2 * HUGE_PAGE_SIZE, HUGE_PAGE_SIZE - 4096),
        ];
        assert_eq!(pieces, expected);
    }

    #[test]
    fn orders_are_carried_out_in_turn_and_nothing_is_done_after_they_were_withdrawn() {
        let orders = Arc::new(Orders::default());
        let (began, has_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel::<()>();
        let theirs = Arc::clone(&orders);
        let thread = thread::spawn(move || {
            theirs.carry_out(|piece| {
                began.send(piece.start.addr().get() / HUGE_PAGE_SIZE).unwrap();
                may_go.recv().unwrap();
            });
        });
        orders.give(span(HUGE_PAGE_SIZE, 2 * HUGE_PAGE_SIZE));
        assert_eq!(has_begun.recv(), Ok(1));
        orders.give(span(7 * HUGE_PAGE_SIZE, 2 * HUGE_PAGE_SIZE));
        go.send(()).unwrap();
        assert_eq!(has_begun.recv(), Ok(2));
        go.send(()).unwrap();
        assert_eq!(has_begun.recv(), Ok(7));
        let theirs = Arc::clone(&orders);
        let withdrawing = thread::spawn(move || theirs.withdraw());
        while !orders.state().left.is_empty() {
            thread::yield_now();
        }
        assert!(orders.state().busy && !withdrawing.is_finished());
        go.send(()).unwrap();
        withdrawing.join().unwrap();
        assert!(!orders.state().busy);
        orders.end();
        thread.join().unwrap();
        assert_eq!(has_begun.try_iter().collect::<Vec<_>>(), vec![0; 0]);
    }

    #[cfg(all(feature = "os", target_os = "linux"))]
    #[test]
    fn pages_are_there_before_they_are_touched() {
        let source = crate::system_pages();
        let range = crate::AddressRange::reserve(Arc::clone(&source), 4 << 20, HUGE_PAGE_SIZE).unwrap();
        range.commit(0, range.size()).unwrap();
        let resident = || crate::resident_bytes_within(&[range.addresses()]);
        assert_eq!(resident(), Some(0));
        let populator = Populator::start(source).unwrap();
        // SAFETY: the range is committed, and dropped after the populator.
        unsafe { populator.populate(range.base(), range.size()) };
        while resident() != Some(range.size() as u64) {
            thread::yield_now();
        }
        // SAFETY: committed; nobody else knows of it.
        let bytes = unsafe { core::slice::from_raw_parts(range.base().as_ptr(), range.size()) };
        assert!(bytes.iter().all(|&byte| byte == 0));
        drop(populator);
    }
}
