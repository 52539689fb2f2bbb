//! `cargo xtask regen`: from `specs/` to `generated/`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use codegen::emit::File;
use codegen::generate::{Surface, generate};
use codegen::report::report;
use codegen::spec::count;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::features::forward_features;
use crate::fetch::{Fetch, read_manifest};
use crate::{drift, elsewhere};

#[derive(Args)]
pub(crate) struct Regen {
    /// Compares with generated/ instead of writing; fails at the first difference
    #[arg(long, conflicts_with = "fetch")]
    check: bool,
    /// Crawls PRODUCT=FILE_OR_URL into specs/ first; without a value, every product from where its
    /// publisher has it
    #[arg(long, value_name = "PRODUCT=SOURCE", num_args = 0..=1, default_missing_value = "")]
    fetch: Vec<String>,
    /// Crawls PRODUCT=FILE_OR_URL into a folder of its own, without touching the repository
    #[arg(long, value_name = "PRODUCT=SOURCE", requires = "out", conflicts_with_all = ["fetch", "check"])]
    source: Vec<String>,
    /// The folder for specs and crates of --source
    #[arg(long, value_name = "DIR", requires = "source")]
    out: Option<PathBuf>,
    /// Compiles the crates of --out
    #[arg(long, requires = "out")]
    check_build: bool,
    /// Release of a source that does not say its own
    #[arg(long)]
    release: Option<String>,
}

impl Regen {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        if let Some(out) = &self.out {
            return self.elsewhere(root, out);
        }
        let specs = root.join("specs");
        let sources = self.sources();
        let failed = fetch_all(&sources, self.release.as_deref(), &specs);
        let surfaces = surfaces(&specs)?;
        let files = generate_all(&surfaces)?;
        let tree = root.join("generated");
        if self.check {
            check(&tree, &files)?;
        } else {
            write(&tree, &files)?;
        }
        forward_features(root, &files, self.check)?;
        documents(root, &specs, &surfaces, self.check)?;
        match failed.is_empty() {
            true => Ok(()),
            false => bail!("not fetched, old spec kept: {}", failed.join(", ")),
        }
    }

    fn sources(&self) -> Vec<String> {
        let published = || PUBLISHED.iter().map(|source| (*source).to_owned());
        let one = |source: &String| match source.is_empty() {
            true => published().collect(),
            false => vec![source.clone()],
        };
        self.fetch.iter().flat_map(one).collect()
    }

    /// Specs and crates in a folder of their own.
    fn elsewhere(&self, root: &Path, out: &Path) -> Result<()> {
        let specs = out.join("specs");
        let failed = fetch_all(&self.source, self.release.as_deref(), &specs);
        if !failed.is_empty() {
            bail!("not read: {}", failed.join(", "));
        }
        let mut surfaces = surfaces(&specs)?;
        for surface in &mut surfaces {
            // Corrections are for the releases in the repository; others need not have the fault.
            if let Some(stale) = surface.stale.take() {
                eprintln!("{stale}");
            }
        }
        let files = generate_all(&surfaces)?;
        write(&out.join("generated"), &files)?;
        elsewhere::write_workspace(root, out)?;
        match self.check_build {
            true => elsewhere::check_build(out),
            false => Ok(()),
        }
    }
}

/// Where each product's description is published.
const PUBLISHED: [&str; 4] = [
    "pve=https://pve.proxmox.com/pve-docs/api-viewer/",
    "pbs=https://pbs.proxmox.com/docs/api-viewer/",
    "pdm=https://pdm.proxmox.com/docs/api-viewer/",
    "netbox=https://demo.netbox.dev/api/schema/?format=json",
];

/// Crawls each source and says what was read; yields those that failed.
fn fetch_all<'a>(sources: &'a [String], release: Option<&str>, specs: &Path) -> Vec<&'a str> {
    let bar = ProgressBar::new(sources.len() as u64);
    let style = ProgressStyle::with_template("{bar:20} {pos}/{len} {msg}");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let mut failed = Vec::new();
    for source in sources {
        bar.set_message(source.clone());
        let fetched =
            Fetch::parse(source, release.map(str::to_owned)).and_then(|fetch| fetch.run(specs));
        bar.suspend(|| match fetched {
            Ok(read) => println!("{read}"),
            Err(error) => {
                eprintln!("{source}: {error:#}");
                failed.push(source.as_str());
            }
        });
        bar.inc(1);
    }
    bar.finish_and_clear();
    failed
}

