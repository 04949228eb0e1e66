//! What is plugged in is called without locks, in order, and never again after a panic.

use std::{
    error::Error,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use terrane::{
    Allocation, AllocationEvent, DeallocationEvent, MemoryLogger, MemoryMetrics, MemoryPlugin, MemorySystem,
    ObserverFailure, PressureLevel, Route,
};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down what it is told; panics in one of its functions, if that is wanted.
struct Recorder {
    name: &'static str,
    log: Log,
    panics_in: Option<&'static str>,
}

impl Recorder {
    fn note(&self, hook: &str, text: String) {
        self.log.lock().unwrap().push(format!("{} {text}", self.name));
        if self.panics_in == Some(hook) {
            panic!("{} is broken", self.name);
        }
    }
}

impl MemoryPlugin for Recorder {
    fn name(&self) -> &str {
        self.name
    }
    fn on_init(&mut self, system: &MemorySystem) {
        self.note("on_init", format!("init, {} held", system.stats().totals.live));
    }
    fn on_allocation(&self, event: &AllocationEvent) {
        self.note("on_allocation", format!("+{} {}", event.size, event.route));
    }
    fn on_deallocation(&self, event: &DeallocationEvent) {
        self.note("on_deallocation", format!("-{} {}", event.size, event.route));
    }
    fn on_pressure(&self, level: PressureLevel) {
        self.note("on_pressure", format!("pressure {level}"));
    }
}

fn with_recorders(recorders: &[(&'static str, Option<&'static str>)]) -> (MemorySystem, Log) {
    let log = Log::default();
    let mut builder = MemorySystem::builder();
    for &(name, panics_in) in recorders {
        builder = builder.with_plugin(Recorder { name, log: Arc::clone(&log), panics_in });
    }
    (builder.build().unwrap(), log)
}

fn use_everything(system: &MemorySystem) {
    drop(system.allocate(100).unwrap());
    system.notify(PressureLevel::Critical);
    system.notify(PressureLevel::Normal);
    drop(system.allocate(10_000).unwrap());
}

#[test]
fn every_hook_is_called_in_the_order_of_the_plugins() {
    let (system, log) = with_recorders(&[("a", None), ("b", None)]);
    use_everything(&system);
    let events = ["init, 0 held"; 1];
    let events: Vec<&str> = events
        .into_iter()
        .chain(["+100 pools", "-100 pools", "pressure critical", "pressure normal"])
        .chain(["+10000 arenas", "-10000 arenas"])
        .collect();
    let expected: Vec<String> =
        events.iter().flat_map(|event| ["a", "b"].map(|name| format!("{name} {event}"))).collect();
    assert_eq!(*log.lock().unwrap(), expected);
    assert!(system.stats().failures.is_empty());
}

#[test]
fn a_plugin_that_panics_is_reported_and_not_called_again() {
    for hook in ["on_init", "on_allocation", "on_deallocation", "on_pressure"] {
        let (system, log) = with_recorders(&[("good", None), ("bad", Some(hook)), ("last", None)]);
        use_everything(&system);
        use_everything(&system);
        let failures = system.stats().failures;
        assert_eq!(failures.len(), 1, "{hook}");
        let ObserverFailure { name, hook: failed, message, .. } = &failures[0];
        assert_eq!((name.as_str(), *failed, message.as_str()), ("bad", hook, "bad is broken"));
        let log = log.lock().unwrap();
        let of = |name: &str| log.iter().filter(|line| line.starts_with(name)).count();
        assert_eq!((of("good"), of("last")), (13, 13), "{hook}: the others go on\n{log:?}");
        let calls_until_panic = ["on_init", "on_allocation", "on_deallocation", "on_pressure"];
        let expected = calls_until_panic.iter().position(|name| *name == hook).unwrap() + 1;
        assert_eq!(of("bad"), expected, "{hook}: {log:?}");
    }
}

#[test]
fn a_plugin_can_be_taken_out_by_name() {
    let (system, log) = with_recorders(&[("a", None), ("b", None)]);
    assert!(system.unplug("a"));
    assert!(!system.unplug("a") && !system.unplug("c"));
    drop(system.allocate(1).unwrap());
    assert_eq!(*log.lock().unwrap(), ["a init, 0 held", "b init, 0 held", "b +1 pools", "b -1 pools"]);
}

/// Uses the system from within every hook.
#[derive(Default)]
struct Reentrant {
    system: OnceLock<MemorySystem>,
    calls: Arc<AtomicUsize>,
    held: Mutex<Vec<Allocation>>,
}

impl Reentrant {
    fn allocate(&self) {
        self.calls.fetch_add(1, Relaxed);
        if let Some(system) = self.system.get() {
            self.held.lock().unwrap().push(system.allocate(50).unwrap());
            assert!(system.stats().totals.live > 0, "no lock is held");
            system.notify(PressureLevel::Moderate);
            system.notify(PressureLevel::Normal);
            self.held.lock().unwrap().pop();
        }
    }
}

impl MemoryPlugin for Reentrant {
    fn name(&self) -> &str {
        "reentrant"
    }
    fn on_init(&mut self, system: &MemorySystem) {
        drop(system.allocate(10).unwrap());
        // A cycle, which the test lives with.
        let _ = self.system.set(system.clone());
    }
    fn on_allocation(&self, _event: &AllocationEvent) {
        self.allocate();
    }
    fn on_deallocation(&self, _event: &DeallocationEvent) {
        self.allocate();
    }
    fn on_pressure(&self, _level: PressureLevel) {
        self.allocate();
    }
}

#[test]
fn a_plugin_may_use_its_system_and_is_not_told_what_it_does_itself() {
    let plugin = Reentrant::default();
    let calls = Arc::clone(&plugin.calls);
    let system = MemorySystem::builder().with_plugin(plugin).build().unwrap();
    drop(system.allocate(100).unwrap());
    system.notify(PressureLevel::Critical);
    assert_eq!(calls.load(Relaxed), 3);
    assert!(system.stats().failures.is_empty(), "{:?}", system.stats().failures);
}

#[derive(Default)]
struct Figures {
    allocations: Arc<Mutex<Vec<(usize, Duration)>>>,
    gauges: Arc<Mutex<Vec<&'static str>>>,
}

impl MemoryMetrics for Figures {
    fn record_allocation(&self, size: usize, duration: Duration) {
        self.allocations.lock().unwrap().push((size, duration));
    }
    fn record_pool_hit_rate(&self, rate: f64) {
        assert!((0.0..=1.0).contains(&rate));
    }
    fn record_gauge(&self, name: &'static str, value: f64) {
        assert!(value.is_finite());
        self.gauges.lock().unwrap().push(name);
    }
}

struct PanickingLogger;

impl MemoryLogger for PanickingLogger {
    fn log_allocation(&self, _event: AllocationEvent) {
        panic!("{}", String::from("no room on the disk"));
    }
    fn log_deallocation(&self, _event: DeallocationEvent) {}
    fn log_failure(&self, _failure: &ObserverFailure) {
        panic!("again");
    }
}

#[derive(Clone, Default)]
struct Lines(Log);

impl MemoryLogger for Lines {
    fn log_allocation(&self, event: AllocationEvent) {
        assert!(event.site.file().ends_with("plugins.rs"), "{}", event.site);
        self.0.lock().unwrap().push(format!("+{}", event.size));
    }
    fn log_deallocation(&self, event: DeallocationEvent) {
        assert!(event.site.file().ends_with("plugins.rs"), "{}", event.site);
        self.0.lock().unwrap().push(format!("-{}", event.size));
    }
    fn log_pressure(&self, level: PressureLevel) {
        self.0.lock().unwrap().push(level.to_string());
    }
    fn log_failure(&self, failure: &ObserverFailure) {
        self.0.lock().unwrap().push(failure.to_string());
    }
}

/// Holds what it allocates, and counts what it is told of.
#[derive(Clone, Default)]
struct Keeper {
    system: Arc<OnceLock<MemorySystem>>,
    held: Arc<Mutex<Vec<Allocation>>>,
    told: Arc<[AtomicUsize; 2]>,
}

impl MemoryPlugin for Keeper {
    fn name(&self) -> &str {
        "keeper"
    }
    fn on_init(&mut self, system: &MemorySystem) {
        self.held.lock().unwrap().push(system.allocate(70).unwrap());
        assert!(self.system.set(system.clone()).is_ok());
    }
    fn on_allocation(&self, _event: &AllocationEvent) {
        self.told[0].fetch_add(1, Relaxed);
        let memory = self.system.get().unwrap().allocate(50).unwrap();
        self.held.lock().unwrap().push(memory);
    }
    fn on_deallocation(&self, _event: &DeallocationEvent) {
        self.told[1].fetch_add(1, Relaxed);
    }
}

#[test]
fn the_end_is_told_to_those_who_were_told_of_the_beginning() {
    for with_logger in [false, true] {
        let keeper = Keeper::default();
        let lines = Lines::default();
        let mut builder = MemorySystem::builder().with_plugin(keeper.clone());
        if with_logger {
            builder = builder.with_logger(lines.clone());
        }
        let system = builder.build().unwrap();
        drop(system.allocate(10).unwrap());
        let held = core::mem::take(&mut *keeper.held.lock().unwrap());
        assert_eq!(held.len(), 2, "of on_init and of on_allocation");
        drop(held);
        assert_eq!((keeper.told[0].load(Relaxed), keeper.told[1].load(Relaxed)), (1, 1));
        let expected: &[&str] = if with_logger { &["+70", "+10", "-10", "-70"] } else { &[] };
        assert_eq!(*lines.0.lock().unwrap(), expected);
    }
}

/// A payload whose drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the payload of a panic");
    }
}

