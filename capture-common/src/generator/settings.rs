//! What the frame generator is told.

use core::fmt;

use super::{GeneratorSizes, control_frame_len};

/// The traffic to make, patched into the generator's object before it is loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorSettings {
    /// Concurrent flows; frames visit them in turn. At least 1.
    pub flows: u32,
    /// Frames of a session, at least [`Self::MIN_SESSION_FRAMES`].
    pub session_frames: u32,
    /// Bytes of a frame with data, without frame check sequence: from [`Self::min_frame_len`] to
    /// [`Self::max_frame_len`]. Where sizes are mixed, the longest.
    pub frame_len: u32,
    /// 1: each frame is a SYN of a random source (a SYN flood), and the first two are not used.
    pub syn_flood: u32,
    /// First client address, host byte order; of an IPv6 address the last 32 bits.
    pub src: u32,
    /// First server address, likewise.
    pub dst: u32,
    /// Server port, host byte order.
    pub port: u32,
    /// Seed of what is random: initial sequence numbers, sizes, and the sources of a SYN flood.
    pub seed: u32,
    /// Each connection of this number ends by RST, counted over all flows; 0: the shares below decide.
    pub reset_every: u32,
    /// 1: TCP checksums are right; 0: they are zero, which saves a few nanoseconds.
    pub tcp_checksum: u32,
    /// Connections of a thousand that end by RST; of any thousand in a row, exactly so many.
    pub reset_share: u32,
    /// Connections of a thousand that do not end.
    pub open_share: u32,
    /// Connections of a thousand that nobody answers.
    pub unanswered_share: u32,
    /// Bits for the host in the net that clients are in, at most 32. Its addresses take turns from `src`
    /// on, all with port 32768, then with the next, up to 65535; in a SYN flood they are random, and so
    /// is the port (from 1024 up). Or [`Self::ONWARD`].
    pub src_bits: u32,
    /// Bits for the host in the net that servers are in, at most 32. Its addresses take turns from `dst`
    /// on; in a SYN flood they are random.
    pub dst_bits: u32,
    /// 4 or 6.
    pub ip_version: u32,
    /// [`Self::TCP`] or [`Self::UDP`].
    pub protocol: u32,
    /// VLAN of all frames (IEEE 802.1Q); 0: no tag.
    pub vlan: u32,
    /// 0: data has the same length everywhere; else entries of [`GeneratorSizes`] in use.
    pub sizes: u32,
    /// First 96 bits of the IPv6 addresses of clients, host byte order in each word.
    pub src_net: [u32; 3],
    /// First 96 bits of the IPv6 addresses of servers, likewise.
    pub dst_net: [u32; 3],
}

const _: () = assert!(size_of::<GeneratorSettings>() == 100);

impl GeneratorSettings {
    /// What the object says before it is patched.
    pub const UNPATCHED: Self = Self {
        flows: 1,
        session_frames: 10,
        frame_len: 64,
        syn_flood: 0,
        src: 0x0a00_0002,
        dst: 0x0a00_0001,
        port: 80,
        seed: 1,
        reset_every: 0,
        tcp_checksum: 1,
        reset_share: 0,
        open_share: 0,
        unanswered_share: 0,
        src_bits: Self::ONWARD,
        dst_bits: 0,
        ip_version: 4,
        protocol: Self::TCP,
        vlan: 0,
        sizes: 0,
        // 2001:db8::/32 is for documentation (RFC 3849).
        src_net: [0x2001_0db8, 0, 0],
        dst_net: [0x2001_0db8, 0, 0],
    };

    /// For [`Self::src_bits`]: no net. Connection `n` comes from `src + n / 32768`, port `32768 + n %
    /// 32768`; in a SYN flood the lower 24 bits of the address (all 32 in IPv6) are random.
    pub const ONWARD: u32 = 64;

    /// Protocol number of TCP.
    pub const TCP: u32 = 6;

    /// Protocol number of UDP.
    pub const UDP: u32 = 17;

    /// Handshake, one segment of data, and the three frames of an orderly end.
    pub const MIN_SESSION_FRAMES: u32 = 7;

    /// The shortest frame of Ethernet, without tag and frame check sequence (IEEE 802.3, 4A.4.2).
    pub const MIN_FRAME_LEN: u32 = 60;

    /// The longest frame of a device with an MTU of 1500 bytes, without tag.
    pub const MAX_FRAME_LEN: u32 = 1514;

    /// Bytes of a frame without data, unless all frames are shorter or the headers are longer.
    pub const CONTROL_FRAME_LEN: u32 = 64;

    /// What the payload is made of, but for what is padding in a frame without data: that is zeros.
    pub const FILL: u8 = b'.';

    /// Bytes of a VLAN tag (IEEE 802.1Q).
    const TAG_LEN: u32 = 4;

    /// Bytes before the IP header: Ethernet, and the tag if there is one.
    #[must_use]
    #[inline(always)]
    pub const fn link_len(tagged: bool) -> u32 {
        if tagged { 14 + Self::TAG_LEN } else { 14 }
    }

