//! Small notations inside values: lists, and sizes of disks.

/// Splits a list as Proxmox does: on commas, semicolons and blanks; a text with NUL on NUL only.
pub fn split_list(text: &str) -> Vec<&str> {
    let split: Vec<&str> = if text.contains('\0') {
        text.split('\0').collect()
    } else {
        text.split(|c: char| matches!(c, ',' | ';') || c.is_ascii_whitespace()).collect()
    };
    split.into_iter().filter(|item| !item.is_empty()).collect()
}

/// Bytes of a disk's `size`: `32G`, `104858K`, `528`. Units are powers of 1024; `None` where the
/// text is no size or is too large to count.
pub fn disk_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let (number, shift) = match text.char_indices().next_back()? {
        (end, 'K' | 'k') => (&text[..end], 10),
        (end, 'M' | 'm') => (&text[..end], 20),
        (end, 'G' | 'g') => (&text[..end], 30),
        (end, 'T' | 't') => (&text[..end], 40),
        _ => (text, 0),
    };
    if let Some((whole, fraction)) = number.split_once('.') {
        // Written by storages that round to one digit: `1.5T`.
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let plain = digits(whole) && digits(fraction);
        let bytes = number.parse::<f64>().ok().filter(|_| plain)? * (1_u64 << shift) as f64;
        return (bytes < 9.0e15).then_some(bytes.round() as u64);
    }
    if !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tags_are_split_as_proxmox_splits_them() {
        let cases: [(&str, &[&str]); 7] = [
            ("tag1;tag2", &["tag1", "tag2"]),
            ("one, two, three", &["one", "two", "three"]),
            ("foo bar", &["foo", "bar"]),
            ("go-proxmox+cloud-init", &["go-proxmox+cloud-init"]),
            ("10.0.0.95", &["10.0.0.95"]),
            (" ; ,", &[]),
            ("a b\0c,d", &["a b", "c,d"]),
        ];
        for (text, expected) in cases {
            assert_eq!(split_list(text), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes_are_read_with_any_unit() {
        let cases = [
            ("32G", Some(32 << 30)),
            ("104858K", Some(104_858 << 10)),
            ("1032M", Some(1032 << 20)),
            ("528", Some(528)),
            ("0T", Some(0)),
            ("1.5T", Some(3 << 39)),
            ("", None),
            ("G", None),
            ("-1G", None),
            ("1.G", None),
            ("12X", None),
            ("99999999999T", None),
        ];
        for (text, expected) in cases {
            assert_eq!(disk_size(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_item_holds_a_separator(text in "[a-z0-9 ,;.\t-]{0,40}") {
            for item in split_list(&text) {
                prop_assert!(!item.is_empty() && !item.contains([',', ';', ' ', '\t']));
            }
        }

        #[test]
        fn joining_and_splitting_gives_the_same_items(
            items in prop::collection::vec("[a-z0-9+._-]{1,12}", 0..8),
            separator in prop::sample::select(vec![";", ",", " ", ", "]),
        ) {
            let text = items.join(separator);
            prop_assert_eq!(split_list(&text), items);
        }

        #[test]
        fn a_size_is_its_number_times_its_unit(
            number in 0_u64..4_000_000,
            unit in prop::sample::select(vec![("", 0), ("K", 10), ("M", 20), ("G", 30), ("T", 40)]),
        ) {
            prop_assert_eq!(disk_size(&format!("{number}{}", unit.0)), Some(number << unit.1));
        }

        #[test]
        fn no_text_makes_the_parser_fail(text in ".{0,30}") {
            let _ = disk_size(&text);
            let _ = split_list(&text);
        }
    }
}
