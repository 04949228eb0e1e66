//! Public behaviour of the raw tier.

#![allow(unreachable_pub, missing_debug_implementations)]

mod arenas;
mod barrier;
mod collections;
mod defragment;
mod exhaustion;
mod incremental;
mod machine;
mod model;
mod panics;
mod pinning;
mod properties;
mod shadow;
mod spare_chunks;
mod weak;
