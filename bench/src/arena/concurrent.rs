//! `arena/concurrent/THREADS` and `arena/local-handle/1`: threads that allocate at the same time.
//!
//! Each thread, on a core of its own where there are enough, allocates [`OBJECTS`] objects of 16 bytes; then all are
//! dropped together. Ours is one arena that the threads share, each with a handle of its own. bump-scope has a pool of
//! arenas to take one from. blink-alloc can be shared as it is, or through handles; the faster counts. bumpalo cannot be
//! shared: each thread has an arena of its own, which is the least that anything can cost.
//!
//! The time is CPU time of the thread, so that it does not matter whether others use the cores too. The threads are
//! held until all of them are ready, and their handles are made before the time runs; what a handle fetches from the
//! shared arena on the way is timed.

use super::bumping::Bumping;
use crate::affinity;
use crate::checksum;
use crate::clock;
use crate::code_layout::{COPIES, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use crate::statistics::median;
use blink_alloc::{Blink, LocalBlinkAlloc, SyncBlinkAlloc};
use bump_scope::{BumpPool, BumpScope};
use std::hint::{black_box, spin_loop};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use terrane_arena::{Arena, ConcurrentArena, Local};

/// Objects that each thread allocates: a MiB.
const OBJECTS: u32 = 1 << 16;

/// What is allocated.
type Object = [u64; 2];

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            about:
                "one allocation of 16 bytes by one of 2 threads, which drop a MiB each after 65536 of them"
                    .to_owned(),
            threads: 2,
            ..row(
                "arena/concurrent/2",
                Contender::new(OURS, Home::Glibc, measure::<ConcurrentArena, 2>),
                vec![
                    Contender::new("bumpalo", Home::Glibc, measure::<Apart<bumpalo::Bump>, 2>),
                    Contender::new("bump-scope", Home::Glibc, measure::<BumpPool, 2>),
                    Contender::new(
                        "blink-alloc",
                        Home::Glibc,
                        each_of([measure::<BlinkHandles, 2>, measure::<BlinkShared, 2>]),
                    ),
                ],
            )
        },
        row(
            "arena/local-handle/1",
            Contender::new(OURS, Home::Glibc, measure::<ConcurrentArena, 1>),
            vec![Contender::new("terrane-single-thread", Home::Glibc, measure::<Apart<Arena>, 1>)],
        ),
    ]
}

fn row(name: &str, ours: Contender, rivals: Vec<Contender>) -> Row {
    Row {
        name: name.to_owned(),
        about: "one allocation of 16 bytes by a thread's handle of a shared arena, beside our arena for one thread"
            .to_owned(),
        tier: None,
        unit: Unit::Operation,
        when: When::Always,
        threads: 1,
        rounds: Rounds::LOOPS,
        ours,
        rivals,
    }
}

/// An allocator for several threads.
trait Shared: Sync {
    /// What a thread allocates with.
    type Local<'a>
    where
        Self: 'a;

    fn empty(threads: usize) -> Self;

    /// Does this with what the calling thread allocates with.
    fn with_local<T>(&self, thread: usize, work: impl FnOnce(&Self::Local<'_>) -> T) -> T;

    fn put<'a>(local: &'a Self::Local<'_>, object: Object) -> &'a Object;

    /// Drops all objects.
    fn clear(&mut self);
}

fn measure<S: Shared, const THREADS: usize>(mode: Mode) -> Measurement {
    let repetitions = match mode {
        Mode::Full => 60,
        Mode::Quick => 15,
    };
    let mut shared = S::empty(THREADS);
    let contents = each_thread::<S, THREADS, _>(&shared, contents::<S>);
    shared.clear();
    let copies = [run::<S, 0>, run::<S, 1>, run::<S, 2>, run::<S, 3>];
    let mut ns = vec![Vec::new(); COPIES];
    for repetition in 0..=repetitions {
        for (copy, ns) in copies.into_iter().zip(&mut ns) {
            for (elapsed_ns, last) in each_thread::<S, THREADS, _>(&shared, copy) {
                assert_eq!(last, u64::from(OBJECTS) - 1, "the last object is another one");
                if repetition > 0 {
                    ns.push(elapsed_ns / f64::from(OBJECTS));
                }
            }
            shared.clear();
        }
    }
    Measurement { ns_by_copy: ns.iter().map(|ns| median(ns)).collect(), checksum: checksum::of(contents) }
}

/// What is done on each thread.
type Work<S, T> = fn(&<S as Shared>::Local<'_>, u64, &Meeting) -> T;

/// Does this on each thread; the results.
fn each_thread<S: Shared, const THREADS: usize, T: Send>(shared: &S, work: Work<S, T>) -> Vec<T> {
    let cores = affinity::cores();
    let meeting = Meeting::new(THREADS);
    let on_thread = |thread: usize| {
        if let Some(&core) = cores.iter().rev().nth(thread).filter(|_| THREADS > 1 && cores.len() >= THREADS)
        {
            // Where pinning fails, the system places the thread.
            let _ = affinity::pin_to(core);
        }
        shared.with_local(thread, |local| work(local, thread as u64, &meeting))
    };
    std::thread::scope(|scope| {
        let on_thread = &on_thread;
        let threads: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || on_thread(thread))).collect();
        threads.into_iter().map(|thread| thread.join().expect("a measuring thread failed")).collect()
    })
}

/// The loop that is measured; its time and the last object's first word.
fn run<S: Shared, const COPY: usize>(local: &S::Local<'_>, thread: u64, meeting: &Meeting) -> (f64, u64) {
    #[inline(never)]
    fn fill<S: Shared, const COPY: usize>(local: &S::Local<'_>, thread: u64) -> u64 {
        shift::<COPY>();
        let mut last = &[0; 2];
        for index in 0..u64::from(OBJECTS) {
            last = S::put(local, [index, thread]);
        }
        last[0]
    }
    meeting.wait();
    clock::thread_time(|| fill::<S, COPY>(black_box(local), thread))
}

/// Fills as the loop does, and reads everything after all threads have done so.
fn contents<S: Shared>(local: &S::Local<'_>, thread: u64, meeting: &Meeting) -> u64 {
    meeting.wait();
    let objects: Vec<&Object> = (0..u64::from(OBJECTS)).map(|index| S::put(local, [index, thread])).collect();
    meeting.wait();
    checksum::of(objects.into_iter().copied().flatten())
}

/// Where threads wait for each other without sleeping: a thread that has to be woken begins late.
struct Meeting {
    threads: usize,
    arrived: AtomicUsize,
}

impl Meeting {
    fn new(threads: usize) -> Self {
        Self { threads, arrived: AtomicUsize::new(0) }
    }

