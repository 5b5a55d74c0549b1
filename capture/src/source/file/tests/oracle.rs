//! Files as another reader of pcapng has them.

use pcap_parser::traits::PcapReaderIterator as _;
use pcap_parser::{Block as OracleBlock, PcapBlockOwned, PcapError, PcapNGReader};
use proptest::prelude::*;

use super::*;

/// One packet as the other parser gives it: timestamp units, lengths and bytes.
type OraclePacket = (u64, u32, u32, Vec<u8>);

fn oracle_pcapng(file: &[u8]) -> Vec<OraclePacket> {
    let mut reader = PcapNGReader::new(1 << 20, file).unwrap();
    let mut packets = Vec::new();
    loop {
        match reader.next() {
            Ok((consumed, block)) => {
                if let PcapBlockOwned::NG(OracleBlock::EnhancedPacket(epb)) = block {
                    let units = u64::from(epb.ts_high) << 32 | u64::from(epb.ts_low);
                    let data = epb.data[..epb.caplen as usize].to_vec();
                    packets.push((units, epb.if_id, epb.origlen, data));
                }
                reader.consume(consumed);
            }
            Err(PcapError::Eof) => return packets,
            Err(PcapError::Incomplete(_)) => reader.refill().unwrap(),
            Err(error) => panic!("{error}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn another_parser_reads_the_same(
        little in any::<bool>(),
        packets in prop::collection::vec(
            (0..1_u64 << 60, 0..3_u32, any::<u16>(), prop::collection::vec(any::<u8>(), 0..200)),
            0..40,
        ),
    ) {
        let order = if little { Endian::Little } else { Endian::Big };
        let mut file = section(order, 0);
        for link in 0..3 {
            file.extend(iface(order, link, 0, &[(9, &[9])]));
        }
        for (units, iface, wire_len, data) in &packets {
            file.extend(enhanced(order, *iface, *units, u32::from(*wire_len), data).option(1, b"hi").block(6));
        }
        let (ours, _, error) = read(&file);
        prop_assert!(error.is_none());
        let ours: Vec<OraclePacket> =
            ours.into_iter().map(|(meta, data)| (meta.ts.0, meta.iface.0, meta.wire_len, data)).collect();
        prop_assert_eq!(ours, oracle_pcapng(&file));
    }

    #[test]
    fn no_bytes_make_it_panic(mut noise in prop::collection::vec(any::<u8>(), 0..300), place in 0..200_usize) {
        read(&noise);
        let (mut file, _) = every_block();
        let place = place.min(file.len());
        noise.truncate(8);
        file.splice(place..(place + noise.len()).min(file.len()), noise);
        read(&file);
        read(&gzip(&file));
    }
}
