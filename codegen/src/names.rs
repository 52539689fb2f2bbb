//! Names for Rust: types, fields and enum variants, from upstream's spellings.

/// Words of a name, split at everything that is not a letter or digit and at camel-case humps.
fn words(text: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut previous = ' ';
    for c in text.chars() {
        if !c.is_ascii_alphanumeric() {
            previous = ' ';
            continue;
        }
        let hump = c.is_ascii_uppercase() && previous.is_ascii_lowercase();
        match words.last_mut() {
            Some(word) if previous != ' ' && !hump => word.push(c),
            _ => words.push(c.to_string()),
        }
        previous = c;
    }
    words
}

/// `vm_config` and `vm-config` become `VmConfig`.
pub fn type_name(text: &str) -> String {
    words(text).iter().map(|word| capitalised(word)).collect()
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    match letters.next() {
        Some(first) => first.to_ascii_uppercase().to_string() + letters.as_str(),
        None => String::new(),
    }
}

/// `backup-id` becomes `backup_id`; keywords give way (`type` becomes `kind`).
pub(crate) fn field_name(text: &str) -> String {
    let name = words(text.trim_end_matches("[n]"))
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect::<Vec<_>>()
        .join("_");
    match name.as_str() {
        "" => "unnamed".to_owned(),
        "type" => "kind".to_owned(),
        "extra" => "extra_".to_owned(),
        name if KEYWORDS.contains(&name) => format!("{name}_"),
        name if name.starts_with(|c: char| c.is_ascii_digit()) => format!("n{name}"),
        _ => name,
    }
}

/// `dcim_devices_list` becomes `DCIM_DEVICES_LIST`.
pub(crate) fn const_name(text: &str) -> String {
    let name = text.replace(|c: char| !c.is_ascii_alphanumeric(), "_").to_ascii_uppercase();
    match name.trim_matches('_') {
        "" => "UNNAMED".to_owned(),
        _ if name.starts_with(|c: char| c.is_ascii_digit()) => format!("N{name}"),
        _ => name,
    }
}

/// A variant for an enum's value. Leading digits move behind the first word: `1000base-t` becomes
/// `Base1000T`.
pub(crate) fn variant_name(value: &str) -> String {
    let dotted = decimal_points_as_words(value);
    let mut parts = Vec::new();
    for word in dotted.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        parts.extend(split_digits(word));
    }
    parts.retain(|part| !part.is_empty());
    let negative = value.starts_with('-') && parts.first().is_some_and(|part| is_number(part));
    if parts.is_empty() {
        return symbol_name(value);
    }
    if is_number(&parts[0]) {
        if parts.len() > 1 && !is_number(&parts[1]) {
            parts.swap(0, 1);
        } else {
            parts.insert(0, if negative { "minus" } else { "n" }.to_owned());
        }
    }
    let mut name = String::new();
    for part in &parts {
        // Two numbers side by side would read as one.
        let digit_ends = name.ends_with(|c: char| c.is_ascii_digit());
        if digit_ends && part.starts_with(|c: char| c.is_ascii_digit()) {
            name.push('_');
        }
        name.push_str(&if is_number(part) { part.clone() } else { type_name(part) });
    }
    if matches!(name.as_str(), "Unknown" | "Self") { format!("Is{name}") } else { name }
}

fn is_number(part: &str) -> bool {
    part.starts_with(|c: char| c.is_ascii_digit())
}

/// `2.5gbase` keeps its point as `2_5gbase`, so that it differs from `25gbase`.
fn decimal_points_as_words(value: &str) -> String {
    let letters: Vec<char> = value.chars().collect();
    let point = |at: usize| {
        at > 0
            && letters[at] == '.'
            && letters[at - 1].is_ascii_digit()
            && letters.get(at + 1).is_some_and(char::is_ascii_digit)
    };
    (0..letters.len()).map(|at| if point(at) { '_' } else { letters[at] }).collect()
}

/// `10gbase` splits into `10` and `gbase`; digits behind letters stay with them.
fn split_digits(word: &str) -> Vec<String> {
    let end = word.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(word.len());
    let (digits, rest) = word.split_at(end);
    if digits.is_empty() || !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return word.split('_').map(str::to_owned).collect();
    }
    let mut parts = vec![digits.trim_end_matches('_').to_owned()];
    parts.extend(rest.split('_').map(str::to_owned));
    parts
}

fn symbol_name(value: &str) -> String {
    match value {
        "" => "Empty".to_owned(),
        other => {
            let codes = other.chars().map(|c| format!("U{:X}", u32::from(c)));
            codes.collect()
        }
    }
}

const KEYWORDS: [&str; 51] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate",
    "do", "dyn", "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl",
    "in", "let", "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref",
    "return", "self", "static", "struct", "super", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_spellings_become_rust_names() {
        assert_eq!(type_name("get_nodes_node_qemu"), "GetNodesNodeQemu");
        assert_eq!(field_name("backup-id"), "backup_id");
        assert_eq!(field_name("CSRFPreventionToken"), "csrfprevention_token");
        assert_eq!(field_name("type"), "kind");
        assert_eq!(field_name("net[n]"), "net");
        assert_eq!(field_name("move"), "move_");
    }

    #[test]
    fn values_that_begin_with_digits_are_told_apart() {
        let cases = [
            ("1000base-t", "Base1000T"),
            ("2.5gbase-t", "Gbase2_5T"),
            ("25gbase-t", "Gbase25T"),
            ("10gbase-x-sfpp", "Gbase10XSfpp"),
            ("802.11a", "A802_11"),
            ("x86_64", "X86_64"),
            ("0", "N0"),
            ("-1", "Minus1"),
            ("", "Empty"),
            ("unknown", "IsUnknown"),
            ("side-to-rear", "SideToRear"),
            ("+", "U2B"),
        ];
        for (value, variant) in cases {
            assert_eq!(variant_name(value), variant, "{value}");
        }
    }
}
