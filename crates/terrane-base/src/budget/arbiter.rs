//! Arbitration: who is asked to give memory up when a budget is full.
//!
//! Only reclaimers whose budget lies in the part of the tree that is full are asked, cheapest class first, within a class in the
//! order of their registration. One behind a budget that holds no more than its guaranteed minimum is left alone: what it gave up
//! would still be set aside for it and help nobody else. After each, the charge is tried again. Should it now be another
//! budget, further up, that is full, the round starts again for that one; that happens at most once for each level of the tree.
//!
//! The list of reclaimers is one for the tree, sorted by class. The lock is held only to step from one entry to the
//! next (a cursor of class and number, so that entries may come and go meanwhile), never while a reclaimer runs.
//! Stepping allocates nothing. See the file `reentry` for what keeps a reclaimer from starting a round of its own.

use alloc::{
    sync::{Arc, Weak},
    vec::Vec,
};
use core::{
    ops::ControlFlow,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};
use std::panic::catch_unwind;

use super::{
    PressureLevel, PressureListener, ReclaimCost, Reclaimer, node::Node, reclaimer::RequestFlag,
    reentry::Mark, tree::Tree,
};
use crate::{
    BudgetName, Bytes,
    sync::{Mutex, lock},
};

pub(crate) struct Arbiter {
    list: Mutex<List>,
    taken_out: AtomicU64,
}

#[derive(Default)]
struct List {
    /// Sorted by key.
    reclaimers: Vec<Entry>,
    listeners: Vec<(u64, BudgetName, Weak<dyn PressureListener>)>,
    next_number: u64,
}

struct Entry {
    key: Key,
    name: BudgetName,
    budget: Weak<Node>,
    way: Way,
}

/// Where in the order a reclaimer stands.
type Key = (ReclaimCost, u64);

#[derive(Clone)]
pub(crate) enum Way {
    Immediate(Weak<dyn Reclaimer>),
    Requested(Weak<RequestFlag>),
}

/// What a round of asking is about.
pub(crate) struct Round<'a> {
    /// The budget that is full.
    pub(crate) full: &'a Node,
    /// The budget that needs memory: guarantees on its own path do not stand in its way.
    pub(crate) asking: &'a Node,
    pub(crate) dearest: ReclaimCost,
    /// Whether requests to the calling thread make sense: not if it is about to wait.
    pub(crate) ask_own_thread: bool,
}

impl Arbiter {
    pub(crate) fn new() -> Self {
        Self { list: Mutex::new(List::default()), taken_out: AtomicU64::new(0) }
    }

    pub(crate) fn add(&self, name: BudgetName, cost: ReclaimCost, budget: Weak<Node>, way: Way) {
        let _mark = Mark::set();
        let mut list = lock(&self.list);
        list.reclaimers.retain(|entry| entry.way.is_alive());
        let key = (cost, list.number());
        let place = list.reclaimers.partition_point(|entry| entry.key < key);
        list.reclaimers.insert(place, Entry { key, name, budget, way });
    }

    pub(crate) fn listen(&self, name: BudgetName, listener: Weak<dyn PressureListener>) {
        let _mark = Mark::set();
        let mut list = lock(&self.list);
        list.listeners.retain(|(_, _, listener)| listener.strong_count() > 0);
        let number = list.number();
        list.listeners.push((number, name, listener));
    }

    /// How many reclaimers and listeners panicked and were taken out.
    pub(crate) fn taken_out(&self) -> u64 {
        self.taken_out.load(Relaxed)
    }

    fn next(&self, after: Option<Key>, round: &Round<'_>) -> Option<(Key, BudgetName, Way, Arc<Node>)> {
        let list = lock(&self.list);
        let start = after.map_or(0, |after| list.reclaimers.partition_point(|entry| entry.key <= after));
        list.reclaimers[start..].iter().take_while(|entry| entry.key.0 <= round.dearest).find_map(|entry| {
            let node = entry.budget.upgrade()?;
            round.concerns(&node).then(|| (entry.key, entry.name, entry.way.clone(), node))
        })
    }

    fn take_out(&self, key: Key, name: BudgetName) {
        lock(&self.list).reclaimers.retain(|entry| entry.key != key);
        self.tell_of_panic(name);
    }

    fn tell_of_panic(&self, name: BudgetName) {
        self.taken_out.fetch_add(1, Relaxed);
        self.tell(|listener| listener.taken_out(name));
    }

    /// Tells all listeners something. One that panics is taken out, and the others are told so.
    fn tell(&self, what: impl Fn(&dyn PressureListener)) {
        let mut after = 0;
        while let Some((number, name, listener)) = self.next_listener(after) {
            after = number;
            if !completes(|| what(&*listener)) {
                lock(&self.list).listeners.retain(|(other, ..)| *other != number);
                self.tell_of_panic(name);
            }
        }
    }

