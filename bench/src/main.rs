//! The program `bench`; see the library for how it measures.

use bench::absences::Absences;
use bench::arguments::{self, Measure, Request};
use bench::cache;
use bench::children::Children;
use bench::orchestrator::{self, Figures};
use bench::progress::Progress;
use bench::registry;
use bench::row::{Mode, Row};
use bench::selection;
use bench::table;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

fn main() -> ExitCode {
    let progress = Progress::new();
    if std::env::args_os().nth(1).is_some_and(|name| name == "cache-trace") {
        return cache_trace(&progress);
    }
    let outcome = match arguments::parse(std::env::args_os().skip(1)) {
        Ok(Request::Help) => print(arguments::USAGE),
        Ok(Request::List(names)) => list(&names),
        Ok(Request::Measure(request)) => measure(&request, &progress),
        Err(error) => Err(Failure::Usage(format!("{error}; `bench --help` explains"))),
    };
    match outcome {
        Ok(()) | Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(Failure::Usage(message)) => {
            progress.complain(&message);
            ExitCode::from(2)
        }
        Err(Failure::Measuring(message)) => {
            progress.complain(&message);
            ExitCode::FAILURE
        }
    }
}

/// Not a measure of time: hits of caches on traces.
fn cache_trace(progress: &Progress) -> ExitCode {
    match cache::trace::run(std::env::args_os().skip(2)).map(|text| print(&text)) {
        Ok(Ok(()) | Err(Failure::ReaderGone)) => ExitCode::SUCCESS,
        Ok(Err(Failure::Usage(message) | Failure::Measuring(message))) => {
            progress.complain(&message);
            ExitCode::FAILURE
        }
        Err(message) => {
            progress.complain(&message);
            ExitCode::from(2)
        }
    }
}

enum Failure {
    /// The command line is wrong.
    Usage(String),
    /// Something could not be measured or written.
    Measuring(String),
    /// Nobody reads stdout any more.
    ReaderGone,
}

fn list(names: &[String]) -> Result<(), Failure> {
    let rows = registry::rows();
    let named = |row: &Row| names.is_empty() || names.iter().any(|name| selection::covers(name, &row.name));
    let mut text = String::new();
    for row in rows.iter().filter(|row| named(row)) {
        text += &table::description(row);
    }
    if text.is_empty() {
        return Err(Failure::Usage(format!("no row answers to {}", names.join(", "))));
    }
    print(&text)
}

fn measure(request: &Measure, progress: &Progress) -> Result<(), Failure> {
    let rows = selection::select(registry::rows(), &request.names, request.mode)
        .map_err(|error| Failure::Usage(error.to_string()))?;
    let children = Children::find().map_err(|error| Failure::Measuring(error.to_string()))?;
    let mut output = Output::new(request)?;
    progress.say(&conditions(&children, request.mode));
    let mut lines = Vec::new();
    let mut failed = Vec::new();
    let mut absences = Absences::default();
    for row in &rows {
        absences.note(row);
        let rounds = row.rounds.of(request.mode);
        let figures = orchestrator::measure(
            row,
            request.mode,
            |contender| children.ask(row, contender, request.mode),
            |round| progress.round(&row.name, round, rounds),
        );
        match figures {
            Ok(figures) => {
                output.row(row, &figures, request.mode)?;
                lines.extend(table::lines(row, &figures));
            }
            Err(error) => {
                progress.complain(&format!("{}: {error}", row.name));
                failed.push(row.name.as_str());
            }
        }
    }
    progress.heading(&table::heading());
    lines.iter().for_each(|line| progress.say(line));
    absences.lines().iter().for_each(|line| progress.say(line));
    match failed[..] {
        [] => Ok(()),
        _ => Err(Failure::Measuring(format!("not measured: {}", failed.join(", ")))),
    }
}

/// Under which conditions the figures come about, as far as they are known.
fn conditions(children: &Children, mode: Mode) -> String {
    let mut text = match children.core() {
        Some(core) => format!("pinned to core {core}, CPU time"),
        None => "not pinned".to_owned(),
    };
    if mode == Mode::Quick {
        text += "; quick: no figures to quote";
    }
    if cfg!(debug_assertions) {
        text += "; built without optimisation: the figures mean nothing";
    }
    let load = std::fs::read_to_string("/proc/loadavg").ok();
    let load: Option<f64> = load.and_then(|text| text.split(' ').next()?.parse().ok());
    if let Some(load) = load.filter(|&load| load >= 0.5) {
        text += &format!("; load average {load}: others are at work, the figures are rough");
    }
    text
}

/// Where the rows go: stdout, and a file if one was named.
struct Output<'a> {
    file: Option<(&'a std::path::Path, File)>,
}

impl<'a> Output<'a> {
    fn new(request: &'a Measure) -> Result<Self, Failure> {
        let Some(path) = request.save.as_deref() else { return Ok(Self { file: None }) };
        let file = File::create(path).map_err(|error| unsaved(path, &error))?;
        Ok(Self { file: Some((path, file)) })
    }

    fn row(&mut self, row: &Row, figures: &Figures, mode: Mode) -> Result<(), Failure> {
        let text = table::json_lines(row, figures, mode).join("\n") + "\n";
        if let Some((path, file)) = &mut self.file {
            file.write_all(text.as_bytes()).map_err(|error| unsaved(path, &error))?;
        }
        print(&text)
    }
}

fn unsaved(path: &std::path::Path, error: &io::Error) -> Failure {
    Failure::Measuring(format!("{} cannot be written: {error}", path.display()))
}

fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::ReaderGone),
        Err(error) => Err(Failure::Measuring(format!("stdout cannot be written: {error}"))),
    }
}
