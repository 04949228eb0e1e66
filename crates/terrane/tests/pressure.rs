//! Limits and pressure, from the operating system (a made-up one) down to who gives memory up, and in which order.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
};

use terrane::{
    Allocation, Bytes, Cache, MemoryConfig, MemoryPlugin, MemorySystem, PressureLevel, ReclaimCost,
    Reclaimer, ThreadSafePool,
};

type Log = Arc<Mutex<Vec<String>>>;

struct Levels(Log);

impl MemoryPlugin for Levels {
    fn name(&self) -> &str {
        "levels"
    }
    fn on_pressure(&self, level: PressureLevel) {
        self.0.lock().unwrap().push(level.to_string());
    }
}

struct Noted(&'static str, Log);

impl Reclaimer for Noted {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        self.1.lock().unwrap().push(self.0.to_owned());
        Bytes::ZERO
    }
}

/// A tree of files as Linux has them, with one cgroup.
struct FakeSystem(tempfile::TempDir);

impl FakeSystem {
    fn new(max: &str) -> Self {
        let system = Self(tempfile::tempdir().unwrap());
        system.write("proc/self/cgroup", "0::/app\n");
        system.write("sys/fs/cgroup/app/memory.max", max);
        system.write("sys/fs/cgroup/app/memory.high", "max\n");
        system.write("sys/fs/cgroup/app/memory.current", "1000\n");
        system.write("sys/fs/cgroup/app/memory.events", "high 0\nmax 0\noom 0\n");
        system.stalls("0.00", "0.00");
        system
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.root().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn stalls(&self, some: &str, full: &str) {
        let line = |name, share| format!("{name} avg10={share} avg60=0.00 avg300=0.00 total=0\n");
        let text = line("some", some) + &line("full", full);
        self.write("sys/fs/cgroup/app/memory.pressure", &text);
    }
}

/// A system with somebody of each class of cost, each of whom writes down that it was asked.
fn watched_system(fake: &FakeSystem) -> (MemorySystem, Log, Vec<Arc<Noted>>) {
    let log = Log::default();
    let system = MemorySystem::builder()
        .with_system_root(fake.root())
        .with_plugin(Levels(Arc::clone(&log)))
        .build()
        .unwrap();
    // Registered the wrong way round.
    let reclaimers: Vec<Arc<Noted>> = [
        ("cache", ReclaimCost::CacheEviction),
        ("cold", ReclaimCost::ColdCompression),
        ("pool", ReclaimCost::PoolTrim),
        ("quanta", ReclaimCost::UnusedQuanta),
    ]
    .map(|(name, cost)| {
        let reclaimer = Arc::new(Noted(name, Arc::clone(&log)));
        system.budget().add_reclaimer(name, cost, &reclaimer);
        reclaimer
    })
    .into();
    (system, log, reclaimers)
}

fn take(log: &Log) -> Vec<String> {
    std::mem::take(&mut log.lock().unwrap())
}

#[test]
fn the_limit_of_the_cgroup_is_the_limit_of_the_system() {
    let fake = FakeSystem::new("67108864\n");
    let limit = |config: MemoryConfig| {
        let builder = MemorySystem::builder().with_system_root(fake.root()).with_config(config);
        builder.build().unwrap().budget().limit()
    };
    assert_eq!(limit(MemoryConfig::DEFAULT), Bytes::from_mib(64));
    assert_eq!(limit(MemoryConfig { max_memory: 1 << 20, ..MemoryConfig::DEFAULT }), Bytes::from_mib(1));
    assert_eq!(limit(MemoryConfig { max_memory: 1 << 40, ..MemoryConfig::DEFAULT }), Bytes::from_mib(64));
    fake.write("sys/fs/cgroup/app/memory.max", "max\n");
    assert_eq!(limit(MemoryConfig::DEFAULT), Bytes::MAX);
}

#[test]
fn events_and_stalls_of_the_system_change_the_level_and_reclaimers_run_in_order() {
    let fake = FakeSystem::new("67108864\n");
    let (system, log, _reclaimers) = watched_system(&fake);
    let heap = system.heaps().lease("heap");
    // Something has to be used, or there is nothing to give up.
    let _held = system.budget().try_reserve(Bytes::from_mib(4)).unwrap();
    assert_eq!(system.poll_pressure(), PressureLevel::Normal);
    assert!(take(&log).is_empty());

    // `memory.high` was exceeded: what costs next to nothing is given up.
    fake.write("sys/fs/cgroup/app/memory.events", "high 1\nmax 0\noom 0\n");
    assert_eq!(system.poll_pressure(), PressureLevel::Moderate);
    assert_eq!(take(&log), ["moderate", "quanta", "pool"]);
    assert!(!heap.is_due());
    assert_eq!(system.poll_pressure(), PressureLevel::Normal);
    assert_eq!(take(&log), ["normal"]);

    // `memory.max` was hit: everybody, and heaps are asked to collect.
    fake.write("sys/fs/cgroup/app/memory.events", "high 1\nmax 1\noom 0\n");
    assert_eq!(system.poll_pressure(), PressureLevel::Critical);
    assert_eq!(take(&log), ["critical", "quanta", "pool", "cold", "cache"]);
    assert!(heap.is_due());
    assert_eq!(system.poll_pressure(), PressureLevel::Normal);
    take(&log);

    // Tasks wait for memory (PSI): with hysteresis.
    for (some, full, level) in [
        ("12.00", "0.00", PressureLevel::Moderate),
        ("6.00", "0.00", PressureLevel::Moderate),
        ("4.00", "0.00", PressureLevel::Normal),
        ("4.00", "5.50", PressureLevel::Critical),
        ("1.00", "3.00", PressureLevel::Critical),
        ("1.00", "0.10", PressureLevel::Normal),
    ] {
        fake.stalls(some, full);
        assert_eq!(system.poll_pressure(), level, "{some} {full}");
    }
    let levels: Vec<String> =
        take(&log).into_iter().filter(|line| PressureLevel::ALL.iter().any(|l| l.name() == line)).collect();
    assert_eq!(levels, ["moderate", "normal", "critical", "normal"]);

    // Little room below `memory.max`: moderate, as the kernel can drop the page cache.
    fake.write("sys/fs/cgroup/app/memory.current", "66000000\n");
    assert_eq!(system.poll_pressure(), PressureLevel::Moderate);
}

#[test]
fn a_watching_thread_sees_the_same_and_ends_with_the_system() {
    let fake = FakeSystem::new("67108864\n");
    let log = Log::default();
    let config = MemoryConfig { watch_pressure: true, pressure_interval: 10, ..MemoryConfig::DEFAULT };
    let system = MemorySystem::builder()
        .with_config(config)
        .with_system_root(fake.root())
        .with_plugin(Levels(Arc::clone(&log)))
        .build()
        .unwrap();
    fake.stalls("50.00", "0.00");
    while system.pressure() < PressureLevel::Critical {
        std::thread::yield_now();
    }
    drop(system);
    assert_eq!(take(&log), ["critical"]);
    assert_eq!(Arc::strong_count(&log), 1, "the plugin was dropped, and the thread with it");
}

/// Gives up an allocation when it is asked.
struct Holder(Mutex<Option<Allocation>>);

impl Reclaimer for Holder {
    fn reclaim(&self, _wanted: Bytes) -> Bytes {
        let held = self.0.lock().unwrap().take();
        held.map_or(Bytes::ZERO, |memory| Bytes::from_usize(memory.len()))
    }
}

#[test]
fn the_last_handle_of_a_system_may_end_on_its_own_watching_thread() {
    let fake = FakeSystem::new("67108864\n");
    let log = Log::default();
    let config = MemoryConfig { watch_pressure: true, pressure_interval: 10, ..MemoryConfig::DEFAULT };
    let system = MemorySystem::builder()
        .with_config(config)
        .with_system_root(fake.root())
        .with_plugin(Levels(Arc::clone(&log)))
        .build()
        .unwrap();
    let holder = Arc::new(Holder(Mutex::new(Some(system.allocate(100_000).unwrap()))));
    let budget = system.budget().clone();
    budget.add_reclaimer("holder", ReclaimCost::PoolTrim, &holder);
    drop(system);
    fake.stalls("50.00", "0.00");
    while Arc::strong_count(&log) > 1 || budget.used() > Bytes::ZERO {
        std::thread::yield_now();
    }
    assert_eq!(budget.taken_out(), 0, "nothing panicked");
}

#[test]
fn a_poll_asks_again_while_a_lowered_limit_is_exceeded() {
    let fake = FakeSystem::new("max\n");
    let (system, log, _reclaimers) = watched_system(&fake);
    let held = system.allocate(8 << 20).unwrap();
    assert!(system.set_limit(Bytes::from_mib(4)).unwrap() > Bytes::ZERO);
    take(&log);
    system.poll_pressure();
    assert_eq!(take(&log), ["quanta", "pool", "cold", "cache"]);
    drop(held);
    take(&log);
    system.poll_pressure();
    assert!(!take(&log).contains(&"cache".to_owned()), "nothing is exceeded any more");
}

#[test]
fn the_limit_of_a_control_group_is_not_saved_and_one_that_was_set_is() {
    let group = FakeSystem::new("33554432\n");
    let system = MemorySystem::builder().with_system_root(group.root()).build().unwrap();
    assert_eq!(system.budget().limit(), Bytes::from_mib(32));
    assert_eq!(system.state().config().max_memory, u64::MAX);
    system.set_limit(Bytes::from_mib(16)).unwrap();
    assert_eq!(system.state().config().max_memory, 16 << 20);
}

#[test]
fn a_limit_that_is_halved_while_the_system_runs_is_honoured() {
    let config = MemoryConfig { max_memory: 64 << 20, ..MemoryConfig::DEFAULT };
    let root = tempfile::tempdir().unwrap();
    let system = MemorySystem::builder()
        .with_config(config)
        .with_system_root(root.path())
        .with_named_pool(
            "buffers",
            ThreadSafePool::<Vec<u8>>::builder().constructor(|| Vec::with_capacity(64 << 10)),
        )
        .with_named_cache(
            "pages",
            Cache::<u32, Arc<Vec<u8>>>::builder().weigher(40 << 20, |_, page| page.len() as u64),
        )
        .build()
        .unwrap();
    let pool = system.pools().find::<ThreadSafePool<Vec<u8>>>("buffers").unwrap();
    let buffers: Vec<_> = (0..100).map(|_| pool.acquire().unwrap()).collect();
    drop(buffers);
    let cache = system.caches().find::<Cache<u32, Arc<Vec<u8>>>>("pages").unwrap();
    for number in 0..500 {
        cache.insert(number, Arc::new(vec![0; 64 << 10]));
    }
    let heap = system.heaps().lease("scripts");
    let (idle, cached, used) = (pool.stats().idle, cache.weight(), system.budget().used());
    assert!(idle > 0 && used > Bytes::from_mib(32), "{idle} {used}");
    let held = system.allocate(4 << 20).unwrap();

    let excess = system.set_limit(Bytes::from_mib(16)).unwrap();
    assert_eq!(excess, Bytes::ZERO, "{}", system.budget().snapshot());
    assert!(system.budget().used() <= Bytes::from_mib(16));
    assert!(pool.stats().idle < idle && cache.weight() < cached);
    assert!(!heap.is_due(), "what is cheaper sufficed");

    // More than caches and pools have: the heap is asked, and what cannot be served is an error.
    assert!(system.set_limit(Bytes::from_mib(2)).unwrap() > Bytes::ZERO);
    assert!(heap.is_due());
    assert!(system.allocate(1 << 20).is_err());
    drop(held);
    assert!(system.allocate(1 << 20).is_ok());
    assert!(system.set_limit(Bytes::ZERO).is_err());
}
