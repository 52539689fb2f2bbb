//! Enums that new releases may extend.

/// An enum over text that keeps values it does not know.
pub trait OpenEnum: Sized {
    /// The values that upstream published, sorted.
    const VALUES: &'static [&'static str];
    /// The text on the wire.
    fn as_str(&self) -> &str;
}

/// Declares an open enum: one line per value, `Unknown` for all others.
#[macro_export]
macro_rules! open_enum {
    ($(#[$doc:meta])* pub enum $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal $(as $label:literal)?,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!("`", $text, "`" $(, ", shown as: ", $label)?)] $variant,)*
            /// A value that the published description does not list.
            Unknown(String),
        }
        impl $name {
            /// The values that upstream published, sorted.
            pub const VALUES: &'static [&'static str] = &[$($text),*];
            /// What the server shows for values, where upstream published it.
            pub const LABELS: &'static [(&'static str, &'static str)] = &[$($(($text, $label),)?)*];
        }
        impl $crate::OpenEnum for $name {
            const VALUES: &'static [&'static str] = Self::VALUES;
            fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$variant,)*
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }
        impl Default for $name {
            fn default() -> Self {
                Self::Unknown(String::new())
            }
        }
        impl ::std::fmt::Display for $name {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str($crate::OpenEnum::as_str(self))
            }
        }
        impl $crate::Slot for $name {
            fn scalar(&mut self, scalar: $crate::Scalar<'_>) -> bool {
                let known = <Self as $crate::OpenEnum>::VALUES;
                match scalar.as_text() {
                    Some(text) if text.is_empty() && !known.contains(&"") => false,
                    Some(text) => {
                        *self = Self::from(text.as_str());
                        true
                    }
                    None => false,
                }
            }
            fn shown(&self) -> $crate::View<'_> {
                $crate::View::Text($crate::OpenEnum::as_str(self))
            }
        }
    };
}

#[cfg(test)]
#[allow(unreachable_pub)]
mod tests {
    use crate::{Scalar, Slot};

    crate::open_enum! {
        /// State of a guest.
        pub enum Status {
            Running = "running" as "Running",
            Stopped = "stopped",
        }
    }

    #[test]
    fn a_value_nobody_published_survives() {
        let long = "a-value-of-forty-bytes-that-came-with-9.9";
        let mut status = Status::default();
        assert!(status.scalar(Scalar::Text(long)));
        assert_eq!(status, Status::Unknown(long.to_owned()));
        assert_eq!(status.to_string(), long);
        assert_eq!(Status::from("running"), Status::Running);
        assert_eq!(Status::LABELS, [("running", "Running")]);
    }
}
