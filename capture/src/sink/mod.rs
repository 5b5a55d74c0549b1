//! What leaves a shard: packets into pcapng files, connection records into tables.
//!
//! Shards never touch a file: they fill buffers, and one thread for each file writes them.
//!
//! - `flows/` connection records: CSV, JSON lines, a table for people
//! - `pcapng/` packets

use std::fs::OpenOptions;
use std::io;
use std::path::Path;

pub mod flows;
pub mod pcapng;

pub use pcapng::{Existing, Overflow, SinkError};

/// Creates an output file; `-` is standard output.
pub(crate) fn create(path: &Path, existing: Existing) -> Result<flows::Out, SinkError> {
    if path.as_os_str() == "-" {
        return Ok(Box::new(io::stdout()));
    }
    let mut options = OpenOptions::new();
    options.write(true);
    match existing {
        Existing::Refuse => options.create_new(true),
        Existing::Overwrite => options.create(true).truncate(true),
    };
    match options.open(path) {
        Ok(file) => Ok(Box::new(file)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(SinkError::Exists {
            path: path.to_owned(),
        }),
        Err(source) => Err(SinkError::Create {
            path: path.to_owned(),
            source,
        }),
    }
}
