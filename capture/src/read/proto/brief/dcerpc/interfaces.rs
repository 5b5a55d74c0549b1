//! Interfaces of DCE/RPC by their UUIDs, as documents of Microsoft and C706 give them.

use std::fmt;

use super::operations;

/// An interface that has a name in the list.
#[derive(Debug)]
pub(super) struct Interface {
    /// The halves of its UUID.
    uuid: (u64, u64),
    version: u16,
    /// Its name as a protocol.
    pub(super) name: &'static str,
    /// Names of its operations by their numbers, if they are known.
    pub(super) operations: &'static [&'static str],
}

impl Interface {
    const fn new(
        uuid: (u64, u64),
        version: u16,
        name: &'static str,
        operations: &'static [&'static str],
    ) -> Self {
        Self {
            uuid,
            version,
            name,
            operations,
        }
    }

    /// Its name where it is bound.
    pub(super) fn bound_name(&self) -> &'static str {
        match self.name {
            "EPM" => "EPMv4",
            name => name,
        }
    }
}

/// The interfaces that are known.
static INTERFACES: &[Interface] = &[
    Interface::new(
        (0x86d3_5949_83c9_4044, 0xb424_db36_3231_fd0c),
        1,
        "TaskSchedulerService",
        &[],
    ),
    Interface::new(
        (0xe1af_8308_5d1f_11c9, 0x91a4_0800_2b14_a0fa),
        3,
        "EPM",
        operations::EPM,
    ),
    Interface::new(
        (0x1234_5778_1234_abcd, 0xef00_0123_4567_89ab),
        0,
        "LSARPC",
        operations::LSARPC,
    ),
    Interface::new(
        (0x1234_5778_1234_abcd, 0xef00_0123_4567_89ac),
        1,
        "SAMR",
        operations::SAMR,
    ),
    Interface::new(
        (0x1234_5678_1234_abcd, 0xef00_0123_4567_cffb),
        1,
        "RPC_NETLOGON",
        operations::NETLOGON,
    ),
    Interface::new(
        (0x4b32_4fc8_1670_01d3, 0x1278_5a47_bf6e_e188),
        3,
        "SRVSVC",
        operations::SRVSVC,
    ),
    Interface::new(
        (0x6bff_d098_a112_3610, 0x9833_46c3_f87e_345a),
        1,
        "WKSSVC",
        operations::WKSSVC,
    ),
    Interface::new(
        (0x885d_85fb_c754_4062, 0xa0e7_6872_ce00_64f4),
        2,
        "MDSSVC",
        operations::MDSSVC,
    ),
    Interface::new(
        (0x367a_bb81_9844_35f1, 0xad32_98f0_3800_1003),
        2,
        "SVCCTL",
        operations::SVCCTL,
    ),
    Interface::new(
        (0x338c_d001_2244_31f1, 0xaaaa_9000_3800_1003),
        1,
        "WINREG",
        operations::WINREG,
    ),
    Interface::new(
        (0xe351_4235_4b06_11d1, 0xab04_00c0_4fc2_dcd2),
        4,
        "DRSUAPI",
        &[],
    ),
    Interface::new(
        (0x1234_5678_1234_abcd, 0xef00_0123_4567_89ab),
        1,
        "SPOOLSS",
        &[],
    ),
    Interface::new(
        (0x99fc_fec4_5260_101b, 0xbbcb_00aa_0021_347a),
        0,
        "IOXIDResolver",
        &[],
    ),
    Interface::new(
        (0x0000_01a0_0000_0000, 0xc000_0000_0000_0046),
        0,
        "ISystemActivator",
        &[],
    ),
    Interface::new(
        (0x0000_0131_0000_0000, 0xc000_0000_0000_0046),
        0,
        "IRemUnknown",
        &[],
    ),
    Interface::new(
        (0x0000_0143_0000_0000, 0xc000_0000_0000_0046),
        0,
        "IRemUnknown2",
        &[],
    ),
    Interface::new(
        (0x1ff7_0682_0a51_30e8, 0x076d_740b_e8ce_e98b),
        1,
        "ATSVC",
        operations::ATSVC,
    ),
    Interface::new(
        (0xafa8_bd80_7d8a_11c9, 0xbef4_0800_2b10_2989),
        1,
        "MGMT",
        operations::MGMT,
    ),
    Interface::new(
        (0x3919_286a_b10c_11d0, 0x9ba8_00c0_4fd9_2ef5),
        0,
        "DSSETUP",
        operations::DSSETUP,
    ),
    Interface::new(
        (0xf5cc_5a18_4264_101a, 0x8c59_0800_2b2f_8426),
        56,
        "NSPI",
        &[],
    ),
    Interface::new(
        (0xa4f1_db00_ca47_1067, 0xb31f_00dd_0106_62da),
        0,
        "MAPI",
        &[],
    ),
    Interface::new(
        (0x8d9f_4e40_a03d_11ce, 0x8f69_0800_3e30_051b),
        1,
        "PNP",
        &[],
    ),
    Interface::new(
        (0x894d_e0c0_0d55_11d3, 0xa322_00c0_4fa3_21a1),
        1,
        "INITSHUTDOWN",
        &[],
    ),
];

