//! The viewer's HTML page: which of its scripts holds the description.

use scraper::{Html, Selector};

use super::CrawlError;

/// Whether the text is an HTML document rather than a script.
pub fn is_html(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// The address, as the page spells it, of the script that holds the description.
pub fn script_of(origin: &str, page: &str) -> Result<String, CrawlError> {
    let document = Html::parse_document(page);
    let scripts = Selector::parse("script[src]")
        .map_err(|error| CrawlError::new(origin, 0, error.to_string()))?;
    let mut sources = document.select(&scripts).filter_map(|script| script.value().attr("src"));
    sources
        .rfind(|source| source.split(['?', '#']).next().is_some_and(is_apidoc))
        .map(str::to_owned)
        .ok_or_else(|| {
            let title = title(&document);
            let what = format!("an HTML page{title} without a script apidoc.js: not an API viewer");
            CrawlError::new(origin, 0, what)
        })
}

/// The release that a page of the documentation states (`version 9.1.1,` in its head).
pub fn release_of(page: &str) -> Option<String> {
    let selector = Selector::parse("#revnumber").ok()?;
    let document = Html::parse_document(page);
    let stated: String = document.select(&selector).next()?.text().collect();
    let release =
        stated.split([' ', ',']).find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    release.map(str::to_owned)
}

fn is_apidoc(path: &str) -> bool {
    path.rsplit('/').next().is_some_and(|file| file == "apidoc.js" || file == "apidata.js")
}

fn title(document: &Html) -> String {
    let Ok(selector) = Selector::parse("title") else {
        return String::new();
    };
    document
        .select(&selector)
        .next()
        .map(|title| format!(" titled \"{}\"", title.text().collect::<String>().trim()))
        .unwrap_or_default()
}
