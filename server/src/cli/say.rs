//! Text for people and pipes.

use std::fmt::Arguments;
use std::io::Write;

/// Prints a line. Whoever has stopped to read (`| head`) is no reason to fail.
macro_rules! say {
    ($($text:tt)*) => { $crate::cli::say::line(format_args!($($text)*)) };
}
pub(crate) use say;

pub(crate) fn line(text: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{text}");
}
