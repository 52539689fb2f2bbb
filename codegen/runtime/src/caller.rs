//! What the places of an API are walked with: `client.pve().nodes().node("pve1")`.

use crate::Operation;

/// Something that operations are sent through.
pub trait Caller: Clone {
    /// An operation that waits to be sent.
    type Call<O: Operation>;
    /// Makes an operation one that waits to be sent.
    fn call<O: Operation>(&self, operation: O) -> Self::Call<O>;
}
