//! Which rows the names of a command line mean.
//!
//! A name covers a row when it is the row's name or a prefix of it that ends where a `/` follows: `gc` and
//! `gc/binary-trees` cover `gc/binary-trees/18`, `gc/binary` does not.

use crate::row::{Mode, Row};
use std::fmt;

/// The rows of a run of `mode` that `names` cover, in the order of `rows`; without names all of them. A row that
/// is no part of such a run takes part when its exact name is given.
///
/// # Errors
///
/// [`UnknownName`] for the first name that selects nothing.
pub fn select(rows: Vec<Row>, names: &[String], mode: Mode) -> Result<Vec<Row>, UnknownName> {
    let wanted =
        |name: &str, row: &Row| covers(name, &row.name) && (name == row.name || row.when.includes(mode));
    for name in names {
        if !rows.iter().any(|row| wanted(name, row)) {
            return Err(UnknownName::new(name, &rows));
        }
    }
    let selected = |row: &Row| match names {
        [] => row.when.includes(mode),
        names => names.iter().any(|name| wanted(name, row)),
    };
    Ok(rows.into_iter().filter(selected).collect())
}

/// Whether `name` is the row's name or a prefix of it that ends where a `/` follows.
#[must_use]
pub fn covers(name: &str, row: &str) -> bool {
    match row.strip_prefix(name.trim_end_matches('/')) {
        Some(rest) => rest.is_empty() || rest.starts_with('/'),
        None => false,
    }
}

/// A name that no row of the run answers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownName {
    name: String,
    /// Rows of the same area, or all areas where there is no such area.
    candidates: Vec<String>,
}

impl UnknownName {
    fn new(name: &str, rows: &[Row]) -> Self {
        let area = name.split('/').next().unwrap_or_default();
        let mut candidates: Vec<String> =
            rows.iter().filter(|row| covers(area, &row.name)).map(|row| row.name.clone()).collect();
        if candidates.is_empty() {
            candidates =
                rows.iter().filter_map(|row| row.name.split('/').next()).map(str::to_owned).collect();
            candidates.dedup();
        }
        Self { name: name.to_owned(), candidates }
    }
}

impl fmt::Display for UnknownName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "no row answers to `{}`; there are: {}", self.name, self.candidates.join(", "))
    }
}

impl std::error::Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Contender, Home, Measurement, OURS, Rounds, Unit, When};

    fn row(name: &str, when: When) -> Row {
        let nothing = |_| Measurement { ns_by_copy: vec![1.0], checksum: 0 };
        Row {
            name: name.to_owned(),
            about: String::new(),
            tier: None,
            unit: Unit::Run,
            when,
            threads: 1,
            rounds: Rounds::LOOPS,
            ours: Contender::new(OURS, Home::Glibc, nothing),
            rivals: Vec::new(),
        }
    }

    fn rows() -> Vec<Row> {
        vec![
            row("arena/alloc/16", When::Always),
            row("arena/frame", When::Always),
            row("arena/frame-stack", When::Always),
            row("gc/trees/14", When::Quick),
            row("gc/trees/18", When::Full),
            row("gc/trees/21", When::Named),
        ]
    }

    fn selected(names: &[&str], mode: Mode) -> Result<Vec<String>, UnknownName> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        Ok(select(rows(), &names, mode)?.into_iter().map(|row| row.name).collect())
    }

    #[test]
    fn no_name_means_every_row_of_the_mode() {
        let always = ["arena/alloc/16", "arena/frame", "arena/frame-stack"];
        assert_eq!(selected(&[], Mode::Full).unwrap(), [&always[..], &["gc/trees/18"]].concat());
        assert_eq!(selected(&[], Mode::Quick).unwrap(), [&always[..], &["gc/trees/14"]].concat());
    }

    #[test]
    fn a_prefix_ends_where_a_slash_follows() {
        assert_eq!(selected(&["arena/frame"], Mode::Full).unwrap(), ["arena/frame"]);
        assert_eq!(selected(&["arena/alloc/"], Mode::Full).unwrap(), ["arena/alloc/16"]);
        assert_eq!(selected(&["gc"], Mode::Full).unwrap(), ["gc/trees/18"]);
        assert!(selected(&["arena/alloc/1"], Mode::Full).is_err());
    }

    #[test]
    fn an_exact_name_brings_a_row_into_any_run() {
        assert_eq!(selected(&["gc/trees/21"], Mode::Quick).unwrap(), ["gc/trees/21"]);
        assert_eq!(selected(&["gc/trees/18"], Mode::Quick).unwrap(), ["gc/trees/18"]);
        assert_eq!(
            selected(&["gc/trees", "gc/trees/21"], Mode::Full).unwrap(),
            ["gc/trees/18", "gc/trees/21"]
        );
    }

    #[test]
    fn rows_keep_their_order_and_appear_once() {
        let names = ["gc", "arena/frame", "arena"];
        let expected = ["arena/alloc/16", "arena/frame", "arena/frame-stack", "gc/trees/18"];
        assert_eq!(selected(&names, Mode::Full).unwrap(), expected);
    }

    #[test]
    fn an_unknown_name_is_told_what_there_is() {
        let message = selected(&["gc/bushes"], Mode::Full).unwrap_err().to_string();
        assert_eq!(
            message,
            "no row answers to `gc/bushes`; there are: gc/trees/14, gc/trees/18, gc/trees/21"
        );
        let message = selected(&["pool"], Mode::Full).unwrap_err().to_string();
        assert_eq!(message, "no row answers to `pool`; there are: arena, gc");
        assert!(selected(&[""], Mode::Full).is_err());
    }
}
