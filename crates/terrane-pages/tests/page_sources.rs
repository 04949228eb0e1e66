//! Every page source keeps the promises of the trait: checked against a model of pages.

mod support;

use std::sync::Arc;

use proptest::prelude::*;
use support::Audited;
use terrane_pages::{AddressRange, FaultyPages, HeapPages, PageOperation, PageSource, system_pages};

fn sources() -> Vec<Arc<dyn PageSource>> {
    vec![
        system_pages(),
        Arc::new(HeapPages::new()),
        Arc::new(HeapPages::with_page_size(16).unwrap()),
        Arc::new(HeapPages::with_page_size(1 << 16).unwrap()),
        Arc::new(FaultyPages::new(system_pages())),
    ]
}

#[derive(Clone, Debug)]
enum Op {
    Commit { first: usize, pages: usize },
    Decommit { first: usize, pages: usize },
    Write { page: usize, at: usize, value: u8 },
}

const PAGES: usize = 12;

fn op() -> impl Strategy<Value = Op> {
    let part = || (0..PAGES, 0..=PAGES);
    prop_oneof![
        part().prop_map(|(first, pages)| Op::Commit { first, pages: pages.min(PAGES - first) }),
        part().prop_map(|(first, pages)| Op::Decommit { first, pages: pages.min(PAGES - first) }),
        (0..PAGES, any::<usize>(), 1..=u8::MAX).prop_map(|(page, at, value)| Op::Write { page, at, value }),
    ]
}

/// A page of the model: committed pages have the bytes that were written since they were zero.
type Page = Option<Vec<(usize, u8)>>;

fn check(range: &AddressRange, page_size: usize, model: &[Page], spots: &[usize]) {
    for (index, page) in model.iter().enumerate() {
        let Some(written) = page else { continue };
        for at in spots.iter().copied().chain([0, page_size - 1]) {
            let expected = written.iter().rev().find(|(spot, _)| *spot == at).map_or(0, |(_, value)| *value);
            // SAFETY: within a committed page of the range.
            let found = unsafe { range.base().add(index * page_size + at).read() };
            assert_eq!(found, expected, "page {index}, byte {at}");
        }
    }
}

