//! The nightly form of the suite that holds capture filters against libpcap: the same tests as in
//! every run, with many more pairs.

use anyhow::Result;

use crate::ci::Verdict;
use crate::workspace::{cargo, run};

/// Compares so many pairs of an expression and a packet.
pub(crate) fn filter(pairs: u64, seed: u64) -> Result<Verdict> {
    run(cargo().args(["build", "--package", "capture", "--bin", "capture"]))?;
    run(cargo()
        .args(["test", "--package", "capture-tests", "--test", "offline"])
        .args(["capture_filter", "--", "--nocapture"])
        .env("CAPTURE_FILTER_PAIRS", pairs.to_string())
        .env("CAPTURE_FILTER_SEED", seed.to_string()))?;
    println!("holds");
    Ok(Verdict::Held)
}
