//! `terrane config`: the settings of a memory system that hold here and now, with where each comes from; and what each is for.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::{Arg, Parser};
use serde_json::{Value, json};
use terrane::{
    ConfigError, ConfigLayer, ConfigOption, ConfigProblem, EffectiveValue, MemoryConfig, OPTIONS, Origin,
    ResolvedConfig,
};

use crate::command_line::Command;
use crate::misuse::Misuse;
use crate::output;
use crate::table::{Align, Table};

const CONFIG: &str = "terrane config";
const CONFIG_OPTIONS: [&str; 5] = ["explain", "file", "json", "set", "help"];

/// The file that is read where no other is named, if it is there.
const DEFAULT_FILE: &str = "memory.toml";

/// `terrane config --help`
pub(crate) const HELP: &str = "\
Prints the settings of a memory system that hold here and now, and where each comes from:
  code       --set, which stands for what a program sets itself
  env        a variable TERRANE_... of the environment
  file       memory.toml in this folder, or the FILE that --file names
  default    nobody said anything
What comes first in this list counts. A variable TERRANE_... that is near to no option's name is not this
program's: it is left alone, with a warning.

Usage: terrane config [OPTIONS]

Options:
  --explain [NAME]     say what an option is for, its range, and how to set it; without a NAME, every option
  --file FILE          read this file instead of memory.toml
  --set NAME=VALUE     as if the program had set it; may be given several times, once for each NAME
  --json               print one JSON object; sizes in bytes, times in milliseconds
  -h, --help           print this text

Exit codes: 0 the settings are good, 1 they are not, 2 the command line was wrong, or what --set says
contradicts the rest.

Examples:
  terrane config
  terrane config --explain max_memory
  TERRANE_MAX_MEMORY=64MiB terrane config --json
  terrane config --file examples/memory.toml --set small_threshold=8KiB
";

/// `terrane config`
#[derive(Debug, Default, PartialEq)]
pub(crate) struct ConfigCommand {
    /// The names of what to explain.
    explain: Option<Vec<&'static str>>,
    file: Option<PathBuf>,
    /// Without a mistake.
    set: Vec<(String, String)>,
    json: bool,
}

/// Reads what follows `config`.
pub(crate) fn parse(parser: &mut Parser) -> Result<Command, Misuse> {
    let mut command = ConfigCommand::default();
    while let Some(argument) = parser.next().map_err(|error| Misuse::syntax(CONFIG, error))? {
        match argument {
            Arg::Short('h') | Arg::Long("help") => return Ok(Command::Print(HELP.to_owned())),
            Arg::Long("json") => command.json = true,
            Arg::Long("explain") => command.explain = Some(explained(parser)?),
            Arg::Long("file") => command.file = Some(value("file", parser)?.into()),
            Arg::Long("set") => command.set.push(assignment(&text("set", value("set", parser)?)?)?),
            other => return Err(Misuse::unexpected(CONFIG, &other, &CONFIG_OPTIONS)),
        }
    }
    match settings(&command) {
        Ok(_) => Ok(Command::Config(command)),
        Err(error) => Err(Misuse::new(CONFIG, error.to_string())),
    }
}

/// What `--set` says.
fn settings(command: &ConfigCommand) -> Result<ConfigLayer, ConfigError> {
    ConfigLayer::code()
        .try_set_all_by("--set", command.set.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

/// `--explain NAME`, `--explain=NAME`, or nothing before the next option.
fn explained(parser: &mut Parser) -> Result<Vec<&'static str>, Misuse> {
    if let Some(name) = parser.optional_value() {
        return option_named(&text("explain", name)?);
    }
    let follows = parser.try_raw_args().and_then(|rest| rest.as_slice().first().cloned());
    match follows {
        Some(next) if !next.as_encoded_bytes().starts_with(b"-") => {
            option_named(&text("explain", value("explain", parser)?)?)
        }
        _ => Ok(OPTIONS.iter().map(|option| option.name).collect()),
    }
}

fn option_named(name: &str) -> Result<Vec<&'static str>, Misuse> {
    // A variable's name is as good.
    let plain = name.strip_prefix("TERRANE_").map(str::to_lowercase);
    let name = plain.as_deref().unwrap_or(name);
    terrane::explain_option(name).map_err(|unknown| Misuse::new(CONFIG, format!("--explain: {unknown}")))?;
    Ok(OPTIONS.iter().map(|option| option.name).filter(|known| *known == name).collect())
}

