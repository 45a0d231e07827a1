//! The whole cloud on one machine: the functions as AWS would run them, over the same template,
//! with other endpoints and another clock. No function knows.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod template;
