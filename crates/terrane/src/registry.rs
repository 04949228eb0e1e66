//! Things by name.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The name of what was given without one.
pub const DEFAULT_NAME: &str = "default";

/// Shared things by name. No foreign code runs under its lock.
pub(crate) struct Registry<T: ?Sized> {
    entries: RwLock<BTreeMap<String, Arc<T>>>,
}

impl<T: ?Sized> Default for Registry<T> {
    fn default() -> Self {
        Self { entries: RwLock::default() }
    }
}

impl<T: ?Sized> Registry<T> {
    /// Whether the name was free; otherwise nothing has changed.
    pub(crate) fn insert(&self, name: &str, entry: Arc<T>) -> bool {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.contains_key(name) {
            return false;
        }
        entries.insert(name.to_owned(), entry);
        true
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<T>> {
        self.entries.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// What has that name, or what `make` makes, which another thread may have done meanwhile.
    pub(crate) fn find_or_insert(&self, name: &str, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        if let Some(found) = self.find(name) {
            return found;
        }
        let made = make();
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(entries.entry(name.to_owned()).or_insert(made))
    }

    /// Takes an entry out; it lives on as long as somebody holds it.
    pub(crate) fn remove(&self, name: &str) -> Option<Arc<T>> {
        self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name)
    }

    /// All, in the order of their names.
    pub(crate) fn all(&self) -> Vec<(String, Arc<T>)> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|(name, entry)| (name.clone(), Arc::clone(entry))).collect()
    }
}
