//! Crawling a source into `specs/`. A source that fails leaves the old spec as it is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use codegen::crawl::{is_html, read_apidoc, read_openapi, release_of, script_of};
use codegen::manifest::{Entry, Manifest};
use codegen::normalize::{Normalized, normalize_netbox, normalize_plugin, normalize_proxmox};
use codegen::product::Product;
use codegen::spec;

use crate::source::Source;

/// Crawls without generating.
#[derive(clap::Args)]
pub(crate) struct FetchOnly {
    /// PRODUCT=FILE_OR_URL
    source: String,
    /// Release of a source that does not say its own
    #[arg(long)]
    release: Option<String>,
    /// Folder of specs and their manifest
    #[arg(long)]
    specs: Option<PathBuf>,
}

impl FetchOnly {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let specs = self.specs.clone().unwrap_or_else(|| root.join("specs"));
        println!("{}", Fetch::parse(&self.source, self.release.clone())?.run(&specs)?);
        Ok(())
    }
}

/// `pve=URL_OR_FILE`, with a release where the source does not say its own.
pub(crate) struct Fetch {
    pub(crate) product: Product,
    pub(crate) source: Source,
    pub(crate) release: Option<String>,
}

impl Fetch {
    /// Parses `PRODUCT=SOURCE`.
    pub(crate) fn parse(text: &str, release: Option<String>) -> Result<Self> {
        let (product, source) =
            text.split_once('=').context("--fetch takes PRODUCT=FILE_OR_URL, pve=apidoc.js say")?;
        let product = product.parse().map_err(anyhow::Error::msg)?;
        Ok(Self { product, source: Source::parse(source), release })
    }

    /// Reads the source and writes its spec and the manifest; yields what was read, in a line.
    pub(crate) fn run(&self, specs: &Path) -> Result<String> {
        let (text, source) = self.read()?;
        let (release, normalized) = self.normalize(&text, &source)?;
        let counts = spec::count(&normalized.spec);
        ensure!(counts.operations > 0, "{}: describes no operation", source.name());

        let path = self.product.spec_path(&release);
        let mut manifest = read_manifest(specs)?;
        let mut entry = Entry::new(self.product, &release, &source.name(), text.as_bytes(), counts);
        entry.unknown_keywords = normalized.unknown_keywords.into_iter().collect();
        if !entry.unknown_keywords.is_empty() {
            eprintln!("{path}: left out, unknown: {}", entry.unknown_keywords.join(", "));
        }
        let known = manifest.spec.insert(path.clone(), entry.clone());
        write(&specs.join(&path), &spec::print(&normalized.spec))?;
        write(&specs.join("manifest.toml"), &manifest.print()?)?;
        let news = match known {
            Some(old) if old.sha256 == entry.sha256 => "as before",
            Some(_) => "changed",
            None => "new",
        };
        Ok(format!(
            "{path}: {} operations on {} paths, {} kB from {}: {news}",
            counts.operations,
            counts.paths,
            text.len() / 1024,
            source.name(),
        ))
    }

    /// The description's text; for a viewer's page, that of the script it names.
    fn read(&self) -> Result<(String, Source)> {
        let text = self.source.read()?;
        if !self.product.is_proxmox() || !is_html(&text) {
            return Ok((text, self.source.clone()));
        }
        let script = self.source.join(&script_of(&self.source.name(), &text)?)?;
        Ok((script.read()?, script))
    }

    fn normalize(&self, text: &str, source: &Source) -> Result<(String, Normalized)> {
        let name = source.name();
        if self.product.is_proxmox() {
            let tree = read_apidoc(&name, text)?;
            let release = self.release(&self.release_hint(&name), &name)?;
            let normalized = normalize_proxmox(self.product, &tree, &release);
            return Ok((release, normalized));
        }
        let document = read_openapi(&name, text)?;
        let version = document["info"]["version"].as_str().unwrap_or_default();
        let release = self.release(version, &name)?;
        let normalized = match self.product {
            Product::NetboxProxbox => normalize_plugin(&document, &release),
            _ => normalize_netbox(&document, &release),
        };
        Ok((release, normalized))
    }

    /// Where the release may be read: the source's name, or the index of the documentation that a
    /// live viewer is part of.
    fn release_hint(&self, name: &str) -> String {
        let index = match (&self.release, &self.source) {
            (None, Source::Url(_)) => {
                self.source.join("../index.html").and_then(|page| page.read())
            }
            _ => return name.to_owned(),
        };
        index.ok().and_then(|page| release_of(&page)).unwrap_or_default()
    }

    /// The release as given, or the first number in `hint` that stands by itself.
    fn release(&self, hint: &str, name: &str) -> Result<String> {
        if let Some(release) = &self.release {
            return Ok(release.clone());
        }
        release_in(hint)
            .with_context(|| format!("{name} does not say its release; give it with --release 9.1"))
    }
}

/// `9.1.3` of `apidoc-9.1.3.js`, `4` of `apidoc-4.js`, `4.6.8` of `4.6.8-Docker-3.3.0`.
fn release_in(hint: &str) -> Option<String> {
    let stem = hint.rsplit('/').next().unwrap_or(hint);
    let stem =
        [".json", ".js"].iter().fold(stem, |stem, end| stem.strip_suffix(end).unwrap_or(stem));
    let words = stem.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
    let number = |word: &&str| {
        let mut parts = word.split('.');
        parts.all(|part| {
            !part.is_empty() && part.len() < 5 && part.bytes().all(|b| b.is_ascii_digit())
        })
    };
    words.map(|word| word.trim_start_matches('v')).find(number).map(str::to_owned)
}

/// The manifest of the specs; an absent one is empty.
pub(crate) fn read_manifest(specs: &Path) -> Result<Manifest> {
    let path = specs.join("manifest.toml");
    match std::fs::read_to_string(&path) {
        Ok(text) => {
            Manifest::parse(&text).with_context(|| format!("{} is damaged", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Manifest::default()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be read", path.display())),
    }
}

/// Writes beside the file and renames, so that an interrupted run leaves the old one.
fn write(path: &Path, text: &str) -> Result<()> {
    let context = || format!("{} cannot be written", path.display());
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(context)?;
    }
    let fresh = path.with_extension("new");
    std::fs::write(&fresh, text).with_context(context)?;
    std::fs::rename(&fresh, path).with_context(context)
}

#[cfg(test)]
mod tests {
    use super::release_in;

    #[test]
    fn the_release_is_read_from_names_that_state_one() {
        let cases = [
            ("apidoc-9.1.3.js", Some("9.1.3")),
            ("apidoc-4.js", Some("4")),
            ("4.6.8-Docker-3.3.0", Some("4.6.8")),
            ("openapi-v4.5.json", Some("4.5")),
            ("https://host/8.2/apidoc-8.2.0.js", Some("8.2.0")),
            ("apidoc.js", None),
            ("apidoc-3fa9b1c.js", None),
        ];
        for (name, release) in cases {
            assert_eq!(release_in(name).as_deref(), release, "{name}");
        }
    }
}
