//! Rounds, medians and the comparison of results.
//!
//! In each round every contender of a row is asked once. The order is turned round from one round to the next, so
//! that no contender always follows the same other one. A contender's figure is the median over the rounds, taken
//! for each copy of its loop; the fastest copy counts (see [`crate::code_layout`]).

use crate::child::Answer;
use crate::children::ChildError;
use crate::row::{Contender, Details, Mode, Row, Tier};
use crate::statistics::{median, spread};
use std::fmt;

/// What one contender reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The contender.
    pub id: &'static str,
    /// Nanoseconds per unit of the row: the median of the rounds.
    pub ns: f64,
    /// The fastest round.
    pub ns_min: f64,
    /// (Slowest − fastest round) / median.
    pub spread: f64,
    /// The median peak of resident memory, where the system says it.
    pub peak_bytes: Option<u64>,
    /// What else was measured, each the median of the rounds.
    pub details: Details,
}

/// The figures of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// Our side.
    pub ours: Figure,
    /// Our side on other tiers.
    pub other_tiers: Vec<(Tier, Figure)>,
    /// The others, in the order of the row.
    pub rivals: Vec<Figure>,
    /// How often each was asked.
    pub rounds: usize,
}

/// Measures a row: `ask` has one contender measured once, `progress` is told the number of each round, from 1.
/// Contenders that this build was made without are left out.
///
/// # Errors
///
/// [`RowError`] when a measurement fails or two results differ.
pub fn measure(
    row: &Row,
    mode: Mode,
    mut ask: impl FnMut(&Contender) -> Result<Answer, ChildError>,
    mut progress: impl FnMut(usize),
) -> Result<Figures, RowError> {
    let contenders: Vec<&Contender> =
        row.contenders().filter(|contender| contender.absence().is_none()).collect();
    let rounds = row.rounds.of(mode);
    let mut answers: Vec<Vec<Answer>> = vec![Vec::with_capacity(rounds); contenders.len()];
    let mut expected = None;
    for round in 0..rounds {
        progress(round + 1);
        for index in order(contenders.len(), round) {
            let id = contenders[index].id;
            let answer = ask(contenders[index]).map_err(|error| RowError::Child { id, error })?;
            let checksum = answer.measurement.checksum;
            let (first_id, first) = *expected.get_or_insert((id, checksum));
            if checksum != first {
                return Err(RowError::ResultsDiffer { id, checksum, first_id, first });
            }
            answers[index].push(answer);
        }
    }
    let ours = figure(contenders[0].id, &answers[0])?;
    let (mut other_tiers, mut rivals) = (Vec::new(), Vec::new());
    for (contender, answers) in contenders.iter().zip(&answers).skip(1) {
        let figure = figure(contender.id, answers)?;
        match contender.other_tier {
            Some(tier) => other_tiers.push((tier, figure)),
            None => rivals.push(figure),
        }
    }
    Ok(Figures { ours, other_tiers, rivals, rounds })
}

/// The contenders' order in a round: forwards in even rounds, backwards in odd ones.
fn order(contenders: usize, round: usize) -> Vec<usize> {
    if round.is_multiple_of(2) { (0..contenders).collect() } else { (0..contenders).rev().collect() }
}

fn figure(id: &'static str, answers: &[Answer]) -> Result<Figure, RowError> {
    let copies = answers.iter().map(|answer| answer.measurement.ns_by_copy.len()).min().unwrap_or(0);
    let by_round = |copy| answers.iter().map(move |answer| answer.measurement.ns_by_copy[copy]).collect();
    let by_copy: Vec<Vec<f64>> = (0..copies).map(by_round).collect();
    let fastest = by_copy.iter().min_by(|left, right| median(left).total_cmp(&median(right)));
    let ns_by_round = fastest.filter(|ns| median(ns) > 0.0).ok_or(RowError::NoTime { id })?;
    let mut peaks: Vec<u64> = answers.iter().filter_map(|answer| answer.peak_bytes).collect();
    peaks.sort_unstable();
    let peak_bytes = peaks.get(peaks.len() / 2).copied();
    let ns_min = ns_by_round.iter().copied().fold(f64::INFINITY, f64::min);
    let details = details(answers);
    Ok(Figure { id, ns: median(ns_by_round), ns_min, spread: spread(ns_by_round), peak_bytes, details })
}

/// The medians of what all rounds measured under one name, in the order of the first round.
fn details(answers: &[Answer]) -> Details {
    let names = answers.first().into_iter().flat_map(|answer| &answer.details).map(|(name, _)| name);
    let of_round = |name, answer: &Answer| {
        answer.details.iter().find(|(other, _)| other == name).map(|&(_, figure)| figure)
    };
    let of_all = |name| answers.iter().map(|answer| of_round(name, answer)).collect::<Option<Vec<f64>>>();
    names.filter_map(|name| Some((name.clone(), median(&of_all(name)?)))).collect()
}

