//! Exit codes.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done,
    /// It could not be done.
    Error,
    /// Done, but some objects failed.
    Failures,
    /// Refused: another run has the lease.
    Refused,
    /// The command line makes no sense.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        // 2 is kept for `sync plan`: changes are pending.
        let code = match exit {
            Exit::Done => 0,
            Exit::Error => 1,
            Exit::Failures => 3,
            Exit::Refused => 4,
            Exit::Usage => 64,
        };
        code.into()
    }
}
