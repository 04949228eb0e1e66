//! What a system writes down for its next start.

use terrane_base::{Bytes, MemorySerializable, StateError, StateReader, StateWriter};

use crate::{
    MemoryConfig, MemoryStats, MemorySystem,
    config::{ConfigLayer, LEAST_MEMORY, OPTIONS},
};

/// The settings of a system, its figures, and parts that the program adds: from [`MemorySystem::state`], for
/// [`MemorySystemBuilder::with_config`](crate::MemorySystemBuilder::with_config) and whoever the parts belong to.
///
/// Options are written with their names, so that a later version of the program can read what an earlier one wrote.
///
/// ```
/// use terrane::{MemoryConfig, MemorySerializable, MemorySystem, SystemState};
///
/// let config = MemoryConfig { max_memory: 64 << 20, ..MemoryConfig::DEFAULT };
/// let system = MemorySystem::builder().with_config(config).build()?;
/// let file = system.state().with_part("greeting", b"hello".to_vec()).serialize_state();
///
/// // After a restart:
/// let state = SystemState::deserialize_state(&file)?;
/// let system = MemorySystem::builder().with_config(state.config().clone()).build()?;
/// assert_eq!(system.config().max_memory, 64 << 20);
/// assert_eq!(state.part("greeting"), Some(&b"hello"[..]));
/// assert!(SystemState::deserialize_state(&file[1..]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemState {
    config: MemoryConfig,
    totals: MemoryStats,
    parts: Vec<(String, Vec<u8>)>,
}

impl SystemState {
    pub(crate) fn of(system: &MemorySystem) -> Self {
        Self { config: config_now(system), totals: system.stats().totals, parts: Vec::new() }
    }

    /// Adds bytes under a name, instead of what was there: the state of a cache, say.
    #[must_use]
    pub fn with_part(mut self, name: &str, bytes: Vec<u8>) -> Self {
        self.parts.retain(|(other, _)| other != name);
        self.parts.push((name.to_owned(), bytes));
        self
    }

    /// The bytes of that name.
    #[must_use]
    pub fn part(&self, name: &str) -> Option<&[u8]> {
        self.parts.iter().find(|(other, _)| other == name).map(|(_, bytes)| bytes.as_slice())
    }

    /// The settings. Where the limit was changed while the system ran, `max_memory` is that limit, or the
    /// least that the option allows.
    #[must_use]
    pub fn config(&self) -> &MemoryConfig {
        &self.config
    }

    /// What had been handed out and taken back.
    #[must_use]
    pub fn totals(&self) -> MemoryStats {
        self.totals
    }
}

/// The settings, with the limit that was set since the start.
fn config_now(system: &MemorySystem) -> MemoryConfig {
    let config = system.config().clone();
    let limit = system.budget().limit();
    // A limit from elsewhere, of the control group say, is no setting.
    if limit == system.shared.limit_at_start {
        return config;
    }
    // A limit may be lower than what a system can begin with.
    let least = LEAST_MEMORY.max(config.reclaim_reserve + 1);
    MemoryConfig { max_memory: limit.as_u64().max(least), ..config }
}

impl MemorySerializable for SystemState {
    const KIND: &'static str = "terrane-system";
    const VERSION: u32 = 1;

    fn write_payload(&self, out: &mut StateWriter) {
        out.u32(OPTIONS.len() as u32);
        for option in OPTIONS {
            out.text(option.name);
            out.text(&option.show_in(&self.config));
        }
        let MemoryStats { allocations, deallocations, live, bytes_total, bytes_live, failures } = self.totals;
        for figure in [allocations, deallocations, live, bytes_total.as_u64(), bytes_live.as_u64(), failures]
        {
            out.u64(figure);
        }
        out.u32(self.parts.len() as u32);
        for (name, bytes) in &self.parts {
            out.text(name);
            out.bytes(bytes);
        }
    }

