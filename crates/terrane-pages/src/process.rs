//! What the operating system says about the memory of this process.

use core::{fmt, ops::Range};

use terrane_base::Bytes;

/// The memory of a process as the operating system counts it, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessMemory {
    /// Mapped addresses, used or not; reserved ranges are part of it.
    pub mapped: u64,
    /// Physical memory in use (RSS), pages shared with other processes included.
    pub resident: u64,
}

/// `mapped 1.2 GiB, RSS 14 MiB`
impl fmt::Display for ProcessMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mapped {}, RSS {}", Bytes::new(self.mapped), Bytes::new(self.resident))
    }
}

/// The memory of this process; `None` where the system does not say (anything but Linux, or no `/proc`).
///
/// Allocates nothing, so that the answer is not changed by the question.
#[must_use]
pub fn process_memory() -> Option<ProcessMemory> {
    #[cfg(target_os = "linux")]
    return linux::process_memory();
    #[cfg(not(target_os = "linux"))]
    return None;
}

/// How much of these address ranges is in physical memory now; `None` where the system does not say.
///
/// Counts whole mappings: what lies beside a range in the same mapping is counted with it, up to the size of
/// the part that lies inside. Reads a line for each mapping of the process, so it is for reports.
///
/// ```
/// use terrane_pages::{AddressRange, resident_bytes_within, system_pages};
///
/// let range = AddressRange::reserve(system_pages(), 1 << 24, 1 << 12)?;
/// let addresses = range.base().addr().get()..range.base().addr().get() + range.size();
/// range.commit(0, 1 << 20)?;
/// if let Some(resident) = resident_bytes_within(&[addresses]) {
///     assert!(resident <= 1 << 20);
/// }
/// # Ok::<(), terrane_pages::PageError>(())
/// ```
#[must_use]
pub fn resident_bytes_within(ranges: &[Range<usize>]) -> Option<u64> {
    #[cfg(target_os = "linux")]
    return linux::resident_bytes_within(ranges);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = ranges;
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use super::ProcessMemory;
    use core::ops::Range;
    use std::io::{BufRead, BufReader, Read};
    use std::{fs::File, string::String};

    pub(super) fn resident_bytes_within(ranges: &[Range<usize>]) -> Option<u64> {
        sum_resident(BufReader::new(File::open("/proc/self/smaps").ok()?), ranges)
    }

    /// Adds up the `Rss:` lines of the mappings that overlap the ranges (proc(5), smaps).
    pub(super) fn sum_resident(mut text: impl BufRead, ranges: &[Range<usize>]) -> Option<u64> {
        let (mut line, mut inside, mut total) = (String::new(), 0, 0);
        loop {
            line.clear();
            if text.read_line(&mut line).ok()? == 0 {
                return Some(total);
            }
            if let Some(mapping) = mapping_of(&line) {
                inside = ranges.iter().map(|range| overlap(range, &mapping)).sum::<u64>();
            } else if let Some(rest) = line.strip_prefix("Rss:") {
                let kib: u64 = rest.trim().strip_suffix("kB")?.trim().parse().ok()?;
                total += (kib * 1024).min(inside);
            }
        }
    }

    /// The addresses of a mapping, from the line that begins it: `7f00-8000 rw-p …`.
    fn mapping_of(line: &str) -> Option<Range<usize>> {
        let (start, end) = line.split_ascii_whitespace().next()?.split_once('-')?;
        Some(usize::from_str_radix(start, 16).ok()?..usize::from_str_radix(end, 16).ok()?)
    }

    fn overlap(a: &Range<usize>, b: &Range<usize>) -> u64 {
        a.end.min(b.end).saturating_sub(a.start.max(b.start)) as u64
    }

    pub(super) fn process_memory() -> Option<ProcessMemory> {
        // Seven numbers of at most twenty digits each.
        let mut text = [0; 160];
        let len = File::open("/proc/self/statm").ok()?.read(&mut text).ok()?;
        parse_statm(&text[..len], rustix::param::page_size() as u64)
    }

    /// The first two fields of `statm` are the total and the resident size in pages (proc(5)).
    pub(super) fn parse_statm(text: &[u8], page_size: u64) -> Option<ProcessMemory> {
        let mut fields = core::str::from_utf8(text).ok()?.split_ascii_whitespace();
        let mut bytes = || fields.next()?.parse::<u64>().ok()?.checked_mul(page_size);
        Some(ProcessMemory { mapped: bytes()?, resident: bytes()? })
    }

    #[cfg(test)]
    #[expect(clippy::single_range_in_vec_init, reason = "lists of ranges are what is tested")]
    mod tests {
        use super::*;

        #[test]
        fn only_mappings_that_overlap_count_and_no_more_than_their_overlap() {
            let text = "1000-3000 rw-p 00000000 00:00 0 [heap]\nSize:  8 kB\nRss:   8 kB\n\
                        5000-9000 rw-p 00000000 00:00 0\nSize: 16 kB\nRss:  12 kB\nPss: 12 kB\n";
            let sum = |ranges: &[Range<usize>]| sum_resident(text.as_bytes(), ranges);
            assert_eq!(sum(&[0x5000..0x9000]), Some(12 * 1024));
            assert_eq!(sum(&[0x2000..0x3000]), Some(4096));
            assert_eq!(sum(&[0x1000..0x3000, 0x8000..0xF000]), Some(8192 + 4096));
            assert_eq!(sum(&[0x3000..0x5000]), Some(0));
        }

        #[test]
        fn touched_pages_of_a_range_are_counted() {
            use crate::{AddressRange, system_pages};
            let page = system_pages().page_size();
            let range = AddressRange::reserve(system_pages(), 64 * page, page).unwrap();
            range.commit(0, 64 * page).unwrap();
            let base = range.base().addr().get();
            // SAFETY: ten committed pages that nobody else knows of.
            unsafe { range.base().write_bytes(1, 10 * page) };
            let resident = resident_bytes_within(&[base..base + 64 * page]).unwrap();
            assert!((10 * page as u64..=64 * page as u64).contains(&resident), "{resident}");
        }

        #[test]
        fn fields_are_pages() {
            let parsed = parse_statm(b"2500 300 200 5 0 400 0\n", 16384).unwrap();
            assert_eq!((parsed.mapped, parsed.resident), (2500 * 16384, 300 * 16384));
        }

        #[test]
        fn nonsense_is_refused() {
            for text in ["", "2500", "2500 x", "-1 3", "18446744073709551615 1", "2500 \u{fffd}"] {
                assert_eq!(parse_statm(text.as_bytes(), 4096), None, "{text:?}");
            }
            assert_eq!(parse_statm(b"12 \xff", 4096), None);
        }
    }
}