/// All generated files, from all specs.
fn generate_all(surfaces: &[Surface]) -> Result<Vec<File>> {
    for surface in surfaces {
        eprintln!("{}: {} operations", surface.product, count(&surface.spec).operations);
    }
    Ok(generate(surfaces)?)
}

/// What people read about the specs: a line per release, and what is not known or not checked.
fn documents(root: &Path, specs: &Path, surfaces: &[Surface], check: bool) -> Result<()> {
    let releases = drift::summary(specs, &read_manifest(specs)?)?;
    for (name, text) in [("docs/releases.md", releases), ("docs/spec-report.md", report(surfaces))]
    {
        let path = root.join(name);
        if std::fs::read_to_string(&path).is_ok_and(|present| present == text) {
            continue;
        }
        if check {
            bail!("{name} differs; run `cargo xtask regen` and commit what it writes");
        }
        std::fs::create_dir_all(root.join("docs"))?;
        std::fs::write(&path, text).with_context(|| format!("{name} cannot be written"))?;
    }
    Ok(())
}

/// The surfaces of all specs.
pub(crate) fn surfaces(specs: &Path) -> Result<Vec<Surface>> {
    let manifest = read_manifest(specs)?;
    let surfaces = codegen::generate::surfaces(&manifest, |path| read_spec(specs, path))?;
    if surfaces.is_empty() {
        bail!("specs/manifest.toml names no spec; fetch one with --fetch PRODUCT=FILE_OR_URL");
    }
    Ok(surfaces)
}

/// The document at a path below `specs/`.
pub(crate) fn read_spec(specs: &Path, path: &str) -> Result<Value> {
    let text = std::fs::read_to_string(specs.join(path))
        .with_context(|| format!("specs/{path} cannot be read"))?;
    serde_json::from_str(&text).with_context(|| format!("specs/{path}"))
}

/// Files below `generated/`, by their path in it.
fn present(tree: &Path) -> Result<BTreeMap<String, String>> {
    let mut found = BTreeMap::new();
    let mut open: Vec<PathBuf> =
        ["netbox", "proxmox", "routes"].iter().map(|name| tree.join(name)).collect();
    while let Some(folder) = open.pop() {
        if !folder.exists() {
            continue;
        }
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(tree)?.to_string_lossy().replace('\\', "/");
                found.insert(name, std::fs::read_to_string(&path)?);
            }
        }
    }
    Ok(found)
}

fn write(tree: &Path, files: &[File]) -> Result<()> {
    let present = present(tree)?;
    let mut written = 0;
    for file in files {
        // Unchanged files keep their time, so that nothing is compiled again for them.
        if present.get(&file.path) == Some(&file.text) {
            continue;
        }
        let path = tree.join(&file.path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&path, &file.text)
            .with_context(|| format!("{} cannot be written", path.display()))?;
        written += 1;
    }
    let orphans = orphans(&present, files);
    for orphan in &orphans {
        std::fs::remove_file(tree.join(orphan))?;
    }
    let lines: usize = files.iter().map(|file| file.text.lines().count()).sum();
    println!(
        "generated/: {} files, {lines} lines; {written} written, {} removed",
        files.len(),
        orphans.len()
    );
    Ok(())
}

fn check(tree: &Path, files: &[File]) -> Result<()> {
    const ADVICE: &str = "run `cargo xtask regen` and commit what it writes";
    let present = present(tree)?;
    for file in files {
        match present.get(&file.path) {
            Some(text) if *text == file.text => {}
            Some(text) => {
                let hunk = first_difference(text, &file.text);
                bail!("generated/{} differs from specs/:\n{hunk}\n{ADVICE}", file.path);
            }
            None => bail!("generated/{} is missing; {ADVICE}", file.path),
        }
    }
    if let Some(orphan) = orphans(&present, files).first() {
        bail!("generated/{orphan} is not generated any more; {ADVICE}");
    }
    println!("generated/ is what specs/ say: {} files", files.len());
    Ok(())
}

fn orphans(present: &BTreeMap<String, String>, files: &[File]) -> Vec<String> {
    let expected: std::collections::BTreeSet<&str> =
        files.iter().map(|file| file.path.as_str()).collect();
    present.keys().filter(|path| !expected.contains(path.as_str())).cloned().collect()
}

fn first_difference(old: &str, new: &str) -> String {
    let pairs = old.lines().map(Some).chain(std::iter::repeat(None));
    let number = pairs.zip(new.lines()).position(|(old, new)| old != Some(new));
    let number = number.unwrap_or(new.lines().count());
    let line = |text: &str| text.lines().nth(number).unwrap_or("(end of file)").to_owned();
    format!("line {}\n- {}\n+ {}", number + 1, line(old), line(new))
}
