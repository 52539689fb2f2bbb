//! The SDK crates offer each feature of the generated crates under its own name.

use std::path::Path;

use anyhow::{Context, Result, bail};
use codegen::emit::File;

const BEGIN: &str = "# generated features: begin\n";
const END: &str = "# generated features: end\n";

/// The manifest whose marked lines forward the features of a generated crate.
const FORWARDED: [(&str, &str, &str); 2] = [
    ("sdk-netbox/Cargo.toml", "netbox/Cargo.toml", "generated-netbox"),
    ("sdk-proxmox/Cargo.toml", "proxmox/Cargo.toml", "generated-proxmox"),
];

/// Writes the marked lines of the SDK crates' manifests, or checks them.
pub(crate) fn forward_features(root: &Path, files: &[File], check: bool) -> Result<()> {
    for (manifest, generated, package) in FORWARDED {
        let Some(file) = files.iter().find(|file| file.path == generated) else { continue };
        let path = root.join(manifest);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("{manifest} cannot be read"))?;
        let wanted = with_lines(&text, &lines(&file.text, package))
            .with_context(|| format!("{manifest} lacks the line `{}`", BEGIN.trim()))?;
        if wanted == text {
            continue;
        }
        if check {
            bail!("{manifest} lacks features of {generated}; run `cargo xtask regen`");
        }
        std::fs::write(&path, wanted).with_context(|| format!("{manifest} cannot be written"))?;
    }
    Ok(())
}

/// `dcim = ["generated-netbox/dcim"]` for each feature.
fn lines(manifest: &str, package: &str) -> String {
    let features = manifest.split_once("[features]\n").map_or("", |(_, features)| features);
    let names = features.lines().filter_map(|line| line.split_once(" = ").map(|(name, _)| name));
    names
        .filter(|name| !matches!(*name, "places" | "recode"))
        .map(|name| match name.split_once('-') {
            // A group of a product needs what the groups share.
            Some((product, group)) if group != "core" && package == "generated-proxmox" => {
                format!("{name} = [\"{package}/{name}\", \"{product}-core\"]\n")
            }
            None if package == "generated-proxmox" => {
                format!("{name} = [\"{package}/{name}\", \"{name}-core\"]\n")
            }
            _ => format!("{name} = [\"{package}/{name}\"]\n"),
        })
        .collect()
}

fn with_lines(text: &str, lines: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}{lines}{END}{tail}"))
}
