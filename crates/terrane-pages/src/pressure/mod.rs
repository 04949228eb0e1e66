//! How scarce memory is, as the system says it: limits and events of cgroups (version 2), and pressure stall information (PSI).
//!
//! | File | Concept |
//! |---|---|
//! | `cgroup` | where this process stands in the tree of cgroups, and the limits there |
//! | `psi` | how much time is lost for want of memory |
//! | `monitor` | one level out of all of that, by asking |
//! | `watcher` | the same by a thread, which on Linux sleeps until the kernel reports |
//!
//! All of it reads small files below a folder that stands for `/`, so that it can be tried on a made-up tree. Sources: Linux,
//! `Documentation/admin-guide/cgroup-v2.rst` (memory) and `Documentation/accounting/psi.rst`.

mod cgroup;
mod monitor;
mod psi;
mod watcher;

pub use cgroup::{Cgroup, CgroupLimits, MemoryEvents, system_limit};
pub use monitor::PressureMonitor;
pub use psi::{ParseStallError, StallShares};
pub use watcher::PressureWatcher;
