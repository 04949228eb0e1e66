//! Who holds the memory of a budget: a fixed table of *seats*, one for each of its first live children.
//!
//! A refusal has to name the largest consumers without allocating and without a lock, while children come and
//! go on other threads. So the parent keeps, inline, an array of seats made of atomics. A child takes a free
//! seat when it is made, keeps its usage counter there for life, and gives the seat back when it is dropped.
//! Its name is guarded by a sequence number as in a *seqlock* (H.-J. Boehm, "Can seqlocks get along with
//! programming language memory models?", MSPC 2012, §4): a reader that sees the number change while it read
//! skips the seat. Children beyond [`SEATS`] keep their counters to themselves; what they hold appears as part of
//! [`TopConsumers::rest`], so that the figures always add up.

use core::{
    array, fmt,
    sync::atomic::{AtomicU8, AtomicUsize as PlainUsize, Ordering, fence},
};

use crate::{BudgetName, Bytes, sync::AtomicUsize};

/// How many children of a budget can be named in an error.
pub(crate) const SEATS: usize = 16;
/// How many of them an error names.
const NAMED: usize = 3;

/// A part of a budget and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Consumer {
    /// The child's name.
    pub name: BudgetName,
    /// What it and the budgets below it hold.
    pub used: Bytes,
}

/// The largest consumers of a budget at the moment when it refused, largest first, kept inline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TopConsumers {
    /// Names and amounts lie apart because that is smaller; unused places have an empty name and no bytes.
    names: [BudgetName; NAMED],
    used: [Bytes; NAMED],
    rest: Bytes,
}

impl TopConsumers {
    /// The largest consumers (at most three), largest first; those that hold nothing are left out.
    pub fn iter(&self) -> impl Iterator<Item = Consumer> + '_ {
        let pairs = self.names.iter().zip(&self.used);
        pairs.take_while(|(_, used)| **used > Bytes::ZERO).map(|(&name, &used)| Consumer { name, used })
    }

    /// What is held by nobody in [`TopConsumers::iter`]: smaller consumers, and the budget itself.
    #[must_use]
    pub const fn rest(&self) -> Bytes {
        self.rest
    }

    /// What the budget held in all.
    pub(crate) fn total(&self) -> Bytes {
        self.used.iter().fold(self.rest, |sum, used| sum.saturating_add(*used))
    }

    fn insert(&mut self, mut entry: Consumer) {
        for (name, used) in self.names.iter_mut().zip(&mut self.used) {
            if entry.used > *used {
                core::mem::swap(&mut entry.name, name);
                core::mem::swap(&mut entry.used, used);
            }
        }
    }
}

impl fmt::Debug for TopConsumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).entry(&format_args!("rest: {:?}", self.rest)).finish()
    }
}

/// A parenthesis for the end of a message: " (held by `a` 3 MiB, `b` 1 MiB, others 512 B)"; nothing where
/// nothing is held.
impl fmt::Display for TopConsumers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = " (held by ";
        for Consumer { name, used } in self.iter() {
            write!(f, "{separator}{name} {used}")?;
            separator = ", ";
        }
        if self.rest > Bytes::ZERO {
            let who = if separator == ", " { "others" } else { "itself" };
            write!(f, "{separator}{who} {}", self.rest)?;
            separator = ", ";
        }
        if separator == ", " { f.write_str(")") } else { Ok(()) }
    }
}

/// A child's place in its parent. On a cache line of its own, because its counter is written with each charge.
#[repr(align(64))]
pub(crate) struct Seat {
    used: AtomicUsize,
    /// Sequence number: `% 4` is the state (free, being named, taken), the rest counts changes.
    stamp: PlainUsize,
    name: [AtomicU8; BudgetName::MAX_LEN + 1],
}

const FREE: usize = 0;
const NAMING: usize = 1;
const TAKEN: usize = 2;
const STATES: usize = 4;

/// The seats of one budget.
pub(crate) struct Seats([Seat; SEATS]);

