//! The table of counts and bounds: text for people, with one line for each case.

use std::fmt;

use super::callgrind::Counts;

/// Instructions and conditional branches of one operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Figures {
    pub(super) instructions: f64,
    pub(super) branches: f64,
}

impl Figures {
    /// The difference of two runs, by turn.
    pub(super) fn per_turn(few: Counts, many: Counts, turns: u32) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "counts of a short loop are far below 2^53")]
        let slope = |few: u64, many: u64| (many as f64 - few as f64) / f64::from(turns);
        Self {
            instructions: slope(few.instructions, many.instructions),
            branches: slope(few.branches, many.branches),
        }
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self {
            instructions: self.instructions - other.instructions,
            branches: self.branches - other.branches,
        }
    }

    /// Whether neither figure is above its bound.
    pub(super) fn within(self, bound: Self, tolerance: f64) -> bool {
        self.instructions <= bound.instructions + tolerance && self.branches <= bound.branches + tolerance
    }

    pub(super) fn same(self, other: Self, tolerance: f64) -> bool {
        self.within(other, tolerance) && other.within(self, tolerance)
    }
}

/// A fast path.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Case {
    pub(super) name: String,
    /// The loop that is subtracted.
    pub(super) minus: String,
    pub(super) counted: Figures,
    pub(super) bound: Figures,
}

impl Case {
    fn parse(line: &str) -> Result<Self, String> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [name, minus, instructions, instructions_max, branches, branches_max] = words[..] else {
            return Err(format!("`{line}` has {} columns instead of 6", words.len()));
        };
        let number = |word: &str| match word.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(format!("`{word}` in the line of {name} is no count")),
        };
        Ok(Self {
            name: name.to_owned(),
            minus: minus.to_owned(),
            counted: Figures { instructions: number(instructions)?, branches: number(branches)? },
            bound: Figures { instructions: number(instructions_max)?, branches: number(branches_max)? },
        })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, minus, counted, bound } = self;
        write!(
            out,
            "{name:<20} {minus:<12} {:>12.2} {:>8} {:>8.2} {:>8}",
            // A slope a little below 0 would be printed as -0.00.
            counted.instructions.max(0.0),
            bound.instructions,
            counted.branches.max(0.0),
            bound.branches
        )
    }
}

/// A line of the table.
#[derive(Clone, Debug)]
enum Line {
    /// A comment, or an empty line.
    Remark(String),
    Case(Case),
}

/// The whole table; it is written as it was read.
#[derive(Clone, Debug)]
pub(super) struct Table(Vec<Line>);

impl Table {
    /// What the columns of a case are.
    pub(super) const HEADING: &str =
        "case                 minus        instructions  at most branches  at most";

    /// # Errors
    ///
    /// What is wrong with the first line that is neither a remark nor a case.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let line = |line: &str| match line.trim_start() {
            remark if remark.is_empty() || remark.starts_with('#') => Ok(Line::Remark(line.to_owned())),
            _ => Case::parse(line).map(Line::Case),
        };
        text.lines().map(line).collect::<Result<_, _>>().map(Self)
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = &Case> {
        self.0.iter().filter_map(|line| match line {
            Line::Case(case) => Some(case),
            Line::Remark(_) => None,
        })
    }

    pub(super) fn cases_mut(&mut self) -> impl Iterator<Item = &mut Case> {
        self.0.iter_mut().filter_map(|line| match line {
            Line::Case(case) => Some(case),
            Line::Remark(_) => None,
        })
    }
}

impl fmt::Display for Table {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|line| match line {
            Line::Remark(remark) => writeln!(out, "{remark}"),
            Line::Case(case) => writeln!(out, "{case}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(instructions: f64, branches: f64) -> Figures {
        Figures { instructions, branches }
    }

    #[test]
    fn the_slope_leaves_out_what_happens_once() {
        let few = Counts { instructions: 1_000_300, branches: 5_100 };
        let many = Counts { instructions: 1_000_900, branches: 5_200 };
        assert_eq!(Figures::per_turn(few, many, 100), figures(6.0, 1.0));
        assert_eq!(figures(9.0, 2.0).minus(figures(3.0, 1.0)), figures(6.0, 1.0));
    }

    #[test]
    fn a_bound_holds_for_both_figures() {
        let bound = figures(6.0, 1.0);
        assert!(figures(6.0, 1.0).within(bound, 0.005));
        assert!(figures(6.004, 0.5).within(bound, 0.005));
        assert!(!figures(6.01, 1.0).within(bound, 0.005));
        assert!(!figures(5.0, 1.5).within(bound, 0.005));
        assert!(!figures(5.0, 1.0).same(bound, 0.005));
    }

    #[test]
    fn a_table_is_written_as_it_is_read() {
        let case = Case {
            name: "alloc".to_owned(),
            minus: "loop".to_owned(),
            counted: figures(5.0, 1.0),
            bound: figures(6.0, 1.5),
        };
        let text = format!("# remark\n\n# {}\n{case}\n", Table::HEADING);
        let table = Table::parse(&text).unwrap();
        assert_eq!(table.to_string(), text);
        assert_eq!(table.cases().collect::<Vec<_>>(), [&case]);
    }

    #[test]
    fn a_line_that_is_no_case_is_refused() {
        let refused = |text: &str| Table::parse(text).unwrap_err();
        assert_eq!(refused("alloc loop 1 2 3"), "`alloc loop 1 2 3` has 5 columns instead of 6");
        assert_eq!(refused("alloc loop 1 2 x 3"), "`x` in the line of alloc is no count");
        assert_eq!(refused("alloc loop 1 2 3 NaN"), "`NaN` in the line of alloc is no count");
    }
}
