//! The frame that each test run starts from: whatever the generator's program does not write.

use capture_common::GeneratorSettings;

/// Ethernet addresses of the frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MacAddrs {
    /// Of the end that sends.
    pub src: [u8; 6],
    /// Of the end that receives.
    pub dst: [u8; 6],
}

impl MacAddrs {
    /// Locally administered addresses (IEEE 802, 8.2) that are nobody's.
    pub const NOBODY: Self = Self {
        src: [0x02, 0, 0, 0, 0, 0x02],
        dst: [0x02, 0, 0, 0, 0, 0x01],
    };

    /// Writes them to the beginning of a frame.
    pub(super) fn write(&self, frame: &mut [u8]) {
        frame[..6].copy_from_slice(&self.dst);
        frame[6..12].copy_from_slice(&self.src);
    }
}

/// Builds the template: Ethernet, a tag if there is one (IEEE 802.1Q), IPv4 (RFC 791) or IPv6 (RFC
/// 8200), TCP (RFC 9293) or UDP (RFC 768) without options, payload.
pub(super) fn frame(settings: &GeneratorSettings, macs: &MacAddrs) -> Vec<u8> {
    const TIME_TO_LIVE: u8 = 64;
    let mut frame = vec![0; 12];
    macs.write(&mut frame);
    if settings.vlan != 0 {
        frame.extend([0x81, 0x00]);
        frame.extend((settings.vlan as u16).to_be_bytes());
    }
    let protocol = settings.protocol as u8;
    if settings.ip_version == 6 {
        frame.extend([0x86, 0xdd]);
        // Version 6, no traffic class, no flow label; the length is written later.
        frame.extend([0x60, 0, 0, 0, 0, 0]);
        frame.extend([protocol, TIME_TO_LIVE]);
    } else {
        frame.extend([0x08, 0x00]);
        // Version 4 and 5 words of header; no type of service; length and identification are written
        // later. Do not fragment: allows an identification that is always zero (RFC 6864).
        frame.extend([0x45, 0, 0, 0, 0, 0, 0x40, 0]);
        frame.extend([TIME_TO_LIVE, protocol]);
    }
    frame.resize(settings.control_frame_len() as usize, 0);
    frame.resize(settings.frame_len as usize, GeneratorSettings::FILL);
    frame
}
