//! The table for people: one option explained, and the page of the documentation.

use std::fmt::Write;

use super::{ConfigOption, OPTIONS, file::default_file, layer::no_option, rules::rules_for};

/// What an option is for, its kind, range, default, and how it is set.
///
/// # Errors
/// When there is no option of that name: a message with the nearest one.
///
/// ```
/// let text = terrane::explain_option("stack_size").unwrap();
/// assert!(text.contains("default    1KiB") && text.contains("TERRANE_STACK_SIZE"));
/// assert!(terrane::explain_option("stacksize").unwrap_err().contains("did you mean `stack_size`?"));
/// ```
pub fn explain_option(name: &str) -> Result<String, String> {
    let index = ConfigOption::index_of(name).ok_or_else(|| no_option(name, None))?;
    let option = &OPTIONS[index];
    let doc = option.doc.lines().map(str::trim).collect::<Vec<_>>().join(" ");
    Ok(format!(
        "{name}\n  {doc}\n\n  type       {}\n  range      {}\n  default    {}\n  variable   {}\n  file       {}\n",
        type_name(option),
        option.kind.range(),
        option.default_value(),
        option.variable(),
        default_file().lines().nth(index).unwrap_or_default(),
    ))
}

fn type_name(option: &ConfigOption) -> String {
    match option.kind.unit() {
        "" => option.kind.name().to_owned(),
        unit => format!("{} ({unit})", option.kind.name()),
    }
}

/// The page of the documentation, in Markdown: `docs/configuration.md`.
#[must_use]
pub fn reference_page() -> String {
    let mut page = String::from(INTRODUCTION);
    page.push_str("| Option | Type | Default | Range |\n|---|---|---|---|\n");
    for option in OPTIONS {
        let _ = writeln!(
            page,
            "| [`{0}`](#{0}) | {1} | {2} | {3} |",
            option.name,
            type_name(option),
            option.default_value(),
            option.kind.range()
        );
    }
    for option in OPTIONS {
        let doc = option.doc.lines().map(str::trim).collect::<Vec<_>>().join(" ");
        let _ = write!(
            page,
            "\n## {}\n\n{}\n\n- Variable: `{}`\n- Type: {}, {}\n- Default: {}\n",
            option.name,
            doc.trim(),
            option.variable(),
            type_name(option),
            option.kind.range(),
            option.default_value(),
        );
        let rules: Vec<_> = rules_for(option.name).collect();
        if !rules.is_empty() {
            let _ = writeln!(page, "- Together with others: {}", rules.join("; "));
        }
    }
    let _ = write!(page, "\n## A file with every default\n\n```toml\n{}```\n", default_file());
    page
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Made from the table of options: `cargo run -p terrane --example configuration-page > docs/configuration.md` -->

Every option of a memory system, how it is written, and what it does. `terrane config` prints the values that hold
here and now with where each comes from; `terrane config --explain NAME` explains one.

What is said in a higher place counts: the program's code, then the environment (`TERRANE_…`), then the file
`memory.toml`, then the constant that the program begins with, or the default. An unknown name, a value that is out of range
and values that contradict each other are errors with their place, and with the name that was probably meant. A variable
`TERRANE_…` that is near to no option's name may be another program's: it is left alone, and `terrane config` lists it.

```rust
use terrane::{MemoryConfig, MemorySystem};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = MemoryConfig::from_env()
        .or_else(|| MemoryConfig::from_file(\"memory.toml\"))
        .unwrap_or_default()?;
    let system = MemorySystem::builder().with_config(config).build()?;
    println!(\"{}\", system.stats());
    Ok(())
}
```

A size is a number with a unit (`64MiB`, `1.5GiB`, `512KiB`) or of bytes; a time has the unit `ms`, `s`, `min` or `h`. In a
file, sizes with a unit and times stand in quotes.

";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_in_the_repository_is_up_to_date() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/configuration.md");
        let found = std::fs::read_to_string(file).unwrap_or_default();
        assert!(
            found == reference_page(),
            "docs/configuration.md is out of date: \
             cargo run -p terrane --example configuration-page > docs/configuration.md"
        );
    }

    #[test]
    fn the_page_says_which_values_contradict() {
        let page = reference_page();
        let section = page.split("\n## ").find(|section| section.starts_with("small_threshold\n")).unwrap();
        let rules =
            "`small_threshold` is at most `large_threshold`; `small_threshold` is at most `pool_limit`\n";
        assert!(section.contains(rules), "{section}");
        assert!(page.contains("`reclaim_reserve` is below `max_memory`"));
    }

    #[test]
    fn every_option_is_explained() {
        for option in OPTIONS {
            let text = explain_option(option.name).unwrap();
            assert!(text.contains(&option.variable()) && text.contains(&option.default_value()), "{text}");
        }
    }
}
