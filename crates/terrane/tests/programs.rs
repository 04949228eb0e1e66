//! Random programs over a system, on several threads at once: sums are right, no limit is exceeded, nothing deadlocks, every byte comes back.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use proptest::prelude::*;
use terrane::{
    Allocation, AllocationEvent, Budget, Bytes, Cache, DeallocationEvent, LruCache, MemoryConfig,
    MemoryPlugin, MemorySystem, Owned, PoolStrategy, PressureLevel, Route, ThreadSafePool,
};

const LIMIT: Bytes = Bytes::from_mib(2);

#[derive(Clone, Debug)]
enum Step {
    Allocate(usize),
    AllocateFrom(Route, usize),
    Drop(usize),
    /// Hands the oldest allocation to the next thread.
    Send,
    Pool,
    KeepPooled,
    Cache(u32, usize),
    Lru(u32),
    Arena(usize),
    Stack(u64),
    Notify(PressureLevel),
    Reclaim(u64),
    SetLimit(u64),
    Reserve(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let size = prop_oneof![0_usize..5000, 4000_usize..300_000, Just(usize::MAX)];
    let level = prop::sample::select(PressureLevel::ALL.to_vec());
    prop_oneof![
        6 => size.clone().prop_map(Step::Allocate),
        1 => (prop::sample::select(Route::ALL.to_vec()), size).prop_map(|(route, size)| Step::AllocateFrom(route, size)),
        4 => (0_usize..8).prop_map(Step::Drop),
        1 => Just(Step::Send),
        2 => Just(Step::Pool),
        1 => Just(Step::KeepPooled),
        3 => (0_u32..50, 0_usize..20_000).prop_map(|(key, size)| Step::Cache(key, size)),
        1 => (0_u32..500).prop_map(Step::Lru),
        2 => (0_usize..100_000).prop_map(Step::Arena),
        1 => (0_u64..100).prop_map(Step::Stack),
        1 => level.prop_map(Step::Notify),
        1 => (0_u64..3_000_000).prop_map(Step::Reclaim),
        1 => (1_u64..4).prop_map(|quarters| Step::SetLimit(quarters * LIMIT.as_u64() / 4)),
        1 => (0_u64..1_000_000).prop_map(Step::Reserve),
    ]
}

/// Counts what it is told.
#[derive(Clone, Default)]
struct Ledger {
    live: Arc<AtomicUsize>,
    bytes: Arc<AtomicUsize>,
}

impl MemoryPlugin for Ledger {
    fn name(&self) -> &str {
        "ledger"
    }
    fn on_allocation(&self, event: &AllocationEvent) {
        self.live.fetch_add(1, Relaxed);
        self.bytes.fetch_add(event.size, Relaxed);
    }
    fn on_deallocation(&self, event: &DeallocationEvent) {
        self.live.fetch_sub(1, Relaxed);
        self.bytes.fetch_sub(event.size, Relaxed);
    }
}

type Pages = Cache<u32, Arc<Vec<u8>>>;
type Numbers = Owned<LruCache<u32, u64>>;

fn system(budget: &Budget, ledger: &Ledger) -> MemorySystem {
    let config = MemoryConfig {
        default_arena_size: 64 << 10,
        large_threshold: 64 << 10,
        default_pool_size: 2,
        ..MemoryConfig::DEFAULT
    };
    MemorySystem::builder()
        .with_config(config)
        .with_budget(budget.clone())
        .with_pool(ThreadSafePool::<Vec<u8>>::builder().strategy(PoolStrategy::new().max_total(20)))
        .with_cache(Pages::builder().weigher(1 << 20, |_, page| page.len() as u64))
        .with_named_cache("numbers", LruCache::<u32, u64>::new(300))
        .with_plugin(ledger.clone())
        .build()
        .unwrap()
}

/// What one thread holds.
struct Thread<'a> {
    system: &'a MemorySystem,
    held: VecDeque<(Allocation, u8)>,
    post: std::sync::mpsc::Sender<(Allocation, u8)>,
    inbox: std::sync::mpsc::Receiver<(Allocation, u8)>,
    mark: u8,
}

