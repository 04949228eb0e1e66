//! The engine: from a source text to a finished run.

use crate::bytecode::{Code, emit_module};
use crate::core::{Program, arena_leaks, resolve_known_globals, resolve_variables};
use crate::diagnostic::{Complaint, Diagnostic, Failure};
use crate::expand::{Texts, expand_program};
use crate::ir::{Module, lower_program};
use crate::placement::{Placements, Reasons};
use crate::report::Report;
use crate::source::{Origin, Source, Sources};
use crate::syntax::{DatumId, DatumPool, read_program};
use crate::vm::{Machine, Setup, Trap};
use std::fmt;
use std::num::NonZeroU64;
use std::rc::Rc;
use terrane_base::{Bytes, MemoryError};
use terrane_gc::raw::{CollectionRecord, HeapConfig};

const PRELUDE: &str = include_str!("library/prelude.scm");

/// How a program is compiled and run.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Most memory that the program's objects may take; `None`: 16 GiB.
    pub heap_limit: Option<Bytes>,
    /// Size of the nursery; `None`: the collector's choice.
    pub nursery: Option<Bytes>,
    /// Whether the compiler may put objects into frames.
    pub placement: bool,
    /// Collect at every n-th allocation, moving everything.
    pub gc_stress: Option<NonZeroU64>,
    /// Check the heap after every collection.
    pub gc_verify: bool,
    /// Count allocations by site, for [`Engine::report`].
    pub profile: bool,
    /// What `(command-line)` gives: the program's name first.
    pub arguments: Vec<String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            heap_limit: None,
            nursery: None,
            placement: true,
            gc_stress: None,
            gc_verify: false,
            profile: false,
            arguments: Vec::new(),
        }
    }
}

