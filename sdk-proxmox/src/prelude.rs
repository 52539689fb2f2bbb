//! What most programs need: `use sdk_proxmox::prelude::*;`

pub use crate::{Client, Decoded, Error, Operation, Outcome, Product, PropertyString, Task};
