//! Guests' tags: each becomes a NetBox tag, and two that differ never share one.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, Wanted};
use super::vocabulary::{self, TAG_DESCRIPTION};
use super::{Fields, Key, Kind};

/// Settles the tags; the slug for each that NetBox has or will have.
pub(super) fn plan<'t>(
    draft: &mut Draft<'_>,
    tags: impl IntoIterator<Item = &'t str>,
) -> BTreeMap<&'t str, String> {
    let mut slugs = BTreeMap::new();
    let mut taken: BTreeSet<String> =
        draft.mirror.all(Kind::Tag).map(|tag| tag.text("slug").to_lowercase()).collect();
    taken.extend(vocabulary::TAGS.iter().map(|(slug, ..)| (*slug).to_owned()));
    let names: BTreeSet<&str> = tags.into_iter().filter(|name| !name.is_empty()).collect();
    // A tag whose slug is its name comes first: `a-b` gets the slug that `a.b` would take too.
    let (plain, odd): (Vec<_>, Vec<_>) =
        names.into_iter().partition(|name| vocabulary::slug(name) == name.to_lowercase());
    let mut new: BTreeMap<String, String> = BTreeMap::new();
    for name in plain.into_iter().chain(odd) {
        let lower = name.to_lowercase();
        let slug = vocabulary::slug(name);
        let known = draft
            .mirror
            .find(Kind::Tag, "name", name)
            .or_else(|| draft.mirror.find(Kind::Tag, "slug", &slug).filter(|_| slug == lower));
        if let Some(tag) = known {
            let slug = tag.text("slug").to_owned();
            draft.settle(Wanted::new(Key::new(Kind::Tag, &slug), Some(tag.id), Fields::new()));
            slugs.insert(name, slug);
        } else if let Some(slug) = new.get(&lower) {
            slugs.insert(name, slug.clone());
        } else {
            let slug = match slug {
                slug if slug.is_empty() || taken.contains(&slug) => vocabulary::distinct_slug(name),
                slug => slug,
            };
            if create(draft, name, &slug) {
                taken.insert(slug.clone());
                new.insert(lower, slug.clone());
                slugs.insert(name, slug);
            }
        }
    }
    slugs
}

fn create(draft: &mut Draft<'_>, name: &str, slug: &str) -> bool {
    let fields = Fields::from([
        ("name", name.into()),
        ("slug", slug.into()),
        ("color", vocabulary::color(name).into()),
        ("description", TAG_DESCRIPTION.into()),
    ]);
    let key = Key::new(Kind::Tag, slug);
    draft.settle(Wanted::new(key, None, fields).labelled(name)).is_some()
}
