//! The table of options. A row is a name, a kind with its bounds, the default, and the text for people; the macro makes of it the field of
//! [`MemoryConfig`], the row of [`OPTIONS`] and the setter of [`ConfigLayer`].

use terrane_base::Bytes;

use super::{ConfigLayer, OptionKind};

/// Requests below this many bytes go to the pools where nothing else is set: 4 KiB.
pub const SMALL_THRESHOLD: u64 = 4 << 10;

/// Requests from this many bytes on go to the system where nothing else is set: 256 KiB.
pub const LARGE_THRESHOLD: u64 = 256 << 10;

/// The least that a system can be given: 64 KiB.
pub(crate) const LEAST_MEMORY: u64 = 64 << 10;

/// Each value is stored as one number.
trait Field: Copy {
    fn to_raw(self) -> u64;
    fn from_raw(raw: u64) -> Self;
}

macro_rules! fields {
    ($($type:ty),*) => {$(
        impl Field for $type {
            fn to_raw(self) -> u64 {
                self as u64
            }
            fn from_raw(raw: u64) -> Self {
                raw as $type
            }
        }
    )*};
}
fields!(u64, usize, u8);

impl Field for bool {
    fn to_raw(self) -> u64 {
        u64::from(self)
    }
    fn from_raw(raw: u64) -> Self {
        raw != 0
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ConfigOption {
    /// The name: of the field, of the key in a file, and, in capitals after `TERRANE_`, of the variable.
    pub name: &'static str,
    /// What values it takes.
    pub kind: OptionKind,
    /// What it is for.
    pub doc: &'static str,
    read: fn(&MemoryConfig) -> u64,
    write: fn(&mut MemoryConfig, u64),
}

impl ConfigOption {
    /// The name of its environment variable.
    #[must_use]
    pub fn variable(&self) -> String {
        format!("TERRANE_{}", self.name.to_uppercase())
    }

    /// Its value in `config`, as it would be written.
    #[must_use]
    pub fn show_in(&self, config: &MemoryConfig) -> String {
        self.kind.show(self.raw_in(config))
    }

    /// Its default, as it would be written.
    #[must_use]
    pub fn default_value(&self) -> String {
        self.show_in(&MemoryConfig::DEFAULT)
    }

    pub(super) fn raw_in(&self, config: &MemoryConfig) -> u64 {
        (self.read)(config)
    }

    pub(super) fn store_in(&self, config: &mut MemoryConfig, raw: u64) {
        (self.write)(config, raw);
    }

    pub(super) fn index_of(name: &str) -> Option<usize> {
        OPTIONS.iter().position(|option| option.name == name)
    }
}

macro_rules! field_type {
    (Size) => {
        u64
    };
    (Count) => {
        usize
    };
    (Percent) => {
        u8
    };
    (Flag) => {
        bool
    };
    (Duration) => {
        u64
    };
}

macro_rules! setter {
    (Size $name:ident $doc:expr) => {
        #[doc = $doc]
        pub fn $name(self, size: Bytes) -> Self {
            self.set(stringify!($name), size.as_u64())
        }
    };
    (Duration $name:ident $doc:expr) => {
        #[doc = $doc]
        pub fn $name(self, time: core::time::Duration) -> Self {
            self.set(stringify!($name), u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        }
    };
    ($kind:ident $name:ident $doc:expr) => {
        #[doc = $doc]
        pub fn $name(self, value: field_type!($kind)) -> Self {
            self.set(stringify!($name), value.to_raw())
        }
    };
}

macro_rules! options {
    ($($(#[doc = $doc:literal])+ $name:ident: $kind:ident $({ $($bound:ident: $value:expr),* })? = $default:expr;)+) => {
        /// The settings of a system. Amounts are in bytes, times in milliseconds.
        ///
        /// Name the fields that matter and take the others from [`DEFAULT`](MemoryConfig::DEFAULT), also in a constant:
        ///
        /// ```
        /// use terrane::MemoryConfig;
        ///
        /// const CONFIG: MemoryConfig = MemoryConfig { max_memory: 64 << 20, ..MemoryConfig::DEFAULT };
        /// assert!(CONFIG.check().is_ok());
        /// ```
        ///
        /// What the environment and a file say comes through [`from_env`](MemoryConfig::from_env) and
        /// [`from_file`](MemoryConfig::from_file); see [`ConfigLayer`].
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct MemoryConfig {
            $($(#[doc = $doc])+ pub $name: field_type!($kind),)+
        }

        impl MemoryConfig {
            /// The default of each option.
            pub const DEFAULT: Self = Self { $($name: $default,)+ };
        }

        /// All options, in the order in which they are documented.
        pub const OPTIONS: &[ConfigOption] = &[$(ConfigOption {
            name: stringify!($name),
            kind: OptionKind::$kind $({ $($bound: $value),* })?,
            doc: concat!($($doc, "\n"),+),
            read: |config| config.$name.to_raw(),
            write: |config, raw| config.$name = Field::from_raw(raw),
        }),+];

        /// A setter for each option.
        impl ConfigLayer {
            $(setter! { $kind $name concat!("Sets [`", stringify!($name), "`](MemoryConfig::", stringify!($name), ").") })+
        }
    };
}

options! {
    /// All memory that the system may use. Where the control group of the process (cgroup version 2) allows less, its limit
    /// counts.
    max_memory: Size { min: LEAST_MEMORY, max: u64::MAX } = u64::MAX;

    /// How many idle objects a pool keeps that the system makes itself, and how many idle arenas of each name.
    default_pool_size: Count { min: 1, max: 1_000_000 } = 100;

    /// The first block of the arenas that the system makes itself, and the blocks that requests of medium size come from.
    default_arena_size: Size { min: 1 << 10, max: 16 << 20 } = 1 << 20;

    /// The limit of a collected heap for which nothing else is said.
    default_heap_size: Size { min: 1 << 20, max: u64::MAX } = 64 << 20;

    /// Whether allocations are timed and counted by the place in the program that made them.
    enable_profiling: Flag = false;

    /// Requests below this size are served by the pools.
    small_threshold: Size { min: 1, max: 1 << 20 } = SMALL_THRESHOLD;

    /// Requests from this size on are served by the system; those between the two thresholds by arenas.
    large_threshold: Size { min: 1, max: 1 << 30 } = LARGE_THRESHOLD;

    /// The room of a thread's stack arena.
    stack_size: Size { min: 64, max: 1 << 20 } = 1 << 10;

    /// What the pools may hold together, those by name included. Small requests beyond it are served by the system; a pool by name refuses.
    pool_limit: Size { min: 4 << 10, max: u64::MAX } = 10 << 20;

    /// What the arenas may hold together, those by name included. Requests of medium size beyond it are served by the system; an arena by
    /// name refuses.
    arena_limit: Size { min: 4 << 10, max: u64::MAX } = 100 << 20;

    /// A part of max_memory that is kept for the work of giving memory up, such as moving live objects before a block is freed.
    reclaim_reserve: Size { min: 0, max: 1 << 40 } = 0;

    /// Use from which on pressure is moderate, in per cent of max_memory.
    pressure_moderate_from: Percent = 75;

    /// Use below which pressure is normal again.
    pressure_moderate_until: Percent = 65;

    /// Use from which on pressure is critical.
    pressure_critical_from: Percent = 90;

    /// Use below which pressure is moderate again.
    pressure_critical_until: Percent = 80;

    /// Whether a thread watches what the operating system says about memory (control group, stalls). Otherwise the program asks
    /// from time to time, with poll_pressure.
    watch_pressure: Flag = false;

    /// How often the watching thread looks where the kernel does not wake it.
    pressure_interval: Duration { min: 10, max: 3_600_000 } = 1_000;
}

impl Default for MemoryConfig {
    fn default() -> Self {
        Self::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_default_is_within_its_bounds_and_each_row_reads_what_it_writes() {
        for option in OPTIONS {
            let default = option.raw_in(&MemoryConfig::DEFAULT);
            assert_eq!(option.kind.check(default), Ok(default), "{}", option.name);
            let mut config = MemoryConfig::DEFAULT;
            let other = option.kind.check(default ^ 1).unwrap_or(default);
            option.store_in(&mut config, other);
            assert_eq!(option.raw_in(&config), other, "{}", option.name);
            assert!(!option.doc.trim().is_empty() && option.doc.trim().ends_with('.'), "{}", option.name);
        }
    }

    #[test]
    fn names_are_distinct_and_lead_to_their_rows() {
        for (index, option) in OPTIONS.iter().enumerate() {
            assert_eq!(ConfigOption::index_of(option.name), Some(index));
        }
    }
}
