//! What is measured: a *row* is one program, its *contenders* are the implementations that run it.

use std::fmt;

/// The identifier of our own implementation on the children's command lines.
pub const OURS: &str = "terrane";

/// The identifier of our own implementation on the safe tier, where the row's own is on the raw one.
pub const OURS_SAFE: &str = "terrane-safe";

/// One program, run by ours and by each rival.
#[derive(Debug)]
pub struct Row {
    /// `area/case[/size][/threads]`.
    pub name: String,
    /// One sentence: the program, and what one unit of its figures is.
    pub about: String,
    /// Which interface of the collector ours uses; `None` outside the collector's rows.
    pub tier: Option<Tier>,
    /// What the nanoseconds are of.
    pub unit: Unit,
    /// In which runs the row takes part.
    pub when: When,
    /// How many threads a contender runs; with more than one the program pins them itself.
    pub threads: usize,
    /// How often each contender is asked.
    pub rounds: Rounds,
    /// Our side.
    pub ours: Contender,
    /// The others: rivals, and ours on another tier. Each rival gives one line of output for each tier of ours.
    pub rivals: Vec<Contender>,
}

impl Row {
    /// Ours, then the rivals.
    pub fn contenders(&self) -> impl Iterator<Item = &Contender> {
        std::iter::once(&self.ours).chain(&self.rivals)
    }

    /// The contender with this identifier.
    #[must_use]
    pub fn contender(&self, id: &str) -> Option<&Contender> {
        self.contenders().find(|contender| contender.id == id)
    }
}

/// One implementation of a row's program.
pub struct Contender {
    /// [`OURS`] or the rival's identifier.
    pub id: &'static str,
    /// The child that measures it.
    pub home: Home,
    /// Where it is ours, on another tier than the row's: that tier.
    pub other_tier: Option<Tier>,
    program: Program,
}

enum Program {
    Present(Box<dyn Fn(Mode) -> (Measurement, Details)>),
    Absent(&'static str),
}

impl Contender {
    /// A contender that `measure` measures in the child of `home`.
    pub fn new(id: &'static str, home: Home, measure: impl Fn(Mode) -> Measurement + 'static) -> Self {
        Self::with_details(id, home, move |mode| (measure(mode), Details::new()))
    }

    /// A contender about which more is measured than its time.
    pub fn with_details(
        id: &'static str,
        home: Home,
        measure: impl Fn(Mode) -> (Measurement, Details) + 'static,
    ) -> Self {
        Self { id, home, other_tier: None, program: Program::Present(Box::new(measure)) }
    }

    /// The same contender as ours on a tier that is not the row's: it is compared with the rivals too.
    #[must_use]
    pub fn on_tier(self, tier: Tier) -> Self {
        Self { other_tier: Some(tier), ..self }
    }

    /// A contender that this build was made without. It is skipped, and the reason is printed.
    #[must_use]
    pub fn absent(id: &'static str, home: Home, reason: &'static str) -> Self {
        Self { id, home, other_tier: None, program: Program::Absent(reason) }
    }

    /// Why the contender cannot be measured, if so.
    #[must_use]
    pub fn absence(&self) -> Option<&'static str> {
        match self.program {
            Program::Present(_) => None,
            Program::Absent(reason) => Some(reason),
        }
    }

    /// Runs the program in this process.
    ///
    /// # Panics
    ///
    /// When the contender is absent.
    #[must_use]
    pub fn measure(&self, mode: Mode) -> Measurement {
        self.measure_in_detail(mode).0
    }

    /// The same, with what else was measured.
    ///
    /// # Panics
    ///
    /// When the contender is absent.
    #[must_use]
    pub fn measure_in_detail(&self, mode: Mode) -> (Measurement, Details) {
        match &self.program {
            Program::Present(measure) => measure(mode),
            Program::Absent(reason) => panic!("{} cannot be measured: {reason}", self.id),
        }
    }
}

/// What is measured beside the time: names, whose last word is the unit (`pause_max_ns`, `live_bytes`), and figures.
pub type Details = Vec<(String, f64)>;

impl fmt::Debug for Contender {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Contender").field("id", &self.id).field("home", &self.home).finish_non_exhaustive()
    }
}

/// What one run of one contender gave.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Nanoseconds per [`Unit`], one figure for each copy of the loop (see [`crate::code_layout`]).
    pub ns_by_copy: Vec<f64>,
    /// What the program computed; equal for all contenders of a row.
    pub checksum: u64,
}

/// The child that a contender runs in: which global allocator that program has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Home {
    /// The system's allocator; glibc's on Linux.
    Glibc,
    /// mimalloc 2.
    Mimalloc,
}

impl Home {
    /// The file name of the measuring program, without an extension.
    #[must_use]
    pub fn program(self) -> &'static str {
        match self {
            Self::Glibc => "bench-glibc",
            Self::Mimalloc => "bench-mimalloc",
        }
    }
}

/// Which interface of the collector is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tier {
    /// `terrane_gc::raw`.
    Raw,
    /// What `terrane_gc` itself names: its user writes no `unsafe`.
    Safe,
}

impl fmt::Display for Tier {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Raw => "raw",
            Self::Safe => "safe",
        })
    }
}

/// What the nanoseconds of a row are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// One small operation, named in [`Row::about`].
    Operation,
    /// One run of the whole program.
    Run,
    /// One run of the whole program, and what is compared is not its time but the peak of resident memory.
    Peak,
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Operation => "operation",
            Self::Run => "run",
            Self::Peak => "peak byte",
        })
    }
}

/// How much is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// For figures.
    Full,
    /// For a check that everything runs: fewer rounds, smaller programs.
    Quick,
}

impl Mode {
    /// The word for it on a child's command line.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Quick => "quick",
        }
    }
}

/// In which runs a row takes part. Its exact name asks for it in any run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In full and in quick runs.
    Always,
    /// In full runs.
    Full,
    /// In quick runs: a smaller size of a program that full runs measure larger.
    Quick,
    /// Only when its exact name is given.
    Named,
}

impl When {
    /// Whether a run of `mode` measures the row without being asked for it by name.
    #[must_use]
    pub fn includes(self, mode: Mode) -> bool {
        match self {
            Self::Always => true,
            Self::Full => mode == Mode::Full,
            Self::Quick => mode == Mode::Quick,
            Self::Named => false,
        }
    }
}

/// How often each contender of a row is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rounds {
    /// In a full run.
    pub full: usize,
    /// In a quick run.
    pub quick: usize,
}

impl Rounds {
    /// For loops of some milliseconds.
    pub const LOOPS: Self = Self { full: 9, quick: 2 };
    /// For programs of up to some seconds.
    pub const PROGRAMS: Self = Self { full: 5, quick: 2 };
    /// For programs of many seconds.
    pub const LONG_PROGRAMS: Self = Self { full: 3, quick: 1 };

    /// The number of rounds in a run of `mode`.
    #[must_use]
    pub fn of(self, mode: Mode) -> usize {
        match mode {
            Mode::Full => self.full,
            Mode::Quick => self.quick,
        }
    }
}
