//! What the operating system says about the memory of this process.

/// The memory of a process as the operating system counts it, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProcessMemory {
    /// Mapped addresses, used or not; reserved ranges are part of it.
    pub mapped: u64,
    /// Physical memory in use (RSS), pages shared with other processes included.
    pub resident: u64,
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

#[cfg(target_os = "linux")]
mod linux {
    use super::ProcessMemory;
    use std::{fs::File, io::Read};

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
    mod tests {
        use super::*;

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
