//! Putting a system together.

use core::{fmt, time::Duration};
use std::{io, path::PathBuf, sync::Arc};

use terrane_arena::{Arena, ArenaStrategy};
use terrane_base::{Budget, Bytes, LimitProblem, PressureThresholds};
use terrane_pages::{PageSource, system_limit, system_pages};
use terrane_pool::StrategyError;

#[cfg(target_pointer_width = "64")]
use crate::heaps::HeapManager;
use crate::{
    ArenaManager, CacheManager, CacheSource, ConfigError, MemoryConfig, MemoryError, MemoryHierarchy,
    MemoryLogger, MemoryMetrics, MemoryPlugin, MemorySystem, PoolManager, PoolSource, SystemId,
    counters::Counters,
    hierarchy::Parts,
    observers::{Observers, Plugged},
    pressure::{self, Announcer, Pressure},
    registry::DEFAULT_NAME,
    sites::CallSites,
    system::Shared,
};

/// A system to be put together; from [`MemorySystem::builder`].
///
/// ```
/// use terrane::{Arena, Bytes, MemoryConfig, MemorySystem};
///
/// let config = MemoryConfig { max_memory: 64 << 20, ..MemoryConfig::DEFAULT };
/// let system = MemorySystem::builder()
///     .with_config(config)
///     .with_arena(Arena::new().with_first_block(Bytes::from_mib(1)))
///     .build()?;
/// assert_eq!(system.budget().limit(), Bytes::from_mib(64));
/// # Ok::<(), terrane::BuildError>(())
/// ```
#[must_use = "there is no system until `build`"]
pub struct MemorySystemBuilder {
    config: MemoryConfig,
    budget: Option<Budget>,
    pools: Vec<Add<PoolManager>>,
    arenas: Vec<(String, Arena)>,
    caches: Vec<Add<CacheManager>>,
    plugged: Plugged,
    pages: Arc<dyn PageSource>,
    system_root: PathBuf,
}

/// Puts something into a manager that is there only when the system is built.
type Add<M> = Box<dyn FnOnce(&M) -> Result<(), BuildError> + Send>;

/// Why a system could not be made. `Debug` writes the same text as `Display`, as that is what a `main` shows that returns the error.
#[non_exhaustive]
pub enum BuildError {
    /// The configuration is wrong.
    Config(ConfigError),
    /// There is too little memory, or a limit makes no sense.
    Memory(MemoryError),
    /// Two things of a kind have the same name.
    DuplicateName {
        /// What they are: "arena", "pool" or "cache".
        kind: &'static str,
        /// The name.
        name: String,
    },
    /// A pool cannot follow its strategy.
    Pool(StrategyError),
    /// The thread that watches for pressure could not be started.
    Watcher(io::Error),
}

impl Default for MemorySystemBuilder {
    fn default() -> Self {
        Self {
            config: MemoryConfig::DEFAULT,
            budget: None,
            pools: Vec::new(),
            arenas: Vec::new(),
            caches: Vec::new(),
            plugged: Plugged::default(),
            pages: system_pages(),
            system_root: PathBuf::from("/"),
        }
    }
}

impl MemorySystemBuilder {
    /// Sets the configuration: a constant, or what [`ConfigLayer`](crate::ConfigLayer)s make of environment and file.
    pub fn with_config(self, config: MemoryConfig) -> Self {
        Self { config, ..self }
    }