    /// Bytes of an IP header without options (RFC 791, RFC 8200).
    #[must_use]
    #[inline(always)]
    pub const fn net_len(ip_version: u32) -> u32 {
        if ip_version == 6 { 40 } else { 20 }
    }

    /// Bytes of a TCP header without options (RFC 9293), or of a UDP header (RFC 768).
    #[must_use]
    #[inline(always)]
    pub const fn transport_len(protocol: u32) -> u32 {
        if protocol == Self::UDP { 8 } else { 20 }
    }

    /// Bytes of all headers together.
    #[must_use]
    pub const fn headers_len(&self) -> u32 {
        Self::link_len(self.vlan != 0)
            + Self::net_len(self.ip_version)
            + Self::transport_len(self.protocol)
    }

    /// The shortest frame with data that these headers allow.
    #[must_use]
    pub const fn min_frame_len(&self) -> u32 {
        let shortest = Self::MIN_FRAME_LEN + if self.vlan != 0 { Self::TAG_LEN } else { 0 };
        let headers = self.headers_len();
        if headers < shortest {
            shortest
        } else {
            headers + 1
        }
    }

    /// The longest frame.
    #[must_use]
    pub const fn max_frame_len(&self) -> u32 {
        Self::MAX_FRAME_LEN + if self.vlan != 0 { Self::TAG_LEN } else { 0 }
    }

    /// Payload bytes of a segment with data; where sizes are mixed, of the longest.
    #[must_use]
    pub const fn payload_len(&self) -> u32 {
        self.frame_len - self.headers_len()
    }

    /// Bytes of a frame without data.
    #[must_use]
    pub const fn control_frame_len(&self) -> u32 {
        control_frame_len(self.headers_len(), self.frame_len)
    }

    /// The last VLAN (IEEE 802.1Q, 9.6).
    pub const MAX_VLAN: u32 = 4094;

    /// All connections, in the unit of the shares.
    pub const WHOLE: u32 = 1000;

    /// Flows that differ in their addresses or ports.
    const fn most_flows(&self) -> u64 {
        if self.src_bits == Self::ONWARD || self.syn_flood != 0 {
            return u64::MAX;
        }
        // Client addresses and their 32,768 ports take turns together, server addresses beside them.
        let clients = self.src_bits + 15;
        let bits = if clients < self.dst_bits {
            self.dst_bits
        } else {
            clients
        };
        1 << bits
    }

    /// Whether the generator can make this traffic.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    pub const fn check(&self) -> Result<(), SettingsError> {
        if self.flows == 0 {
            return Err(SettingsError::NoFlows);
        }
        if self.session_frames < Self::MIN_SESSION_FRAMES {
            return Err(SettingsError::SessionTooShort(self.session_frames));
        }
        if self.ip_version != 4 && self.ip_version != 6 {
            return Err(SettingsError::IpVersion(self.ip_version));
        }
        if self.protocol != Self::TCP && self.protocol != Self::UDP {
            return Err(SettingsError::Protocol(self.protocol));
        }
        if self.vlan > Self::MAX_VLAN {
            return Err(SettingsError::Vlan(self.vlan));
        }
        if self.frame_len < self.min_frame_len() || self.frame_len > self.max_frame_len() {
            return Err(SettingsError::FrameLen {
                len: self.frame_len,
                min: self.min_frame_len(),
                max: self.max_frame_len(),
            });
        }
        if self.sizes > GeneratorSizes::MAX as u32 {
            return Err(SettingsError::Sizes(self.sizes));
        }
        if (self.src_bits > 32 && self.src_bits != Self::ONWARD) || self.dst_bits > 32 {
            return Err(SettingsError::HostBits);
        }
        if self.flows as u64 > self.most_flows() {
            return Err(SettingsError::TooManyFlows {
                flows: self.flows,
                most: self.most_flows(),
            });
        }
        if self.syn_flood != 0 && self.protocol != Self::TCP {
            return Err(SettingsError::FloodOfDatagrams);
        }
        let shares =
            self.reset_share as u64 + self.open_share as u64 + self.unanswered_share as u64;
        if shares > Self::WHOLE as u64 {
            return Err(SettingsError::Shares(shares));
        }
        if self.port == 0 || self.port > u16::MAX as u32 {
            return Err(SettingsError::Port(self.port));
        }
        Ok(())
    }
}

