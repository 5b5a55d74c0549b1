//! One function for each thing that is fuzzed. It takes any bytes; a panic means that something is wrong.
//!
//! - `dissect.rs` a packet through the engine's dissector
//! - `files.rs` a capture file through the shards to records
//! - `read.rs` a capture file as `capture read` prints it
//! - `display_filter.rs`, `capture_filter.rs` expressions, and packets that they are asked about
//! - `statistics.rs` a capture file through everything that `-z` and `capture plot` know
//! - `export.rs` chosen packets of a capture file into a new one
//! - `tracker.rs` TCP segments in any order

mod capture_filter;
mod display_filter;
mod dissect;
mod export;
mod files;
mod read;
mod statistics;
mod tracker;

use crate::mutate::Shape;
use crate::seeds;

/// Something that is fuzzed.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, on the command line and in `corpus/`.
    pub name: &'static str,
    /// The function.
    pub run: fn(&[u8]),
    /// What its inputs look like.
    pub shape: Shape,
    /// Inputs to start from.
    pub seeds: fn() -> Vec<Vec<u8>>,
    /// Bytes of an input at most.
    pub max_len: usize,
    /// What an input may cost.
    pub bounds: Bounds,
}

/// What an input may cost: so much in any case, and so much more for each of its bytes. What takes more than
/// a line, such as a loop in a loop, leaves them soon.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Edges of the control flow that are passed.
    pub work: (u64, u64),
    /// Bytes of memory that are held at the same time.
    pub memory: (u64, u64),
}

impl Bounds {
    /// Edges that an input of this length may pass.
    #[must_use]
    pub const fn most_work(&self, len: usize) -> u64 {
        self.work.0 + self.work.1 * len as u64
    }

    /// Bytes that an input of this length may hold.
    #[must_use]
    pub const fn most_memory(&self, len: usize) -> u64 {
        self.memory.0 + self.memory.1 * len as u64
    }
}

const MIB: u64 = 1 << 20;

/// Of what reads whole files: tables and buffers first. All fields of all frames are asked for, of which
/// there are more than two thousand.
const FILE: Bounds = Bounds {
    work: (20_000_000, 80_000),
    memory: (24 * MIB, 16_384),
};

/// All of them.
pub static TARGETS: [Target; 8] = [
    Target {
        name: "dissect",
        run: dissect::run,
        shape: Shape::Packet { prefix: 2 },
        seeds: || seeds::packets(2),
        max_len: 2048,
        bounds: Bounds {
            work: (20_000, 500),
            // The table of fragments is there from the first one on.
            memory: (8 * MIB, 0),
        },
    },
    Target {
        name: "files",
        run: files::run,
        shape: Shape::File { prefix: 1 },
        seeds: || seeds::files(1),
        max_len: 4096,
        bounds: FILE,
    },
    Target {
        name: "read",
        run: read::run,
        shape: Shape::File { prefix: 1 },
        seeds: || seeds::files(1),
        max_len: 4096,
        bounds: FILE,
    },
    Target {
        name: "display-filter",
        run: display_filter::run,
        shape: Shape::Expression {
            words: seeds::display_words,
        },
        seeds: seeds::display_filters,
        max_len: 1536,
        bounds: Bounds {
            work: (4_000_000, 20_000),
            memory: (8 * MIB, 16_384),
        },
    },
    Target {
        name: "capture-filter",
        run: capture_filter::run,
        shape: Shape::Expression {
            words: seeds::capture_words,
        },
        seeds: seeds::capture_filters,
        max_len: 1536,
        bounds: Bounds {
            // The optimizer is libpcap's, and takes what has at most 4096 blocks.
            work: (1_500_000_000, 0),
            memory: (16 * MIB, 65_536),
        },
    },
    Target {
        name: "statistics",
        run: statistics::run,
        shape: Shape::File { prefix: 1 },
        seeds: || seeds::files(1),
        max_len: 4096,
        bounds: FILE,
    },
    Target {
        name: "export",
        run: export::run,
        shape: Shape::File { prefix: 2 },
        seeds: || seeds::files(2),
        max_len: 4096,
        bounds: FILE,
    },
    Target {
        name: "tracker",
        run: tracker::run,
        shape: Shape::Steps {
            prefix: 2,
            len: tracker::STEP_LEN,
        },
        seeds: seeds::conversations,
        max_len: 514,
        bounds: Bounds {
            work: (4_000_000, 20_000),
            memory: (8 * MIB, 16_384),
        },
    },
];
