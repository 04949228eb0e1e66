//! `budget/shared/2`: two threads that charge one account at the same time.
//!
//! Each thread, on a core of its own where there are enough, makes [`CHARGES`] charges and then takes them back together. The time is CPU
//! time of the thread. The threads are held until both are ready, but one may still end before the other; each figure is the
//! median over many repetitions.

use super::accounts::{Account, Atomic, CHARGE, Shared};
use crate::checksum;
use crate::clock;
use crate::code_layout::{COPIES, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::statistics::median;
use crate::threads;
use std::hint::black_box;

const THREADS: usize = 2;
/// By each thread: some milliseconds.
const CHARGES: usize = 1 << 17;

pub(super) fn rows() -> Vec<Row> {
    vec![Row {
        name: "budget/shared/2".to_owned(),
        about: "one charge of 64 bytes by one of 2 threads to one account".to_owned(),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: THREADS,
        rounds: Rounds::LOOPS,
        ours: Contender::new(OURS, Home::Glibc, measure::<Shared>),
        rivals: vec![
            Contender::new("atomic", Home::Glibc, measure::<Atomic>),
            #[cfg(feature = "datafusion")]
            Contender::new("datafusion-greedy", Home::Glibc, measure::<super::datafusion::Greedy>),
            #[cfg(feature = "datafusion")]
            Contender::new("datafusion-tracked", Home::Glibc, measure::<super::datafusion::Tracked>),
        ],
    }]
}

fn measure<A: Account + Sync>(mode: Mode) -> Measurement
where
    A::Handle: Send,
{
    let repetitions = match mode {
        Mode::Full => 40,
        Mode::Quick => 10,
    };
    let account = A::open();
    let mut ns = vec![Vec::new(); COPIES];
    let mut sum = 0;
    for repetition in 0..=repetitions {
        for (copy, ns) in
            [turns::<A, 0>, turns::<A, 1>, turns::<A, 2>, turns::<A, 3>].into_iter().zip(&mut ns)
        {
            let times = on_each_thread(&account, copy);
            if repetition > 0 {
                #[expect(clippy::cast_precision_loss, reason = "the number is small")]
                ns.extend(times.into_iter().map(|elapsed_ns| elapsed_ns / CHARGES as f64));
            }
        }
        let rest = account.handle();
        sum = checksum::mix(sum, account.charged(&rest) as u64);
    }
    Measurement {
        ns_by_copy: ns.iter().map(|ns| median(ns)).collect(),
        checksum: checksum::mix(sum, mode as u64),
    }
}

/// Charges on all threads at once; the time of each.
fn on_each_thread<A: Account + Sync>(account: &A, turns: fn(&A::Handle, usize) -> bool) -> Vec<f64>
where
    A::Handle: Send,
{
    threads::on_each(THREADS, |_, meeting| {
        let handle = account.handle();
        meeting.wait();
        let (elapsed_ns, granted) = clock::thread_time(|| turns(&handle, black_box(CHARGE)));
        assert!(granted, "the limit is never met");
        A::discharge(&handle, CHARGES * CHARGE);
        elapsed_ns
    })
}

/// The measured loop; whether all was granted.
#[inline(never)]
fn turns<A: Account, const COPY: usize>(handle: &A::Handle, size: usize) -> bool {
    shift::<COPY>();
    for _ in 0..CHARGES {
        if !A::charge(black_box(handle), size) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_charge_the_same() {
        for row in rows() {
            let expected = row.ours.measure(Mode::Quick).checksum;
            for rival in &row.rivals {
                assert_eq!(rival.measure(Mode::Quick).checksum, expected, "{} {}", row.name, rival.id);
            }
        }
    }

    #[test]
    fn two_threads_charge_twice_as_much() {
        let account = Shared::open();
        let handle = account.handle();
        assert_eq!(on_each_thread(&account, turns::<Shared, 0>).len(), THREADS);
        assert_eq!(account.charged(&handle), 0, "all of it was taken back");
        assert!(turns::<Shared, 1>(&handle, CHARGE));
        assert_eq!(account.charged(&handle), CHARGES * CHARGE);
    }
}
