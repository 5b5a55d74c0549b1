//! stub

pub mod generator;
