//! The offline suite: bytes and files, no privileges, no network.

// The attribute tells the lints that helpers of tests are tests, too.
#[cfg(test)]
mod files;
