//! Several threads at once, each on a core of its own where there are enough.

use crate::affinity;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does this on each of so many threads, at once; the results, in the order of the threads' numbers.
///
/// One thread alone stays where the process is pinned.
///
/// # Panics
///
/// When the work does.
pub fn on_each<R: Send>(threads: usize, work: impl Fn(usize, &Meeting) -> R + Sync) -> Vec<R> {
    let cores = affinity::cores();
    let meeting = Meeting::new(threads);
    let on_thread = |thread: usize| {
        if let Some(&core) = cores.iter().rev().nth(thread).filter(|_| threads > 1 && cores.len() >= threads)
        {
            // Where pinning fails, the system places the thread.
            let _ = affinity::pin_to(core);
        }
        work(thread, &meeting)
    };
    std::thread::scope(|scope| {
        let on_thread = &on_thread;
        let all: Vec<_> = (0..threads).map(|thread| scope.spawn(move || on_thread(thread))).collect();
        all.into_iter().map(|thread| thread.join().expect("a measuring thread failed")).collect()
    })
}

/// Where threads wait for each other without sleeping: a thread that has to be woken begins late.
#[derive(Debug)]
pub struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
}

impl Meeting {
    fn new(threads: usize) -> Self {
        Self { threads, arrived: AtomicUsize::new(0) }
    }

    /// Returns when all threads have come here as often as this one has.
    pub fn wait(&self) {
        let mine = self.arrived.fetch_add(1, Ordering::AcqRel);
        let all = (mine / self.threads + 1) * self.threads;
        let mut turns = 0_u32;
        while self.arrived.load(Ordering::Acquire) < all {
            spin_loop();
            turns += 1;
            if turns.is_multiple_of(1 << 14) {
                // The other threads may be waiting for this core.
                std::thread::yield_now();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_meet_again_and_again() {
        let turns = AtomicUsize::new(0);
        let numbers = on_each(3, |thread, meeting| {
            for turn in 1..=50 {
                turns.fetch_add(1, Ordering::Relaxed);
                meeting.wait();
                assert!(turns.load(Ordering::Relaxed) >= turn * 3);
            }
            thread
        });
        assert_eq!(numbers, [0, 1, 2]);
    }
}
