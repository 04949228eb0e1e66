//! Our collector in other configurations than the default.
//!
//! Each gives every program a row of its own, `gc/AREA/PROGRAM`: the default beside it. Another configuration is another
//! line of [`OTHERS`].

use terrane_gc::HeapConfig;

/// A configuration of our heap.
#[derive(Clone, Copy, Debug)]
pub(super) struct Configuration {
    /// The part of a row's name.
    pub(super) area: &'static str,
    /// What stands for a rival's identifier.
    pub(super) id: &'static str,
    /// What it is, in a few words.
    pub(super) about: &'static str,
    /// The settings.
    pub(super) heap: fn() -> HeapConfig,
}

/// What a user gets who sets nothing.
pub(super) const DEFAULT: Configuration =
    Configuration { area: "default", id: "terrane", about: "the default", heap: HeapConfig::new };

/// All others.
pub(super) const OTHERS: &[Configuration] = &[
    Configuration {
        area: "throughput",
        id: "terrane-throughput",
        about: "the throughput preset: a nursery of 16 MiB and no goal for pauses",
        heap: HeapConfig::throughput,
    },
    Configuration {
        area: "generational",
        id: "terrane-generational-off",
        about: "generations off: plain mark-sweep that stops the program",
        heap: || HeapConfig::new().generational(false),
    },
];