macro_rules! setters {
    ($($(#[$meta:meta])* $method:ident $field:ident: $type:ty;)*) => {
        impl Options {
            $($(#[$meta])*
            #[must_use]
            pub fn $method(mut self, $field: $type) -> Self {
                self.$field = $field;
                self
            })*
        }
    };
}

setters! {
    /// Sets [`Options::heap_limit`].
    with_heap_limit heap_limit: Option<Bytes>;
    /// Sets [`Options::nursery`].
    with_nursery nursery: Option<Bytes>;
    /// Sets [`Options::placement`].
    with_placement placement: bool;
    /// Sets [`Options::gc_stress`].
    with_gc_stress gc_stress: Option<NonZeroU64>;
    /// Sets [`Options::gc_verify`].
    with_gc_verify gc_verify: bool;
    /// Sets [`Options::profile`].
    with_profile profile: bool;
    /// Sets [`Options::arguments`].
    with_arguments arguments: Vec<String>;
}

type GcLog = Rc<std::cell::RefCell<dyn FnMut(&CollectionRecord)>>;

/// Compiles and runs programs; each run has a heap of its own.
///
/// ```
/// use aurora::{Engine, Options, Source};
///
/// let mut engine = Engine::new(Options::default())?;
/// engine.run(&Source::new("hello.scm", "(display \"hello\") (newline)"))?;
/// # Ok::<(), aurora::Failure>(())
/// ```
pub struct Engine {
    options: Options,
    gc_log: Option<GcLog>,
    report: Report,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("options", &self.options).finish_non_exhaustive()
    }
}

impl Engine {
    /// An engine with these options.
    ///
    /// # Errors
    /// [`Failure::Memory`] if a heap with these limits cannot be made.
    pub fn new(options: Options) -> Result<Self, Failure> {
        // A heap is made and dropped, so that impossible limits are reported before any program is read.
        drop(crate::heap::Memory::new(heap_config(&options)).map_err(Failure::Memory)?);
        Ok(Self { options, gc_log: None, report: Report::default() })
    }

    /// Calls `log` after every collection.
    pub fn set_gc_log(&mut self, log: impl FnMut(&CollectionRecord) + 'static) {
        self.gc_log = Some(Rc::new(std::cell::RefCell::new(log)));
    }

    /// Compiles, places and runs a program. Its output is written to standard output and flushed at the end.
    ///
    /// # Errors
    /// [`Failure::Diagnostics`] if the program is wrong or goes wrong, [`Failure::Exit`] if it calls `exit`,
    /// [`Failure::OutputClosed`] if nobody reads its output any more.
    pub fn run(&mut self, source: &Source) -> Result<(), Failure> {
        self.run_program(source, false).1
    }

    /// As [`Engine::run`], but answers the program's standard output instead of writing it.
    ///
    /// ```
    /// use aurora::{Engine, Options, Source};
    ///
    /// let (output, result) = Engine::new(Options::default())?.run_captured(&Source::new("t.scm", "(display (* 6 7))"));
    /// assert_eq!(output, "42");
    /// # result?;
    /// # Ok::<(), aurora::Failure>(())
    /// ```
    ///
    /// # Errors
    /// In the second part of the answer, as for [`Engine::run`].
    pub fn run_captured(&mut self, source: &Source) -> (String, Result<(), Failure>) {
        self.run_program(source, true)
    }

    fn run_program(&mut self, source: &Source, capture: bool) -> (String, Result<(), Failure>) {
        let (compiled, mut machine, code) = match self.prepare(source) {
            Ok(prepared) => prepared,
            Err(failure) => return (String::new(), Err(failure)),
        };
        if capture {
            machine.ports.capture_output();
        }
        let result = execute(&mut machine, &compiled.program, &compiled.texts, &code);
        let result = match (result, machine.ports.flush_all()) {
            (Ok(()), flushed) => flushed,
            (failed, _) => failed,
        };
        self.report = Report::of(&machine, &code, &compiled.sources);
        let output = machine.ports.captured_output();
        (output, result.map_err(|trap| failure(trap, &machine, &compiled.sources)))
    }

    fn prepare(&self, source: &Source) -> Result<(Compiled, Machine, Rc<Code>), Failure> {
        let mut compiled = Compiled::new(source, self.options.placement, Reasons::Unread)?;
        let module = std::mem::take(&mut compiled.module);
        let code =
            Rc::new(emit_module(module).map_err(|complaint| located(vec![complaint], &compiled.sources))?);
        let setup = Setup {
            config: heap_config(&self.options),
            code: Rc::clone(&code),
            arguments: self.options.arguments.clone(),
            profile: self.options.profile,
            stress: self.options.gc_stress,
        };
        let mut machine = Machine::new(setup, &compiled.program).map_err(outside_failure)?;
        if let Some(log) = &self.gc_log {
            let log = Rc::clone(log);
            machine.memory.set_observer(Box::new(move |record| (log.borrow_mut())(record)));
        }
        Ok((compiled, machine, code))
    }

    /// Where the memory of the last run went.
    #[must_use]
    pub fn report(&self) -> Report {
        self.report.clone()
    }
}

fn execute(machine: &mut Machine, program: &Program, texts: &ReadTexts, code: &Code) -> Result<(), Trap> {
    machine.load_constants(program, &texts.prelude.0, &texts.user.0)?;
    code.forms.iter().try_for_each(|&form| machine.run(form).map(drop))
}

fn heap_config(options: &Options) -> HeapConfig {
    let mut config = HeapConfig::default().stress(options.gc_stress).verify(options.gc_verify);
    if let Some(limit) = options.heap_limit {
        config = config.limit(limit);
    }
    if let Some(nursery) = options.nursery {
        config = config.nursery(nursery);
    }
    config
}

/// The data of both texts.
struct ReadTexts {
    prelude: (DatumPool, Vec<DatumId>),
    user: (DatumPool, Vec<DatumId>),
}

/// A program up to the intermediate language.
pub(crate) struct Compiled {
    pub(crate) program: Program,
    pub(crate) module: Module,
    pub(crate) sources: Sources,
    texts: ReadTexts,
}

impl Compiled {
    pub(crate) fn new(source: &Source, placement: bool, reasons: Reasons) -> Result<Self, Failure> {
        let sources = Sources { prelude: Source::new("(library)", PRELUDE), user: source.clone() };
        let texts = ReadTexts {
            prelude: read_program(PRELUDE, Origin::Prelude).map_err(|c| located(vec![c], &sources))?,
            user: read_program(&source.text, Origin::User).map_err(|c| located(vec![c], &sources))?,
        };
        let expanded = expand_program(&Texts {
            prelude: (&texts.prelude.0, &texts.prelude.1),
            user: (&texts.user.0, &texts.user.1),
        });
        let mut program = expanded.map_err(|complaints| located(complaints, &sources))?;
        resolve_known_globals(&mut program);
        resolve_variables(&mut program);
        let leaks = arena_leaks(&program, &sources);
        if !leaks.is_empty() {
            return Err(located(leaks, &sources));
        }
        let placements = Placements::decide(&program, placement, reasons);
        let module = lower_program(&program, &placements);
        Ok(Self { program, module, sources, texts })
    }
}

fn located(complaints: Vec<Complaint>, sources: &Sources) -> Failure {
    Failure::Diagnostics(complaints.into_iter().map(|complaint| complaint.locate(sources)).collect())
}

/// A failure before the program runs: it has no place.
fn outside_failure(trap: Trap) -> Failure {
    match trap {
        Trap::Memory(error) => Failure::Memory(error),
        Trap::Exit(code) => Failure::Exit(code),
        Trap::OutputClosed => Failure::OutputClosed,
        Trap::Error { message, .. } => Failure::Diagnostics(vec![Diagnostic::without_place(message)]),
    }
}

fn failure(trap: Trap, machine: &Machine, sources: &Sources) -> Failure {
    let (message, help) = match trap {
        Trap::Error { message, help } => (message, help),
        Trap::Memory(error) => (
            memory_message(&error),
            Some("give the program a larger --heap-limit, or let go of what it does not need".to_owned()),
        ),
        other => return outside_failure(other),
    };
    let (span, within) = machine.place();
    let mut complaint = Complaint::new(span, message, "here");
    if let Some(name) = within {
        complaint =
            complaint.note(format!("inside the library procedure `{}`", name.trim_start_matches('%')));
    }
    if let Some(help) = help {
        complaint = complaint.help(help);
    }
    located(vec![complaint], sources)
}

fn memory_message(error: &MemoryError) -> String {
    match error {
        MemoryError::BudgetExceeded { requested, remaining, .. } => format!(
            "memory exhausted: {requested} requested, {remaining} remain of the limit for symbols, string ports and stacks"
        ),
        other => format!("memory exhausted: {other}"),
    }
}
