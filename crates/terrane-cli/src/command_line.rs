//! The command line, turned into a value. Options stand before the FILE; what follows the FILE belongs to
//! the program and is not looked at.

use std::ffi::OsString;
use std::fmt;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};
use terrane_base::Bytes;

use crate::help;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print this text (help, version) and nothing else.
    Print(String),
    Run(RunCommand),
    Explain(ExplainCommand),
}

/// `terrane run`
#[derive(Debug, PartialEq)]
pub(crate) struct RunCommand {
    pub(crate) file: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) heap_limit: Option<Bytes>,
    pub(crate) nursery: Option<Bytes>,
    pub(crate) placement: bool,
    pub(crate) gc_stress: Option<NonZeroU64>,
    pub(crate) gc_verify: bool,
    pub(crate) gc_log: bool,
    pub(crate) report: Option<ReportFormat>,
}

/// `terrane explain`
#[derive(Debug, PartialEq)]
pub(crate) struct ExplainCommand {
    pub(crate) file: PathBuf,
    pub(crate) json: bool,
}

/// For whom the report is: a person or a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportFormat {
    Text,
    Json,
}

/// A command line that makes no sense, and where to read how it should be.
#[derive(Debug, PartialEq)]
pub(crate) struct Misuse {
    reason: String,
    command: &'static str,
}

/// Reads the arguments (without the name of the program).
///
/// # Errors
/// An unknown command or option, a missing or senseless value, a missing FILE.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Misuse> {
    let mut parser = Parser::from_args(arguments);
    let misuse = |reason: String| Misuse::new("terrane", reason);
    let Some(first) = parser.next().map_err(|error| misuse(error.to_string()))? else {
        return Err(misuse("a command is missing: `run` or `explain`".to_owned()));
    };
    match first {
        Arg::Short('h') | Arg::Long("help") => Ok(Command::Print(help::TERRANE.to_owned())),
        Arg::Short('V') | Arg::Long("version") => Ok(Command::Print(help::VERSION.to_owned())),
        Arg::Value(name) => match name.to_str() {
            Some("run") => parse_run(&mut parser),
            Some("explain") => parse_explain(&mut parser),
            Some("help") => parse_help(&mut parser),
            _ => Err(misuse(unknown_command(Path::new(&name)))),
        },
        option => Err(misuse(option.unexpected().to_string())),
    }
}

fn unknown_command(name: &Path) -> String {
    let shown = name.display();
    if name.extension().is_some() || name.exists() {
        format!("there is no command `{shown}`; to run that file: terrane run {shown}")
    } else {
        format!("there is no command `{shown}`")
    }
}

fn parse_help(parser: &mut Parser) -> Result<Command, Misuse> {
    let text = match parser.next().map_err(|error| Misuse::new("terrane", error.to_string()))? {
        None => help::TERRANE,
        Some(Arg::Value(name)) if name == "run" => help::RUN,
        Some(Arg::Value(name)) if name == "explain" => help::EXPLAIN,
        Some(other) => return Err(Misuse::new("terrane", other.unexpected().to_string())),
    };
    Ok(Command::Print(text.to_owned()))
}

fn parse_run(parser: &mut Parser) -> Result<Command, Misuse> {
    let misuse = |error: lexopt::Error| Misuse::new("terrane run", error.to_string());
    let mut command = RunCommand::new();
    loop {
        match parser.next().map_err(misuse)? {
            Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Command::Print(help::RUN.to_owned())),
            Some(Arg::Value(file)) => {
                command.file = file.into();
                let rest = parser.raw_args().map_err(misuse)?;
                command.arguments = rest.map(program_argument).collect::<Result<_, _>>()?;
                return Ok(Command::Run(command));
            }
            Some(Arg::Long(name)) => {
                let name = name.to_owned();
                command.set(&name, parser)?;
            }
            Some(other) => return Err(misuse(other.unexpected())),
            None => return Err(Misuse::new("terrane run", "the FILE to run is missing".to_owned())),
        }
    }
}

