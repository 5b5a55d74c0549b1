//! The traffic to make, checked: settings, sizes, Ethernet addresses.

use capture_common::generator::{self, GeneratorState};
use capture_common::{GeneratorSettings, GeneratorSizes};

use super::{GenerateError, MacAddrs, Sizes};

/// Traffic that can be made. The same traffic is the same frames, in the kernel and in a file.
#[derive(Clone, Debug)]
pub struct Traffic {
    /// What the script follows.
    pub settings: GeneratorSettings,
    /// The lengths that take turns, where there are several.
    pub sizes: GeneratorSizes,
    /// Ethernet addresses of all frames, whichever side of the session they play.
    pub macs: MacAddrs,
}

impl From<GeneratorSettings> for Traffic {
    fn from(settings: GeneratorSettings) -> Self {
        Self {
            settings,
            sizes: GeneratorSizes::NONE,
            macs: MacAddrs::NOBODY,
        }
    }
}

impl Traffic {
    /// Frames of these sizes; `frame_len` and `sizes` of the settings follow from them.
    ///
    /// # Errors
    ///
    /// Settings out of range, or a size that these headers do not allow.
    pub fn new(settings: GeneratorSettings, sizes: &Sizes) -> Result<Self, GenerateError> {
        let lens = sizes.frame_lens(&settings)?;
        for len in &lens {
            let one = GeneratorSettings {
                frame_len: *len,
                ..settings
            };
            one.check()?;
        }
        let frame_len = lens.iter().copied().max().unwrap_or(settings.frame_len);
        let mixed = lens.iter().any(|len| *len != frame_len);
        let settings = GeneratorSettings {
            frame_len,
            sizes: if mixed { lens.len() as u32 } else { 0 },
            ..settings
        };
        settings.check()?;
        let headers_len = settings.headers_len();
        let payloads: Vec<_> = lens.iter().map(|len| len - headers_len).collect();
        Ok(Self {
            settings,
            sizes: GeneratorSizes::new(&payloads),
            macs: MacAddrs::NOBODY,
        })
    }

    /// The same with other Ethernet addresses.
    #[must_use]
    pub fn with_macs(self, macs: MacAddrs) -> Self {
        Self { macs, ..self }
    }

    /// Bytes of a frame on average, over whole sessions of many flows.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an average")]
    pub fn mean_frame_len(&self) -> f64 {
        /// Connections that are looked at, and frames of all together.
        const CONNECTIONS: u32 = GeneratorSettings::WHOLE;
        const FRAMES: u32 = 1 << 20;
        let flows = (FRAMES / self.settings.session_frames).clamp(1, CONNECTIONS);
        let settings = GeneratorSettings {
            flows,
            ..self.settings
        };
        let frames = flows.saturating_mul(settings.session_frames).min(FRAMES);
        let mut state = GeneratorState::default();
        let mut bytes = 0;
        for _ in 0..frames {
            let segment = generator::next(&settings, &self.sizes, &mut state);
            bytes += u64::from(self.frame_len(segment.payload_len));
        }
        bytes as f64 / f64::from(frames)
    }

    /// Bytes of a frame with so much payload.
    pub(super) fn frame_len(&self, payload_len: u32) -> u32 {
        if payload_len == 0 {
            self.settings.control_frame_len()
        } else {
            self.settings.headers_len() + payload_len
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_is_over_whole_sessions() {
        // Three frames of a handshake and three of an end, 64 bytes each, and six of data.
        let settings = GeneratorSettings {
            session_frames: 12,
            ..GeneratorSettings::UNPATCHED
        };
        let traffic = Traffic::new(settings, &"1000".parse().unwrap()).unwrap();
        assert!((traffic.mean_frame_len() - 532.0).abs() < 1e-9);
        let flood = GeneratorSettings {
            syn_flood: 1,
            ..settings
        };
        let flood = Traffic::new(flood, &"1000".parse().unwrap()).unwrap();
        assert!((flood.mean_frame_len() - 64.0).abs() < 1e-9);
    }

    #[test]
    fn a_size_without_room_for_its_headers_is_refused() {
        let ipv6 = GeneratorSettings {
            ip_version: 6,
            ..GeneratorSettings::UNPATCHED
        };
        let sizes = "1000,74".parse().unwrap();
        let error = Traffic::new(ipv6, &sizes).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a frame with these headers has 75 to 1514 bytes, not 74"
        );
        assert!(Traffic::new(ipv6, &"75".parse().unwrap()).is_ok());
    }
}
