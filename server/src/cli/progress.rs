//! Shows a run on a terminal as a bar, and elsewhere as one line for each phase.

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

/// A run as it is shown.
#[derive(Debug)]
pub struct Progress {
    bar: ProgressBar,
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Progress {
    /// Nothing has happened yet.
    pub fn new() -> Self {
        let bar = ProgressBar::new(1).with_message("reading Proxmox and NetBox");
        let shape = "{spinner} {msg:32} [{bar:30}] {pos}/{len} {elapsed}";
        // The shape is ours and valid; if not, the usual one does.
        if let Ok(style) = ProgressStyle::with_template(shape) {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.enable_steady_tick(std::time::Duration::from_millis(120));
        Self { bar }
    }

    /// Shows an event. What failed is listed at the end, by [`print_outcome`](super::print_outcome).
    pub fn show(&mut self, event: &str, data: &Value) {
        let phase = data["phase"].as_str().unwrap_or_default();
        match event {
            "discovery" | "item_progress" => {
                let number = |name: &str| data["progress"][name].as_u64().unwrap_or_default();
                self.bar.set_message(phase.to_owned());
                // An empty bar of nothing would look full.
                self.bar.set_length(number("total").max(1));
                self.bar.set_position(number("current"));
            }
            "phase_summary" => {
                let text = data["message"].as_str().unwrap_or(phase);
                self.say(&format!("  {text}"));
            }
            _ => {}
        }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn say(&self, line: &str) {
        if self.bar.is_hidden() {
            eprintln!("{line}");
        } else {
            self.bar.println(line);
        }
    }
}
