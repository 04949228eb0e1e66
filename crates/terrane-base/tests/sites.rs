//! The table of sites against a model: the list of sites in the order in which they were first seen.

use proptest::prelude::*;
use terrane_base::{Site, SiteId, SiteTable};

type OwnedSite = (String, u32, u32, Option<String>);

fn borrowed(site: &OwnedSite) -> Site<'_> {
    Site { file: &site.0, line: site.1, column: site.2, function: site.3.as_deref() }
}

/// Few different parts, so that sites meet again and differ in one part only.
fn site() -> impl Strategy<Value = OwnedSite> {
    let text = || "a|b|main|";
    (text(), 0..3_u32, 0..3_u32, prop::option::of(text()))
}

proptest! {
    #[test]
    fn equal_sites_have_equal_numbers(sites in prop::collection::vec(site(), 0..120)) {
        let mut table = SiteTable::new();
        let mut model: Vec<&OwnedSite> = Vec::new();
        for site in &sites {
            let id = table.intern(borrowed(site));
            let known = model.iter().position(|known| *known == site);
            prop_assert_eq!(id.index(), known.unwrap_or(model.len()));
            if known.is_none() {
                model.push(site);
            }
            prop_assert_eq!(table.len(), model.len());
        }
        prop_assert_eq!(table.is_empty(), model.is_empty());
        for (index, site) in model.iter().enumerate() {
            prop_assert_eq!(table.site(SiteId(index as u32)), Some(borrowed(site)));
        }
        let listed: Vec<_> = table.iter().map(|(id, site)| (id.index(), site)).collect();
        prop_assert_eq!(listed, model.iter().map(|site| borrowed(site)).enumerate().collect::<Vec<_>>());
        prop_assert_eq!(table.site(SiteId(model.len() as u32)), None);
        prop_assert_eq!(table.site(SiteId::UNKNOWN), None);
    }
}

#[track_caller]
fn allocates() -> Site<'static> {
    Site::caller()
}

#[test]
fn a_caller_is_where_the_call_stands() {
    let (site, line) = (allocates(), line!());
    assert_eq!((site.line, site.column), (line, 25));
    assert!(site.file.ends_with("sites.rs"));
    assert_eq!(site.to_string(), format!("{}:{line}:25", site.file));
}
