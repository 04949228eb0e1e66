//! `terrane config` as a person or a program meets it.

mod terrane;

use std::path::Path;

use serde_json::Value;
use terrane::{Finished, command, finish};

/// Runs `terrane config` in a folder, with nothing in the environment but these variables.
fn config_in(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Finished {
    let mut command = command(["config"].iter().chain(arguments));
    command.current_dir(folder).env_clear().envs(variables.iter().copied());
    let run = finish(command);
    run.assert_no_panic();
    run
}

fn config(arguments: &[&str]) -> Finished {
    config_in(tempfile::tempdir().unwrap().path(), arguments, &[])
}

/// The words of the line about an option.
fn line(run: &Finished, name: &str) -> Vec<String> {
    let line = run.stdout.lines().find(|line| line.trim_start().starts_with(name));
    line.unwrap_or_else(|| panic!("{}", run.stdout)).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn each_value_says_where_it_comes_from_and_the_higher_place_counts() {
    let folder = tempfile::tempdir().unwrap();
    let text = "stack_size = \"2KiB\"\nmax_memory = \"1GiB\"\nsmall_threshold = \"1KiB\"\n";
    std::fs::write(folder.path().join("memory.toml"), text).unwrap();
    let variables = [("TERRANE_MAX_MEMORY", "64MiB"), ("TERRANE_SMALL_THRESHOLD", "2KiB")];
    let run = config_in(folder.path(), &["--set", "small_threshold=8KiB"], &variables);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(line(&run, "stack_size"), ["stack_size", "2KiB", "file", "(memory.toml:1:14)"]);
    assert_eq!(line(&run, "max_memory"), ["max_memory", "64MiB", "env", "(TERRANE_MAX_MEMORY)"]);
    assert_eq!(line(&run, "small_threshold"), ["small_threshold", "8KiB", "code", "(--set)"]);
    assert_eq!(line(&run, "pool_limit"), ["pool_limit", "10MiB", "default"]);

    let run = config_in(folder.path(), &["--json"], &variables);
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    let options = json["options"].as_array().unwrap();
    let memory = options.iter().find(|option| option["name"] == "max_memory").unwrap();
    assert_eq!((&memory["number"], &memory["source"]), (&Value::from(64 << 20), &Value::from("env")));
    assert_eq!(memory["place"], "TERRANE_MAX_MEMORY");
    let reserve = options.iter().find(|option| option["name"] == "reclaim_reserve").unwrap();
    assert_eq!((&reserve["source"], &reserve["place"]), (&Value::from("default"), &Value::Null));
}

#[test]
fn the_example_is_a_good_configuration() {
    let run = finish(command(["config", "--file", "examples/memory.toml", "--set", "small_threshold=8KiB"]));
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    assert_eq!(line(&run, "max_memory")[..3], ["max_memory", "64MiB", "file"]);
}

#[test]
fn wrong_settings_exit_1_and_say_what_and_where() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("memory.toml");
    std::fs::write(&file, "max_memroy = 1\n\nstack_size = \"lots\"\n").unwrap();
    let run = config_in(folder.path(), &[], &[("TERRANE_POOL_LIMIT", "0")]);
    assert_eq!((run.code, run.stdout.as_str()), (1, ""));
    assert_eq!(
        run.stderr,
        "Error: TERRANE_POOL_LIMIT: `pool_limit` cannot be `0`: it is at least 4KiB\n\
         Error: memory.toml:1:1: there is no option `max_memroy`; did you mean `max_memory`?\n\
         Error: memory.toml:3:14: `stack_size` cannot be `lots`: expected a size such as 64MiB\n"
    );
    for (arguments, part) in [
        (&["--file", "none.toml"][..], "none.toml: cannot read the file"),
        (&["--file", "."], "cannot read the file"),
    ] {
        let run = config(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (1, ""), "{arguments:?}");
        assert!(run.stderr.starts_with("Error: ") && run.stderr.contains(part), "{}", run.stderr);
    }
}

#[test]
fn what_is_set_against_the_rest_exits_2_as_other_mistakes_of_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("memory.toml"), "small_threshold = \"8KiB\"\n").unwrap();
    for (set, part) in [
        (
            "small_threshold=512KiB",
            "Error: --set: `small_threshold` (512KiB) is above `large_threshold` (256KiB, default)\n",
        ),
        (
            "large_threshold=6KiB",
            "Error: --set: `small_threshold` (8KiB, memory.toml:1:19) is above `large_threshold` (6KiB)\n",
        ),
    ] {
        let run = config_in(folder.path(), &["--set", set], &[]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        assert!(run.stderr.starts_with(part) && run.stderr.contains("Try `terrane config"), "{}", run.stderr);
    }
}

