//! How much memory a process has resident, and the most it ever had.

/// The peak of this process's resident memory in bytes (`VmHWM`); `None` where the system does not say.
#[must_use]
pub fn peak_bytes() -> Option<u64> {
    bytes_in(&std::fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// This process's resident memory now, in bytes (`VmRSS`); `None` where the system does not say.
#[must_use]
pub fn bytes() -> Option<u64> {
    bytes_in(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

/// The figure of a line in the text of `/proc/self/status` (proc_pid_status(5)).
fn bytes_in(status: &str, name: &str) -> Option<u64> {
    let figure = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kib: u64 = figure.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_from_their_lines() {
        let status = "Name:\tbench\nVmPeak:\t 9 kB\nVmHWM:\t    1204 kB\nVmRSS:\t 7 kB\n";
        assert_eq!(bytes_in(status, "VmHWM:"), Some(1204 * 1024));
        assert_eq!(bytes_in(status, "VmRSS:"), Some(7 * 1024));
    }

    #[test]
    fn a_status_without_the_line_has_no_figure() {
        assert_eq!(bytes_in("Name:\tbench\n", "VmHWM:"), None);
        assert_eq!(bytes_in("VmHWM:\tmuch\n", "VmHWM:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_peak_is_no_less_than_what_is_resident() {
        let now = bytes().unwrap();
        assert!(now > 100_000);
        assert!(peak_bytes().unwrap() >= now);
    }
}
