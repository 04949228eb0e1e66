//! A memory system under one budget.
#![forbid(unsafe_code)]

mod config;

pub use config::{
    ConfigError, ConfigLayer, ConfigOption, ConfigProblem, EffectiveValue, LARGE_THRESHOLD, MemoryConfig,
    OPTIONS, OptionKind, Origin, ResolvedConfig, SMALL_THRESHOLD, explain_option, reference_page,
};
pub use terrane_base::{Budget, Bytes, MemoryError};
