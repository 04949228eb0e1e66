//! Pinning a process to one core, so that it is not moved while it is measured.

/// The core that measuring processes are pinned to: the last one that this process may use (interrupts tend to be
/// served by the first). `None` where the system does not say.
#[must_use]
pub fn chosen_core() -> Option<usize> {
    cores().last().copied()
}

/// The cores that this thread may use, in ascending order; empty where the system does not say.
#[must_use]
pub fn cores() -> Vec<usize> {
    imp::cores()
}

/// Pins the calling thread, and every thread that it starts later, to `core`.
///
/// # Errors
///
/// What the system answers, for instance for a core that does not exist.
pub fn pin_to(core: usize) -> std::io::Result<()> {
    imp::pin_to(core)
}

#[cfg(target_os = "linux")]
mod imp {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    pub(super) fn cores() -> Vec<usize> {
        let Ok(allowed) = sched_getaffinity(None) else { return Vec::new() };
        (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core)).collect()
    }

    pub(super) fn pin_to(core: usize) -> std::io::Result<()> {
        if core >= CpuSet::MAX_CPU {
            return Err(std::io::Error::from(std::io::ErrorKind::InvalidInput));
        }
        let mut only = CpuSet::new();
        only.set(core);
        sched_setaffinity(None, &only).map_err(Into::into)
    }
}

#[cfg(not(target_os = "linux"))]
mod imp {
    pub(super) fn cores() -> Vec<usize> {
        Vec::new()
    }

    pub(super) fn pin_to(_core: usize) -> std::io::Result<()> {
        Err(std::io::Error::from(std::io::ErrorKind::Unsupported))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_pinned_thread_may_use_only_that_core() {
        let core = chosen_core().expect("Linux says which cores a thread may use");
        std::thread::spawn(move || {
            pin_to(core).unwrap();
            assert_eq!(chosen_core(), Some(core));
            let allowed = rustix::thread::sched_getaffinity(None).unwrap();
            assert_eq!(allowed.count(), 1);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn a_core_that_does_not_exist_is_refused() {
        assert!(pin_to(usize::MAX).is_err());
    }
}
