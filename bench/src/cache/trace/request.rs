//! The command line of `bench cache-trace`.

use super::format::Format;
use std::ffi::OsString;
use std::path::PathBuf;

pub(super) const USAGE: &str = "\
Replays traces of requests, and prints what share of them each cache answers, and the optimum.

Usage: bench cache-trace --capacity ENTRIES [OPTIONS] FILE [[OPTIONS] FILE]...

Options, each for the files after it:
  --capacity ENTRIES   how many entries the caches have
  --length REQUESTS    only the first so many requests
  --seed NUMBER        of the hashes, where a cache lets it be chosen (ours); 0 by default
  --format FORMAT      what the file is; by default `arc`, `lirs` or `longs` if its name ends so, otherwise `lines`:
                         lines   one key in each line, a number or any text
                         arc     of the ARC traces: `first-block number-of-blocks ...` in each line
                         lirs    of the LIRS traces: one block in each line, others than numbers left out
                         longs   binary: big-endian numbers of 64 bits, as Caffeine's simulator has them
  --help               print this text
";

pub(super) enum Request {
    Help,
    Replays(Vec<Replay>),
}

/// One trace for one capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replay {
    pub(super) file: PathBuf,
    pub(super) capacity: usize,
    pub(super) length: usize,
    pub(super) seed: u64,
    pub(super) format: Option<Format>,
}

pub(super) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let (mut capacity, mut length, mut seed, mut format) = (None, usize::MAX, 0, None);
    let mut replays = Vec::new();
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let option = argument.to_str().filter(|word| word.starts_with('-')).map(str::to_owned);
        let Some(option) = option else {
            let file = PathBuf::from(&argument);
            let capacity = capacity.ok_or("how many entries? `--capacity` before the first file says it")?;
            replays.push(Replay { file, capacity, length, seed, format });
            continue;
        };
        if option == "--help" || option == "-h" {
            return Ok(Request::Help);
        }
        let value = arguments.next().and_then(|value| value.into_string().ok());
        let value = value.ok_or_else(|| format!("`{option}` wants a value"))?;
        match option.as_str() {
            "--capacity" => capacity = Some(number(&option, &value)? as usize),
            "--length" => length = number(&option, &value)? as usize,
            "--seed" => seed = number(&option, &value)?,
            "--format" => {
                format = Some(Format::named(&value).ok_or_else(|| format!("there is no format `{value}`"))?);
            }
            _ => return Err(format!("unknown option `{option}`")),
        }
    }
    if replays.is_empty() {
        return Err("no trace is named; `bench cache-trace --help` explains".to_owned());
    }
    Ok(Request::Replays(replays))
}

fn number(option: &str, value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| format!("`{option}` wants a number, not `{value}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replays(words: &[&str]) -> Result<Vec<Replay>, String> {
        match parse(words.iter().map(OsString::from))? {
            Request::Help => Ok(Vec::new()),
            Request::Replays(replays) => Ok(replays),
        }
    }

    #[test]
    fn options_hold_for_the_files_after_them() {
        let all =
            replays(&["--capacity", "5", "a", "--seed", "3", "--capacity", "6", "--format", "arc", "b"])
                .unwrap();
        let of = |at: usize| (all[at].capacity, all[at].seed, all[at].format);
        assert_eq!((of(0), of(1)), ((5, 0, None), (6, 3, Some(Format::Arc))));
    }

    #[test]
    fn mistakes_are_named() {
        for (words, part) in [
            (&["a"][..], "--capacity"),
            (&["--capacity", "x", "a"], "not `x`"),
            (&["--capacity", "1"], "no trace"),
            (&["--capacity"], "wants a value"),
            (&["--capactiy", "1", "a"], "unknown option"),
            (&["--format", "x", "a"], "no format"),
        ] {
            let message = replays(words).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
    }
}
