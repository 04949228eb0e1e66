//! Tokens (R7RS §7.1.1).

use super::number::{Number, NumberError, parse_number};
use crate::diagnostic::Complaint;
use crate::source::{Origin, Span};

/// A token of the lexical grammar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Token {
    Open,
    Close,
    OpenVector,
    OpenBytevector,
    Quote(&'static str),
    Dot,
    /// `#;`: the next datum is a comment.
    SkipDatum,
    Boolean(bool),
    Character(char),
    String(Box<str>),
    Symbol(Box<str>),
    Number(Number),
}

/// Splits a text into tokens.
#[derive(Debug)]
pub(crate) struct Lexer<'a> {
    text: &'a str,
    at: usize,
    origin: Origin,
    /// The brackets that are open, so that each is closed by its own kind.
    open: Vec<char>,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str, origin: Origin) -> Self {
        const BYTE_ORDER_MARK: char = '\u{feff}';
        let start = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
        let hash_bang = text[start..].starts_with("#!/");
        let at = if hash_bang { text.find('\n').unwrap_or(text.len()) } else { start };
        Self { text, at, origin, open: Vec::new() }
    }

    /// The next token with its place; `None` at the end of the text.
    pub(crate) fn next(&mut self) -> Result<Option<(Token, Span)>, Complaint> {
        self.skip_blanks()?;
        let start = self.at;
        let Some(first) = self.bump() else { return Ok(None) };
        let token = match first {
            '(' | '[' => {
                self.open.push(first);
                Token::Open
            }
            ')' | ']' => self.closing(first, start)?,
            '{' | '}' => {
                return Err(Complaint::new(
                    self.span(start),
                    "curly braces have no meaning here",
                    "not understood",
                )
                .help("use parentheses"));
            }
            '\'' => Token::Quote("quote"),
            '`' => Token::Quote("quasiquote"),
            ',' if self.eat('@') => Token::Quote("unquote-splicing"),
            ',' => Token::Quote("unquote"),
            '"' => Token::String(self.delimited('"', start)?),
            '|' => Token::Symbol(self.delimited('|', start)?),
            '#' => self.hash(start)?,
            _ => self.atom(start)?,
        };
        Ok(Some((token, self.span(start))))
    }

    fn span(&self, start: usize) -> Span {
        Span::new(self.origin, start..self.at.max(start))
    }

    fn peek(&self) -> Option<char> {
        self.text[self.at..].chars().next()
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, wanted: char) -> bool {
        let hit = self.peek() == Some(wanted);
        if hit {
            self.bump();
        }
        hit
    }

    fn skip_blanks(&mut self) -> Result<(), Complaint> {
        loop {
            match self.peek() {
                Some(c) if c.is_whitespace() => {
                    self.bump();
                }
                Some(';') => {
                    self.at = self.text[self.at..].find('\n').map_or(self.text.len(), |n| self.at + n)
                }
                Some('#') if self.text[self.at..].starts_with("#|") => self.skip_block()?,
                _ => return Ok(()),
            }
        }
    }

    /// `#| … |#`, nested.
    fn skip_block(&mut self) -> Result<(), Complaint> {
        let start = self.at;
        let mut depth = 0u32;
        loop {
            let rest = &self.text[self.at..];
            if rest.starts_with("#|") {
                depth += 1;
                self.at += 2;
            } else if rest.starts_with("|#") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else if self.bump().is_none() {
                let span = Span::new(self.origin, start..start + 2);
                return Err(Complaint::new(span, "this block comment is never closed", "starts here")
                    .help("add `|#` where the comment ends"));
            }
        }
    }

    fn hash(&mut self, start: usize) -> Result<Token, Complaint> {
        if self.eat('(') {
            self.open.push('(');
            return Ok(Token::OpenVector);
        }
        if self.eat(';') {
            return Ok(Token::SkipDatum);
        }
        if self.eat('\\') {
            return self.character(start);
        }
        let word = self.word(start);
        match word {
            "#t" | "#true" => Ok(Token::Boolean(true)),
            "#f" | "#false" => Ok(Token::Boolean(false)),
            "#u8" if self.eat('(') => {
                self.open.push('(');
                Ok(Token::OpenBytevector)
            }
            _ => self.number_or(start, word, |lexer| {
                let help = "known are #t #f #\\c #( #u8( #; #| and numbers such as #xff";
                Err(Complaint::new(lexer.span(start), format!("unknown syntax `{word}`"), "not understood")
                    .help(help))
            }),
        }
    }

    /// A closing bracket, which must be of the kind that was opened last.
    fn closing(&mut self, bracket: char, start: usize) -> Result<Token, Complaint> {
        let wanted = if bracket == ')' { '(' } else { '[' };
        match self.open.pop() {
            Some(opened) if opened != wanted => {
                let message = format!("`{bracket}` does not match the `{opened}` that it would close");
                Err(Complaint::new(self.span(start), message, "another bracket is needed here"))
            }
            _ => Ok(Token::Close),
        }
    }

    /// The characters up to the next delimiter, from `start`.
    fn word(&mut self, start: usize) -> &'a str {
        while self.peek().is_some_and(|c| !is_delimiter(c)) {
            self.bump();
        }
        &self.text[start..self.at]
    }

    fn atom(&mut self, start: usize) -> Result<Token, Complaint> {
        let word = self.word(start);
        if word == "." {
            return Ok(Token::Dot);
        }
        self.number_or(start, word, |_| Ok(Token::Symbol(word.into())))
    }

    fn number_or(
        &self,
        start: usize,
        word: &str,
        otherwise: impl FnOnce(&Self) -> Result<Token, Complaint>,
    ) -> Result<Token, Complaint> {
        match parse_number(word, 10) {
            Ok(number) => Ok(Token::Number(number)),
            Err(NumberError::TooLarge) => {
                let message = format!("the integer {word} is too large");
                Err(Complaint::new(self.span(start), message, "does not fit 63 bits")
                    .help("write it with a decimal point to get an inexact number"))
            }
            Err(NumberError::NotANumber) if is_fraction(word) => {
                let message = format!("the fraction {word} is not part of this version");
                Err(Complaint::new(self.span(start), message, "not supported")
                    .help("write it as a decimal, or as a division"))
            }
            Err(NumberError::NotANumber) => otherwise(self),
        }
    }

    fn character(&mut self, start: usize) -> Result<Token, Complaint> {
        let name_start = self.at;
        if self.bump().is_none() {
            return Err(Complaint::new(self.span(start), "a character is missing after `#\\`", "here"));
        }
        self.word(name_start);
        let name = &self.text[name_start..self.at];
        let mut characters = name.chars();
        let only = characters.next().filter(|_| characters.next().is_none());
        let character = only.or_else(|| named_character(name)).or_else(|| hex_character(name));
        character.map(Token::Character).ok_or_else(|| {
            Complaint::new(self.span(start), format!("unknown character name `{name}`"), "not a character")
                .help("names are alarm backspace delete escape newline null return space tab, or xHEX")
        })
    }

    /// The rest of a string or `|symbol|`, after its opening mark.
    fn delimited(&mut self, mark: char, start: usize) -> Result<Box<str>, Complaint> {
        let mut out = String::new();
        loop {
            match self.bump() {
                None => {
                    let span = Span::new(self.origin, start..start + 1);
                    let what = if mark == '"' { "string" } else { "symbol" };
                    return Err(Complaint::new(span, format!("this {what} is never closed"), "starts here")
                        .help(format!("add `{mark}` where it ends")));
                }
                Some(c) if c == mark => return Ok(out.into()),
                Some('\\') => self.escape(&mut out)?,
                Some(c) => out.push(c),
            }
        }
    }

    fn escape(&mut self, out: &mut String) -> Result<(), Complaint> {
        let start = self.at - 1;
        match self.bump() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some(c @ ('"' | '\\' | '|')) => out.push(c),
            Some('x' | 'X') => {
                let digits = self.at;
                while self.peek().is_some_and(|c| c.is_ascii_hexdigit()) {
                    self.bump();
                }
                let value =
                    u32::from_str_radix(&self.text[digits..self.at], 16).ok().and_then(char::from_u32);
                match value {
                    Some(c) if self.eat(';') => out.push(c),
                    _ => return Err(self.bad_escape(start)),
                }
            }
            Some(c) if c.is_whitespace() => self.line_continuation(c),
            _ => return Err(self.bad_escape(start)),
        }
        Ok(())
    }

    /// `\` at the end of a line: the line break and the blanks around it vanish.
    fn line_continuation(&mut self, first: char) {
        let mut seen_newline = first == '\n';
        while let Some(c) = self.peek() {
            if c == '\n' && seen_newline || !c.is_whitespace() {
                break;
            }
            seen_newline |= c == '\n';
            self.bump();
        }
    }

    fn bad_escape(&self, start: usize) -> Complaint {
        let span = Span::new(self.origin, start..self.at);
        Complaint::new(span, "unknown escape in a string", "not understood").help(
            "escapes are \\n \\t \\r \\a \\b \\\" \\\\ \\| \\xHEX; and a backslash at the end of a line",
        )
    }
}

