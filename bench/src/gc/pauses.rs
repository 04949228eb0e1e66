//! How long a program waits for its collector.
//!
//! A program runs one *unit* after the other for some seconds of CPU time, so that it gets as far however much else the
//! machine has to do. Each is timed by the wall and by the thread's CPU: the
//! longest units are those in which the collector worked. What ours says of its own pauses is CPU time too, and
//! counts each slice of a full collection. Then the program rests for a second, in which ours is told that there is idle time
//! (half a millisecond at a time, and these pauses count too), and what is still resident is compared with what lives.

use super::histogram::Histogram;
use crate::clock;
use crate::resident;
use crate::row::{Contender, Details, Home, Measurement, Rounds, Row, Tier, Unit, When};
use std::time::{Duration, Instant};
use terrane_gc::raw::PauseHistogram;

/// How long a program rests at its end.
const REST: Duration = Duration::from_secs(1);
/// A step of the heap's work in idle time.
const STEP_NS: u64 = 500_000;

/// Units after which the result is compared: every contender runs at least so many.
const CHECKED_UNITS: usize = 64;

/// How much a program of a row holds, and how long it runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// The last part of the row's name.
    pub(super) name: &'static str,
    pub(super) slots: usize,
    /// In CPU time.
    pub(super) time: Duration,
    pub(super) when: When,
}

impl Size {
    /// The row of these contenders, ours on this tier.
    pub(super) fn row(self, tier: Tier, about: String, ours: Contender, rivals: Vec<Contender>) -> Row {
        Row {
            name: format!("gc/pause/{}", self.name),
            about,
            tier: Some(tier),
            unit: Unit::Operation,
            when: self.when,
            threads: 1,
            rounds: Rounds { full: 1, quick: 1 },
            ours,
            rivals,
        }
    }

    /// Who runs the program that is made for so many slots.
    pub(super) fn contender<P: InUnits>(
        self,
        id: &'static str,
        home: Home,
        make: impl Fn(usize) -> P + 'static,
    ) -> Contender {
        Contender::with_details(id, home, move |_| self.measure(&make))
    }

    /// Runs the program that is made for so many slots.
    pub(super) fn measure<P: InUnits>(self, make: impl Fn(usize) -> P) -> (Measurement, Details) {
        measure(&mut make(self.slots), self.time)
    }
}

/// A program that runs in units.
pub(super) trait InUnits {
    /// Runs the next one.
    fn unit(&mut self);

    /// Checks what lives, and folds it: the same for all contenders after as many units.
    ///
    /// # Panics
    ///
    /// When something is not what it was made.
    fn check(&mut self) -> u64;

    /// Bytes of what lives.
    fn live_bytes(&self) -> u64;

    /// Lets the heap work for so long, if it knows how to use idle time: false when nothing is left to do.
    fn step(&mut self, _ns: u64) -> bool {
        false
    }

    /// What the heap has from the system, if it says so.
    fn heap_bytes(&self) -> Option<u64> {
        None
    }

    /// The pauses of the collector since there is a heap, in CPU time, if it tells.
    fn pauses(&self) -> Option<PauseHistogram> {
        None
    }
}

/// Runs units for this long, in CPU time; the CPU time of one, and the histograms.
pub(super) fn measure(program: &mut dyn InUnits, time: Duration) -> (Measurement, Details) {
    let mut seen = Seen { pauses_before: program.pauses().unwrap_or_default(), ..Seen::default() };
    while seen.units.len() < CHECKED_UNITS || seen.cpu_ns < time.as_secs_f64() * 1e9 {
        seen.unit(program);
    }
    seen.finish(program)
}

/// What was seen of a program.
#[derive(Default)]
struct Seen {
    /// After so many units that every contender ran as many.
    checksum: u64,
    units: Histogram,
    units_cpu: Histogram,
    /// The pauses in which the heap was filled, before the first unit.
    pauses_before: PauseHistogram,
    wall_ns: f64,
    cpu_ns: f64,
    heap_bytes_max: Option<u64>,
}

impl Seen {
    fn unit(&mut self, program: &mut dyn InUnits) {
        let start = Instant::now();
        let (cpu_ns, ()) = clock::thread_time(|| program.unit());
        let wall_ns = start.elapsed().as_secs_f64() * 1e9;
        self.units.add(wall_ns);
        self.units_cpu.add(cpu_ns);
        self.wall_ns += wall_ns;
        self.cpu_ns += cpu_ns;
        self.heap_bytes_max = self.heap_bytes_max.max(program.heap_bytes());
        if self.units.len() == CHECKED_UNITS {
            self.checksum = program.check();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "all figures are below 2^53")]
    fn finish(self, program: &mut dyn InUnits) -> (Measurement, Details) {
        let live = program.live_bytes() as f64;
        let rest = Instant::now();
        while rest.elapsed() < REST && program.step(STEP_NS) {}
        std::thread::sleep(REST.saturating_sub(rest.elapsed()));
        let pauses = program.pauses().map(|pauses| pauses.since(&self.pauses_before));
        let resident = resident::bytes();
        let _ = program.check();
        let units = self.units.len() as f64;
        let mut details = vec![("units_per_s".to_owned(), units / self.wall_ns * 1e9)];
        self.units.describe("unit_wall", &mut details);
        self.units_cpu.describe("unit_cpu", &mut details);
        if let Some(pauses) = pauses.filter(|pauses| pauses.count() > 0) {
            describe(&pauses, &mut details);
        }
        details.push(("live_bytes".to_owned(), live));
        let beside_live = [
            ("heap_over_live", self.heap_bytes_max),
            ("peak_over_live", resident::peak_bytes()),
            ("resident_after_1s_over_live", resident),
        ];
        for (name, bytes) in beside_live {
            details.extend(bytes.map(|bytes| (name.to_owned(), bytes as f64 / live)));
        }
        let measurement = Measurement { ns_by_copy: vec![self.cpu_ns / units], checksum: self.checksum };
        (measurement, details)
    }
}

/// Adds how many pauses there were, and how long.
#[expect(clippy::cast_precision_loss, reason = "all figures are below 2^53")]
fn describe(pauses: &PauseHistogram, details: &mut Details) {
    details.push(("pauses".to_owned(), pauses.count() as f64));
    for (part, percent) in [("p50", 50.0), ("p99", 99.0), ("p999", 99.9)] {
        details.push((format!("pause_cpu_{part}_ns"), pauses.percentile_ns(percent) as f64));
    }
    details.push(("pause_cpu_max_ns".to_owned(), pauses.max_ns() as f64));
}
