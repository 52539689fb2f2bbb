//! Units of numbers, read from upstream's prose, which is itself not kept.

/// Spellings and the unit they mean, longest first so that `KiB/s` is not read as `KiB`.
const SPELLINGS: [(&str, &str); 24] = [
    ("bits per second", "bit/s"),
    ("mbit per second", "Mbit/s"),
    ("kibibytes per second", "KiB/s"),
    ("mebibytes per second", "MiB/s"),
    ("megabytes per second", "MB/s"),
    ("bytes per second", "bytes/s"),
    ("milliseconds", "milliseconds"),
    ("kib/s", "KiB/s"),
    ("mib/s", "MiB/s"),
    ("mb/s", "MB/s"),
    ("mbps", "MB/s"),
    ("kibibytes", "KiB"),
    ("mebibytes", "MiB"),
    ("gibibytes", "GiB"),
    ("megabytes", "MB"),
    ("gigabytes", "GB"),
    ("seconds", "seconds"),
    ("minutes", "minutes"),
    ("percent", "percent"),
    ("bytes", "bytes"),
    ("gib", "GiB"),
    ("mib", "MiB"),
    ("kib", "KiB"),
    ("mb", "MB"),
];

/// The unit that a renderer of the viewer implies.
pub(super) fn of_renderer(renderer: &str) -> Option<&'static str> {
    match renderer {
        "bytes" => Some("bytes"),
        "duration" => Some("seconds"),
        "fraction_as_percentage" => Some("fraction"),
        "timestamp" | "timestamp_gmt" => Some("unix seconds"),
        _ => None,
    }
}

/// The unit that a description states as `in UNIT`, `(UNIT)` or at its start.
pub(super) fn of_prose(prose: &str) -> Option<&'static str> {
    let prose = prose.to_lowercase();
    if prose.contains("unix epoch") || prose.contains("unix timestamp") {
        return Some("unix seconds");
    }
    SPELLINGS.iter().find_map(|(spelling, unit)| states(&prose, spelling).then_some(*unit))
}

fn states(prose: &str, spelling: &str) -> bool {
    prose.match_indices(spelling).any(|(at, _)| {
        let before = prose[..at].trim_end_matches(['\'', '"', '`']);
        let behind = prose[at + spelling.len()..].chars().next();
        let whole = behind.is_none_or(|c| !c.is_alphanumeric() && c != '/');
        let introduced = ["in ", "(", "(in ", "unit: ", "of ", "unit is "]
            .iter()
            .any(|lead| before.ends_with(lead));
        whole && introduced
    })
}

#[cfg(test)]
mod tests {
    use super::of_prose;

    #[test]
    fn only_a_stated_unit_is_taken() {
        let cases = [
            ("Memory in MiB.", Some("MiB")),
            ("Override I/O bandwidth limit (in KiB/s).", Some("KiB/s")),
            ("Maximal timeout in seconds.", Some("seconds")),
            ("Current memory usage in bytes.", Some("bytes")),
            ("Number of combined cores.", None),
            ("Waits some seconds before it tries again.", None),
        ];
        for (prose, unit) in cases {
            assert_eq!(of_prose(prose), unit, "{prose}");
        }
    }
}
