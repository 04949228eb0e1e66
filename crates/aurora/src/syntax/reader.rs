//! The reader: tokens to data, with an explicit stack, so that any nesting depth works.

use super::datum::{Datum, DatumId, DatumPool};
use super::lexer::{Lexer, Token};
use super::number::Number;
use crate::diagnostic::Complaint;
use crate::source::{Origin, Span};

/// Reads all data of a text.
pub(crate) fn read_program(text: &str, origin: Origin) -> Result<(DatumPool, Vec<DatumId>), Complaint> {
    if u32::try_from(text.len()).is_err() {
        let span = Span::new(origin, 0..0);
        return Err(Complaint::new(span, "the source text is larger than 4 GiB", "starts here"));
    }
    let mut reader = Reader { lexer: Lexer::new(text, origin), pool: DatumPool::default(), open: Vec::new() };
    let mut program = Vec::new();
    while let Some(id) = reader.read()? {
        program.push(id);
    }
    Ok((reader.pool, program))
}

#[derive(Debug)]
enum Shape {
    List {
        tail: Tail,
        inner: InnerLists,
    },
    Vector,
    Bytevector,
    /// `'x` and its kin: takes one datum.
    Prefix(&'static str),
    /// `#;`: takes one datum and drops it.
    Skip,
}

#[derive(Debug, Clone, Copy)]
enum Tail {
    None,
    /// The dot has been seen, its datum has not.
    Awaited(Span),
    Read(DatumId),
}

/// Lists that stand after a dot: `(a . (b . (c)))` is `(a b c)`. They are read into the list around them
/// at once; copying each into the next when it ends would take quadratic time and memory.
#[derive(Debug, Clone, Copy, Default)]
struct InnerLists {
    /// Opened and not yet closed.
    open: usize,
    /// How many items there were when the innermost one began.
    start: usize,
    /// One has been closed, so nothing but closing parentheses may follow.
    closed: bool,
}

#[derive(Debug)]
struct Frame {
    shape: Shape,
    items: Vec<DatumId>,
    span: Span,
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    pool: DatumPool,
    open: Vec<Frame>,
}

impl Reader<'_> {
    /// The next datum at the top level.
    fn read(&mut self) -> Result<Option<DatumId>, Complaint> {
        loop {
            let Some((token, span)) = self.lexer.next()? else {
                return match self.open.pop() {
                    None => Ok(None),
                    Some(frame) => Err(self.unfinished(&frame)),
                };
            };
            let finished = match token {
                Token::Open => self.open_list(span),
                Token::OpenVector => self.begin(Shape::Vector, span),
                Token::OpenBytevector => self.begin(Shape::Bytevector, span),
                Token::Quote(name) => self.begin(Shape::Prefix(name), span),
                Token::SkipDatum => self.begin(Shape::Skip, span),
                Token::Close => self.close(span)?,
                Token::Dot => self.dot(span)?,
                Token::Boolean(value) => Some(self.pool.push(Datum::Boolean(value), span)),
                Token::Character(value) => Some(self.pool.push(Datum::Character(value), span)),
                Token::String(value) => Some(self.pool.push(Datum::String(value), span)),
                Token::Symbol(name) => Some(self.pool.push(Datum::Symbol(name), span)),
                Token::Number(Number::Fixnum(value)) => Some(self.pool.push(Datum::Fixnum(value), span)),
                Token::Number(Number::Flonum(value)) => Some(self.pool.push(Datum::Flonum(value), span)),
            };
            if let Some(id) = finished
                && let Some(top) = self.deliver(id)?
            {
                return Ok(Some(top));
            }
        }
    }

    fn open_list(&mut self, span: Span) -> Option<DatumId> {
        if let Some(Frame { shape: Shape::List { tail: tail @ Tail::Awaited(_), inner }, items, .. }) =
            self.open.last_mut()
        {
            *tail = Tail::None;
            inner.open += 1;
            inner.start = items.len();
            return None;
        }
        self.begin(Shape::List { tail: Tail::None, inner: InnerLists::default() }, span)
    }

