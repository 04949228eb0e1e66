//! Generated programs on each kind of pool, beside a model of what a pool is.
#![cfg(all(feature = "std", not(loom)))]

mod support;

use std::collections::HashSet;

use proptest::prelude::*;
use support::{Subject, Tracked, alive, last_made};
use terrane_pool::{
    LocalPool, LockFreePool, MemoryError, PoolStrategy, Reuse, ThreadSafePool, ValidationPolicy,
    WorkStealingPool,
};

#[derive(Clone, Debug)]
enum Step {
    Acquire,
    /// Gives back one of those in use, after it was perhaps made invalid.
    Release {
        which: usize,
        valid: bool,
    },
    Detach {
        which: usize,
    },
    Trim {
        keep: usize,
    },
    WarmUp {
        idle: usize,
    },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => Just(Step::Acquire),
        4 => (any::<usize>(), prop::bool::weighted(0.8)).prop_map(|(which, valid)| Step::Release { which, valid }),
        1 => any::<usize>().prop_map(|which| Step::Detach { which }),
        1 => (0..6usize).prop_map(|keep| Step::Trim { keep }),
        1 => (0..8usize).prop_map(|idle| Step::WarmUp { idle }),
    ];
    prop::collection::vec(step, 0..120)
}

#[derive(Clone, Copy, Debug)]
struct Knobs {
    max_idle: usize,
    max_total: usize,
    validation: ValidationPolicy,
    growth: f32,
    fifo: bool,
}

impl Knobs {
    fn strategy(&self) -> PoolStrategy {
        PoolStrategy::new()
            .max_idle(self.max_idle)
            .max_total(self.max_total)
            .validation(self.validation)
            .growth_factor(self.growth)
            .reuse(if self.fifo { Reuse::Fifo } else { Reuse::Lifo })
    }
}

fn knobs() -> impl Strategy<Value = Knobs> {
    let validation = prop_oneof![
        Just(ValidationPolicy::Never),
        Just(ValidationPolicy::OnAcquire),
        Just(ValidationPolicy::OnRelease),
        Just(ValidationPolicy::Always),
    ];
    // 99 is a limit that is not met.
    let limits = (prop_oneof![0..6usize, Just(99)], prop_oneof![0..10usize, Just(99)]);
    (limits, validation, any::<bool>(), prop_oneof![Just(1.0f32), Just(2.0)]).prop_map(
        |((max_idle, max_total), validation, fifo, growth)| Knobs {
            max_idle,
            max_total,
            validation,
            growth,
            fifo,
        },
    )
}

/// What is known of a pool without knowing how it works.
struct Model<S: Subject> {
    pool: S,
    knobs: Knobs,
    held: Vec<S::Guard>,
    /// Idle objects and whether they are valid, the longest idle first; for a pool in order.
    row: Vec<(u32, bool)>,
    acquired: u64,
}

fn on_acquire(validation: ValidationPolicy) -> bool {
    matches!(validation, ValidationPolicy::OnAcquire | ValidationPolicy::Always)
}

fn on_release(validation: ValidationPolicy) -> bool {
    matches!(validation, ValidationPolicy::OnRelease | ValidationPolicy::Always)
}

impl<S: Subject> Model<S> {
    fn acquire(&mut self) {
        let last_made_before = last_made();
        let before = self.pool.stats();
        match self.pool.acquire() {
            Ok(mut guard) => {
                assert!(!guard.dirty && (guard.valid || !on_acquire(self.knobs.validation)));
                guard.dirty = true;
                self.acquired += 1;
                let after = self.pool.stats();
                let gone = (after.dropped - before.dropped) as usize;
                assert!(gone == 0 || on_acquire(self.knobs.validation));
                let made = after.created > before.created;
                assert_eq!(made, before.idle == gone, "something is made when nothing idles, and only then");
                assert_eq!(
                    (after.hits - before.hits, after.misses - before.misses),
                    if made { (0, 1) } else { (1, 0) }
                );
                self.check_order(guard.number, made, last_made_before);
                self.held.push(guard);
            }
            Err(error) => {
                let after = self.pool.stats();
                assert!(
                    matches!(error, MemoryError::PoolExhausted { capacity, .. } if capacity == self.knobs.max_total)
                );
                assert_eq!((after.idle, after.in_use), (0, self.knobs.max_total));
                assert_eq!(after.refused, before.refused + 1);
                self.row.clear();
            }
        }
    }