struct BombingLogger;

impl MemoryLogger for BombingLogger {
    fn log_allocation(&self, _event: AllocationEvent) {}
    fn log_deallocation(&self, _event: DeallocationEvent) {}
    fn log_failure(&self, _failure: &ObserverFailure) {
        std::panic::panic_any(Bomb)
    }
}

#[test]
fn what_a_logger_panics_with_does_not_come_out_of_an_allocation() {
    let broken = Recorder { name: "broken", log: Log::default(), panics_in: Some("on_allocation") };
    let system = MemorySystem::builder().with_logger(BombingLogger).with_plugin(broken).build().unwrap();
    drop(system.allocate(10).unwrap());
    assert_eq!(system.stats().failures.len(), 1);
    assert_eq!(system.stats().totals.live, 0);
}

#[test]
fn loggers_and_metrics_hear_of_everything_and_may_panic_too() -> Result<(), Box<dyn Error>> {
    let (lines, figures) = (Lines::default(), Figures::default());
    let (allocations, gauges) = (Arc::clone(&figures.allocations), Arc::clone(&figures.gauges));
    let system = MemorySystem::builder()
        .with_logger(PanickingLogger)
        .with_logger(lines.clone())
        .with_metrics(figures)
        .build()?;
    drop(system.allocate(100)?);
    drop(system.level(Route::System).system_allocation()?);
    system.notify(PressureLevel::Critical);
    assert_eq!(
        *lines.0.lock().unwrap(),
        [
            "`logger` panicked in log_allocation and is not called any more: no room on the disk",
            "+100",
            "-100",
            "+7",
            "-7",
            "critical"
        ]
    );
    assert_eq!(allocations.lock().unwrap().iter().map(|(size, _)| *size).collect::<Vec<_>>(), [100, 7]);
    system.publish_metrics();
    assert!(gauges.lock().unwrap().contains(&"terrane_budget_used_bytes"));
    Ok(())
}

/// A component is used like the system itself, and its caller is the site.
trait SystemAllocation {
    fn system_allocation(&self) -> terrane::Result<Allocation>;
}

impl SystemAllocation for terrane::MemoryLevel {
    fn system_allocation(&self) -> terrane::Result<Allocation> {
        terrane::MemoryComponent::allocate(self, 7)
    }
}