    fn begin(&mut self, shape: Shape, span: Span) -> Option<DatumId> {
        self.open.push(Frame { shape, items: Vec::new(), span });
        None
    }

    /// Hands a finished datum to what is open around it; `Some` when nothing is.
    fn deliver(&mut self, mut id: DatumId) -> Result<Option<DatumId>, Complaint> {
        loop {
            let Some(frame) = self.open.last_mut() else { return Ok(Some(id)) };
            match &mut frame.shape {
                Shape::List { tail: tail @ Tail::Awaited(_), .. } => *tail = Tail::Read(id),
                Shape::List { tail, inner } if inner.closed || matches!(tail, Tail::Read(_)) => {
                    let span = self.pool.span(id);
                    return Err(Complaint::new(span, "only one datum may follow the dot", "one too many"));
                }
                Shape::List { .. } | Shape::Vector | Shape::Bytevector => frame.items.push(id),
                Shape::Skip => {
                    self.open.pop();
                }
                Shape::Prefix(name) => {
                    let name = *name;
                    let span = frame.span;
                    self.open.pop();
                    let head = self.pool.push(Datum::Symbol(name.into()), span);
                    let whole = span.to(self.pool.span(id));
                    id = self.pool.push(Datum::List(vec![head, id], None), whole);
                    continue;
                }
            }
            return Ok(None);
        }
    }

    fn dot(&mut self, span: Span) -> Result<Option<DatumId>, Complaint> {
        match self.open.last_mut() {
            Some(Frame { shape: Shape::List { tail: tail @ Tail::None, inner }, items, .. })
                if items.len() > inner.start && !inner.closed =>
            {
                *tail = Tail::Awaited(span);
                Ok(None)
            }
            _ => Err(Complaint::new(span, "a dot has no meaning here", "unexpected dot")
                .help("a dot stands before the last datum of a list: (a . b)")),
        }
    }

    fn close(&mut self, span: Span) -> Result<Option<DatumId>, Complaint> {
        if let Some(Frame { shape: Shape::List { tail, inner }, .. }) = self.open.last_mut()
            && inner.open > 0
            && !matches!(tail, Tail::Awaited(_))
        {
            inner.open -= 1;
            inner.closed = true;
            return Ok(None);
        }
        let Some(frame) = self.open.pop() else {
            return Err(Complaint::new(span, "this closing parenthesis has no opening one", "unexpected")
                .help("remove it, or add the `(` that it was meant to close"));
        };
        let whole = frame.span.to(span);
        let datum = match frame.shape {
            Shape::List { tail: Tail::None, .. } => Datum::List(frame.items, None),
            Shape::List { tail: Tail::Read(tail), .. } => self.dotted(frame.items, tail),
            Shape::List { tail: Tail::Awaited(dot), .. } => {
                return Err(Complaint::new(dot, "a datum is missing after this dot", "nothing follows"));
            }
            Shape::Vector => Datum::Vector(frame.items),
            Shape::Bytevector => Datum::Bytevector(self.bytes(&frame.items)?),
            Shape::Prefix(_) | Shape::Skip => {
                return Err(Complaint::new(
                    frame.span,
                    "nothing follows this mark",
                    "a datum is missing after it",
                ));
            }
        };
        Ok(Some(self.pool.push(datum, whole)))
    }

    /// `(a . 'b)` is `(a quote b)`.
    fn dotted(&self, mut items: Vec<DatumId>, tail: DatumId) -> Datum {
        match self.pool.datum(tail) {
            Datum::List(rest, end) => {
                items.extend_from_slice(rest);
                Datum::List(items, *end)
            }
            _ => Datum::List(items, Some(tail)),
        }
    }

