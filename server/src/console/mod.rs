//! Journals, logs, numbers and commands of nodes and guests, once or as streams.

mod agent;
mod audit;
mod caps;
mod demux;
mod frame;
mod guest;
mod inside;
mod journal;
mod permit;
mod polls;
mod query;
mod reply;
mod routes;
mod script;
mod shell;
mod stats;
mod syslog;
mod tasks;
mod ticket;
mod unit;

pub use caps::TerminalLimits;
pub use demux::{Demux, Found};
pub use script::Sentinels;

pub(crate) use caps::Consoles;
pub(crate) use guest::{Guest, find_guest, not_allowed};
pub(crate) use permit::taken_back;
pub(crate) use reply::wants_events;
pub(crate) use routes::routes;
pub(crate) use tasks::stream as task_stream;
pub(crate) use ticket::console_ticket;
