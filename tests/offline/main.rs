//! What can be tested with bytes and files alone, on any machine and by any user.

// The attribute tells the lints that helpers of tests are tests, too.
#[cfg(test)]
mod applications;
#[cfg(test)]
mod capture_filter;
#[cfg(test)]
mod command_line;
#[cfg(test)]
mod conversation;
#[cfg(test)]
mod damaging;
#[cfg(test)]
mod differential;
#[cfg(test)]
mod export;
#[cfg(test)]
mod files;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod flows;
#[cfg(test)]
mod generate;
#[cfg(test)]
mod judged;
#[cfg(test)]
mod layers;
#[cfg(test)]
mod listed;
#[cfg(test)]
mod neighbors;
#[cfg(test)]
mod protocols;
#[cfg(test)]
mod quic;
#[cfg(test)]
mod records;
#[cfg(test)]
mod remarks;
#[cfg(test)]
mod robustness;
#[cfg(test)]
mod seeds;
#[cfg(test)]
mod slow_tracker;
#[cfg(test)]
mod slow_tracker_oracles;
#[cfg(test)]
mod statistics;
