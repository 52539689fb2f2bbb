//! `specs/manifest.toml`: where each spec came from.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::product::Product;
use crate::spec::Counts;

/// All specs, by their path below `specs/`.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// One entry per spec.
    #[serde(default)]
    pub spec: BTreeMap<String, Entry>,
}

/// Where one spec came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The product it describes.
    pub product: String,
    /// The release it describes.
    pub release: String,
    /// Name of the file or URL it was crawled from.
    pub source: String,
    /// SHA-256 of what was crawled, in hexadecimal.
    pub sha256: String,
    /// Method and path pairs.
    pub operations: usize,
    /// Paths.
    pub paths: usize,
    /// Keywords of the source that normalisation does not know and left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_keywords: Vec<String>,
}

impl Manifest {
    /// Reads a manifest; an absent one is empty.
    pub fn parse(text: &str) -> Result<Self, toml::de::Error> {
        toml::from_str(text)
    }

    /// The manifest's text.
    pub fn print(&self) -> Result<String, toml::ser::Error> {
        Ok(format!("# Written by `cargo xtask regen --fetch`.\n\n{}", toml::to_string(self)?))
    }

    /// All releases of a product, oldest first, with their paths below `specs/`.
    pub fn releases(&self, product: Product) -> Vec<(&str, &Entry)> {
        let of = self.spec.iter().filter(|(_, entry)| entry.product == product.name());
        let mut found: Vec<_> = of.map(|(path, entry)| (path.as_str(), entry)).collect();
        found.sort_by_key(|(_, entry)| release_key(&entry.release));
        found
    }
}

impl Entry {
    /// An entry for what was crawled.
    pub fn new(
        product: Product,
        release: &str,
        source: &str,
        bytes: &[u8],
        counts: Counts,
    ) -> Self {
        let sha256 = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        Self {
            product: product.to_string(),
            release: release.to_owned(),
            source: source.to_owned(),
            sha256,
            operations: counts.operations,
            paths: counts.paths,
            unknown_keywords: Vec::new(),
        }
    }
}

/// Releases compare number by number: 9.10 is newer than 9.9.
fn release_key(release: &str) -> Vec<u32> {
    release.split(['.', '-']).map(|part| part.parse().unwrap_or(0)).collect()
}
