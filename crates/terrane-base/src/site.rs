//! Where allocations come from: places in the source, of the host or of a guest language, interned to small
//! numbers so that a table of statistics can be indexed by them.

use alloc::{boxed::Box, collections::BTreeMap, vec::Vec};
use core::{fmt, panic::Location};

/// A place in a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site<'a> {
    /// The file's name, as it is to be shown.
    pub file: &'a str,
    /// The line, from 1.
    pub line: u32,
    /// The column, from 1.
    pub column: u32,
    /// The function around it, where that is known (guest languages).
    pub function: Option<&'a str>,
}

impl Site<'static> {
    /// The place that this is called from, or that a `#[track_caller]` function around it is called from.
    #[must_use]
    #[track_caller]
    pub fn caller() -> Self {
        let location = Location::caller();
        Self { file: location.file(), line: location.line(), column: location.column(), function: None }
    }
}

/// `file:line:column`, and ` in function` where that is known.
impl fmt::Display for Site<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)?;
        match self.function {
            Some(function) => write!(f, " in {function}"),
            None => Ok(()),
        }
    }
}

/// The number of a site in its [`SiteTable`]. Numbers count up from 0, without gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct SiteId(pub u32);

impl SiteId {
    /// No site, or one that did not fit into a full table.
    pub const UNKNOWN: Self = Self(u32::MAX);

    /// The number as an index.
    #[must_use]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Sites, each with a number. Equal sites get equal numbers.
///
/// ```
/// use terrane_base::{Site, SiteTable};
///
/// let mut table = SiteTable::new();
/// let site = Site { file: "list.scm", line: 12, column: 9, function: Some("process-line") };
/// let id = table.intern(site);
/// assert_eq!(table.intern(site), id);
/// assert_eq!(table.site(id).unwrap().to_string(), "list.scm:12:9 in process-line");
/// assert_eq!(table.len(), 1);
/// ```
#[derive(Clone, Debug, Default)]
pub struct SiteTable {
    sites: Vec<Record>,
    ids: BTreeMap<Record, SiteId>,
    texts: Vec<Box<str>>,
    text_ids: BTreeMap<Box<str>, TextId>,
}

/// An index into `texts`. Many sites share few files and functions.
type TextId = u32;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Record {
    file: TextId,
    line: u32,
    column: u32,
    function: Option<TextId>,
}

impl SiteTable {
    /// A table without sites.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The number of `site`, a new one where it was not seen before. O(log n).
    ///
    /// A table takes 2³² − 1 sites; further ones are [`SiteId::UNKNOWN`].
    pub fn intern(&mut self, site: Site<'_>) -> SiteId {
        let record = Record {
            file: self.text_id(site.file),
            line: site.line,
            column: site.column,
            function: site.function.map(|function| self.text_id(function)),
        };
        if let Some(&id) = self.ids.get(&record) {
            return id;
        }
        match u32::try_from(self.sites.len()).map(SiteId) {
            Ok(id) if id != SiteId::UNKNOWN => {
                self.sites.push(record);
                self.ids.insert(record, id);
                id
            }
            _ => SiteId::UNKNOWN,
        }
    }

    /// The site of that number; `None` when this table gave no such number.
    #[must_use]
    pub fn site(&self, id: SiteId) -> Option<Site<'_>> {
        self.sites.get(id.index()).map(|record| self.resolve(record))
    }

    /// The number of sites.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sites.len()
    }

    /// Whether no site was interned yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// All sites in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (SiteId, Site<'_>)> {
        (0..).map(SiteId).zip(self.sites.iter().map(|record| self.resolve(record)))
    }

    fn resolve(&self, record: &Record) -> Site<'_> {
        Site {
            file: self.text(record.file),
            line: record.line,
            column: record.column,
            function: record.function.map(|function| self.text(function)),
        }
    }

    fn text(&self, id: TextId) -> &str {
        self.texts.get(id as usize).map_or("", |text| text)
    }

    fn text_id(&mut self, text: &str) -> TextId {
        if let Some(&id) = self.text_ids.get(text) {
            return id;
        }
        // Each site brings at most two texts, and 2³² different texts would not fit into memory; should it
        // happen all the same, the site has an empty file name.
        let id = TextId::try_from(self.texts.len()).unwrap_or(TextId::MAX);
        self.texts.push(text.into());
        self.text_ids.insert(text.into(), id);
        id
    }
}
