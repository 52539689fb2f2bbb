//! `cargo xtask drift`: what differs between two releases.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use codegen::crawl::{read_apidoc, read_openapi};
use codegen::drift::{Counts, compare, markdown};
use codegen::manifest::Manifest;
use codegen::normalize::{normalize_netbox, normalize_proxmox};
use codegen::product::Product;
use codegen::spec::count;
use serde_json::Value;

use crate::regen::read_spec;

#[derive(Args)]
pub(crate) struct DriftArgs {
    /// PRODUCT/RELEASE of specs/ (pve/9.1.3), a spec's file, or an apidoc.js or schema as published
    old: String,
    /// The newer one, in the same forms
    new: String,
    /// How it is printed
    #[arg(long, value_enum, default_value_t = Format::Md)]
    format: Format,
}

#[derive(Clone, Copy, ValueEnum)]
enum Format {
    Md,
    Json,
}

impl DriftArgs {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let (old, new) = (document(root, &self.old)?, document(root, &self.new)?);
        let drift = compare(&old, &new);
        match self.format {
            Format::Md => print!("{}", markdown(&drift)),
            Format::Json => println!("{}", serde_json::to_string_pretty(&drift)?),
        }
        Ok(())
    }
}

fn document(root: &Path, name: &str) -> Result<Value> {
    let specs = root.join("specs");
    let kept = format!("{}.json", name.trim_end_matches(".json").trim_start_matches("specs/"));
    if specs.join(&kept).exists() {
        return read_spec(&specs, &kept);
    }
    let path = PathBuf::from(name);
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!("{name} is neither a release in specs/ nor a file that can be read")
    })?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if !text.trim_start().starts_with('{') {
        let tree = read_apidoc(name, &text)?;
        return Ok(normalize_proxmox(Product::Pve, &tree, &stem).spec);
    }
    let document = read_openapi(name, &text)?;
    match document["info"]["title"].as_str() {
        Some(title) if title.starts_with("Proxmox") => Ok(document),
        Some(_) => {
            let release = document["info"]["version"].as_str().unwrap_or_default().to_owned();
            Ok(normalize_netbox(&document, &release).spec)
        }
        None => bail!("{name} does not say what it describes"),
    }
}

/// A line per release: what came, went and changed since the one before.
pub(crate) fn summary(specs: &Path, manifest: &Manifest) -> Result<String> {
    let mut text =
        "# Releases\n\nWritten by `cargo xtask regen` from `specs/`. Details: `cargo xtask drift \
         pve/9.1.3 pve/9.2`.\n\n\
         | product | release | operations | added | removed | changed | breaking |\n\
         |---|---|---|---|---|---|---|\n"
            .to_owned();
    for product in Product::ALL {
        let mut before: Option<Value> = None;
        for (path, entry) in manifest.releases(product) {
            let spec = read_spec(specs, path)?;
            let row = match &before {
                None => format!("{} | | | |", count(&spec).operations),
                Some(old) => {
                    let Counts { operations, added, removed, changed, breaking } =
                        compare(old, &spec).counts;
                    format!("{operations} | {added} | {removed} | {changed} | {breaking}")
                }
            };
            text.push_str(&format!("| {product} | {} | {row} |\n", entry.release));
            before = Some(spec);
        }
    }
    Ok(text)
}
