//! Generated crates in a workspace of their own, to see whether a release compiles.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// Writes the manifest that binds the crates below `out/generated` to this repository's runtime.
pub(crate) fn write_workspace(root: &Path, out: &Path) -> Result<()> {
    let exists = |name: &str| out.join("generated").join(name).join("Cargo.toml").exists();
    let crates: Vec<&str> =
        ["netbox", "proxmox", "routes"].into_iter().filter(|name| exists(name)).collect();
    let members: Vec<String> = crates.iter().map(|name| format!("\"generated/{name}\"")).collect();
    let dependencies: String = crates
        .iter()
        .map(|name| {
            format!("generated-{name} = {{ path = \"generated/{name}\", version = \"0.1.0\" }}\n")
        })
        .collect();
    let runtime = root.join("codegen").join("runtime");
    let text = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [{}]\n\n\
         [workspace.package]\nversion = \"0.1.0\"\nedition = \"2024\"\nrust-version = \"{}\"\n\
         license = \"Apache-2.0 OR MIT\"\n\n\
         [workspace.lints.rust]\nunsafe_code = \"forbid\"\n\n\
         [workspace.dependencies]\nproxbox-runtime = {{ path = {:?} }}\n{dependencies}",
        members.join(", "),
        env!("CARGO_PKG_RUST_VERSION"),
        runtime.display().to_string(),
    );
    std::fs::write(out.join("Cargo.toml"), text)
        .with_context(|| format!("{} cannot be written", out.join("Cargo.toml").display()))?;
    // The versions that are known to work, and to be there.
    std::fs::copy(root.join("Cargo.lock"), out.join("Cargo.lock"))
        .context("Cargo.lock cannot be copied")?;
    Ok(())
}

/// Compiles every crate with every feature.
pub(crate) fn check_build(out: &Path) -> Result<()> {
    let done = Command::new(env!("CARGO"))
        .args(["check", "--workspace", "--all-features", "--quiet"])
        .current_dir(out)
        .env("CARGO_TARGET_DIR", out.join("target"))
        .status()
        .context("cargo cannot be started")?;
    ensure!(done.success(), "the crates in {} do not compile", out.join("generated").display());
    println!("{}: every crate compiles with every feature", out.join("generated").display());
    Ok(())
}
