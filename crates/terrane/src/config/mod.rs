//! Settings of a system: one table of options, from which everything else comes.
//!
//! | File | Concept |
//! |---|---|
//! | `options` | the table, and with it [`MemoryConfig`] and the setters of [`ConfigLayer`] |
//! | `kind` | what values an option takes, how they are read and shown |
//! | `layer` | values from one place, and how layers lie on top of each other |
//! | `environment`, `file` | the layers that are read |
//! | `rules` | which values contradict each other |
//! | `error` | what is wrong, where, and what was probably meant |
//! | `nearest` | the name that was probably meant |
//! | `reference` | the table for people |
//!
//! The upper layer counts: code, then environment, then file, then constant.

mod environment;
mod error;
mod file;
mod kind;
mod layer;
mod nearest;
mod options;
mod reference;
mod rules;

pub use error::{ConfigError, ConfigProblem};
pub use kind::OptionKind;
pub use layer::{ConfigLayer, EffectiveValue, Origin, ResolvedConfig};
pub use nearest::nearest_name;
pub(crate) use options::LEAST_MEMORY;
pub use options::{ConfigOption, LARGE_THRESHOLD, MemoryConfig, OPTIONS, SMALL_THRESHOLD};
pub use reference::{explain_option, reference_page};
