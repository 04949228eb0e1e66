//! What follows from what was found: only what a reader can do something about.

use terrane_base::Bytes;
use terrane_pages::{MachineMemory, Overcommit, PageTrial, TransparentHugePages};

use super::Pressure;

/// Below this a heap cannot have its usual range of addresses.
const ADDRESSES_WANTED: Bytes = Bytes::from_gib(64);
/// Below this pinned buffers cannot be kept in physical memory.
const LOCKED_WANTED: Bytes = Bytes::from_mib(1);

/// Each condition with what is to be done about it.
pub(super) fn on(machine: &MachineMemory, trial: &PageTrial, pressure: &Pressure) -> Vec<&'static str> {
    let no_huge = machine.transparent_huge_pages == Some(TransparentHugePages::Never);
    let unlimited = machine.cgroup_max.is_none_or(|limit| limit == Bytes::MAX);
    let table = [
        (
            no_huge,
            "transparent huge pages are off: large heaps are slower; `madvise` in \
             /sys/kernel/mm/transparent_hugepage/enabled lets programs ask for them",
        ),
        (
            trial.locked < LOCKED_WANTED.min(trial.lock_asked),
            "little memory can be locked: pages that must stay in physical memory will be refused; raise \
             `ulimit -l`",
        ),
        (
            machine.overcommit == Some(Overcommit::Never),
            "the system promises no more memory than it has: allocations fail early and cleanly, and limits \
             should be set below what is left",
        ),
        (
            trial.addresses < ADDRESSES_WANTED,
            "addresses are limited: heaps reserve less ahead; look at `ulimit -v`",
        ),
        (
            unlimited,
            "no control group limits this process: `terrane run` limits a program to three quarters of the \
             machine's memory (--heap-limit sets another limit); a memory system has no limit until \
             `max_memory` sets one",
        ),
        (
            pressure.level.is_none(),
            "the system does not say when memory is short: pressure is known from budgets only; a kernel with \
             PSI, or a control group of version 2, would tell",
        ),
    ];
    table.into_iter().filter_map(|(applies, advice)| applies.then_some(advice)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use terrane_base::PressureLevel;

    fn advice(change: impl FnOnce(&mut MachineMemory, &mut PageTrial, &mut Pressure)) -> Vec<&'static str> {
        let mut machine = MachineMemory::read(Path::new("/does/not/exist"));
        machine.cgroup_max = Some(Bytes::from_mib(512));
        let mut trial = PageTrial::run();
        trial.locked = Bytes::from_mib(8);
        trial.addresses = Bytes::from_gib(1024);
        let mut pressure = Pressure { sources: Vec::new(), level: Some(PressureLevel::Normal) };
        change(&mut machine, &mut trial, &mut pressure);
        on(&machine, &trial, &pressure)
    }

    #[test]
    fn a_machine_without_fault_gets_no_advice() {
        assert_eq!(advice(|_, _, _| ()), Vec::<&str>::new());
    }

    #[test]
    fn each_fault_gets_its_own() {
        type Change = fn(&mut MachineMemory, &mut PageTrial, &mut Pressure);
        let faults: [(Change, &str); 6] = [
            (|machine, _, _| machine.transparent_huge_pages = Some(TransparentHugePages::Never), "madvise"),
            (|_, trial, _| trial.locked = Bytes::from_kib(64), "ulimit -l"),
            (|machine, _, _| machine.overcommit = Some(Overcommit::Never), "promises no more"),
            (|_, trial, _| trial.addresses = Bytes::from_gib(1), "ulimit -v"),
            (|machine, _, _| machine.cgroup_max = Some(Bytes::MAX), "--heap-limit"),
            (|_, _, pressure| pressure.level = None, "PSI"),
        ];
        for (change, words) in faults {
            let advice = advice(change);
            assert!(advice.len() == 1 && advice[0].contains(words), "{words}: {advice:?}");
        }
    }
}