/// The language has only Unicode strings.
fn program_argument(argument: OsString) -> Result<String, Misuse> {
    argument.into_string().map_err(|argument| {
        Misuse::new("terrane run", format!("the argument {argument:?} for the program is not valid UTF-8"))
    })
}

impl RunCommand {
    fn new() -> Self {
        Self {
            file: PathBuf::new(),
            arguments: Vec::new(),
            heap_limit: None,
            nursery: None,
            placement: true,
            gc_stress: None,
            gc_verify: false,
            gc_log: false,
            report: None,
        }
    }

    /// Takes one option, with its value where it has one.
    fn set(&mut self, name: &str, parser: &mut Parser) -> Result<(), Misuse> {
        match name {
            "heap-limit" => self.heap_limit = Some(size(name, &value(name, parser)?)?),
            "nursery" => self.nursery = Some(size(name, &value(name, parser)?)?),
            "placement" => self.placement = on_or_off(&value(name, parser)?)?,
            "gc-stress" => self.gc_stress = Some(interval(&value(name, parser)?)?),
            "gc-verify" => self.gc_verify = true,
            "gc-log" => self.gc_log = true,
            "report" => self.report = Some(report_format(parser.optional_value())?),
            _ => return Err(Misuse::new("terrane run", format!("there is no option --{name}"))),
        }
        Ok(())
    }
}

fn value(name: &str, parser: &mut Parser) -> Result<String, Misuse> {
    let value = parser.value().map_err(|_| Misuse::new("terrane run", format!("--{name} needs a value")))?;
    value.into_string().map_err(|value| wrong_value(name, &value.to_string_lossy(), "it is not valid UTF-8"))
}

fn size(name: &str, text: &str) -> Result<Bytes, Misuse> {
    text.parse().map_err(|error: terrane_base::ParseBytesError| wrong_value(name, text, &error.to_string()))
}

fn on_or_off(text: &str) -> Result<bool, Misuse> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(wrong_value("placement", text, "it is either on or off")),
    }
}

fn interval(text: &str) -> Result<NonZeroU64, Misuse> {
    text.parse().map_err(|_| wrong_value("gc-stress", text, "it is a whole number above zero"))
}

fn report_format(value: Option<OsString>) -> Result<ReportFormat, Misuse> {
    match value {
        None => Ok(ReportFormat::Text),
        Some(text) if text == "text" => Ok(ReportFormat::Text),
        Some(text) if text == "json" => Ok(ReportFormat::Json),
        Some(text) => Err(wrong_value("report", &text.to_string_lossy(), "it is either text or json")),
    }
}

fn wrong_value(name: &str, text: &str, reason: &str) -> Misuse {
    Misuse::new("terrane run", format!("--{name} cannot be `{text}`: {reason}"))
}

fn parse_explain(parser: &mut Parser) -> Result<Command, Misuse> {
    let misuse = |error: lexopt::Error| Misuse::new("terrane explain", error.to_string());
    let mut file: Option<PathBuf> = None;
    let mut json = false;
    while let Some(argument) = parser.next().map_err(misuse)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Print(help::EXPLAIN.to_owned())),
            Arg::Long("json") => json = true,
            Arg::Value(name) if file.is_none() => file = Some(name.into()),
            Arg::Long(name) => {
                return Err(Misuse::new("terrane explain", format!("there is no option --{name}")));
            }
            other => return Err(misuse(other.unexpected())),
        }
    }
    match file {
        Some(file) => Ok(Command::Explain(ExplainCommand { file, json })),
        None => Err(Misuse::new("terrane explain", "the FILE to explain is missing".to_owned())),
    }
}

