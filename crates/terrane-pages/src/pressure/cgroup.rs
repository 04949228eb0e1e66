//! The memory limits of the cgroup that this process belongs to, and of all above it.
//!
//! Only version 2 is read. With version 1 (or a mixture, where the memory controller is of version 1) there are no `memory.max` files
//! in the unified tree, and so there is no limit to find: the answer is that there is none, not a guess.

use core::fmt;
use std::{
    fs,
    path::{Path, PathBuf},
    string::String,
    vec::Vec,
};

use terrane_base::Bytes;

use crate::machine::Limit;

/// The cgroup of a process and those above it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    /// The folder of each, from that of the process up to the mount point.
    folders: Vec<PathBuf>,
}

/// What a cgroup allows, and what it uses, with all processes in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CgroupLimits {
    /// `memory.max`: beyond it processes are killed. [`Bytes::MAX`] where there is none.
    pub max: Bytes,
    /// `memory.high`: beyond it processes are slowed down. [`Bytes::MAX`] where there is none.
    pub high: Bytes,
    /// `memory.current`, the page cache included.
    pub current: Bytes,
}

/// How often something happened in a cgroup and below it (`memory.events`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemoryEvents {
    /// Processes were slowed down because `memory.high` was exceeded.
    pub high: u64,
    /// An allocation was about to exceed `memory.max`.
    pub max: u64,
    /// An allocation failed for it.
    pub oom: u64,
}

/// `14 MiB of 64 MiB, high 48 MiB`
impl fmt::Display for CgroupLimits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}, high {}", self.current, Limit(self.max), Limit(self.high))
    }
}

/// `high 3, max 1, oom 0`
impl fmt::Display for MemoryEvents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "high {}, max {}, oom {}", self.high, self.max, self.oom)
    }
}

impl Cgroup {
    /// The cgroup of this process, in the system below `root` (`/` for the real one). `None` where there is no tree of version 2, or
    /// no memory controller in it.
    ///
    /// ```
    /// use std::path::Path;
    /// use terrane_pages::Cgroup;
    ///
    /// match Cgroup::of_this_process(Path::new("/")) {
    ///     Some(cgroup) => println!("at most {}", cgroup.tightest_max()),
    ///     None => println!("no cgroup limits memory"),
    /// }
    /// ```
    #[must_use]
    pub fn of_this_process(root: &Path) -> Option<Self> {
        let membership = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
        let inside = path_in_tree(&membership)?;
        ["sys/fs/cgroup", "sys/fs/cgroup/unified"]
            .iter()
            .map(|mount| Self::below(&root.join(mount), &inside))
            .find(Self::has_memory_controller)
    }

    fn below(mount: &Path, inside: &Path) -> Self {
        let steps: Vec<&Path> = inside.ancestors().collect();
        Self { folders: steps.into_iter().map(|step| mount.join(step)).collect() }
    }

    /// The root of all has no `memory.max`, but only there the file is missing.
    fn has_memory_controller(&self) -> bool {
        self.folders.iter().any(|folder| folder.join("memory.max").is_file())
    }

    /// The smallest `memory.max` on the way up; [`Bytes::MAX`] where there is none.
    #[must_use]
    pub fn tightest_max(&self) -> Bytes {
        self.limits().map(|limits| limits.max).min().unwrap_or(Bytes::MAX)
    }

    /// The limits of each cgroup that has any, from that of the process up.
    pub fn limits(&self) -> impl Iterator<Item = CgroupLimits> + '_ {
        self.folders.iter().filter_map(|folder| {
            let amount = |name: &str| parse_amount(&fs::read_to_string(folder.join(name)).ok()?);
            let (max, high) = (amount("memory.max"), amount("memory.high"));
            let current = amount("memory.current")?;
            let limits =
                CgroupLimits { max: max.unwrap_or(Bytes::MAX), high: high.unwrap_or(Bytes::MAX), current };
            (max.is_some() || high.is_some()).then_some(limits)
        })
    }

    /// What happened so far, the sum over all cgroups on the way up. (The counters of one include those below it, so an event
    /// may count more than once; what matters is that the sum rises.)
    #[must_use]
    pub fn events(&self) -> MemoryEvents {
        let mut sum = MemoryEvents::default();
        for folder in &self.folders {
            if let Ok(text) = fs::read_to_string(folder.join("memory.events")) {
                sum.add(&text);
            }
        }
        sum
    }

    /// The file with the cgroup's own stall information, where the kernel has one.
    #[must_use]
    pub fn stall_file(&self) -> Option<PathBuf> {
        let file = self.folders.first()?.join("memory.pressure");
        file.is_file().then_some(file)
    }
}

