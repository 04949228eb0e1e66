//! The command line, turned into a value. Options stand before the FILE; what follows the FILE belongs to
//! the program and is not looked at.

use std::ffi::{OsStr, OsString};
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};
use terrane_base::Bytes;

use crate::config::{self, ConfigCommand};
use crate::help;
use crate::misuse::Misuse;

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Command {
    /// Print this text (help, version) and nothing else.
    Print(String),
    Run(RunCommand),
    Explain(ExplainCommand),
    Doctor(DoctorCommand),
    Config(ConfigCommand),
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

/// `terrane doctor`
#[derive(Debug, PartialEq)]
pub(crate) struct DoctorCommand {
    pub(crate) json: bool,
}

/// For whom the report is: a person or a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReportFormat {
    Text,
    Json,
}

/// The commands, as their help is asked for.
const TERRANE: &str = "terrane";
const RUN: &str = "terrane run";
const EXPLAIN: &str = "terrane explain";
const DOCTOR: &str = "terrane doctor";

/// The long names of the options of each command.
const TERRANE_OPTIONS: [&str; 2] = ["help", "version"];
const RUN_OPTIONS: [&str; 8] =
    ["heap-limit", "nursery", "placement", "report", "gc-log", "gc-stress", "gc-verify", "help"];
const EXPLAIN_OPTIONS: [&str; 2] = ["json", "help"];
const DOCTOR_OPTIONS: [&str; 2] = ["json", "help"];

/// Reads the arguments (without the name of the program).
///
/// # Errors
/// An unknown command or option, a missing or senseless value, a missing FILE.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, Misuse> {
    let mut parser = Parser::from_args(arguments);
    let misuse = |reason: String| Misuse::new(TERRANE, reason);
    let Some(first) = parser.next().map_err(|error| Misuse::syntax(TERRANE, error))? else {
        return Err(misuse("a command is missing: `run`, `explain`, `doctor` or `config`".to_owned()));
    };
    match first {
        Arg::Short('h') | Arg::Long("help") => parse_help(&mut parser),
        Arg::Short('V') | Arg::Long("version") => print_alone(help::VERSION, &mut parser),
        Arg::Value(name) => match name.to_str() {
            Some("run") => parse_run(&mut parser),
            Some("explain") => parse_explain(&mut parser),
            Some("doctor") => parse_doctor(&mut parser),
            Some("config") => config::parse(&mut parser),
            Some("help") => parse_help(&mut parser),
            _ => Err(misuse(unknown_command(Path::new(&name)))),
        },
        Arg::Long(name) if RUN_OPTIONS.contains(&name) => {
            Err(misuse(format!("--{name} is an option of `run`: terrane run --{name}")))
        }
        option => Err(Misuse::unexpected(TERRANE, &option, &TERRANE_OPTIONS)),
    }
}

/// The text, if nothing follows.
fn print_alone(text: &str, parser: &mut Parser) -> Result<Command, Misuse> {
    match parser.next().map_err(|error| Misuse::syntax(TERRANE, error))? {
        None => Ok(Command::Print(text.to_owned())),
        Some(other) => Err(Misuse::unexpected(TERRANE, &other, &TERRANE_OPTIONS)),
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

/// `terrane help [COMMAND]`, and `terrane --help [COMMAND]`
fn parse_help(parser: &mut Parser) -> Result<Command, Misuse> {
    let text = match parser.next().map_err(|error| Misuse::syntax(TERRANE, error))? {
        None => help::TERRANE,
        Some(Arg::Value(name)) if name == "run" => help::RUN,
        Some(Arg::Value(name)) if name == "explain" => help::EXPLAIN,
        Some(Arg::Value(name)) if name == "doctor" => help::DOCTOR,
        Some(Arg::Value(name)) if name == "config" => config::HELP,
        Some(Arg::Value(name)) if name == "help" => help::TERRANE,
        Some(Arg::Value(name)) => {
            return Err(Misuse::new(TERRANE, format!("there is no command `{}`", name.display())));
        }
        Some(other) => return Err(Misuse::unexpected(TERRANE, &other, &TERRANE_OPTIONS)),
    };
    print_alone(text, parser)
}

fn parse_run(parser: &mut Parser) -> Result<Command, Misuse> {
    let misuse = |error| Misuse::syntax(RUN, error);
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
            Some(other) => return Err(Misuse::unexpected(RUN, &other, &RUN_OPTIONS)),
            None => return Err(Misuse::new(RUN, "the FILE to run is missing".to_owned())),
        }
    }
}

/// The language has only Unicode strings.
fn program_argument(argument: OsString) -> Result<String, Misuse> {
    argument.into_string().map_err(|argument| {
        Misuse::new(RUN, format!("the argument {argument:?} for the program is not valid UTF-8"))
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
            _ => return Err(Misuse::unexpected(RUN, &Arg::Long(name), &RUN_OPTIONS)),
        }
        Ok(())
    }
}

fn value(name: &str, parser: &mut Parser) -> Result<String, Misuse> {
    let value = parser.value().map_err(|_| Misuse::new(RUN, format!("--{name} needs a value")))?;
    value.into_string().map_err(|value| Misuse::value(RUN, name, &value, "it is not valid UTF-8"))
}