/// An UUID as a number, from the bytes of a message.
pub(super) fn uuid(bytes: [u8; 16], is_little: bool) -> u128 {
    let mut bytes = bytes;
    if is_little {
        // Three numbers, and bytes.
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
    }
    u128::from_be_bytes(bytes)
}

/// The place of an interface in the table, from 1.
pub(super) fn place(uuid: u128, version: u16) -> Option<usize> {
    let halves = ((uuid >> 64) as u64, uuid as u64);
    let found = INTERFACES
        .iter()
        .position(|interface| (interface.uuid, interface.version) == (halves, version))?;
    Some(found + 1)
}

/// The interface of a place.
pub(super) fn at(place: usize) -> Option<&'static Interface> {
    INTERFACES.get(place.checked_sub(1)?)
}

/// A syntax in which parameters are transferred, or an interface without a name: how it is bound.
pub(super) struct Uuid(pub(super) u128);

impl fmt::Display for Uuid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0x8a88_5d04_1ceb_11c9_9fe8_0800_2b10_4860 => f.write_str("32bit NDR"),
            0x7171_0533_beba_4937_8319_b5db_ef9c_cc36 => f.write_str("64bit NDR"),
            number => {
                let digits = format!("{number:032x}");
                let (a, b, c) = (&digits[..8], &digits[8..12], &digits[12..16]);
                write!(f, "{a}-{b}-{c}-{}-{}", &digits[16..20], &digits[20..])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_known_in_both_byte_orders() {
        // e1af8308-5d1f-11c9-91a4-08002b14a0fa, as C706 appendix O writes the endpoint mapper's.
        let mapper = 0xe1af_8308_5d1f_11c9_91a4_0800_2b14_a0fa_u128;
        let big = mapper.to_be_bytes();
        let mut little = big;
        little[..4].reverse();
        little[4..6].reverse();
        little[6..8].reverse();
        assert_eq!(uuid(big, false), mapper);
        assert_eq!(uuid(little, true), mapper);
        let found = place(mapper, 3).and_then(at);
        assert_eq!(found.map(|interface| interface.name), Some("EPM"));
        assert_eq!(place(mapper, 4), None);
        assert_eq!(
            Uuid(mapper).to_string(),
            "e1af8308-5d1f-11c9-91a4-08002b14a0fa"
        );
    }

    #[test]
    fn operations_have_the_numbers_of_their_documents() {
        // [MS-SCMR] section 3.1.4, [MS-SAMR] section 3.1.5, [MS-NRPC] section 3.5.4.
        assert_eq!(operations::SVCCTL[0], "CloseServiceHandle");
        assert_eq!(operations::SVCCTL[15], "OpenSCManagerW");
        assert_eq!(operations::SAMR[7], "OpenDomain");
        assert_eq!(operations::NETLOGON[4], "NetrServerReqChallenge");
    }
}
