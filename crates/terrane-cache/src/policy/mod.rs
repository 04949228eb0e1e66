//! Who stays and who goes, in a cache that adapts to its use.
//!
//! | File | Concept |
//! |---|---|
//! | `mark` | what is known of an entry: how often it was used, and whether lately |
//! | `nodes`, `clock` | entries, and the order in which the clock hand comes to them |
//! | `ghosts` | how often keys were asked for that are not in the cache |
//! | `rule` | what a policy is made of |
//! | `engine` | window and main part, and in its `eviction` the contest between them |
//! | `tuner` | how large the window should be, found by simulation |

pub(crate) mod clock;
pub(crate) mod engine;
pub(crate) mod ghosts;
pub(crate) mod mark;
pub(crate) mod nodes;
pub(crate) mod rule;
pub(crate) mod tuner;
