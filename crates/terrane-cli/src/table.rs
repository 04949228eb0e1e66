//! A table of text, its columns aligned: names to the left, figures to the right.

use std::fmt;

/// Two spaces before the first column and between columns.
const GAP: &str = "  ";

/// To which side of its column a cell is pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    Right,
}

/// Rows of as many cells as there are columns, under a row of headings.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    aligns: [Align; COLUMNS],
    rows: Vec<[String; COLUMNS]>,
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with these headings and no rows.
    pub(crate) fn new(columns: [(&str, Align); COLUMNS]) -> Self {
        let headings = columns.map(|(heading, _)| heading.to_owned());
        Self { aligns: columns.map(|(_, align)| align), rows: vec![headings] }
    }

    pub(crate) fn row(&mut self, cells: [String; COLUMNS]) {
        self.rows.push(cells);
    }

    /// Has it any row besides the headings?
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    fn width(&self, column: usize) -> usize {
        self.rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0)
    }
}

impl<const COLUMNS: usize> fmt::Display for Table<COLUMNS> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths: [usize; COLUMNS] = std::array::from_fn(|column| self.width(column));
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, align), width) in row.iter().zip(self.aligns).zip(widths) {
                line.push_str(GAP);
                match align {
                    Align::Left => line.push_str(&format!("{cell:<width$}")),
                    Align::Right => line.push_str(&format!("{cell:>width$}")),
                }
            }
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_characters() {
        let mut table = Table::new([("zone", Align::Left), ("pause", Align::Right), ("site", Align::Left)]);
        assert!(table.is_empty());
        table.row(["frame".into(), "12.3 µs".into(), "a.scm:1:2".into()]);
        table.row(["é".into(), "1 ns".into(), String::new()]);
        assert!(!table.is_empty());
        let expected = "  zone     pause  site\n  frame  12.3 µs  a.scm:1:2\n  é         1 ns\n";
        assert_eq!(table.to_string(), expected);
    }
}
