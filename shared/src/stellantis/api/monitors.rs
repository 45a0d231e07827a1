//! Monitors.

mod parameter;