fn size(name: &str, text: &str) -> Result<Bytes, Misuse> {
    text.parse().map_err(|error: terrane_base::ParseBytesError| {
        let reason = if text.starts_with(|first: char| first.is_ascii_digit()) {
            format!("expected a SIZE such as 64MiB; {error}")
        } else {
            "expected a SIZE such as 64MiB".to_owned()
        };
        Misuse::value(RUN, name, OsStr::new(text), &reason)
    })
}

fn on_or_off(text: &str) -> Result<bool, Misuse> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err(Misuse::value(RUN, "placement", OsStr::new(text), "it is either on or off")),
    }
}

fn interval(text: &str) -> Result<NonZeroU64, Misuse> {
    text.parse()
        .map_err(|_| Misuse::value(RUN, "gc-stress", OsStr::new(text), "it is a whole number above zero"))
}

fn report_format(value: Option<OsString>) -> Result<ReportFormat, Misuse> {
    match value {
        None => Ok(ReportFormat::Text),
        Some(text) if text == "text" => Ok(ReportFormat::Text),
        Some(text) if text == "json" => Ok(ReportFormat::Json),
        Some(text) => Err(Misuse::value(RUN, "report", &text, "it is either text or json")),
    }
}

fn parse_explain(parser: &mut Parser) -> Result<Command, Misuse> {
    let misuse = |error| Misuse::syntax(EXPLAIN, error);
    let mut file: Option<PathBuf> = None;
    let mut json = false;
    while let Some(argument) = parser.next().map_err(misuse)? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Print(help::EXPLAIN.to_owned())),
            Arg::Long("json") => json = true,
            Arg::Value(name) if file.is_none() => file = Some(name.into()),
            other => return Err(Misuse::unexpected(EXPLAIN, &other, &EXPLAIN_OPTIONS)),
        }
    }
    match file {
        Some(file) => Ok(Command::Explain(ExplainCommand { file, json })),
        None => Err(Misuse::new(EXPLAIN, "the FILE to explain is missing".to_owned())),
    }
}

fn parse_doctor(parser: &mut Parser) -> Result<Command, Misuse> {
    let mut json = false;
    while let Some(argument) = parser.next().map_err(|error| Misuse::syntax(DOCTOR, error))? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Print(help::DOCTOR.to_owned())),
            Arg::Long("json") => json = true,
            other => return Err(Misuse::unexpected(DOCTOR, &other, &DOCTOR_OPTIONS)),
        }
    }
    Ok(Command::Doctor(DoctorCommand { json }))
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
            ("--help explain", help::EXPLAIN),
            ("run --help", help::RUN),
            ("run --gc-log -h", help::RUN),
            ("explain --help", help::EXPLAIN),
            ("doctor --help", help::DOCTOR),
            ("help doctor", help::DOCTOR),
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
            ("--fast", "there is no option `--fast`"),
            ("-x", "there is no option `-x`"),
            ("--x", "there is no option `--x`"),
            ("--report a.scm", "--report is an option of `run`"),
            ("--version extra", "unexpected argument `extra`"),
            ("--help=x", "--help takes no value"),
            ("run", "the FILE to run is missing"),
            ("run --fast a.scm", "there is no option `--fast`\n"),
            ("run --reprot a.scm", "there is no option `--reprot`; did you mean --report?"),
            ("run --heap_limit 1MiB a.scm", "did you mean --heap-limit?"),
            ("run -x a.scm", "there is no option `-x`"),
            ("run --heap-limit", "--heap-limit needs a value"),
            ("run --heap-limit lots a.scm", "--heap-limit cannot be `lots`: expected a SIZE such as 64MiB\n"),
            ("run --heap-limit -1 a.scm", "--heap-limit cannot be `-1`: expected a SIZE such as 64MiB\n"),
            ("run --heap-limit 64parsecs a.scm", "expected a SIZE such as 64MiB; unknown unit"),
            ("run --nursery 1.2.3MiB a.scm", "--nursery cannot be `1.2.3MiB`"),
            ("run --placement maybe a.scm", "either on or off"),
            ("run --gc-stress 0 a.scm", "above zero"),
            ("run --gc-stress -1 a.scm", "above zero"),
            ("run --report=xml a.scm", "either text or json"),
            ("run --gc-verify=yes a.scm", "--gc-verify takes no value"),
            ("explain", "the FILE to explain is missing"),
            ("explain a.scm b.scm", "unexpected argument `b.scm`"),
            ("explain --text a.scm", "there is no option `--text`"),
            ("explain -x a.scm", "there is no option `-x`"),
            ("doctor a.scm", "unexpected argument `a.scm`"),
            ("doctor --jsn", "did you mean --json?"),
            ("help walk", "there is no command `walk`"),
            ("help run extra", "unexpected argument `extra`"),
            ("help --fast", "there is no option `--fast`"),
        ] {
            let misuse = parse_words(line).expect_err(line).to_string();
            assert!(misuse.contains(part), "{line}: {misuse}");
            assert!(misuse.contains("--help"), "{line}: {misuse}");
        }
    }
}
