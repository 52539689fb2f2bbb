//! What the planner promises, against an in-memory NetBox that refuses what NetBox refuses.

mod decisions;
mod flags;
mod golden_guests;
mod golden_hardware;
mod golden_plugin;
mod properties;
mod scene;
mod snapshots;
mod world;
