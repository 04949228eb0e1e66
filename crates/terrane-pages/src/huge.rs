//! Huge pages: asked for, and honestly reported.
//!
//! Linux gives huge pages behind the program's back ("transparent huge pages"). A program can advise it to for a range; the
//! call succeeds also where the system's administrator has switched the feature off, and even where it is on the kernel
//! may have no free huge page. So there are two answers here: what was asked for ([`HugePages`]), and how many bytes are on
//! huge pages now ([`AddressRange::huge_bytes`](crate::AddressRange::huge_bytes)).

/// What became of the advice to use huge pages.
///
/// ```
/// use terrane_pages::{AddressRange, HeapPages, HugePages};
///
/// let source = std::sync::Arc::new(HeapPages::new());
/// let range = AddressRange::reserve(source, 1 << 22, 1 << 21)?;
/// assert_eq!(range.advise_huge(), HugePages::Unavailable, "the global allocator has none");
/// # Ok::<(), terrane_pages::PageError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HugePages {
    /// Every page is huge: they were set aside for this when it was reserved.
    Granted {
        /// The size of each in bytes.
        page_size: usize,
    },
    /// The system has taken the advice. It will use huge pages where it has some.
    Advised,
    /// This source, system or configuration has no huge pages to give.
    Unavailable,
}

/// The size of a huge page on the systems that have them, as far as ranges are aligned for their sake.
pub const HUGE_PAGE_SIZE: usize = 2 << 20;

/// Whether the administrator lets programs have transparent huge pages at all.
#[cfg(all(feature = "os", any(target_os = "linux", target_os = "android")))]
pub(crate) fn allowed_by_system() -> bool {
    std::fs::read_to_string("/sys/kernel/mm/transparent_hugepage/enabled").is_ok_and(|modes| allows(&modes))
}

/// The file names all modes, with the present one in brackets.
#[cfg(feature = "os")]
#[cfg_attr(
    not(any(target_os = "linux", target_os = "android", test)),
    expect(dead_code, reason = "Linux asks")
)]
fn allows(modes: &str) -> bool {
    modes.contains("[always]") || modes.contains("[madvise]")
}

/// How many bytes between two addresses are on huge pages, by the kernel's own account of each mapping. A mapping that lies only
/// partly between them counts as a whole, up to the part that does. `None` where there is no such account.
#[cfg(feature = "os")]
pub(crate) fn huge_bytes(start: usize, end: usize) -> Option<usize> {
    let account = std::fs::read_to_string("/proc/self/smaps").ok()?;
    Some(huge_bytes_in(&account, start, end))
}

/// Reads an account in the format of Linux's `/proc/PID/smaps` (see proc(5)): a line `START-END …` opens a mapping, and a
/// line `AnonHugePages: N kB` says how much of it is on huge pages.
#[cfg(feature = "os")]
fn huge_bytes_in(account: &str, start: usize, end: usize) -> usize {
    let mut inside = 0;
    let mut sum = 0;
    for line in account.lines() {
        let mut words = line.split_ascii_whitespace();
        let first = words.next().unwrap_or("");
        if let Some((from, to)) = first.split_once('-')
            && let (Ok(from), Ok(to)) = (usize::from_str_radix(from, 16), usize::from_str_radix(to, 16))
        {
            inside = to.min(end).saturating_sub(from.max(start));
        } else if first == "AnonHugePages:"
            && let Some(kib) = words.next().and_then(|kib| kib.parse::<usize>().ok())
        {
            sum += kib.saturating_mul(1024).min(inside);
        }
    }
    sum
}

#[cfg(all(test, feature = "os"))]
mod tests {
    use super::*;

    #[test]
    fn the_mode_is_what_stands_in_brackets() {
        assert!(allows("always [madvise] never\n") && allows("[always] madvise never"));
        assert!(!allows("always madvise [never]\n") && !allows(""));
    }

    #[test]
    fn only_mappings_within_the_range_count() {
        let account = "\
            00400000-00800000 rw-p 00000000 00:00 0\n\
            Size:               4096 kB\n\
            AnonHugePages:      2048 kB\n\
            00800000-00a00000 rw-p 00000000 00:00 0 [heap]\n\
            AnonHugePages:      2048 kB\n\
            7f0000000000-7f0000200000 rw-p 00000000 00:00 0\n\
            AnonHugePages:         x kB\n";
        assert_eq!(huge_bytes_in(account, 0x40_0000, 0xa0_0000), 4 << 20);
        assert_eq!(huge_bytes_in(account, 0x80_0000, 0x90_0000), 1 << 20);
        assert_eq!(huge_bytes_in(account, 0xa0_0000, usize::MAX), 0);
    }
}
