//! What tcpdump says at its end (tcpdump(1), "OUTPUT FORMAT" and the description of its three counts).

use super::{Told, number_before};

/// "Captured" is what it wrote; "dropped by kernel" is of the socket. Counts of one go without an s.
pub(super) fn told(text: &str) -> Option<Told> {
    let either =
        |many: &str, one: &str| number_before(text, many).or_else(|| number_before(text, one));
    Some(Told {
        written: either("packets captured", "packet captured")?,
        dropped: either("packets dropped by kernel", "packet dropped by kernel")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_kernel_dropped_is_not_in_the_file() {
        // tcpdump 4.99.3 of Debian 12 with a small buffer, a million frames; the file has 999,396 packets.
        let text = "tcpdump: listening on server0, link-type EN10MB (Ethernet), snapshot length 262144 bytes\n\
                    999396 packets captured\n1000000 packets received by filter\n604 packets dropped by kernel\n";
        let expected = Told {
            written: 999_396,
            dropped: 604,
        };
        assert_eq!(told(text), Some(expected));
    }

    #[test]
    fn one_packet_goes_without_an_s() {
        let text = "1 packet captured\n1 packet received by filter\n0 packets dropped by kernel\n";
        let expected = Told {
            written: 1,
            dropped: 0,
        };
        assert_eq!(told(text), Some(expected));
    }
}
