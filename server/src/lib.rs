//! The proxbox server: Proxmox inventory into NetBox.

mod api;
pub mod apply;
pub mod auth;
pub mod calls;
pub mod cli;
pub mod config;
pub mod console;
pub mod demo;
pub mod edge;
pub mod endpoints;
pub mod inventory;
pub mod logs;
pub mod mirror;
pub mod options;
pub mod order;
pub mod part;
pub mod plan;
pub mod plugin;
pub mod proxy;
pub mod runs;
pub mod schedule;
pub mod store;
pub mod sync;
mod web;