/// Why the generator cannot make such traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// There has to be a flow.
    NoFlows,
    /// A session of so few frames has no room for its beginning and its end.
    SessionTooShort(u32),
    /// Bytes of a frame, too few or too many.
    FrameLen {
        /// What was asked for.
        len: u32,
        /// The fewest that these headers allow.
        min: u32,
        /// The most.
        max: u32,
    },
    /// Not a version of IP.
    IpVersion(u32),
    /// Neither TCP nor UDP.
    Protocol(u32),
    /// Not a VLAN.
    Vlan(u32),
    /// More sizes than there is room for.
    Sizes(u32),
    /// A net has at most 32 bits for the host here.
    HostBits,
    /// More flows at once than there are addresses and ports.
    TooManyFlows {
        /// What was asked for.
        flows: u32,
        /// The most that these nets have room for.
        most: u64,
    },
    /// UDP has no SYN.
    FloodOfDatagrams,
    /// Shares that are more than all, of a thousand.
    Shares(u64),
    /// Not a port that can be connected to.
    Port(u32),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFlows => write!(f, "at least one flow is needed"),
            Self::SessionTooShort(frames) => write!(
                f,
                "a session has at least {} frames, not {frames}",
                GeneratorSettings::MIN_SESSION_FRAMES
            ),
            Self::FrameLen { len, min, max } => {
                write!(
                    f,
                    "a frame with these headers has {min} to {max} bytes, not {len}"
                )
            }
            Self::IpVersion(version) => write!(f, "there is no IP version {version}"),
            Self::Protocol(protocol) => {
                write!(f, "protocol {protocol} is neither TCP (6) nor UDP (17)")
            }
            Self::Vlan(vlan) => write!(
                f,
                "VLAN {vlan} is not in 1 to {}",
                GeneratorSettings::MAX_VLAN
            ),
            Self::Sizes(sizes) => write!(
                f,
                "at most {} sizes can be mixed, not {sizes}",
                GeneratorSizes::MAX
            ),
            Self::HostBits => write!(f, "a net has at most 32 bits for the host here"),
            Self::TooManyFlows { flows, most } => write!(
                f,
                "{flows} flows at once are more than the {most} that client addresses (32,768 ports each) and \
                 server addresses make; use larger nets"
            ),
            Self::FloodOfDatagrams => write!(f, "a SYN flood is of TCP, not of UDP"),
            Self::Shares(thousandths) => write!(
                f,
                "the shares of how connections end add up to {}.{} %, more than all",
                thousandths / 10,
                thousandths % 10
            ),
            Self::Port(port) => write!(f, "port {port} is not in 1 to 65535"),
        }
    }
}

impl core::error::Error for SettingsError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        let good = GeneratorSettings::UNPATCHED;
        assert_eq!(good.check(), Ok(()));
        let check = |settings: GeneratorSettings| settings.check();
        assert_eq!(
            check(GeneratorSettings { flows: 0, ..good }),
            Err(SettingsError::NoFlows)
        );
        assert_eq!(
            check(GeneratorSettings {
                session_frames: 6,
                ..good
            }),
            Err(SettingsError::SessionTooShort(6))
        );
        assert_eq!(
            check(GeneratorSettings {
                frame_len: 59,
                ..good
            }),
            Err(SettingsError::FrameLen {
                len: 59,
                min: 60,
                max: 1514
            })
        );
        assert_eq!(
            check(GeneratorSettings {
                frame_len: 1515,
                ..good
            }),
            Err(SettingsError::FrameLen {
                len: 1515,
                min: 60,
                max: 1514
            })
        );
        assert_eq!(
            check(GeneratorSettings {
                port: 65536,
                ..good
            }),
            Err(SettingsError::Port(65536))
        );
    }

    #[test]
    fn what_headers_and_nets_have_no_room_for_is_refused() {
        let good = GeneratorSettings::UNPATCHED;
        let check = |settings: GeneratorSettings| settings.check();
        let tagged_ipv6 = GeneratorSettings {
            ip_version: 6,
            vlan: 4094,
            frame_len: 78,
            ..good
        };
        let error = check(tagged_ipv6);
        let expected = SettingsError::FrameLen {
            len: 78,
            min: 79,
            max: 1518,
        };
        assert_eq!(
            error,
            Err(expected),
            "14 + 4 + 40 + 20 bytes of headers, and one of data"
        );
        let shares = GeneratorSettings {
            reset_share: 600,
            open_share: 401,
            ..good
        };
        assert_eq!(check(shares), Err(SettingsError::Shares(1001)));
        for settings in [
            GeneratorSettings {
                ip_version: 5,
                ..good
            },
            GeneratorSettings {
                protocol: 1,
                ..good
            },
            GeneratorSettings { vlan: 4095, ..good },
            GeneratorSettings { sizes: 65, ..good },
            GeneratorSettings {
                src_bits: 33,
                ..good
            },
            GeneratorSettings {
                dst_bits: 33,
                ..good
            },
            GeneratorSettings {
                src_bits: 0,
                flows: 32_769,
                ..good
            },
            GeneratorSettings {
                src_bits: 1,
                dst_bits: 16,
                flows: 65_537,
                ..good
            },
            GeneratorSettings {
                protocol: 17,
                syn_flood: 1,
                ..good
            },
        ] {
            assert!(check(settings).is_err(), "{settings:?}");
        }
    }
}
