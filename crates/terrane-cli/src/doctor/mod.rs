//! `terrane doctor`: what this machine says about its memory, what it grants, and what follows from it.

mod advice;
mod json;
mod text;

use std::path::Path;
use std::process::ExitCode;

use terrane_base::PressureLevel;
use terrane_pages::{MachineMemory, PageTrial, PressureMonitor, ProcessMemory, process_memory};

use crate::command_line::DoctorCommand;
use crate::output;

/// Everything that was found.
#[derive(Debug)]
struct Findings {
    machine: MachineMemory,
    trial: PageTrial,
    pressure: Pressure,
    process: Option<ProcessMemory>,
    advice: Vec<&'static str>,
}

/// What the system says about memory being short.
#[derive(Debug)]
struct Pressure {
    /// Where it says so.
    sources: Vec<String>,
    /// `None` without a source.
    level: Option<PressureLevel>,
}

/// Looks at the machine; returns the exit code.
pub(crate) fn doctor(command: &DoctorCommand) -> ExitCode {
    let root = Path::new("/");
    let (machine, trial, pressure) = (MachineMemory::read(root), PageTrial::run(), pressure(root));
    let advice = advice::on(&machine, &trial, &pressure);
    let findings = Findings { machine, trial, pressure, process: process_memory(), advice };
    output::to_stdout(&if command.json { json::display(&findings) } else { text::display(&findings) })
}

fn pressure(root: &Path) -> Pressure {
    let mut monitor = PressureMonitor::new(root);
    let mut sources = Vec::new();
    if monitor.cgroup().is_some() {
        sources.push("cgroup version 2".to_owned());
    }
    if let Some(file) = monitor.stall_file() {
        sources.push(file.display().to_string());
    }
    let level = (!monitor.is_blind()).then(|| monitor.poll());
    Pressure { sources, level }
}
