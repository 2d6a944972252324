//! The client against a server of a few lines on loopback.

mod addresses;
mod bodies;
mod proxies;
mod redirects;
mod retries;

use crate::test_support::*;