fn run_against_model(source: Arc<dyn PageSource>, ops: &[Op]) {
    let page_size = source.page_size();
    let source = Arc::new(Audited::new(source));
    let range = AddressRange::reserve(source.clone(), PAGES * page_size, 4 * page_size).unwrap();
    let mut model: Vec<Page> = vec![None; PAGES];
    let mut spots = Vec::new();
    for op in ops {
        match *op {
            Op::Commit { first, pages } => {
                range.commit(first * page_size, pages * page_size).unwrap();
                for page in &mut model[first..first + pages] {
                    page.get_or_insert_default();
                }
            }
            Op::Decommit { first, pages } => {
                // SAFETY: there are no references into the range.
                unsafe { range.decommit(first * page_size, pages * page_size) }.unwrap();
                model[first..first + pages].fill(None);
            }
            Op::Write { page, at, value } => {
                let Some(written) = &mut model[page] else { continue };
                let at = at % page_size;
                // SAFETY: within a committed page of the range.
                unsafe { range.base().add(page * page_size + at).write(value) };
                written.push((at, value));
                spots.push(at);
            }
        }
        check(&range, page_size, &model, &spots);
    }
    drop(range);
    assert_eq!(source.live(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_are_zero_then_hold_what_is_written(ops in prop::collection::vec(op(), 1..30)) {
        for source in sources() {
            run_against_model(source, &ops);
        }
    }

    #[test]
    fn ranges_are_aligned_and_rounded_to_pages(size in 1..1_000_000_usize, align_log2 in 0..24_u32) {
        for source in sources() {
            let page = source.page_size();
            let align = 1 << align_log2;
            let range = AddressRange::reserve(source, size, align).unwrap();
            let base = range.base().addr().get();
            prop_assert!(base.is_multiple_of(align) && base.is_multiple_of(page));
            prop_assert_eq!(range.size(), size.next_multiple_of(page));
            prop_assert!(range.contains(base) && range.contains(base + range.size() - 1));
            prop_assert!(!range.contains(base - 1) && !range.contains(base + range.size()));
            range.commit(0, size).unwrap();
            // SAFETY: both bytes lie in committed pages of the range.
            unsafe {
                range.base().write(1);
                range.base().add(range.size() - 1).write(1);
            }
        }
    }
}

#[test]
fn a_commit_rounds_outwards_and_a_decommit_inwards() {
    for source in sources() {
        let page = source.page_size();
        let range = AddressRange::reserve(source, 4 * page, page).unwrap();
        range.commit(page - 1, 2).unwrap();
        // SAFETY: the first two pages have a byte each of what was committed.
        unsafe {
            range.base().write(1);
            range.base().add(2 * page - 1).write(2);
            // SAFETY (of the decommit): there are no references into the range.
            range.decommit(1, 2 * page - 1).unwrap();
            assert_eq!(range.base().read(), 1, "the first page is not wholly within");
            range.decommit(1, page - 1).unwrap();
            assert_eq!(range.base().read(), 1, "no page is wholly within");
        }
        range.commit(page, page).unwrap();
        // SAFETY: committed the line before.
        assert_eq!(unsafe { range.base().add(2 * page - 1).read() }, 0, "the second page is");
    }
}

#[test]
fn senseless_requests_are_refused_without_asking_the_system() {
    for source in sources() {
        let page = source.page_size();
        let reserve = |size, align| source.reserve(size, align).map_err(|error| error.operation);
        for (size, align) in [
            (0, page),
            (page + 1, page),
            (page, 3 * page),
            (page, 0),
            (usize::MAX - (page - 1), page),
            (page, 1 << (usize::BITS - 1)),
        ] {
            assert_eq!(reserve(size, align), Err(PageOperation::Reserve), "{size} at {align}");
        }
        assert!(AddressRange::reserve(source.clone(), usize::MAX, page).is_err());
        let range = AddressRange::reserve(source, 2 * page, page).unwrap();
        for (offset, len) in [(0, 2 * page + 1), (page, usize::MAX), (3 * page, 0), (usize::MAX, 1)] {
            let refused = range.commit(offset, len).unwrap_err();
            assert_eq!((refused.operation, refused.os_code), (PageOperation::Commit, None));
            // SAFETY: nobody uses the range.
            let refused = unsafe { range.decommit(offset, len) }.unwrap_err();
            assert_eq!((refused.operation, refused.os_code), (PageOperation::Decommit, None));
        }
    }
}

#[test]
fn page_sizes_of_the_heap_are_powers_of_two() {
    assert!([0, 1, 8, 24, 4095].iter().all(|&size| HeapPages::with_page_size(size).is_none()));
    assert_eq!(HeapPages::with_page_size(32).unwrap().page_size(), 32);
}

#[test]
fn more_than_there_is_ends_in_an_error() {
    // No machine has addresses for this much.
    let size = (isize::MAX as usize / 2).next_multiple_of(1 << 20);
    for source in sources() {
        let refused = source.reserve(size, 1 << 20).unwrap_err();
        assert_eq!((refused.operation, refused.requested), (PageOperation::Reserve, size));
    }
    #[cfg(all(feature = "os", unix))]
    assert!(system_pages().reserve(size, 1 << 20).unwrap_err().os_code.is_some(), "the system's word for it");
}

#[test]
fn faults_come_when_they_are_planned() {
    let source = FaultyPages::new(HeapPages::new());
    let outcomes = || {
        let range = source.reserve(4096, 4096);
        if let Ok(base) = range {
            // SAFETY: just reserved with these figures.
            unsafe { source.release(base, 4096, 4096) };
        }
        range.is_ok()
    };
    source.fail_nth(2);
    assert_eq!([outcomes(), outcomes(), outcomes()], [true, false, true]);
    source.fail_from(2);
    assert_eq!([outcomes(), outcomes(), outcomes()], [true, false, false]);
    source.fail_none();
    assert!(outcomes());
    source.fail_nth(0);
    assert_eq!([outcomes(), outcomes()], [true, true]);
    assert_eq!((source.requests(), source.failures()), (9, 3));
}

#[test]
fn errors_say_what_was_asked_and_what_the_system_said() {
    let mut error = FaultyPages::new(HeapPages::new()).reserve(0, 1).unwrap_err();
    assert_eq!(error.to_string(), "cannot reserve 0 bytes");
    error.os_code = Some(12);
    assert_eq!(error.to_string(), "cannot reserve 0 bytes (system error 12)");
    use PageOperation::{Commit, Decommit, Release, Reserve};
    let names = [Reserve, Commit, Decommit, Release].map(PageOperation::name);
    assert_eq!(names, ["reserve", "commit", "decommit", "release"]);
}

/// The answer is honest if what it says agrees with what the system's own account shows after the memory was touched.
#[test]
#[cfg(all(feature = "os", unix))]
fn huge_pages_are_used_only_where_they_were_promised() {
    use terrane_pages::{AddressRange, HUGE_PAGE_SIZE, HugePages, OsPages};
    let source = std::sync::Arc::new(OsPages::new());
    let range = AddressRange::reserve(source, 8 * HUGE_PAGE_SIZE, HUGE_PAGE_SIZE).expect("addresses");
    let answer = range.advise_huge();
    range.commit(0, range.size()).expect("memory");
    // SAFETY: all of it was just committed.
    unsafe { range.base().write_bytes(1, range.size()) };
    let huge = range.huge_bytes();
    assert!(answer == HugePages::Advised || huge.unwrap_or(0) == 0, "{answer:?}, {huge:?}");
    assert!(huge.is_none_or(|bytes| bytes <= range.size()));
}
