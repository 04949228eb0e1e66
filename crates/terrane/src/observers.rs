//! Calling what was plugged in: without locks, never twice over, and never again after a panic.

use core::{
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    time::Duration,
};
use std::{
    any::Any,
    cell::Cell,
    panic::catch_unwind,
    sync::{Mutex, OnceLock, PoisonError},
};

use terrane_base::PressureLevel;

use crate::{
    AllocationEvent, DeallocationEvent, MemoryLogger, MemoryMetrics, MemoryPlugin, MemorySystem,
    ObserverFailure, SystemId,
};

/// How many failures are kept for the statistics. There can be no more than there are observers and reclaimers, but those come and go.
const KEPT_FAILURES: usize = 64;

/// Everything that is plugged into a system.
#[derive(Default)]
pub(crate) struct Observers {
    loggers: Vec<Observer<dyn MemoryLogger>>,
    metrics: Vec<Observer<dyn MemoryMetrics>>,
    /// Set when all of them have seen the system.
    plugins: OnceLock<Vec<Observer<dyn MemoryPlugin>>>,
    failures: Mutex<Vec<ObserverFailure>>,
}

struct Observer<T: ?Sized> {
    name: String,
    unplugged: AtomicBool,
    inner: Box<T>,
}

/// Who was told of an allocation. Nobody else is told of its end, so that what an observer counts never falls below zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// There is nobody, or it was made by an observer.
    Nobody,
    /// Loggers and metrics: the plugins were not all there yet.
    AllButPlugins,
    /// Everybody.
    All,
}

/// What was given to the builder.
#[derive(Default)]
pub(crate) struct Plugged {
    pub(crate) plugins: Vec<Box<dyn MemoryPlugin>>,
    pub(crate) loggers: Vec<Box<dyn MemoryLogger>>,
    pub(crate) metrics: Vec<Box<dyn MemoryMetrics>>,
}

impl<T: ?Sized> Observer<T> {
    fn new(name: &str, inner: Box<T>) -> Self {
        Self { name: name.to_owned(), unplugged: AtomicBool::new(false), inner }
    }
}

impl Observers {
    pub(crate) fn new(loggers: Vec<Box<dyn MemoryLogger>>, metrics: Vec<Box<dyn MemoryMetrics>>) -> Self {
        Self {
            loggers: loggers.into_iter().map(|logger| Observer::new("logger", logger)).collect(),
            metrics: metrics.into_iter().map(|metrics| Observer::new("metrics", metrics)).collect(),
            ..Self::default()
        }
    }

    /// Shows the system to the plugins, then lets them take part. What they cause meanwhile is told to the loggers only.
    pub(crate) fn init_plugins(&self, plugins: Vec<Box<dyn MemoryPlugin>>, system: &MemorySystem) {
        let mut observers = Vec::with_capacity(plugins.len());
        for mut plugin in plugins {
            let name = self.guarded("?", "name", || plugin.name().to_owned());
            let Some(name) = name else { continue };
            let greeted = self.guarded(&name, "on_init", || plugin.on_init(system));
            let observer = Observer::new(&name, plugin);
            observer.unplugged.store(greeted.is_none(), Relaxed);
            observers.push(observer);
        }
        let _ = self.plugins.set(observers);
    }

    /// Whether anything wants to know of allocations.
    #[inline]
    pub(crate) fn any(&self) -> bool {
        !self.loggers.is_empty() || !self.metrics.is_empty() || !self.plugins().is_empty()
    }

    /// Whether somebody wants to know how long an allocation takes.
    #[inline]
    pub(crate) fn want_times(&self) -> bool {
        !self.metrics.is_empty()
    }

    pub(crate) fn allocated(&self, event: &AllocationEvent) -> Told {
        let Some(_inside) = Inside::enter(event.system) else { return Told::Nobody };
        self.each(&self.loggers, "log_allocation", |logger| logger.log_allocation(*event));
        let duration = event.duration.unwrap_or(Duration::ZERO);
        self.each(&self.metrics, "record_allocation", |metrics| {
            metrics.record_allocation(event.size, duration);
        });
        let Some(plugins) = self.plugins.get() else { return Told::AllButPlugins };
        self.each(plugins, "on_allocation", |plugin| plugin.on_allocation(event));
        Told::All
    }

    /// `told` is who was told of the allocation.
    pub(crate) fn deallocated(&self, event: &DeallocationEvent, told: Told) {
        let Some(_inside) = Inside::enter(event.system) else { return };
        self.each(&self.loggers, "log_deallocation", |logger| logger.log_deallocation(*event));
        self.each(&self.metrics, "record_deallocation", |metrics| metrics.record_deallocation(event.size));
        if told == Told::All {
            self.each(self.plugins(), "on_deallocation", |plugin| plugin.on_deallocation(event));
        }
    }

    pub(crate) fn pressure_changed(&self, system: SystemId, level: PressureLevel) {
        let Some(_inside) = Inside::enter(system) else { return };
        self.each(&self.loggers, "log_pressure", |logger| logger.log_pressure(level));
        self.each(self.plugins(), "on_pressure", |plugin| plugin.on_pressure(level));
    }