    /// For a pool in order: whether that was the object whose turn it was.
    fn check_order(&mut self, number: u32, made: bool, last_made_before: u32) {
        if !S::IN_ORDER {
            return;
        }
        loop {
            let next = match (self.row.is_empty(), self.knobs.fifo) {
                (true, _) => break,
                (false, true) => self.row.remove(0),
                (false, false) => self.row.pop().unwrap(),
            };
            if next.1 || !on_acquire(self.knobs.validation) {
                assert_eq!(next.0, number);
                return;
            }
        }
        assert!(made);
        // Where several were made, all but one are idle now.
        self.row = (last_made_before + 1..=last_made())
            .filter(|&new| new != number)
            .map(|new| (new, true))
            .collect();
        let turn = if self.knobs.fifo { last_made_before + 1 } else { last_made() };
        assert_eq!(number, turn);
    }

    fn release(&mut self, which: usize, valid: bool) {
        if self.held.is_empty() {
            return;
        }
        let mut guard = self.held.swap_remove(which % self.held.len());
        guard.valid &= valid;
        let (number, valid) = (guard.number, guard.valid);
        let before = self.pool.stats();
        drop(guard);
        let after = self.pool.stats();
        let refused = on_release(self.knobs.validation) && !valid;
        if before.idle < self.knobs.max_idle && !refused {
            assert_eq!((after.idle, after.dropped), (before.idle + 1, before.dropped));
            self.row.push((number, valid));
        } else {
            assert_eq!((after.idle, after.dropped), (before.idle, before.dropped + 1));
        }
    }

    fn run(&mut self, step: &Step) {
        match *step {
            Step::Acquire => self.acquire(),
            Step::Release { which, valid } => self.release(which, valid),
            Step::Detach { which } if !self.held.is_empty() => {
                let object: Tracked = S::detach(self.held.swap_remove(which % self.held.len()));
                assert!(object.dirty, "nobody has reset it");
            }
            Step::Detach { .. } => {}
            Step::Trim { keep } => {
                let before = self.pool.stats().idle;
                assert_eq!(self.pool.trim(keep), before.saturating_sub(keep));
                if S::IN_ORDER {
                    self.row.drain(..before.saturating_sub(keep));
                }
            }
            Step::WarmUp { idle } => {
                let (before, last_made_before) = (self.pool.stats(), last_made());
                let room = self.knobs.max_total - before.idle - before.in_use;
                let expected = idle.min(self.knobs.max_idle).saturating_sub(before.idle).min(room);
                assert_eq!(self.pool.warm_up(idle).unwrap(), expected);
                self.row.extend((last_made_before + 1..=last_made()).map(|new| (new, true)));
            }
        }
    }

    fn check(&self) {
        let stats = self.pool.stats();
        assert_eq!(stats.in_use, self.held.len());
        assert_eq!(stats.idle + stats.in_use, alive());
        assert_eq!(stats.created, stats.dropped + stats.detached + alive() as u64);
        assert_eq!((stats.acquired, stats.hits + stats.misses), (self.acquired, self.acquired));
        assert!(stats.idle <= self.knobs.max_idle && stats.idle + stats.in_use <= self.knobs.max_total);
        assert!(stats.peak_in_use >= stats.in_use);
        let numbers: HashSet<u32> = self.held.iter().map(|guard| guard.number).collect();
        assert_eq!(numbers.len(), self.held.len(), "one object is in use twice");
        assert!(self.held.iter().all(|guard| guard.dirty), "somebody else has reset it");
    }
}

fn check<S: Subject>(mut knobs: Knobs, steps: &[Step]) {
    knobs.fifo &= S::FIFO;
    assert_eq!(alive(), 0);
    let pool = S::with(knobs.strategy()).unwrap();
    let mut model = Model { pool, knobs, held: Vec::new(), row: Vec::new(), acquired: 0 };
    for step in steps {
        model.run(step);
        model.check();
    }
    drop(model);
    assert_eq!(alive(), 0, "all is dropped in the end");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn local(knobs in knobs(), steps in steps()) {
        check::<LocalPool<Tracked>>(knobs, &steps);
    }

    #[test]
    fn thread_safe(knobs in knobs(), steps in steps()) {
        check::<ThreadSafePool<Tracked>>(knobs, &steps);
    }

    #[test]
    fn lock_free(knobs in knobs(), steps in steps()) {
        check::<LockFreePool<Tracked>>(knobs, &steps);
    }

    #[test]
    fn work_stealing(knobs in knobs(), steps in steps()) {
        check::<WorkStealingPool<Tracked>>(knobs, &steps);
    }
}
