//! `terrane run`: hands the program to the engine, then shows how it ended and, if asked, where its memory
//! went.

use std::process::ExitCode;

use aurora::{Engine, Failure, Options, Report, Source};
use terrane_base::Bytes;

use crate::command_line::{ReportFormat, RunCommand};
use crate::diagnostic::{Message, Style};
use crate::heap_limit::default_heap_limit;
use crate::{output, report, source_file};

/// The least limit that every nursery size starts with, rounded up.
const LEAST_HEAP: Bytes = Bytes::from_mib(1);

/// Runs the program; returns its exit code.
pub(crate) fn run(command: &RunCommand) -> ExitCode {
    let source = match source_file::read(&command.file) {
        Ok(source) => source,
        Err(unreadable) => {
            let mut message = unreadable.message;
            if unreadable.missing
                && let Some(help) = format_meant(command)
            {
                message = message.with_help(help);
            }
            output::to_stderr(&message.draw(&unreadable.source, Style::of_stderr()));
            return ExitCode::FAILURE;
        }
    };
    let limit = command.heap_limit.or_else(default_heap_limit);
    let failed = |failure: Failure| match (failure, limit) {
        (Failure::Memory(_), Some(limit)) if limit < LEAST_HEAP => {
            complain(&format!("--heap-limit {limit} is too small: a heap needs at least about {LEAST_HEAP}"))
        }
        (failure, _) => show(&failure, &source),
    };
    let mut engine = match Engine::new(options(command, limit, &source)) {
        Ok(engine) => engine,
        Err(failure) => return failed(failure),
    };
    if command.gc_log {
        engine.set_gc_log(|record| output::to_stderr(&format!("{record}\n")));
    }
    let code = match engine.run(&source) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(failure),
    };
    if let Some(format) = command.report {
        show_report(&engine.report(), format);
    }
    code
}

/// `--report json FILE` reads as the report as text of a program named json.
fn format_meant(command: &RunCommand) -> Option<String> {
    let format = command.file.to_str().filter(|name| ["json", "text"].contains(name))?;
    command.report.map(|_| format!("for the report as {format}, write --report={format}"))
}

fn complain(message: &str) -> ExitCode {
    output::to_stderr(&format!("Error: {message}\n"));
    ExitCode::FAILURE
}

/// A program that could not even be compiled has nothing to report.
fn show_report(report: &Report, format: ReportFormat) {
    if report.zones.is_empty() {
        return;
    }
    output::to_stderr(&match format {
        ReportFormat::Text => report::text::display(report),
        ReportFormat::Json => report::json::display(report),
    });
}

fn options(command: &RunCommand, limit: Option<Bytes>, source: &Source) -> Options {
    let arguments = std::iter::once(&source.name).chain(&command.arguments).cloned().collect();
    Options::default()
        .with_heap_limit(limit)
        .with_nursery(command.nursery)
        .with_placement(command.placement)
        .with_gc_stress(command.gc_stress)
        .with_gc_verify(command.gc_verify)
        .with_profile(command.report.is_some())
        .with_arguments(arguments)
}

/// Shows a failure, if there is anything to show, and returns the exit code that stands for it.
pub(crate) fn show(failure: &Failure, source: &Source) -> ExitCode {
    match failure {
        Failure::Diagnostics(diagnostics) => {
            for diagnostic in diagnostics {
                output::to_stderr(&Message::from(diagnostic).draw(source, Style::of_stderr()));
            }
            ExitCode::FAILURE
        }
        // Memory that runs out in a program is told with its place: this is before the program.
        Failure::Memory(error) => complain(&format!("no heap can be made: {error}")),
        // Whoever read the output has had enough: nothing went wrong.
        Failure::OutputClosed => ExitCode::SUCCESS,
        Failure::Exit(code) => exit_code(*code),
        other => {
            let message = Message::error(format!("{}: {other}", source.name));
            output::to_stderr(&message.draw(source, Style::of_stderr()));
            ExitCode::FAILURE
        }
    }
}

/// The operating system keeps one byte; a code that does not fit must not turn into success.
fn exit_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(u8::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_that_does_not_fit_is_not_success() {
        assert_eq!(exit_code(0), ExitCode::SUCCESS);
        assert_eq!(exit_code(7), ExitCode::from(7));
        assert_eq!(exit_code(256), ExitCode::from(255));
        assert_eq!(exit_code(-1), ExitCode::from(255));
    }
}
