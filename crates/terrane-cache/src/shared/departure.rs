//! Entries on their way out: they are handed out of a locked shard, and told about and dropped when the lock is free.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::counters::{Counters, Event};

/// Why an entry left a cache. As text, one word: "removed", "replaced" and so on.
///
/// ```
/// use std::sync::{Arc, Mutex};
/// use terrane_cache::Cache;
///
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let listener = Arc::clone(&log);
/// let cache = Cache::<u32, &str>::builder()
///     .capacity(1)
///     .on_removal(move |key, _, cause| listener.lock().unwrap().push(format!("{key} {cause}")))
///     .build();
/// cache.insert(1, "one");
/// cache.insert(1, "uno");
/// cache.remove(&1);
/// assert_eq!(*log.lock().unwrap(), ["1 replaced", "1 removed"]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemovalCause {
    /// It was taken out by name, or with all others.
    Removed,
    /// Another value of the same key came.
    Replaced,
    /// There was no room.
    Capacity,
    /// Its time was over.
    Expired,
    /// Its memory was needed elsewhere.
    Reclaimed,
}

impl fmt::Display for RemovalCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Removed => "removed",
            Self::Replaced => "replaced",
            Self::Capacity => "capacity",
            Self::Expired => "expired",
            Self::Reclaimed => "reclaimed",
        })
    }
}

/// Told about each entry that leaves.
pub(super) type Listener<K, V> = Box<dyn Fn(&K, &V, RemovalCause) + Send + Sync>;

/// What left a shard while it was locked.
pub(super) struct Departures<K, V> {
    // Mostly none or one; without allocating.
    first: Option<Departure<K, V>>,
    more: Vec<Departure<K, V>>,
    weight: u64,
}

pub(super) struct Departure<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    pub(super) weight: u64,
    pub(super) cause: RemovalCause,
}

impl<K, V> Departures<K, V> {
    pub(super) fn new() -> Self {
        Self { first: None, more: Vec::new(), weight: 0 }
    }

    #[inline]
    pub(super) fn push(&mut self, departure: Departure<K, V>) {
        self.weight = self.weight.saturating_add(departure.weight);
        if self.first.is_none() {
            self.first = Some(departure);
        } else {
            self.more.push(departure);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Departure<K, V>> {
        self.first.iter().chain(&self.more)
    }

    /// How many there are. O(1).
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }

    /// What they weigh in all. O(1).
    pub(super) fn weight(&self) -> u64 {
        self.weight
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Tells the listener, which may panic: it is told the others nevertheless.
    pub(super) fn announce(&self, listener: &Listener<K, V>, counters: &Counters) {
        for departure in self.iter() {
            let told = catch_unwind(AssertUnwindSafe(|| {
                listener(&departure.key, &departure.value, departure.cause);
            }));
            if let Err(payload) = told {
                // Dropping it might panic in turn.
                std::mem::forget(payload);
                counters.note(Event::ListenerPanic);
            }
        }
    }
}

impl<K, V> Departures<K, V> {
    /// Drops them where nobody is to be bothered with a panic of a `drop`: one after the other, and all of them.
    pub(super) fn drop_each(self) {
        for departure in self.first.into_iter().chain(self.more) {
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(departure))) {
                // Dropping it might panic in turn.
                std::mem::forget(payload);
            }
        }
    }
}

impl<K, V> fmt::Debug for Departures<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|departure| departure.cause)).finish()
    }
}
