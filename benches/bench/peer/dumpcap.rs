//! What dumpcap says at its end (`capture_loop_start` and `report_packet_drops` in Wireshark's dumpcap.c).

use super::Told;

/// `Packets captured: N`, and of each interface `received/dropped on interface 'X': N/N (pcap:N/…`.
pub(super) fn told(text: &str) -> Option<Told> {
    let mut lines = text.split(['\n', '\r']);
    let written =
        lines.find_map(|line| line.strip_prefix("Packets captured: ")?.trim().parse().ok())?;
    let line = lines.find(|line| line.starts_with("Packets received/dropped on interface "))?;
    let dropped = line.rsplit_once("': ")?.1.split(['/', ' ']).nth(1)?;
    Some(Told {
        written,
        dropped: dropped.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drops_are_those_of_the_interface() {
        // Dumpcap 4.0.17 of Debian 12, three million frames; the file has 2,187,012 packets.
        let text = "Capturing on 'server0'\nFile: /tmp/live.pcapng\n\rPackets captured: 2187012\n\
                    Packets received/dropped on interface 'server0': 2187012/812988 \
                    (pcap:812988/dumpcap:0/flushed:0/ps_ifdrop:0) (72.9%)\n";
        let told = told(text).unwrap();
        assert_eq!((told.written, told.dropped), (2_187_012, 812_988));
        assert_eq!(told.written + told.dropped, 3_000_000);
    }

    #[test]
    fn names_of_interfaces_may_have_anything_in_them() {
        // The same, on loopback.
        let text = "Capturing on 'Loopback: lo'\nFile: d.pcapng\n\rPackets captured: 40\n\
                    Packets received/dropped on interface 'Loopback: lo': 40/0 \
                    (pcap:0/dumpcap:0/flushed:0/ps_ifdrop:0) (100.0%)\n";
        let expected = Told {
            written: 40,
            dropped: 0,
        };
        assert_eq!(told(text), Some(expected));
    }
}
