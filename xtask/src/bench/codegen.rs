//! What the generated crates and the SDKs cost to build, and how fast they read.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::{Map, Value, json};

#[derive(Args)]
pub(crate) struct CodegenBench {
    /// Prints the figures as JSON in a last line
    #[arg(long)]
    json: bool,
    /// Checks each crate so often and takes the cheapest
    #[arg(long, default_value_t = 2)]
    rounds: u32,
    /// Leaves out the SDKs and their release builds, which take some minutes
    #[arg(long)]
    quick: bool,
}

/// A crate with some of its features, its budget, and what a common generator needs on the same
/// input.
struct Subject {
    name: &'static str,
    package: &'static str,
    features: &'static str,
    /// Folder of what is compiled, below `generated/`.
    folder: &'static str,
    budget: &'static str,
    baseline: &'static str,
}

const SUBJECTS: [Subject; 7] = [
    Subject {
        name: "netbox",
        package: "generated-netbox",
        features: "circuits,core,dcim,extras,ipam,root,tenancy,users,virtualization,vpn,wireless",
        folder: "netbox/src",
        budget: "10 s, 1126 MB",
        baseline: "progenitor: 403771 lines, 153-213 s, 7100 MB",
    },
    Subject {
        name: "proxmox",
        package: "generated-proxmox",
        features: "pve",
        folder: "proxmox/src/pve",
        budget: "5 s, 717 MB",
        baseline: "progenitor: 47 s, 2600 MB",
    },
    Subject {
        name: "netbox-proxbox",
        package: "generated-netbox",
        features: "all",
        folder: "netbox/src",
        budget: "none",
        baseline: "none",
    },
    Subject {
        name: "pbs",
        package: "generated-proxmox",
        features: "pbs",
        folder: "proxmox/src/pbs",
        budget: "none",
        baseline: "none",
    },
    Subject {
        name: "pdm",
        package: "generated-proxmox",
        features: "pdm",
        folder: "proxmox/src/pdm",
        budget: "none",
        baseline: "none",
    },
    Subject {
        name: "inventory",
        package: "generated-proxmox",
        features: "pve-access,pve-cluster,pve-nodes,pve-nodes-lxc,pve-nodes-qemu,pve-version,places",
        folder: "proxmox/src/pve",
        budget: "none",
        baseline: "none",
    },
    Subject {
        name: "places",
        package: "generated-proxmox",
        features: "pve,places",
        folder: "proxmox/src/pve",
        budget: "none",
        baseline: "none",
    },
];

/// An SDK with some of its features, built with the generated crate below it.
struct Sdk {
    name: &'static str,
    package: &'static str,
    generated: &'static str,
    /// Flags that choose the features.
    features: &'static [&'static str],
}

const SDKS: [Sdk; 4] = [
    Sdk {
        name: "sdk-proxmox, default",
        package: "sdk-proxmox",
        generated: "generated-proxmox",
        features: &[],
    },
    Sdk {
        name: "sdk-proxmox, all products",
        package: "sdk-proxmox",
        generated: "generated-proxmox",
        features: &["--features", "pve,pbs,pdm"],
    },
    Sdk {
        name: "sdk-netbox, default",
        package: "sdk-netbox",
        generated: "generated-netbox",
        features: &[],
    },
    Sdk {
        name: "sdk-netbox, all apps",
        package: "sdk-netbox",
        generated: "generated-netbox",
        features: &["--features", "all"],
    },
];

struct Cost {
    cpu_s: f64,
    peak_mb: u64,
}

impl CodegenBench {
    pub(crate) fn run(&self, root: &Path) -> Result<()> {
        let target = tempdir(root)?;
        let mut figures = Map::new();
        println!(
            "{:10} {:>8} {:>10} {:>8}   budget, baseline",
            "crate", "lines", "check cpu", "peak"
        );
        for subject in &SUBJECTS {
            let lines = count_lines(&root.join("generated").join(subject.folder))?;
            let cost = self.check(root, &target, subject)?;
            println!(
                "{:10} {lines:>8} {:>8.1} s {:>5} MB   {}; {}",
                subject.name, cost.cpu_s, cost.peak_mb, subject.budget, subject.baseline
            );
            let row = json!({"lines": lines, "check_cpu_s": cost.cpu_s, "peak_mb": cost.peak_mb});
            figures.insert(subject.name.to_owned(), row);
        }
        if !self.quick {
            self.sdks(root, &target, &mut figures)?;
            self.reading(root, &mut figures)?;
        }
        std::fs::remove_dir_all(&target).ok();
        if self.json {
            println!("{}", Value::Object(figures));
        }
        Ok(())
    }

