//! What is remembered from frame to frame: conversations, what waits to be put together, what waits
//! for an answer.
//!
//! Each protocol keeps its own part; all of them are bounded. With two passes, the second one walks the
//! same frames again in the same way, so that everything but what only the end of the file told is
//! found once more: that alone is kept from the first.
//!
//! - `conversations.rs` who talks with whom, with Wireshark's stream numbers;
//!   `slots.rs` where they lie; `datagrams.rs` streams of UDP

mod conversations;
mod datagrams;
mod slots;

pub(crate) use conversations::{Conversations, Direction, Found, Hash, Key, Seed};
pub(crate) use datagrams::{Counts, Datagrams, Stream};

use super::proto::fragments::Fragments;
use super::proto::icmp::pairs::Pairs;
use super::proto::{arp, brief, dns, http, imf, quic, smtp, ssh, tcp, tls, vlan};

/// Everything that dissectors remember.
#[derive(Debug, Default)]
pub struct Memory {
    /// Which time the file is read.
    pub pass: Pass,
    /// TCP streams.
    pub(crate) tcp: tcp::Memory,
    /// UDP streams.
    pub(crate) udp: Datagrams,
    /// Fragments that wait for the others.
    pub(crate) fragments: Fragments,
    /// The VLAN of a frame.
    pub(crate) vlan: vlan::Memory,
    /// Echo requests that wait for their replies.
    pub(crate) echoes: Pairs,
    /// Who has which address.
    pub(crate) arp: arp::Memory,
    /// TLS connections.
    pub(crate) tls: tls::Memory,
    /// DNS queries.
    pub(crate) dns: dns::Memory,
    /// HTTP in streams.
    pub(crate) http: http::Memory,
    /// QUIC connections.
    pub(crate) quic: quic::Memory,
    /// What QUIC was at Google.
    pub(crate) google: quic::google::Memory,
    /// SMTP in streams.
    pub(crate) mails: imf::Memory,
    pub(crate) smtp: smtp::Memory,
    /// SSH connections.
    pub(crate) ssh: ssh::Memory,
    /// What those remember that are told briefly.
    pub(crate) brief: brief::memory::Memory,
}

/// Which time the file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pass {
    /// The only one.
    #[default]
    Only,
    /// The first of two: what its end tells is kept for the second.
    First,
    /// The second: everything is known.
    Second,
}

impl Memory {
    /// What is remembered before the first frame of a file that is read in this way.
    #[must_use]
    pub fn new(pass: Pass) -> Self {
        Self {
            pass,
            ..Self::default()
        }
    }

    /// The first pass is over: everything is forgotten but what the second one is to know.
    pub fn begin_second_pass(&mut self) {
        let Self {
            pass,
            tcp,
            udp,
            fragments,
            vlan,
            echoes,
            arp,
            tls,
            dns,
            http,
            quic,
            google,
            mails,
            smtp,
            ssh,
            brief,
        } = self;
        *pass = Pass::Second;
        tcp.begin_second_pass();
        udp.begin_second_pass();
        fragments.begin_second_pass();
        *vlan = vlan::Memory::default();
        echoes.begin_second_pass();
        *arp = arp::Memory::default();
        tls.begin_second_pass();
        dns.begin_second_pass();
        http.begin_second_pass();
        *quic = quic::Memory::default();
        *google = quic::google::Memory::default();
        *mails = imf::Memory::default();
        *smtp = smtp::Memory::default();
        ssh.begin_second_pass();
        brief.begin_second_pass();
    }
}
