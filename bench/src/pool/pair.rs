//! Two threads at once, each on a core of its own where there are enough: an object is taken and given back, again and again.
//!
//! The figure is the CPU time of one thread, which spins while it waits for a lock or a cache line, so contention is in it.

use super::{
    object::{Costly, Object, Page, Small},
    ours::Bounded,
    pools::{Measure, Pool},
    rivals,
};
use crate::checksum;
use crate::clock;
use crate::code_layout::{COPIES, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use crate::statistics::median;
use crate::threads;
use std::hint::black_box;
use terrane_pool::{LockFreePool, ThreadSafePool, WorkStealingPool};

const THREADS: usize = 2;

pub(super) fn rows() -> Vec<Row> {
    vec![
        thread_safe::<Small>(),
        thread_safe::<Page>(),
        thread_safe::<Costly>(),
        row::<Small>(
            "lock-free",
            "LockFreePool",
            Contender::new(OURS, Home::Glibc, measure::<LockFreePool<Small>>),
        ),
        row::<Small>(
            "work-stealing",
            "WorkStealingPool",
            Contender::new(OURS, Home::Glibc, measure::<WorkStealingPool<Small>>),
        ),
    ]
}

fn thread_safe<O: Object + Sync>() -> Row {
    let settings = each_of([measure::<ThreadSafePool<O>>, measure::<Bounded<O>>]);
    row::<O>(
        "thread-safe",
        "ThreadSafePool, without and with a max_total",
        Contender::new(OURS, Home::Glibc, settings),
    )
}

fn row<O: Object + Sync>(kind: &str, what: &str, ours: Contender) -> Row {
    Row {
        name: format!("pool/{kind}/{}/2", O::NAME),
        about: format!("as pool/{kind}/{}/1, by each of two threads at once; ours is {what}", O::NAME),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: THREADS,
        rounds: Rounds::LOOPS,
        ours,
        rivals: rivals::shared::<O, Pair>(),
    }
}

/// Two threads at once.
struct Pair;

impl Measure for Pair {
    fn of<P: Pool + Sync>(mode: Mode) -> Measurement {
        measure::<P>(mode)
    }
}

fn measure<P: Pool + Sync>(mode: Mode) -> Measurement {
    let repetitions = match mode {
        Mode::Full => 9,
        Mode::Quick => 3,
    };
    let pool = P::open();
    let mut ns = vec![Vec::new(); COPIES];
    let mut sum = 0;
    for repetition in 0..=repetitions {
        for (copy, ns) in
            [turns::<P, 0>, turns::<P, 1>, turns::<P, 2>, turns::<P, 3>].into_iter().zip(&mut ns)
        {
            for (elapsed_ns, result) in on_each_thread(&pool, copy) {
                if repetition > 0 {
                    ns.push(elapsed_ns / f64::from(P::Object::CYCLES));
                }
                sum = checksum::mix(sum, result);
            }
        }
    }
    Measurement {
        ns_by_copy: ns.iter().map(|ns| median(ns)).collect(),
        checksum: checksum::mix(sum, mode as u64),
    }
}

/// The loop on all threads at once; time and result of each.
fn on_each_thread<P: Pool + Sync>(pool: &P, turns: fn(&P, u64) -> u64) -> Vec<(f64, u64)> {
    threads::on_each(THREADS, |_, meeting| {
        // What a thread has of a pool is there before the time runs.
        pool.cycle(0);
        meeting.wait();
        clock::thread_time(|| turns(pool, black_box(u64::from(P::Object::CYCLES))))
    })
}

/// The measured loop; the sum of what was read.
#[inline(never)]
fn turns<P: Pool, const COPY: usize>(pool: &P, cycles: u64) -> u64 {
    shift::<COPY>();
    (0..cycles).fold(0, |sum: u64, value| sum.wrapping_add(pool.cycle(value)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_threads_take_and_give_back() {
        let pool = ThreadSafePool::<Small>::open();
        let results = on_each_thread(&pool, turns::<_, 0>);
        assert_eq!(results.len(), THREADS);
        assert_eq!(results[0].1, results[1].1);
        let stats = pool.stats();
        assert_eq!(stats.acquired, 2 * u64::from(Small::CYCLES + 1));
        assert!(stats.created <= 2);
    }
}