/// Is it an exact fraction of R7RS, such as `-1/2`?
fn is_fraction(word: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    unsigned.split_once('/').is_some_and(|(above, below)| digits(above) && digits(below))
}

fn is_delimiter(c: char) -> bool {
    c.is_whitespace() || matches!(c, '(' | ')' | '[' | ']' | '{' | '}' | '"' | ';' | '\'' | '`' | ',')
}

const CHARACTER_NAMES: [(&str, char); 11] = [
    ("space", ' '),
    ("newline", '\n'),
    ("tab", '\t'),
    ("return", '\r'),
    ("null", '\0'),
    ("nul", '\0'),
    ("alarm", '\u{7}'),
    ("backspace", '\u{8}'),
    ("delete", '\u{7f}'),
    ("escape", '\u{1b}'),
    ("linefeed", '\n'),
];

fn named_character(name: &str) -> Option<char> {
    CHARACTER_NAMES.iter().find(|(known, _)| *known == name).map(|&(_, c)| c)
}

/// The name of a character that `write` spells out.
pub(crate) fn character_name(c: char) -> Option<&'static str> {
    CHARACTER_NAMES.iter().find(|&&(_, known)| known == c).map(|&(name, _)| name)
}

fn hex_character(name: &str) -> Option<char> {
    let digits = name.strip_prefix('x')?;
    u32::from_str_radix(digits, 16).ok().and_then(char::from_u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(text: &str) -> Result<Vec<Token>, Complaint> {
        let mut lexer = Lexer::new(text, Origin::User);
        let mut out = Vec::new();
        while let Some((token, _)) = lexer.next()? {
            out.push(token);
        }
        Ok(out)
    }

    #[test]
    fn every_kind_of_token() {
        let all = tokens("( ) #( #u8( ' ` , ,@ . #; #t #\\a #\\space \"x\\n\" a->b |a b| 1 2.5").unwrap();
        assert_eq!(all.len(), 18);
        assert_eq!(all[12], Token::Character(' '));
        assert_eq!(all[13], Token::String("x\n".into()));
        assert_eq!(all[15], Token::Symbol("a b".into()));
    }

    #[test]
    fn comments_of_both_kinds_vanish() {
        assert_eq!(tokens("; x\n#| a #| b |# c |# y").unwrap(), [Token::Symbol("y".into())]);
    }

    #[test]
    fn errors_point_at_their_start() {
        for (text, start) in
            [("  \"abc", 2), ("x #| y", 2), ("#\\bogus", 0), ("\"\\q\"", 1), (" 99999999999999999999", 1)]
        {
            assert_eq!(tokens(text).unwrap_err().span.start, start, "{text}");
        }
    }

    #[test]
    fn a_hash_bang_line_is_skipped() {
        assert_eq!(tokens("#!/usr/bin/env terrane\n7").unwrap(), [Token::Number(Number::Fixnum(7))]);
    }
}