/// Why a row has no figures.
#[derive(Debug)]
#[non_exhaustive]
pub enum RowError {
    /// A measurement failed.
    Child {
        /// The contender.
        id: &'static str,
        /// What happened.
        error: ChildError,
    },
    /// Two contenders, or two runs of one, computed different things.
    ResultsDiffer {
        /// The contender that differs.
        id: &'static str,
        /// Its result.
        checksum: u64,
        /// The contender that was measured first.
        first_id: &'static str,
        /// The result of that one.
        first: u64,
    },
    /// The clock did not move.
    NoTime {
        /// The contender.
        id: &'static str,
    },
}

impl fmt::Display for RowError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Child { id, error } => write!(out, "{id}: {error}"),
            Self::ResultsDiffer { id, checksum, first_id, first } => {
                write!(out, "results differ: {id} computed {checksum:x}, {first_id} {first:x}")
            }
            Self::NoTime { id } => write!(out, "{id}: the clock did not move"),
        }
    }
}

impl std::error::Error for RowError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Home, Measurement, OURS, Rounds, Unit, When};

    fn row(rivals: &[&'static str]) -> Row {
        let contender = |id| Contender::new(id, Home::Glibc, |_| unreachable!("the tests answer themselves"));
        Row {
            name: "area/case".to_owned(),
            about: String::new(),
            tier: None,
            unit: Unit::Operation,
            when: When::Always,
            threads: 1,
            rounds: Rounds { full: 3, quick: 1 },
            ours: contender(OURS),
            rivals: rivals.iter().map(|&id| contender(id)).collect(),
        }
    }

    fn answer(ns: &[f64], checksum: u64) -> Answer {
        let measurement = Measurement { ns_by_copy: ns.to_vec(), checksum };
        Answer { measurement, peak_bytes: Some(4096), details: vec![("pauses".to_owned(), ns[0])] }
    }

    #[test]
    fn the_order_turns_round_every_round() {
        let mut asked = Vec::new();
        let mut rounds = Vec::new();
        let ask = |contender: &Contender| {
            asked.push(contender.id);
            Ok(answer(&[1.0], 0))
        };
        measure(&row(&["a", "b"]), Mode::Full, ask, |round| rounds.push(round)).unwrap();
        assert_eq!(asked, [OURS, "a", "b", "b", "a", OURS, OURS, "a", "b"]);
        assert_eq!(rounds, [1, 2, 3]);
    }

    #[test]
    fn the_figure_is_the_fastest_copys_median() {
        let mut ours = [[2.0, 9.0], [4.0, 1.0], [3.0, 8.0]].into_iter();
        let ask = |contender: &Contender| match contender.id {
            OURS => Ok(answer(&ours.next().unwrap(), 0)),
            _ => Ok(answer(&[6.0], 0)),
        };
        let figures = measure(&row(&["a"]), Mode::Full, ask, |_| ()).unwrap();
        assert_eq!(figures.rounds, 3);
        assert!((figures.ours.ns - 3.0).abs() < 1e-12);
        assert!((figures.ours.spread - 2.0 / 3.0).abs() < 1e-12);
        assert!((figures.rivals[0].ns - 6.0).abs() < 1e-12);
        assert!((figures.ours.ns_min - 2.0).abs() < 1e-12);
        assert_eq!(figures.ours.details, [("pauses".to_owned(), 3.0)]);
        assert_eq!(figures.rivals[0].peak_bytes, Some(4096));
    }

    #[test]
    fn a_rival_that_computes_something_else_is_an_error() {
        let ask = |contender: &Contender| Ok(answer(&[1.0], u64::from(contender.id == "b")));
        let error = measure(&row(&["a", "b"]), Mode::Full, ask, |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "results differ: b computed 1, terrane 0");
    }

    #[test]
    fn a_contender_that_computes_something_else_in_a_later_round_is_an_error() {
        let mut turn = 0;
        let ask = |_: &Contender| {
            turn += 1;
            Ok(answer(&[1.0], turn / 5))
        };
        assert!(matches!(
            measure(&row(&["a"]), Mode::Full, ask, |_| ()),
            Err(RowError::ResultsDiffer { id: OURS, .. })
        ));
    }

    #[test]
    fn an_absent_contender_is_not_asked() {
        let mut row = row(&["a", "b"]);
        row.rivals[0] = Contender::absent("a", Home::Glibc, "it is not installed");
        let mut asked = Vec::new();
        let ask = |contender: &Contender| {
            asked.push(contender.id);
            Ok(answer(&[1.0], 0))
        };
        let figures = measure(&row, Mode::Quick, ask, |_| ()).unwrap();
        assert_eq!(asked, [OURS, "b"]);
        assert_eq!(figures.rivals.len(), 1);
    }

    #[test]
    fn a_failing_child_is_named() {
        let ask = |contender: &Contender| match contender.id {
            "a" => Err(ChildError::TimedOut),
            _ => Ok(answer(&[1.0], 0)),
        };
        let error = measure(&row(&["a"]), Mode::Quick, ask, |_| ()).unwrap_err();
        assert_eq!(error.to_string(), "a: the measuring process was stopped after 15 minutes");
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_figure() {
        let ask = |_: &Contender| Ok(answer(&[0.0], 0));
        assert!(matches!(measure(&row(&[]), Mode::Quick, ask, |_| ()), Err(RowError::NoTime { id: OURS })));
    }
}