impl Thread<'_> {
    fn run(&mut self, steps: &[Step]) {
        let pool = self.system.pools().find::<ThreadSafePool<Vec<u8>>>("default").unwrap();
        let mut pooled = VecDeque::new();
        for step in steps {
            match step {
                Step::Pool => drop(pool.acquire()),
                Step::KeepPooled => {
                    if let Ok(mut bytes) = pool.acquire() {
                        bytes.resize(100, self.mark);
                        pooled.push_back(bytes);
                    }
                    pooled.truncate(3);
                }
                other => self.step(other),
            }
            self.held.extend(self.inbox.try_iter());
            for (memory, mark) in &self.held {
                assert!(memory.iter().all(|byte| byte == mark), "memory is nobody else's");
            }
        }
    }

    fn step(&mut self, step: &Step) {
        let system = self.system;
        match *step {
            Step::Allocate(size) => self.keep(system.allocate(size), size),
            Step::AllocateFrom(route, size) => {
                self.keep(terrane::MemoryComponent::allocate(&system.level(route), size), size);
            }
            Step::Drop(index) => drop(self.held.remove(index)),
            Step::Send => {
                if let Some(memory) = self.held.pop_front() {
                    let _ = self.post.send(memory);
                }
            }
            Step::Cache(key, size) => {
                system.caches().find::<Pages>("default").unwrap().insert(key, Arc::new(vec![0; size]));
            }
            Step::Lru(key) => {
                system.caches().find::<Numbers>("numbers").unwrap().lock().insert(key, 1);
            }
            Step::Arena(size) => {
                if let Ok(arena) = system.arenas().lend("scratch") {
                    let _ = arena.try_alloc_slice_fill_with(size, |_| 7_u8);
                }
            }
            Step::Stack(value) => {
                if let Ok(result) = system.stack(|stack| *stack.push(value)) {
                    assert_eq!(result, value);
                }
            }
            Step::Notify(level) => system.notify(level),
            Step::Reclaim(wanted) => drop(system.reclaim(Bytes::new(wanted))),
            Step::SetLimit(limit) => drop(system.set_limit(Bytes::new(limit))),
            Step::Reserve(size) => drop(system.budget().try_reserve(Bytes::new(size))),
            Step::Pool | Step::KeepPooled => {}
        }
    }

    fn keep(&mut self, memory: terrane::Result<Allocation>, size: usize) {
        if let Ok(mut memory) = memory {
            assert!(memory.len() == size && memory.iter().all(|byte| *byte == 0));
            memory.fill(self.mark);
            self.held.push_back((memory, self.mark));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn sums_are_right_and_every_byte_comes_back(
        programs in prop::collection::vec(prop::collection::vec(step(), 1..60), 1..4),
    ) {
        let (budget, ledger) = (Budget::root(LIMIT), Ledger::default());
        let system = system(&budget, &ledger);
        let (posts, inboxes): (Vec<_>, Vec<_>) = programs.iter().map(|_| std::sync::mpsc::channel()).unzip();
        let start = Barrier::new(programs.len());
        let held: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = programs
                .iter()
                .zip(inboxes)
                .enumerate()
                .map(|(number, (steps, inbox))| {
                    let post = posts[(number + 1) % posts.len()].clone();
                    let (system, start) = (&system, &start);
                    scope.spawn(move || {
                        let held = VecDeque::new();
                        let mut thread = Thread { system, held, post, inbox, mark: number as u8 + 1 };
                        start.wait();
                        thread.run(steps);
                        drop(thread.post);
                        (thread.held, thread.inbox)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        drop(posts);
        let held: Vec<(Allocation, u8)> = held
            .into_iter()
            .flat_map(|(held, inbox)| held.into_iter().chain(inbox.try_iter().collect::<Vec<_>>()))
            .collect();

        // What is held is what was counted, and what the plugin was told.
        let stats = system.stats();
        let bytes: usize = held.iter().map(|(memory, _)| memory.len()).sum();
        prop_assert_eq!(stats.totals.live, held.len() as u64);
        prop_assert_eq!(stats.totals.bytes_live, Bytes::from_usize(bytes));
        prop_assert_eq!(ledger.live.load(Relaxed), held.len());
        prop_assert_eq!(ledger.bytes.load(Relaxed), bytes);
        let levels: u64 = stats.levels.iter().map(|level| level.live).sum();
        prop_assert_eq!(levels, stats.totals.live);
        prop_assert!(stats.failures.is_empty(), "{:?}", stats.failures);

        // The parts of the budget make up the whole, and no limit was ever exceeded.
        let parts: Bytes = stats.budget.children(0).map(|(_, part)| part.used).sum();
        prop_assert_eq!(parts, budget.used());
        prop_assert!(budget.used() >= Bytes::from_usize(bytes), "{}", stats);
        prop_assert!(budget.peak() <= LIMIT, "{}", stats);

        drop(held);
        prop_assert_eq!(system.stats().totals.live, 0);
        prop_assert_eq!(ledger.bytes.load(Relaxed), 0);
        drop(system);
        prop_assert_eq!(budget.used(), Bytes::ZERO, "{}", budget.snapshot());
    }
}
