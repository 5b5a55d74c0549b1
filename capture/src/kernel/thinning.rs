//! What is copied of the traffic: which packets, and how much of each. What is counted is all of it,
//! whatever is chosen here.

use std::fmt;

use crate::flow::Sampling;

/// What is copied of the traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thinning {
    /// Bytes of a packet that are copied at most.
    pub snap_len: u32,
    /// What of each packet.
    pub extent: Extent,
    /// Which packets.
    pub sampling: Sampling,
    /// Segments that open or end a connection.
    pub control: Control,
    /// How much of each connection; `None` is all of it.
    pub cutoff: Option<Cutoff>,
}

/// What is copied of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it, up to the snap length.
    Whole,
    /// No more than up to the end of the outermost transport header.
    Headers,
}

/// What sampling does with segments that have SYN, FIN or RST.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// What it does with all others.
    Sampled,
    /// It keeps those of the flows that it keeps.
    Kept,
    /// It keeps all of them.
    KeptOfAll,
}

/// How much of a connection is copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cutoff {
    /// Bytes of payload each way.
    pub bytes: u64,
    /// Connections that can be cut short at once.
    pub flows: u32,
}

impl Thinning {
    /// Everything.
    pub const NONE: Self = Self {
        snap_len: capture_common::MAX_CAP_LEN,
        extent: Extent::Whole,
        sampling: Sampling::ALL,
        control: Control::Sampled,
        cutoff: None,
    };
}

/// In words, as a capture file says it; nothing if everything is copied.
impl fmt::Display for Thinning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        let Sampling { packets, flows } = self.sampling;
        if flows > 1 {
            parts.push(format!("sampled 1/{flows} connections"));
        }
        if packets > 1 {
            parts.push(format!("sampled 1/{packets} packets"));
        }
        match self.control {
            Control::Kept if packets > 1 => parts.push("control segments kept".to_owned()),
            Control::KeptOfAll => parts.push("control segments of all connections kept".to_owned()),
            Control::Kept | Control::Sampled => {}
        }
        if let Some(cutoff) = self.cutoff {
            parts.push(format!("cutoff {} bytes of payload each way", cutoff.bytes));
        }
        if self.extent == Extent::Headers {
            parts.push("headers only".to_owned());
        }
        f.write_str(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_out_is_said_in_words() {
        assert_eq!(Thinning::NONE.to_string(), "");
        let thinning = Thinning {
            sampling: Sampling {
                packets: 100,
                flows: 10,
            },
            control: Control::Kept,
            cutoff: Some(Cutoff {
                bytes: 65_536,
                flows: 4,
            }),
            extent: Extent::Headers,
            ..Thinning::NONE
        };
        assert_eq!(
            thinning.to_string(),
            "sampled 1/10 connections, sampled 1/100 packets, control segments kept, cutoff 65536 bytes of \
             payload each way, headers only"
        );
    }
}
