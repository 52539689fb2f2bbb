//! Full runs between both mocks: what the sync promises, seen from outside.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod changes;
mod frames;
mod plugin;
mod recorded;
mod rig;
mod trouble;
