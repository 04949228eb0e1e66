//! The report of `terrane run --report`: where the memory of the program went. As a table for a person, as
//! JSON for a machine; both say the same.

pub(crate) mod json;
pub(crate) mod text;
