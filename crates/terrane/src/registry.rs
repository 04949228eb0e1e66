//! Things by name.

use std::{
    any::Any,
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

/// The name of what was given without one.
pub const DEFAULT_NAME: &str = "default";

/// Shared things by name. No foreign code runs under its lock: what leaves is dropped after it.
pub(crate) struct Registry<T: ?Sized> {
    entries: RwLock<BTreeMap<String, Entry<T>>>,
}

struct Entry<T: ?Sized> {
    item: Arc<T>,
    /// What has to live as long as the entry: the reclaimer that looks after it.
    attached: Option<Arc<dyn Any + Send + Sync>>,
}

impl<T: ?Sized> Default for Registry<T> {
    fn default() -> Self {
        Self { entries: RwLock::default() }
    }
}

impl<T: ?Sized> Registry<T> {
    /// Whether the name was free; otherwise nothing has changed.
    pub(crate) fn insert(&self, name: &str, item: Arc<T>) -> bool {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if entries.contains_key(name) {
            return false;
        }
        entries.insert(name.to_owned(), Entry { item, attached: None });
        true
    }

    /// Keeps something as long as the entry of that name.
    pub(crate) fn keep(&self, name: &str, attached: Arc<dyn Any + Send + Sync>) {
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(entry) = entries.get_mut(name) {
            entry.attached = Some(attached);
        }
    }

    pub(crate) fn find(&self, name: &str) -> Option<Arc<T>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).map(|entry| Arc::clone(&entry.item))
    }

    /// What has that name, or what `make` makes, which another thread may have done meanwhile.
    pub(crate) fn find_or_insert(&self, name: &str, make: impl FnOnce() -> Arc<T>) -> Arc<T> {
        if let Some(found) = self.find(name) {
            return found;
        }
        let made = make();
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        let entry = entries.entry(name.to_owned());
        Arc::clone(&entry.or_insert_with(|| Entry { item: Arc::clone(&made), attached: None }).item)
    }

    /// Takes an entry out, and says whether there was one; it lives on as long as somebody holds it.
    pub(crate) fn remove(&self, name: &str) -> bool {
        let entry = self.entries.write().unwrap_or_else(PoisonError::into_inner).remove(name);
        entry.is_some()
    }

    /// All, in the order of their names.
    pub(crate) fn all(&self) -> Vec<(String, Arc<T>)> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        entries.iter().map(|(name, entry)| (name.clone(), Arc::clone(&entry.item))).collect()
    }
}
