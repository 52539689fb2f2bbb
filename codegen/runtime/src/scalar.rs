//! One reading of JSON's scalars for all of Proxmox's spellings.
//!
//! A Perl scalar leaves as number or text depending on how it was last used, so the same field is
//! `1`, `"1"`, `true` or `""` between releases. A conversion here either keeps the exact value or
//! refuses; it never rounds.

use serde_json::Value;

/// A JSON value that is neither object nor list.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scalar<'a> {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A whole number beyond the range of [`Scalar::Int`].
    Large(u64),
    /// A number with a fraction or exponent.
    Float(f64),
    /// Text.
    Text(&'a str),
}

/// Whole numbers up to this size are exact in an `f64`.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Scalar<'_> {
    /// The truth value, if this is one of its spellings.
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(value) => Some(value),
            Self::Int(0) => Some(false),
            Self::Int(1) => Some(true),
            Self::Float(0.0) => Some(false),
            Self::Float(1.0) => Some(true),
            Self::Text("1" | "true" | "on" | "yes") => Some(true),
            Self::Text("0" | "false" | "off" | "no") => Some(false),
            _ => None,
        }
    }

    /// The whole number, if this is exactly one.
    pub fn as_int(&self) -> Option<i64> {
        match *self {
            Self::Int(value) => Some(value),
            Self::Bool(value) => Some(i64::from(value)),
            Self::Float(value) => whole(value),
            Self::Text(text) => {
                let text = text.trim();
                text.parse().ok().or_else(|| decimal(text).and_then(whole))
            }
            Self::Null | Self::Large(_) => None,
        }
    }

    /// The number, if an `f64` holds it exactly.
    pub fn as_float(&self) -> Option<f64> {
        match *self {
            Self::Int(value) => {
                let float = value as f64;
                (float.abs() <= EXACT).then_some(float)
            }
            Self::Float(value) => Some(value),
            Self::Bool(value) => Some(f64::from(u8::from(value))),
            Self::Text(text) => decimal(text.trim()),
            Self::Null | Self::Large(_) => None,
        }
    }

    /// The text; numbers in their shortest form, truth values as `1` and `0`.
    pub fn as_text(&self) -> Option<String> {
        match *self {
            Self::Text(text) => Some(text.to_owned()),
            Self::Int(value) => Some(value.to_string()),
            Self::Large(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Bool(value) => Some(if value { "1" } else { "0" }.to_owned()),
            Self::Null => None,
        }
    }

    /// The same as a JSON value.
    pub fn to_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(value) => value.into(),
            Self::Int(value) => value.into(),
            Self::Large(value) => value.into(),
            Self::Float(value) => value.into(),
            Self::Text(text) => text.into(),
        }
    }
}

/// Reads what JSON would call a number; `f64::from_str` also takes `inf` and `nan`.
fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if !plain {
        return None;
    }
    text.parse().ok().filter(|value: &f64| value.is_finite())
}

fn whole(value: f64) -> Option<i64> {
    (value.fract() == 0.0 && value.abs() <= EXACT).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_truth_value_is_read() {
        for yes in [Scalar::Int(1), Scalar::Text("1"), Scalar::Bool(true), Scalar::Text("yes")] {
            assert_eq!(yes.as_bool(), Some(true), "{yes:?}");
        }
        for no in [Scalar::Int(0), Scalar::Text("0"), Scalar::Bool(false), Scalar::Text("off")] {
            assert_eq!(no.as_bool(), Some(false), "{no:?}");
        }
        for neither in [Scalar::Null, Scalar::Text(""), Scalar::Int(2), Scalar::Text("srv-01")] {
            assert_eq!(neither.as_bool(), None, "{neither:?}");
        }
    }

    #[test]
    fn numbers_are_exact_or_refused() {
        let cases = [
            (Scalar::Text("506"), Some(506)),
            (Scalar::Text("12.0"), Some(12)),
            (Scalar::Text("1e9"), Some(1_000_000_000)),
            (Scalar::Float(3.477_266_734_514_18e15), Some(3_477_266_734_514_180)),
            (Scalar::Text("18446744073709551615"), None),
            (Scalar::Large(u64::MAX), None),
            (Scalar::Float(0.5), None),
            (Scalar::Text("N/A"), None),
            (Scalar::Text("nan"), None),
            (Scalar::Text(""), None),
            (Scalar::Int(-1), Some(-1)),
        ];
        for (scalar, expected) in cases {
            assert_eq!(scalar.as_int(), expected, "{scalar:?}");
        }
        assert_eq!(Scalar::Int(i64::MAX).as_float(), None);
        assert_eq!(Scalar::Text("0.4").as_float(), Some(0.4));
    }
}
