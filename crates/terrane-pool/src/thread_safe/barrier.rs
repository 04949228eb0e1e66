//! A fence that one side pays for.
//!
//! Where two threads each write a flag of their own and then read the other's (Dekker's protocol), at least one has to see the other's
//! flag. That needs a full fence between write and read on *both* sides, which costs more than the rest of an acquisition. Here one
//! side comes by billions of times and the other hardly ever; so the rare side has the operating system run a fence on all processors that
//! execute a thread of this process (Linux: `membarrier`, private and expedited), and the frequent side only keeps the compiler from
//! exchanging the two accesses. (Dice, Huang, Yang: *Asymmetric Dekker Synchronization*, 2001; Desnoyers et al.: *User-Level
//! Implementations of Read-Copy Update*, IEEE TPDS 23, 2012.)

/// Between write and read on the frequent side. Costs nothing.
#[cfg(not(loom))]
#[inline(always)]
pub(crate) fn light() {
    core::sync::atomic::compiler_fence(core::sync::atomic::Ordering::SeqCst);
}

/// Whether [`heavy`] is to be had in this process.
#[cfg(all(feature = "os", target_os = "linux", not(miri), not(loom)))]
pub(crate) fn is_available() -> bool {
    use rustix::thread::{MembarrierCommand, membarrier};
    use std::sync::OnceLock;
    static AVAILABLE: OnceLock<bool> = OnceLock::new();
    *AVAILABLE.get_or_init(|| membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok() && heavy())
}

/// Between write and read on the rare side. Some microseconds. Whether it was done; if not, nothing is known.
#[cfg(all(feature = "os", target_os = "linux", not(miri), not(loom)))]
pub(crate) fn heavy() -> bool {
    use rustix::thread::{MembarrierCommand, membarrier};
    let fence = || membarrier(MembarrierCommand::PrivateExpedited).is_ok();
    // A child of a fork may have to register again.
    fence() || (membarrier(MembarrierCommand::RegisterPrivateExpedited).is_ok() && fence())
}

#[cfg(all(not(loom), any(not(feature = "os"), not(target_os = "linux"), miri)))]
pub(crate) fn is_available() -> bool {
    false
}

#[cfg(all(not(loom), any(not(feature = "os"), not(target_os = "linux"), miri)))]
pub(crate) fn heavy() -> bool {
    false
}

/// `loom` knows no such call: there, both sides have a full fence, which is what it amounts to.
#[cfg(loom)]
pub(crate) fn light() {
    loom::sync::atomic::fence(loom::sync::atomic::Ordering::SeqCst);
}

#[cfg(loom)]
pub(crate) fn is_available() -> bool {
    true
}

#[cfg(loom)]
pub(crate) fn heavy() -> bool {
    loom::sync::atomic::fence(loom::sync::atomic::Ordering::SeqCst);
    true
}