    /// Each SDK and the generated crate below it, with all else built before.
    fn sdks(&self, root: &Path, target: &Path, figures: &mut Map<String, Value>) -> Result<()> {
        println!(
            "\n{:26} {:>10} {:>8} {:>12} {:>8}",
            "sdk", "check cpu", "peak", "release cpu", "peak"
        );
        for sdk in &SDKS {
            let built = |arguments: &[&str]| -> Result<Cost> {
                let of = ["--package", sdk.package];
                let all = [arguments, &of, sdk.features].concat();
                ensure!(cargo(root, target, &all).status()?.success(), "cargo {all:?} failed");
                let release =
                    if arguments.contains(&"--release") { &["--release"][..] } else { &[] };
                let both = ["--package", sdk.package, "--package", sdk.generated];
                let clean = [&["clean", "--quiet"][..], release, &both].concat();
                ensure!(cargo(root, target, &clean).status()?.success(), "cargo {clean:?} failed");
                measure(&mut cargo(root, target, &all))
            };
            let check = built(&["check", "--quiet"])?;
            let release = built(&["build", "--quiet", "--release"])?;
            println!(
                "{:26} {:>8.1} s {:>5} MB {:>10.1} s {:>5} MB",
                sdk.name, check.cpu_s, check.peak_mb, release.cpu_s, release.peak_mb
            );
            let row = json!({
                "check_cpu_s": check.cpu_s, "check_peak_mb": check.peak_mb,
                "release_cpu_s": release.cpu_s, "release_peak_mb": release.peak_mb,
            });
            figures.insert(sdk.name.to_owned(), row);
        }
        Ok(())
    }

    /// Typed reading beside plain JSON, by the benches of the SDKs.
    fn reading(&self, root: &Path, figures: &mut Map<String, Value>) -> Result<()> {
        println!("\n{:26} {:>10} {:>12} {:>12}", "reading", "bytes", "typed", "plain JSON");
        for (name, package) in
            [("10,000 guests", "sdk-proxmox"), ("1,000 virtual machines", "sdk-netbox")]
        {
            let mut command = Command::new(env!("CARGO"));
            command.args(["bench", "--quiet", "--package", package, "--features", "mock"]);
            command.args(["--bench", "decode"]).current_dir(root);
            let output = command.output()?;
            let text = String::from_utf8_lossy(&output.stdout);
            let row: Value = serde_json::from_str(text.lines().last().unwrap_or_default())
                .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
            println!(
                "{name:26} {:>10} {:>9.1} ms {:>9.1} ms",
                row["bytes"],
                row["typed_ms"].as_f64().unwrap_or(0.0),
                row["value_ms"].as_f64().unwrap_or(0.0)
            );
            figures.insert(name.to_owned(), row);
        }
        Ok(())
    }

    /// Checks the crate alone, with its dependencies checked before, and takes the cheapest round.
    fn check(&self, root: &Path, target: &Path, subject: &Subject) -> Result<Cost> {
        let Subject { package, features, .. } = subject;
        let cargo = |arguments: &[&str]| cargo(root, target, arguments);
        let done =
            cargo(&["check", "--quiet", "--package", package, "--features", features]).status()?;
        ensure!(done.success(), "cargo check -p {package} failed");
        let mut best: Option<Cost> = None;
        for _ in 0..self.rounds.max(1) {
            let cleaned = cargo(&["clean", "--quiet", "--package", package]).status()?;
            ensure!(cleaned.success(), "cargo clean -p {package} failed");
            let mut command =
                cargo(&["check", "--quiet", "--package", package, "--features", features]);
            let cost = measure(&mut command)?;
            if best.as_ref().is_none_or(|best| cost.cpu_s < best.cpu_s) {
                best = Some(cost);
            }
        }
        best.context("no round was measured")
    }
}

/// Cargo with a target folder of its own.
fn cargo(root: &Path, target: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).current_dir(root);
    command.env("CARGO_TARGET_DIR", target).env("CARGO_INCREMENTAL", "0");
    command
}

/// CPU seconds and peak memory of a command and its children, by GNU time.
fn measure(command: &mut Command) -> Result<Cost> {
    let mut timed = Command::new("/usr/bin/time");
    timed.args(["-f", "%U %S %M"]).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        timed.current_dir(folder);
    }
    timed.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = timed.output().context("GNU time is needed: apt-get install time")?;
    let text = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the measured command failed: {text}");
    let last = text.lines().last().unwrap_or_default();
    let numbers: Vec<f64> = last.split(' ').filter_map(|number| number.parse().ok()).collect();
    let [user, system, kilobytes] = numbers[..] else {
        anyhow::bail!("GNU time printed no figures: {last}");
    };
    Ok(Cost { cpu_s: user + system, peak_mb: (kilobytes / 1024.0).round() as u64 })
}

fn tempdir(root: &Path) -> Result<PathBuf> {
    let path = root.join("target").join("bench-codegen");
    std::fs::create_dir_all(&path)?;
    Ok(path)
}

fn count_lines(folder: &Path) -> Result<usize> {
    let mut lines = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        lines += match path.is_dir() {
            true => count_lines(&path)?,
            false => std::fs::read_to_string(&path)?.lines().count(),
        };
    }
    Ok(lines)
}