impl Seats {
    pub(crate) fn new() -> Self {
        Self(array::from_fn(|_| Seat {
            used: AtomicUsize::new(0),
            stamp: PlainUsize::new(FREE),
            name: array::from_fn(|_| AtomicU8::new(0)),
        }))
    }

    /// Takes a free seat for a child of that name and returns its index; `None` when all are taken.
    pub(crate) fn take(&self, name: BudgetName) -> Option<usize> {
        self.0.iter().position(|seat| seat.take(name))
    }

    /// Gives a seat back. Its counter is zero, because no reservation outlives its budget.
    pub(crate) fn give_back(&self, index: usize) {
        let stamp = &self.0[index].stamp;
        stamp.store(stamp.load(Ordering::Relaxed) - TAKEN + STATES, Ordering::Release);
    }

    pub(crate) fn used(&self, index: usize) -> &AtomicUsize {
        &self.0[index].used
    }

    /// The largest consumers, where `total` is what the budget holds in all.
    pub(crate) fn top(&self, total: usize) -> TopConsumers {
        let nobody = BudgetName::new("");
        let mut top = TopConsumers { names: [nobody; NAMED], used: [Bytes::ZERO; NAMED], rest: Bytes::ZERO };
        for entry in self.0.iter().filter_map(Seat::read) {
            top.insert(entry);
        }
        top.rest = Bytes::from_usize(total).saturating_sub(top.used.iter().copied().sum());
        top
    }
}

impl Seat {
    fn take(&self, name: BudgetName) -> bool {
        let stamp = self.stamp.load(Ordering::Relaxed);
        if stamp % STATES != FREE {
            return false;
        }
        let naming = stamp + NAMING;
        if self.stamp.compare_exchange(stamp, naming, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return false;
        }
        // No reader may see a byte of the new name under the old stamp.
        fence(Ordering::Release);
        for (place, byte) in self.name.iter().zip(name.to_raw()) {
            place.store(byte, Ordering::Relaxed);
        }
        self.stamp.store(stamp + TAKEN, Ordering::Release);
        true
    }

    fn read(&self) -> Option<Consumer> {
        self.read_interrupted(|| ())
    }

    /// `interruption` stands for what other threads do in the middle of the reading (tests need that).
    fn read_interrupted(&self, interruption: impl FnOnce()) -> Option<Consumer> {
        let stamp = self.stamp.load(Ordering::Acquire);
        if stamp % STATES != TAKEN {
            return None;
        }
        let raw = array::from_fn(|i| self.name[i].load(Ordering::Relaxed));
        interruption();
        let used = Bytes::from_usize(self.used.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let unchanged = self.stamp.load(Ordering::Relaxed) == stamp;
        unchanged.then(|| Consumer { name: BudgetName::from_raw(raw), used })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_that_changes_while_it_is_read_is_skipped() {
        let seats = Seats::new();
        assert_eq!(seats.take(BudgetName::new("first")), Some(0));
        let seat = &seats.0[0];
        let name = |consumer: Option<Consumer>| consumer.map(|consumer| consumer.name);
        assert_eq!(name(seat.read()), Some(BudgetName::new("first")));
        assert_eq!(seat.read_interrupted(|| seats.give_back(0)), None, "given back");
        assert_eq!(seat.read(), None, "free");
        assert_eq!(seats.take(BudgetName::new("second")), Some(0));
        let change = || {
            seats.give_back(0);
            assert_eq!(seats.take(BudgetName::new("third")), Some(0));
        };
        assert_eq!(seat.read_interrupted(change), None, "given back and taken again");
        assert_eq!(name(seat.read()), Some(BudgetName::new("third")));
    }

    #[test]
    fn seats_are_few_and_each_has_one_child() {
        let seats = Seats::new();
        let taken: alloc::vec::Vec<_> = (0..=SEATS).map(|_| seats.take(BudgetName::new("child"))).collect();
        assert!(taken[..SEATS].iter().enumerate().all(|(index, seat)| *seat == Some(index)));
        assert_eq!(taken[SEATS], None);
        seats.give_back(5);
        assert_eq!(seats.take(BudgetName::new("late")), Some(5));
    }
}
