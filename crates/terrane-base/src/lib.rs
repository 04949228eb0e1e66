//! Budgets, errors, units and allocation sites: the ground every Terrane crate stands on.