    fn bytes(&self, items: &[DatumId]) -> Result<Vec<u8>, Complaint> {
        let byte = |&id: &DatumId| match *self.pool.datum(id) {
            Datum::Fixnum(value) => u8::try_from(value).ok(),
            _ => None,
        };
        let bad = |&id: &DatumId| {
            Complaint::new(self.pool.span(id), "a bytevector holds integers from 0 to 255", "not a byte")
        };
        items.iter().map(|id| byte(id).ok_or_else(|| bad(id))).collect()
    }

    fn unfinished(&self, frame: &Frame) -> Complaint {
        match frame.shape {
            Shape::Prefix(_) | Shape::Skip => {
                Complaint::new(frame.span, "the text ends after this mark", "a datum is missing after it")
            }
            _ => {
                let inner = |frame: &Frame| match frame.shape {
                    Shape::List { inner, .. } => inner.open,
                    _ => 0,
                };
                let depth = self.open.len() + 1 + inner(frame) + self.open.iter().map(inner).sum::<usize>();
                Complaint::new(frame.span, "this parenthesis is never closed", "opened here")
                    .note(format!("the text ends with {depth} unclosed"))
                    .help("add the missing `)`")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<(DatumPool, Vec<DatumId>), Complaint> {
        read_program(text, Origin::User)
    }

    fn show(pool: &DatumPool, id: DatumId) -> String {
        match pool.datum(id) {
            Datum::Fixnum(n) => n.to_string(),
            Datum::Symbol(s) => s.to_string(),
            Datum::List(items, tail) => {
                let mut parts: Vec<_> = items.iter().map(|&i| show(pool, i)).collect();
                if let Some(tail) = tail {
                    parts.push(format!(". {}", show(pool, *tail)));
                }
                format!("({})", parts.join(" "))
            }
            other => format!("{other:?}"),
        }
    }

    #[test]
    fn reads_nested_quoted_dotted_and_skipped_data() {
        let (pool, all) = read("(a '(1 . 2) #;(gone) . (b . c)) x").unwrap();
        assert_eq!(show(&pool, all[0]), "(a (quote (1 . 2)) b . c)");
        assert_eq!(show(&pool, all[1]), "x");
    }

    #[test]
    fn lists_after_dots_are_part_of_the_list_around_them() {
        for (text, shown) in [
            ("(a . (b . (c . d)))", "(a b c . d)"),
            ("(a . ())", "(a)"),
            ("((a . (b)) . ((c) . ()))", "((a b) (c))"),
            ("(a . #;(x) (b #;c))", "(a b)"),
            ("(a . 'b)", "(a quote b)"),
        ] {
            let (pool, all) = read(text).unwrap();
            assert_eq!(show(&pool, all[0]), shown, "{text}");
        }
    }

    #[test]
    fn skipping_takes_a_whole_prefixed_datum() {
        let (pool, all) = read("(1 #;'x #; #;a b 2)").unwrap();
        assert_eq!(show(&pool, all[0]), "(1 2)");
    }

    #[test]
    fn depth_is_not_limited_by_the_machine_stack() {
        let depth = 200_000;
        let text = format!("{}{}", "(".repeat(depth), ")".repeat(depth));
        assert_eq!(read(&text).unwrap().1.len(), 1);
        let error = read(&"(".repeat(depth)).unwrap_err();
        assert_eq!(error.span.start as usize, depth - 1);
    }

    #[test]
    fn errors_have_a_place() {
        for (text, start) in [
            (")", 0),
            ("(a . )", 3),
            ("( . a)", 2),
            ("(a . b c)", 7),
            ("(a . (b) c)", 9),
            ("(a . (b) . c)", 9),
            ("(a . ( . c))", 7),
            ("(a . (b . ))", 8),
            ("#u8(1 256)", 6),
            ("(')", 1),
            ("(a '", 3),
        ] {
            assert_eq!(read(text).unwrap_err().span.start, start, "{text}");
        }
    }
}