impl MemoryEvents {
    /// Lines of a name and a number.
    fn add(&mut self, text: &str) {
        for line in text.lines() {
            let Some((name, number)) = line.split_once(' ') else { continue };
            let number: u64 = number.trim().parse().unwrap_or(0);
            let counter = match name {
                "high" => &mut self.high,
                "max" => &mut self.max,
                "oom" => &mut self.oom,
                _ => continue,
            };
            *counter = counter.saturating_add(number);
        }
    }
}

/// The path of the process in the tree of version 2: the line `0::/path` (cgroups(7)). A process outside of the part of the tree that it
/// can see has a path that begins with `/..`; then only the mount point is looked at.
fn path_in_tree(membership: &str) -> Option<PathBuf> {
    let path = membership.lines().find_map(|line| line.strip_prefix("0::/"))?;
    // A cgroup that was removed while the process is in it.
    let path = Path::new(path.strip_suffix(" (deleted)").unwrap_or(path));
    let plain = path.components().all(|part| matches!(part, std::path::Component::Normal(_)));
    Some(if plain { path.to_path_buf() } else { PathBuf::new() })
}

/// A number of bytes, or `max` for no limit.
fn parse_amount(text: &str) -> Option<Bytes> {
    match text.trim() {
        "max" => Some(Bytes::MAX),
        number => {
            let parsed: Result<u64, _> = number.parse::<u64>();
            parsed.ok().map(Bytes::new)
        }
    }
}

/// The limit that the system sets to this process by cgroups, in the system below `root`; `None` where there is none. What a
/// program's root budget should have for a limit where nobody says otherwise, less what the program needs beside it.
///
/// ```
/// use std::path::Path;
/// use terrane_base::{Budget, Bytes};
///
/// let budget = Budget::root(terrane_pages::system_limit(Path::new("/")).unwrap_or(Bytes::MAX));
/// # let _ = budget;
/// ```
#[must_use]
pub fn system_limit(root: &Path) -> Option<Bytes> {
    let limit = Cgroup::of_this_process(root)?.tightest_max();
    (limit < Bytes::MAX).then_some(limit)
}

/// The text of a small file; `None` when it cannot be read.
pub(super) fn text_of(file: &Path) -> Option<String> {
    fs::read_to_string(file).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_that_of_version_2() {
        let path = |text: &str| path_in_tree(text);
        assert_eq!(path("0::/\n"), Some(PathBuf::new()));
        assert_eq!(path("4:memory:/a\n0::/user.slice/b:c\n"), Some("user.slice/b:c".into()));
        assert_eq!(path("0::/gone (deleted)\n"), Some("gone".into()));
        assert_eq!(path("0::/../../other\n"), Some(PathBuf::new()), "out of sight");
        assert_eq!(path("4:memory:/a\n"), None);
        assert_eq!(path(""), None);
    }

    #[test]
    fn amounts_are_numbers_or_max() {
        assert_eq!(parse_amount("max\n"), Some(Bytes::MAX));
        assert_eq!(parse_amount("67108864\n"), Some(Bytes::from_mib(64)));
        for text in ["", "-1", "12k", "99999999999999999999"] {
            assert_eq!(parse_amount(text), None, "{text:?}");
        }
    }

    #[test]
    fn events_are_added_and_nonsense_is_not() {
        let mut events = MemoryEvents::default();
        events.add("low 1\nhigh 2\nmax 3\noom 4\noom_kill 5\n");
        events.add("high 10\nmax x\noom\n");
        assert_eq!(events, MemoryEvents { high: 12, max: 3, oom: 4 });
    }
}
