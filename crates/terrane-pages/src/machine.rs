//! What this machine grants a program that wants memory: for people who wonder why it does not get some.

use core::fmt;
use std::{fs, path::Path, vec::Vec};

use terrane_base::Bytes;

use crate::{Cgroup, StallShares, system_limit};

/// What this machine says about its memory. What it does not say is `None`, and is printed as "unknown".
///
/// ```
/// use std::path::Path;
/// use terrane_pages::MachineMemory;
///
/// let machine = MachineMemory::read(Path::new("/"));
/// assert!(machine.page_size.is_power_of_two());
/// println!("{machine}");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MachineMemory {
    /// The size of a page in bytes.
    pub page_size: usize,
    /// Physical memory.
    pub total: Option<Bytes>,
    /// What new programs could have of it without swapping.
    pub available: Option<Bytes>,
    /// When huge pages are used for ordinary memory.
    pub transparent_huge_pages: Option<TransparentHugePages>,
    /// Pools of huge pages that have to be asked for, smallest pages first.
    pub huge_pools: Vec<HugePool>,
    /// How much a process may lock in physical memory.
    pub lock_limit: Option<LockLimit>,
    /// Whether more memory is promised than there is.
    pub overcommit: Option<Overcommit>,
    /// The tightest `memory.max` of the process's cgroups (version 2); `None` where there is none or no such cgroups.
    pub cgroup_max: Option<Bytes>,
    /// Whether memory is limited by cgroups of version 2 at all.
    pub has_cgroup: bool,
    /// The machine's stall information, where the kernel has it.
    pub stalls: Option<StallShares>,
}

/// When Linux uses huge pages for ordinary memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransparentHugePages {
    /// Wherever it can.
    Always,
    /// Where a program advises it to.
    Advised,
    /// Never.
    Never,
}

/// Huge pages of one size that are set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HugePool {
    /// The size of each in bytes.
    pub page_size: usize,
    /// How many there are.
    pub pages: u64,
    /// How many nobody has.
    pub free: u64,
}

/// How much a process may lock in physical memory. [`Bytes::MAX`] is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LockLimit {
    /// The limit that counts.
    pub soft: Bytes,
    /// Up to where the process may raise it.
    pub hard: Bytes,
}

/// Whether Linux promises more memory than there is (`vm.overcommit_memory`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Overcommit {
    /// Unless it is obviously too much.
    Heuristic,
    /// Without a limit.
    Always,
    /// Not beyond a limit, in which reserved addresses do not count.
    Never,
}

impl MachineMemory {
    /// Asks the system below `root` (`/` for the real one). Elsewhere than on Linux only the page size is known.
    #[must_use]
    pub fn read(root: &Path) -> Self {
        let text = |file: &str| fs::read_to_string(root.join(file)).ok();
        let meminfo = text("proc/meminfo").unwrap_or_default();
        let thp = text("sys/kernel/mm/transparent_hugepage/enabled");
        Self {
            page_size: crate::system_pages().page_size(),
            total: kib_of(&meminfo, "MemTotal:"),
            available: kib_of(&meminfo, "MemAvailable:"),
            transparent_huge_pages: thp.as_deref().and_then(parse_transparent),
            huge_pools: huge_pools(&root.join("sys/kernel/mm/hugepages")),
            lock_limit: text("proc/self/limits").as_deref().and_then(parse_lock_limit),
            overcommit: text("proc/sys/vm/overcommit_memory").as_deref().and_then(parse_overcommit),
            cgroup_max: system_limit(root),
            has_cgroup: Cgroup::of_this_process(root).is_some(),
            stalls: text("proc/pressure/memory").and_then(|text| text.parse().ok()),
        }
    }
}

/// The memory that this process can hope for, in the system below `root`: what the machine has, or what the control groups allow where that
/// is less. `None` where the system does not say.
///
/// ```
/// use std::path::Path;
///
/// if let Some(usable) = terrane_pages::usable_memory(Path::new("/")) {
///     println!("{usable}");
/// }
/// ```
#[must_use]
pub fn usable_memory(root: &Path) -> Option<Bytes> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).unwrap_or_default();
    kib_of(&meminfo, "MemTotal:").into_iter().chain(system_limit(root)).min()
}

fn kib_of(meminfo: &str, name: &str) -> Option<Bytes> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix(name))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok().map(Bytes::from_kib)
}

/// All modes, with the present one in brackets.
fn parse_transparent(modes: &str) -> Option<TransparentHugePages> {
    match modes.split_once('[')?.1.split_once(']')?.0 {
        "always" => Some(TransparentHugePages::Always),
        "madvise" => Some(TransparentHugePages::Advised),
        "never" => Some(TransparentHugePages::Never),
        _ => None,
    }
}

/// A folder `hugepages-2048kB` for each size.
fn huge_pools(folder: &Path) -> Vec<HugePool> {
    let folders = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut pools: Vec<HugePool> = folders
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let kib: usize = name.strip_prefix("hugepages-")?.strip_suffix("kB")?.parse().ok()?;
            let count = |file: &str| fs::read_to_string(entry.path().join(file)).ok()?.trim().parse().ok();
            let (pages, free) = (count("nr_hugepages")?, count("free_hugepages")?);
            Some(HugePool { page_size: kib.checked_mul(1024)?, pages, free })
        })
        .collect();
    pools.sort_by_key(|pool| pool.page_size);
    pools
}

