//! Pages that stay in physical memory, and huge pages: what the system grants, and what the answers say.
#![cfg(feature = "os")]

use std::{fs, io::Write, path::Path, sync::Arc};

use terrane_base::Bytes;
use terrane_pages::{
    AddressRange, FaultyPages, HeapPages, HugePages, MachineMemory, PageOperation, PageSource, system_pages,
};

/// How much of the process is locked, by the kernel's account.
fn locked_kib() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmLck:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[test]
#[cfg(target_os = "linux")]
fn locked_pages_are_locked_until_they_are_not() {
    let page = system_pages().page_size();
    let range = AddressRange::reserve(system_pages(), 8 * page, page).unwrap();
    range.commit(0, 8 * page).unwrap();
    let limit = MachineMemory::read(Path::new("/")).lock_limit.expect("Linux says");
    if limit.soft < Bytes::from_usize(8 * page) {
        writeln!(std::io::stderr(), "SKIPPED: locking pages: RLIMIT_MEMLOCK is {}", limit.soft).unwrap();
        return;
    }
    let kib = |pages: usize| (pages * page / 1024) as u64;
    let before = locked_kib().unwrap();
    // SAFETY: all of it is committed, and nobody else knows of it.
    unsafe {
        range.lock(page + 1, 3 * page).unwrap();
        assert_eq!(locked_kib().unwrap() - before, kib(4), "rounded to whole pages");
        range.unlock(page, page).unwrap();
        assert_eq!(locked_kib().unwrap() - before, kib(3));
        range.base().write_bytes(7, 8 * page);
        range.decommit(0, 8 * page).unwrap();
        range.commit(0, 8 * page).unwrap();
        assert_eq!(range.base().add(3 * page).read(), 0, "what was locked is gone as well");
        assert_eq!(locked_kib().unwrap(), before);
    }
}

#[test]
fn senseless_locks_are_refused() {
    let page = system_pages().page_size();
    let range = AddressRange::reserve(system_pages(), 2 * page, page).unwrap();
    range.commit(0, 2 * page).unwrap();
    // SAFETY: all of it is committed; what is not within the range is refused before anybody is asked.
    unsafe {
        assert_eq!(range.lock(0, 0), Ok(()));
        for (offset, len) in [(0, 2 * page + 1), (page, usize::MAX), (3 * page, 1)] {
            assert_eq!(range.lock(offset, len).unwrap_err().operation, PageOperation::Lock);
            assert_eq!(range.unlock(offset, len).unwrap_err().operation, PageOperation::Unlock);
        }
    }
}

#[test]
fn sources_that_cannot_lock_say_so_and_faults_can_be_injected() {
    let source = Arc::new(FaultyPages::new(HeapPages::new()));
    let range = AddressRange::reserve(source.clone(), 4096, 4096).unwrap();
    // SAFETY: pages of the heap are always committed.
    let refused = unsafe { [range.lock(0, 4096), range.unlock(0, 4096)] };
    let operations = refused.map(|result| result.unwrap_err().operation);
    assert_eq!(operations, [PageOperation::Lock, PageOperation::Unlock]);
    assert_eq!(operations.map(PageOperation::name), ["lock", "unlock"]);
    assert_eq!((source.requests(), source.failures()), (3, 0));
    source.fail_nth(1);
    // SAFETY: as above.
    assert!(unsafe { range.lock(0, 4096) }.is_err());
    assert_eq!(source.failures(), 1);
}

/// Whatever is granted, the memory is there, zero, and can be written; and the answer agrees with the kernel's own account.
#[test]
fn huge_pages_are_what_the_answer_says() {
    let (range, answer) = AddressRange::reserve_huge(5 << 20).unwrap();
    range.commit(0, range.size()).unwrap();
    // SAFETY: all of it is committed, and nobody else knows of it.
    unsafe {
        for offset in (0..range.size()).step_by(4096) {
            assert_eq!(range.base().add(offset).read(), 0);
        }
        range.base().write_bytes(3, range.size());
        range.decommit(0, range.size()).unwrap();
        range.commit(0, range.size()).unwrap();
        assert_eq!(range.base().add(range.size() - 1).read(), 0);
    }
    // Pages count as taken once they were touched.
    let pools = MachineMemory::read(Path::new("/")).huge_pools;
    match answer {
        HugePages::Granted { page_size } => {
            assert!(
                range.size().is_multiple_of(page_size) && range.base().addr().get().is_multiple_of(page_size)
            );
            let pool = pools.iter().find(|pool| pool.page_size == page_size).expect("its pool is listed");
            assert!(pool.pages - pool.free >= (range.size() / page_size) as u64, "{pool:?}");
        }
        HugePages::Unavailable => assert_eq!(range.huge_bytes().unwrap_or(0), 0),
        _ => assert!(range.huge_bytes().is_none_or(|bytes| bytes <= range.size())),
    }
    assert!(AddressRange::reserve_huge(0).is_err() && AddressRange::reserve_huge(usize::MAX).is_err());
}

#[test]
#[cfg(target_os = "linux")]
fn an_empty_pool_of_huge_pages_is_a_refusal() {
    let Some(source) = terrane_pages::HugeTlbPages::new() else {
        writeln!(std::io::stderr(), "SKIPPED: the pool of huge pages: this kernel has none").unwrap();
        return;
    };
    let page = source.page_size();
    let pools = MachineMemory::read(Path::new("/")).huge_pools;
    let pages: u64 = pools.iter().filter(|pool| pool.page_size == page).map(|pool| pool.pages).sum();
    let beyond = (usize::try_from(pages).unwrap() + 4096) * page;
    let refused = source.reserve(beyond, page).unwrap_err();
    assert_eq!((refused.operation, refused.requested), (PageOperation::Reserve, beyond));
    assert!(refused.os_code.is_some());
}
