//! One computation for all who want the same value at the same time (*single flight*).
//!
//! Who comes first leads: computes, puts the value into the cache, and hands it to those who came meanwhile and wait. When the leader
//! fails or panics, one of those who wait leads next.
//!
//! A leader that wants its own key would wait for itself, and so would two leaders that want each other's. So before a thread waits, the
//! chain of who waits for whom is followed (`waits`): where it leads back to the thread, the answer is an error.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{
    AtomicBool, AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::task::Waker;

use parking_lot::{Condvar, Mutex};

use crate::index::Hash;

use super::thread_number::thread_number;
use super::waits::Wait;
use crate::error::Reentrant;

/// The computations that are going on, by hash.
pub(super) struct Flights<K, V> {
    table: Mutex<Table<K, V>>,
}

type Table<K, V> = HashMap<u64, Vec<(K, Arc<Flight<V>>)>, foldhash::fast::RandomState>;

/// A computation that others wait for.
pub(super) struct Flight<V> {
    number: u64,
    /// The thread that computes, if it is one for the whole computation.
    leader: Option<usize>,
    state: Mutex<State<V>>,
    ended: Condvar,
    /// For those who follow the chain of waiting threads.
    has_ended: Arc<AtomicBool>,
}

enum State<V> {
    Computing(Vec<Waker>),
    Computed(V),
    /// It failed. Whoever waits tries again.
    Failed,
}

/// What somebody who wants a value is to do.
pub(super) enum Role<'a, K: Eq, V> {
    Lead(Lead<'a, K, V>),
    Follow(Arc<Flight<V>>),
}

/// To be in the lead. Dropped without a value, the computation has failed.
pub(super) struct Lead<'a, K: Eq, V> {
    flights: &'a Flights<K, V>,
    hash: Hash,
    flight: Arc<Flight<V>>,
}

static NEXT_NUMBER: AtomicU64 = AtomicU64::new(0);

impl<K: Eq, V> Flights<K, V> {
    pub(super) fn new() -> Self {
        Self { table: Mutex::new(HashMap::default()) }
    }

    /// Joins those who want that value. `leader` is the thread that will compute it, if that is known.
    pub(super) fn join(&self, hash: Hash, key: &K, leader: Option<usize>) -> Role<'_, K, V>
    where
        K: Clone,
    {
        let mut table = self.table.lock();
        let going_on = table.get(&hash.0).and_then(|flights| flights.iter().find(|(other, _)| other == key));
        if let Some((_, flight)) = going_on {
            return Role::Follow(Arc::clone(flight));
        }
        let key = key.clone();
        let flight = Arc::new(Flight {
            number: NEXT_NUMBER.fetch_add(1, Relaxed),
            leader,
            state: Mutex::new(State::Computing(Vec::new())),
            ended: Condvar::new(),
            has_ended: Arc::default(),
        });
        table.entry(hash.0).or_default().push((key, Arc::clone(&flight)));
        Role::Lead(Lead { flights: self, hash, flight })
    }
}

impl<K: Eq, V> Lead<'_, K, V> {
    /// Hands the value to all who wait.
    pub(super) fn land(self, value: V) {
        self.flight.end(State::Computed(value));
    }
}

#[cfg(feature = "async")]
impl<K: Eq, V> Lead<'_, K, V> {
    pub(super) fn number(&self) -> u64 {
        self.flight.number
    }
}

#[cfg(feature = "async")]
impl<V: Clone> Flight<V> {
    /// As [`wait`](Flight::wait), for a task.
    pub(super) fn poll(
        &self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<Option<V>, Reentrant>> {
        use std::task::Poll;
        super::polled::check(self.number)?;
        match &mut *self.state.lock() {
            State::Computing(wakers) => {
                if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    wakers.push(context.waker().clone());
                }
                Poll::Pending
            }
            State::Computed(value) => Poll::Ready(Ok(Some(value.clone()))),
            State::Failed => Poll::Ready(Ok(None)),
        }
    }
}

impl<K: Eq, V> Drop for Lead<'_, K, V> {
    fn drop(&mut self) {
        let mut removed = None;
        let mut table = self.flights.table.lock();
        if let Some(flights) = table.get_mut(&self.hash.0) {
            // By number, not by key: this may be unwinding from the user's `Eq`.
            let at = flights.iter().position(|(_, flight)| flight.number == self.flight.number);
            removed = at.map(|at| flights.swap_remove(at));
            if flights.is_empty() {
                table.remove(&self.hash.0);
            }
        }
        drop(table);
        self.flight.end(State::Failed);
        drop(removed);
    }
}

impl<V> Flight<V> {
    /// Ends it, unless it has ended.
    fn end(&self, end: State<V>) {
        let mut state = self.state.lock();
        if !matches!(*state, State::Computing(_)) {
            return;
        }
        let State::Computing(wakers) = std::mem::replace(&mut *state, end) else { return };
        drop(state);
        self.has_ended.store(true, SeqCst);
        self.ended.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<V: Clone> Flight<V> {
    /// Waits for the value; `None` when it is to be tried again.
    ///
    /// # Errors
    /// [`Reentrant`] when it would wait for itself.
    pub(super) fn wait(&self) -> Result<Option<V>, Reentrant> {
        #[cfg(feature = "async")]
        super::polled::check(self.number)?;
        let _wait = Wait::begin(thread_number(), self.leader, &self.has_ended)?;
        let mut state = self.state.lock();
        loop {
            match &*state {
                State::Computing(_) => self.ended.wait(&mut state),
                State::Computed(value) => return Ok(Some(value.clone())),
                State::Failed => return Ok(None),
            }
        }
    }
}
