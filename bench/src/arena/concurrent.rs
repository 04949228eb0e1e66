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
use crate::checksum;
use crate::clock;
use crate::code_layout::{COPIES, shift};
use crate::row::{Contender, Home, Measurement, Mode, OURS, Rounds, Row, Unit, When};
use crate::settings::each_of;
use crate::statistics::median;
use crate::threads::{self, Meeting};
use blink_alloc::{Blink, LocalBlinkAlloc, SyncBlinkAlloc};
use bump_scope::{BumpPool, BumpScope};
use std::hint::black_box;
use std::sync::Mutex;
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
    threads::on_each(THREADS, |thread, meeting| {
        shared.with_local(thread, |local| work(local, thread as u64, meeting))
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
}
