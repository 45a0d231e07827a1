//! The front, asked by the SDK and by hand.

mod calls;
mod doors;
mod raw;
mod store;
mod support;
