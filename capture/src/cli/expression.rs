//! Filter expressions from the command line to programs.

use anyhow::Context as _;

use crate::filter::capture::{Resolver, SystemResolver};
use crate::kernel::CaptureFilter;

/// The filter that the words say; `None` if they say nothing.
///
/// # Errors
///
/// What is wrong with the expression, and where.
pub(super) fn compile(text: &str, resolve: bool) -> anyhow::Result<Option<CaptureFilter>> {
    let resolver = resolve.then_some(&SystemResolver as &dyn Resolver);
    CaptureFilter::new(text, resolver).context("in the filter")
}
