//! Contenders that this build was made without: what is left out is said and counted.

use crate::row::Row;

/// The contenders that were left out, each with the reason and the number of its rows.
#[derive(Clone, Debug, Default)]
pub struct Absences {
    all: Vec<(&'static str, &'static str, usize)>,
}

impl Absences {
    /// Counts the absent contenders of a row.
    pub fn note(&mut self, row: &Row) {
        for contender in row.contenders() {
            let Some(reason) = contender.absence() else { continue };
            match self.all.iter_mut().find(|(id, other, _)| (*id, *other) == (contender.id, reason)) {
                Some((_, _, rows)) => *rows += 1,
                None => self.all.push((contender.id, reason, 1)),
            }
        }
    }

    /// One line for each contender that was left out.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |&(id, reason, rows): &(&str, &str, usize)| {
            let noun = if rows == 1 { "row" } else { "rows" };
            format!("skipped: {id} in {rows} {noun}, {reason}")
        };
        self.all.iter().map(line).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;
    use crate::row::{Contender, Home};

    #[test]
    fn each_absent_contender_is_counted_with_its_reason() {
        let mut rows = registry::rows();
        rows.truncate(2);
        let mut absences = Absences::default();
        assert!(absences.lines().is_empty());
        for row in &mut rows {
            row.rivals.push(Contender::absent("x", Home::Glibc, "no libx"));
        }
        rows[0].rivals.push(Contender::absent("y", Home::Glibc, "no liby"));
        rows.iter().for_each(|row| absences.note(row));
        assert_eq!(absences.lines(), ["skipped: x in 2 rows, no libx", "skipped: y in 1 row, no liby"]);
    }
}
