//! Units of numbers, read from upstream's prose, which is itself not kept.

use serde_json::Value;

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

/// The unit that a description states as `in UNIT` or `(UNIT)`, or else mentions where it can mean
/// nothing else.
pub(super) fn of_prose(prose: &str) -> Option<&'static str> {
    let prose = prose.to_lowercase();
    let stated = || SPELLINGS.iter().find(|(spelling, _)| states(&prose, spelling));
    let mentioned = || MENTIONED.iter().find(|(word, _)| has_word(&prose, word));
    if is_instant(&prose) {
        return Some("unix seconds");
    }
    stated().or_else(mentioned).map(|(_, unit)| *unit)
}

/// Words that say the unit wherever they stand, longest first.
const MENTIONED: [(&str, &str); 10] = [
    ("operations per second", "operations/s"),
    ("bytes/second", "bytes/s"),
    ("bytes/s", "bytes/s"),
    ("bytes", "bytes"),
    ("percentage", "percent"),
    ("ratio", "fraction"),
    ("fraction", "fraction"),
    ("degrees", "degrees"),
    ("kbps", "kbit/s"),
    ("watts", "watts"),
];

fn is_instant(prose: &str) -> bool {
    ["unix epoch", "unix timestamp", "(epoch)", "epoch of", "epoch,", "since 1970"]
        .iter()
        .any(|word| prose.contains(word))
        || (prose.starts_with("timestamp") || prose.ends_with("time stamp"))
}

/// The unit that a name ends in: `allocated_memory_mib`.
pub(super) fn of_name(name: &str) -> Option<&'static str> {
    const ENDS: [(&str, &str); 6] = [
        ("bytes", "bytes"),
        ("mib", "MiB"),
        ("gib", "GiB"),
        ("kb", "KiB"),
        ("seconds", "seconds"),
        ("percent", "percent"),
    ];
    let last = name.rsplit(['_', '-']).next().filter(|last| last.len() < name.len())?;
    ENDS.iter().find(|(end, _)| *end == last.to_ascii_lowercase()).map(|(_, unit)| *unit)
}

/// Notes the unit that a number's name ends in, where nothing else states one.
pub(super) fn add_by_name(name: &str, schema: &mut Value) {
    let number = matches!(schema["type"].as_str(), Some("integer" | "number"));
    if number
        && schema.get("x-unit").is_none()
        && let Some(unit) = of_name(name)
    {
        schema["x-unit"] = unit.into();
    }
}

fn has_word(prose: &str, word: &str) -> bool {
    let letter = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    prose.match_indices(word).any(|(at, _)| {
        let before = prose[..at].chars().next_back();
        let behind = prose[at + word.len()..].chars().next();
        !before.is_some_and(letter) && !behind.is_some_and(letter)
    })
}

fn states(prose: &str, spelling: &str) -> bool {
    prose.match_indices(spelling).any(|(at, _)| {
        let before = prose[..at].trim_end_matches(['\'', '"', '`']);
        let behind = prose[at + spelling.len()..].chars().next();
        let whole = behind.is_none_or(|c| !c.is_alphanumeric() && c != '/');
        let introduced = ["in ", "(", "(in ", "unit: ", "of ", "unit is ", "many "]
            .iter()
            .any(|lead| before.ends_with(lead));
        whole && introduced
    })
}

#[cfg(test)]
mod tests {
    use super::{of_name, of_prose};

    #[test]
    fn a_name_may_end_in_its_unit() {
        assert_eq!(of_name("allocated_memory_mib"), Some("MiB"));
        assert_eq!(of_name("client-read-bytes"), Some("bytes"));
        assert_eq!(of_name("bytes"), None);
        assert_eq!(of_name("mib"), None);
    }

    #[test]
    fn only_a_stated_unit_is_taken() {
        let cases = [
            ("Memory in MiB.", Some("MiB")),
            ("Override I/O bandwidth limit (in KiB/s).", Some("KiB/s")),
            ("Maximal timeout in seconds.", Some("seconds")),
            ("Current memory usage in bytes.", Some("bytes")),
            ("The free bytes in the volume group", Some("bytes")),
            ("Maximum read I/O in operations per second.", Some("operations/s")),
            ("Creation time (seconds since the UNIX Epoch).", Some("unix seconds")),
            ("Timestamp of the last check done.", Some("unix seconds")),
            ("Number of combined cores.", None),
            ("Waits some seconds before it tries again.", None),
        ];
        for (prose, unit) in cases {
            assert_eq!(of_prose(prose), unit, "{prose}");
        }
    }
}