impl Misuse {
    fn new(command: &'static str, reason: String) -> Self {
        Self { reason, command }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}\nTry `{} --help`.", self.reason, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(line: &str) -> Result<Command, Misuse> {
        parse(line.split_whitespace().map(OsString::from))
    }

    fn run(line: &str) -> RunCommand {
        match parse_words(line) {
            Ok(Command::Run(command)) => command,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn options_before_the_file_are_ours() {
        let command =
            run("run --heap-limit 64MiB --nursery=2MiB --placement off --gc-stress 7 --gc-verify --gc-log \
             --report=json a.scm");
        assert_eq!(command.heap_limit, Some(Bytes::from_mib(64)));
        assert_eq!(command.nursery, Some(Bytes::from_mib(2)));
        assert!(!command.placement);
        assert_eq!(command.gc_stress, NonZeroU64::new(7));
        assert!(command.gc_verify && command.gc_log);
        assert_eq!(command.report, Some(ReportFormat::Json));
        assert_eq!(command.file, Path::new("a.scm"));
        assert!(command.arguments.is_empty());
    }

    #[test]
    fn without_options_the_defaults_hold() {
        assert_eq!(run("run a.scm"), RunCommand { file: "a.scm".into(), ..RunCommand::new() });
    }

    #[test]
    fn report_takes_no_value_without_an_equals_sign() {
        let command = run("run --report json");
        assert_eq!(command.report, Some(ReportFormat::Text));
        assert_eq!(command.file, Path::new("json"));
    }

    #[test]
    fn what_follows_the_file_is_the_programs() {
        let command = run("run a.scm --report -- -x --help");
        assert_eq!(command.arguments, ["--report", "--", "-x", "--help"]);
        assert_eq!(command.report, None);
    }

    #[test]
    fn two_dashes_end_the_options() {
        let command = run("run --gc-log -- --report x");
        assert_eq!(command.file, Path::new("--report"));
        assert_eq!(command.arguments, ["x"]);
    }

    #[test]
    fn help_is_on_every_level() {
        for (line, text) in [
            ("--help", help::TERRANE),
            ("-h", help::TERRANE),
            ("help", help::TERRANE),
            ("help run", help::RUN),
            ("run --help", help::RUN),
            ("run --gc-log -h", help::RUN),
            ("explain --help", help::EXPLAIN),
            ("--version", help::VERSION),
            ("-V", help::VERSION),
        ] {
            assert_eq!(parse_words(line), Ok(Command::Print(text.to_owned())), "{line}");
        }
    }

    #[test]
    fn explain_takes_its_option_on_either_side_of_the_file() {
        for line in ["explain --json a.scm", "explain a.scm --json"] {
            let expected = ExplainCommand { file: "a.scm".into(), json: true };
            assert_eq!(parse_words(line), Ok(Command::Explain(expected)), "{line}");
        }
    }

    #[test]
    fn a_wrong_command_line_says_what_is_wrong() {
        for (line, part) in [
            ("", "a command is missing"),
            ("walk", "there is no command `walk`"),
            ("a.scm", "terrane run a.scm"),
            ("--fast", "--fast"),
            ("run", "the FILE to run is missing"),
            ("run --fast a.scm", "there is no option --fast"),
            ("run -x a.scm", "-x"),
            ("run --heap-limit", "--heap-limit needs a value"),
            ("run --heap-limit lots a.scm", "--heap-limit cannot be `lots`"),
            ("run --nursery 1.2.3MiB a.scm", "--nursery cannot be `1.2.3MiB`"),
            ("run --placement maybe a.scm", "either on or off"),
            ("run --gc-stress 0 a.scm", "above zero"),
            ("run --gc-stress -1 a.scm", "above zero"),
            ("run --report=xml a.scm", "either text or json"),
            ("run --gc-verify=yes a.scm", "--gc-verify"),
            ("explain", "the FILE to explain is missing"),
            ("explain a.scm b.scm", "b.scm"),
            ("explain --text a.scm", "there is no option --text"),
            ("help walk", "walk"),
        ] {
            let misuse = parse_words(line).expect_err(line).to_string();
            assert!(misuse.contains(part), "{line}: {misuse}");
            assert!(misuse.contains("--help"), "{line}: {misuse}");
        }
    }
}
