//! What the system grants when it is really asked, beside what it says that it would.
//!
//! A setting is a promise of the administrator, not of the kernel: huge pages may be allowed and none be free, a limit on
//! locked memory may be raised for this process alone, and addresses may be limited where nobody thought of it. So each
//! thing is asked for once, looked at, and given back.

use core::fmt;
use std::path::Path;

use terrane_base::Bytes;

use crate::{AddressRange, HUGE_PAGE_SIZE, HugePages, system_limit, system_pages};

/// The most addresses that are asked for: 1 TiB.
const MOST_ADDRESSES: u64 = 1 << 40;
/// The most memory that is locked for a trial: what is locked is there, and where the control group has no room for it, the kernel would
/// end a process. So it is a small part of what the group allows, too.
const MOST_LOCKED: u64 = 64 << 20;
const PART_OF_GROUP: u64 = 8;
/// Memory that is touched to see on which pages it comes.
const HUGE_TRIAL: usize = 2 * HUGE_PAGE_SIZE;

/// What was granted to this process, just now.
///
/// ```
/// use terrane_pages::PageTrial;
///
/// let trial = PageTrial::run();
/// assert!(trial.addresses.as_usize() > 0);
/// println!("{trial}");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PageTrial {
    /// The longest contiguous range of addresses that could be reserved, as a power of two, at most 1 TiB.
    pub addresses: Bytes,
    /// What became of the request for huge pages.
    pub huge: HugePages,
    /// Of 4 MiB that were asked for on huge pages and touched: how much came on them. `None` where the system does not tell.
    pub huge_bytes: Option<Bytes>,
    /// The most memory that could be locked at once, as a power of two, at most as much as was asked for; 0 where not even a page.
    pub locked: Bytes,
    /// The most that was asked for: 64 MiB, or an eighth of what the control group allows, where that is less.
    pub lock_asked: Bytes,
}

impl PageTrial {
    /// Asks for everything once, and gives it back. Touches 4 MiB, locks up to 64 MiB for a moment (never more than an eighth of what the
    /// control group allows), and takes some milliseconds.
    #[must_use]
    pub fn run() -> Self {
        let (huge, huge_bytes) = try_huge();
        let lock_asked = lock_trial(system_limit(Path::new("/")));
        let locked = most_locked(lock_asked);
        Self { addresses: most_addresses(), huge, huge_bytes, locked, lock_asked }
    }
}

/// Halves the request until it is granted.
fn most_addresses() -> Bytes {
    let source = system_pages();
    if !source.reserves_lazily() {
        return Bytes::from_usize(source.page_size());
    }
    let mut bytes = usize::try_from(MOST_ADDRESSES).unwrap_or(1 << 30);
    while bytes > source.page_size() && AddressRange::reserve(source.clone(), bytes, 1).is_err() {
        bytes /= 2;
    }
    Bytes::from_usize(bytes)
}

fn try_huge() -> (HugePages, Option<Bytes>) {
    let Ok((range, answer)) = AddressRange::reserve_huge(HUGE_TRIAL) else {
        return (HugePages::Unavailable, None);
    };
    if range.commit(0, range.size()).is_err() {
        return (answer, None);
    }
    for offset in (0..range.size()).step_by(range.source().page_size()) {
        // SAFETY: within the range, all of which is committed, and nobody else knows of it.
        unsafe { range.base().add(offset).write_volatile(1) };
    }
    let bytes = match answer {
        HugePages::Granted { .. } => Some(range.size()),
        HugePages::Advised | HugePages::Unavailable => range.huge_bytes(),
    };
    (answer, bytes.map(Bytes::from_usize))
}

/// How much to lock where the control group has this limit: a power of two.
fn lock_trial(limit: Option<Bytes>) -> Bytes {
    let part = limit.map_or(MOST_LOCKED, |limit| limit.as_u64() / PART_OF_GROUP).min(MOST_LOCKED);
    Bytes::new(part.checked_ilog2().map_or(0, |power| 1 << power))
}

