//! The most memory a process ever had resident.

/// The peak of this process's resident memory in bytes (`VmHWM`); `None` where the system does not say.
#[must_use]
pub fn peak_bytes() -> Option<u64> {
    peak_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

/// The figure in the text of `/proc/self/status` (proc_pid_status(5)).
fn peak_in(status: &str) -> Option<u64> {
    let figure = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = figure.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_is_read_from_its_line() {
        assert_eq!(
            peak_in("Name:\tbench\nVmPeak:\t 9 kB\nVmHWM:\t    1204 kB\nVmRSS:\t 7 kB\n"),
            Some(1204 * 1024)
        );
    }

    #[test]
    fn a_status_without_the_line_has_no_peak() {
        assert_eq!(peak_in("Name:\tbench\n"), None);
        assert_eq!(peak_in("VmHWM:\tmuch\n"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_a_peak() {
        assert!(peak_bytes().unwrap() > 100_000);
    }
}
