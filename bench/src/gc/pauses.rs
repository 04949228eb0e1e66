//! How long a program waits for its collector.
//!
//! A program runs one *unit* after the other for some seconds of CPU time, so that it gets as far however much else the
//! machine has to do. Each is timed by the wall and by the thread's CPU: the
//! longest units are those in which the collector worked. What ours says of its own pauses is CPU time too. Then the
//! program rests for a second, and what is still resident is compared with what lives.

use super::histogram::Histogram;
use crate::clock;
use crate::resident;
use crate::row::{Details, Measurement};
use std::time::{Duration, Instant};

/// Units after which the result is compared: every contender runs at least so many.
const CHECKED_UNITS: usize = 64;

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

    /// What the heap has from the system, if it says so.
    fn heap_bytes(&self) -> Option<u64> {
        None
    }

    /// CPU time of each pause since the last call, in nanoseconds, if the collector tells.
    fn take_pauses_ns(&mut self) -> Vec<u64> {
        Vec::new()
    }
}

/// Runs units for this long, in CPU time; the CPU time of one, and the histograms.
pub(super) fn measure(program: &mut dyn InUnits, time: Duration) -> (Measurement, Details) {
    let mut seen = Seen::default();
    program.take_pauses_ns();
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
    pauses: Histogram,
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
        #[expect(clippy::cast_precision_loss, reason = "a pause is shorter than 2^53 ns")]
        program.take_pauses_ns().into_iter().for_each(|ns| self.pauses.add(ns as f64));
        self.heap_bytes_max = self.heap_bytes_max.max(program.heap_bytes());
        if self.units.len() == CHECKED_UNITS {
            self.checksum = program.check();
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "all figures are below 2^53")]
    fn finish(self, program: &mut dyn InUnits) -> (Measurement, Details) {
        let live = program.live_bytes() as f64;
        std::thread::sleep(Duration::from_secs(1));
        let resident = resident::bytes();
        let _ = program.check();
        let units = self.units.len() as f64;
        let mut details = vec![("units_per_s".to_owned(), units / self.wall_ns * 1e9)];
        self.units.describe("unit_wall", &mut details);
        self.units_cpu.describe("unit_cpu", &mut details);
        if self.pauses.len() > 0 {
            details.push(("pauses".to_owned(), self.pauses.len() as f64));
            self.pauses.describe("pause_cpu", &mut details);
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
