//! The JSON example on a file of more than a megabyte, judged by another reader: what `serde_json` reads from
//! the input and from the output must be the same.

mod terrane;

use serde_json::Value;
use terrane::{Program, read, terrane};

/// Numbers that look random and are the same in every run: xorshift (Marsaglia, "Xorshift RNGs", 2003).
struct Generator(u64);

impl Generator {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// Any JSON value, written into `text` with varied spacing.
    fn value(&mut self, text: &mut String, depth: u32) {
        match if depth > 6 { self.below(8) } else { self.below(14) } {
            0 => text.push_str(["true", "false", "null"][usize::try_from(self.below(3)).unwrap()]),
            1 => text.push_str(&self.next().to_string()),
            2..=4 => self.number(text),
            5..=7 => self.string(text),
            8..=10 => self.items(text, '[', ']', depth, |_, _| {}),
            _ => self.items(text, '{', '}', depth, |generator, text| {
                generator.string(text);
                generator.space(text);
                text.push(':');
            }),
        }
    }

    fn items(
        &mut self,
        text: &mut String,
        open: char,
        close: char,
        depth: u32,
        name: fn(&mut Self, &mut String),
    ) {
        text.push(open);
        for i in 0..self.below(7) {
            if i > 0 {
                text.push(',');
            }
            self.space(text);
            name(self, text);
            self.space(text);
            self.value(text, depth + 1);
            self.space(text);
        }
        text.push(close);
    }

    fn number(&mut self, text: &mut String) {
        if self.below(2) == 0 {
            text.push('-');
        }
        text.push_str(&self.below(1_000_000_000).to_string());
        if self.below(2) == 0 {
            text.push_str(&format!(".{}", self.below(1_000_000)));
        }
        if self.below(3) == 0 {
            let mark = ["e", "E", "e+", "E-"][usize::try_from(self.below(4)).unwrap()];
            text.push_str(&format!("{mark}{}", self.below(120)));
        }
    }

    fn string(&mut self, text: &mut String) {
        const PIECES: [&str; 12] = [
            "word",
            "two words",
            "é",
            "漢字",
            "🪨",
            r"\n",
            r#"\""#,
            r"\\",
            r"\u00e9",
            r"\u0000",
            r"\ud83e\udea8",
            r"\/",
        ];
        text.push('"');
        for _ in 0..self.below(6) {
            text.push_str(PIECES[usize::try_from(self.below(12)).unwrap()]);
        }
        text.push('"');
    }

    fn space(&mut self, text: &mut String) {
        text.push_str(["", "", " ", "\n", "\t", "\r\n"][usize::try_from(self.below(6)).unwrap()]);
    }
}

/// An array of values, at least this long in bytes.
fn generate(size: usize) -> String {
    let mut generator = Generator(0x9E37_79B9_7F4A_7C15);
    let mut text = String::from("[");
    while text.len() < size {
        generator.value(&mut text, 0);
        text.push(',');
    }
    text.push_str("0]");
    text
}

#[track_caller]
fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Where the values first differ, and how.
fn difference(input: &Value, output: &Value, path: &str) -> Option<String> {
    match (input, output) {
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(i, (a, b))| difference(a, b, &format!("{path}/{i}")))
        }
        (Value::Object(a), Value::Object(b)) if a.keys().eq(b.keys()) => {
            a.iter().find_map(|(name, value)| difference(value, &b[name], &format!("{path}/{name}")))
        }
        _ => (input != output).then(|| format!("{path}: {input} became {output}")),
    }
}

#[test]
fn a_megabyte_survives() {
    let input = generate(1_100_000);
    let file = Program::new(read("examples/json.scm"));
    file.add("big.json", &input);
    let path = file.path("big.json");
    for placement in ["on", "off"] {
        let run = terrane([
            "run".as_ref(),
            "--placement".as_ref(),
            placement.as_ref(),
            "examples/json.scm".as_ref(),
            path.as_os_str(),
        ]);
        let output = run.output();
        assert!(output.len() > input.len() / 2);
        let difference = difference(&parse(&input), &parse(&output), "");
        assert_eq!(difference, None, "--placement {placement}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (text, place, part) in [
        ("", "1:1", "end of the file"),
        ("[1,", "1:4", "end of the file"),
        ("[1\n 2]", "2:2", "expected ',' or ']'"),
        ("{\"a\" 1}", "1:6", "expected ':'"),
        ("{1: 2}", "1:2", "name of a member"),
        ("[1,]", "1:4", "expected a value"),
        ("01", "1:2", "must not start with 0"),
        ("1.", "1:3", "expected a digit"),
        ("-", "1:2", "expected a digit"),
        ("1e", "1:3", "expected a digit"),
        ("tru", "1:4", "expected 'true'"),
        ("[1] x", "1:5", "expected the end of the file"),
        ("\"abc", "1:5", "ends inside a string"),
        ("\"a\nb\"", "1:3", "control character"),
        (r#""\q""#, "1:3", "unknown escape"),
        (r#""\u12x4""#, "1:6", "hexadecimal"),
        (r#""\ud800x""#, "1:8", "without a low one"),
        (r#""\udc00""#, "1:8", "without a high one"),
    ] {
        let program = Program::new(read("examples/json.scm"));
        program.add("bad.json", text);
        let mut command = program.command(&[]);
        command.arg("bad.json");
        let run = terrane::finish(command);
        run.assert_no_panic();
        assert_eq!(run.code, 1, "{text:?}\n{}", run.stderr);
        assert!(run.stderr.contains(&format!("bad.json:{place}: ")), "{text:?}\n{}", run.stderr);
        assert!(run.stderr.contains(part), "{text:?}\n{}", run.stderr);
    }
}
