//! From a program to its rows: one beside the rivals, with ours on both tiers, and one for each other configuration of
//! ours on the raw tier.

use super::configuration::{self, Configuration};
use crate::row::{Contender, Home, Measurement, Mode, OURS, OURS_SAFE, Rounds, Row, Tier, Unit, When};
use std::rc::Rc;

/// A program of this area.
pub(super) struct Program {
    /// The row's name without the area.
    pub(super) name: String,
    pub(super) about: String,
    pub(super) unit: Unit,
    pub(super) when: When,
    pub(super) rounds: Rounds,
    /// Ours, on the raw tier.
    pub(super) ours: Rc<Measure>,
    /// Ours, on the safe tier.
    pub(super) safe: Rc<Measure>,
    pub(super) rivals: Vec<Contender>,
}

/// Measures ours in a configuration.
type Measure = dyn Fn(Configuration, Mode) -> Measurement;

impl Program {
    /// All rows of the program.
    pub(super) fn rows(self) -> Vec<Row> {
        let mut rows = vec![self.beside_rivals()];
        rows.extend(configuration::OTHERS.iter().map(|&other| self.beside(other)));
        rows[0].rivals.extend(self.rivals);
        rows
    }

    fn beside_rivals(&self) -> Row {
        let safe = Rc::clone(&self.safe);
        let safe = Contender::new(OURS_SAFE, Home::Mimalloc, move |mode| safe(configuration::DEFAULT, mode));
        let mut row = self.row(format!("gc/{}", self.name), self.about.clone());
        row.rivals.push(safe.on_tier(Tier::Safe));
        row
    }

    fn beside(&self, other: Configuration) -> Row {
        let name = format!("gc/{}/{}", other.area, self.name);
        let about = format!("gc/{}: ours by default beside ours with {}", self.name, other.about);
        let mut row = self.row(name, about);
        row.rivals.push(self.contender(other.id, other));
        row
    }

    fn row(&self, name: String, about: String) -> Row {
        Row {
            name,
            about,
            tier: Some(Tier::Raw),
            unit: self.unit,
            when: self.when,
            threads: 1,
            rounds: self.rounds,
            ours: self.contender(OURS, configuration::DEFAULT),
            rivals: Vec::new(),
        }
    }

    fn contender(&self, id: &'static str, configuration: Configuration) -> Contender {
        let measure = Rc::clone(&self.ours);
        Contender::new(id, Home::Mimalloc, move |mode| measure(configuration, mode))
    }
}
