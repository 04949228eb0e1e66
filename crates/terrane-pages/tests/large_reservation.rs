//! Addresses that are only set aside cost nothing, also where somebody keeps books on them. One test: the figures are the whole process's.
#![cfg(all(feature = "os", target_os = "linux"))]

use std::sync::Arc;

use terrane_base::{Budget, Bytes};
use terrane_pages::{AddressRange, BudgetedPages, process_memory, system_pages};

#[test]
fn a_reservation_under_a_budget_takes_no_memory() {
    let budget = Budget::root(Bytes::from_mib(1));
    let pages = Arc::new(BudgetedPages::new(system_pages(), &budget));
    let resident = || process_memory().expect("Linux says it").resident;
    let before = resident();
    // One bit for each of its pages would be 4 MiB, were they touched.
    let range = AddressRange::reserve(pages.clone(), 128 << 30, 1).unwrap();
    assert!(resident() - before < 1 << 20, "{} before, {} now", before, resident());
    range.commit(100 << 30, 64 << 10).unwrap();
    assert_eq!(pages.committed(), Bytes::from_kib(64));
    assert!(resident() - before < 1 << 20, "{} before, {} now", before, resident());
}
