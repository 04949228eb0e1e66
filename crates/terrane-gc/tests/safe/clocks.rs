//! Clocks that are none: time that jumps makes figures wrong and nothing else; one that panics ends the process.

use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use terrane_base::Bytes;
use terrane_gc::raw::Clock;
use terrane_gc::{CollectionKind, GcField, Heap, HeapConfig, Trace};

#[derive(Trace)]
struct Node<'h, 'm> {
    number: u64,
    next: GcField<'h, 'm, Node<'h, 'm>>,
}

/// Lists that live and die, while collections of every kind run by themselves and when asked for; checks what lives.
fn run(heap: &mut Heap) {
    heap.enter(|mu| {
        let list = mu.alloc_local(|_| Node { number: 0, next: GcField::null() });
        for number in 1..20_000 {
            let next = if number % 500 == 0 { GcField::null() } else { list.get(mu).into() };
            list.set(mu, mu.alloc(Node { number, next }));
            mu.safepoint();
            if number % 1900 == 0 {
                mu.begin_full();
                mu.step(1000);
            }
            if number % 7000 == 0 {
                mu.collect_full();
            }
        }
        let numbers =
            std::iter::successors(Some(list.get(mu)), |node| node.next.get()).map(|node| node.number);
        assert!(numbers.eq((19_500..20_000).rev()));
    });
    heap.check().unwrap();
}

#[test]
fn a_clock_that_jumps_harms_nothing() {
    /// 0, the end of time, 0, …
    fn there_and_back() -> u64 {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        if CALLS.fetch_add(1, Ordering::Relaxed).is_multiple_of(2) { 0 } else { u64::MAX }
    }
    /// As above, but what is odd and what is even changes, so that pauses begin at the end of time too.
    fn out_of_step() -> u64 {
        static CALLS: AtomicU64 = AtomicU64::new(0);
        let call = CALLS.fetch_add(1, Ordering::Relaxed);
        if (call + call / 7).is_multiple_of(2) { 0 } else { u64::MAX - call }
    }
    fn backwards() -> u64 {
        static NOW: AtomicU64 = AtomicU64::new(u64::MAX);
        NOW.fetch_sub(1 << 40, Ordering::Relaxed)
    }
    for clock in [there_and_back as Clock, out_of_step, backwards, || 0, || u64::MAX] {
        let config = HeapConfig::new().nursery(Bytes::from_kib(64)).growth_min(Bytes::from_kib(64));
        let mut heap = Heap::with_config(config.clock(clock)).unwrap();
        run(&mut heap);
        let minors = heap.stats().collections_of(CollectionKind::Minor).count;
        assert!(minors > 5 && heap.stats().slices > 0 && heap.stats().pauses.count() > minors);
    }
}

/// Were the panic to unwind, the program could go on with a heap that is half collected.
#[test]
fn a_clock_that_panics_ends_the_process() {
    if cfg!(miri) {
        return; // no processes there
    }
    /// Which of the clock's calls panics, counted from the collection on.
    const CHILD: &str = "TERRANE_GC_TEST_CLOCK_PANICS_AT";
    if let Some(at) = std::env::var_os(CHILD) {
        let at: u64 = at.to_str().unwrap().parse().unwrap();
        std::process::exit(if collect_with_clock_that_panics(at) { 3 } else { 2 });
    }
    for at in [1, 2, 3, 4, 6, 9] {
        let child = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--nocapture", "--exact", "clocks::a_clock_that_panics_ends_the_process"])
            .env(CHILD, at.to_string())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&child.stderr);
        assert_eq!(child.status.code(), None, "ended by a signal, at call {at}: {said}");
        assert!(said.contains("a clock that panics"), "{said}");
        // By abortion, not by what a broken heap comes to.
        #[cfg(unix)]
        {
            const SIGABRT: i32 = 6;
            let signal = std::os::unix::process::ExitStatusExt::signal(&child.status);
            assert_eq!(signal, Some(SIGABRT), "at call {at}: {said}");
        }
    }
}

/// Whether collections came to their end although the clock panicked, or did not panic.
fn collect_with_clock_that_panics(at: u64) -> bool {
    static CALLS_LEFT: AtomicU64 = AtomicU64::new(u64::MAX);
    fn clock() -> u64 {
        let left = CALLS_LEFT.fetch_sub(1, Ordering::Relaxed);
        assert!(left != 1, "a clock that panics");
        1 << 32
    }
    let config = HeapConfig::new().clock(clock).stress(NonZeroU64::new(1_000_000));
    let mut heap = Heap::with_config(config).unwrap();
    heap.enter(|mu| {
        let list = mu.alloc_local(|_| Node { number: 0, next: GcField::null() });
        for number in 1..2000 {
            list.set(mu, mu.alloc(Node { number, next: list.get(mu).into() }));
        }
        CALLS_LEFT.store(at, Ordering::Relaxed);
        catch_unwind(AssertUnwindSafe(|| {
            mu.collect_minor();
            mu.collect_minor();
            mu.collect_full();
        }))
        .is_ok()
    })
}

#[test]
fn idle_time_comes_to_an_end_in_steps_of_no_time() {
    let mut heap = Heap::new().unwrap();
    run(&mut heap);
    for ns in [0, 1, 100] {
        heap.enter(|mu| (0..10_000).for_each(|number| _ = mu.alloc([number; 8])));
        heap.collect_minor();
        let steps = (0..50_000).take_while(|_| heap.step(ns)).count();
        assert!(steps < 50_000, "of {ns} ns");
    }
}