    /// Charges everything to this budget, which may be a part of another one. Its limit counts instead of the option `max_memory`, and the
    /// options on thresholds and reserve are its owner's.
    pub fn with_budget(self, budget: Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// A pool under the name "default".
    pub fn with_pool(self, pool: impl PoolSource + Send + 'static) -> Self {
        self.with_named_pool(DEFAULT_NAME, pool)
    }

    /// A pool under that name: a builder of one, whose objects are then charged to the budget, or a finished one, which is charged to what it
    /// was made with. All pools together may hold `pool_limit`, 10 MiB unless set. See [`PoolManager`].
    pub fn with_named_pool(mut self, name: &str, pool: impl PoolSource + Send + 'static) -> Self {
        let name = name.to_owned();
        self.pools.push(Box::new(move |pools| pools.add(&name, pool).map(|_| ())));
        self
    }

    /// A cache under the name "default".
    pub fn with_cache(self, cache: impl CacheSource + Send + 'static) -> Self {
        self.with_named_cache(DEFAULT_NAME, cache)
    }

    /// A cache under that name: a builder of one, whose entries are then charged to the budget, or a finished one. See [`CacheManager`].
    pub fn with_named_cache(mut self, name: &str, cache: impl CacheSource + Send + 'static) -> Self {
        let name = name.to_owned();
        self.caches.push(Box::new(move |caches| caches.add(&name, cache).map(|_| ())));
        self
    }

    /// Arenas like this one under the name "default".
    pub fn with_arena(self, arena: Arena) -> Self {
        self.with_named_arena(DEFAULT_NAME, arena)
    }

    /// Arenas like this one under that name. All arenas together may hold `arena_limit`, 100 MiB unless set.
    pub fn with_named_arena(mut self, name: &str, arena: Arena) -> Self {
        self.arenas.push((name.to_owned(), arena));
        self
    }

    /// Adds a plugin. They are called in the order in which they were added.
    pub fn with_plugin(mut self, plugin: impl MemoryPlugin + 'static) -> Self {
        self.plugged.plugins.push(Box::new(plugin));
        self
    }

    /// Adds a logger.
    pub fn with_logger(mut self, logger: impl MemoryLogger + 'static) -> Self {
        self.plugged.loggers.push(Box::new(logger));
        self
    }

    /// Adds a receiver of metrics.
    pub fn with_metrics(mut self, metrics: impl MemoryMetrics + 'static) -> Self {
        self.plugged.metrics.push(Box::new(metrics));
        self
    }

    /// Where pages come from, for large requests and collected heaps: the operating system, unless this says otherwise.
    pub fn with_pages(self, pages: Arc<dyn PageSource>) -> Self {
        Self { pages, ..self }
    }

    /// The folder that stands for `/` when the system asks the operating system for limits and pressure: for tests with a made-up tree.
    pub fn with_system_root(self, root: impl Into<PathBuf>) -> Self {
        Self { system_root: root.into(), ..self }
    }

    /// Makes the system.
    ///
    /// # Errors
    /// When the configuration is wrong, a name is used twice, what was given does not fit the budget, or the watching thread cannot be
    /// started.
    pub fn build(self) -> Result<MemorySystem, BuildError> {
        let Self { config, budget, pools, arenas, caches, plugged, pages, system_root } = self;
        config.check().map_err(BuildError::Config)?;
        let budget = match budget {
            Some(budget) if budget.limit() > Bytes::ZERO => budget,
            Some(nothing) => {
                let (budget, limit) = (nothing.name(), nothing.limit());
                let problem = LimitProblem::Zero;
                return Err(BuildError::Memory(MemoryError::InvalidLimit { budget, limit, problem }));
            }
            None => own_budget(&config, &system_root)?,
        };
        let parts = Parts::of(&budget, &config);
        let manager = arena_manager(&config, &parts, arenas)?;
        let (pool_manager, cache_manager) =
            (PoolManager::new(&parts.pools), CacheManager::new(&parts.caches));
        pools.into_iter().try_for_each(|add| add(&pool_manager))?;
        caches.into_iter().try_for_each(|add| add(&cache_manager))?;
        let id = SystemId::next();
        let observers = Arc::new(Observers::new(plugged.loggers, plugged.metrics));
        let announcer = Arc::new(Announcer { system: id, observers: Arc::clone(&observers) });
        budget.add_pressure_listener("plugins", &announcer);
        let interval = Duration::from_millis(config.pressure_interval);
        let watcher = config
            .watch_pressure
            .then(|| pressure::watch(&system_root, interval, &budget))
            .transpose()
            .map_err(BuildError::Watcher)?;
        let is_watched = config.enable_profiling || observers.any() || !plugged.plugins.is_empty();
        let shared = Shared {
            id,
            hierarchy: MemoryHierarchy::new(&config, &budget, &parts, Arc::clone(&pages)),
            stacks: budget.child("stacks").shared_leaf(),
            pools: pool_manager,
            arenas: manager,
            caches: cache_manager,
            #[cfg(target_pointer_width = "64")]
            heaps: HeapManager::new(&budget.child("heaps"), Bytes::new(config.default_heap_size), pages),
            observers,
            pressure: Pressure::new(&system_root, announcer, watcher),
            counters: Counters::default(),
            sites: CallSites::default(),
            is_watched,
            config,
            limit_at_start: budget.limit(),
            budget,
        };
        let system = MemorySystem { shared: Arc::new(shared) };
        system.shared.observers.init_plugins(plugged.plugins, &system);
        Ok(system)
    }
}

/// A budget with the configured limit, or the control group's where that is lower.
fn own_budget(config: &MemoryConfig, system_root: &std::path::Path) -> Result<Budget, BuildError> {
    let limit = Bytes::new(config.max_memory);
    let limit = system_limit(system_root).map_or(limit, |of_system| of_system.min(limit));
    let budget = Budget::try_root(limit).map_err(BuildError::Memory)?;
    let thresholds = PressureThresholds {
        moderate_from: config.pressure_moderate_from,
        moderate_until: config.pressure_moderate_until,
        critical_from: config.pressure_critical_from,
        critical_until: config.pressure_critical_until,
    };
    budget.set_pressure_thresholds(thresholds).map_err(BuildError::Memory)?;
    if config.reclaim_reserve > 0 {
        budget.set_aside(Bytes::new(config.reclaim_reserve)).map_err(BuildError::Memory)?;
    }
    Ok(budget)
}

fn arena_manager(
    config: &MemoryConfig,
    parts: &Parts,
    arenas: Vec<(String, Arena)>,
) -> Result<ArenaManager, BuildError> {
    let strategy = ArenaStrategy::new().initial_size(Bytes::new(config.default_arena_size));
    let manager = ArenaManager::new(&parts.arenas, strategy, config.default_pool_size);
    for (name, arena) in arenas {
        if !manager.add(&name, arena).map_err(BuildError::Memory)? {
            return Err(BuildError::DuplicateName { kind: "arena", name });
        }
    }
    Ok(manager)
}

impl fmt::Debug for MemorySystemBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySystemBuilder")
            .field("config", &self.config)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::Memory(error) => error.fmt(f),
            Self::DuplicateName { kind, name } => {
                write!(f, "there are two {kind}s of the name `{name}`; give one of them another name")
            }
            Self::Pool(error) => error.fmt(f),
            Self::Watcher(error) => write!(f, "cannot start the thread that watches for pressure: {error}"),
        }
    }
}

impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Config(error) => Some(error),
            Self::Memory(error) => Some(error),
            Self::Pool(error) => Some(error),
            Self::Watcher(error) => Some(error),
            Self::DuplicateName { .. } => None,
        }
    }
}

impl From<ConfigError> for BuildError {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<MemoryError> for BuildError {
    fn from(error: MemoryError) -> Self {
        Self::Memory(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_main_shows_that_returns_an_error_is_its_message() {
        let config = MemoryConfig { max_memory: 1, ..MemoryConfig::DEFAULT };
        let wrong = config.check().unwrap_err();
        assert_eq!(format!("{wrong:?}"), "code: `max_memory` cannot be `1B`: it is at least 64KiB");
        let error: Box<dyn core::error::Error> =
            MemorySystem::builder().with_config(config).build().unwrap_err().into();
        assert_eq!(format!("{error:?}"), wrong.to_string());
        let (arena, other) = (Arena::new(), Arena::new());
        let twice = MemorySystem::builder().with_arena(arena).with_arena(other).build().unwrap_err();
        assert!(format!("{twice:?}").starts_with("there are two arenas of the name `default`"));
    }
}
