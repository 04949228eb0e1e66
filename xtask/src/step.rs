//! One step of a task: a command with a name. Running it prints the name first and the time it took last;
//! when it fails, the command line that can be repeated by hand is part of the error.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io::{BufRead, BufReader, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// A named command, run at the root of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    name: String,
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(&'static str, &'static str)>,
}

/// A step that did not pass.
#[derive(Debug)]
pub(crate) struct StepFailed {
    name: String,
    command: String,
    reason: String,
}

impl Step {
    /// A step that runs the same `cargo` that runs this program.
    pub(crate) fn cargo<I, S>(name: impl Into<String>, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        Self { name: name.into(), program, arguments, environment: Vec::new() }
    }

    /// A step that runs another program.
    pub(crate) fn program<I, S>(name: impl Into<String>, program: impl Into<OsString>, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        Self { program: program.into(), ..Self::cargo(name, arguments) }
    }

    /// Adds a variable to the environment of the command.
    pub(crate) fn with_environment(mut self, name: &'static str, value: &'static str) -> Self {
        self.environment.push((name, value));
        self
    }

    /// Runs the step with the output of the command shown as it comes.
    ///
    /// # Errors
    /// The command could not be started or did not succeed.
    pub(crate) fn run(&self) -> Result<(), StepFailed> {
        eprintln!("\n==> {}\n    {}", self.name, self.command_line());
        let start = Instant::now();
        let status = self.command().status().map_err(|error| self.failed(error.to_string()))?;
        self.judge(status)?;
        eprintln!("    passed in {:.1} s", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// The same, and tells of each line on standard error, after it is shown.
    ///
    /// # Errors
    /// The command could not be started or did not succeed.
    pub(crate) fn run_with_lines(&self, mut seen: impl FnMut(&str)) -> Result<(), StepFailed> {
        eprintln!("\n==> {}\n    {}", self.name, self.command_line());
        let start = Instant::now();
        let mut command = self.command();
        if std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
            command.env("CARGO_TERM_COLOR", "always");
        }
        let failed = |error: std::io::Error| self.failed(error.to_string());
        let mut child = command.stderr(Stdio::piped()).spawn().map_err(failed)?;
        let mut errors = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut line = Vec::new();
        while errors.read_until(b'\n', &mut line).map_err(failed)? > 0 {
            std::io::stderr().write_all(&line).map_err(failed)?;
            seen(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
        self.judge(child.wait().map_err(failed)?)?;
        eprintln!("    passed in {:.1} s", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Runs the step and returns what it printed on standard output.
    ///
    /// # Errors
    /// The command could not be started or did not succeed.
    pub(crate) fn capture(&self) -> Result<String, StepFailed> {
        let output = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| self.failed(error.to_string()))?;
        self.judge(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs the step and returns what it printed on standard error; where it fails, that is part of the error.
    ///
    /// # Errors
    /// The command could not be started or did not succeed.
    pub(crate) fn capture_errors(&self) -> Result<String, StepFailed> {
        let output = self.command().output().map_err(|error| self.failed(error.to_string()))?;
        let printed = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() {
            return Ok(printed);
        }
        Err(self.failed(format!("{}:\n{printed}", output.status)))
    }

    /// The error of this step, for checks that are made on its output.
    pub(crate) fn failed(&self, reason: String) -> StepFailed {
        StepFailed { name: self.name.clone(), command: self.command_line(), reason }
    }

    fn judge(&self, status: ExitStatus) -> Result<(), StepFailed> {
        if status.success() { Ok(()) } else { Err(self.failed(status.to_string())) }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().copied()).current_dir(root());
        command
    }

    /// The command as a person would type it.
    fn command_line(&self) -> String {
        let program = Path::new(&self.program).file_stem().unwrap_or(&self.program);
        let variables = self.environment.iter().map(|(name, value)| format!("{name}={}", quoted(value)));
        let words = std::iter::once(program).chain(self.arguments.iter().map(OsString::as_os_str));
        variables.chain(words.map(|word| quoted(&word.to_string_lossy()))).collect::<Vec<_>>().join(" ")
    }
}

/// Quotes what a shell would take apart.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

impl fmt::Display for StepFailed {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FAILED: {} ({})\n  {}", self.name, self.reason, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_line_can_be_pasted_into_a_shell() {
        let step = Step::cargo("documentation", ["doc", "--features=a b", "it's"])
            .with_environment("RUSTDOCFLAGS", "-D warnings");
        assert!(
            step.command_line().starts_with("RUSTDOCFLAGS='-D warnings' cargo"),
            "{}",
            step.command_line()
        );
        assert!(step.command_line().ends_with(r"doc '--features=a b' 'it'\''s'"), "{}", step.command_line());
    }

    #[test]
    fn a_failing_command_is_named_with_its_arguments() {
        let failure = Step::cargo("nonsense", ["--no-such-option"]).capture().unwrap_err().to_string();
        assert!(failure.contains("FAILED: nonsense (exit status: 1)"), "{failure}");
        assert!(failure.contains("cargo --no-such-option"), "{failure}");
    }

    #[test]
    fn lines_on_standard_error_are_told_of() {
        let mut lines = Vec::new();
        let step = Step::program("two lines", "sh", ["-c", "echo one >&2; echo two >&2; echo other"]);
        step.run_with_lines(|line| lines.push(line.to_owned())).unwrap();
        assert_eq!(lines, ["one", "two"]);
        let failing = Step::program("failing", "sh", ["-c", "echo three >&2; exit 3"]);
        assert!(failing.run_with_lines(|line| lines.push(line.to_owned())).is_err());
        assert_eq!(lines, ["one", "two", "three"]);
    }

    #[test]
    fn output_is_captured() {
        assert!(Step::cargo("version", ["--version"]).capture().unwrap().starts_with("cargo "));
    }
}
