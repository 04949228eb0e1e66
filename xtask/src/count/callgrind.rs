//! The totals that callgrind prints.

/// What a run of a program executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Instructions (`Ir`).
    pub(super) instructions: u64,
    /// Conditional branches (`Bc`).
    pub(super) branches: u64,
}

impl Counts {
    /// Reads the lines `Events : Ir Bc …` and `Collected : 12 3 …`, each behind the number of the process.
    pub(super) fn parse(report: &str) -> Option<Self> {
        let column = |name: &str| {
            let position = words(report, "Events")?.iter().position(|&event| event == name)?;
            words(report, "Collected")?.get(position)?.parse().ok()
        };
        Some(Self { instructions: column("Ir")?, branches: column("Bc")? })
    }
}

/// The words after the colon in the line with this title.
fn words<'a>(report: &'a str, title: &str) -> Option<Vec<&'a str>> {
    report.lines().find_map(|line| {
        let (before, after) = line.split_once(':')?;
        let found = before.split_whitespace().last() == Some(title);
        found.then(|| after.split_whitespace().collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_totals_are_read_by_the_names_of_their_columns() {
        let report = "==7== Callgrind\n==7== Events    : Ir Bc Bcm Bi Bim\n\
                      ==7== Collected : 329653 66237 4933 874 311\n==7==\n";
        assert_eq!(Counts::parse(report), Some(Counts { instructions: 329_653, branches: 66_237 }));
        let report = "==7== Events    : Bc Ir\n==7== Collected : 1 2\n";
        assert_eq!(Counts::parse(report), Some(Counts { instructions: 2, branches: 1 }));
    }

    #[test]
    fn a_report_without_totals_has_none() {
        assert_eq!(Counts::parse(""), None);
        assert_eq!(Counts::parse("==7== Events    : Ir\n==7== Collected : 329653\n"), None);
        assert_eq!(Counts::parse("==7== Events    : Ir Bc\n==7== Collected : 1\n"), None);
    }
}
