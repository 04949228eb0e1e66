//! Pressure from a made-up tree of cgroups and stall files, from the real system where it has one, and what budgets make of it.
#![cfg(feature = "os")]

use std::{
    fs,
    io::Write,
    path::Path,
    process::Command,
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use proptest::prelude::*;
use tempfile::TempDir;
use terrane_base::{
    Budget, Bytes, PressureLevel, PressureListener, PressureOrigin, ReclaimCost, Reclaimer, Reservation,
};
use terrane_pages::{Cgroup, PressureMonitor, PressureWatcher, StallShares, system_limit, usable_memory};

const MIB: u64 = 1 << 20;

/// A folder that stands for `/`: a process in `/pod/task`, with limits above.
struct Tree(TempDir);

impl Tree {
    /// A system that says nothing.
    fn empty() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn new() -> Self {
        let tree = Self::empty();
        tree.write("proc/self/cgroup", "0::/pod/task\n");
        tree.write("sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
        tree.limits("pod", "67108864", "max", 10 * MIB);
        tree.limits("pod/task", "max", "50331648", 10 * MIB);
        tree.events("pod/task", 0, 0, 0);
        tree.stalls("sys/fs/cgroup/pod/task/memory.pressure", 0.0, 0.0);
        tree
    }

    fn root(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, file: &str, text: &str) {
        let file = self.root().join(file);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        // Exchanged in one step, so that nobody reads half of it.
        let new = file.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, file).unwrap();
    }

    fn limits(&self, group: &str, max: &str, high: &str, current: u64) {
        self.write(&format!("sys/fs/cgroup/{group}/memory.max"), &format!("{max}\n"));
        self.write(&format!("sys/fs/cgroup/{group}/memory.high"), &format!("{high}\n"));
        self.current(group, current);
    }

    fn current(&self, group: &str, current: u64) {
        self.write(&format!("sys/fs/cgroup/{group}/memory.current"), &format!("{current}\n"));
    }

    fn events(&self, group: &str, high: u64, max: u64, oom: u64) {
        let text = format!("low 0\nhigh {high}\nmax {max}\noom {oom}\noom_kill 0\n");
        self.write(&format!("sys/fs/cgroup/{group}/memory.events"), &text);
    }

    fn stalls(&self, file: &str, some: f64, full: f64) {
        let line = |share| format!("avg10={share:.2} avg60=0.00 avg300=0.00 total=1");
        self.write(file, &format!("some {}\nfull {}\n", line(some), line(full)));
    }

    fn stall_of_task(&self, some: f64, full: f64) {
        self.stalls("sys/fs/cgroup/pod/task/memory.pressure", some, full);
    }
}

use PressureLevel::{Critical, Moderate, Normal};

#[test]
fn the_tightest_limit_on_the_way_up_counts() {
    let tree = Tree::new();
    assert_eq!(system_limit(tree.root()), Some(Bytes::from_mib(64)));
    tree.limits("pod/task", "33554432", "max", 0);
    assert_eq!(system_limit(tree.root()), Some(Bytes::from_mib(32)));
    assert_eq!(usable_memory(tree.root()), Some(Bytes::from_mib(32)));
    tree.write("proc/meminfo", "MemTotal:       16384 kB\nMemFree:         1 kB\n");
    assert_eq!(usable_memory(tree.root()), Some(Bytes::from_mib(16)), "the machine has less than the limit");
    tree.limits("pod/task", "max", "max", 0);
    tree.limits("pod", "max", "max", 0);
    assert_eq!((system_limit(tree.root()), usable_memory(tree.root())), (None, Some(Bytes::from_mib(16))));
    let cgroup = Cgroup::of_this_process(tree.root()).unwrap();
    assert_eq!(cgroup.tightest_max(), Bytes::MAX);
    assert_eq!(cgroup.limits().count(), 2);
}

#[test]
fn a_container_sees_its_own_cgroup_as_the_root() {
    let tree = Tree::empty();
    tree.write("proc/self/cgroup", "0::/\n");
    tree.limits("", "1048576", "max", 0);
    assert_eq!(system_limit(tree.root()), Some(Bytes::from_mib(1)));
    tree.write("proc/self/cgroup", "0::/../..\n");
    assert_eq!(system_limit(tree.root()), Some(Bytes::from_mib(1)), "outside of its own namespace");
}

#[test]
fn where_memory_is_of_version_1_there_is_no_limit_to_find() {
    let tree = Tree::empty();
    tree.write("proc/self/cgroup", "4:memory:/task\n0::/\n");
    tree.write("sys/fs/cgroup/memory/task/memory.limit_in_bytes", "1048576\n");
    tree.write("sys/fs/cgroup/unified/cgroup.procs", "1\n");
    assert_eq!(system_limit(tree.root()), None);
    tree.limits("unified", "2097152", "max", 0);
    assert_eq!(system_limit(tree.root()), Some(Bytes::from_mib(2)), "unless the unified tree has it");
}

#[test]
fn a_system_that_says_nothing_is_no_pressure() {
    let tree = Tree::empty();
    let mut monitor = PressureMonitor::new(tree.root());
    assert!(monitor.is_blind() && monitor.cgroup().is_none() && monitor.stall_file().is_none());
    assert_eq!((monitor.poll(), system_limit(tree.root())), (Normal, None));
}

#[test]
fn room_below_the_limits_is_looked_at_with_hysteresis() {
    let tree = Tree::new();
    let mut monitor = PressureMonitor::new(tree.root());
    let mut at = |group, current| {
        tree.current(group, current);
        monitor.poll()
    };
    assert_eq!(at("pod/task", 35 * MIB), Normal);
    assert_eq!(at("pod/task", 36 * MIB), Moderate, "75 % of `high`");
    assert_eq!(at("pod/task", 32 * MIB), Moderate);
    assert_eq!(at("pod/task", 31 * MIB), Normal, "less than 65 %");
    assert_eq!(at("pod", 48 * MIB), Moderate, "75 % of the limit of the cgroup above");
    assert_eq!(at("pod", 64 * MIB), Moderate, "the page cache may be most of it");
    assert_eq!(at("pod", 41 * MIB), Normal);
}

#[test]
fn events_are_pressure_when_they_happen() {
    let tree = Tree::new();
    tree.events("pod/task", 7, 7, 7);
    let mut monitor = PressureMonitor::new(tree.root());
    assert_eq!(monitor.poll(), Normal, "they were there before");
    tree.events("pod/task", 8, 7, 7);
    assert_eq!([monitor.poll(), monitor.poll()], [Moderate, Normal]);
    tree.events("pod/task", 9, 8, 7);
    assert_eq!([monitor.poll(), monitor.poll()], [Critical, Normal]);
    tree.events("pod/task", 9, 8, 8);
    assert_eq!(monitor.poll(), Critical);
    tree.events("pod", 0, 1, 0);
    assert_eq!(monitor.poll(), Critical, "above");
}

#[test]
fn stalls_are_pressure_with_hysteresis() {
    let tree = Tree::new();
    let mut monitor = PressureMonitor::new(tree.root());
    let mut at = |some, full| {
        tree.stall_of_task(some, full);
        monitor.poll()
    };
    let shares = [
        (9.99, 0.0),
        (10.0, 0.0),
        (5.0, 0.0),
        (4.99, 0.0),
        (40.0, 0.0),
        (20.0, 0.0),
        (19.9, 0.0),
        (0.0, 5.0),
    ];
    let levels = shares.map(|(some, full)| at(some, full));
    assert_eq!(levels, [Normal, Moderate, Moderate, Normal, Critical, Critical, Moderate, Critical]);
}

#[test]
fn stalls_of_the_machine_count_where_the_cgroup_has_none() {
    let tree = Tree::empty();
    tree.stalls("proc/pressure/memory", 50.0, 0.0);
    let mut monitor = PressureMonitor::new(tree.root());
    assert!(!monitor.is_blind());
    assert_eq!(monitor.stall_file(), Some(&*tree.root().join("proc/pressure/memory")));
    assert_eq!(monitor.poll(), Critical);
}

#[test]
fn files_that_vanish_or_make_no_sense_are_no_pressure() {
    let tree = Tree::new();
    let mut monitor = PressureMonitor::new(tree.root());
    tree.stall_of_task(50.0, 50.0);
    assert_eq!(monitor.poll(), Critical);
    for file in ["memory.pressure", "memory.current", "memory.max", "memory.high", "memory.events"] {
        tree.write(&format!("sys/fs/cgroup/pod/task/{file}"), "\u{0}\u{ff}nonsense 12 max=\n");
    }
    assert_eq!(monitor.poll(), Normal);
    fs::remove_dir_all(tree.root().join("sys")).unwrap();
    assert_eq!(monitor.poll(), Normal);
}

/// Gives up what is wanted, and notes that it was asked.
struct Cache {
    name: &'static str,
    held: Mutex<Reservation>,
    log: Arc<Mutex<Vec<&'static str>>>,
}

impl Reclaimer for Cache {
    fn reclaim(&self, wanted: Bytes) -> Bytes {
        self.log.lock().unwrap().push(self.name);
        self.held.lock().unwrap().shrink(wanted)
    }
}

struct Listener(mpsc::SyncSender<PressureLevel>);

impl PressureListener for Listener {
    fn pressure_changed(&self, level: PressureLevel) {
        self.0.send(level).unwrap();
    }
}

/// The whole way: a stall in the files, the watcher, the budget, its listeners and its reclaimers.
#[test]
fn a_stall_makes_reclaimers_run_in_order() {
    let tree = Tree::new();
    let budget = Budget::root(system_limit(tree.root()).unwrap());
    assert_eq!(budget.limit(), Bytes::from_mib(64));
    let log = Arc::new(Mutex::new(Vec::new()));
    let caches =
        [("cache", ReclaimCost::CacheEviction), ("pool", ReclaimCost::PoolTrim)].map(|(name, cost)| {
            let held = Mutex::new(budget.try_reserve(Bytes::from_mib(4)).unwrap());
            let cache = Arc::new(Cache { name, held, log: Arc::clone(&log) });
            budget.add_reclaimer(name, cost, &cache);
            cache
        });
    let live = budget.try_reserve(Bytes::from_mib(12)).unwrap();
    let heap = budget.add_requested("heap", ReclaimCost::Collect);
    let (sender, levels) = mpsc::sync_channel(9);
    let listener = Arc::new(Listener(sender));
    budget.add_pressure_listener("listener", &listener);
    let told = budget.clone();
    let monitor = PressureMonitor::new(tree.root());
    let watcher = PressureWatcher::start(monitor, Duration::from_millis(1), move |level| {
        told.notify_from(PressureOrigin::System, level);
    })
    .unwrap();
    assert!(!watcher.is_woken_by_kernel(), "no kernel stands behind this tree");
    let next = || levels.recv_timeout(Duration::from_secs(60)).unwrap();

    tree.stall_of_task(15.0, 0.0);
    assert_eq!(next(), Moderate);
    tree.stall_of_task(0.0, 0.0);
    assert_eq!(next(), Normal);
    assert_eq!(*log.lock().unwrap(), ["pool"]);
    tree.stall_of_task(15.0, 9.0);
    assert_eq!(next(), Critical);
    drop(watcher);
    assert_eq!(*log.lock().unwrap(), ["pool", "pool", "cache"]);
    assert!(budget.used() < Bytes::from_mib(14), "{}", budget.used());
    assert!(!heap.is_pending(), "a quarter of what was used is free");
    drop((caches, live));
}

#[test]
fn a_watcher_tells_of_changes_only_and_ends_when_it_is_dropped() {
    let tree = Tree::new();
    let (sender, levels) = mpsc::channel();
    let tell = move |level| sender.send(level).unwrap();
    let watcher =
        PressureWatcher::start(PressureMonitor::new(tree.root()), Duration::from_micros(100), tell).unwrap();
    for turn in 0..5 {
        tree.stall_of_task(50.0, f64::from(turn));
    }
    assert_eq!(levels.recv_timeout(Duration::from_secs(60)), Ok(Critical));
    drop(watcher);
    assert_eq!(
        levels.try_recv(),
        Err(mpsc::TryRecvError::Disconnected),
        "its closure is gone with the thread"
    );
}

#[test]
fn a_long_interval_does_not_delay_the_end() {
    let tree = Tree::new();
    let monitor = PressureMonitor::new(tree.root());
    drop(PressureWatcher::start(monitor, Duration::MAX, |_| {}).unwrap());
}

/// With the real files the kernel wakes the thread where it lets us ask for that; either way the thread ends when it is told to.
#[test]
fn the_real_system_is_watched() {
    let monitor = PressureMonitor::new(Path::new("/"));
    let (has_stalls, blind) = (monitor.stall_file().is_some(), monitor.is_blind());
    let watcher = PressureWatcher::start(monitor, Duration::MAX, |_| {}).unwrap();
    let by_kernel = watcher.is_woken_by_kernel();
    assert!(has_stalls || !by_kernel);
    if !by_kernel {
        let reason = if blind { "it says nothing about memory" } else { "it lets us set no trigger" };
        writeln!(std::io::stderr(), "SKIPPED: being woken by the kernel: {reason}").unwrap();
    }
    std::thread::sleep(Duration::from_millis(20));
    drop(watcher);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the files say, there is an answer.
    #[test]
    fn no_text_does_any_harm(texts in prop::array::uniform6("\\PC{0,60}|[a-z ]{4,5}avg10=[0-9.]{1,8}|max|[0-9]{1,22}")) {
        let tree = Tree::new();
        let files = ["memory.max", "memory.high", "memory.current", "memory.events", "memory.pressure"];
        for (file, text) in files.iter().zip(&texts) {
            tree.write(&format!("sys/fs/cgroup/pod/task/{file}"), text);
        }
        tree.write("proc/self/cgroup", &texts[5]);
        let _any = PressureMonitor::new(tree.root()).poll();
        let _any = system_limit(tree.root());
        tree.write("proc/self/cgroup", &format!("0::/{}", texts[5]));
        let _any = PressureMonitor::new(tree.root()).poll();
        let _any = texts[4].parse::<StallShares>();
    }
}

/// Marks the child process of the test below.
const IN_CGROUP: &str = "TERRANE_TEST_IN_CGROUP";

/// A child process in a real cgroup of its own finds the limits that it was given there.
#[test]
#[cfg(target_os = "linux")]
fn a_real_cgroup_limits_and_reports() {
    if std::env::var_os(IN_CGROUP).is_some() {
        return;
    }
    match RealCgroup::new() {
        Ok(cgroup) => {
            let test = "in_a_real_cgroup";
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", test, "--nocapture"]).env(IN_CGROUP, cgroup.0.join("cgroup.procs"));
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        }
        // Past the capture of output, so that it is seen.
        Err(reason) => {
            writeln!(std::io::stderr(), "SKIPPED: a_real_cgroup_limits_and_reports: {reason}").unwrap()
        }
    }
}

/// What the child does. Outside of it there is nothing to do: the test above starts it.
#[test]
#[cfg(target_os = "linux")]
fn in_a_real_cgroup() {
    let Some(procs) = std::env::var_os(IN_CGROUP) else { return };
    fs::write(procs, std::process::id().to_string()).unwrap();
    assert_eq!(system_limit(Path::new("/")), Some(Bytes::from_mib(256)));
    let mut monitor = PressureMonitor::new(Path::new("/"));
    assert_eq!(monitor.poll(), Normal);
    let filled = vec![1u8; 112 << 20];
    assert!(monitor.poll() >= Moderate, "{} bytes of 128 MiB", std::hint::black_box(&filled).len());
}

/// A cgroup with limits, removed in the end.
#[cfg(target_os = "linux")]
struct RealCgroup(std::path::PathBuf);

#[cfg(target_os = "linux")]
impl RealCgroup {
    fn new() -> Result<Self, String> {
        if Cgroup::of_this_process(Path::new("/")).is_none() {
            return Err("no cgroup of version 2 with a memory controller".to_owned());
        }
        let folder = Path::new("/sys/fs/cgroup").join(format!("terrane-test-{}", std::process::id()));
        fs::create_dir(&folder).map_err(|error| format!("a cgroup cannot be made: {error}"))?;
        let cgroup = Self(folder);
        let set = |file: &str, value: &str| {
            fs::write(cgroup.0.join(file), value).map_err(|error| format!("{file} cannot be set: {error}"))
        };
        set("memory.max", &(256 * MIB).to_string())?;
        set("memory.high", &(128 * MIB).to_string())?;
        Ok(cgroup)
    }
}

#[cfg(target_os = "linux")]
impl Drop for RealCgroup {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.0);
    }
}

#[test]
fn figures_are_shown_to_people() {
    let tree = Tree::new();
    tree.limits("pod/task", "33554432", "max", 1 << 20);
    let limits: Vec<String> =
        Cgroup::of_this_process(tree.root()).unwrap().limits().map(|limits| limits.to_string()).collect();
    assert_eq!(limits[0], "1 MiB of 32 MiB, high unlimited");
    let shares: StallShares =
        "some avg10=1.25 avg60=0.00 avg300=0.00 total=1\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
            .parse()
            .unwrap();
    assert_eq!(shares.to_string(), "some 1.25 %, full 0.00 %");
}
