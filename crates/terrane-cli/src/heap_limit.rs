//! The default heap limit: three quarters of what the machine has, or of what the control group allows
//! where that is less. A program that runs away then ends with an error instead of taking the machine with
//! it.
//!
//! Control groups (version 2, Linux): every group of the path in `/proc/self/cgroup` may have a limit in
//! its `memory.max`; the lowest on the way to the root counts.

use std::fs;
use std::path::{Component, Path};

use terrane_base::Bytes;

/// Three quarters of the memory that this process can hope for; `None` where the system does not say.
pub(crate) fn default_heap_limit() -> Option<Bytes> {
    let machine = fs::read_to_string("/proc/meminfo").ok().and_then(|text| total_memory(&text));
    let group = fs::read_to_string("/proc/self/cgroup")
        .ok()
        .and_then(|text| group_limit(Path::new("/sys/fs/cgroup"), own_group(&text)?));
    let available = machine.into_iter().chain(group).min()?;
    Some(Bytes::new(available / 4 * 3))
}

/// `MemTotal` of `/proc/meminfo`, in bytes.
fn total_memory(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kib.checked_mul(1024)
}

/// The path of the process's group in the version 2 hierarchy, the line `0::/path`.
fn own_group(cgroup: &str) -> Option<&str> {
    cgroup.lines().find_map(|line| line.strip_prefix("0::"))
}

/// The lowest `memory.max` (bytes) of the group and of the groups around it.
fn group_limit(root: &Path, group: &str) -> Option<u64> {
    let mut folder = root.to_owned();
    let mut lowest = limit_of(&folder);
    for component in Path::new(group).components() {
        // A `..` means that the group lies outside what this process can see.
        if let Component::Normal(name) = component {
            folder.push(name);
            lowest = lowest.into_iter().chain(limit_of(&folder)).min();
        }
    }
    lowest
}

/// The limit of one group; `None` when it has none (the file says `max`, or is not there).
fn limit_of(folder: &Path) -> Option<u64> {
    fs::read_to_string(folder.join("memory.max")).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn total_memory_is_given_in_kib() {
        let meminfo = "MemTotal:       16318772 kB\nMemFree:         1 kB\n";
        assert_eq!(total_memory(meminfo), Some(16_318_772 * 1024));
        assert_eq!(total_memory("MemFree: 1 kB\n"), None);
        assert_eq!(total_memory("MemTotal: many kB\n"), None);
    }

    #[test]
    fn the_group_is_that_of_version_2() {
        assert_eq!(own_group("4:memory:/old\n0::/user.slice/app\n"), Some("/user.slice/app"));
        assert_eq!(own_group("4:memory:/old\n"), None);
    }

    #[test]
    fn the_lowest_limit_on_the_way_to_the_root_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("user.slice/app");
        fs::create_dir_all(&inner).unwrap();
        assert_eq!(group_limit(root.path(), "/user.slice/app"), None);
        fs::write(inner.join("memory.max"), "max\n").unwrap();
        assert_eq!(group_limit(root.path(), "/user.slice/app"), None);
        fs::write(inner.join("memory.max"), "9000\n").unwrap();
        assert_eq!(group_limit(root.path(), "/user.slice/app"), Some(9000));
        fs::write(root.path().join("user.slice/memory.max"), "8000\n").unwrap();
        assert_eq!(group_limit(root.path(), "/user.slice/app"), Some(8000));
        assert_eq!(group_limit(root.path(), "/../elsewhere"), None);
    }
}