/// Halves the request until it is granted.
fn most_locked(asked: Bytes) -> Bytes {
    let mut bytes = asked.as_usize();
    while bytes >= system_pages().page_size() {
        if try_lock(bytes) {
            return Bytes::from_usize(bytes);
        }
        bytes /= 2;
    }
    Bytes::ZERO
}

fn try_lock(bytes: usize) -> bool {
    let Ok(range) = AddressRange::reserve(system_pages(), bytes, 1) else { return false };
    // SAFETY: the whole range, which is committed first; dropping it unlocks it.
    range.commit(0, bytes).is_ok() && unsafe { range.lock(0, bytes) }.is_ok()
}

/// One line for each figure, in the columns of [`MachineMemory`](crate::MachineMemory).
impl fmt::Display for PageTrial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "addresses         {} in one piece", self.addresses)?;
        let answer = match self.huge {
            HugePages::Granted { page_size } => {
                return writeln!(f, "huge pages        granted, {} each", Bytes::from_usize(page_size))
                    .and_then(|()| self.fmt_locked(f));
            }
            HugePages::Advised => "advice taken",
            HugePages::Unavailable => "none",
        };
        let total = Bytes::from_usize(HUGE_TRIAL);
        match self.huge_bytes {
            Some(bytes) => writeln!(f, "huge pages        {answer}; {bytes} of {total} came on them")?,
            None => writeln!(f, "huge pages        {answer}")?,
        }
        self.fmt_locked(f)
    }
}

impl PageTrial {
    fn fmt_locked(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.locked >= self.lock_asked { "at least " } else { "" };
        writeln!(f, "locked            {more}{}", self.locked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::string::ToString;

    #[test]
    fn what_is_found_is_in_bounds() {
        let trial = PageTrial::run();
        let addresses = trial.addresses.as_u64();
        assert!(addresses.is_power_of_two() && addresses <= MOST_ADDRESSES);
        assert!(trial.locked == Bytes::ZERO || trial.locked.as_u64().is_power_of_two());
        assert!(trial.huge_bytes.is_none_or(|bytes| bytes.as_usize() <= HUGE_TRIAL));
    }

    #[test]
    fn what_was_granted_is_given_back() {
        let first = most_addresses();
        // Kept, they would be 256 TiB, more than a process has.
        assert!((0..256).all(|_| most_addresses() == first));
        let asked = lock_trial(None);
        let locked = most_locked(asked);
        assert!((0..16).all(|_| most_locked(asked) == locked));
    }

    /// All of the trial is memory that is there: a small container must survive it.
    #[test]
    fn a_small_control_group_is_not_filled() {
        assert_eq!(lock_trial(None), Bytes::from_mib(64));
        for (limit, asked) in
            [(Bytes::from_gib(8), Bytes::from_mib(64)), (Bytes::from_mib(64), Bytes::from_mib(8))]
        {
            assert_eq!(lock_trial(Some(limit)), asked);
        }
        assert_eq!(lock_trial(Some(Bytes::new(50_000_000))), Bytes::from_mib(4));
        assert_eq!(lock_trial(Some(Bytes::new(7))), Bytes::ZERO);
        assert_eq!(most_locked(Bytes::ZERO), Bytes::ZERO);
    }

    #[test]
    fn each_answer_has_its_words() {
        let mut trial = PageTrial {
            addresses: Bytes::from_gib(1),
            huge: HugePages::Granted { page_size: 2 << 20 },
            huge_bytes: Some(Bytes::from_mib(4)),
            locked: Bytes::from_mib(64),
            lock_asked: Bytes::from_mib(64),
        };
        let text = trial.to_string();
        assert!(text.contains("1 GiB in one piece\n"), "{text}");
        assert!(text.contains("granted, 2 MiB each\nlocked            at least 64 MiB\n"), "{text}");
        trial.huge = HugePages::Advised;
        trial.huge_bytes = Some(Bytes::from_mib(2));
        trial.locked = Bytes::from_kib(64);
        let text = trial.to_string();
        assert!(
            text.contains("advice taken; 2 MiB of 4 MiB came on them\nlocked            64 KiB\n"),
            "{text}"
        );
        trial.huge = HugePages::Unavailable;
        trial.huge_bytes = None;
        assert!(trial.to_string().contains("huge pages        none\n"));
    }
}
