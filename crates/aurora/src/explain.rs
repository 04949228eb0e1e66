//! Where the compiler puts each allocation of a program, and why.

use crate::diagnostic::Failure;
use crate::engine::Compiled;
use crate::placement::{Reasons, Zone};
use crate::source::{Origin, Source};

/// One allocation site of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SitePlacement {
    /// 1-based line.
    pub line: u32,
    /// 1-based column, in characters.
    pub column: u32,
    /// What is made there: "cons", "vector", "closure loop", "record point".
    pub what: String,
    /// The zone it goes to.
    pub zone: Zone,
    /// Why, in words: "dies in process-line", "stored in global `table`".
    pub reason: String,
}

/// Lists every allocation site of the program in the order of the text.
///
/// ```
/// use aurora::{Source, Zone, explain};
///
/// let source = Source::new("t.scm", "(define (f a) (car (cons a 1)))\n(define kept (cons 1 2))");
/// let sites = explain(&source)?;
/// assert_eq!((sites[0].zone, sites[0].reason.as_str()), (Zone::Frame, "dies in f"));
/// assert_eq!((sites[1].zone, sites[1].reason.as_str()), (Zone::Heap, "stored in global `kept`"));
/// # Ok::<(), aurora::Failure>(())
/// ```
///
/// # Errors
/// [`Failure::Diagnostics`] if the program cannot be compiled.
pub fn explain(source: &Source) -> Result<Vec<SitePlacement>, Failure> {
    let compiled = Compiled::new(source, true, Reasons::Wanted)?;
    let user = compiled.module.sites.iter().filter(|site| site.placed && site.span.origin == Origin::User);
    let places = compiled.sources.lines_columns(compiled.module.sites.iter().map(|site| site.span));
    let mut sites: Vec<SitePlacement> = user
        .map(|site| {
            let (line, column) = places[&site.span];
            SitePlacement {
                line,
                column,
                what: site.what.to_string(),
                zone: site.zone,
                reason: site.reason.to_string(),
            }
        })
        .collect();
    sites.sort_by(|a, b| (a.line, a.column, &a.what).cmp(&(b.line, b.column, &b.what)));
    Ok(sites)
}

/// The program in the intermediate language, as text: for people who want to see what the compiler made.
///
/// # Errors
/// [`Failure::Diagnostics`] if the program cannot be compiled.
pub fn intermediate_text(source: &Source) -> Result<String, Failure> {
    let compiled = Compiled::new(source, true, Reasons::Unread)?;
    let user = compiled.module.functions.iter().filter(|function| function.span.origin == Origin::User);
    Ok(user.map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}