fn value(name: &str, parser: &mut Parser) -> Result<OsString, Misuse> {
    parser.value().map_err(|_| Misuse::new(CONFIG, format!("--{name} needs a value")))
}

fn text(name: &str, value: OsString) -> Result<String, Misuse> {
    value.into_string().map_err(|value| Misuse::value(CONFIG, name, &value, "it is not valid UTF-8"))
}

fn assignment(text: &str) -> Result<(String, String), Misuse> {
    match text.split_once('=') {
        Some((name, value)) => Ok((name.trim().to_owned(), value.trim().to_owned())),
        None => Err(Misuse::value(CONFIG, "set", text.as_ref(), "expected NAME=VALUE")),
    }
}

/// Prints what was asked for; returns the exit code.
///
/// # Errors
/// When what `--set` says contradicts the rest.
pub(crate) fn config(command: &ConfigCommand) -> Result<ExitCode, Misuse> {
    match &command.explain {
        Some(names) if command.json => Ok(output::to_stdout(&format!("{}\n", explained_as_json(names)))),
        Some(names) => Ok(output::to_stdout(&explained_as_text(names))),
        None => effective(command),
    }
}

/// Prints the values that hold, from all places.
fn effective(command: &ConfigCommand) -> Result<ExitCode, Misuse> {
    match resolve(command) {
        Ok(resolved) => {
            for variable in resolved.unclaimed_variables() {
                output::to_stderr(&format!("Warning: no option claims the variable {variable}\n"));
            }
            Ok(output::to_stdout(&if command.json { as_json(&resolved) } else { as_text(&resolved) }))
        }
        Err(error) if error.problems().iter().any(is_typed) => Err(Misuse::new(CONFIG, error.to_string())),
        Err(error) => {
            for problem in error.problems() {
                output::to_stderr(&format!("Error: {problem}\n"));
            }
            Ok(ExitCode::FAILURE)
        }
    }
}

fn is_typed(problem: &ConfigProblem) -> bool {
    matches!(problem.origin, Origin::CommandLine { .. })
}

fn resolve(command: &ConfigCommand) -> Result<ResolvedConfig, ConfigError> {
    let file = || match &command.file {
        Some(file) => MemoryConfig::from_existing_file(file),
        None => MemoryConfig::from_file(Path::new(DEFAULT_FILE)),
    };
    settings(command)?.or_else(MemoryConfig::from_env).or_else(file).resolve(MemoryConfig::DEFAULT)
}

fn explained_as_text(names: &[&str]) -> String {
    let texts = names.iter().filter_map(|name| terrane::explain_option(name).ok());
    texts.collect::<Vec<_>>().join("\n")
}

fn explained_as_json(names: &[&str]) -> Value {
    let row = |option: &ConfigOption| {
        json!({
            "name": option.name,
            "type": option.kind.name(),
            "unit": option.kind.unit(),
            "range": option.kind.range(),
            "default": option.default_value(),
            "variable": option.variable(),
            "doc": option.doc.split_whitespace().collect::<Vec<_>>().join(" "),
        })
    };
    let options = OPTIONS.iter().filter(|option| names.contains(&option.name));
    json!({ "options": options.map(row).collect::<Vec<_>>() })
}

fn as_text(resolved: &ResolvedConfig) -> String {
    let mut table = Table::new([("option", Align::Left), ("value", Align::Right), ("source", Align::Left)]);
    for EffectiveValue { option, value, origin, .. } in resolved.values() {
        let source = match origin {
            Origin::Code | Origin::Default => origin.name().to_owned(),
            place => format!("{} ({place})", place.name()),
        };
        table.row([option.name.to_owned(), value, source]);
    }
    table.to_string()
}

fn as_json(resolved: &ResolvedConfig) -> String {
    let row = |effective: EffectiveValue<'_>| {
        let place = match effective.origin {
            Origin::Code | Origin::Default => Value::Null,
            place => Value::String(place.to_string()),
        };
        json!({
            "name": effective.option.name,
            "value": effective.value,
            "number": effective.number,
            "source": effective.origin.name(),
            "place": place,
        })
    };
    let options = resolved.values().map(row).collect::<Vec<_>>();
    format!("{}\n", json!({ "options": options, "unclaimed_variables": resolved.unclaimed_variables() }))
}
