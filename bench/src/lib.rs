//! Terrane beside its rivals.
//!
//! The program `bench` measures nothing itself. It starts *children*, one program per global allocator, each a
//! fresh process pinned to one core that measures one contender of one row and prints one line. `bench` asks the
//! contenders in rounds (A B A B …), so that a disturbance of the machine meets all of them, takes medians, and
//! compares the results: a row whose contenders do not compute the same is an error, not a figure.
//!
//! All times are CPU time of the measuring process, which leaves out what other processes take from the core.
//!
//! | Module | Concept |
//! |---|---|
//! | [`row`] | what is measured: a row and its contenders |
//! | [`registry`] | all rows; one module per area adds its own ([`arena`], [`gc`], [`budget`], [`cache`], [`pool`], [`system`]) |
//! | [`selection`] | which rows the names of a command line mean |
//! | [`absences`] | contenders that this build was made without |
//! | [`arguments`] | the command line |
//! | [`orchestrator`] | rounds, medians, comparison of results |
//! | [`children`] | finding, starting and awaiting the measuring programs |
//! | [`child`] | the measuring program and the line it prints |
//! | [`code_layout`] | the same loop at several addresses |
//! | [`counts`] | loops over the fast paths, for counting their instructions |
//! | [`settings`] | a rival in several settings |
//! | [`threads`] | several threads at once |
//! | [`clock`], [`affinity`], [`resident`] | CPU time, pinning, resident memory |
//! | [`statistics`], [`json`], [`table`], [`progress`] | medians and the three outputs |

pub mod absences;
pub mod affinity;
pub mod arena;
pub mod arguments;
pub mod budget;
pub mod cache;
pub mod checksum;
pub mod child;
pub mod children;
pub mod clock;
pub mod code_layout;
pub mod counts;
pub mod gc;
pub mod json;
pub mod orchestrator;
pub mod pool;
pub mod progress;
pub mod registry;
pub mod resident;
pub mod row;
pub mod selection;
pub mod settings;
pub mod statistics;
pub mod system;
pub mod table;
pub mod threads;