    fn read_payload(_version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
        let mut layer = ConfigLayer::code();
        for _ in 0..from.u32()? {
            let (name, value) = (from.text()?, from.text()?);
            layer = layer
                .try_set(name, value)
                .map_err(|_| from.malformed("an option that is not known, or has an impossible value"))?;
        }
        let config =
            layer.unwrap_or_default().map_err(|_| from.malformed("options that contradict each other"))?;
        let mut figure = || from.u64();
        let totals = MemoryStats {
            allocations: figure()?,
            deallocations: figure()?,
            live: figure()?,
            bytes_total: Bytes::new(figure()?),
            bytes_live: Bytes::new(figure()?),
            failures: figure()?,
        };
        let mut state = Self { config, totals, parts: Vec::new() };
        for _ in 0..from.u32()? {
            let (name, bytes) = (from.text()?.to_owned(), from.bytes()?.to_vec());
            if state.part(&name).is_some() {
                return Err(from.malformed("two parts of one name"));
            }
            state.parts.push((name, bytes));
        }
        Ok(state)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn state() -> SystemState {
        let config = MemoryConfig { stack_size: 2 << 10, enable_profiling: true, ..MemoryConfig::DEFAULT };
        let system = MemorySystem::builder().with_config(config).build().unwrap();
        let _held = [system.allocate(100).unwrap(), system.allocate(10_000).unwrap()];
        system.state().with_part("a", vec![1, 2, 3]).with_part("b", Vec::new()).with_part("a", vec![4])
    }

    #[test]
    fn what_is_written_is_read_again() {
        let state = state();
        let read = SystemState::deserialize_state(&state.serialize_state()).unwrap();
        assert_eq!(read, state);
        assert_eq!((read.totals().live, read.totals().bytes_live), (2, Bytes::new(10_100)));
        assert_eq!((read.part("a"), read.part("b"), read.part("c")), (Some(&[4][..]), Some(&[][..]), None));
    }

    #[test]
    fn a_limit_that_was_changed_is_saved_and_can_be_read() {
        let root = tempfile::tempdir().unwrap();
        let config = MemoryConfig { max_memory: 64 << 20, ..MemoryConfig::DEFAULT };
        let system =
            MemorySystem::builder().with_config(config).with_system_root(root.path()).build().unwrap();
        let saved = || SystemState::deserialize_state(&system.state().serialize_state()).unwrap();
        assert_eq!(saved().config().max_memory, 64 << 20);
        for (limit, in_state) in [(32 << 20, 32 << 20), (1 << 10, LEAST_MEMORY), (u64::MAX, u64::MAX)] {
            system.set_limit(Bytes::new(limit)).unwrap();
            assert_eq!(saved().config().max_memory, in_state);
        }
    }

    /// The checksum finds damage; this is about what comes after it, so the checksum is made right again.
    fn forged(change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        struct Raw(Vec<u8>);
        impl MemorySerializable for Raw {
            const KIND: &'static str = SystemState::KIND;
            const VERSION: u32 = SystemState::VERSION;
            fn write_payload(&self, out: &mut StateWriter) {
                self.0.iter().for_each(|byte| out.u8(*byte));
            }
            fn read_payload(_version: u32, from: &mut StateReader<'_>) -> Result<Self, StateError> {
                let left = from.left();
                (0..left).map(|_| from.u8()).collect::<Result<_, _>>().map(Self)
            }
        }
        let mut raw = Raw::deserialize_state(&state().serialize_state()).unwrap();
        change(&mut raw.0);
        raw.serialize_state()
    }

    #[test]
    fn nonsense_behind_a_right_checksum_is_an_error() {
        let find =
            |bytes: &[u8], text: &[u8]| bytes.windows(text.len()).position(|part| part == text).unwrap();
        for (from, to) in [("stack_size", "stack_sizf"), ("2KiB", "2KiX"), ("stack_size", "pool_limit")] {
            let bytes = forged(|bytes| {
                let at = find(bytes, from.as_bytes());
                bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
            });
            assert!(SystemState::deserialize_state(&bytes).is_err(), "{from} {to}");
        }
        assert!(SystemState::deserialize_state(&forged(|bytes| bytes.push(0))).is_err());
    }

    proptest! {
        #[test]
        fn damage_is_an_error(at: prop::sample::Index, bit in 0_u8..8, end: prop::sample::Index) {
            let whole = state().serialize_state();
            let mut damaged = whole.clone();
            damaged[at.index(whole.len())] ^= 1 << bit;
            prop_assert!(SystemState::deserialize_state(&damaged).is_err());
            prop_assert!(SystemState::deserialize_state(&whole[..end.index(whole.len())]).is_err());
        }

        #[test]
        fn no_payload_is_a_panic(at: prop::sample::Index, byte: u8) {
            let bytes = forged(|bytes| { let at = at.index(bytes.len()); bytes[at] = byte; });
            let _ = SystemState::deserialize_state(&bytes);
        }
    }
}
