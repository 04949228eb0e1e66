//! A system whose budget the program's own allocator is charged to: what the system gives up when memory is short lies behind locks around
//! which the program allocates, and nobody waits for itself.

use std::{
    collections::HashMap,
    io::Write,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
    time::Duration,
};

use terrane::{
    AllocationEvent, Arena, Bytes, Cache, DeallocationEvent, Heap, LruCache, MemoryConfig, MemoryPlugin,
    MemorySystem, Owned, PressureLevel, ReclaimCost, Reclaimer, ThreadSafePool, pages::BudgetedGlobal,
};

#[global_allocator]
static MEMORY: BudgetedGlobal = BudgetedGlobal::new();

const LIMIT: Bytes = Bytes::from_mib(24);
const RESERVE: Bytes = Bytes::from_mib(6);
const TURNS: usize = 3000;

/// What a program may do about allocations and pressure: note them in a table, under a lock that is not made for coming back.
#[derive(Default)]
struct Journal {
    lines: Mutex<HashMap<usize, String>>,
    levels: AtomicUsize,
}

impl Journal {
    fn note(&self, text: &str) {
        let mut lines = self.lines.lock().unwrap();
        if lines.len() > 500 {
            lines.clear();
        }
        let number = lines.len();
        lines.insert(number, format!("{text} {}", "x".repeat(200)));
    }
}

struct Notes(Arc<Journal>);

impl MemoryPlugin for Notes {
    fn name(&self) -> &str {
        "notes"
    }
    fn on_allocation(&self, event: &AllocationEvent) {
        self.0.note(&event.size.to_string());
    }
    fn on_deallocation(&self, event: &DeallocationEvent) {
        self.0.note(&event.size.to_string());
    }
    fn on_pressure(&self, level: PressureLevel) {
        self.0.levels.fetch_add(1, Relaxed);
        self.0.note(level.name());
    }
}

/// Plain values under a plain lock, which its reclaimer waits for: whoever asks it within that lock waits for ever.
#[derive(Default)]
struct Table {
    rows: Mutex<Vec<Vec<u8>>>,
    asked: AtomicUsize,
}

impl Table {
    fn add(&self, size: usize) {
        let mut rows = self.rows.lock().unwrap();
        let mut row = Vec::new();
        if row.try_reserve_exact(size).is_ok() {
            rows.push(row);
        }
    }
}

impl Reclaimer for Table {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        self.asked.fetch_add(1, Relaxed);
        let mut rows = self.rows.lock().unwrap();
        let mut freed = Bytes::ZERO;
        while freed < wanted
            && let Some(row) = rows.pop()
        {
            freed = freed.saturating_add(Bytes::from_usize(row.capacity()));
        }
        freed
    }
}

fn system(journal: &Arc<Journal>) -> MemorySystem {
    let config = MemoryConfig {
        max_memory: LIMIT.as_u64(),
        reclaim_reserve: RESERVE.as_u64(),
        enable_profiling: true,
        ..MemoryConfig::DEFAULT
    };
    MemorySystem::builder()
        .with_config(config)
        .with_pool(ThreadSafePool::<Vec<u8>>::builder())
        .with_arena(Arena::new())
        .with_cache(Cache::<u64, Vec<u8>>::builder().weigher(1 << 30, |_, page| page.len() as u64))
        .with_named_cache("exact", LruCache::<u64, Vec<u8>>::new(1000))
        .with_plugin(Notes(Arc::clone(journal)))
        .build()
        .unwrap()
}

/// What one thread does: everything at once, most of it refused or given up again.
fn work(system: &MemorySystem, table: &Table, seed: u64) -> usize {
    let shared = system.caches().find::<Cache<u64, Vec<u8>>>("default").unwrap();
    let exact = system.caches().find::<Owned<LruCache<u64, Vec<u8>>>>("exact").unwrap();
    let pool = system.pools().find::<ThreadSafePool<Vec<u8>>>("default").unwrap();
    let mut served = 0;
    for turn in 0..TURNS {
        let number = seed.wrapping_mul(7919).wrapping_add(turn as u64 * 31);
        let size = 1000 + (number % 60_000) as usize;
        shared.insert(number % 500, vec![0; size]);
        exact.lock().insert(number % 50, vec![1; size / 20]);
        table.add(size);
        if let Ok(mut line) = pool.acquire() {
            line.extend_from_slice(&[7; 100]);
        }
        let held = system.allocate(size * (1 + turn % 30));
        served += usize::from(held.is_ok());
        let _ = system.stack(|stack| *stack.push(number));
        if let Ok(arena) = system.arenas().lend("default") {
            let _ = arena.try_alloc(number);
        }
        if turn % 50 == 0 {
            system.poll_pressure();
            assert!(!system.stats().to_string().is_empty());
        }
    }
    served
}

fn collect(system: &MemorySystem, is_over: &AtomicBool) -> usize {
    let lease = system.heaps().lease_with_limit("scripts", Bytes::from_mib(8));
    let mut collections = 0;
    while !is_over.load(Relaxed) {
        let Ok(mut heap) = Heap::with_config(lease.config()) else { continue };
        for _ in 0..50 {
            heap.enter(|mu| {
                for number in 0..100_u64 {
                    let _ = mu.try_alloc([number; 20]);
                }
                collections += usize::from(lease.serve_in(mu).is_some());
            });
        }
    }
    collections
}

/// Ends the whole program, and so the test, when nothing has come to an end for so long.
fn watch(patience: Duration) -> mpsc::Sender<()> {
    let (alive, watched) = mpsc::channel::<()>();
    thread::spawn(move || {
        if watched.recv_timeout(patience) == Err(mpsc::RecvTimeoutError::Timeout) {
            // Past the capture of the test's output, which ends with the program.
            let _ = writeln!(std::io::stderr(), "the threads wait for each other, or for themselves");
            std::process::exit(1);
        }
    });
    alive
}

/// One test, because there is one global allocator.
#[test]
fn nobody_waits_for_itself() {
    let alive = watch(Duration::from_secs(300));
    let journal = Arc::new(Journal::default());
    let system = system(&journal);
    MEMORY.attach(&system.budget().child("plain")).unwrap();
    let table = Arc::new(Table::default());
    system.budget().add_reclaimer("table", ReclaimCost::CacheEviction, &table);

    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers = [1, 2, 3].map(|seed| {
            scope.spawn({
                let (system, table) = (&system, &table);
                move || work(system, table, seed)
            })
        });
        let collector = scope.spawn(|| collect(&system, &is_over));
        for worker in workers {
            assert!(worker.join().unwrap() > 0, "some requests were served");
        }
        is_over.store(true, Relaxed);
        collector.join().unwrap();
    });

    assert!(system.budget().peak() <= LIMIT, "{}", system.budget().peak());
    assert!(table.asked.load(Relaxed) > 0 && journal.levels.load(Relaxed) > 0);
    assert!(system.stats().failures.is_empty(), "{:?}", system.stats().failures);
    drop(alive);
}
