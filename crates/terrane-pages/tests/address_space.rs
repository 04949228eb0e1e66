//! What the operating system sees of reserved, committed and decommitted memory (Linux: `/proc`).
//! One test, because its figures are those of the whole process.
#![cfg(all(feature = "os", target_os = "linux"))]

use terrane_pages::{AddressRange, process_memory, system_pages};

const SIZE: usize = 64 << 20;
const RANGES: usize = 3;
const MOST: u64 = (SIZE / 8 * 7) as u64;

/// The permissions of the mapping that an address lies in: "rw-p", "---p"; `None` outside of all mappings.
fn permissions(addr: usize) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    maps.lines().find_map(|line| {
        let (range, rest) = line.split_once(' ')?;
        let (start, end) = range.split_once('-')?;
        let parse = |text| usize::from_str_radix(text, 16).unwrap();
        (parse(start)..parse(end)).contains(&addr).then(|| rest.split(' ').next().unwrap().to_owned())
    })
}

#[test]
fn memory_comes_and_goes_with_commit_and_decommit() {
    let source = system_pages();
    let page = source.page_size();
    let memory = || process_memory().unwrap();
    let before = memory();

    // Several of both sizes: where the kernel puts one right below the other, the cut is once before the range
    // and once behind it.
    let sizes = [SIZE, SIZE + page].repeat(RANGES);
    let reserve = |size| AddressRange::reserve(source.clone(), size, SIZE).unwrap();
    let mut ranges: Vec<_> = sizes.iter().copied().map(reserve).collect();
    let range = ranges.remove(0);
    let base = range.base().addr().get();
    let reserved = memory();
    let mapped = reserved.mapped - before.mapped;
    let exact = sizes.iter().sum::<usize>() as u64;
    assert!((exact..exact + MOST / 8).contains(&mapped), "what aligning took is given back: {mapped}");
    assert!(reserved.resident - before.resident < MOST / 8, "addresses are not memory");
    assert_eq!(permissions(base).as_deref(), Some("---p"));

    range.commit(0, SIZE).unwrap();
    assert_eq!(permissions(base + SIZE - 1).as_deref(), Some("rw-p"));
    for offset in (0..SIZE).step_by(page) {
        // SAFETY: committed, and nobody else knows of it.
        unsafe { range.base().add(offset).write(1) };
    }
    assert!(memory().resident - reserved.resident >= MOST);

    // SAFETY: there are no references into the range.
    unsafe { range.decommit(page, SIZE - page) }.unwrap();
    assert!(memory().resident - reserved.resident < MOST / 8, "memory goes back at once");
    assert_eq!(permissions(base + page).as_deref(), Some("---p"), "a stray access faults");
    assert_eq!(permissions(base).as_deref(), Some("rw-p"));

    drop(range);
    drop(ranges);
    assert_eq!(permissions(base), None);
    assert!(memory().mapped - before.mapped < SIZE as u64 / 2);
}
