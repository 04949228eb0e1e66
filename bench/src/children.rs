//! Finding, starting and awaiting the measuring programs.

use crate::affinity;
use crate::child::Answer;
use crate::row::{Contender, Home, Mode, Row};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// No measurement takes this long; one that does hangs.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// How often a running child is looked at. The wait is on another core where there is one.
const POLL: Duration = Duration::from_millis(4);

/// The measuring programs.
#[derive(Clone, Debug)]
pub struct Children {
    folder: PathBuf,
    core: Option<usize>,
}

impl Children {
    /// Finds the measuring programs beside this one. When Cargo runs this program, it has built no other; then this
    /// builds them first.
    ///
    /// # Errors
    ///
    /// [`ChildError::Missing`] when a program is not there, [`ChildError::NotBuilt`] when Cargo fails.
    pub fn find() -> Result<Self, ChildError> {
        build_if_run_by_cargo()?;
        let program = std::env::current_exe().map_err(ChildError::NotStarted)?;
        let folder = program.parent().map(Path::to_path_buf).unwrap_or_default();
        let children = Self { folder, core: affinity::chosen_core() };
        for home in [Home::Glibc, Home::Mimalloc] {
            let program = children.program(home);
            if !program.is_file() {
                return Err(ChildError::Missing(program));
            }
        }
        Ok(children)
    }

    /// The core that the children are pinned to, where the system can pin.
    #[must_use]
    pub fn core(&self) -> Option<usize> {
        self.core
    }

    /// Has one contender of one row measured in a fresh process.
    ///
    /// # Errors
    ///
    /// When the process cannot be started, fails, takes too long or answers something else than a measurement.
    pub fn ask(&self, row: &Row, contender: &Contender, mode: Mode) -> Result<Answer, ChildError> {
        let core = self.core.map_or("-".to_owned(), |core| core.to_string());
        let child = Command::new(self.program(contender.home))
            .args([&row.name, contender.id, mode.word(), &core])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(ChildError::NotStarted)?;
        let output = finish(child)?;
        Answer::parse(&output).ok_or(ChildError::Garbled(output))
    }

    fn program(&self, home: Home) -> PathBuf {
        self.folder.join(home.program()).with_extension(std::env::consts::EXE_EXTENSION)
    }
}

/// Awaits the end of `child` and takes its output, one line that fits a pipe.
fn finish(mut child: Child) -> Result<String, ChildError> {
    let status = match wait(&mut child) {
        Ok(status) => status,
        Err(error) => {
            // It may have ended meanwhile; either way it is gone afterwards.
            let _ = child.kill();
            let _ = child.wait();
            return Err(error);
        }
    };
    if !status.success() {
        return Err(ChildError::Failed(status));
    }
    let mut output = String::new();
    if let Some(mut pipe) = child.stdout.take() {
        io::Read::read_to_string(&mut pipe, &mut output).map_err(ChildError::NotStarted)?;
    }
    Ok(output)
}

fn wait(child: &mut Child) -> Result<ExitStatus, ChildError> {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().map_err(ChildError::NotStarted)? {
            return Ok(status);
        }
        std::thread::sleep(POLL);
    }
    Err(ChildError::TimedOut)
}

fn build_if_run_by_cargo() -> Result<(), ChildError> {
    let folder = env!("CARGO_MANIFEST_DIR");
    let run_by_cargo = std::env::var_os("CARGO_MANIFEST_DIR").is_some_and(|running| running == folder);
    let Some(cargo) = std::env::var_os("CARGO").filter(|_| run_by_cargo) else { return Ok(()) };
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "--bins", "--manifest-path"]).arg(Path::new(folder).join("Cargo.toml"));
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    match build.stdin(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(ChildError::NotBuilt(status)),
        Err(error) => Err(ChildError::NotStarted(error)),
    }
}

/// Why there is no measurement.
#[derive(Debug)]
#[non_exhaustive]
pub enum ChildError {
    /// The measuring program is not beside this one.
    Missing(PathBuf),
    /// Cargo did not build the measuring programs.
    NotBuilt(ExitStatus),
    /// The system refused to start a process or to await it.
    NotStarted(io::Error),
    /// The process ended in failure; it said why on stderr.
    Failed(ExitStatus),
    /// The process was stopped because it took too long.
    TimedOut,
    /// The process said something else than a measurement.
    Garbled(String),
}

impl fmt::Display for ChildError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(program) => {
                write!(
                    out,
                    "{} is missing; build all programs with `cargo build --release`",
                    program.display()
                )
            }
            Self::NotBuilt(status) => write!(out, "building the measuring programs failed ({status})"),
            Self::NotStarted(error) => write!(out, "a process could not be run: {error}"),
            Self::Failed(status) => write!(out, "the measuring process failed ({status})"),
            Self::TimedOut => {
                write!(out, "the measuring process was stopped after {} minutes", PATIENCE.as_secs() / 60)
            }
            Self::Garbled(output) => write!(out, "the measuring process answered {output:?}"),
        }
    }
}

impl std::error::Error for ChildError {}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str) -> Result<String, ChildError> {
        finish(Command::new("sh").args(["-c", script]).stdout(Stdio::piped()).spawn().unwrap())
    }

    #[test]
    fn the_output_of_a_child_that_succeeds_is_taken() {
        assert_eq!(shell("echo measured 1 ff -").unwrap(), "measured 1 ff -\n");
    }

    #[test]
    fn the_output_of_a_child_that_fails_is_not() {
        assert!(
            matches!(shell("echo measured 1 ff -; exit 3"), Err(ChildError::Failed(status)) if status.code() == Some(3))
        );
        assert!(matches!(shell("kill -9 $$"), Err(ChildError::Failed(status)) if status.code().is_none()));
    }
}