    fn next_listener(&self, after: u64) -> Option<(u64, BudgetName, Arc<dyn PressureListener>)> {
        let list = lock(&self.list);
        let later = list.listeners.iter().filter(|(number, ..)| *number > after);
        later.filter_map(|(number, name, listener)| Some((*number, *name, listener.upgrade()?))).next()
    }
}

impl List {
    /// Numbers start at 1.
    fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }
}

impl Way {
    fn is_alive(&self) -> bool {
        match self {
            Self::Immediate(reclaimer) => reclaimer.strong_count() > 0,
            Self::Requested(flag) => flag.strong_count() > 0,
        }
    }
}

impl Round<'_> {
    /// Whether something that this budget gives back makes room where it is needed.
    fn concerns(&self, budget: &Node) -> bool {
        let Some(depth) = budget.path().position(|node| core::ptr::eq(node, self.full)) else { return false };
        let holds_back = |node: &Node| {
            node.used() <= node.min()
                && node.min() > 0
                && !self.asking.path().any(|own| core::ptr::eq(own, node))
        };
        !budget.path().take(depth).any(holds_back)
    }
}

impl Tree {
    /// Asks one reclaimer after the other until `attempt` breaks. `attempt` says how much is still missing, and perhaps that now
    /// another budget is full. The calling thread has to be marked.
    pub(crate) fn ask<'a, T>(
        &self,
        mut round: Round<'a>,
        mut attempt: impl FnMut() -> ControlFlow<T, (usize, &'a Node)>,
    ) -> Option<T> {
        let mut after = None;
        loop {
            let wanted = match attempt() {
                ControlFlow::Break(done) => return Some(done),
                ControlFlow::Continue((wanted, full)) => {
                    // Further up only: that bounds the rounds.
                    if !core::ptr::eq(full, round.full)
                        && round.full.path().any(|above| core::ptr::eq(above, full))
                    {
                        (round.full, after) = (full, None);
                    }
                    wanted
                }
            };
            let (key, name, way, node) = self.arbiter.next(after, &round)?;
            after = Some(key);
            self.run(key, name, way, wanted, &round);
            drop(node);
        }
    }

    fn run(&self, key: Key, name: BudgetName, way: Way, wanted: usize, round: &Round<'_>) {
        match way {
            Way::Immediate(reclaimer) => {
                let Some(reclaimer) = reclaimer.upgrade() else { return };
                let wanted = Bytes::from_usize(wanted);
                if !completes(|| _ = reclaimer.reclaim(wanted)) {
                    self.arbiter.take_out(key, name);
                }
            }
            Way::Requested(flag) => {
                if let Some(flag) = flag.upgrade()
                    && (round.ask_own_thread || !flag.is_of_this_thread())
                {
                    flag.raise(wanted);
                }
            }
        }
    }

    /// Tells listeners if the level that counts is another one. Not on a thread that is marked already: it is told
    /// when the mark is taken away, or with the next change of use.
    pub(crate) fn announce_level(&self) {
        let Some(mark) = Mark::set() else { return };
        if let Some((_, now)) = self.pressure.take_change() {
            self.arbiter.tell(|listener| listener.pressure_changed(now));
        }
        drop(mark);
    }

    /// As [`announce_level`](Tree::announce_level); and when the level has risen, asks the reclaimers for what would bring use back to
    /// where the level ends. `reported` when somebody else than the counters says that memory is scarce.
    pub(crate) fn announce_and_relieve(&self, root: &Node, reported: bool) {
        let Some(mark) = Mark::set() else { return };
        if let Some((before, now)) = self.pressure.take_change() {
            self.arbiter.tell(|listener| listener.pressure_changed(now));
            if let Some(dearest) = ReclaimCost::dearest_at(now, reported).filter(|_| now > before) {
                self.relieve(root, now, dearest);
            }
        }
        drop(mark);
    }

    fn relieve(&self, root: &Node, level: PressureLevel, dearest: ReclaimCost) {
        let round = Round { full: root, asking: root, dearest, ask_own_thread: true };
        let target = self.pressure.relief_target(level, root.used());
        self.ask(round, || match root.used().saturating_sub(target) {
            0 => ControlFlow::Break(()),
            wanted => ControlFlow::Continue((wanted, root)),
        });
    }
}

/// Runs foreign code; whether it came to its end.
fn completes(work: impl FnOnce()) -> bool {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(()) => true,
        Err(payload) => {
            // Dropping it might panic in turn.
            core::mem::forget(payload);
            false
        }
    }
}