#[test]
fn options_are_explained_one_and_all() {
    for arguments in
        [&["--explain", "max_memory"][..], &["--explain=max_memory"], &["--explain", "TERRANE_MAX_MEMORY"]]
    {
        let run = config(arguments);
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stdout.starts_with("max_memory\n"), "{}", run.stdout);
        for part in ["unlimited", "TERRANE_MAX_MEMORY", "64KiB"] {
            assert!(run.stdout.contains(part), "{}", run.stdout);
        }
    }
    let all = config(&["--explain"]).stdout;
    assert!(all.contains("\nstack_size\n") && all.contains("TERRANE_PRESSURE_INTERVAL"));
    let json: Value = serde_json::from_str(&config(&["--explain", "--json"]).stdout).unwrap();
    assert_eq!(json["options"].as_array().unwrap().len(), all.matches("\n  variable ").count());
    let one: Value = serde_json::from_str(&config(&["--json", "--explain", "stack_size"]).stdout).unwrap();
    assert_eq!(one["options"][0]["type"], "size");
}

#[test]
fn all_that_is_wrong_with_what_is_set_is_said() {
    let set = ["colour=red", "stack_size=1GiB", "max_memroy=1GiB", "pool_limit=1MiB", "pool_limit=2MiB"];
    let run = config(&set.map(|value| ["--set", value]).concat());
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    for part in [
        "--set: there is no option `colour`; `terrane config --explain` lists all\n",
        "--set: `stack_size` cannot be `1GiB`: it is at most 1MiB\n",
        "--set: there is no option `max_memroy`; did you mean `max_memory`?\n",
        "--set: `pool_limit` is set twice\n",
        "Try `terrane config --help`.",
    ] {
        assert!(run.stderr.contains(part), "no {part} in\n{}", run.stderr);
    }
    let run = config(&["--explain", "stacksize"]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("did you mean `stack_size`?"), "{}", run.stderr);
}

#[test]
fn other_programs_variables_are_left_alone_with_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let run = config_in(folder.path(), &["--json"], &[("TERRANE_HOST", "example.org")]);
    assert_eq!((run.code, run.stderr.as_str()), (0, "Warning: no option claims the variable TERRANE_HOST\n"));
    let json: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(json["unclaimed_variables"][0], "TERRANE_HOST");
    let run = config_in(folder.path(), &[], &[("TERRANE_STACKSIZE", "2KiB")]);
    assert_eq!(run.code, 1);
    assert!(run.stderr.contains("did you mean `TERRANE_STACK_SIZE`?"), "{}", run.stderr);
}

#[test]
fn a_wrong_command_line_exits_2_and_help_0() {
    for arguments in [&["--fast"][..], &["x"], &["--file"], &["--set", "x"], &["--json=1"]] {
        let run = config(arguments);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(run.stderr.contains("Try `terrane config --help`."), "{}", run.stderr);
    }
    let run = config(&["--help"]);
    assert_eq!(run.code, 0);
    assert!(run.stdout.contains("Examples:") && run.stdout.contains("Exit codes: 0"));
    assert!(run.stdout.lines().all(|line| line.chars().count() <= 110));
}