    /// Returns when all threads have come here as often as this one has.
    fn wait(&self) {
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

impl Shared for ConcurrentArena {
    type Local<'a> = Local<'a>;

    fn empty(_threads: usize) -> Self {
        Self::new()
    }

    fn with_local<T>(&self, _thread: usize, work: impl FnOnce(&Local<'_>) -> T) -> T {
        work(&self.local())
    }

    #[inline(always)]
    fn put<'a>(local: &'a Local<'_>, object: Object) -> &'a Object {
        local.alloc(object)
    }

    fn clear(&mut self) {
        self.reset();
    }
}

/// An arena for each thread.
struct Apart<B>(Vec<Padded<Mutex<B>>>);

/// Alone on its cache lines (prefetchers fetch two of 64 bytes): an arena writes to itself.
#[repr(align(128))]
struct Padded<T>(T);

impl<B: Bumping + Send> Shared for Apart<B> {
    type Local<'a>
        = B
    where
        B: 'a;

    fn empty(threads: usize) -> Self {
        Self((0..threads).map(|_| Padded(Mutex::new(B::empty()))).collect())
    }

    fn with_local<T>(&self, thread: usize, work: impl FnOnce(&B) -> T) -> T {
        work(&self.0[thread].0.lock().expect("no thread failed"))
    }

    #[inline(always)]
    fn put(local: &B, object: Object) -> &Object {
        local.put(object)
    }

    fn clear(&mut self) {
        for arena in &mut self.0 {
            arena.0.get_mut().expect("no thread failed").drop_all();
        }
    }
}

impl Shared for BumpPool {
    type Local<'a> = BumpScope<'a>;

    fn empty(_threads: usize) -> Self {
        Self::new()
    }

    fn with_local<T>(&self, _thread: usize, work: impl FnOnce(&BumpScope<'_>) -> T) -> T {
        work(&self.get())
    }

    #[inline(always)]
    fn put<'a>(local: &'a BumpScope<'_>, object: Object) -> &'a Object {
        local.alloc(object).into_ref()
    }

    fn clear(&mut self) {
        self.reset();
    }
}

/// blink-alloc through handles.
struct BlinkHandles(SyncBlinkAlloc);

impl Shared for BlinkHandles {
    type Local<'a> = Blink<LocalBlinkAlloc<'a>>;

    fn empty(_threads: usize) -> Self {
        Self(SyncBlinkAlloc::new())
    }

    fn with_local<T>(&self, _thread: usize, work: impl FnOnce(&Self::Local<'_>) -> T) -> T {
        work(&Blink::new_in(self.0.local()))
    }

    #[inline(always)]
    fn put<'a>(local: &'a Self::Local<'_>, object: Object) -> &'a Object {
        local.put_no_drop(object)
    }

    fn clear(&mut self) {
        self.0.reset();
    }
}

/// blink-alloc shared as it is.
struct BlinkShared(SyncBlinkAlloc);

impl Shared for BlinkShared {
    type Local<'a> = Blink<&'a SyncBlinkAlloc>;

    fn empty(_threads: usize) -> Self {
        Self(SyncBlinkAlloc::new())
    }

    fn with_local<T>(&self, _thread: usize, work: impl FnOnce(&Self::Local<'_>) -> T) -> T {
        work(&Blink::new_in(&self.0))
    }

    #[inline(always)]
    fn put<'a>(local: &'a Self::Local<'_>, object: Object) -> &'a Object {
        local.put_no_drop(object)
    }

    fn clear(&mut self) {
        self.0.reset();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_contenders_hold_the_same_objects() {
        for row in rows() {
            let expected = row.ours.measure(Mode::Quick).checksum;
            for rival in &row.rivals {
                assert_eq!(rival.measure(Mode::Quick).checksum, expected, "{} {}", row.name, rival.id);
            }
        }
    }

    #[test]
    fn threads_meet_again_and_again() {
        let meeting = Meeting::new(3);
        let turns = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    for turn in 1..=50 {
                        turns.fetch_add(1, Ordering::Relaxed);
                        meeting.wait();
                        assert!(turns.load(Ordering::Relaxed) >= turn * 3);
                    }
                });
            }
        });
    }
}
