//! What the planner promises, against an in-memory NetBox that refuses what NetBox refuses.

mod decisions;
mod properties;
mod snapshots;
mod world;