/// The line `Max locked memory  SOFT  HARD  bytes` (proc(5), limits).
fn parse_lock_limit(limits: &str) -> Option<LockLimit> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max locked memory"))?;
    let mut words = line.split_ascii_whitespace();
    let mut amount = || match words.next()? {
        "unlimited" => Some(Bytes::MAX),
        number => number.parse::<u64>().ok().map(Bytes::new),
    };
    Some(LockLimit { soft: amount()?, hard: amount()? })
}

fn parse_overcommit(mode: &str) -> Option<Overcommit> {
    match mode.trim() {
        "0" => Some(Overcommit::Heuristic),
        "1" => Some(Overcommit::Always),
        "2" => Some(Overcommit::Never),
        _ => None,
    }
}

/// One line for each figure.
impl fmt::Display for MachineMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "page size         {}", Bytes::from_usize(self.page_size))?;
        writeln!(f, "memory            {}, {} available", Known(self.total), Known(self.available))?;
        let transparent = self.transparent_huge_pages.map_or("unknown", |mode| match mode {
            TransparentHugePages::Always => "always",
            TransparentHugePages::Advised => "where advised",
            TransparentHugePages::Never => "never",
        });
        writeln!(f, "huge pages        {transparent}")?;
        for pool in &self.huge_pools {
            let size = Bytes::from_usize(pool.page_size);
            writeln!(f, "pool of {size:<9} {} pages, {} free", pool.pages, pool.free)?;
        }
        match self.lock_limit {
            Some(limit) => {
                let (soft, hard) = (Limit(limit.soft), Limit(limit.hard));
                writeln!(f, "lock limit        {soft} (hard limit {hard}), for unprivileged processes")?
            }
            None => writeln!(f, "lock limit        unknown")?,
        }
        let overcommit = self.overcommit.map_or("unknown", |mode| match mode {
            Overcommit::Heuristic => "unless obviously too much",
            Overcommit::Always => "always",
            Overcommit::Never => "never",
        });
        writeln!(f, "overcommit        {overcommit}")?;
        match (self.has_cgroup, self.cgroup_max) {
            (true, limit) => writeln!(f, "cgroup limit      {}", Limit(limit.unwrap_or(Bytes::MAX)))?,
            (false, _) => writeln!(f, "cgroup limit      no memory controller of version 2")?,
        }
        match self.stalls {
            Some(shares) => writeln!(f, "memory stalls     {shares} of 10 s"),
            None => writeln!(f, "memory stalls     unknown"),
        }
    }
}

struct Known(Option<Bytes>);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(amount) => amount.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

pub(crate) struct Limit(pub(crate) Bytes);

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Bytes::MAX => f.write_str("unlimited"),
            amount => amount.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn formats_of_the_kernel_are_read_and_nothing_else() {
        assert_eq!(parse_transparent("always [madvise] never\n"), Some(TransparentHugePages::Advised));
        assert_eq!(parse_transparent("[always] madvise never"), Some(TransparentHugePages::Always));
        assert_eq!(parse_transparent("always madvise [never]"), Some(TransparentHugePages::Never));
        assert_eq!([parse_transparent(""), parse_transparent("[")], [None; 2]);
        let limits = "Limit      Soft Limit  Hard Limit  Units\nMax locked memory         8388608              unlimited            bytes\n";
        assert_eq!(parse_lock_limit(limits), Some(LockLimit { soft: Bytes::from_mib(8), hard: Bytes::MAX }));
        assert_eq!(parse_lock_limit("Max locked memory 12"), None);
        assert_eq!(parse_overcommit("2\n"), Some(Overcommit::Never));
        assert_eq!(parse_overcommit("3"), None);
        assert_eq!(kib_of("MemTotal:  16 kB\n", "MemTotal:"), Some(Bytes::from_kib(16)));
        assert_eq!(kib_of("MemTotal:  16\n", "MemTotal:"), None);
    }

    #[test]
    fn what_is_not_known_is_said_to_be() {
        let folder = tempfile::tempdir().unwrap();
        let report = MachineMemory::read(folder.path()).to_string();
        assert_eq!(report.matches("unknown").count(), 6, "{report}");
        assert!(report.contains("no memory controller"));
    }

    #[test]
    fn pools_are_listed_by_size() {
        let folder = tempfile::tempdir().unwrap();
        for (size, pages) in [("1048576", "1"), ("2048", "512"), ("x", "3")] {
            let pool = folder.path().join(std::format!("sys/kernel/mm/hugepages/hugepages-{size}kB"));
            fs::create_dir_all(&pool).unwrap();
            fs::write(pool.join("nr_hugepages"), pages).unwrap();
            fs::write(pool.join("free_hugepages"), "1\n").unwrap();
        }
        let machine = MachineMemory::read(folder.path());
        let sizes: Vec<_> =
            machine.huge_pools.iter().map(|pool| (pool.page_size, pool.pages, pool.free)).collect();
        assert_eq!(sizes, [(2 << 20, 512, 1), (1 << 30, 1, 1)]);
        assert!(
            machine
                .to_string()
                .contains("pool of 2 MiB     512 pages, 1 free\npool of 1 GiB     1 pages, 1 free\n")
        );
    }
}
