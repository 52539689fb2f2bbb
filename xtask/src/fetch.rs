//! Crawling a source into `specs/`. A source that fails leaves the old spec as it is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use codegen::crawl::{is_html, read_apidoc, read_openapi, release_of, script_of};
use codegen::manifest::{Entry, Manifest};
use codegen::normalize::{Normalized, normalize_netbox, normalize_proxmox};
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
        Fetch::parse(&self.source, self.release.clone())?.run(&specs)
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

    /// Reads the source and writes its spec and the manifest.
    pub(crate) fn run(&self, specs: &Path) -> Result<()> {
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
        println!("{path}: {} operations on {} paths", counts.operations, counts.paths);
        manifest.spec.insert(path.clone(), entry);
        write(&specs.join(&path), &spec::print(&normalized.spec))?;
        write(&specs.join("manifest.toml"), &manifest.print()?)
    }

    /// The description's text; for a viewer's page, that of the script it names.
    fn read(&self) -> Result<(String, Source)> {
        let text = self.source.read()?;
        if self.product == Product::Netbox || !is_html(&text) {
            return Ok((text, self.source.clone()));
        }
        let script = self.source.join(&script_of(&self.source.name(), &text)?)?;
        Ok((script.read()?, script))
    }

    fn normalize(&self, text: &str, source: &Source) -> Result<(String, Normalized)> {
        let name = source.name();
        match self.product {
            Product::Netbox => {
                let document = read_openapi(&name, text)?;
                let version = document["info"]["version"].as_str().unwrap_or_default();
                let release = self.release(version, &name)?;
                let normalized = normalize_netbox(&document, &release);
                Ok((release, normalized))
            }
            Product::Pve => {
                let tree = read_apidoc(&name, text)?;
                let release = self.release(&self.release_hint(&name), &name)?;
                let normalized = normalize_proxmox(&tree, &release);
                Ok((release, normalized))
            }
        }
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

    /// The release as `major.minor`: as given, or the first such number in `hint`.
    fn release(&self, hint: &str, name: &str) -> Result<String> {
        if let Some(release) = &self.release {
            return Ok(release.clone());
        }
        let numbers = hint.split(|c: char| !c.is_ascii_digit() && c != '.');
        for number in numbers {
            let mut parts = number.split('.').filter(|part| !part.is_empty());
            if let (Some(major), Some(minor)) = (parts.next(), parts.next()) {
                return Ok(format!("{major}.{minor}"));
            }
        }
        bail!("{name} does not say its release; give it with --release 9.1")
    }
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
