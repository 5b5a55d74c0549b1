//! Runs one workload so many times, for a tool that counts instructions: `cargo xtask bench --check` runs it
//! twice with different numbers of rounds, so that the difference is the rounds' alone.
//!
//! Prints the packets of a round.

#![expect(clippy::print_stdout, reason = "a number is what it is asked for")]

mod traffic;
mod workloads;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

/// Runs workloads.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Names all workloads.
    List,
    /// Runs one of them.
    Run {
        /// Its name.
        workload: String,
        /// How often.
        rounds: u32,
    },
}

fn main() -> Result<()> {
    match Args::parse().what {
        What::List => {
            for workload in workloads::ALL {
                println!("{}", workload.name);
            }
        }
        What::Run { workload, rounds } => {
            let workload = workloads::ALL.iter().find(|known| known.name == workload);
            let mut round = (workload.context("there is no such workload")?.prepare)()?;
            for _ in 0..rounds {
                (round.run)();
            }
            println!("{}", round.packets);
        }
    }
    Ok(())
}
