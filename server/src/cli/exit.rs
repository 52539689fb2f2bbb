//! Exit codes.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// It could not be done.
    Error,
    /// A plan has something to do.
    Pending,
    /// Done, but some objects failed.
    Failures,
    /// Refused: another run has the lease, or a plan is not true any more.
    Refused,
    /// The command line makes no sense.
    Usage,
    /// Whatever the command that was run elsewhere ended with.
    Code(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        let code = match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Pending => 2,
            Exit::Failures => 3,
            Exit::Refused => 4,
            Exit::Usage => 64,
            Exit::Code(code) => code,
        };
        code.into()
    }
}
