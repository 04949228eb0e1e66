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
        let piece_size = HUGE_PAGE_SIZE.max(source.page_size());
        let thread = thread::Builder::new().name("terrane-populate".into()).stack_size(STACK_BYTES).spawn(
            move || {
                theirs.carry_out(piece_size, |piece| {
                    // SAFETY: who gave the order promised that the memory is committed until it is carried out or withdrawn. What
                    // is refused will be put there on first touch.
                    let _ = unsafe { source.populate(piece.start, piece.size) };
                })
            },
        )?;
        Ok(Self { orders, thread: Some(thread), process: process() })
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

    /// Withdraws all orders, and waits until what was begun is done: at most as long as the system takes for a huge page. Whether
    /// something was left to do.
    pub fn withdraw(&self) -> bool {
        self.has_thread() && self.orders.withdraw()
    }

    /// A forked child has a copy of the books, perhaps as they were in the middle of a change, and no thread.
    fn has_thread(&self) -> bool {
        self.process == process()
    }
}

impl Drop for Populator {
    fn drop(&mut self) {
        let Some(thread) = self.thread.take() else { return };
        if self.has_thread() {
            self.orders.end();
            // Should the source have panicked, that was told, and the pages are populated on first touch.
            let _ = thread.join();
        } else {
            core::mem::forget(thread);
        }
    }
}

/// The number of this process. WebAssembly has none, even where it has threads, and nothing that copies a process.
fn process() -> u32 {
    if cfg!(target_family = "wasm") { 0 } else { std::process::id() }
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
    /// The part before the next boundary of a piece, and the rest.
    fn split(self, piece_size: usize) -> (Self, Option<Self>) {
        let size = (piece_size - self.start.addr().get() % piece_size).min(self.size);
        let start = self.start.map_addr(|start| start.saturating_add(size));
        let rest = Self { start, size: self.size - size };
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
    /// So many pieces were begun, modulo 2⁶⁴.
    begun: u64,
    ended: bool,
}

impl Orders {
    fn give(&self, span: Span) {
        let mut state = self.state();
        if !state.ended && state.left.try_reserve(1).is_ok() {
            state.left.push_back(span);
            self.changed.notify_all();
        }
    }

    fn withdraw(&self) -> bool {
        let mut state = self.state();
        let is_left = !state.left.is_empty();
        state.left.clear();
        // Not for a piece that was begun later: another thread has ordered that meanwhile.
        let begun = state.begun;
        while state.busy && state.begun == begun {
            state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        is_left
    }

    fn end(&self) {
        let mut state = self.state();
        state.left.clear();
        state.ended = true;
        self.changed.notify_all();
    }

    /// Hands `populate` one piece after the other until the end.
    fn carry_out(&self, piece_size: usize, populate: impl Fn(Span)) {
        let mut state = self.state();
        while !state.ended {
            let Some(span) = state.left.pop_front() else {
                state = self.changed.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
                continue;
            };
            let (piece, rest) = span.split(piece_size);
            // There is room: where the whole was.
            rest.into_iter().for_each(|rest| state.left.push_front(rest));
            state.busy = true;
            state.begun = state.begun.wrapping_add(1);
            drop(state);
            let begun = Begun(self);
            populate(piece);
            drop(begun);
            state = self.state();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nobody panics while holding it.
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A piece that is being populated, until this is dropped: also where the page source panics, as nobody may wait for a thread that is no more.
struct Begun<'a>(&'a Orders);

impl Drop for Begun<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.busy = false;
        if std::thread::panicking() {
            state.left.clear();
            state.ended = true;
        }
        self.0.changed.notify_all();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::{
        sync::mpsc::{self, Receiver, Sender},
        vec,
        vec::Vec,
    };

    use super::*;

    fn span(start: usize, size: usize) -> Span {
        Span { start: NonNull::without_provenance(start.try_into().unwrap()), size }
    }

    /// A thread that tells of each piece by its number when it begins, and ends it when told so.
    fn in_step(orders: &Arc<Orders>) -> (JoinHandle<()>, Receiver<usize>, Sender<()>) {
        let orders = Arc::clone(orders);
        let (began, has_begun) = mpsc::channel();
        let (go, may_go) = mpsc::channel();
        let thread = thread::spawn(move || {
            orders.carry_out(HUGE_PAGE_SIZE, |piece| {
                began.send(piece.start.addr().get() / HUGE_PAGE_SIZE).unwrap();
                may_go.recv().unwrap();
            });
        });
        (thread, has_begun, go)
    }

    #[test]
    fn an_order_is_carried_out_in_pieces_that_end_at_huge_pages() {
        let mut left = Some(span(HUGE_PAGE_SIZE - 4096, 2 * HUGE_PAGE_SIZE));
        let mut pieces = Vec::new();
        while let Some(span) = left {
            let (piece, rest) = span.split(HUGE_PAGE_SIZE);
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
        let (thread, has_begun, go) = in_step(&orders);
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
        assert!(withdrawing.join().unwrap(), "the second half of the second order was left");
        assert!(!orders.state().busy && !orders.withdraw());
        orders.end();
        thread.join().unwrap();
        assert_eq!(has_begun.try_iter().collect::<Vec<_>>(), vec![0; 0]);
    }

    /// Two threads give and withdraw: who withdraws does not wait for what the other one has ordered since.
    #[test]
    fn to_withdraw_takes_no_longer_than_the_piece_that_was_begun() {
        let orders = Arc::new(Orders::default());
        let (thread, has_begun, go) = in_step(&orders);
        orders.give(span(HUGE_PAGE_SIZE, 2 * HUGE_PAGE_SIZE));
        assert_eq!(has_begun.recv(), Ok(1));
        let theirs = Arc::clone(&orders);
        let withdrawing = thread::spawn(move || theirs.withdraw());
        while !orders.state().left.is_empty() {
            thread::yield_now();
        }
        orders.give(span(7 * HUGE_PAGE_SIZE, HUGE_PAGE_SIZE));
        go.send(()).unwrap();
        assert_eq!(has_begun.recv(), Ok(7));
        // That one goes on until it is told so, below.
        withdrawing.join().unwrap();
        go.send(()).unwrap();
        orders.end();
        thread.join().unwrap();
    }

    #[test]
    fn nobody_waits_for_a_source_that_panicked() {
        let orders = Arc::new(Orders::default());
        let theirs = Arc::clone(&orders);
        let thread =
            thread::spawn(move || theirs.carry_out(HUGE_PAGE_SIZE, |_| panic!("of the page source")));
        orders.give(span(HUGE_PAGE_SIZE, 2 * HUGE_PAGE_SIZE));
        thread.join().unwrap_err();
        orders.withdraw();
        orders.give(span(HUGE_PAGE_SIZE, HUGE_PAGE_SIZE));
        assert!(orders.state().left.is_empty(), "nobody would take it");
    }

    #[test]
    fn a_piece_is_never_less_than_a_page() {
        let (piece, rest) = span(2 * HUGE_PAGE_SIZE, 4 * HUGE_PAGE_SIZE).split(2 * HUGE_PAGE_SIZE);
        assert_eq!((piece.size, rest.map(|rest| rest.size)), (2 * HUGE_PAGE_SIZE, Some(2 * HUGE_PAGE_SIZE)));
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