    pub(crate) fn publish(&self, pool_hit_rate: Option<f64>, gauges: &[(&'static str, f64)]) {
        if let Some(rate) = pool_hit_rate {
            self.each(&self.metrics, "record_pool_hit_rate", |metrics| metrics.record_pool_hit_rate(rate));
        }
        for (name, value) in gauges {
            self.each(&self.metrics, "record_gauge", |metrics| metrics.record_gauge(name, *value));
        }
    }

    /// Takes a plugin out by name; whether there was one.
    pub(crate) fn unplug(&self, name: &str) -> bool {
        let mut found = false;
        for plugin in self.plugins().iter().filter(|plugin| plugin.name == name) {
            found |= !plugin.unplugged.swap(true, Relaxed);
        }
        found
    }

    /// Notes that something panicked, and tells the loggers.
    pub(crate) fn report(&self, failure: ObserverFailure) {
        for logger in self.loggers.iter().filter(|logger| !logger.unplugged.load(Relaxed)) {
            // A logger that panics over a panic is taken out without another report.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| logger.inner.log_failure(&failure))) {
                logger.unplugged.store(true, Relaxed);
                dispose(panic);
            }
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if failures.len() < KEPT_FAILURES {
            failures.push(failure);
        }
    }

    pub(crate) fn failures(&self) -> Vec<ObserverFailure> {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn plugins(&self) -> &[Observer<dyn MemoryPlugin>] {
        self.plugins.get().map_or(&[], Vec::as_slice)
    }

    fn each<T: ?Sized>(&self, observers: &[Observer<T>], hook: &'static str, call: impl Fn(&T)) {
        for observer in observers.iter().filter(|observer| !observer.unplugged.load(Relaxed)) {
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| call(&observer.inner))) {
                // Before it is reported, so that reporting does not call it.
                if observer.unplugged.swap(true, Relaxed) {
                    dispose(panic);
                } else {
                    self.report_panic(&observer.name, hook, panic);
                }
            }
        }
    }

    /// Does `work`; `None`, and a report, when it panics.
    fn guarded<R>(&self, name: &str, hook: &'static str, work: impl FnOnce() -> R) -> Option<R> {
        catch_unwind(AssertUnwindSafe(work)).map_err(|panic| self.report_panic(name, hook, panic)).ok()
    }

    #[cold]
    #[inline(never)]
    fn report_panic(&self, name: &str, hook: &'static str, panic: Box<dyn Any + Send>) {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
        let message = text.unwrap_or_else(|| "something that is no text".to_owned());
        self.report(ObserverFailure { name: name.to_owned(), hook, message });
        dispose(panic);
    }
}

/// Drops what something panicked with, which may panic in turn.
#[cold]
fn dispose(panic: Box<dyn Any + Send>) {
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        core::mem::forget(second);
    }
}

impl core::fmt::Debug for Observers {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let names: Vec<&str> = self.plugins().iter().map(|plugin| plugin.name.as_str()).collect();
        f.debug_struct("Observers").field("plugins", &names).finish_non_exhaustive()
    }
}

/// How many systems can be at it on one thread, each within a function of an observer of the one before. What happens in those beyond is
/// not reported.
const DEEPEST: usize = 8;

std::thread_local! {
    /// The systems whose observers are running on this thread, 0 where there is none. Of a fixed size, so that
    /// it needs neither memory nor a borrow.
    static INSIDE: [Cell<u64>; DEEPEST] = const { [const { Cell::new(0) }; DEEPEST] };
}

/// While it lives, what happens in that system on this thread is not reported.
struct Inside {
    /// Which cell holds the system.
    index: usize,
}

impl Inside {
    /// `None` when the observers of that system are running on this thread already, or the thread is about to end.
    fn enter(system: SystemId) -> Option<Self> {
        let entered = INSIDE.try_with(|inside| {
            if inside.iter().any(|cell| cell.get() == system.0) {
                return None;
            }
            let index = inside.iter().position(|cell| cell.get() == 0)?;
            inside[index].set(system.0);
            Some(Self { index })
        });
        entered.ok().flatten()
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = INSIDE.try_with(|inside| inside[self.index].set(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_is_entered_once_at_a_time_and_only_so_many_are() {
        let id = SystemId::next;
        let (first, second) = (id(), id());
        let outer = Inside::enter(first).unwrap();
        assert!(Inside::enter(first).is_none());
        let inner = Inside::enter(second).unwrap();
        drop(outer);
        assert!(Inside::enter(second).is_none(), "in whatever order they end");
        assert!(Inside::enter(first).is_some());
        drop(inner);
        let all: Vec<_> = (0..DEEPEST).map(|_| Inside::enter(id()).unwrap()).collect();
        assert!(Inside::enter(id()).is_none());
        drop(all);
        assert!(Inside::enter(first).is_some() && Inside::enter(second).is_some());
    }
}
