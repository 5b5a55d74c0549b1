//! The frame that each test run starts from: whatever the generator's program does not write.

use capture_common::GeneratorSettings;

/// What the payload is made of, but for its beginning: that part is padding in a frame without data,
/// and padding is zeros.
const FILL: u8 = b'.';

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

/// Builds the template: Ethernet, IPv4 (RFC 791) and TCP (RFC 9293) without options, payload.
pub(super) fn frame(settings: &GeneratorSettings) -> Vec<u8> {
    let mut frame = vec![0; GeneratorSettings::HEADERS_LEN as usize];
    MacAddrs::NOBODY.write(&mut frame);
    frame[12..14].copy_from_slice(&[0x08, 0x00]);
    // Version 4 and 5 words of header; no type of service.
    frame[14] = 0x45;
    // Do not fragment: allows an identification that is always zero (RFC 6864).
    frame[20] = 0x40;
    // Time to live, and TCP.
    frame[22] = 64;
    frame[23] = 6;
    frame.resize(settings.control_frame_len() as usize, 0);
    frame.resize(settings.frame_len as usize, FILL);
    frame
}

/// Sum of the payload's 16-bit words, an odd byte at the end counted as RFC 1071 has it.
pub(super) fn payload_sum(frame: &[u8]) -> u32 {
    frame[GeneratorSettings::HEADERS_LEN as usize..]
        .chunks(2)
        .map(|word| u32::from(word[0]) << 8 | word.get(1).map_or(0, |&low| u32::from(low)))
        .sum()
}
