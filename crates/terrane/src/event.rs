//! What plugins and loggers are told.

use core::{fmt, panic::Location, time::Duration};

use crate::Route;

/// The number of a system. No two systems of a process have the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SystemId(pub(crate) u64);

impl fmt::Display for SystemId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Memory was allocated.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct AllocationEvent {
    /// By which system.
    pub system: SystemId,
    /// How many bytes were asked for.
    pub size: usize,
    /// Where they come from.
    pub route: Route,
    /// The place in the program.
    pub site: &'static Location<'static>,
    /// How long it took; known where profiling is enabled or there is a receiver of metrics.
    pub duration: Option<Duration>,
}

/// Memory was given back.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct DeallocationEvent {
    /// By which system.
    pub system: SystemId,
    /// How many bytes had been asked for.
    pub size: usize,
    /// Where they came from.
    pub route: Route,
    /// The place in the program that had allocated them.
    pub site: &'static Location<'static>,
}

/// A plugin, a logger or a receiver of metrics panicked, and is not called any more; or a reclaimer of the budget did.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ObserverFailure {
    /// The plugin's name, "logger", "metrics", or the name of the reclaimer.
    pub name: String,
    /// The function that panicked: "on_allocation".
    pub hook: &'static str,
    /// What it panicked with, where that is text.
    pub message: String,
}

impl fmt::Display for ObserverFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` panicked in {} and is not called any more: {}", self.name, self.hook, self.message)
    }
}
